/* server/store/types.h: event types as numbers: "user.session.start" is written once, records hold four bytes.
 * Private to this folder. */
#ifndef STORE_TYPES_H
#define STORE_TYPES_H

#include "store/tables.h"

/* The number of a type, a new one where it has none. 0, "not held", for none, for an overlong one, and for those beyond
 * the most that a store keeps: the event itself says its type all the same. */
MUST_CHECK bool types_id(struct store_txn *txn, struct view type, uint32_t *id, struct error *err);

/* The text of a number; none for 0. Lives as long as the transaction. */
MUST_CHECK bool types_text(const struct snapshot *at, uint32_t id, struct view *type, struct error *err);

#endif
