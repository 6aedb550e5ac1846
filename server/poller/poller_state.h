/* server/poller/poller_state.h: where each lane of the poller stands: what it keeps in the store, and how that is
 * written.
 *
 * A state is a value: a step works on a copy, writes it in the transaction of its page, and takes it over once that is
 * committed. On disk it is text, a version and then one "name value" a line, so that a person can read it and a newer
 * program can add to it: unknown names are ignored, missing ones keep their default. */
#ifndef POLLER_STATE_H
#define POLLER_STATE_H

#include "okta/okta.h"
#include "store/cursor.h"

struct tail_state {
    int64_t start_ms;      /* where the tail began, once and for ever: the back-fill goes down from here */
    int64_t since_ms;      /* while there is no link: poll from here */
    int64_t newest_ms;     /* largest published time delivered that Okta's own clock vouches for; JOURNAL_NO_TIME */
    bool is_reread;        /* since a dead cursor, until the head: what comes may have come before */
    bool has_reached_head; /* ever */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow; "" for none */
};

enum backfill_status { BACKFILL_RUNNING, BACKFILL_COMPLETE, BACKFILL_LIMITED }; /* on disk: never renumber */

struct backfill_state {
    int64_t status;
    bool has_begun;
    int64_t top_ms, bottom_ms;          /* the window being read; bottom_ms counts while there is a link */
    int64_t reached_ms;                 /* the oldest time that was asked for and stored */
    int64_t window_ms;                  /* how long the windows are; 0: as at the beginning */
    int64_t window_events;              /* that the window being read may have held so far */
    int64_t pages;                      /* read in all, from top to reached */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow within the window; "" to begin at top_ms */
};

struct users_state {
    bool is_complete;                   /* the listing of all users has finished once */
    int64_t pages, listed;              /* of that listing */
    int64_t began_ms;                   /* of that listing: Okta's time at its first page */
    int64_t high_ms;                    /* changes are known up to here */
    int64_t seen_ms;                    /* newest change in the listing of changes that is under way; 0 for none */
    char path[OKTA_PATH_BYTES_MAX + 1]; /* the link to follow in the listing under way; "" to begin one */
};

/* A state's name in the store, and its members. */
struct poller_state_kind;
extern const struct poller_state_kind poller_state_tail, poller_state_backfill, poller_state_users;

const char *poller_state_name(const struct poller_state_kind *kind);
void poller_state_encode(const struct poller_state_kind *kind, const void *state, struct buf *out);
/* Members that are not in the text stay as they are. DATA_LOSS when it is not what poller_state_encode writes,
 * FAILED_PRECONDITION when a newer program wrote it. */
MUST_CHECK bool poller_state_decode(const struct poller_state_kind *kind, struct view text, void *state,
                                    struct error *err);

/* Copies a link into a state's path; false when it is too long, or holds what no link may hold. */
MUST_CHECK bool poller_state_set_path(char path[OKTA_PATH_BYTES_MAX + 1], struct view link);

#endif
