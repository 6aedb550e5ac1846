/* server/store/journal.h: the login events of one connector, on one line of sequence numbers.
 *
 * Live events count up from JOURNAL_FIRST in commit order; back-filled ones count down from JOURNAL_FIRST - 1 in time
 * order. Streams read ascending. Numbers are unique within the store's epoch, never reused, and absent only below the
 * floor that retention raises. An event is known by its identity (Okta's uuid) and stored once. */
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
    JOURNAL_REPLACED = 1 << 3,  /* bytes that were no text were replaced */
};

/* What filters need without decoding, then the event in the form it is sent. The same on the way in and out. */
struct journal_record {
    uint64_t sequence;    /* set by the journal */
    int64_t published_ms; /* Unix time; JOURNAL_NO_TIME when unknown */
    int64_t watermark_ms; /* set by the journal: the largest published_ms up to and including this one (live side) */
    uint8_t kind, result; /* of the API's LoginKind and LoginResult */
    uint8_t source;       /* enum journal_source */
    uint16_t flags;       /* enum journal_flag */
    uint16_t catalogue_version;
    char country[2];                            /* ISO 3166-1 alpha-2, or zeros */
    uint8_t ip[16];                             /* IPv6, or IPv4 mapped into it; zeros for none */
    uint64_t actor, email_domain, app, session; /* keyed hashes; 0 for none */
    struct view event_type;                     /* on the way in; on the way out only where asked for */
    struct view uuid; /* on the way in: Okta's uuid, or any other unique text up to 128 bytes */
    uint32_t tag;     /* on the way out: the first four bytes of the identity, for resume tokens; never 0 */

    /* The event, encoded with the tag and length that it has in the response, and where in it the eight bytes of its
     * sequence lie (little-endian), which the journal fills in. */
    struct view encoded;
    uint32_t sequence_at;
};

enum journal_fate {
    JOURNAL_STORED,
    JOURNAL_KNOWN,       /* an event of this identity is there, at `sequence`: dropped */
    JOURNAL_BELOW_FLOOR, /* retention has passed it: dropped (back-fill, audit and re-reads only) */
};

/* ---- writing: within the poller's transaction ---- */

/* Adds at the live end. `is_reread` marks an overlap that may hold what retention has removed. As with every write, a
 * failure leaves a transaction that can only be aborted. INVALID_ARGUMENT: no uuid, or a record too large. */
MUST_CHECK bool journal_append(struct store_txn *txn, const struct journal_record *record, bool is_reread,
                               enum journal_fate *fate, uint64_t *sequence, struct error *err);

/* Adds at the far end; call in descending time. Once retention has removed anything, nothing more goes in here. */
MUST_CHECK bool journal_prepend(struct store_txn *txn, const struct journal_record *record, enum journal_fate *fate,
                                uint64_t *sequence, struct error *err);

/* Whether an event of this identity is stored, as the transaction sees it. */
MUST_CHECK bool journal_knows(struct store_txn *txn, struct view uuid, bool *known, struct error *err);

/* Retention: removes the lowest sequences while they were published before `before_ms` (by age), or while the store
 * uses more than its max_bytes (by size), at most `count_max`, and raises the floor. `removed_by_size` tells whether
 * any went for size. */
struct journal_prune_result {
    uint64_t removed;
    bool removed_by_size;
};
MUST_CHECK bool journal_prune(struct store_txn *txn, int64_t before_ms, uint64_t count_max,
                              struct journal_prune_result *result, struct error *err);

/* ---- reading: any thread ---- */

struct journal_bounds {
    uint64_t oldest, head;       /* sequences held; 0 and 0 when empty */
    uint64_t count;              /* events held */
    uint64_t floor;              /* the highest sequence that retention removed; 0 for none */
    int64_t floor_published_ms;  /* the newest time removed; JOURNAL_NO_TIME for none */
    uint64_t pruned;             /* events removed since the store was made */
    int64_t oldest_published_ms; /* JOURNAL_NO_TIME when empty */
    int64_t watermark_ms;        /* newest time ever on the live side, else of history; JOURNAL_NO_TIME for none */
    uint64_t backfilled;         /* events that the back-fill stored, pruned ones included */
};
MUST_CHECK bool journal_bounds(struct store *s, struct journal_bounds *out, struct error *err);

/* The same, as the writer's open transaction sees it. */
MUST_CHECK bool journal_bounds_in(struct store_txn *txn, struct journal_bounds *out, struct error *err);

/* Visits records with sequence > after and <= up_to, ascending, until the visitor says stop. One read transaction; the
 * record and its views are valid within the visit only. `want_type` fills in event_type. */
typedef bool journal_visit(void *ctx, const struct journal_record *record); /* true: go on */
struct journal_range {
    uint64_t after, up_to; /* up_to UINT64_MAX: to the head */
    bool want_type;
};
MUST_CHECK bool journal_scan(struct store *s, const struct journal_range *range, journal_visit *visit, void *ctx,
                             struct error *err);

/* Which records a copy takes. An event of unknown time goes by its watermark. */
struct journal_want {
    uint64_t up_to;             /* the highest sequence; UINT64_MAX: to the head */
    int64_t since_ms, until_ms; /* published at or after, and before; JOURNAL_NO_TIME, INT64_MAX: all */
    uint64_t count_max;
    /* Whether to take one that the rest lets through; `encoded` is all there is of its texts. Within the read
     * transaction: short, and no other use of the store. NULL: all. */
    bool (*takes)(const void *ctx, const struct journal_record *record);
    const void *ctx;
};

/* Copies whole encoded records, one after the other, as they are sent: sequence > after, until `count_max` records or
 * until the next would not fit in buf's cap (the first always goes in: it raises the cap). The read is bounded: where
 * much is dropped, a batch may be empty and not at_end; go on from `last`. */
struct journal_batch {
    uint64_t count;    /* records copied */
    uint64_t last;     /* sequence reached: the last looked at, or `after` when there was none */
    uint32_t last_tag; /* its tag; 0 when there was none */
    bool at_end;       /* nothing more up to up_to */
    uint64_t floor;    /* as this read saw it: more than `after` when retention has passed the reader */
};
MUST_CHECK bool journal_copy(struct store *s, uint64_t after, const struct journal_want *want, struct buf *out,
                             struct journal_batch *batch, struct error *err);

/* Where to start: each gives the sequence to read after. With nothing to go back to it is where live events begin, so
 * that what a back-fill brings later is not after it. */
MUST_CHECK bool journal_place_last(struct store *s, uint64_t count, uint64_t *after, struct error *err);
/* Before the first record whose watermark (in history: published) is >= since_ms. Never behind it; before it only when
 * the back-fill was ever out of order. */
MUST_CHECK bool journal_place_since(struct store *s, int64_t since_ms, uint64_t *after, struct error *err);

/* The tag at a sequence; found false when no record is held there. */
MUST_CHECK bool journal_tag(struct store *s, uint64_t sequence, bool *found, uint32_t *tag, struct error *err);

/* Events held with sequence > after. Cheap (arithmetic on bounds). */
MUST_CHECK bool journal_count_after(struct store *s, uint64_t after, uint64_t *count, struct error *err);

#endif
