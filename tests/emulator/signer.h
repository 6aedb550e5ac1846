/* tests/emulator/signer.h: keys, and tokens signed with them, as a client makes them: on OpenSSL, and apart from the
 * emulator's own reading of the same. */
#ifndef EMULATOR_SIGNER_H
#define EMULATOR_SIGNER_H

#include "base/str.h"

struct signer;

/* A new key for the algorithm "RS256", "ES512"... */
struct signer *signer_create(const char *alg);
void signer_destroy(struct signer *s);
const char *signer_pem(struct signer *s); /* the public key, "-----BEGIN PUBLIC KEY-----..." */
const char *signer_jwk(struct signer *s); /* {"kty":...}, with the members in the order that a thumbprint needs */

/* A compact JWT. The members go into the header behind alg, such as "\"kid\":\"k1\""; "" for none. */
void signer_sign(struct signer *s, const char *header_members, const char *claims, struct buf *out);

/* base64url of SHA-256, appended. */
void signer_sha256(struct view text, struct buf *out);

#endif
