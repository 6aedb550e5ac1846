/* server/poller/lane.h: a lane asks Okta one question at a time and always knows when it asks next.
 *
 * A lane is one way of reading one collection: the tail of the log, its history, the listing of a collection's objects.
 * Whatever goes wrong ends in a time to try again, never in silence. Everything here belongs to the poller's thread. */
#ifndef POLLER_LANE_H
#define POLLER_LANE_H

#include "model/collection.h"
#include "model/state.h"
#include "okta/okta.h"
#include "poller/belief.h"
#include "poller/poller_state.h"

/* ---- pages ---- */

/* An answer that a lane has taken over from the client, to be stored in the lane's own time. */
struct page {
    bool is_there;
    struct buf body, asked, next; /* asked: the path; next: the link, empty for none */
    int64_t okta_ms;              /* Okta's clock when it answered */
    uint64_t issue;               /* number of the question that it answers; later questions have larger ones */
};

struct page page_move(struct page *from); /* *from is empty afterwards */
void page_drop(struct page *page);        /* frees; an empty page is fine */
#define AUTO_PAGE __attribute__((cleanup(page_drop)))

/* ---- lanes ---- */

#define LINKS_SEEN_MAX 8   /* a circle of links longer than this is not looked for: Okta's rate limit paces it */
#define REASON_MAX     256 /* bytes */

struct lane;
struct poller;

/* How one way of reading works. */
struct lane_kind {
    enum okta_priority priority;
    const struct poller_state_kind *state;

    /* Appends the path to ask now. False when there is nothing to ask: then it has set due_mono_ms. */
    bool (*path)(struct lane *l, struct buf *out);
    /* Each turn of the loop: stores lane->page, and does whatever else can be done now. */
    void (*step)(struct lane *l);
    /* Okta does not know the link any more. */
    void (*restart)(struct lane *l);
    /* The question is too much for Okta. NULL: asking for smaller pages is all that can be done. */
    void (*narrow)(struct lane *l);
    MUST_CHECK bool (*load)(struct lane *l, struct error *err);
};
extern const struct lane_kind tail_lane, history_lane, listing_lane;

struct lane {
    const char *name;     /* in Status: "logins", "history", "users" */
    const char *position; /* the name under which its state is stored */
    const struct collection *collection;
    const struct lane_kind *kind;
    struct poller *p;
    bool is_on; /* its collection is chosen */

    /* the question under way */
    struct okta_request request;
    struct buf asked;
    uint64_t issue;
    bool in_flight;
    bool is_void; /* the answer is not wanted any more */

    /* Its answer. It is kept when it comes and looked at in the next step, so that no step finds its lane changed
     * while it runs. */
    bool has_answer;
    struct okta_answer answer; /* without body and link, which are in: */
    struct page page;          /* arrived, not stored yet */

    int64_t latency_ms; /* of the last answer; 0: none yet */

    /* when it asks next */
    int64_t due_mono_ms;        /* while nothing is in flight: ask at this time */
    int64_t not_before_mono_ms; /* lane_hurry does not go below this: Okta has asked for a pause */

    /* trouble */
    int failures;                  /* since the last success */
    int64_t failing_since_mono_ms; /* when the first of them was asked */
    bool is_barred;                /* a permission is missing: ask once an hour */
    struct belief belief;          /* in its refusals (403) */
    char reason[REASON_MAX];       /* of the last failure, as a sentence */
    enum connector_reason why;     /* the same, as a reason code */

    /* A page that was too large for Okta is halved; the size grows back slowly. */
    uint32_t page_size;
    bool owns_limit; /* we have changed the size once: from then on links carry our size, not Okta's */
    int pages_since_cut;

    bool has_restarted; /* a link was dead */
    unsigned pages_since_restart;
    uint64_t links_seen[LINKS_SEEN_MAX]; /* hashes, of the listing under way */
    unsigned link_count;

    struct buf saved; /* its state, byte for byte as the store has it */

    struct listing_state listing; /* of listing.c; the log's two states are in struct poller */
};

void lane_init(struct lane *l, struct poller *p, const struct collection *collection, const struct lane_kind *kind,
               const char *name, const char *position);
void lane_deinit(struct lane *l);

/* Asks, when it is due. */
void lane_ask(struct lane *l);
/* Looks at the answer, if one has come: it leaves a page for the kind's step, or another time to ask. */
void lane_digest(struct lane *l);
/* Asks for the next page while this one is still to be committed, and puts the request on the wire. */
void lane_ask_ahead(struct lane *l, const char *path);
/* Drops what is in flight or has arrived. */
void lane_void(struct lane *l);
/* A page was understood. */
void lane_succeeded(struct lane *l);
/* Tries again at until_mono_ms, or, where that is 0, after a back-off that doubles with each failure. */
void lane_failed(struct lane *l, enum connector_reason why, int64_t until_mono_ms, const char *format, ...)
    PRINTF(4, 5);
/* The page's end is missing: nothing of it is stored, and it is asked for again. */
void lane_cut_short(struct lane *l);
/* The store refused the page. Nothing of it was kept: the lane asks for the same page again after a back-off. */
void lane_store_failed(struct lane *l, const struct error *err);
/* Due now, or as soon as Okta's pause is over. */
void lane_hurry(struct lane *l);
/* True when a full page's link leads back to a page of this listing. */
bool lane_runs_in_circles(struct lane *l, const struct page *page);
void lane_new_listing(struct lane *l);
bool lane_is_degraded(const struct lane *l);
int64_t lane_due_mono_ms(const struct lane *l); /* INT64_MAX: it waits for an answer, or is off */

/* Reads the state; found false when there is none yet. */
MUST_CHECK bool lane_load(struct lane *l, void *state, bool *found, struct error *err);
/* Writes the state, unless the store has the same bytes already: then *wrote is false. Call lane_saved after the
 * commit. */
MUST_CHECK bool lane_save(struct lane *l, struct store_txn *txn, const void *state, struct buf *encoded, bool *wrote,
                          struct error *err);
void lane_saved(struct lane *l, const struct buf *encoded);

#endif
