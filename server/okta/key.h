/* server/okta/key.h: a private key that signs JSON web tokens with the one algorithm that is its own.
 *
 * RSA of 2048 to 8192 bits for RS256, RS384 or RS512; elliptic curves P-256, P-384 and P-521 for ES256, ES384 and
 * ES512. What memory they, and the libraries below, give back is overwritten first. */
#ifndef OKTA_KEY_H
#define OKTA_KEY_H

#include "base/error.h"
#include "base/str.h"

#include <cjose/jwk.h>

#define KEY_ID_MAX 255

struct key {
    cjose_jwk_t *jwk;
    const char *alg; /* "RS256" */
    char id[KEY_ID_MAX + 1];
};

/* PKCS#1, PKCS#8 or SEC 1 in PEM, with line ends or with "\n" as two characters. INVALID_ARGUMENT, reason
 * CREDENTIAL_INVALID, when it is something else; the text says what. */
MUST_CHECK bool key_from_pem(struct view pem, struct key **out, struct error *err);

/* A JWK. Its "alg" decides where the kind of key leaves a choice; its "kid" is taken for the id. Likewise. */
MUST_CHECK bool key_from_jwk(const cjose_header_t *jwk, struct key **out, struct error *err);

struct key *key_make(void); /* a new one, for ES256 */
void key_destroy(struct key *k);

/* With the private members, as an object of its own (a jansson reference); key_from_jwk reads it again. */
cjose_header_t *key_to_jwk(const struct key *k);

/* A signed token in compact form, NUL-terminated; yours: wipe it. `type` goes into its header, and so does the key's
 * id, or the public key itself when `shows_key`. */
char *key_sign(const struct key *k, const char *type, bool shows_key, struct view payload);

/* Refuses an id that cannot be shown in a header. */
MUST_CHECK bool key_set_id(struct key *k, struct view id, struct error *err);

/* How libraries that hold a secret for us are made to wipe it. Before the first use of either; any thread, many times.
 */
void key_guard_memory(void);

#endif
