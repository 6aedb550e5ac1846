#include "store/identity.h"
#include "store/bytes.h"

#include <sodium.h>

#define UUID_TEXT_BYTES 36
#define UUID_BYTES      16

static int identity_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool identity_parse_uuid(struct view text, unsigned char uuid[UUID_BYTES])
{
    size_t i = 0;

    if (text.len != UUID_TEXT_BYTES)
        return false;
    for (size_t n = 0; n < UUID_BYTES; n++) {
        int high, low;

        if ((i == 8 || i == 13 || i == 18 || i == 23) && text.at[i++] != '-')
            return false;
        high = identity_hex_digit(text.at[i]);
        low = identity_hex_digit(text.at[i + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid[n] = (unsigned char)(high << 4 | low);
        i += 2;
    }
    return true;
}

/* Version 1 and the variant for which versions are defined (RFC 9562, 4.1 and 4.2). */
static bool identity_is_time_uuid(const unsigned char uuid[UUID_BYTES])
{
    return uuid[6] >> 4 == 1 && uuid[8] >> 6 == 2;
}

/* Rearranges a version 1 uuid into version 6 (RFC 9562, 5.6): the same 60 bits of time, most significant first.
 *
 * Version 1 starts with the low 32 bits of its time, which wrap every seven minutes: events of one minute would land
 * all over the tree of identities, and every insert would touch a cold page. With the time first, neighbours in time
 * are neighbours in the tree. New events go to its right edge, and the back-fill to its left, so the pages in use stay
 * in memory however large the table grows. The rearrangement is a bijection: no two uuids become one. */
static void identity_put_time_first(const unsigned char uuid[UUID_BYTES], unsigned char out[UUID_BYTES])
{
    uint64_t time_low = bytes_key32(uuid);
    uint64_t time_mid = (uint64_t)uuid[4] << 8 | uuid[5];
    uint64_t time_high = ((uint64_t)uuid[6] << 8 | uuid[7]) & 0xfff;
    uint64_t time = time_high << 48 | time_mid << 32 | time_low;

    bytes_put_key(out, (time >> 12) << 16 | UINT64_C(0x6000) | (time & 0xfff));
    memcpy(out + 8, uuid + 8, 8);
}

bool identity_of(struct view text, struct identity *out)
{
    unsigned char bytes[crypto_hash_sha256_BYTES];

    if (text.len == 0 || text.len > IDENTITY_TEXT_MAX)
        return false;
    if (!identity_parse_uuid(text, bytes)) {
        crypto_hash_sha256(bytes, (const unsigned char *)text.at, text.len);
        out->key[0] = IDENTITY_TEXT;
        memcpy(out->key + 1, bytes, UUID_BYTES);
    } else if (identity_is_time_uuid(bytes)) {
        out->key[0] = IDENTITY_UUID_TIME;
        identity_put_time_first(bytes, out->key + 1);
    } else {
        out->key[0] = IDENTITY_UUID;
        memcpy(out->key + 1, bytes, UUID_BYTES);
    }
    out->tag = bytes_key32(bytes);
    if (out->tag == 0)
        out->tag = 1; /* 0 means "no tag" */
    return true;
}
