/* server/store/meta.h: table `meta`, which identifies a store: format version, epoch, hash key, state. It is written
 * when the store is created and checked at each opening.
 *
 * Shared with backup/; no other folder includes it. */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/tables.h"

#define META_FORMAT 1

/* Opens the tables of s->env, creates those that are missing (for rows, the kinds in s->row_kinds), and reads the
 * store's epoch and hash key into `s`. NOT_FOUND: `must_exist`, and the environment is empty. */
MUST_CHECK bool meta_open(struct store *s, bool must_exist, struct error *err);

/* The same for a read-only environment: creates nothing. */
MUST_CHECK bool meta_look(struct store *s, struct error *err);

MUST_CHECK bool meta_read_state(MDB_txn *txn, MDB_dbi meta, struct state *out, struct error *err);
MUST_CHECK bool meta_write_state(MDB_txn *txn, MDB_dbi meta, const struct state *state, struct error *err);

/* Gives the store a new random epoch. Every position that a client keeps names the epoch it belongs to, so all
 * positions from before become invalid. For a restored copy, whose sequences may be assigned again to other events. */
MUST_CHECK bool meta_new_epoch(struct store *s, struct error *err);

#endif
