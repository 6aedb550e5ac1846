#include "store/types.h"
#include "store/bytes.h"

/* Okta documents about a thousand types. The cap keeps a hostile org that invents types from filling the table: types
 * beyond it get the number 0. */
#define TYPES_MAX      4096
#define TYPE_TEXT_MAX  200
#define ID_BYTES       4
#define KEY_OF_ID      'i' /* key: 'i', number; value: text */
#define KEY_OF_NAME    'n' /* key: 'n', text; value: number */
#define NAME_KEY_BYTES (1 + TYPE_TEXT_MAX)

static struct view types_id_key(uint32_t id, unsigned char at[1 + ID_BYTES])
{
    at[0] = KEY_OF_ID;
    bytes_put_key32(at + 1, id);
    return (struct view){ (const char *)at, 1 + ID_BYTES };
}

static bool types_add(struct store_txn *txn, struct view name_key, struct view type, uint32_t *id, struct error *err)
{
    unsigned char key[1 + ID_BYTES], number[ID_BYTES];
    MDB_stat stat;
    int rc = mdb_stat(txn->at.raw, txn->at.store->tables[TABLE_TYPES], &stat);
    uint32_t next = (uint32_t)(rc == 0 ? stat.ms_entries / 2 + 1 : 0); /* two rows a type; types are never removed */

    if (rc != 0)
        return txn_fail(txn, rc, "count the event types", err);
    *id = 0;
    if (next > TYPES_MAX)
        return true;
    bytes_put_u32(number, next);
    if (!txn_room(txn, NAME_KEY_BYTES, 2 * TYPE_TEXT_MAX, err) ||
        !txn_put(txn, TABLE_TYPES, name_key, (struct view){ (const char *)number, sizeof number }, err) ||
        !txn_put(txn, TABLE_TYPES, types_id_key(next, key), type, err))
        return false;
    *id = next;
    return true;
}

bool types_id(struct store_txn *txn, struct view type, uint32_t *id, struct error *err)
{
    char key[NAME_KEY_BYTES];
    struct view name_key = { key, 1 + type.len };
    struct view stored;
    bool found;

    *id = 0;
    if (type.len == 0 || type.len > TYPE_TEXT_MAX)
        return true;
    key[0] = KEY_OF_NAME;
    memcpy(key + 1, type.at, type.len);
    if (!snapshot_get(&txn->at, TABLE_TYPES, name_key, &stored, &found, err))
        return false;
    if (!found)
        return types_add(txn, name_key, type, id, err);
    if (stored.len != ID_BYTES)
        return error_set(err, ERROR_DATA_LOSS, "the number of an event type is damaged");
    *id = bytes_u32((const unsigned char *)stored.at);
    return true;
}

bool types_text(const struct snapshot *at, uint32_t id, struct view *type, struct error *err)
{
    unsigned char key[1 + ID_BYTES];
    bool found;

    *type = VIEW_NONE;
    if (id == 0)
        return true;
    if (!snapshot_get(at, TABLE_TYPES, types_id_key(id, key), type, &found, err))
        return false;
    return found || error_set(err, ERROR_DATA_LOSS, "event type %u is missing", id);
}
