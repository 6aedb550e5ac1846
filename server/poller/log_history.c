/* The login history: from where the tail began downwards, a window at a time, newest first. Windows begin with a day's
 * length and get longer where little is in them, so that a quiet org does not cost a call for each day.
 *
 *     ask pages -> hold them -> a tail poll begun after it came has reached the head -> one transaction: events the
 * tail has not brought meanwhile, and the position -> ... -> the next window, until the target
 *
 * A page is held because a window shows everything stored by the time it is asked, also what the tail is yet to
 * deliver. Live streams read what the tail stores, so the tail must always be the one that stores it first.
 *
 * It ends for good when the target is reached, when the store gets full, or when retention had to remove for size. A
 * target that moves down later makes it go on. */
#include "poller/poller_internal.h"

#include <string.h>

/* Windows overlap by this, whatever Okta means by "until": what comes twice is known by its uuid. */
#define WINDOW_OVERLAP_MS 1000
#define SHARE_PERCENT     80 /* of the store's size, at which history stops: the rest is for what is to come */
#define REST_MS           MINUTE_MS

#define WINDOW_MAX_MS (15 * DAY_MS)    /* what Okta has to look through for one question */
#define WINDOW_MIN_MS (60 * MINUTE_MS) /* where even a day is too much for it */
#define FEW_PAGES     3                /* full ones, in a window: the next may be twice as long */
#define MANY_PAGES                                                                                                     \
    10 /* half as long, but a day is never too long for this: each window costs a page                                 \
          that is not full */

struct backfill_work {
    struct poller *p;
    struct store_txn *txn;
    struct backfill_state after;
    struct buf encoded;
    struct error err;
    int64_t oldest_ms;
    uint64_t stored;
    bool has_store_error;
};

static struct lane *lane_of(struct poller *p)
{
    return &p->lanes[LANE_BACKFILL];
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- how far ---- */

int64_t backfill_target_ms(struct poller *p)
{
    int64_t days = p->settings.history_days;

    return p->tail.start_ms - days * DAY_MS;
}

/* Below the target there is nothing to do; below the other two nothing is to be had, or would not be kept. */
static int64_t bottom_ms(struct poller *p)
{
    int64_t kept_days = p->settings.retention_days < OKTA_LOG_DAYS ? p->settings.retention_days : OKTA_LOG_DAYS;

    return larger(backfill_target_ms(p), poller_okta_ms(p) - kept_days * DAY_MS);
}

static bool is_wanted(struct poller *p)
{
    return lane_of(p)->is_on && p->settings.history_days > 0;
}

static void forget_ahead(struct poller *p)
{
    for (size_t i = 0; i < p->held_count; i++)
        page_drop(&p->held[i].page);
    p->held_count = 0;
    p->backfill_ahead = p->backfill;
    p->is_backfill_link_dead = false;
    lane_void(lane_of(p));
    lane_new_listing(lane_of(p));
}

bool backfill_load(struct lane *l, struct error *err)
{
    struct poller *p = l->p;
    bool found;

    if (!lane_load(l, &poller_state_backfill, &p->backfill, &found, err))
        return false;
    p->backfill_ahead = p->backfill;
    return true;
}

void backfill_settings_changed(struct poller *p)
{
    struct backfill_state *state = &p->backfill;

    if (!is_wanted(p))
        forget_ahead(p);
    if (state->status != BACKFILL_COMPLETE || state->top_ms <= bottom_ms(p))
        return;
    state->status = BACKFILL_RUNNING;
    forget_ahead(p);
    lane_hurry(lane_of(p));
}

bool backfill_is_running(struct poller *p)
{
    return is_wanted(p) && p->backfill.status == BACKFILL_RUNNING;
}

/* ---- the end ---- */

static bool commit(struct lane *l, struct backfill_work *w)
{
    bool wrote;

    if (lane_save(l, w->txn, &poller_state_backfill, &w->after, &w->encoded, &wrote, &w->err) &&
        poller_commit(l->p, &w->txn, &w->err)) {
        lane_saved(l, &w->encoded);
        l->p->backfill = w->after;
        return true;
    }
    lane_store_failed(l, &w->err);
    return false;
}

/* For good, or until the target moves. */
static void end(struct poller *p, enum backfill_status status)
{
    struct lane *l = lane_of(p);
    struct backfill_work w = { .p = p, .after = p->backfill };

    if (p->backfill.status != BACKFILL_RUNNING)
        return;
    w.after.status = status;
    w.after.path[0] = '\0';
    buf_init(&w.encoded, CURSOR_BYTES_MAX);
    if (!store_begin(p->store, &w.txn, &w.err))
        lane_store_failed(l, &w.err);
    else if (commit(l, &w))
        forget_ahead(p);
    store_abort(&w.txn);
    buf_deinit(&w.encoded);
    p->is_dirty = true;
}

void backfill_limited_by_size(struct poller *p)
{
    if (is_wanted(p))
        end(p, BACKFILL_LIMITED);
}

/* ---- asking ---- */

/* Once retention has removed anything, the store takes no more history. */
static bool is_closed_below(struct poller *p)
{
    struct journal_bounds bounds;
    struct error err;

    return journal_bounds(p->store, &bounds, &err) && bounds.floor != 0;
}

static void begin(struct poller *p)
{
    p->backfill.has_begun = true;
    p->backfill.top_ms = p->backfill.reached_ms = p->tail.start_ms;
    p->backfill_ahead = p->backfill;
}

/* Of the window to ask for now. What is in the store may be from anybody's hand. */
static int64_t window_ms(const struct backfill_state *state)
{
    return state->window_ms >= WINDOW_MIN_MS && state->window_ms <= WINDOW_MAX_MS ? state->window_ms : DAY_MS;
}

/* The window has been read: how long is the next? */
static void adapt_window(struct backfill_state *state, const struct lane *l)
{
    int64_t ms = window_ms(state), pages = state->window_events / l->row->page_size;

    /* Pages that had to be made smaller are a sign that Okta has enough to do. */
    if (pages <= FEW_PAGES && ms < WINDOW_MAX_MS && l->page_size == l->row->page_size)
        ms = ms * 2 < WINDOW_MAX_MS ? ms * 2 : WINDOW_MAX_MS;
    else if (pages > MANY_PAGES && ms > DAY_MS)
        ms = larger(ms / 2, DAY_MS);
    state->window_ms = ms;
    state->window_events = 0;
}

/* Asked for from the top; smaller pages may not help where Okta has to look through too much. */
void backfill_narrow(struct lane *l)
{
    struct backfill_state *ahead = &l->p->backfill_ahead;

    ahead->window_ms = larger(window_ms(ahead) / 2, WINDOW_MIN_MS);
}

static void leave_dead_link(struct poller *p)
{
    if (p->backfill.path[0] != '\0' && p->backfill.reached_ms < p->backfill.top_ms)
        p->backfill.top_ms = p->backfill.reached_ms;
    p->backfill.path[0] = '\0';
    p->backfill.window_events = 0;
    p->backfill_ahead = p->backfill;
    p->is_backfill_link_dead = false;
}

static bool holds_enough(const struct poller *p)
{
    size_t bytes = 0;

    for (size_t i = 0; i < p->held_count; i++)
        bytes += p->held[i].page.body.len;
    return p->held_count == BACKFILL_HELD_MAX || bytes >= BACKFILL_HELD_BYTES_MAX;
}

bool backfill_path(struct lane *l, struct buf *out)
{
    struct poller *p = l->p;
    struct backfill_state *ahead = &p->backfill_ahead;

    l->due_mono_ms = poller_mono_ms(p) + REST_MS; /* whatever ends the wait makes it due sooner */
    if (!backfill_is_running(p) || p->now.tail_rounds == 0 || holds_enough(p))
        return false;
    if (is_closed_below(p)) {
        end(p, BACKFILL_LIMITED);
        return false;
    }
    if (p->is_backfill_link_dead && p->held_count > 0)
        return false;
    if (p->is_backfill_link_dead)
        leave_dead_link(p);
    if (!p->backfill.has_begun)
        begin(p);
    if (ahead->path[0] != '\0') {
        buf_puts(out, ahead->path);
        return true;
    }
    if (ahead->top_ms <= bottom_ms(p))
        return false; /* all is asked for */
    ahead->bottom_ms = larger(ahead->top_ms - window_ms(ahead), bottom_ms(p));
    lane_new_listing(l);
    path_logs_window(out, ahead->bottom_ms, ahead->top_ms + WINDOW_OVERLAP_MS, l->page_size);
    return true;
}

/* The link within a window is dead. What is held came before it, and is as good as ever: once it is stored, the rest of
 * the window is asked for anew. */
void backfill_restart(struct lane *l)
{
    if (l->p->backfill_ahead.path[0] == '\0') {
        lane_failed(l, 0, "Okta refuses a window of its log");
        return;
    }
    l->p->is_backfill_link_dead = true;
    lane_hurry(l);
}

/* ---- holding ---- */

static bool hold(struct lane *l)
{
    struct poller *p = l->p;
    struct held_page *held = &p->held[p->held_count];

    held->page = page_move(&l->page);
    held->page.issue = p->issues; /* from now on: a tail poll must have been asked after all until now */
    held->after = p->backfill_ahead;
    if (!poller_state_set_path(held->after.path, buf_view(&held->page.next)) || lane_runs_in_circles(l, &held->page)) {
        page_drop(&held->page);
        forget_ahead(p);
        lane_failed(l, 0, "Okta's next link leads back to a page already read, or is not usable");
        return false;
    }
    held->after.pages++;
    held->after.window_events += l->page_size;
    if (held->after.path[0] == '\0') {
        held->after.top_ms = held->after.bottom_ms;
        adapt_window(&held->after, l);
    }
    p->held_count++;
    p->backfill_ahead = held->after;
    return true;
}

static bool is_empty(const struct page *page)
{
    return view_is(view_trim(buf_view(&page->body)), "[]");
}

/* ---- storing ---- */

static bool visit(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    struct backfill_work *w = ctx;
    enum journal_fate fate;
    uint64_t sequence;

    if (record->published_ms != JOURNAL_NO_TIME && record->published_ms < w->oldest_ms)
        w->oldest_ms = record->published_ms;
    if (outcome == RECORD_OTHER)
        return true;
    if (!journal_prepend(w->txn, record, &fate, &sequence, &w->err)) {
        w->has_store_error = true;
        return false;
    }
    w->stored += fate == JOURNAL_STORED;
    return true;
}

/* True when the page's events are in the transaction; otherwise the lane has been told. */
static bool store_events(struct lane *l, struct backfill_work *w, const struct page *held)
{
    struct record_page_result result = { 0 };
    const struct record_page page = { .body = buf_view(&held->body),
                                      .watermark_ms = JOURNAL_NO_TIME,
                                      .source = JOURNAL_BACKFILL };

    if (!record_page(l->p->maker, &page, visit, w, &result, &w->err))
        lane_failed(l, 0, "Okta's log page is not readable: %s", w->err.text);
    else if (w->has_store_error)
        lane_store_failed(l, &w->err);
    else if (result.was_truncated)
        lane_cut_short(l);
    else
        return true;
    return false;
}

static bool is_full(struct poller *p)
{
    struct store_usage usage;
    struct error err;

    return store_usage(p->store, &usage, &err) && usage.bytes >= usage.max_bytes / 100 * SHARE_PERCENT;
}

/* The position after the page: within its window no further up than what was stored. */
static void move_on(struct backfill_work *w)
{
    struct poller *p = w->p;

    if (w->after.path[0] == '\0') {
        w->after.reached_ms = w->after.bottom_ms;
        if (w->after.top_ms <= bottom_ms(p))
            w->after.status = BACKFILL_COMPLETE;
    } else if (w->oldest_ms < p->backfill.reached_ms) {
        w->after.reached_ms = larger(w->oldest_ms, w->after.bottom_ms);
    } else {
        w->after.reached_ms = p->backfill.reached_ms;
    }
}

static bool store_first_held(struct lane *l)
{
    struct poller *p = l->p;
    AUTO_PAGE struct page page = page_move(&p->held[0].page);
    struct backfill_work w = { .p = p, .after = p->held[0].after, .oldest_ms = INT64_MAX };
    bool ok = false;

    p->held_count--;
    memmove(&p->held[0], &p->held[1], p->held_count * sizeof p->held[0]);
    memset(&p->held[p->held_count], 0, sizeof p->held[0]);
    buf_init(&w.encoded, CURSOR_BYTES_MAX);
    if (!store_begin(p->store, &w.txn, &w.err)) {
        lane_store_failed(l, &w.err);
    } else if (store_events(l, &w, &page)) {
        move_on(&w);
        ok = commit(l, &w);
    }
    store_abort(&w.txn);
    buf_deinit(&w.encoded);
    if (ok) {
        p->now.collections[COLLECTION_LOGINS].pages++;
        lane_succeeded(l);
    } else {
        forget_ahead(p);
    }
    return ok;
}

/* ---- a turn ---- */

static bool is_released(const struct poller *p)
{
    return is_empty(&p->held[0].page) || p->tail_head_issue > p->held[0].page.issue;
}

/* Holding as much as may be, or all there is: the tail's next poll is what is waited for. */
static bool waits_for_tail(struct lane *l)
{
    return l->p->held_count > 0 && !l->in_flight && lane_due_mono_ms(l) > poller_mono_ms(l->p);
}

/* Nothing is left to ask for: the target has moved up, or Okta has forgotten what was left. */
static bool is_through(struct poller *p)
{
    return p->backfill.has_begun && p->backfill.path[0] == '\0' && p->held_count == 0 && is_wanted(p) &&
           !lane_of(p)->in_flight && p->backfill.top_ms <= bottom_ms(p);
}

void backfill_step(struct lane *l)
{
    struct poller *p = l->p;

    if (l->page.is_there && hold(l))
        lane_hurry(l);
    if (is_through(p))
        end(p, BACKFILL_COMPLETE);
    while (p->held_count > 0 && is_released(p)) {
        if (is_full(p)) {
            backfill_limited_by_size(p);
            return;
        }
        if (!store_first_held(l))
            return;
        lane_hurry(l);
    }
    if (waits_for_tail(l) && !p->lanes[LANE_TAIL].in_flight)
        lane_hurry(&p->lanes[LANE_TAIL]);
}
