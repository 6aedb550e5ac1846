/* The tail of the log: every event of the org's System Log once, in the order in which Okta stored it.
 *
 *     ask the link -> page -> one transaction: login events and the next link -> ask that link, or rest at the head
 *
 * The tail uses Okta's "polling" queries: no end and no filter. Okta orders those by the time at which it stored an
 * event, so events that arrive late are delivered too. A query with an end is ordered by `published` and can miss them.
 *
 * Invariant: the stored link vouches for every event before it. Events and link are one transaction, so a crash loses
 * and doubles nothing. The link is opaque and is the only true position; no time is used as a cursor while it works.
 *
 * Corners. Links never end: a page that is not full is the head. When a link dies, polling starts again from a time,
 * that of the newest event delivered less an overlap; events that come twice are recognised by their uuid. Source:
 * https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog */
#include "base/log.h"
#include "base/number.h"
#include "poller/poller_internal.h"

#include <string.h>

#define CIRCLE_REST_MS     30000
#define DEFAULT_LIMIT      100 /* Okta's, where a link names none */
#define CLOCK_TOLERANCE_MS (5 * MINUTE_MS)

/* Yield for this long after a rate-limit warning; Okta repeats the warning while the condition lasts. An older warning
 * (in a log that is read late) is not heeded. */
#define YIELD_MS      (5 * MINUTE_MS)
#define WARNED_MAX_MS (10 * MINUTE_MS)

/* One page on its way into the store. */
struct tail_work {
    struct page_work base;
    struct tail_state after;
    bool is_full, is_circle;
    uint64_t events, stored, duplicates, late, unparsed;
};

/* ---- asking ---- */

/* A table of usual traffic that cannot be read is learned again from nothing. */
static bool tail_load_silence(struct poller *p, struct error *err)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    bool found;

    if (!cursor_get(p->store, SILENCE_CURSOR, &text, &found, err))
        return false;
    if (found && !silence_decode(&p->silence, buf_view(&text)))
        log_warn("poller.silence",
                 "org=%s text=the stored table of usual traffic is not readable; it is learned again from now on",
                 p->url.host);
    return true;
}

static bool tail_load(struct lane *l, struct error *err)
{
    struct poller *p = l->p;
    bool found;

    p->tail.start_ms = p->tail.since_ms = poller_unix_ms(p) - OVERLAP_MS;
    p->tail.newest_ms = JOURNAL_NO_TIME;
    if (!lane_load(l, &p->tail, &found, err))
        return false;
    p->tail_is_new = !found;
    if (!tail_load_silence(p, err))
        return false;
    if (p->tail.path[0] != '\0' && path_limit(view_of(p->tail.path), DEFAULT_LIMIT) < l->collection->page_size) {
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
    if (store_begin(l->p->store, &txn, err) && lane_save(l, txn, &l->p->tail, &encoded, &wrote, err) &&
        store_commit(&txn, err)) {
        lane_saved(l, &encoded);
        return true;
    }
    store_abort(&txn);
    return false;
}

static bool tail_path(struct lane *l, struct buf *out)
{
    const struct tail_state *state = &l->p->tail;

    if (state->path[0] != '\0')
        buf_puts(out, state->path);
    else
        path_logs_polling(out, l->collection->path, state->since_ms, l->page_size);
    return true;
}

/* Our own clock chose where to start, before Okta had said what time it is. When the two clocks disagree, Okta's
 * counts: a start in Okta's future would skip every event stored until then. Nothing has been stored yet, so starting
 * again costs one question. */
static bool tail_start_was_wrong(struct poller *p, int64_t okta_ms)
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

static void tail_restart(struct lane *l)
{
    struct poller *p = l->p;
    struct tail_state *state = &p->tail;

    if (p->has_okta_time && tail_start_was_wrong(p, poller_okta_ms(p))) {
        lane_hurry(l);
    } else if (state->path[0] == '\0') {
        /* The time may be too long ago: Okta keeps its log for this long. */
        state->since_ms = max_i64(state->since_ms, poller_okta_ms(p) - OKTA_LOG_DAYS * DAY_MS);
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta refuses to read its log from a time");
    } else {
        state->path[0] = '\0';
        state->since_ms = state->newest_ms != JOURNAL_NO_TIME ? state->newest_ms - OVERLAP_MS : state->start_ms;
        state->is_reread = true;
        lane_hurry(l);
    }
}

/* ---- a page ---- */

/* Events by which Okta says that a program of the org, maybe this one, is at a rate limit. Source:
 * https://developer.okta.com/docs/reference/api/event-types/ */
static bool tail_is_limit_warning(struct view event_type)
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

static void tail_heed_warning(const struct tail_work *w, const struct journal_record *record)
{
    struct poller *p = w->base.lane->p;

    if (record->published_ms < w->base.page.okta_ms - WARNED_MAX_MS || !tail_is_limit_warning(record->event_type))
        return;
    p->yield_until_mono_ms = poller_mono_ms(p) + YIELD_MS;
    okta_yield(p->okta, p->yield_until_mono_ms);
}

static void tail_count(struct tail_work *w, enum journal_fate fate, const struct journal_record *record)
{
    if (fate == JOURNAL_STORED)
        w->stored++;
    else
        w->duplicates++;
    if (fate == JOURNAL_STORED && (record->flags & JOURNAL_LATE) != 0)
        w->late++;
}

static bool tail_store_event(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct tail_work *w = ctx;
    enum journal_fate fate;
    uint64_t sequence;

    w->events++;
    /* A time beyond Okta's own clock is not a place to restart from: it would skip every event until then. */
    if (record->published_ms != JOURNAL_NO_TIME && record->published_ms <= w->base.page.okta_ms + MINUTE_MS)
        w->after.newest_ms = max_i64(w->after.newest_ms, record->published_ms);
    if (outcome == RECORD_OTHER) {
        tail_heed_warning(w, record);
        return true;
    }
    if (!journal_append(w->base.txn, record, w->after.is_reread, &fate, &sequence, &w->base.err)) {
        w->base.has_store_error = true;
        return false;
    }
    tail_count(w, fate, record);
    if (outcome == RECORD_UNPARSED && fate == JOURNAL_STORED)
        w->unparsed++;
    return true;
}

static bool tail_store_events(struct lane *l, struct tail_work *w)
{
    struct record_page_result result = { 0 };
    const struct record_page page = { .body = buf_view(&w->base.page.body),
                                      .watermark_ms = l->p->tail.newest_ms,
                                      .source = JOURNAL_TAIL };
    bool is_array = record_page(l->p->maker, &page, tail_store_event, w, &result, &w->base.err);

    w->is_full = result.elements >= path_limit(buf_view(&w->base.page.asked), DEFAULT_LIMIT);
    return page_work_is_readable(&w->base, is_array, result.was_truncated);
}

/* The position after the page. */
static bool tail_advance(struct lane *l, struct tail_work *w)
{
    const struct buf *link = w->base.page.next.len > 0 ? &w->base.page.next : &w->base.page.asked;

    w->is_circle = w->is_full && lane_runs_in_circles(l, &w->base.page);
    if (!poller_state_set_path(w->after.path, buf_view(link))) {
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta's next link is not usable");
        return false;
    }
    if (!w->is_full) {
        w->after.is_reread = false;
        w->after.has_reached_head = true;
    }
    return true;
}

/* Piggyback on a transaction that writes anyway: an idle poll must not write. Losing the newest sample is harmless. */
static bool tail_save_silence(struct lane *l, struct tail_work *w)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);

    if (!l->p->silence.is_new)
        return true;
    silence_encode(&l->p->silence, &text);
    if (cursor_put(w->base.txn, SILENCE_CURSOR, buf_view(&text), &w->base.err))
        return true;
    lane_store_failed(l, &w->base.err);
    return false;
}

/* All of the page, or nothing. A poll that brought nothing and whose link is the same writes nothing. The next question
 * goes out before the commit, so that Okta works while the disk does. */
static bool tail_commit_page(struct lane *l, struct tail_work *w)
{
    /* After a failure the store counts as well only once it has taken a write, and an idle log brings none: forget what
     * is saved, so that the position is written again. */
    if (l->p->store_reason[0] != '\0')
        buf_reset(&l->saved);
    if (!page_work_save(&w->base, &w->after))
        return false;
    if (w->is_full && !w->is_circle)
        lane_ask_ahead(l, w->after.path);
    if (w->stored == 0 && !w->base.has_position)
        return true;
    if (!tail_save_silence(l, w) || !page_work_commit(&w->base))
        return false;
    l->p->silence.is_new = false;
    return true;
}

static void tail_watch_silence(struct poller *p, const struct tail_work *w)
{
    int64_t now_ms = poller_okta_ms(p);

    p->now.log_silences += silence_pass(&p->silence, now_ms, !w->is_full) && silence_is_on(&p->silence);
    silence_count(&p->silence, now_ms, w->events);
}

static void tail_show_page(struct poller *p, const struct tail_work *w)
{
    struct poller_snapshot *now = &p->now;
    struct collection_snapshot *log = &now->collections[p->tail_of_log->collection->id];

    now->tail_success_unix_ms = log->last_success_unix_ms = poller_unix_ms(p);
    if (p->tail.newest_ms != JOURNAL_NO_TIME)
        now->tail_published_ms = p->tail.newest_ms;
    now->tail_at_head = !w->is_full;
    now->events_read += w->events;
    now->logins_stored += w->stored;
    now->duplicates_dropped += w->duplicates;
    now->late += w->late;
    now->unparsed += w->unparsed;
    log->pages++;
    log->listed += w->events;
    log->is_complete = p->tail.has_reached_head;
}

static void tail_rest_at_head(struct lane *l)
{
    struct poller *p = l->p;
    int64_t now = poller_mono_ms(p);

    lane_new_listing(l);
    p->now.tail_rounds++;
    p->now.tail_interval_ms = okta_idle_interval_ms(p->okta, view_of(l->collection->path));
    l->due_mono_ms = now + (poller_wants_round(p) ? 0 : poller_jitter_ms(p, p->now.tail_interval_ms));
    if (p->now.tail_rounds == 1)
        lane_hurry(p->history_of_log); /* it starts below the tail, once it is settled where that began */
}

static void tail_finish_page(struct lane *l, const struct tail_work *w)
{
    struct poller *p = l->p;

    p->tail = w->after;
    tail_show_page(p, w);
    tail_watch_silence(p, w);
    if (w->is_circle) {
        lane_failed(l, REASON_ANSWER_UNUSABLE, poller_mono_ms(p) + CIRCLE_REST_MS,
                    "Okta's next link leads back to a page already read");
        return;
    }
    lane_succeeded(l);
    if (w->is_full) {
        lane_hurry(l);
        return;
    }
    p->tail_head_issue = w->base.page.issue;
    tail_rest_at_head(l);
}

static void tail_step(struct lane *l)
{
    struct poller *p = l->p;
    struct tail_work w = { .after = p->tail };

    if (!l->page.is_there)
        return;
    if (tail_start_was_wrong(p, l->page.okta_ms)) {
        page_drop(&l->page);
        lane_hurry(l);
        return;
    }
    if (page_work_open(&w.base, l, &l->page) && tail_store_events(l, &w) && tail_advance(l, &w) &&
        tail_commit_page(l, &w))
        tail_finish_page(l, &w);
    page_work_close(&w.base);
}

const struct lane_kind tail_lane = {
    .priority = OKTA_PRIORITY_TAIL,
    .state = &poller_state_tail,
    .path = tail_path,
    .step = tail_step,
    .restart = tail_restart,
    .load = tail_load,
};
