/* The history: the log from where the tail began downwards, newest first, until history_days are there.
 *
 *     ask for a window's pages -> hold them -> a tail poll that began after they came has reached the head
 *     -> one transaction: the events that the tail has not brought meanwhile, and the position -> the next window
 *
 * Idea: a window is a query with both ends. Windows begin with a day and become longer where little is in them, so that
 * a quiet org does not cost a call for every day.
 *
 * Invariant: the tail is always the one to store a live event first. A window shows everything that Okta has stored by
 * the time of the question, including events that the tail has not delivered yet; stored here, such an event would get
 * a place below the live ones, where a stream that follows never sees it. So a page is held until a tail poll that
 * began after the page arrived has reached the head: by then the tail has stored what it was going to, and the identity
 * index drops it from the page.
 *
 * It ends for good when the target is reached, when the store is nearly full, or when retention had to remove events
 * because of the store's size. A target that moves down later makes it go on. */
#include "base/number.h"
#include "poller/poller_internal.h"

#include <string.h>

/* Windows overlap by this much, since it is not documented whether `until` is inclusive. Events that come twice are
 * recognised by their uuid. */
#define WINDOW_OVERLAP_MS 1000
#define SHARE_PERCENT     80 /* of the store's maximum size: here history stops, and leaves the rest to live events */
#define REST_MS           MINUTE_MS

#define WINDOW_MAX_MS (15 * DAY_MS)    /* how much Okta has to search through for one question */
#define WINDOW_MIN_MS (60 * MINUTE_MS) /* for orgs in which even a day is too much for Okta */
#define FEW_PAGES     3                /* full pages in a window: the next window may be twice as long */
/* With more pages than this the next window is half as long. A day is never too long for that reason: each window costs
 * one page that is not full. */
#define MANY_PAGES 10

struct history_work {
    struct page_work base;
    struct history_state after;
    int64_t oldest_ms; /* published, of the page's events */
    uint64_t stored;
};

/* ---- how far ---- */

int64_t history_target_ms(struct poller *p)
{
    int64_t days = p->settings.history_days;

    return p->tail.start_ms - days * DAY_MS;
}

/* How far down to read: to the target, but not below what Okta keeps (90 days), nor below what retention would remove
 * at once. */
static int64_t history_bottom_ms(struct poller *p)
{
    int64_t kept_days = p->settings.retention_days < OKTA_LOG_DAYS ? p->settings.retention_days : OKTA_LOG_DAYS;

    return max_i64(history_target_ms(p), poller_okta_ms(p) - kept_days * DAY_MS);
}

static bool history_is_wanted(struct poller *p)
{
    return p->history_of_log->is_on && p->settings.history_days > 0;
}

/* Drops the pages that are held or in flight: asking starts again from the stored position. */
static void history_forget_ahead(struct poller *p)
{
    for (size_t i = 0; i < p->held_count; i++)
        page_drop(&p->held[i].page);
    p->held_count = 0;
    p->history_ahead = p->history;
    p->is_history_link_dead = false;
    lane_void(p->history_of_log);
    lane_new_listing(p->history_of_log);
}

static bool history_load(struct lane *l, struct error *err)
{
    struct poller *p = l->p;
    bool found;

    if (!lane_load(l, &p->history, &found, err))
        return false;
    p->history_ahead = p->history;
    return true;
}

void history_settings_changed(struct poller *p)
{
    struct history_state *state = &p->history;

    if (!history_is_wanted(p))
        history_forget_ahead(p);
    if (state->progress != HISTORY_IS_COMPLETE || state->top_ms <= history_bottom_ms(p))
        return;
    state->progress = HISTORY_GOES_ON;
    history_forget_ahead(p);
    lane_hurry(p->history_of_log);
}

bool history_is_running(struct poller *p)
{
    return history_is_wanted(p) && p->history.progress == HISTORY_GOES_ON;
}

/* ---- the end ---- */

static bool history_commit(struct lane *l, struct history_work *w)
{
    if (!page_work_save(&w->base, &w->after) || !page_work_commit(&w->base))
        return false;
    l->p->history = w->after;
    return true;
}

/* Ends for good, or until the target moves down. */
static void history_end(struct poller *p, enum history_progress progress)
{
    struct page no_page = { 0 };
    struct history_work w = { .after = p->history };

    if (p->history.progress != HISTORY_GOES_ON)
        return;
    w.after.progress = progress;
    w.after.path[0] = '\0';
    if (page_work_open(&w.base, p->history_of_log, &no_page) && history_commit(p->history_of_log, &w))
        history_forget_ahead(p);
    page_work_close(&w.base);
    p->is_dirty = true;
}

void history_limited_by_size(struct poller *p)
{
    if (history_is_wanted(p))
        history_end(p, HISTORY_IS_LIMITED);
}

/* ---- asking ---- */

/* Once retention has removed anything the store has a floor, and takes no event from below it. */
static bool history_is_closed_below(struct poller *p)
{
    struct journal_bounds bounds;
    struct error err;

    return journal_bounds(p->store, &bounds, &err) && bounds.floor != 0;
}

static void history_begin(struct poller *p)
{
    p->history.has_begun = true;
    p->history.top_ms = p->history.reached_ms = p->tail.start_ms;
    p->history_ahead = p->history;
}

/* The length of the window to ask for now. A stored value out of range is ignored: the file may have been edited. */
static int64_t history_window_ms(const struct history_state *state)
{
    return state->window_ms >= WINDOW_MIN_MS && state->window_ms <= WINDOW_MAX_MS ? state->window_ms : DAY_MS;
}

/* The window has been read: chooses the length of the next one. */
static void history_adapt_window(struct history_state *state, const struct lane *l)
{
    int64_t ms = history_window_ms(state), pages = state->window_events / l->collection->page_size;

    /* Where pages had to be made smaller, Okta is busy: no longer windows then. */
    if (pages <= FEW_PAGES && ms < WINDOW_MAX_MS && l->page_size == l->collection->page_size)
        ms = ms * 2 < WINDOW_MAX_MS ? ms * 2 : WINDOW_MAX_MS;
    else if (pages > MANY_PAGES && ms > DAY_MS)
        ms = max_i64(ms / 2, DAY_MS);
    state->window_ms = ms;
    state->window_events = 0;
}

/* Smaller pages may not help when Okta has to search through too much: the window becomes shorter as well. */
static void history_narrow(struct lane *l)
{
    struct history_state *ahead = &l->p->history_ahead;

    ahead->window_ms = max_i64(history_window_ms(ahead) / 2, WINDOW_MIN_MS);
}

/* The link within the window is dead, and everything held has been stored: asks again for the rest of the window. */
static void history_leave_dead_link(struct poller *p)
{
    if (p->history.path[0] != '\0' && p->history.reached_ms < p->history.top_ms)
        p->history.top_ms = p->history.reached_ms;
    p->history.path[0] = '\0';
    p->history.window_events = 0;
    p->history_ahead = p->history;
    p->is_history_link_dead = false;
}

static bool history_holds_enough(const struct poller *p)
{
    size_t bytes = 0;

    for (size_t i = 0; i < p->held_count; i++)
        bytes += p->held[i].page.body.len;
    return p->held_count == HISTORY_HELD_MAX || bytes >= HISTORY_HELD_BYTES_MAX;
}

static bool history_path(struct lane *l, struct buf *out)
{
    struct poller *p = l->p;
    struct history_state *ahead = &p->history_ahead;

    l->due_mono_ms = poller_mono_ms(p) + REST_MS; /* the end of any wait below makes it due sooner */
    if (!history_is_running(p) || p->now.tail_rounds == 0 || history_holds_enough(p))
        return false;
    if (history_is_closed_below(p)) {
        history_end(p, HISTORY_IS_LIMITED);
        return false;
    }
    if (p->is_history_link_dead && p->held_count > 0)
        return false;
    if (p->is_history_link_dead)
        history_leave_dead_link(p);
    if (!p->history.has_begun)
        history_begin(p);
    if (ahead->path[0] != '\0') {
        buf_puts(out, ahead->path);
        return true;
    }
    if (ahead->top_ms <= history_bottom_ms(p))
        return false; /* everything has been asked for */
    ahead->bottom_ms = max_i64(ahead->top_ms - history_window_ms(ahead), history_bottom_ms(p));
    lane_new_listing(l);
    path_logs_window(out, l->collection->path, ahead->bottom_ms, ahead->top_ms + WINDOW_OVERLAP_MS, l->page_size);
    return true;
}

/* The link within a window is dead. The pages that are held came before it and are good. Once they are stored, the rest
 * of the window is asked for again. */
static void history_restart(struct lane *l)
{
    if (l->p->history_ahead.path[0] == '\0') {
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta refuses to read a window of its log");
        return;
    }
    l->p->is_history_link_dead = true;
    lane_hurry(l);
}

/* ---- holding ---- */

static bool history_hold_page(struct lane *l)
{
    struct poller *p = l->p;
    struct held_page *held = &p->held[p->held_count];

    held->page = page_move(&l->page);
    held->page.issue = p->issues; /* the tail poll that releases it must have a larger number: it was asked later */
    held->after = p->history_ahead;
    if (!poller_state_set_path(held->after.path, buf_view(&held->page.next)) || lane_runs_in_circles(l, &held->page)) {
        page_drop(&held->page);
        history_forget_ahead(p);
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0,
                    "Okta's next link leads back to a page already read, or is not usable");
        return false;
    }
    held->after.pages++;
    held->after.window_events += l->page_size;
    if (held->after.path[0] == '\0') {
        held->after.top_ms = held->after.bottom_ms;
        history_adapt_window(&held->after, l);
    }
    p->held_count++;
    p->history_ahead = held->after;
    return true;
}

static bool history_is_empty_page(const struct page *page)
{
    return view_is(view_trim(buf_view(&page->body)), "[]");
}

/* ---- storing ---- */

static bool history_store_event(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct history_work *w = ctx;
    enum journal_fate fate;
    uint64_t sequence;

    if (record->published_ms != JOURNAL_NO_TIME && record->published_ms < w->oldest_ms)
        w->oldest_ms = record->published_ms;
    if (outcome == RECORD_OTHER)
        return true;
    if (!journal_prepend(w->base.txn, record, &fate, &sequence, &w->base.err)) {
        w->base.has_store_error = true;
        return false;
    }
    w->stored += fate == JOURNAL_STORED;
    return true;
}

static bool history_store_events(struct lane *l, struct history_work *w)
{
    struct record_page_result result = { 0 };
    const struct record_page page = { .body = buf_view(&w->base.page.body),
                                      .watermark_ms = JOURNAL_NO_TIME,
                                      .source = JOURNAL_BACKFILL };
    bool is_array = record_page(l->p->maker, &page, history_store_event, w, &result, &w->base.err);

    return page_work_is_readable(&w->base, is_array, result.was_truncated);
}

static bool history_store_is_nearly_full(struct poller *p)
{
    struct store_usage usage;
    struct error err;

    return store_usage(p->store, &usage, &err) && usage.bytes >= usage.max_bytes / 100 * SHARE_PERCENT;
}

/* The position after the page: within its window, not further down than what was stored. */
static void history_advance(struct poller *p, struct history_work *w)
{
    if (w->after.path[0] == '\0') {
        w->after.reached_ms = w->after.bottom_ms;
        if (w->after.top_ms <= history_bottom_ms(p))
            w->after.progress = HISTORY_IS_COMPLETE;
    } else if (w->oldest_ms < p->history.reached_ms) {
        w->after.reached_ms = max_i64(w->oldest_ms, w->after.bottom_ms);
    } else {
        w->after.reached_ms = p->history.reached_ms;
    }
}

static bool history_store_page(struct lane *l, struct history_work *w, struct page *page)
{
    if (!page_work_open(&w->base, l, page) || !history_store_events(l, w))
        return false;
    history_advance(l->p, w);
    return history_commit(l, w);
}

static bool history_store_first_held(struct lane *l)
{
    struct poller *p = l->p;
    AUTO_PAGE struct page page = page_move(&p->held[0].page);
    struct history_work w = { .after = p->held[0].after, .oldest_ms = INT64_MAX };
    bool ok;

    p->held_count--;
    memmove(&p->held[0], &p->held[1], p->held_count * sizeof p->held[0]);
    memset(&p->held[p->held_count], 0, sizeof p->held[0]);
    ok = history_store_page(l, &w, &page);
    page_work_close(&w.base);
    if (!ok) {
        history_forget_ahead(p);
        return false;
    }
    p->now.collections[l->collection->id].pages++;
    lane_succeeded(l);
    return true;
}

/* ---- a turn ---- */

static bool history_is_released(const struct poller *p)
{
    return history_is_empty_page(&p->held[0].page) || p->tail_head_issue > p->held[0].page.issue;
}

/* Nothing more to ask for until the tail has polled again. */
static bool history_waits_for_tail(struct lane *l)
{
    return l->p->held_count > 0 && !l->in_flight && lane_due_mono_ms(l) > poller_mono_ms(l->p);
}

/* Nothing is left to ask for: the target has moved up, or the rest is older than what Okta keeps. */
static bool history_is_through(struct poller *p)
{
    return p->history.has_begun && p->history.path[0] == '\0' && p->held_count == 0 && history_is_wanted(p) &&
           !p->history_of_log->in_flight && p->history.top_ms <= history_bottom_ms(p);
}

static void history_step(struct lane *l)
{
    struct poller *p = l->p;

    if (l->page.is_there && history_hold_page(l))
        lane_hurry(l);
    if (history_is_through(p))
        history_end(p, HISTORY_IS_COMPLETE);
    while (p->held_count > 0 && history_is_released(p)) {
        if (history_store_is_nearly_full(p)) {
            history_limited_by_size(p);
            return;
        }
        if (!history_store_first_held(l))
            return;
        lane_hurry(l);
    }
    if (history_waits_for_tail(l) && !p->tail_of_log->in_flight)
        lane_hurry(p->tail_of_log);
}

const struct lane_kind history_lane = {
    .priority = OKTA_PRIORITY_BACKFILL,
    .state = &poller_state_history,
    .path = history_path,
    .step = history_step,
    .restart = history_restart,
    .narrow = history_narrow,
    .load = history_load,
};
