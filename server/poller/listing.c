/* A collection's objects: all of them once, then what changed.
 *
 * The first listing goes through every page and is complete at the last one. From then on a second query, every
 * refresh_ms, lists what changed since the newest change known. That query goes back by OVERLAP_MS: Okta's searches
 * read an index that lags behind the objects, so a change can become visible after a later one. An object that comes
 * again with the same bytes is not written.
 *
 * Positions never skip: changes made while the first listing runs may lie on pages already read, so the first listing
 * of changes starts from the moment at which the first listing began, on Okta's clock. */
#include "poller/poller_internal.h"

#include <string.h>

#define SUSPICIOUS_MS (5 * MINUTE_MS)
#define GENERATION    1 /* of the first listing */

struct listing_work {
    struct page_work base;
    struct listing_state after;
    struct record_objects_result result;
    bool is_last;
    uint64_t changed; /* rows that were written */
};

/* ---- asking ---- */

static bool listing_load(struct lane *l, struct error *err)
{
    bool found;

    return lane_load(l, &l->listing, &found, err);
}

static bool listing_path(struct lane *l, struct buf *out)
{
    const struct listing_state *state = &l->listing;
    const struct collection *c = l->collection;

    if (state->path[0] != '\0') {
        buf_puts(out, state->path);
        return true;
    }
    lane_new_listing(l);
    if (!state->is_complete)
        collection_query(c, c->list_all, 0, l->page_size, out);
    else
        collection_query(c, c->list_changed, state->high_ms > OVERLAP_MS ? state->high_ms - OVERLAP_MS : 0,
                         l->page_size, out);
    return true;
}

static void listing_begin_again(struct listing_state *state)
{
    state->path[0] = '\0';
    state->seen_ms = 0;
    if (!state->is_complete)
        state->pages = state->listed = 0;
}

/* Listing again what was listed before is harmless: rows are keyed by id. */
static void listing_restart(struct lane *l)
{
    if (l->listing.path[0] == '\0') {
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0, "Okta refuses to list %s", l->collection->members);
        return;
    }
    listing_begin_again(&l->listing);
    lane_hurry(l);
}

/* ---- a page ---- */

static bool listing_store_row(void *ctx, const struct directory_row *found)
{
    struct listing_work *w = ctx;
    struct directory_row row = *found;
    bool changed;

    row.generation = GENERATION;
    if (!directory_put(w->base.txn, w->base.lane->collection->store_number, &row, &changed, &w->base.err)) {
        w->base.has_store_error = true;
        return false;
    }
    w->changed += changed;
    /* A time beyond Okta's own clock is not a place to go on from: it would skip every change until then. */
    if (row.last_updated_ms > w->after.seen_ms && row.last_updated_ms <= w->base.page.okta_ms + MINUTE_MS)
        w->after.seen_ms = row.last_updated_ms;
    return true;
}

static bool listing_store_rows(struct lane *l, struct listing_work *w)
{
    bool is_array = record_objects(l->p->maker, l->collection, buf_view(&w->base.page.body), listing_store_row, w,
                                   &w->result, &w->base.err);

    return page_work_is_readable(&w->base, is_array, w->result.was_truncated);
}

/* Every org has at least one object of some kinds: a credential that sees none lacks the right to see them. Okta
 * answers such a credential with an empty list rather than with a refusal. */
static bool listing_is_suspicious(struct lane *l, const struct listing_work *w)
{
    if (!l->collection->is_never_empty || w->after.is_complete || w->result.elements > 0 || w->after.listed > 0 ||
        w->base.page.next.len > 0)
        return false;
    lane_failed(l, REASON_SUSPICIOUSLY_EMPTY, poller_mono_ms(l->p) + SUSPICIOUS_MS,
                "Okta lists no %s at all, so most likely the token's owner lacks an admin role that may view %s",
                l->collection->member, l->collection->members);
    l->is_barred = true;
    return true;
}

static void listing_end(struct listing_state *state)
{
    int64_t high_ms = state->is_complete ? state->seen_ms : state->began_ms;

    state->is_complete = true;
    state->seen_ms = 0;
    if (high_ms > state->high_ms)
        state->high_ms = high_ms;
}

/* The position after the page. */
static bool listing_advance(struct lane *l, struct listing_work *w)
{
    struct listing_state *after = &w->after;

    if (lane_runs_in_circles(l, &w->base.page) || !poller_state_set_path(after->path, buf_view(&w->base.page.next))) {
        listing_begin_again(&l->listing);
        lane_failed(l, REASON_ANSWER_UNUSABLE, 0,
                    "Okta's next link leads back to a page already read, or is not usable");
        return false;
    }
    if (!after->is_complete) {
        if (after->pages == 0)
            after->began_ms = w->base.page.okta_ms;
        after->pages++;
        after->listed += (int64_t)w->result.elements;
    }
    w->is_last = w->base.page.next.len == 0;
    if (w->is_last)
        listing_end(after);
    return true;
}

/* A page that brought nothing new writes nothing. The next page is asked for before this one is committed. */
static bool listing_commit(struct lane *l, struct listing_work *w)
{
    if (!page_work_save(&w->base, &w->after))
        return false;
    if (!w->is_last)
        lane_ask_ahead(l, w->after.path);
    return (w->changed == 0 && !w->base.has_position) || page_work_commit(&w->base);
}

static void listing_finish(struct lane *l, const struct listing_work *w)
{
    struct poller *p = l->p;

    l->listing = w->after;
    lane_succeeded(l);
    if (!w->is_last) {
        lane_hurry(l);
        return;
    }
    p->now.collections[l->collection->id].last_success_unix_ms = poller_unix_ms(p);
    l->due_mono_ms = poller_mono_ms(p) + poller_jitter_ms(p, l->collection->refresh_ms);
}

static void listing_step(struct lane *l)
{
    struct listing_work w = { .after = l->listing };

    if (!l->page.is_there)
        return;
    if (page_work_open(&w.base, l, &l->page) && listing_store_rows(l, &w) && !listing_is_suspicious(l, &w) &&
        listing_advance(l, &w) && listing_commit(l, &w))
        listing_finish(l, &w);
    page_work_close(&w.base);
}

const struct lane_kind listing_lane = {
    .priority = OKTA_PRIORITY_SYNC,
    .state = &poller_state_listing,
    .path = listing_path,
    .step = listing_step,
    .restart = listing_restart,
    .load = listing_load,
};
