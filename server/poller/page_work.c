#include "poller/page_work.h"

#include "poller/poller_internal.h"

bool page_work_open(struct page_work *w, struct lane *l, struct page *page)
{
    *w = (struct page_work){ .lane = l, .page = page_move(page), .encoded = BUF(CURSOR_BYTES_MAX) };
    if (store_begin(l->p->store, &w->txn, &w->err))
        return true;
    lane_store_failed(l, &w->err);
    return false;
}

bool page_work_is_readable(struct page_work *w, bool is_array, bool was_truncated)
{
    if (!is_array)
        lane_failed(w->lane, REASON_ANSWER_UNUSABLE, 0, "Okta's page of %s is not readable: %s",
                    w->lane->collection->members, w->err.text);
    else if (w->has_store_error)
        lane_store_failed(w->lane, &w->err);
    else if (was_truncated)
        lane_cut_short(w->lane);
    else
        return true;
    return false;
}

bool page_work_save(struct page_work *w, const void *state)
{
    if (lane_save(w->lane, w->txn, state, &w->encoded, &w->has_position, &w->err))
        return true;
    lane_store_failed(w->lane, &w->err);
    return false;
}

bool page_work_commit(struct page_work *w)
{
    if (!poller_commit(w->lane->p, &w->txn, &w->err)) {
        lane_store_failed(w->lane, &w->err);
        return false;
    }
    lane_saved(w->lane, &w->encoded);
    return true;
}

void page_work_close(struct page_work *w)
{
    store_abort(&w->txn);
    buf_deinit(&w->encoded);
    page_drop(&w->page);
}
