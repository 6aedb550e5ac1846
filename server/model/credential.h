/* server/model/credential.h: a credential as it travels: one text, opaque to all but okta/, which proves it to
 * Okta.
 *
 * It is an API token, or, where it begins with "{", a JSON document of an OAuth service app:
 * {"client_id":"0oa...","private_key":"PEM or JWK","key_id":"..."}. Here it is put together, and looked at just far
 * enough to show what it is without showing it. */
#ifndef MODEL_CREDENTIAL_H
#define MODEL_CREDENTIAL_H

#include "base/str.h"

#define CREDENTIAL_CLIENT_ID_MAX   127
#define CREDENTIAL_FINGERPRINT_MAX 8 /* hexadecimal digits: tells two secrets apart, and is no help in guessing one */

/* Numbers are the API's. */
enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_API_TOKEN, CREDENTIAL_SERVICE_APP };

/* What may be shown of one. */
struct credential_facts {
    enum credential_kind kind;
    char client_id[CREDENTIAL_CLIENT_ID_MAX + 1]; /* "" for an API token */
    char fingerprint[CREDENTIAL_FINGERPRINT_MAX + 1];
    int64_t set_unix_ms; /* since when it is in use; 0: not known */
    bool is_from_file;
};

/* Appends the document of a service app; an empty key_id is left out. The buffer gets its room at once, so that no copy
 * stays behind; it is for the caller to wipe. False when it does not fit. */
MUST_CHECK bool credential_of_app(struct view client_id, struct view private_key, struct view key_id, struct buf *out);

/* Kind, client id and fingerprint; the rest is 0. Of no text: CREDENTIAL_NONE. */
void credential_describe(struct view text, struct credential_facts *out);

/* Zeroes what a secret was in, then frees it. */
void credential_wipe(struct buf *secret);

#endif
