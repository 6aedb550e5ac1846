/* tests/okta/keys.h: private keys of every kind, made by OpenSSL, in the forms that people have them in. */
#ifndef TESTS_OKTA_KEYS_H
#define TESTS_OKTA_KEYS_H

#include "base/str.h"

struct keys; /* one key */

enum keys_form {
    KEYS_PKCS8,
    KEYS_TRADITIONAL, /* PKCS#1 of an RSA key, SEC 1 of another */
    KEYS_ENCRYPTED,
    KEYS_PUBLIC,
    KEYS_JWK,
    KEYS_JWK_PUBLIC,
    KEYS_ESCAPED, /* PKCS#8, whose line ends are two characters */
};

/* "RSA-2048", "RSA-1024", "P-256", "secp256k1", "ED25519"...; the same one each time. */
struct keys *keys_of(const char *kind);

/* NUL-terminated, in place until keys_free. */
const char *keys_text(struct keys *k, enum keys_form form);

/* A service app's credential with that key; `members`: more of them, such as ",\"key_id\":\"k1\"". */
void keys_credential(struct keys *k, enum keys_form form, const char *members, struct buf *out);

void keys_free(void); /* all of them */

#endif
