/* server/service/stream/notices.h: what a stream is to be told besides events: when, and how often.
 *
 * One notice a kind and minute, the first at once; what happens meanwhile is counted. What it is compared with is the
 * poller's snapshot and the journal's bounds: nothing is kept but what was told last. A value, of one stream's queue
 * thread. */
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
    /* as told, or as it was at the start */
    enum connector_state state; /* 0: none was told */
    enum connector_reason reason;
    uint64_t state_changes, late, silences;
    bool is_silent;

    /* as of the last look at the bounds */
    uint64_t ahead; /* events held up to the reader's place */
    bool has_looked;
    int64_t looked_mono_ms;

    bool has_told[NOTICES_END];
    int64_t told_mono_ms[NOTICES_END];
    int64_t due_mono_ms; /* of what is held back until its minute is over; INT64_MAX: nothing is */
};

/* From now on; what is wrong already will be told. */
void notices_init(struct notices *n, const struct poller_snapshot *now);

/* The next thing to tell; false when there is none now. Ask again after each. */
bool notices_next(struct notices *n, const struct poller_snapshot *now, int64_t mono_ms, struct notice *out);

/* True once a minute: then look at the bounds and ask notices_ending. */
bool notices_wants_bounds(const struct notices *n, int64_t mono_ms);
/* `after`: how many events are held after the reader's place. */
bool notices_ending(struct notices *n, const struct journal_bounds *bounds, uint64_t after, int64_t mono_ms,
                    struct notice *out);

/* The server goes down. */
void notices_draining(struct notice *out);

/* When to ask notices_next again, though nothing new happened; INT64_MAX: never. */
int64_t notices_due_mono_ms(const struct notices *n);

#endif
