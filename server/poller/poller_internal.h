/* server/poller/poller_internal.h: what the poller's files know of each other.
 *
 *     poller.c             life, thread, messages from other threads, one turn of the loop
 *     lane.c               one question at a time to Okta: when to ask, what the answer means, when to ask again
 *     page_work.c          a page and its position in one transaction
 *     log_tail.c           the tail of the log         }
 *     log_history.c        the log below the tail      } what a lane asks, and what it does with a page
 *     listing.c            a collection's objects      }
 *     poller_credential.c  is the credential dead?
 *     poller_retention.c   removes events that are too old, or too many
 *     poller_show.c        the snapshot that Status shows; poller_plan.c: what is left to do
 *     poller_state.c       positions as the store keeps them; poller_path.c: the log's queries
 *
 * Everything here belongs to the poller's thread, except `struct shared`. */
#ifndef POLLER_INTERNAL_H
#define POLLER_INTERNAL_H

#include "base/mailbox.h"
#include "poller/lane.h"
#include "poller/page_work.h"
#include "poller/poller.h"
#include "poller/poller_path.h"
#include "poller/silence.h"
#include "record/record.h"

#include <pthread.h>
#include <stdatomic.h>

/* Okta keeps 90 days of its log; older questions are answered with nothing, and beyond 180 days with an error. */
#define OKTA_LOG_DAYS 90
#define DAY_MS        INT64_C(86400000)
#define MINUTE_MS     INT64_C(60000)

/* How far a restart from a time goes back before the newest time that was seen: nothing that Okta stores is published
 * later than it is stored, so any overlap covers Okta's clocks disagreeing among themselves. */
#define OVERLAP_MS (10 * MINUTE_MS)

/* Retry soon after a failing disk; a full disk rarely has room a second later, so back off. */
#define STORE_RETRY_FIRST_MS 2000
#define STORE_RETRY_MAX_MS   30000

/* ---- the tail of the log ---- */

/* Writes where a new tail starts, before anything else is stored. */
MUST_CHECK bool tail_keep_start(struct lane *l, struct error *err);

/* ---- the history of the log ---- */

/* Pages that one poll of the tail releases together, so that not every page costs a poll; 2-4 MB each when full. */
#define HISTORY_HELD_MAX       4
#define HISTORY_HELD_BYTES_MAX (4u << 20) /* with this many bytes held, no more are asked for */

struct held_page {
    struct page page;
    struct history_state after; /* the position once this page is stored */
};

void history_settings_changed(struct poller *p);
int64_t history_target_ms(struct poller *p);
bool history_is_running(struct poller *p);
void history_limited_by_size(struct poller *p); /* retention had to remove events because of the store's size */

/* ---- the credential ----
 *
 * It is dead after three refusals over at least 10 s by two endpoints (belief.h), when there is no newer one. */

enum credential_state { CREDENTIAL_GOOD, CREDENTIAL_SUSPECT, CREDENTIAL_DEAD };

#define TOKEN_BYTES_MAX 8192

struct credential {
    enum credential_state state;
    struct belief belief; /* in its refusals (401) */
    struct lane *refused; /* the lane whose question was refused first */
    unsigned endpoint;    /* of the next probe: its number among the collections that have no parent */
    char path[64];        /* of the probe under way */
    int64_t due_mono_ms;  /* of the next probe */
    bool in_flight;
    struct okta_request probe;
    struct buf token; /* wiped when replaced */
};

void credential_refused(struct lane *l);
void credential_step(struct poller *p);
void credential_renew(struct poller *p, struct view token); /* every lane asks again at once, with this one */
int64_t credential_due_mono_ms(const struct poller *p);

/* ---- the poller ---- */

struct shared {
    pthread_mutex_t lock; /* of what is here; held for copies only */
    struct poller_snapshot shown;
    struct okta *okta;      /* for okta_wake; NULL while there is none */
    bool tail_busy;         /* a poll is under way that may have begun before now */
    bool poll_wanted;       /* since the poller last looked */
    uint64_t rounds_wanted; /* poll until tail_rounds exceeds this */
};

struct poller {
    /* set before start, then read-only, but for share_percent: the poller thread's */
    struct poller_options options;
    struct mailbox *mailbox;
    pthread_t thread;
    bool has_thread;

    struct shared shared;
    atomic_bool is_stopping;
    atomic_int share_percent; /* that is wanted; options has the one in force */

    /* poller thread */
    struct okta_url url;
    struct poller_settings settings;
    struct store *store;
    struct okta *okta;
    struct record_maker *maker;
    struct lane lanes[LANES_MAX]; /* in the order in which they ask: the tail first, the history last */
    size_t lane_count;
    struct lane *tail_of_log, *history_of_log; /* of lanes */
    struct credential credential;
    struct poller_snapshot now; /* what is to be shown; counts go straight into it */
    bool is_dirty;              /* `now` differs from what is shown */
    bool has_new_objects;       /* the counts of the store are to be read again */
    bool has_answer;            /* Okta has answered something */
    bool has_okta_time;
    int64_t okta_minus_mono_ms;
    uint64_t issues; /* questions asked so far */
    uint64_t random; /* for jitter */
    int64_t retention_due_mono_ms;
    char store_reason[REASON_MAX];   /* the store's last failure; "" when it works */
    enum connector_reason store_why; /* the same, by name */
    int64_t store_retry_ms;          /* how long a lane waited after it; 0: it works */
    struct silence silence;          /* of the log */

    struct tail_state tail;
    bool tail_is_new; /* nothing was ever read: where to start is still our clock's guess, made at: */
    int64_t created_mono_ms;
    uint64_t tail_head_issue;    /* the last question whose answer was the head */
    int64_t yield_until_mono_ms; /* the log has warned of the org's rate limits */

    struct history_state history, history_ahead; /* as stored; as fetched */
    struct held_page held[HISTORY_HELD_MAX];
    size_t held_count;
    bool is_history_link_dead; /* ask again below the pages that are held */
};

/* Visits the lanes in their order. */
#define EACH_LANE(p, l) for (struct lane *l = (p)->lanes; l < (p)->lanes + (p)->lane_count; l++)

int64_t poller_mono_ms(const struct poller *p);
int64_t poller_unix_ms(const struct poller *p);
/* Okta's clock as far as known, else ours: what is compared with Okta's times is compared with this. */
int64_t poller_okta_ms(const struct poller *p);
void poller_learn_okta_time(struct poller *p, const struct okta_answer *answer);
int64_t poller_jitter_ms(struct poller *p, int64_t ms); /* +- 10 % */
bool poller_wants_round(struct poller *p);              /* somebody waits for the tail's head to be reached again */
/* Ends a transaction: all or nothing, and the store's health with it. */
MUST_CHECK bool poller_commit(struct poller *p, struct store_txn **txn, struct error *err);

void retention_step(struct poller *p);

/* What a failed answer amounts to. */
enum connector_reason show_reason_of(const struct okta_answer *answer);
void show_error(struct poller *p, const struct okta_answer *answer);
void show_publish(struct poller *p); /* when something changed */
void plan_show(struct poller *p);    /* after the buckets */

#endif
