/* server/poller/poller_state.h: the position of each lane, and its form in the store.
 *
 * A state is a value: a step works on a copy, writes the copy in its page's transaction, and adopts it after the
 * commit. On disk it is text, a version and then one "name value" a line, so that a person can read it and a newer
 * program can add to it: unknown names are ignored, missing ones keep their default. */
#ifndef POLLER_STATE_H
#define POLLER_STATE_H

#include "okta/okta.h"
#include "store/cursor.h"

struct tail_state {
    int64_t start_ms;      /* where the tail began; never changes. The history goes down from here */
    int64_t since_ms;      /* while there is no link: poll from here */
    int64_t newest_ms;     /* largest published time delivered, if not beyond Okta's own clock; JOURNAL_NO_TIME */
    bool is_reread;        /* after a dead link, until the head: events may have been delivered before */
    bool has_reached_head; /* ever */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow; "" for none */
};

/* On disk: never renumber. */
enum history_progress { HISTORY_GOES_ON, HISTORY_IS_COMPLETE, HISTORY_IS_LIMITED /* by the store's size */ };

struct history_state {
    int64_t progress; /* enum history_progress */
    bool has_begun;
    int64_t top_ms, bottom_ms;          /* the window being read; bottom_ms counts while there is a link */
    int64_t reached_ms;                 /* everything from here up to the tail has been stored */
    int64_t window_ms;                  /* length of the windows; 0: the first length */
    int64_t window_events;              /* at most so many events were in the window so far */
    int64_t pages;                      /* read in all, from top to reached */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow within the window; "" to begin at top_ms */
};

struct listing_state {
    bool is_complete;                   /* the listing of all objects has finished once */
    int64_t pages, listed;              /* of that listing */
    int64_t began_ms;                   /* of that listing: Okta's time at its first page */
    int64_t high_ms;                    /* changes are known up to here */
    int64_t seen_ms;                    /* newest change in the listing of changes that is under way; 0 for none */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow in the listing under way; "" to begin one */
};

/* The members of a state. */
struct poller_state_kind;
extern const struct poller_state_kind poller_state_tail, poller_state_history, poller_state_listing;

/* Their names in the store. A listing's is the name of its collection. */
#define POLLER_STATE_TAIL    "tail"
#define POLLER_STATE_HISTORY "backfill"
/* The kind of the state that the store keeps under this name; NULL when it is none of the poller's. */
const struct poller_state_kind *poller_state_kind_of(struct view name);
/* Bytes of the largest state. */
#define POLLER_STATE_BYTES_MAX (sizeof(struct tail_state) + sizeof(struct history_state) + sizeof(struct listing_state))

void poller_state_encode(const struct poller_state_kind *kind, const void *state, struct buf *out);
/* Members that are not in the text stay as they are. DATA_LOSS when it is not what poller_state_encode writes,
 * FAILED_PRECONDITION when a newer program wrote it. The caller says in the error which position it is. */
MUST_CHECK bool poller_state_decode(const struct poller_state_kind *kind, struct view text, void *state,
                                    struct error *err);

/* Copies a link into a state's path; false when it is too long, or holds what no link may hold. */
MUST_CHECK bool poller_state_set_path(char path[OKTA_PATH_BYTES_MAX + 1], struct view link);

#endif
