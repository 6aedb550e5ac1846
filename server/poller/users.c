/* The users: all of them once, then what changed.
 *
 * One search lists users in every state (a plain listing leaves the deactivated out), ordered by creation, which no
 * update moves. Afterwards, every five minutes, those changed since the newest change known, less an overlap, since the
 * index that searches read lags behind; a user that comes again unchanged is no write. */
#include "poller/poller_internal.h"

#include <string.h>

#define DELTA_MS      (5 * MINUTE_MS)
#define SUSPICIOUS_MS (5 * MINUTE_MS)
#define GENERATION    1 /* of the first listing */

struct users_work {
    struct poller *p;
    struct page page;
    struct store_txn *txn;
    struct buf encoded;
    struct users_state after;
    struct error err;
    struct record_users_result result;
    bool has_store_error, is_last;
    uint64_t changed;
};

static void work_deinit(struct users_work *w)
{
    store_abort(&w->txn);
    buf_deinit(&w->encoded);
    page_drop(&w->page);
}

/* ---- asking ---- */

bool users_load(struct lane *l, struct error *err)
{
    bool found;

    return lane_load(l, &poller_state_users, &l->p->users, &found, err);
}

bool users_path(struct lane *l, struct buf *out)
{
    const struct users_state *state = &l->p->users;

    if (state->path[0] != '\0') {
        buf_puts(out, state->path);
        return true;
    }
    lane_new_listing(l);
    if (!state->is_complete)
        path_users_all(out, l->page_size);
    else
        path_users_changed(out, state->high_ms > OVERLAP_MS ? state->high_ms - OVERLAP_MS : 0, l->page_size);
    return true;
}

static void begin_again(struct users_state *state)
{
    state->path[0] = '\0';
    state->seen_ms = 0;
    if (!state->is_complete)
        state->pages = state->listed = 0;
}

/* What was listed before is listed again: rows are put by id, so that changes nothing. */
void users_restart(struct lane *l)
{
    struct users_state *state = &l->p->users;

    if (state->path[0] == '\0') {
        lane_failed(l, 0, "Okta refuses to list users");
        return;
    }
    begin_again(state);
    lane_hurry(l);
}

/* ---- a page ---- */

static bool visit(void *ctx, const struct directory_row *found)
{
    struct users_work *w = ctx;
    struct directory_row row = *found;
    bool changed;

    row.generation = GENERATION;
    if (!directory_put(w->txn, DIRECTORY_USERS, &row, &changed, &w->err)) {
        w->has_store_error = true;
        return false;
    }
    w->changed += changed;
    /* A time beyond Okta's own clock is not a place to go on from. */
    if (row.last_updated_ms > w->after.seen_ms && row.last_updated_ms <= w->page.okta_ms + MINUTE_MS)
        w->after.seen_ms = row.last_updated_ms;
    return true;
}

static bool store_rows(struct lane *l, struct users_work *w)
{
    if (!record_users(l->p->maker, buf_view(&w->page.body), visit, w, &w->result, &w->err))
        lane_failed(l, 0, "Okta's page of users is not readable: %s", w->err.text);
    else if (w->has_store_error)
        lane_store_failed(l, &w->err);
    else if (w->result.was_truncated)
        lane_cut_short(l);
    else
        return true;
    return false;
}

/* An org always has a user: whoever sees none lacks the right to see them. */
static bool is_suspicious(struct lane *l, const struct users_work *w)
{
    if (w->after.is_complete || w->result.elements > 0 || w->after.listed > 0 || w->page.next.len > 0)
        return false;
    lane_failed(l, poller_mono_ms(l->p) + SUSPICIOUS_MS,
                "Okta lists no user at all, so most likely the token's owner lacks an admin role that may view users");
    l->is_barred = true;
    l->why = REASON_SUSPICIOUSLY_EMPTY;
    return true;
}

static void end_listing(struct users_state *state)
{
    int64_t high_ms = state->is_complete ? state->seen_ms : state->began_ms;

    /* What changed while the first listing went on may have been listed before: go on from its beginning. */
    state->is_complete = true;
    state->seen_ms = 0;
    if (high_ms > state->high_ms)
        state->high_ms = high_ms;
}

/* Where the listing stands after the page. */
static bool move_on(struct lane *l, struct users_work *w)
{
    struct users_state *after = &w->after;

    if (lane_runs_in_circles(l, &w->page) || !poller_state_set_path(after->path, buf_view(&w->page.next))) {
        begin_again(&l->p->users);
        lane_failed(l, 0, "Okta's next link leads back to a page already read, or is not usable");
        return false;
    }
    if (!after->is_complete) {
        if (after->pages == 0)
            after->began_ms = w->page.okta_ms;
        after->pages++;
        after->listed += (int64_t)w->result.elements;
    }
    w->is_last = w->page.next.len == 0;
    if (w->is_last)
        end_listing(after);
    return true;
}

static bool commit(struct lane *l, struct users_work *w)
{
    bool wrote;

    if (!lane_save(l, w->txn, &poller_state_users, &w->after, &w->encoded, &wrote, &w->err)) {
        lane_store_failed(l, &w->err);
        return false;
    }
    if (!w->is_last)
        lane_ask_ahead(l, w->after.path);
    if (w->changed == 0 && !wrote)
        return true;
    if (!poller_commit(l->p, &w->txn, &w->err)) {
        lane_store_failed(l, &w->err);
        return false;
    }
    lane_saved(l, &w->encoded);
    return true;
}

static void finish(struct lane *l, const struct users_work *w)
{
    struct poller *p = l->p;

    p->users = w->after;
    lane_succeeded(l);
    if (!w->is_last) {
        lane_hurry(l);
        return;
    }
    p->now.collections[COLLECTION_USERS].last_success_unix_ms = poller_unix_ms(p);
    l->due_mono_ms = poller_mono_ms(p) + poller_jitter_ms(p, DELTA_MS);
}

void users_step(struct lane *l)
{
    struct poller *p = l->p;
    struct users_work w = { .p = p };

    if (!l->page.is_there)
        return;
    w.after = p->users;
    w.page = page_move(&l->page);
    buf_init(&w.encoded, CURSOR_BYTES_MAX);
    if (!store_begin(p->store, &w.txn, &w.err))
        lane_store_failed(l, &w.err);
    else if (store_rows(l, &w) && !is_suspicious(l, &w) && move_on(l, &w) && commit(l, &w))
        finish(l, &w);
    work_deinit(&w);
}
