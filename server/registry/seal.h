/* server/registry/seal.h: secrets at rest, sealed with libsodium's secretbox and one key from a file.
 *
 * Shared with backup/, by way of registry_env.h; no other folder includes it. */
#ifndef REGISTRY_SEAL_H
#define REGISTRY_SEAL_H

#include "base/str.h"

#define SEAL_KEY_BYTES 32

struct seal {
    unsigned char key[SEAL_KEY_BYTES];
};

/* Reads the key: 32 bytes, or 64 hexadecimal digits with white space around them. NOT_FOUND; FAILED_PRECONDITION: the
 * file has another length or other characters. */
MUST_CHECK bool seal_read(struct seal *out, const char *path, struct error *err);
/* Creates a new random key at path, 0600. ALREADY_EXISTS. */
MUST_CHECK bool seal_make(struct seal *out, const char *path, struct error *err);
void seal_wipe(struct seal *seal);

/* Appends the sealed bytes. `owner` goes into the sealed text: somebody with write access to the file but without the
 * key cannot pass one connector's secret off as another's. */
void seal_close(const struct seal *seal, struct view owner, struct view secret, struct buf *out);
/* Appends the secret, which the caller wipes. False: sealed with another key or for another owner, or damaged. */
MUST_CHECK bool seal_open(const struct seal *seal, struct view owner, struct view sealed, struct buf *out);

#endif
