/* server/store/identity.h: an event's identity: Okta's uuid as a key of 17 bytes, and a tag of four bytes. The key
 * de-duplicates events; the tag lets a resume token notice that the store behind it was rolled back. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "base/str.h"

#define IDENTITY_BYTES    17
#define IDENTITY_TEXT_MAX 128

/* The first byte of a key. It keeps the three forms apart, so that a hash can never equal a uuid. On disk: never
 * renumber. */
enum identity_type {
    IDENTITY_UUID_TIME = 1, /* a version 1 uuid, its time fields rearranged most significant first, as in version 6 */
    IDENTITY_UUID = 2,      /* any other uuid, unchanged */
    IDENTITY_TEXT = 3,      /* any other text: the first 16 bytes of its SHA-256 */
};

struct identity {
    unsigned char key[IDENTITY_BYTES];
    uint32_t tag; /* the first four bytes of the uuid as Okta wrote it (for text, of the hash), big-endian; never 0 */
};

/* False if the text is empty or longer than IDENTITY_TEXT_MAX. */
MUST_CHECK bool identity_of(struct view text, struct identity *out);

#endif
