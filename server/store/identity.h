/* server/store/identity.h: what an event is known by: Okta's uuid as a key of 17 bytes, and its tag of four. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "base/str.h"

#define IDENTITY_BYTES    17
#define IDENTITY_TEXT_MAX 128

/* The first byte of a key. On disk: never renumber. */
enum identity_type {
    IDENTITY_UUID_TIME = 1, /* version 1, rearranged: time first, as version 6 has it */
    IDENTITY_UUID = 2,      /* any other uuid, as it is */
    IDENTITY_TEXT = 3,      /* any other text: the first 16 bytes of its SHA-256 */
};

struct identity {
    unsigned char key[IDENTITY_BYTES];
    uint32_t tag; /* of the uuid as written (of the hash, for other text) the first four bytes, big-endian; never 0 */
};

/* False when the text is empty or longer than IDENTITY_TEXT_MAX. */
MUST_CHECK bool identity_of(struct view text, struct identity *out);

#endif
