/* server/store/cursor.h: named positions: how far the poller has read in Okta, one for each lane.
 *
 * A value is opaque: up to 16 KiB in the owner's encoding. The owner writes it in the same transaction as the data that
 * it covers, so after a crash a position never claims data that was not stored, and no page is stored twice. */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "store/store.h"

#define CURSOR_BYTES_MAX (16u << 10)

/* Writing thread, within its transaction. */
MUST_CHECK bool cursor_put(struct store_txn *txn, const char *name, struct view value, struct error *err);
MUST_CHECK bool cursor_get_in(struct store_txn *txn, const char *name, struct buf *out, bool *found, struct error *err);
/* Any thread. Both reads append the value to `out`; found is false if there is none. */
MUST_CHECK bool cursor_get(struct store *s, const char *name, struct buf *out, bool *found, struct error *err);

#endif
