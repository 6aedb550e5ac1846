/* server/store/journal.h: the login events of one connector, on one line of sequence numbers.
 *
 * Live events count up from JOURNAL_FIRST in commit order. Back-filled events count down from JOURNAL_FIRST - 1, newest
 * first. Streams read in ascending order. Sequences are unique within the store's epoch and never reused; the held ones
 * have no gap, since retention removes only the lowest and raises the floor. An event is identified by Okta's uuid, and
 * stored once. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/store.h"

#define JOURNAL_FIRST      UINT64_C(1000000000000)
#define JOURNAL_RECORD_MAX (256u << 10) /* bytes of one encoded event */
#define JOURNAL_NO_TIME    INT64_MIN    /* an event whose time is unknown */

enum journal_source { JOURNAL_TAIL = 1, JOURNAL_BACKFILL = 2, JOURNAL_AUDIT = 3 };

enum journal_flag {
    JOURNAL_LATE = 1 << 0,
    JOURNAL_MORE_APPS = 1 << 1, /* `app` is the first of several */
    JOURNAL_MASKED = 1 << 2,    /* the actor's name is masked */
    JOURNAL_REPLACED = 1 << 3,  /* bytes that were not valid text were replaced */
};

/* The members that filters read without decoding, then the encoded event as streams send it. The same struct is used
 * for writing and reading. */
struct journal_record {
    uint64_t sequence;    /* set by the journal */
    int64_t published_ms; /* Unix time; JOURNAL_NO_TIME when unknown */
    int64_t watermark_ms; /* set by the journal. Live: the newest published_ms up to and including this event */
    uint8_t kind, result; /* the API's LoginKind and LoginResult */
    uint8_t source;       /* enum journal_source */
    uint16_t flags;       /* enum journal_flag */
    uint16_t catalogue_version;
    char country[2];                            /* ISO 3166-1 alpha-2, or zeros */
    uint8_t ip[16];                             /* IPv6, or IPv4 mapped into it; zeros for none */
    uint64_t actor, email_domain, app, session; /* keyed hashes; 0 for none */
    struct view event_type;                     /* when reading, filled in only if asked for */
    struct view uuid; /* writing only: Okta's uuid, or any other unique text of up to 128 bytes */
    uint32_t tag;     /* reading only: the first four bytes of the identity, for resume tokens; never 0 */

    /* The event, encoded with the tag and length that it has in the response; and the offset in it of its own sequence,
     * eight bytes, little-endian, which the journal fills in. */
    struct view encoded;
    uint32_t sequence_at;
};

enum journal_fate {
    JOURNAL_STORED,
    JOURNAL_KNOWN,       /* dropped: a duplicate; the event is stored at `sequence` */
    JOURNAL_BELOW_FLOOR, /* dropped: retention may have removed it (back-fill, audit and re-reads only) */
};

/* ---- writing: within the poller's transaction ---- */

/* Appends at the live end. `is_reread` marks an overlap with what was read before, which may include events that
 * retention has removed. After a failure the transaction can only be aborted, as with every write. INVALID_ARGUMENT: no
 * uuid, or the record is too large. */
MUST_CHECK bool journal_append(struct store_txn *txn, const struct journal_record *record, bool is_reread,
                               enum journal_fate *fate, uint64_t *sequence, struct error *err);

/* Adds an event of the back-fill at the low end; call it in descending time. Once retention has removed anything, every
 * further event is dropped. */
MUST_CHECK bool journal_prepend(struct store_txn *txn, const struct journal_record *record, enum journal_fate *fate,
                                uint64_t *sequence, struct error *err);

/* Whether an event with this identity is stored, as the transaction sees it. */
MUST_CHECK bool journal_knows(struct store_txn *txn, struct view uuid, bool *known, struct error *err);

/* Retention: removes events from the low end and raises the floor. An event goes if it was published before `before_ms`
 * (by age), or if the store uses more than its max_bytes (by size). Removes at most `count_max`, to bound the
 * transaction. `removed_by_size`: at least one event was removed only because of the size. */
struct journal_prune_result {
    uint64_t removed;
    bool removed_by_size;
};
MUST_CHECK bool journal_prune(struct store_txn *txn, int64_t before_ms, uint64_t count_max,
                              struct journal_prune_result *result, struct error *err);

/* ---- reading: any thread ---- */

struct journal_bounds {
    uint64_t oldest, head;       /* the lowest and highest sequence held; 0 and 0 if empty */
    uint64_t count;              /* events held */
    uint64_t floor;              /* the highest sequence that retention removed; 0 for none */
    int64_t floor_published_ms;  /* the newest publication time removed; JOURNAL_NO_TIME for none */
    uint64_t pruned;             /* events removed since the store was created */
    int64_t oldest_published_ms; /* of the event at `oldest`; JOURNAL_NO_TIME if empty or unknown */
    int64_t watermark_ms;        /* the newest time ever on the live side, else in history; JOURNAL_NO_TIME for none */
    uint64_t backfilled;         /* events that the back-fill stored, including those pruned since */
};
MUST_CHECK bool journal_bounds(struct store *s, struct journal_bounds *out, struct error *err);

/* The same as seen by an open write transaction. */
MUST_CHECK bool journal_bounds_in(struct store_txn *txn, struct journal_bounds *out, struct error *err);

/* Visits records with sequence > after and <= up_to, ascending, until the visitor returns false. All within one read
 * transaction; the record and its views are valid only during the visit. `want_type` fills in event_type. */
typedef bool journal_visit(void *ctx, const struct journal_record *record); /* true: go on */
struct journal_range {
    uint64_t after, up_to; /* up_to UINT64_MAX: to the head */
    bool want_type;
};
MUST_CHECK bool journal_scan(struct store *s, const struct journal_range *range, journal_visit *visit, void *ctx,
                             struct error *err);

/* Which records journal_copy takes. For an event of unknown time the watermark stands in. */
struct journal_want {
    uint64_t up_to;             /* the highest sequence; UINT64_MAX: to the head */
    int64_t since_ms, until_ms; /* since_ms <= published < until_ms; JOURNAL_NO_TIME and INT64_MAX: all */
    uint64_t count_max;
    /* A filter on records that pass the limits above; NULL: take all. The record has no event_type and no uuid. It runs
     * inside the read transaction: it must be short, and must not use the store. */
    bool (*takes)(const void *ctx, const struct journal_record *record);
    const void *ctx;
};

/* Copies whole encoded records, one behind the other, in the form they are sent. It takes sequences > after, and stops
 * at `count_max` records or when the next would not fit in the buffer's cap. The first record always goes in, and
 * raises the cap if it must. The read is bounded: if the filter drops much, a batch can be empty without at_end; call
 * again from `last`. */
struct journal_batch {
    uint64_t count;    /* records copied */
    uint64_t last;     /* the last sequence examined; `after` if there was none */
    uint32_t last_tag; /* its tag; 0 if there was none */
    bool at_end;       /* nothing more is held up to up_to */
    uint64_t floor;    /* as this read saw it; above `after` if retention has overtaken the reader */
};
MUST_CHECK bool journal_copy(struct store *s, uint64_t after, const struct journal_want *want, struct buf *out,
                             struct journal_batch *batch, struct error *err);

/* Where a reader starts: both set `after`, the sequence to read after. If there is nothing to go back to, that is just
 * below JOURNAL_FIRST, so that events which a back-fill adds later are not read as new. */

/* Before the last `count` events. */
MUST_CHECK bool journal_place_last(struct store *s, uint64_t count, uint64_t *after, struct error *err);
/* Before the first record whose watermark is >= since_ms (in history, the watermark is the event's own time). No event
 * published since then lies at or below `after`. It starts too early only if the back-fill was ever out of order; the
 * reader filters by time anyway. */
MUST_CHECK bool journal_place_since(struct store *s, int64_t since_ms, uint64_t *after, struct error *err);

/* The tag of the event at a sequence; found is false if none is held there. */
MUST_CHECK bool journal_tag(struct store *s, uint64_t sequence, bool *found, uint32_t *tag, struct error *err);

/* The number of events held with sequence > after. Cheap: arithmetic on the bounds. */
MUST_CHECK bool journal_count_after(struct store *s, uint64_t after, uint64_t *count, struct error *err);

#endif
