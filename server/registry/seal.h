/* server/registry/seal.h: secrets at rest: libsodium's secretbox with one key from a file. Private to this folder. */
#ifndef REGISTRY_SEAL_H
#define REGISTRY_SEAL_H

#include "base/str.h"

#define SEAL_KEY_BYTES 32

struct seal {
    unsigned char key[SEAL_KEY_BYTES];
};

/* Reads the key: 32 bytes, or 64 hexadecimal digits and white space. NOT_FOUND; FAILED_PRECONDITION when it is no key.
 */
MUST_CHECK bool seal_read(struct seal *out, const char *path, struct error *err);
/* Makes a new one at path, 0600. ALREADY_EXISTS. */
MUST_CHECK bool seal_make(struct seal *out, const char *path, struct error *err);
void seal_wipe(struct seal *seal);

/* Appends the sealed bytes. `owner` is sealed in with it, so that one connector's secret cannot be passed off as
 * another's. */
void seal_close(const struct seal *seal, struct view owner, struct view secret, struct buf *out);
/* Appends the secret, which the caller wipes. False: another key's, another owner's, or damaged. */
MUST_CHECK bool seal_open(const struct seal *seal, struct view owner, struct view sealed, struct buf *out);

#endif
