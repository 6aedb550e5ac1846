/* tests/emulator/jwt.h: JSON Web Tokens and keys as a verifier sees them (RFC 7515, 7517, 7518, 7638), on OpenSSL. */
#ifndef EMULATOR_JWT_H
#define EMULATOR_JWT_H

#include "base/json.h"

#define JWT_BYTES_MAX       16384
#define JWT_THUMBPRINT_SIZE 44 /* base64url of SHA-256, and a NUL */

/* OpenSSL's EVP_PKEY, so that only jwt.c needs its headers. */
struct jwt_key;

/* A public key: PEM ("BEGIN PUBLIC KEY", or "BEGIN RSA PUBLIC KEY") or a JWK. RSA of 2048 bits or more, or EC on P-256,
 * P-384 or P-521. */
MUST_CHECK bool jwt_key_read(struct view text, struct jwt_key **out, struct error *err);
/* The same from a JWK that was parsed already; false when it is none, or when it holds a private member. */
MUST_CHECK bool jwt_key_from_jwk(struct json jwk, struct jwt_key **out, char thumbprint[JWT_THUMBPRINT_SIZE]);
void jwt_key_destroy(struct jwt_key *key);

struct jwt {
    struct json header, claims;
    struct view signed_text; /* borrowed from what was read */
    struct buf signature, text;
    struct json_parser *header_parser, *claims_parser;
};

/* Takes it apart, and verifies nothing. Deinit it in either case; `text` must outlive it. */
MUST_CHECK bool jwt_read(struct jwt *j, struct view text);
void jwt_deinit(struct jwt *j);
/* Whether its alg is one of RS256 to RS512 and ES256 to ES512, fits the key, and the signature is the key's. */
bool jwt_is_signed_by(const struct jwt *j, const struct jwt_key *key);

/* A claim or header member that is a string (none when it is not) or a whole number of seconds. */
struct view jwt_text(struct json object, const char *name);
MUST_CHECK bool jwt_seconds(struct json object, const char *name, int64_t *out);

/* base64url of SHA-256, NUL-terminated. */
void jwt_sha256(struct view text, char out[JWT_THUMBPRINT_SIZE]);
/* The same of HMAC-SHA-256 with this key. */
void jwt_hmac(struct view key, struct view text, char out[JWT_THUMBPRINT_SIZE]);

#endif
