/* server/model/credential.h: a credential as one text, which only okta/ interprets in full.
 *
 * It is an API token, or, when it begins with "{", the JSON document of an OAuth service app:
 * {"client_id":"0oa...","private_key":"PEM or JWK","key_id":"..."}. This module composes that document, and reads just
 * enough of a credential to describe it without showing it. */
#ifndef MODEL_CREDENTIAL_H
#define MODEL_CREDENTIAL_H

#include "base/str.h"

#define CREDENTIAL_CLIENT_ID_MAX 127
#define CREDENTIAL_FINGERPRINT_MAX                                                                                     \
    8 /* hexadecimal digits: enough to tell two secrets apart, too few to help in guessing one */

/* Numbers are the API's. */
enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_API_TOKEN, CREDENTIAL_SERVICE_APP };

/* The facts of a credential that may be shown. */
struct credential_facts {
    enum credential_kind kind;
    char client_id[CREDENTIAL_CLIENT_ID_MAX + 1]; /* "" for an API token */
    char fingerprint[CREDENTIAL_FINGERPRINT_MAX + 1];
    int64_t set_unix_ms; /* since when it is in use; 0: not known */
    bool is_from_file;
};

/* Appends the document of a service app; an empty key_id is left out. The buffer reserves its room first, so that no
 * copy of the key stays behind in freed memory. The caller wipes it. False when it does not fit. */
MUST_CHECK bool credential_of_app(struct view client_id, struct view private_key, struct view key_id, struct buf *out);

/* Fills kind, client id and fingerprint, and zeroes the rest. An empty text gives CREDENTIAL_NONE. */
void credential_describe(struct view text, struct credential_facts *out);

/* Zeroes the buffer's memory, then frees it. */
void credential_wipe(struct buf *secret);

#endif
