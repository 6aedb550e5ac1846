/* server/okta/secret.h: a credential's text -> what we authorise with: an API token, or a service app and its key. */
#ifndef OKTA_SECRET_H
#define OKTA_SECRET_H

#include "okta/key.h"
#include "okta/okta.h"

#define SECRET_CLIENT_ID_MAX 100 /* Okta's have 20 */

struct secret {
    char *token;     /* an API token; NULL: none */
    struct key *key; /* a service app's; NULL: none */
    char client_id[SECRET_CLIENT_ID_MAX + 1];
};

/* As okta_credential_check does. What was in *out is overwritten, not released. */
MUST_CHECK bool secret_read(struct view text, struct secret *out, struct error *err);

/* Wipes and zeroes. */
void secret_deinit(struct secret *s);

#endif
