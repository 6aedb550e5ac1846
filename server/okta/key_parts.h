/* server/okta/key_parts.h: what the files behind key.h share. */
#ifndef OKTA_KEY_PARTS_H
#define OKTA_KEY_PARTS_H

#include "okta/key.h"

#define KEY_RSA_BITS_MIN 2048
#define KEY_RSA_BITS_MAX 8192 /* signing takes longer with the cube of this */

/* "the private key ..."; forgets what OpenSSL has to say to it. */
bool key_refuse(struct error *err, const char *text);

/* A key of it, if it may be one: takes over the jwk, which may be NULL. `alg` as in a JWK, or NULL. */
MUST_CHECK bool key_take(cjose_jwk_t *jwk, const char *alg, struct key **out, struct error *err);

#endif
