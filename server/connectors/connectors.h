/* server/connectors/connectors.h: the connectors of this process: found by name, configured, run, deleted.
 *
 * Each connector is a poller thread with a store. RPC threads see it through a reference, which keeps the store open
 * and the struct alive; what they read of its state is a snapshot. Any thread, unless it says otherwise. */
#ifndef CONNECTORS_H
#define CONNECTORS_H

#include "base/clock.h"
#include "connectors/credential.h"
#include "connectors/plan.h"
#include "okta/okta.h"
#include "store/journal.h"
#include "store/registry.h"
#include "store/store.h"

#define CONNECTORS_MAX REGISTRY_CONNECTORS_MAX

struct connectors;
struct connector;

/* ---- what a poller shows of itself ---- */

/* Numbers are the API's (ConnectorState, HistoryState, Collection). */
enum connector_state {
    CONNECTOR_STARTING = 1,
    CONNECTOR_SYNCING,
    CONNECTOR_LIVE,
    CONNECTOR_DEGRADED,
    CONNECTOR_RECONNECT_REQUIRED,
    CONNECTOR_RETIRED,
};
enum connector_reason { /* numbers are the API's (Reason), which says what each means */
                        REASON_NONE,
                        REASON_NO_ANSWER_YET,
                        REASON_FIRST_SYNC,
                        REASON_TOKEN_REFUSED,
                        REASON_ENDPOINT_REFUSED,
                        REASON_SCOPE_MISSING,
                        REASON_ROLE_MISSING,
                        REASON_FEATURE_ABSENT,
                        REASON_UNREACHABLE,
                        REASON_SERVER_ERROR,
                        REASON_RATE_LIMITED,
                        REASON_ANSWER_UNUSABLE,
                        REASON_SUSPICIOUSLY_EMPTY,
                        REASON_STORE_FULL,
                        REASON_STORE_FAILED,
                        REASON_NOT_RUNNING,
                        REASON_NO_CREDENTIAL,
                        REASON_LOG_SILENT,
                        REASON_RETIRED,
                        REASONS_END,
};
enum connector_history { HISTORY_OFF = 1, HISTORY_RUNNING, HISTORY_COMPLETE, HISTORY_LIMITED_BY_SIZE };
enum connector_collection { COLLECTION_LOGINS = 1, COLLECTION_USERS = 2, COLLECTIONS_END = 3 };

struct collection_snapshot {
    bool is_chosen, is_complete;
    uint64_t objects, pages, listed;
    int64_t last_success_unix_ms; /* 0: none yet. So for all times here */
};

struct wait_snapshot {
    char what[24], bucket[OKTA_BUCKET_NAME_MAX + 1], reason[120];
    int64_t until_unix_ms;
};
#define WAITS_MAX 8

/* Everything Status and progress say of a poller. A value: copy it. */
struct poller_snapshot {
    enum connector_state state;
    int64_t state_since_unix_ms;
    char state_reason[256];
    enum connector_reason reason;
    uint64_t state_changes; /* of the state or its reason, since the start */
    bool is_log_silent;     /* far fewer events than usual */
    uint64_t log_silences;  /* times that it fell silent, since the start */

    int64_t tail_success_unix_ms, tail_attempt_unix_ms, tail_published_ms;
    bool tail_at_head;
    int64_t tail_interval_ms;
    uint64_t tail_rounds; /* times the tail has reached the head since the start */
    uint64_t events_read, logins_stored, duplicates_dropped, late, unparsed;

    enum connector_history history;
    int64_t history_reached_ms, history_target_ms;
    uint64_t history_stored;

    struct collection_snapshot collections[COLLECTIONS_END];
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

/* ---- the set ---- */

struct connectors_options {
    struct registry *registry; /* borrowed until connectors_destroy */
    const struct clock *clock;
    uint64_t store_max_bytes; /* 0: STORE_BYTES_DEFAULT */
    int share_percent;        /* of Okta's buckets; 0: 50 */
    bool allow_loopback_http;
    bool allow_private_org;      /* allow_private of okta_options */
    const char *proxy, *ca_file; /* as in okta_options; borrowed until connectors_destroy */
    const char *data_dir;        /* the registry's, for Diagnose; borrowed likewise; NULL: not looked at */
    /* A commit or a change of state: something to read. Called on poller threads; never blocks. `topic` is the
     * connector's, 0 to CONNECTORS_MAX - 1, reused after a delete. */
    void (*changed)(void *ctx, unsigned topic);
    /* Fresh or not, for health. Called when it changes. `is_gone`: deleted. */
    void (*health)(void *ctx, const char *name, bool is_fresh, bool is_gone);
    /* For tests: what carries a client's requests, one call per client, destroyed with it. NULL: the network. */
    struct okta_transport *(*make_transport)(void *ctx);
    void *ctx;
};

/* Starts a poller for each active entry of the registry. One that cannot start is logged and shown as DEGRADED, and
 * does not keep the others from starting. */
MUST_CHECK bool connectors_create(struct connectors **out, const struct connectors_options *options, struct error *err);
void connectors_stop(struct connectors *cs);    /* begins: pollers finish their commit and end; probes give up */
void connectors_destroy(struct connectors *cs); /* joins, bounded; all references have been returned */

/* A reference, or NULL with NOT_FOUND / NO_SUCH_CONNECTOR; with an empty name the only one, else INVALID_ARGUMENT /
 * NAME_REQUIRED (none at all: NOT_FOUND). */
struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err);
/* References to all, ordered by name; returns how many. */
size_t connectors_all(struct connectors *cs, struct connector *out[CONNECTORS_MAX]);
void connector_release(struct connector *c); /* NULL is fine */

const char *connector_name(const struct connector *c);
const char *connector_org_id(const struct connector *c);
void connector_org_url(struct connector *c, char out[REGISTRY_URL_MAX + 1]); /* a Configure may change it */
/* Open as long as the reference lives. NULL when there is none: a declared connector that Okta has never answered for,
 * or a store that cannot be opened; the snapshot says why. Then the org id may be "". */
struct store *connector_store(const struct connector *c);
unsigned connector_topic(const struct connector *c);
void connector_snapshot(struct connector *c, struct poller_snapshot *out);
void connector_credential(struct connector *c, struct credential_facts *out); /* the one in use, or CREDENTIAL_NONE */
bool connector_is_deleted(const struct connector *c);                         /* end your streams: CONNECTOR_DELETED */

/* FAILED_PRECONDITION when, as the snapshot says, nothing is collected until somebody acts: RETIRED,
 * OKTA_TOKEN_REFUSED. */
MUST_CHECK bool connector_collects(const struct connector *c, const struct poller_snapshot *now, struct error *err);

/* Makes the poller poll now. `tail_rounds` is what the snapshot's must exceed for the poll to have reached the head.
 * FAILED_PRECONDITION when RETIRED or RECONNECT_REQUIRED; UNAVAILABLE when shutting down. */
MUST_CHECK bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err);

/* ---- Configure ---- */

enum permission_verdict { /* numbers are the API's */
                          PERMISSION_WORKS = 1,
                          PERMISSION_CREDENTIAL_REFUSED,
                          PERMISSION_ROLE_MISSING,
                          PERMISSION_SCOPE_MISSING,
                          PERMISSION_FEATURE_ABSENT,
                          PERMISSION_SUSPICIOUSLY_EMPTY,
                          PERMISSION_NO_ANSWER,
};
struct permission {
    enum connector_collection collection; /* 0: the org itself */
    char endpoint[64];
    enum permission_verdict verdict;
    char remedy[320];
    char missing_scope[OKTA_SCOPE_MAX + 1]; /* "": none that is known */
    int http_status;
    int64_t retry_ms; /* of a 429: until Okta will answer again */
    char error_code[OKTA_ERROR_CODE_MAX + 1], request_id[OKTA_REQUEST_ID_MAX + 1];
};
#define PERMISSIONS_MAX        8
#define CONFIGURE_WARNINGS_MAX 4
#define CONFIGURES_MAX         8 /* probing at once */

struct configure_request {
    struct view name, org;  /* org: none to keep */
    struct view credential; /* as credential.h has it; none to keep */
    bool has_credential;
    bool validate_only, allow_partial;
    bool is_declared;                     /* by flags or environment: the secret is in a file and is not stored */
    uint32_t collections;                 /* bit n: Collection n; 0: all, or as it was */
    int64_t history_days, retention_days; /* -1: default, or as it was */
    bool (*is_cancelled)(void *ctx);      /* whether the caller is gone: ends the probes, stores nothing. May be NULL.
                                             Any thread, with done's ctx, never after done */
};
struct configure_result {
    char name[REGISTRY_NAME_MAX + 1], org_id[REGISTRY_ORG_ID_MAX + 1], org_url[REGISTRY_URL_MAX + 1];
    struct permission permissions[PERMISSIONS_MAX];
    size_t permission_count;
    char warnings[CONFIGURE_WARNINGS_MAX][320];
    size_t warning_count;
    bool stored, created;
    int64_t okta_date_unix_s, date_seen_unix_ms; /* Okta's clock in an answer, and ours then; 0: it did not say */
};
/* Checks, then probes on a thread of its own, then stores and starts. The request is copied. `done` is called once,
 * from any thread (also from within): err is NULL on success. With a permission table that refuses, err is set and
 * result->permissions filled; with validate_only that table is the answer, and no error. */
typedef void configure_done(void *ctx, const struct configure_result *result, const struct error *err);
void connectors_configure(struct connectors *cs, const struct configure_request *request, configure_done *done,
                          void *ctx);

/* Where a declared connector's credential comes from: a file with an API token (or with the whole document of a service
 * app), or a service app's client id and a file with its private key. What is not given is NULL or "". */
struct declared_source {
    const char *token_file;
    const char *client_id, *private_key_file, *key_id;
};

/* A declared connector: its secret lies in a file, which is re-read when it changes and when Okta refuses the
 * credential. Retries by itself until Okta answers; idempotent. Returns at once; what is wrong with name, org or file
 * is an error now. */
MUST_CHECK bool connectors_declare(struct connectors *cs, const char *name, const char *org,
                                   const struct declared_source *source, const struct configure_request *settings,
                                   struct error *err);

/* While it all runs: declares one more, or changes what was declared under this name (its org's address, file,
 * settings; those of -1 and 0 stay as they are). Okta is asked first; until it has answered, what ran goes on. Streams
 * stay. */
MUST_CHECK bool connectors_redeclare(struct connectors *cs, const char *name, const char *org,
                                     const struct declared_source *source, const struct configure_request *settings,
                                     struct error *err);

/* It is declared no more: it stops to collect, and its data stays, to be read and to be gone on with. Nothing when
 * there is no such declaration. */
void connectors_undeclare(struct connectors *cs, const char *name);

/* What of a declaration is right or wrong by itself: the name, and the credential that its files make. */
MUST_CHECK bool connectors_check_declared(const char *name, const struct declared_source *source, struct error *err);

/* Looks at every declared connector's secret file now. */
void connectors_reread(struct connectors *cs);

/* Another share_percent, 1 to 100, for those that run and those to come. */
void connectors_set_share(struct connectors *cs, int share_percent);

/* Stops and forgets. `done` as above, from any thread. */
struct delete_result {
    bool purged;
    char remaining[4][256]; /* sentences */
    size_t remaining_count;
};
typedef void delete_done(void *ctx, const struct delete_result *result, const struct error *err);
void connectors_delete(struct connectors *cs, struct view name, bool keep_data, delete_done *done, void *ctx);

/* ---- Diagnose ---- */

enum check_verdict { CHECK_OK = 1, CHECK_WARN, CHECK_FAIL, CHECK_SKIPPED }; /* numbers are the API's */
struct check {
    char connector[REGISTRY_NAME_MAX + 1]; /* "": the server itself */
    char name[16];
    enum check_verdict verdict;
    char detail[640], remedy[400];
};
#define DIAGNOSE_CHECKS_MAX 1024 /* a dozen a connector */
#define DIAGNOSES_MAX       2    /* at once */
struct diagnosis {
    struct check checks[DIAGNOSE_CHECKS_MAX];
    size_t count;
};
/* Looks at one connector, or (an empty name) at all, on a thread of its own, for a minute at most. `done` is called
 * once, from any thread (also from within): with a diagnosis that is valid until it returns, or with err. */
typedef void diagnose_done(void *ctx, const struct diagnosis *diagnosis, const struct error *err);
void connectors_diagnose(struct connectors *cs, struct view name, bool (*is_cancelled)(void *ctx), diagnose_done *done,
                         void *ctx);

#endif
