/* server/poller/page_work.h: one page of Okta's and the position that it vouches for, stored in one transaction.
 *
 *     page_work_open -> rows and events are written -> page_work_is_readable -> page_work_save -> page_work_commit
 *
 * Each of these returns false after it has told the lane when to try again; nothing of the page is kept then. So a lane
 * chains them with && and always ends with page_work_close. */
#ifndef POLLER_PAGE_WORK_H
#define POLLER_PAGE_WORK_H

#include "poller/lane.h"

struct page_work {
    struct lane *lane;
    struct page page;
    struct store_txn *txn;
    struct buf encoded;   /* the position after the page */
    bool has_position;    /* page_work_save has written it: it differs from the stored one */
    bool has_store_error; /* a visitor could not write; err says why */
    struct error err;
};

/* Takes the page and begins the transaction. `page` may be empty: then only a position is written. */
MUST_CHECK bool page_work_open(struct page_work *w, struct lane *l, struct page *page);

/* What came of converting the page's elements: false when the body was no array, when the store refused an element, or
 * when the end of the page is missing. */
MUST_CHECK bool page_work_is_readable(struct page_work *w, bool is_array, bool was_truncated);

/* Writes the position after the page. */
MUST_CHECK bool page_work_save(struct page_work *w, const void *state);

/* Makes page and position durable and visible. */
MUST_CHECK bool page_work_commit(struct page_work *w);

void page_work_close(struct page_work *w);

#endif
