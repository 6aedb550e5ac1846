/* server/poller/poller_internal.h: what the poller's files know of each other.
 *
 *     poller.c             life, thread, letters from outside, one turn of the loop
 *     poller_lane.c        one question at a time to Okta: when, what became of it, when again
 *     tail.c               the login tail      }
 *     backfill.c           the login history   } what a lane asks, and what it does with a page
 *     users.c              the users           }
 *     poller_credential.c  is the token dead?
 *     poller_retention.c   removing what is old or too much
 *     poller_show.c        the snapshot
 *     poller_state.c, poller_path.c    what is kept in the store, what is asked
 *
 * Everything here belongs to the poller's thread, but for `struct shared`. */
#ifndef POLLER_INTERNAL_H
#define POLLER_INTERNAL_H

#include "base/mailbox.h"
#include "poller/belief.h"
#include "poller/poller.h"
#include "poller/poller_path.h"
#include "poller/poller_state.h"
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

/* A disk that fails may be well in a moment; one that is full seldom is not so a second later. */
#define STORE_RETRY_FIRST_MS 2000
#define STORE_RETRY_MAX_MS   30000

/* ---- pages ---- */

/* An answer that was taken over, to be stored on our own time. */
struct page {
    bool is_there;
    struct buf body, asked, next; /* asked: the path; next: the link, empty for none */
    int64_t okta_ms;              /* Okta's clock when it answered */
    uint64_t issue;               /* which of our questions it answers; grows */
};

struct page page_move(struct page *from);
void page_drop(struct page *page); /* frees; an empty page is fine */
#define AUTO_PAGE __attribute__((cleanup(page_drop)))

/* ---- lanes ---- */

#define LINKS_SEEN_MAX 8 /* a circle of links that is longer than this is Okta's invention, and paced by its limits */
#define REASON_MAX     256

enum lane_id { LANE_TAIL, LANE_USERS, LANE_BACKFILL, LANES };

struct lane;

/* One collection, or one way of reading it: a row of the table in poller.c. */
struct lane_row {
    const char *name;   /* in Status */
    const char *bucket; /* the endpoint's path */
    enum connector_collection collection;
    enum okta_lane priority;
    uint32_t page_size, page_size_min;

    /* Appends the path to ask now; false when there is nothing to ask: due_mono_ms has been set. */
    bool (*path)(struct lane *l, struct buf *out);
    void (*step)(struct lane *l);    /* each turn: does with lane->page, and whatever else can be done now */
    void (*restart)(struct lane *l); /* the link is dead */
    void (*narrow)(struct lane *l); /* what was asked for is too much for Okta; NULL: smaller pages are all we can do */
    MUST_CHECK bool (*load)(struct lane *l, struct error *err);
};

struct lane {
    const struct lane_row *row;
    struct poller *p;
    bool is_on; /* chosen */

    /* the question under way */
    struct okta_request request;
    struct buf asked;
    uint64_t issue;
    bool in_flight;
    bool is_void; /* nobody wants the answer any more */

    /* its answer: kept when it comes, looked at in the next step, so that no step finds its lane changed under it */
    bool has_answer;
    struct okta_answer answer; /* without body and link, which are in: */
    struct page page;          /* arrived, not yet stored */

    int64_t latency_ms; /* of the last answer; 0: none yet */

    /* when next */
    int64_t due_mono_ms;        /* while nothing is in flight: ask then */
    int64_t not_before_mono_ms; /* nobody may make it due sooner: Okta asked for rest */

    /* trouble */
    int failures;                  /* since the last success */
    int64_t failing_since_mono_ms; /* when the first of them was asked */
    bool is_barred;                /* a permission is missing: asks once an hour */
    struct belief belief;          /* in its refusals (403) */
    char reason[REASON_MAX];       /* of the last failure, as a sentence */
    enum connector_reason why;     /* the same, by name */

    /* page size: what was too much for Okta is halved, and grows again slowly */
    uint32_t page_size;
    bool owns_limit; /* we have changed it once: links carry ours from then on */
    int pages_since_cut;

    bool has_restarted; /* a link was dead */
    unsigned pages_since_restart;
    uint64_t links_seen[LINKS_SEEN_MAX]; /* hashes, of the listing under way */
    unsigned link_count;

    struct buf saved; /* its state as it is in the store */
};

void lane_init(struct lane *l, const struct lane_row *row, struct poller *p);
void lane_deinit(struct lane *l);
/* Asks when it is due. */
void lane_ask(struct lane *l);
/* Looks at the answer, if one has come: a page for the row's step, or another time to ask. */
void lane_digest(struct lane *l);
/* Asks for the next page while this one is yet to be committed, and puts the request on the wire. */
void lane_ask_ahead(struct lane *l, const char *path);
/* What is in flight or has arrived is not wanted any more. */
void lane_void(struct lane *l);
/* A page was understood. */
void lane_succeeded(struct lane *l);
/* Try again later: at until_mono_ms, or where that is 0 after a while that grows. */
void lane_failed(struct lane *l, int64_t until_mono_ms, const char *format, ...) PRINTF(3, 4);
/* A page whose end is missing: not stored, asked for again. */
void lane_cut_short(struct lane *l);
/* The store would not take it: nothing was kept, ask for the same in a while. */
void lane_store_failed(struct lane *l, const struct error *err);
/* Sooner than planned, unless Okta wants rest. */
void lane_hurry(struct lane *l);
/* True when a full page leads back to where this listing has been. */
bool lane_runs_in_circles(struct lane *l, const struct page *page);
void lane_new_listing(struct lane *l);
bool lane_is_degraded(const struct lane *l);
int64_t lane_due_mono_ms(const struct lane *l); /* INT64_MAX: waits for an answer */

/* Reads the state; found false when there is none yet. */
MUST_CHECK bool lane_load(struct lane *l, const struct poller_state_kind *kind, void *state, bool *found,
                          struct error *err);
/* Writes the state where it is not in the store already. After the commit: lane_saved. */
MUST_CHECK bool lane_save(struct lane *l, struct store_txn *txn, const struct poller_state_kind *kind,
                          const void *state, struct buf *encoded, bool *wrote, struct error *err);
void lane_saved(struct lane *l, struct buf *encoded);

/* ---- the three ---- */

/* Writes where a new tail starts, before anything else can happen. */
MUST_CHECK bool tail_keep_start(struct lane *l, struct error *err);
bool tail_path(struct lane *l, struct buf *out);
void tail_step(struct lane *l);
void tail_restart(struct lane *l);
MUST_CHECK bool tail_load(struct lane *l, struct error *err);

/* Behind one poll of the tail, so that not every page costs one; 2-4 MB each when full. */
#define BACKFILL_HELD_MAX       4
#define BACKFILL_HELD_BYTES_MAX (4u << 20) /* no more is asked for beyond */

struct held_page {
    struct page page;
    struct backfill_state after; /* where the back-fill stands once it is stored */
};

bool backfill_path(struct lane *l, struct buf *out);
void backfill_step(struct lane *l);
void backfill_restart(struct lane *l);
void backfill_narrow(struct lane *l);
MUST_CHECK bool backfill_load(struct lane *l, struct error *err);
void backfill_settings_changed(struct poller *p);
int64_t backfill_target_ms(struct poller *p);
bool backfill_is_running(struct poller *p);
void backfill_limited_by_size(struct poller *p); /* retention had to remove for size */

bool users_path(struct lane *l, struct buf *out);
void users_step(struct lane *l);
void users_restart(struct lane *l);
MUST_CHECK bool users_load(struct lane *l, struct error *err);

/* ---- the credential ----
 *
 * It is dead when belief.h believes it: three refusals over at least 10 s by two endpoints, and no newer one at hand.
 */

enum credential_state { CREDENTIAL_GOOD, CREDENTIAL_SUSPECT, CREDENTIAL_DEAD };

#define TOKEN_BYTES_MAX 8192

struct credential {
    enum credential_state state;
    struct belief belief; /* in its refusals (401) */
    struct lane *refused; /* whose question was refused first */
    unsigned endpoint;    /* of the next probe: its place in the table */
    int64_t due_mono_ms;  /* of the next probe */
    bool in_flight;
    struct okta_request probe;
    struct buf token; /* wiped when replaced */
};

void credential_refused(struct lane *l);
void credential_step(struct poller *p);
void credential_renew(struct poller *p, struct view token); /* all starts again with it */
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
    struct lane lanes[LANES];
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

    struct backfill_state backfill, backfill_ahead; /* as stored; as fetched */
    struct held_page held[BACKFILL_HELD_MAX];
    size_t held_count;
    bool is_backfill_link_dead; /* begin again below what is held */

    struct users_state users;
};

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
