/* server/model/snapshot.h: everything that Status, and the progress of a sync, show of a connector. */
#ifndef MODEL_SNAPSHOT_H
#define MODEL_SNAPSHOT_H

#include "model/collection.h"
#include "model/plan.h"
#include "model/state.h"
#include "okta/okta.h"

/* Numbers are the API's (HistoryState). */
enum connector_history { HISTORY_OFF = 1, HISTORY_RUNNING, HISTORY_COMPLETE, HISTORY_LIMITED_BY_SIZE };

struct collection_snapshot {
    bool is_chosen, is_complete;
    uint64_t objects, pages, listed;
    int64_t last_success_unix_ms; /* 0: none yet; the same holds for every time here */
};

struct wait_snapshot {
    char what[COLLECTION_NAME_MAX + 1], bucket[OKTA_BUCKET_NAME_MAX + 1], reason[120];
    int64_t until_unix_ms;
};
/* Every bucket and every lane can wait at the same time, and so can all of them: for other programs of the org, and for
 * the credential. None of these is ever left out: a wait that Status does not show would be a silent stop. */
#define WAITS_MAX (OKTA_BUCKETS_MAX + LANES_MAX + 2)

/* A value without pointers: copy it. */
struct poller_snapshot {
    enum connector_state state;
    int64_t state_since_unix_ms;
    char state_reason[256];
    enum connector_reason reason;
    uint64_t state_changes; /* changes of state or reason since the start */
    bool is_log_silent;     /* far fewer events than usual */
    uint64_t log_silences;  /* times that the log fell silent since the start */

    int64_t tail_success_unix_ms, tail_attempt_unix_ms, tail_published_ms;
    bool tail_at_head;
    int64_t tail_interval_ms;
    uint64_t tail_rounds; /* times the tail has reached the head since the start */
    uint64_t events_read, logins_stored, duplicates_dropped, late, unparsed;

    enum connector_history history;
    int64_t history_reached_ms, history_target_ms;
    uint64_t history_stored;

    struct collection_snapshot collections[COLLECTION_IDS_MAX]; /* by id */
    struct okta_bucket buckets[OKTA_BUCKETS_MAX];
    size_t bucket_count;
    struct wait_snapshot waits[WAITS_MAX];
    size_t wait_count;
    struct sync_plan plan; /* what is left to do until all is here */
    int64_t plan_eta_unix_ms;
    struct okta_counts counts;
    struct okta_grants grants;

    int64_t error_unix_ms; /* 0: none since the start */
    char error_message[256], error_code[OKTA_ERROR_CODE_MAX + 1], error_request_id[OKTA_REQUEST_ID_MAX + 1];
    int error_http_status;

    uint64_t version; /* grows with every change */
};

#endif
