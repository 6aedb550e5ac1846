/* The login tail: every event of the org's System Log, in the order in which Okta stored it, once.
 *
 *     ask the link -> page -> one transaction: login events and the next link -> ask that link, or rest at the head
 *
 * "Polling" means a query without an end and without a filter: Okta then orders by the time of storing, so what is
 * late comes by too. The link it gives is the only true position. A short page is the head: links never end. When a
 * link dies, polling starts again from a time: that of the newest event delivered, less an overlap; what comes twice is
 * known by its uuid. */
#include "base/log.h"
#include "poller/poller_internal.h"

#include <string.h>

#define CIRCLE_REST_MS     30000
#define DEFAULT_LIMIT      100 /* Okta's, where a link names none */
#define CLOCK_TOLERANCE_MS (5 * MINUTE_MS)

/* How long we make room after a warning, and how old one may be to count: more come where it is still true. */
#define YIELD_MS      (5 * MINUTE_MS)
#define WARNED_MAX_MS (10 * MINUTE_MS)

/* One page on its way into the store. */
struct tail_work {
    struct poller *p;
    struct page page;
    struct store_txn *txn;
    struct buf encoded; /* the state after it */
    struct tail_state after;
    struct error err;
    bool has_store_error, is_full, is_circle;
    uint64_t events, stored, duplicates, late, unparsed;
};

static void work_deinit(struct tail_work *w)
{
    store_abort(&w->txn);
    buf_deinit(&w->encoded);
    page_drop(&w->page);
}

/* ---- asking ---- */

/* What is not readable is learned anew. */
static bool load_silence(struct poller *p, struct error *err)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    bool found;

    if (!cursor_get(p->store, SILENCE_CURSOR, &text, &found, err))
        return false;
    if (found && !silence_decode(&p->silence, buf_view(&text)))
        log_warn("poller.silence",
                 "org=%s text=what was learned of the usual traffic is not readable, and is learned anew", p->url.host);
    return true;
}

bool tail_load(struct lane *l, struct error *err)
{
    struct poller *p = l->p;
    bool found;

    p->tail.start_ms = p->tail.since_ms = poller_unix_ms(p) - OVERLAP_MS;
    p->tail.newest_ms = JOURNAL_NO_TIME;
    if (!lane_load(l, &poller_state_tail, &p->tail, &found, err))
        return false;
    p->tail_is_new = !found;
    if (!load_silence(p, err))
        return false;
    if (p->tail.path[0] != '\0' && path_limit(view_of(p->tail.path), DEFAULT_LIMIT) < l->row->page_size) {
        /* Pages had been made smaller before a restart. */
        l->page_size = path_limit(view_of(p->tail.path), DEFAULT_LIMIT);
        l->owns_limit = true;
    }
    return true;
}

bool tail_keep_start(struct lane *l, struct error *err)
{
    AUTO_BUF struct buf encoded = BUF(CURSOR_BYTES_MAX);
    struct store_txn *txn = NULL;
    bool wrote;

    if (l->saved.len > 0)
        return true;
    if (store_begin(l->p->store, &txn, err) &&
        lane_save(l, txn, &poller_state_tail, &l->p->tail, &encoded, &wrote, err) && store_commit(&txn, err)) {
        lane_saved(l, &encoded);
        return true;
    }
    store_abort(&txn);
    return false;
}

bool tail_path(struct lane *l, struct buf *out)
{
    const struct tail_state *state = &l->p->tail;

    if (state->path[0] != '\0')
        buf_puts(out, state->path);
    else
        path_logs_polling(out, state->since_ms, l->page_size);
    return true;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Our clock chose where to start before Okta had said what time it is. When the two disagree, Okta's counts: a start in
 * its future would skip what is stored until then. Nothing has been stored yet, so starting anew costs one question. */
static bool start_was_wrong(struct poller *p, int64_t okta_ms)
{
    int64_t start_ms = okta_ms - (poller_mono_ms(p) - p->created_mono_ms) - OVERLAP_MS;
    int64_t off_ms = p->tail.start_ms - start_ms;

    if (!p->tail_is_new)
        return false;
    p->tail_is_new = false;
    if (off_ms >= -CLOCK_TOLERANCE_MS && off_ms <= CLOCK_TOLERANCE_MS)
        return false;
    p->tail.start_ms = p->tail.since_ms = start_ms;
    return true;
}

void tail_restart(struct lane *l)
{
    struct poller *p = l->p;
    struct tail_state *state = &p->tail;

    if (p->has_okta_time && start_was_wrong(p, poller_okta_ms(p))) {
        lane_hurry(l);
    } else if (state->path[0] == '\0') {
        /* It may be too long ago. Okta keeps no more than this. */
        state->since_ms = larger(state->since_ms, poller_okta_ms(p) - OKTA_LOG_DAYS * DAY_MS);
        lane_failed(l, 0, "Okta refuses to read its log from a time");
    } else {
        state->path[0] = '\0';
        state->since_ms = state->newest_ms != JOURNAL_NO_TIME ? state->newest_ms - OVERLAP_MS : state->start_ms;
        state->is_reread = true;
        lane_hurry(l);
    }
}

/* ---- a page ---- */

/* Of https://developer.okta.com/docs/reference/api/event-types/: somebody is at the limit, be it us. */
static bool is_limit_warning(struct view event_type)
{
    static const char *const types[] = {
        "app.oauth2.client_id_rate_limit_warning",
        "core.concurrency.org.limit.violation",
        "system.client.concurrency_rate_limit.notification",
        "system.client.concurrency_rate_limit.violation",
        "system.client.rate_limit.notification",
        "system.client.rate_limit.violation",
        "system.operation.rate_limit.violation",
        "system.operation.rate_limit.warning",
        "system.org.rate_limit.burst",
        "system.org.rate_limit.violation",
        "system.org.rate_limit.warning",
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (view_is(event_type, types[i]))
            return true;
    return false;
}

static void heed(struct poller *p, const struct tail_work *w, const struct journal_record *record)
{
    if (record->published_ms < w->page.okta_ms - WARNED_MAX_MS || !is_limit_warning(record->event_type))
        return;
    p->yield_until_mono_ms = poller_mono_ms(p) + YIELD_MS;
    okta_yield(p->okta, p->yield_until_mono_ms);
}

static void count(struct tail_work *w, enum journal_fate fate, const struct journal_record *record)
{
    if (fate == JOURNAL_STORED)
        w->stored++;
    else
        w->duplicates++;
    if (fate == JOURNAL_STORED && (record->flags & JOURNAL_LATE) != 0)
        w->late++;
}

static bool visit(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct tail_work *w = ctx;
    enum journal_fate fate;
    uint64_t sequence;

    w->events++;
    /* A time beyond Okta's own clock is not a place to restart from. */
    if (record->published_ms != JOURNAL_NO_TIME && record->published_ms <= w->page.okta_ms + MINUTE_MS)
        w->after.newest_ms = larger(w->after.newest_ms, record->published_ms);
    if (outcome == RECORD_OTHER) {
        heed(w->p, w, record);
        return true;
    }
    if (!journal_append(w->txn, record, w->after.is_reread, &fate, &sequence, &w->err)) {
        w->has_store_error = true;
        return false;
    }
    count(w, fate, record);
    if (outcome == RECORD_UNPARSED && fate == JOURNAL_STORED)
        w->unparsed++;
    return true;
}

/* The page's events into the transaction. False: the lane has been told. */
static bool store_events(struct lane *l, struct tail_work *w)
{
    struct record_page_result result = { 0 };
    const struct record_page page = { .body = buf_view(&w->page.body),
                                      .watermark_ms = l->p->tail.newest_ms,
                                      .source = JOURNAL_TAIL };

    if (!record_page(l->p->maker, &page, visit, w, &result, &w->err)) {
        lane_failed(l, 0, "Okta's log page is not readable: %s", w->err.text);
        return false;
    }
    if (w->has_store_error) {
        lane_store_failed(l, &w->err);
        return false;
    }
    if (result.was_truncated) {
        lane_cut_short(l);
        return false;
    }
    w->is_full = result.elements >= path_limit(buf_view(&w->page.asked), DEFAULT_LIMIT);
    return true;
}

/* Where the tail stands after the page. */
static bool move_on(struct lane *l, struct tail_work *w)
{
    const struct buf *link = w->page.next.len > 0 ? &w->page.next : &w->page.asked;

    w->is_circle = w->is_full && lane_runs_in_circles(l, &w->page);
    if (!poller_state_set_path(w->after.path, buf_view(link))) {
        lane_failed(l, 0, "Okta's next link is not usable");
        return false;
    }
    if (!w->is_full) {
        w->after.is_reread = false;
        w->after.has_reached_head = true;
    }
    return true;
}

/* With what is written anyway: an idle poll is to write nothing, and what was learned last can be learned again. */
static bool save_silence(struct tail_work *w)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);

    if (!w->p->silence.is_new)
        return true;
    silence_encode(&w->p->silence, &text);
    return cursor_put(w->txn, SILENCE_CURSOR, buf_view(&text), &w->err);
}

/* All of it, or nothing; an idle poll has nothing to write. The next question is on its way meanwhile. */
static bool commit(struct lane *l, struct tail_work *w)
{
    bool wrote;

    /* A store that failed is well when it has taken something: an idle log brings nothing else to write. */
    if (l->p->store_reason[0] != '\0')
        buf_reset(&l->saved);
    if (!lane_save(l, w->txn, &poller_state_tail, &w->after, &w->encoded, &wrote, &w->err)) {
        lane_store_failed(l, &w->err);
        return false;
    }
    if (w->is_full && !w->is_circle)
        lane_ask_ahead(l, w->after.path);
    if (w->stored == 0 && !wrote)
        return true;
    if (!save_silence(w) || !poller_commit(l->p, &w->txn, &w->err)) {
        lane_store_failed(l, &w->err);
        return false;
    }
    lane_saved(l, &w->encoded);
    l->p->silence.is_new = false;
    return true;
}

static void watch_silence(struct poller *p, const struct tail_work *w)
{
    int64_t now_ms = poller_okta_ms(p);

    p->now.log_silences += silence_pass(&p->silence, now_ms, !w->is_full) && silence_is_on(&p->silence);
    silence_count(&p->silence, now_ms, w->events);
}

static void show_page(struct poller *p, const struct tail_work *w)
{
    struct poller_snapshot *now = &p->now;
    struct collection_snapshot *logins = &now->collections[COLLECTION_LOGINS];

    now->tail_success_unix_ms = logins->last_success_unix_ms = poller_unix_ms(p);
    if (p->tail.newest_ms != JOURNAL_NO_TIME)
        now->tail_published_ms = p->tail.newest_ms;
    now->tail_at_head = !w->is_full;
    now->events_read += w->events;
    now->logins_stored += w->stored;
    now->duplicates_dropped += w->duplicates;
    now->late += w->late;
    now->unparsed += w->unparsed;
    logins->pages++;
    logins->listed += w->events;
    logins->is_complete = p->tail.has_reached_head;
}

static void rest_at_head(struct lane *l)
{
    struct poller *p = l->p;
    int64_t now = poller_mono_ms(p);

    lane_new_listing(l);
    p->now.tail_rounds++;
    p->now.tail_interval_ms = okta_idle_interval_ms(p->okta, VIEW(PATH_LOGS));
    l->due_mono_ms = now + (poller_wants_round(p) ? 0 : poller_jitter_ms(p, p->now.tail_interval_ms));
    if (p->now.tail_rounds == 1)
        lane_hurry(&p->lanes[LANE_BACKFILL]); /* it starts below where the tail did, once that is settled */
}

static void finish(struct lane *l, const struct tail_work *w)
{
    struct poller *p = l->p;

    p->tail = w->after;
    show_page(p, w);
    watch_silence(p, w);
    if (w->is_circle) {
        lane_failed(l, poller_mono_ms(p) + CIRCLE_REST_MS, "Okta's next link leads back to a page already read");
        return;
    }
    lane_succeeded(l);
    if (w->is_full) {
        lane_hurry(l);
        return;
    }
    p->tail_head_issue = w->page.issue;
    rest_at_head(l);
}

void tail_step(struct lane *l)
{
    struct poller *p = l->p;
    struct tail_work w = { .p = p };

    if (!l->page.is_there)
        return;
    w.after = p->tail;
    w.page = page_move(&l->page);
    buf_init(&w.encoded, CURSOR_BYTES_MAX);
    if (start_was_wrong(p, w.page.okta_ms))
        lane_hurry(l);
    else if (!store_begin(p->store, &w.txn, &w.err))
        lane_store_failed(l, &w.err);
    else if (store_events(l, &w) && move_on(l, &w) && commit(l, &w))
        finish(l, &w);
    work_deinit(&w);
}
