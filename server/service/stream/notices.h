/* server/service/stream/notices.h: decides which notices a stream gets, and when.
 *
 * At most one notice of a kind a minute: the first at once, and what happens until the next one is counted in it.
 * Decisions compare the poller's snapshot and the journal's bounds with what was told last; nothing else is kept. A
 * value, for one stream's queue thread. */
#ifndef SERVICE_STREAM_NOTICES_H
#define SERVICE_STREAM_NOTICES_H

#include "model/snapshot.h"
#include "store/journal.h"

#define NOTICES_EVERY_MS 60000

enum notice_kind { /* numbers are the API's */
                   NOTICE_STATE_CHANGED = 1,
                   NOTICE_LATE_EVENTS,
                   NOTICE_LOG_SILENT,
                   NOTICE_LOG_SPEAKS_AGAIN,
                   NOTICE_HISTORY_ENDING,
                   NOTICE_DRAINING,
                   NOTICES_END
};

struct notice {
    enum notice_kind kind;
    uint64_t count;
    enum connector_state old_state, new_state; /* 0: none was told */
    enum connector_reason reason;
    char text[320];
};

struct notices {
    /* as the stream was told, or as it was at the start */
    enum connector_state state; /* 0: none was told */
    enum connector_reason reason;
    uint64_t state_changes, late, silences;
    bool is_silent;

    /* at the last look at the bounds */
    uint64_t ahead; /* events in the store up to the reader's place */
    bool has_looked;
    int64_t looked_mono_ms;

    bool has_told[NOTICES_END];
    int64_t told_mono_ms[NOTICES_END];
    int64_t due_mono_ms; /* when the next held-back notice may be sent; INT64_MAX: none is held back */
};

/* Starts now. Trouble that exists already will be told. */
void notices_init(struct notices *n, const struct poller_snapshot *now);

/* The next notice; false when there is none now. Call again after each. */
bool notices_next(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out);

/* True once a minute: then look at the bounds and ask notices_ending. */
bool notices_wants_bounds(const struct notices *n, int64_t mono_ms);
/* `after`: how many events are held after the reader's place. */
bool notices_ending(struct notices *n, const struct journal_bounds *bounds, uint64_t after, int64_t mono_ms,
                    struct notice *out);

/* The notice of a shutdown. */
void notices_draining(struct notice *out);

/* When to call notices_next again even if nothing new happens; INT64_MAX: never. */
int64_t notices_due_mono_ms(const struct notices *n);

#endif
