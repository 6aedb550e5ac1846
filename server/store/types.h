/* server/store/types.h: event types as numbers. "user.session.start" is stored once; each record holds its four-byte
 * number.
 *
 * Shared with backup/; no other folder includes it. */
#ifndef STORE_TYPES_H
#define STORE_TYPES_H

#include "store/tables.h"

/* Looks up the number of a type, and assigns the next one if it has none. The number is 0, "not held", for an empty
 * type, for one that is too long, and once the table is full. The encoded event still carries its type as text. */
MUST_CHECK bool types_id(struct store_txn *txn, struct view type, uint32_t *id, struct error *err);

/* The text of a number; empty for 0. The view lives as long as the transaction. DATA_LOSS: the number is unknown. */
MUST_CHECK bool types_text(const struct snapshot *at, uint32_t id, struct view *type, struct error *err);

#endif
