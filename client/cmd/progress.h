/* client/cmd/progress.h: how far a first sync is, in one line: from what Sync and Status tell. */
#ifndef CLIENT_CMD_PROGRESS_H
#define CLIENT_CMD_PROGRESS_H

#include "base/str.h"

#include "okta/connector/v1/connector.pb-c.h"

struct progress {
    Okta__Connector__V1__CollectionStatus *const *collections;
    size_t collection_count;
    bool is_at_head;                                   /* of the log */
    const Okta__Connector__V1__HistoryStatus *history; /* NULL: unknown */
    bool counts_history;                               /* the bar waits for it */
    const Okta__Connector__V1__Plan *plan;             /* NULL: none, or nothing is left to do */
    Okta__Connector__V1__Wait *const *waits;
    size_t wait_count;
    int64_t now_unix_ms;
};

/* 0 to 1000. */
unsigned progress_permille(const struct progress *p);

/* How much of the back-fill's time is done, 0 to 1000; 1000 too when there is none to do. */
unsigned progress_history_permille(const Okta__Connector__V1__HistoryStatus *h, int64_t now_unix_ms);

/* "users 1,400 · logins at the head · history 43 % back to 2026-02-20 · waiting for ...", appended. */
void progress_text(const struct progress *p, struct buf *out);

#endif
