#include "store/cursor.h"
#include "base/assert.h"
#include "store/tables.h"

#include <string.h>

#define NAME_MAX_BYTES 200 /* names are our own: a lane, a resource */

static struct view cursor_key(const char *name)
{
    struct view key = view_of(name);

    ASSERT(key.len > 0 && key.len <= NAME_MAX_BYTES);
    return key;
}

bool cursor_put(struct store_txn *txn, const char *name, struct view value, struct error *err)
{
    struct view key = cursor_key(name);

    if (value.len > CURSOR_BYTES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "cursor %s: %zu bytes are more than %u", name, value.len,
                         CURSOR_BYTES_MAX);
    if (!txn_room(txn, key.len, value.len, err) || !txn_put(txn, TABLE_CURSORS, key, value, err))
        return error_wrap(err, "cursor %s", name);
    return true;
}

static bool cursor_get_at(const struct snapshot *at, const char *name, struct buf *out, bool *found, struct error *err)
{
    struct view value;

    if (!snapshot_get(at, TABLE_CURSORS, cursor_key(name), &value, found, err))
        return error_wrap(err, "cursor %s", name);
    if (!*found)
        return true;
    buf_put(out, value.at, value.len);
    return buf_ok(out) || error_set(err, ERROR_INTERNAL, "cursor %s: no room for %zu bytes", name, value.len);
}

bool cursor_get_in(struct store_txn *txn, const char *name, struct buf *out, bool *found, struct error *err)
{
    return cursor_get_at(&txn->at, name, out, found, err);
}

bool cursor_get(struct store *s, const char *name, struct buf *out, bool *found, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;

    return snapshot_begin(s, &at, err) && cursor_get_at(&at, name, out, found, err);
}
