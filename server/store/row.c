#include "store/row.h"
#include "base/assert.h"
#include "store/bytes.h"

/* Offsets in the header. This is the format on disk: never move a member. Add new ones at the end and let the header
 * grow. */
enum row_place {
    AT_VERSION = 0,
    AT_HEADER_WORDS = 1, /* length of the header, in units of eight bytes */
    AT_ALIAS_LEN = 2,
    AT_FACETS = 4,
    AT_GENERATION = 8,
    AT_ZERO = 12,
    AT_LAST_UPDATED = 16,
    AT_DELETED = 24,
    AT_CHANGE = 32,
};

_Static_assert(AT_CHANGE + 8 == ROW_HEADER_BYTES, "the last member ends the header");
_Static_assert(ROW_HEADER_BYTES % 8 == 0, "its length is stored in units of eight");

size_t row_bytes(const struct directory_row *row)
{
    return ROW_HEADER_BYTES + row->alias.len + row->encoded.len;
}

void row_write(const struct directory_row *row, unsigned char *at)
{
    ASSERT(row->alias.len <= ROW_ALIAS_MAX);
    at[AT_VERSION] = ROW_VERSION;
    at[AT_HEADER_WORDS] = ROW_HEADER_BYTES / 8;
    bytes_put_u16(at + AT_ALIAS_LEN, (uint16_t)row->alias.len);
    bytes_put_u32(at + AT_FACETS, row->facets);
    bytes_put_u32(at + AT_GENERATION, row->generation);
    bytes_put_u32(at + AT_ZERO, 0);
    bytes_put_u64(at + AT_LAST_UPDATED, (uint64_t)row->last_updated_ms);
    bytes_put_u64(at + AT_DELETED, (uint64_t)row->deleted_ms);
    bytes_put_u64(at + AT_CHANGE, row->change);
    at += ROW_HEADER_BYTES;
    if (row->alias.len > 0)
        memcpy(at, row->alias.at, row->alias.len);
    if (row->encoded.len > 0)
        memcpy(at + row->alias.len, row->encoded.at, row->encoded.len);
}

bool row_read(struct view stored, struct view id, struct directory_row *out)
{
    const unsigned char *at = (const unsigned char *)stored.at;
    size_t header, alias_len;

    if (stored.len < ROW_HEADER_BYTES || at[AT_VERSION] != ROW_VERSION)
        return false;
    header = (size_t)at[AT_HEADER_WORDS] * 8; /* may be longer than ours, if a later version wrote it */
    alias_len = bytes_u16(at + AT_ALIAS_LEN);
    if (header < ROW_HEADER_BYTES || header + alias_len > stored.len)
        return false;
    *out = (struct directory_row){
        .id = id,
        .last_updated_ms = (int64_t)bytes_u64(at + AT_LAST_UPDATED),
        .generation = bytes_u32(at + AT_GENERATION),
        .facets = bytes_u32(at + AT_FACETS),
        .deleted_ms = (int64_t)bytes_u64(at + AT_DELETED),
        .change = bytes_u64(at + AT_CHANGE),
        .alias = { stored.at + header, alias_len },
        .encoded = { stored.at + header + alias_len, stored.len - header - alias_len },
    };
    return true;
}

#define ALIAS_KEY_MAX 256

_Static_assert(ALIAS_KEY_MAX + 1 + DIRECTORY_ID_MAX == ROW_ALIAS_KEY_MAX && ROW_ALIAS_KEY_MAX <= 511,
               "the key fits LMDB's limit");

struct view row_alias_key(struct view alias, struct view id, char at[ROW_ALIAS_KEY_MAX])
{
    size_t len = alias.len < ALIAS_KEY_MAX ? alias.len : ALIAS_KEY_MAX;

    ASSERT(id.len <= DIRECTORY_ID_MAX);
    memcpy(at, alias.at, len);
    at[len] = '\0';
    if (id.len > 0)
        memcpy(at + len + 1, id.at, id.len);
    return (struct view){ at, len + 1 + id.len };
}
