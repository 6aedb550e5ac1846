#include "transport.h"

#include "base/assert.h"
#include "base/mem.h"
#include "random.h"

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
    enum transport_fault fault; /* those that only a way can have; of all others the response tells */
    bool is_too_late;
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
    struct transport_mix mix;
    uint64_t met[TRANSPORT_FAULTS];
    int64_t last_fault_mono_ms;
    bool is_kept_dead; /* the connection that is kept died unnoticed */
    bool is_woken;     /* from any thread, so atomically */
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

/* What the org makes of a fault, where it is more than a way's. */
static const struct emulator_fault *fault_of(enum transport_fault fault)
{
    static const struct emulator_fault faults[TRANSPORT_FAULTS] = {
        [TRANSPORT_RESET] = { .kind = EMULATOR_FAULT_RESET },
        [TRANSPORT_TRUNCATED] = { .kind = EMULATOR_FAULT_TRUNCATED },
        [TRANSPORT_RESET_BODY] = { .kind = EMULATOR_FAULT_RESET_BODY },
        [TRANSPORT_GZIP] = { .kind = EMULATOR_FAULT_TRUNCATED_GZIP },
        [TRANSPORT_STALL] = { .kind = EMULATOR_FAULT_STALL },
        [TRANSPORT_DRIP] = { .kind = EMULATOR_FAULT_DRIP, .drip_bytes = 4096, .drip_ms = 50 },
        [TRANSPORT_CLOSE] = { .kind = EMULATOR_FAULT_CLOSE },
        [TRANSPORT_HTML] = { .kind = EMULATOR_FAULT_HTML },
        [TRANSPORT_GARBAGE] = { .kind = EMULATOR_FAULT_GARBAGE },
        [TRANSPORT_DEEP] = { .kind = EMULATOR_FAULT_DEEP },
        [TRANSPORT_HUGE] = { .kind = EMULATOR_FAULT_HUGE },
        [TRANSPORT_TYPE] = { .kind = EMULATOR_FAULT_TYPE },
        [TRANSPORT_DUPLICATE] = { .kind = EMULATOR_FAULT_DUPLICATE },
        [TRANSPORT_UTF8] = { .kind = EMULATOR_FAULT_UTF8 },
        [TRANSPORT_LIMIT] = { .kind = EMULATOR_FAULT_LIMIT, .limit = 100 },
        [TRANSPORT_500] = { .kind = EMULATOR_FAULT_STATUS, .status = 500 },
        [TRANSPORT_502] = { .kind = EMULATOR_FAULT_STATUS,
                            .status = 502,
                            .body = "<html><body>Bad gateway</body></html>",
                            .headers = "Retry-After: 2\r\n" },
        [TRANSPORT_503] = { .kind = EMULATOR_FAULT_STATUS, .status = 503 },
        [TRANSPORT_504] = { .kind = EMULATOR_FAULT_STATUS, .status = 504, .body = "" },
        [TRANSPORT_429] = { .kind = EMULATOR_FAULT_STATUS, .status = 429 },
        [TRANSPORT_CONCURRENCY] = { .kind = EMULATOR_FAULT_CONCURRENCY },
        [TRANSPORT_401] = { .kind = EMULATOR_FAULT_STATUS, .status = 401 },
        [TRANSPORT_403] = { .kind = EMULATOR_FAULT_STATUS, .status = 403 },
    };

    return faults[fault].kind != EMULATOR_FAULT_ANSWER ? &faults[fault] : NULL;
}

static enum transport_fault pick_mixed(struct emulator_transport *t)
{
    struct dice d = { random_at(t->mix.seed, RANDOM_ERROR, t->started) };
    uint64_t kinds = t->mix.kinds != 0 ? t->mix.kinds : TRANSPORT_ALL;
    uint32_t left;

    if (dice_roll(&d, 1000) >= t->mix.per_mille)
        return TRANSPORT_OK;
    left = dice_roll(&d, (uint32_t)__builtin_popcountll(kinds));
    for (int i = 0; i < TRANSPORT_FAULTS; i++)
        if ((kinds & TRANSPORT_BIT(i)) != 0 && left-- == 0)
            return (enum transport_fault)i;
    return TRANSPORT_OK;
}

static enum transport_fault pick_fault(struct emulator_transport *t, const struct okta_exchange *x)
{
    enum transport_fault fault = TRANSPORT_OK;

    if (t->is_kept_dead && !x->is_fresh_connection)
        fault = TRANSPORT_STALE;
    else if (t->fault_count > 0)
        fault = t->fault;
    else if (t->mix.per_mille > 0)
        fault = pick_mixed(t);
    /* Only what is kept can have died. */
    if (fault == TRANSPORT_STALE && x->is_fresh_connection)
        fault = TRANSPORT_RESET;
    if (!t->is_kept_dead || x->is_fresh_connection)
        t->fault_count -= t->fault_count > 0;
    t->is_kept_dead = t->is_kept_dead && x->is_fresh_connection;
    t->met[fault]++;
    if (fault != TRANSPORT_OK)
        t->last_fault_mono_ms = t->clock->mono_ms;
    return fault;
}

static void ask(struct emulator_transport *t, struct flight *f)
{
    const struct okta_exchange *x = f->x;
    struct emulator_request request = {
        .method = x->post_body != NULL ? "POST" : "GET",
        .target = target_of(x->url),
        .authorization = header_value(x, "Authorization"),
        .cookie = header_value(x, "Cookie"),
        .content_type = header_value(x, "Content-Type"),
        .accept = header_value(x, "Accept"),
        .dpop = header_value(x, "DPoP"),
        .body = view_of(x->post_body),
        .fault = fault_of(f->fault),
        .now_unix_ms = t->clock->unix_ms,
    };

    emulator_answer(t->emulator, &request, &f->response);
    if (f->response.delivery.how == EMULATOR_FAULT_CLOSE)
        t->is_kept_dead = true;
    buf_put(&f->body, f->response.body.at, f->response.body.len);
}

/* How long the whole answer takes. */
static int64_t whole_ms(const struct emulator_transport *t, const struct flight *f)
{
    const struct emulator_delivery *d = &f->response.delivery;
    int64_t ms = t->latency_ms + d->delay_ms;

    if (d->how == EMULATOR_FAULT_DRIP)
        ms += (int64_t)(f->body.len / d->drip_bytes) * d->drip_ms;
    return ms;
}

/* Whether the client's time is up before; of 0 it has no end. */
static bool is_too_late(const struct emulator_transport *t, const struct flight *f)
{
    return f->fault == TRANSPORT_TIMEOUT || f->response.delivery.how == EMULATOR_FAULT_STALL ||
           (f->x->timeout_ms > 0 && whole_ms(t, f) >= f->x->timeout_ms);
}

static void transport_start(struct okta_transport *base, struct okta_exchange *x)
{
    struct emulator_transport *t = (struct emulator_transport *)base;
    struct flight *f = mem_zero(sizeof *f), **end = &t->flights;

    f->x = x;
    f->fault = pick_fault(t, x);
    f->number = t->started++;
    emulator_response_init(&f->response);
    buf_init(&f->body, BODY_BYTES_MAX);
    /* A connection that had died carried nothing; after any other fault the org has seen the request. */
    if (f->fault != TRANSPORT_STALE)
        ask(t, f);
    f->is_too_late = f->fault != TRANSPORT_STALE && is_too_late(t, f);
    f->due_mono_ms = t->clock->mono_ms + (f->is_too_late ? x->timeout_ms : whole_ms(t, f));
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
    uint64_t bytes = body_bytes + f->response.delivery.blanks;

    x->http_status = f->response.status;
    fill(&x->head, x->header_bytes_max, buf_view(&f->response.head));
    fill(&x->body, x->body_bytes_max, (struct view){ f->body.at, body_bytes });
    /* Of many blanks none is carried: the client has given up by then. */
    if (!buf_ok(&x->head) || !buf_ok(&x->body) || bytes > x->body_bytes_max)
        snprintf(x->failure, sizeof x->failure, "the answer is larger than %zu bytes", x->body_bytes_max);
}

static void put_part(struct flight *f, const char *why)
{
    put_answer(f, f->body.len / 2);
    snprintf(f->x->failure, sizeof f->x->failure, "%s", why);
}

static void put_timeout(struct flight *f)
{
    f->x->timed_out = true;
    snprintf(f->x->failure, sizeof f->x->failure, "timed out after %lld ms", (long long)f->x->timeout_ms);
}

static void deliver(struct flight *f)
{
    enum emulator_fault_kind how = f->response.delivery.how;

    if (f->is_too_late) {
        if (how == EMULATOR_FAULT_STALL || how == EMULATOR_FAULT_DRIP)
            put_part(f, "");
        put_timeout(f);
    } else if (how == EMULATOR_FAULT_RESET) {
        snprintf(f->x->failure, sizeof f->x->failure, "the connection was reset");
    } else if (how == EMULATOR_FAULT_RESET_BODY) {
        put_part(f, "the connection was reset");
    } else if (how == EMULATOR_FAULT_TRUNCATED) {
        put_part(f, "the transfer closed with bytes remaining");
    } else if (how == EMULATOR_FAULT_TRUNCATED_GZIP) {
        put_answer(f, f->body.len / 2); /* curl (7.88) takes the end of the frame for the end of the body */
    } else {
        put_answer(f, f->body.len);
    }
}

static void land(struct emulator_transport *t, struct flight *f)
{
    struct okta_exchange *x = f->x;

    x->http_status = 0;
    x->failure[0] = '\0';
    x->was_stale_connection = f->fault == TRANSPORT_STALE;
    x->timed_out = false;
    if (f->fault == TRANSPORT_STALE)
        snprintf(x->failure, sizeof x->failure, "the connection was reset");
    else
        deliver(f);
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

void emulator_transport_mix(struct okta_transport *base, const struct transport_mix *mix)
{
    ((struct emulator_transport *)base)->mix = *mix;
}

uint64_t emulator_transport_count(const struct okta_transport *base, enum transport_fault fault)
{
    return ((const struct emulator_transport *)base)->met[fault];
}

int64_t emulator_transport_last_fault_mono_ms(const struct okta_transport *base)
{
    return ((const struct emulator_transport *)base)->last_fault_mono_ms;
}
