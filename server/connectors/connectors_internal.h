/* server/connectors/connectors_internal.h: what the files behind connectors.h share:
 *
 *     connectors.c       the list: who is in it, the start, the end
 *     connector.c        one of them: store, poller, references
 *     jobs.c             threads that change something, and what they have claimed
 *     configure.c        Configure; configure_check.c: what is right by itself; probe.c: what Okta says;
 *                        probe_words.c: what to do about it
 *     declare.c          connectors declared by configuration; secret_file.c: where their secret lies
 *     delete.c           Delete
 *     diagnose.c         Diagnose; diagnose_words.c: what a fact comes to
 *
 * A `struct connector` is what RPC threads hold. Its name, org and store never change while it lives: what changes them
 * (retiring, continuing a retired store) lists a new one in its place and marks the old one deleted, so that streams
 * end and find the new one. Both share a `struct holding`, which keeps the store open and the topic taken until the
 * last of them has been given back. */
#ifndef CONNECTORS_INTERNAL_H
#define CONNECTORS_INTERNAL_H

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "connectors/declared/declarations.h"
#include "connectors/declared/secret_file.h"
#include "connectors/delete.h"
#include "connectors/diagnose/diagnose.h"
#include "poller/poller.h"

#include <pthread.h>
#include <stdatomic.h>

#define CONFIGURE_DEADLINE_MS 60000 /* a whole Configure; Okta's own limit for a log query is 30 s */
#define PURGE_WAIT_MS         5000  /* for readers to let go of a store that is to be removed */
#define WAIT_SLICE_MS         200   /* how soon a waiting job notices that it is cancelled */
#define DELETES_MAX           4     /* at once */
#define JOBS_MAX              (CONFIGURES_MAX + DELETES_MAX + DIAGNOSES_MAX)
#define DECLARED_MAX          16           /* at once */
#define DECLARED_EVER_MAX     64           /* names, with those that were taken out again */
#define THREAD_STACK_BYTES    (512u << 10) /* a TLS handshake, with room */

#define HISTORY_DAYS_DEFAULT   30
#define HISTORY_DAYS_MAX       90 /* Okta keeps no more */
#define RETENTION_DAYS_DEFAULT 90
#define RETENTION_DAYS_MAX     3650

/* What a connector without poller says whose declaration is gone. */
#define NOT_DECLARED_ANY_MORE                                                                                          \
    "it was declared by file, flags or environment, and is not any more: declare it again (org, and token-file or "    \
    "client-id), configure it with a credential, or delete it"

/* Under the set's lock, but for what the store itself guards. */
struct holding {
    unsigned refs; /* connectors that share it, and a purge that waits for them */
    unsigned topic;
    struct store *store; /* NULL: none could be opened yet */
};

struct declared;

struct connector {
    /* set before it is listed, then read-only */
    struct connectors *set;
    struct holding *holding;
    struct store *store; /* holding's, as it was then */
    char name[REGISTRY_NAME_MAX + 1], org_id[REGISTRY_ORG_ID_MAX + 1];
    struct okta_transport *transport;

    /* set while it has no poller, by whoever claimed its name; read by its poller and by them */
    struct declared *declared; /* where its credential comes from; NULL: the registry */

    /* any thread */
    atomic_bool is_deleted;
    atomic_int told_health; /* what health was told last: enum told */

    /* any thread, under the set's lock */
    unsigned refs;
    char org_url[REGISTRY_URL_MAX + 1];
    struct poller *poller;
    struct poller_snapshot still; /* what it shows without a poller */
    struct credential_facts credential;
};

enum told { TOLD_NOTHING, TOLD_STALE, TOLD_FRESH };

/* Who is changing what: a name and an org belong to one job at a time. */
struct claim {
    struct claim *next;
    char name[REGISTRY_NAME_MAX + 1], org_id[REGISTRY_ORG_ID_MAX + 1];
};

/* Whether whoever wants something still wants it. Any thread. */
struct job_limit {
    bool (*is_cancelled)(void *ctx); /* NULL: never */
    void *ctx;
    int64_t deadline_mono_ms;
};

struct job {
    enum { JOB_FREE, JOB_RUNNING, JOB_ENDED } state;
    pthread_t thread;
    struct connectors *set;
    void (*run)(struct connectors *cs, void *arg);
    void *arg;
};

struct connectors {
    /* set before threads, then read-only */
    struct connectors_options options;
    pthread_attr_t thread_attr;

    atomic_bool is_stopping;
    atomic_int share_percent; /* options' to begin with */

    /* Guards everything below, every holding, and the marked parts of connectors and declarations. Held for moments:
     * no file, network or callback under it. */
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a claim, a reference or a limit changed; on CLOCK_MONOTONIC */
    struct connector *listed[CONNECTORS_MAX];
    size_t listed_count; /* ordered by name */
    uint64_t topics;     /* bit n: taken */
    struct claim *claims;
    struct job jobs[JOBS_MAX]; /* Configures, then Deletes, then Diagnoses */
    struct declared *declared;
};

/* ---- jobs.c ---- */

int64_t connectors_mono_ms(struct connectors *cs);

/* At most ms, less when something moved. The lock is held. */
void connectors_wait(struct connectors *cs, int64_t ms);

/* A job on a thread of its own, in one of `count` places from `first`; false when they are all taken. */
MUST_CHECK bool job_start(struct connectors *cs, size_t first, size_t count, void (*run)(struct connectors *, void *),
                          void *arg);

/* CANCELLED, DEADLINE_EXCEEDED or UNAVAILABLE / SHUTTING_DOWN when there is no more use in going on. */
MUST_CHECK bool job_may_continue(struct connectors *cs, const struct job_limit *limit, struct error *err);

/* Waits until nobody else works on the name (or org). Drop the claim in any case. */
MUST_CHECK bool claim_name(struct connectors *cs, struct claim *claim, const char *name, const struct job_limit *limit,
                           struct error *err);
MUST_CHECK bool claim_org(struct connectors *cs, struct claim *claim, const char *org_id, const struct job_limit *limit,
                          struct error *err);
void claim_drop(struct connectors *cs, struct claim *claim);

/* ---- connector.c ---- */

/* A connector of that entry with the store of `share` (NULL: opens one), not listed, without poller. It shows `state`
 * and `reason`. */
MUST_CHECK bool connector_create(struct connectors *cs, const struct registry_entry *entry, struct connector *share,
                                 struct connector **out, struct error *err);
void connector_show(struct connector *c, enum connector_state state, const char *reason);
/* Shows what was collected until its poller ended, as the store remembers it. Before it is listed, and before
 * connector_show. */
void connector_recall(struct connector *c, const struct registry_entry *entry);
/* Makes and starts its poller. Before it is listed. */
MUST_CHECK bool connector_run(struct connector *c, const struct registry_entry *entry, struct view credential,
                              struct error *err);
/* What its poller signs in with from now on: for Status, and logged when it is another than before. */
void connector_show_credential(struct connector *c, struct view credential, int64_t set_unix_ms);
/* Stops, joins and frees the poller; what it showed last stays. Bounded. */
void connector_halt(struct connector *c);
/* Tells health when freshness changed. */
void connector_tell_health(struct connector *c);

/* ---- connectors.c ---- */

/* A reference, or NULL. */
struct connector *connectors_get(struct connectors *cs, const char *name);
/* Lists `next` (whose creator's reference becomes the list's) in the place of `old` (NULL: new; its listed reference
 * is given back), marks the old one deleted and wakes its readers. Either may be NULL. RESOURCE_EXHAUSTED when full. */
MUST_CHECK bool connectors_replace(struct connectors *cs, struct connector *old, struct connector *next,
                                   struct error *err);

/* ---- probe.c ---- */

/* Fills permissions, and org_id when the org answered. False when the org itself is none or does not answer. What a
 * collection lacks is in its row. */
MUST_CHECK bool probe_run(struct connectors *cs, const struct okta_url *url, struct view credential,
                          uint32_t collections, const struct job_limit *limit, struct configure_result *result,
                          struct error *err);

/* What the table comes to: true, or why it must not be stored. */
MUST_CHECK bool probe_verdict(const struct configure_result *result, bool allow_partial, struct error *err);

/* ---- configure_check.c: without asking Okta ---- */

/* A request, parsed: nothing of it is parsed a second time. */
struct configure_order {
    struct configure_request wanted; /* flags, settings and is_cancelled; its views are empty, see below */
    char name[REGISTRY_NAME_MAX + 1];
    bool has_org, has_credential; /* else: as stored */
    struct okta_url url;
    struct buf credential; /* as it is stored and used */
};
/* INVALID_ARGUMENT names every field that is wrong. configure_order_deinit in any case: it wipes the credential. */
MUST_CHECK bool configure_parse(struct connectors *cs, const struct configure_request *r, struct configure_order *out,
                                struct error *err);
void configure_order_deinit(struct configure_order *order);

MUST_CHECK bool configure_name_is_valid(struct view name, struct error *err);
/* Appends the credential as it is stored and used. INVALID_ARGUMENT / TOKEN_INVALID. */
MUST_CHECK bool configure_credential(struct view text, struct buf *out, struct error *err);
/* Adds a warning; one beyond CONFIGURE_WARNINGS_MAX is dropped. */
void configure_warn(struct configure_result *result, const char *sentence);

/* The merged settings of a request and what was there (NULL: nothing). */
MUST_CHECK bool configure_settings(const struct configure_request *request, const struct registry_entry *was,
                                   struct registry_entry *out, struct configure_result *result, struct error *err);

/* ---- configure.c ---- */

/* The whole of Configure, on the caller's thread. `declared`: the declaration whose credential it is; NULL for none. */
MUST_CHECK bool configure_run(struct connectors *cs, const struct configure_order *order, struct declared *declared,
                              const struct job_limit *limit, struct configure_result *result, struct error *err);

/* ---- declare.c ---- */

/* The declaration of that name that is in force, or NULL. It lives until connectors_destroy. */
struct declared *declared_find(struct connectors *cs, const char *name);
/* Its file, for the eyes of people: cut to what fits. */
void declared_file(struct declared *d, char *out, size_t size);
int64_t declared_set_unix_ms(struct declared *d); /* when its file was last written; 0 when it is gone */
/* Appends the credential that is in the file now, as it is used; wipe it. */
MUST_CHECK bool declared_credential(struct declared *d, struct buf *out, struct error *err);
/* For poller_options.fresh_token; ctx is the connector. */
bool declared_fresh_token(void *ctx, struct view used, struct buf *out);
/* Ends one declaration; its thread stops by itself. */
void declared_end(struct connectors *cs, const char *name);
/* Joins every declaration's thread; connectors_stop was called. Pollers may still ask for tokens until they are joined:
 * free afterwards. */
void declared_join_all(struct connectors *cs);
void declared_free_all(struct connectors *cs);

#endif
