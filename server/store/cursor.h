/* server/store/cursor.h: named positions: where the poller stands, per lane. A value is up to 16 KiB of the owner's own
 * encoding, written in the transaction that stores what the position vouches for. */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "store/store.h"

#define CURSOR_BYTES_MAX (16u << 10)

MUST_CHECK bool cursor_put(struct store_txn *txn, const char *name, struct view value, struct error *err);
MUST_CHECK bool cursor_get_in(struct store_txn *txn, const char *name, struct buf *out, bool *found, struct error *err);
/* Any thread. Appends the value to out. */
MUST_CHECK bool cursor_get(struct store *s, const char *name, struct buf *out, bool *found, struct error *err);

#endif
