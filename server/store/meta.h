/* server/store/meta.h: what a store says of itself: format version, epoch, hash key. Made with it; checked at each
 * opening. Private to this folder. */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/tables.h"

#define META_FORMAT 1

/* Opens the tables of s->env, making those that are missing (of rows, those that s->row_kinds asks for), and reads what
 * the store says of itself. */
MUST_CHECK bool meta_open(struct store *s, bool must_exist, struct error *err);

/* The same for an environment that is read only: nothing is made. */
MUST_CHECK bool meta_look(struct store *s, struct error *err);

MUST_CHECK bool meta_read_state(MDB_txn *txn, MDB_dbi meta, struct state *out, struct error *err);
MUST_CHECK bool meta_write_state(MDB_txn *txn, MDB_dbi meta, const struct state *state, struct error *err);

/* From now on this is another store than before, for whoever kept a place in it. */
MUST_CHECK bool meta_new_epoch(struct store *s, struct error *err);

#endif
