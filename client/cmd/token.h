/* client/cmd/token.h: an API token or a private key, from a file to the request, and nowhere else. */
#ifndef CLIENT_CMD_TOKEN_H
#define CLIENT_CMD_TOKEN_H

#include "base/str.h"

#define TOKEN_BYTES_MAX 1024 /* Okta's are 42; a file that is far longer is another file */

/* Reads a token from the file, or from stdin for "-", trimmed and checked. Warns on stderr when others can read the
 * file. INVALID_ARGUMENT in words: empty, a placeholder, more than one line, another kind of token. Wipe it with
 * token_wipe. */
MUST_CHECK bool token_read(const char *file, struct buf *token, struct error *err);

/* The checks alone: drops white space and a leading "SSWS " in place. */
MUST_CHECK bool token_check(struct buf *token, struct error *err);

/* A service app's private key, PEM or JWK, likewise. What kind of key it is, and whether it is whole, is for the server
 * to say; here: empty, a placeholder, another thing. */
#define KEY_BYTES_MAX 16384 /* one of 8192 bits takes 6.5 KiB */
MUST_CHECK bool key_read(const char *file, struct buf *key, struct error *err);
MUST_CHECK bool key_check(struct buf *key, struct error *err);

/* True when it looks the way Okta's API tokens look: "00" and 40 letters, digits, "-" or "_". */
bool token_is_usual(struct view token);

void token_wipe(struct buf *token);
#define AUTO_TOKEN __attribute__((cleanup(token_wipe)))

#endif
