/* server/store/bytes.h: numbers as bytes on disk: little-endian in values, big-endian in keys. LMDB compares keys byte
 * by byte, so big-endian keys sort as numbers. Pointers need no alignment. */
#ifndef STORE_BYTES_H
#define STORE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void bytes_put_u16(unsigned char *at, uint16_t n)
{
    n = htole16(n);
    memcpy(at, &n, sizeof n);
}

static inline void bytes_put_u32(unsigned char *at, uint32_t n)
{
    n = htole32(n);
    memcpy(at, &n, sizeof n);
}

static inline void bytes_put_u64(unsigned char *at, uint64_t n)
{
    n = htole64(n);
    memcpy(at, &n, sizeof n);
}

static inline uint16_t bytes_u16(const unsigned char *at)
{
    uint16_t n;

    memcpy(&n, at, sizeof n);
    return le16toh(n);
}

static inline uint32_t bytes_u32(const unsigned char *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof n);
    return le32toh(n);
}

static inline uint64_t bytes_u64(const unsigned char *at)
{
    uint64_t n;

    memcpy(&n, at, sizeof n);
    return le64toh(n);
}

/* ---- keys: big-endian ---- */

static inline void bytes_put_key(unsigned char *at, uint64_t n)
{
    n = htobe64(n);
    memcpy(at, &n, sizeof n);
}

static inline uint64_t bytes_key(const unsigned char *at)
{
    uint64_t n;

    memcpy(&n, at, sizeof n);
    return be64toh(n);
}

static inline void bytes_put_key32(unsigned char *at, uint32_t n)
{
    n = htobe32(n);
    memcpy(at, &n, sizeof n);
}

static inline uint32_t bytes_key32(const unsigned char *at)
{
    uint32_t n;

    memcpy(&n, at, sizeof n);
    return be32toh(n);
}

#endif
