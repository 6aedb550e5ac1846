/* server/store/sequence.h: one line of sequence numbers over two tables.
 *
 * Live events count up from JOURNAL_FIRST in table `events`. Back-filled events count down from JOURNAL_FIRST - 1 in
 * table `history`, whose key is the bitwise complement (~sequence).
 *
 * Why the complement: MDB_APPEND writes behind the last key without a search, and leaves pages full instead of
 * splitting them in halves. It needs ascending keys. The back-fill produces descending sequences, whose complements
 * ascend, so both tables are append-only. The price is that `history` is upside down: its first key is the newest
 * event, and walking upwards in sequence means walking backwards in the table.
 *
 * Shared with backup/; no other folder includes it. */
#ifndef STORE_SEQUENCE_H
#define STORE_SEQUENCE_H

#include "store/entry.h"
#include "store/tables.h"

#define SEQUENCE_KEY_BYTES 8

static inline enum table sequence_table(uint64_t sequence)
{
    return sequence < JOURNAL_FIRST ? TABLE_HISTORY : TABLE_EVENTS;
}

/* The key of a sequence in its table; the view is over `at`. */
struct view sequence_key(uint64_t sequence, unsigned char at[SEQUENCE_KEY_BYTES]);

/* The stored bytes at a sequence that is held. A missing record is DATA_LOSS. The view lives as long as the snapshot;
 * within a write transaction, until its next write. */
MUST_CHECK bool sequence_get(const struct snapshot *at, uint64_t sequence, struct view *stored, struct error *err);
MUST_CHECK bool sequence_glance(const struct snapshot *at, uint64_t sequence, struct entry_glance *out,
                                struct error *err);

/* An ascending walk over the events that are held in a range. */
struct sequence_walk {
    const struct snapshot *at;
    MDB_cursor *cursor;
    bool is_placed; /* the cursor stands at next - 1, in the same table as next */
    uint64_t next, last;
};
/* Covers sequences > after and <= up_to, cut to what the snapshot holds. */
void sequence_walk_init(struct sequence_walk *w, const struct snapshot *at, uint64_t after, uint64_t up_to);
void sequence_walk_deinit(struct sequence_walk *w);
#define AUTO_WALK __attribute__((cleanup(sequence_walk_deinit)))

/* Returns the next event and its sequence; or sets is_over at the end. A gap is DATA_LOSS: held sequences have none. */
MUST_CHECK bool sequence_walk_next(struct sequence_walk *w, uint64_t *sequence, struct view *stored, bool *is_over,
                                   struct error *err);

#endif
