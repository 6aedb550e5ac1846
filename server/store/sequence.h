/* server/store/sequence.h: the one line of sequence numbers over the two tables that hold it: `history` below
 * JOURNAL_FIRST, keyed by the complement, and `events` from there upwards. Private to this folder. */
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

/* The stored bytes at a sequence that is held: that it is missing is DATA_LOSS. */
MUST_CHECK bool sequence_get(const struct snapshot *at, uint64_t sequence, struct view *stored, struct error *err);
MUST_CHECK bool sequence_glance(const struct snapshot *at, uint64_t sequence, struct entry_glance *out,
                                struct error *err);

/* A walk upwards over what is held of first .. last. */
struct sequence_walk {
    const struct snapshot *at;
    MDB_cursor *cursor;
    bool is_placed; /* the cursor stands at next - 1, in the table of next */
    uint64_t next, last;
};
void sequence_walk_init(struct sequence_walk *w, const struct snapshot *at, uint64_t after, uint64_t up_to);
void sequence_walk_deinit(struct sequence_walk *w);
#define AUTO_WALK __attribute__((cleanup(sequence_walk_deinit)))

/* The next one; is_over at the end. */
MUST_CHECK bool sequence_walk_next(struct sequence_walk *w, uint64_t *sequence, struct view *stored, bool *is_over,
                                   struct error *err);

#endif
