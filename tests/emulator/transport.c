#include "transport.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define BODY_BYTES_MAX (128u << 20)

/* An exchange on its way. The answer is made when the request arrives, as by a real org: what happens while it travels
 * is not in it. */
struct flight {
    struct flight *next;
    struct okta_exchange *x;
    int64_t due_mono_ms;
    uint64_t number;
    enum transport_fault fault;
    struct emulator_response response;
    struct buf body;
};

struct emulator_transport {
    struct okta_transport base;
    struct emulator *emulator;
    struct hand_clock *clock;
    int64_t latency_ms;
    struct flight *flights; /* in the order of starting */
    uint64_t started;
    enum transport_fault fault;
    uint32_t fault_count;
    bool is_woken; /* from any thread, so atomically */
};

/* ---- the clock ---- */

static int64_t hand_mono_ms(void *self)
{
    return ((struct hand_clock *)self)->mono_ms;
}

static int64_t hand_unix_ms(void *self)
{
    return ((struct hand_clock *)self)->unix_ms;
}

void hand_clock_init(struct hand_clock *h, int64_t unix_ms)
{
    *h = (struct hand_clock){ .mono_ms = 1000, .unix_ms = unix_ms, .clock = { hand_mono_ms, hand_unix_ms, h } };
}

void hand_clock_advance(struct hand_clock *h, int64_t ms)
{
    ASSERT(ms >= 0);
    h->mono_ms += ms;
    h->unix_ms += ms;
}

/* ---- the way there ---- */

static struct view header_value(const struct okta_exchange *x, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *h = x->headers; h != NULL && *h != NULL; h++)
        if (strncasecmp(*h, name, len) == 0 && (*h)[len] == ':')
            return view_trim(view_of(*h + len + 1));
    return VIEW_NONE;
}

/* Whatever the host: that a client keeps to its own is seen by its tests in x->url. */
static struct view target_of(const char *url)
{
    const char *host = strstr(url, "://"), *path = host != NULL ? strchr(host + 3, '/') : NULL;

    return path != NULL ? view_of(path) : VIEW("/");
}

static void ask(struct emulator_transport *t, struct flight *f)
{
    const struct okta_exchange *x = f->x;
    struct emulator_request request = {
        .method = "GET",
        .target = target_of(x->url),
        .authorization = header_value(x, "Authorization"),
        .cookie = header_value(x, "Cookie"),
        .content_type = header_value(x, "Content-Type"),
        .accept = header_value(x, "Accept"),
        .now_unix_ms = t->clock->unix_ms,
    };

    emulator_answer(t->emulator, &request, &f->response);
    buf_put(&f->body, f->response.body.at, f->response.body.len);
}

static void transport_start(struct okta_transport *base, struct okta_exchange *x)
{
    struct emulator_transport *t = (struct emulator_transport *)base;
    struct flight *f = mem_zero(sizeof *f), **end = &t->flights;

    f->x = x;
    f->number = t->started++;
    f->fault = t->fault_count > 0 ? t->fault : TRANSPORT_OK;
    t->fault_count -= t->fault_count > 0;
    f->due_mono_ms = t->clock->mono_ms + (f->fault == TRANSPORT_TIMEOUT ? x->timeout_ms : t->latency_ms);
    emulator_response_init(&f->response);
    buf_init(&f->body, BODY_BYTES_MAX);
    /* A connection that had died carried nothing; after any other fault the org has seen the request. */
    if (f->fault != TRANSPORT_STALE)
        ask(t, f);
    while (*end != NULL)
        end = &(*end)->next;
    *end = f;
    x->transfer = f;
}

/* ---- the way back ---- */

static void flight_destroy(struct flight *f)
{
    emulator_response_deinit(&f->response);
    buf_deinit(&f->body);
    free(f);
}

static void unlink_flight(struct emulator_transport *t, struct flight *f)
{
    struct flight **at = &t->flights;

    while (*at != f) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = f->next;
    f->x->transfer = NULL;
}

static void fill(struct buf *to, size_t cap, struct view from)
{
    if (to->cap == 0)
        buf_init(to, cap);
    buf_reset(to);
    buf_put(to, from.at, from.len);
}

static void put_answer(struct flight *f, size_t body_bytes)
{
    struct okta_exchange *x = f->x;

    x->http_status = f->response.status;
    fill(&x->head, x->header_bytes_max, buf_view(&f->response.head));
    fill(&x->body, x->body_bytes_max, (struct view){ f->body.at, body_bytes });
    if (!buf_ok(&x->head) || !buf_ok(&x->body) || body_bytes > x->body_bytes_max)
        snprintf(x->failure, sizeof x->failure, "the answer is larger than %zu bytes", x->body_bytes_max);
}

static void land(struct emulator_transport *t, struct flight *f)
{
    struct okta_exchange *x = f->x;

    x->http_status = 0;
    x->failure[0] = '\0';
    x->was_stale_connection = f->fault == TRANSPORT_STALE;
    x->timed_out = f->fault == TRANSPORT_TIMEOUT;
    switch (f->fault) {
    case TRANSPORT_OK:
        put_answer(f, f->body.len);
        break;
    case TRANSPORT_TRUNCATED:
        put_answer(f, f->body.len / 2);
        snprintf(x->failure, sizeof x->failure, "the transfer closed with bytes remaining");
        break;
    case TRANSPORT_TIMEOUT:
        snprintf(x->failure, sizeof x->failure, "timed out after %lld ms", (long long)x->timeout_ms);
        break;
    case TRANSPORT_RESET:
    case TRANSPORT_STALE:
        snprintf(x->failure, sizeof x->failure, "the connection was reset");
        break;
    }
    unlink_flight(t, f);
    flight_destroy(f);
    t->base.finished(t->base.ctx, x);
}

/* The one that is due soonest, among those that were started before `limit`. */
static struct flight *soonest(const struct emulator_transport *t, uint64_t limit)
{
    struct flight *best = NULL;

    for (struct flight *f = t->flights; f != NULL && f->number < limit; f = f->next)
        if (best == NULL || f->due_mono_ms < best->due_mono_ms)
            best = f;
    return best;
}

static void transport_run(struct okta_transport *base, int64_t timeout_ms)
{
    struct emulator_transport *t = (struct emulator_transport *)base;
    /* What a callback starts is for the next run: without latency a run would never end. */
    uint64_t limit = t->started;
    struct flight *f = soonest(t, limit);
    int64_t wait_ms = timeout_ms > 0 ? timeout_ms : 0;

    if (f != NULL && f->due_mono_ms - t->clock->mono_ms < wait_ms)
        wait_ms = f->due_mono_ms - t->clock->mono_ms;
    if (!__atomic_exchange_n(&t->is_woken, false, __ATOMIC_ACQ_REL) && wait_ms > 0)
        hand_clock_advance(t->clock, wait_ms);
    while ((f = soonest(t, limit)) != NULL && f->due_mono_ms <= t->clock->mono_ms)
        land(t, f);
}

static void transport_cancel(struct okta_transport *base, struct okta_exchange *x)
{
    struct emulator_transport *t = (struct emulator_transport *)base;
    struct flight *f = x->transfer;

    if (f == NULL)
        return;
    unlink_flight(t, f);
    flight_destroy(f);
}

static void transport_wake(struct okta_transport *base)
{
    __atomic_store_n(&((struct emulator_transport *)base)->is_woken, true, __ATOMIC_RELEASE);
}

static void transport_destroy(struct okta_transport *base)
{
    struct emulator_transport *t = (struct emulator_transport *)base;

    while (t->flights != NULL) {
        struct flight *f = t->flights;

        unlink_flight(t, f);
        flight_destroy(f);
    }
    free(t);
}

struct okta_transport *emulator_transport_create(struct emulator *e, struct hand_clock *clock, int64_t latency_ms)
{
    struct emulator_transport *t = mem_zero(sizeof *t);

    ASSERT(latency_ms >= 0);
    t->base = (struct okta_transport){ .start = transport_start,
                                       .cancel = transport_cancel,
                                       .run = transport_run,
                                       .wake = transport_wake,
                                       .destroy = transport_destroy };
    t->emulator = e;
    t->clock = clock;
    t->latency_ms = latency_ms;
    return &t->base;
}

void emulator_transport_fault(struct okta_transport *base, enum transport_fault fault, uint32_t count)
{
    struct emulator_transport *t = (struct emulator_transport *)base;

    t->fault = fault;
    t->fault_count = count;
}
