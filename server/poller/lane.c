/* How a lane lives:
 *
 *     lane_ask sends when due_mono_ms has come -> lane_answered keeps the answer -> lane_digest looks at it in the next
 *     step: a page for the kind's step, or a verdict that sets the next due_mono_ms
 *
 * Invariant: at any time exactly one of these holds: a question is in flight, an answer or a page waits to be looked
 * at, or due_mono_ms says when to ask. So no failure can stop a lane for good. */
#include "poller/lane.h"

#include "poller/poller_internal.h"

#include <stdio.h>
#include <string.h>

#define BACKOFF_FIRST_MS    1000
#define BACKOFF_TAIL_MAX_MS 30000 /* how late live events may be after an outage */
#define BACKOFF_MAX_MS      MINUTE_MS
#define BARRED_MS           (60 * MINUTE_MS) /* a person has to grant a missing permission */
/* Upper bound on any wait, jitter included. A later due time is stale (the clock was set, say) and counts as due. */
#define REST_MAX_MS       (BARRED_MS + BARRED_MS / 10 + MINUTE_MS)
#define RESTART_REST_MS   30000
#define DEGRADED_FAILURES 3
#define DEGRADED_MS       MINUTE_MS
#define GROW_AFTER_PAGES  20
#define STATE_BYTES_MAX   CURSOR_BYTES_MAX

struct page page_move(struct page *from)
{
    struct page page = *from;

    memset(from, 0, sizeof *from);
    return page;
}

void page_drop(struct page *page)
{
    buf_deinit(&page->body);
    buf_deinit(&page->asked);
    buf_deinit(&page->next);
    page->is_there = false;
}

static void lane_keep_page(struct lane *l, const struct okta_answer *a)
{
    struct page *page = &l->page;

    page_drop(page);
    buf_init(&page->body, OKTA_BODY_BYTES_MAX);
    buf_init(&page->asked, OKTA_PATH_BYTES_MAX);
    buf_init(&page->next, OKTA_PATH_BYTES_MAX);
    buf_put(&page->body, a->body.at, a->body.len);
    buf_put(&page->asked, l->asked.at, l->asked.len);
    buf_put(&page->next, a->next.at, a->next.len);
    page->okta_ms = a->date_unix_s > 0 ? a->date_unix_s * 1000 : poller_okta_ms(l->p);
    page->issue = l->issue;
}

/* ---- trouble ---- */

void lane_failed(struct lane *l, enum connector_reason why, int64_t until_mono_ms, const char *format, ...)
{
    int64_t now = poller_mono_ms(l->p), wait_ms = BACKOFF_FIRST_MS;
    int64_t max_ms = l->kind->priority == OKTA_PRIORITY_TAIL ? BACKOFF_TAIL_MAX_MS : BACKOFF_MAX_MS;
    va_list args;

    va_start(args, format);
    vsnprintf(l->reason, sizeof l->reason, format, args);
    va_end(args);
    l->why = why;
    l->failures++;
    for (int i = 1; i < l->failures && wait_ms < max_ms; i++)
        wait_ms *= 2;
    if (wait_ms > max_ms)
        wait_ms = max_ms;
    /* until_mono_ms comes from the client, which knows Okta's rate limits; otherwise back off. */
    l->due_mono_ms = until_mono_ms > now ? until_mono_ms : now + poller_jitter_ms(l->p, wait_ms);
    l->not_before_mono_ms = l->due_mono_ms;
    l->p->is_dirty = true;
}

/* Okta refused with 403 or 404. One refusal may pass; a permission counts as missing once belief.h says so. */
static void lane_refused(struct lane *l, const struct okta_answer *a)
{
    int64_t now = poller_mono_ms(l->p);

    l->why = show_reason_of(a);
    if (!belief_refused(&l->belief, 0, 1, now)) {
        snprintf(l->reason, sizeof l->reason, "Okta refused %s once, which may pass: %.180s", l->collection->path,
                 a->message);
        l->due_mono_ms = l->not_before_mono_ms = now + BELIEF_AGAIN_MS;
        return;
    }
    snprintf(l->reason, sizeof l->reason, "Okta does not let this token read %s: %.180s", l->collection->path,
             a->message);
    l->is_barred = true;
    l->due_mono_ms = l->not_before_mono_ms = poller_mono_ms(l->p) + poller_jitter_ms(l->p, BARRED_MS);
}

static void lane_halve_page_size(struct lane *l)
{
    uint32_t half = l->page_size / 2;

    l->page_size = half > l->collection->page_size_min ? half : l->collection->page_size_min;
    l->owns_limit = true;
    l->pages_since_cut = 0;
}

static void lane_shrink(struct lane *l)
{
    if (l->page_size <= l->collection->page_size_min) {
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "pages of %u are still too much for Okta", l->page_size);
        return;
    }
    lane_halve_page_size(l);
    l->due_mono_ms = l->not_before_mono_ms = poller_mono_ms(l->p) + BACKOFF_FIRST_MS;
}

void lane_cut_short(struct lane *l)
{
    lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta's page ended early");
    /* A proxy on the way may cut large answers off: try smaller ones. */
    if (l->failures % DEGRADED_FAILURES == 0)
        lane_halve_page_size(l);
}

static void lane_grow_page_size(struct lane *l)
{
    if (l->page_size >= l->collection->page_size || ++l->pages_since_cut < GROW_AFTER_PAGES)
        return;
    l->pages_since_cut = 0;
    l->page_size = l->page_size * 2 < l->collection->page_size ? l->page_size * 2 : l->collection->page_size;
}

void lane_succeeded(struct lane *l)
{
    l->failures = 0;
    l->is_barred = false;
    belief_forget(&l->belief);
    l->reason[0] = '\0';
    l->not_before_mono_ms = 0;
    l->p->is_dirty = true;
    lane_grow_page_size(l);
}

void lane_void(struct lane *l)
{
    l->is_void = true;
    page_drop(&l->page);
}

void lane_store_failed(struct lane *l, const struct error *err)
{
    struct poller *p = l->p;

    lane_void(l);
    snprintf(p->store_reason, sizeof p->store_reason, "%.*s", REASON_MAX - 1, err->text);
    p->store_why = err->code == ERROR_RESOURCE_EXHAUSTED ? REASON_STORE_FULL : REASON_STORE_FAILED;
    p->store_retry_ms = p->store_retry_ms == 0 ? STORE_RETRY_FIRST_MS : p->store_retry_ms * 2;
    if (p->store_retry_ms > STORE_RETRY_MAX_MS)
        p->store_retry_ms = STORE_RETRY_MAX_MS;
    l->due_mono_ms = l->not_before_mono_ms = poller_mono_ms(p) + p->store_retry_ms;
    p->retention_due_mono_ms = poller_mono_ms(p); /* room first */
    p->is_dirty = true;
}

bool lane_is_degraded(const struct lane *l)
{
    return l->is_on && (l->is_barred || l->failures >= DEGRADED_FAILURES ||
                        (l->failures > 0 && poller_mono_ms(l->p) - l->failing_since_mono_ms >= DEGRADED_MS));
}

/* ---- asking ---- */

static void lane_answered(struct okta_request *r, const struct okta_answer *a)
{
    struct lane *l = r->ctx;

    l->in_flight = false;
    l->has_answer = true;
    if (a->verdict == OKTA_DONE)
        l->latency_ms = a->received_mono_ms - a->sent_mono_ms;
    l->answer = *a;
    l->answer.body = l->answer.next = VIEW_NONE;
    if (a->verdict == OKTA_DONE && !l->is_void)
        lane_keep_page(l, a);
    poller_learn_okta_time(l->p, a);
    l->p->is_dirty = true;
}

/* A dead link costs a new listing from its beginning. When the new listing's links die at once as well, wait a while.
 */
static void lane_restart(struct lane *l)
{
    bool is_again = l->has_restarted && l->pages_since_restart < 2;

    l->has_restarted = true;
    l->pages_since_restart = 0;
    lane_new_listing(l);
    l->kind->restart(l);
    if (is_again && l->failures == 0)
        lane_failed(l, REASON_ANSWER_UNUSABLE, poller_mono_ms(l->p) + RESTART_REST_MS,
                    "Okta's links die before they can be followed");
}

static void lane_take_page(struct lane *l)
{
    if (!buf_ok(&l->page.body) || !buf_ok(&l->page.next)) {
        page_drop(&l->page);
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta's answer is larger than this program accepts (%u bytes)",
                    OKTA_BODY_BYTES_MAX);
        return;
    }
    l->page.is_there = true;
    l->pages_since_restart++;
}

void lane_digest(struct lane *l)
{
    const struct okta_answer *a = &l->answer;

    if (!l->has_answer)
        return;
    l->has_answer = false;
    if (a->verdict != OKTA_DONE && a->verdict != OKTA_CANCELLED)
        show_error(l->p, a);
    if (l->is_void || !l->is_on) {
        page_drop(&l->page);
        return;
    }
    if (l->failures == 0)
        l->failing_since_mono_ms = a->sent_mono_ms;
    switch (a->verdict) {
    case OKTA_DONE:
        lane_take_page(l);
        break;
    case OKTA_CANCELLED:
        lane_hurry(l);
        break;
    case OKTA_SMALLER:
        if (l->kind->narrow != NULL)
            l->kind->narrow(l);
        lane_shrink(l);
        break;
    case OKTA_RESTART:
        lane_restart(l);
        break;
    case OKTA_GONE:
    case OKTA_FORBIDDEN:
    case OKTA_SCOPE_MISSING:
    case OKTA_FEATURE_ABSENT:
        lane_refused(l, a);
        break;
    case OKTA_CREDENTIAL_REFUSED:
        credential_refused(l);
        break;
    case OKTA_BROKEN:
        /* Okta answers 400 to a time that is too long ago, too. */
        if (a->http_status == 400) {
            lane_restart(l);
            break;
        }
        /* fall through */
    case OKTA_RETRY:
        lane_failed(l, show_reason_of(a), a->retry_mono_ms, "%s", a->message);
        break;
    }
}

static void lane_send(struct lane *l)
{
    struct poller *p = l->p;

    if (l == p->tail_of_log) {
        /* Set this before the question goes out: a caller that asks for a poll from now on must not take this one for
         * its own. */
        pthread_mutex_lock(&p->shared.lock);
        p->shared.tail_busy = true;
        pthread_mutex_unlock(&p->shared.lock);
        p->now.tail_attempt_unix_ms = poller_unix_ms(p);
    }
    l->issue = ++p->issues;
    l->in_flight = true;
    l->is_void = false;
    p->is_dirty = true;
    l->request = (struct okta_request){
        .path = buf_view(&l->asked), .priority = l->kind->priority, .who = l->name, .done = lane_answered, .ctx = l
    };
    okta_send(p->okta, &l->request);
}

/* A link is followed as Okta wrote it, except for a page size that Okta could not serve. */
static void lane_set_asked(struct lane *l, struct view path)
{
    buf_reset(&l->asked);
    if (l->owns_limit)
        path_with_limit(&l->asked, path, l->page_size);
    else
        buf_put(&l->asked, path.at, path.len);
}

void lane_ask(struct lane *l)
{
    AUTO_BUF struct buf path = BUF(OKTA_PATH_BYTES_MAX);

    if (l->in_flight || l->has_answer || l->page.is_there || lane_due_mono_ms(l) > poller_mono_ms(l->p))
        return;
    if (!l->kind->path(l, &path))
        return;
    lane_set_asked(l, buf_view(&path));
    lane_send(l);
}

void lane_ask_ahead(struct lane *l, const char *path)
{
    if (l->in_flight || l->has_answer || !l->is_on || l->p->credential.state != CREDENTIAL_GOOD)
        return;
    lane_set_asked(l, view_of(path));
    lane_send(l);
    okta_run(l->p->okta, 0);
}

void lane_hurry(struct lane *l)
{
    int64_t now = poller_mono_ms(l->p);

    l->due_mono_ms = l->not_before_mono_ms > now ? l->not_before_mono_ms : now;
}

int64_t lane_due_mono_ms(const struct lane *l)
{
    int64_t now = poller_mono_ms(l->p);

    if (l->has_answer)
        return now;
    if (!l->is_on || l->in_flight || l->p->credential.state != CREDENTIAL_GOOD)
        return INT64_MAX;
    return l->due_mono_ms - now > REST_MAX_MS ? now : l->due_mono_ms;
}

/* ---- circles ---- */

static uint64_t lane_hash_of_link(struct view v) /* FNV-1a */
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < v.len; i++)
        h = (h ^ (unsigned char)v.at[i]) * UINT64_C(1099511628211);
    return h;
}

bool lane_runs_in_circles(struct lane *l, const struct page *page)
{
    uint64_t next = lane_hash_of_link(buf_view(&page->next));

    if (page->next.len == 0)
        return false;
    l->links_seen[l->link_count++ % LINKS_SEEN_MAX] = lane_hash_of_link(buf_view(&page->asked));
    for (unsigned i = 0; i < LINKS_SEEN_MAX && i < l->link_count; i++)
        if (l->links_seen[i] == next)
            return true;
    return false;
}

void lane_new_listing(struct lane *l)
{
    l->link_count = 0;
}

/* ---- what is kept ---- */

void lane_init(struct lane *l, struct poller *p, const struct collection *collection, const struct lane_kind *kind,
               const char *name, const char *position)
{
    l->name = name;
    l->position = position;
    l->collection = collection;
    l->kind = kind;
    l->p = p;
    l->page_size = collection->page_size;
    l->due_mono_ms = poller_mono_ms(p);
    buf_init(&l->asked, OKTA_PATH_BYTES_MAX);
    buf_init(&l->saved, STATE_BYTES_MAX);
}

void lane_deinit(struct lane *l)
{
    buf_deinit(&l->asked);
    buf_deinit(&l->saved);
    page_drop(&l->page);
}

bool lane_load(struct lane *l, void *state, bool *found, struct error *err)
{
    buf_reset(&l->saved);
    if (!cursor_get(l->p->store, l->position, &l->saved, found, err))
        return false;
    if (!*found || poller_state_decode(l->kind->state, buf_view(&l->saved), state, err))
        return true;
    return error_wrap(err, "the position '%s'", l->position);
}

bool lane_save(struct lane *l, struct store_txn *txn, const void *state, struct buf *encoded, bool *wrote,
               struct error *err)
{
    poller_state_encode(l->kind->state, state, encoded);
    *wrote = !view_eq(buf_view(encoded), buf_view(&l->saved));
    return !*wrote || cursor_put(txn, l->position, buf_view(encoded), err);
}

void lane_saved(struct lane *l, const struct buf *encoded)
{
    buf_reset(&l->saved);
    buf_put(&l->saved, encoded->at, encoded->len);
}
