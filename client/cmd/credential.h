/* client/cmd/credential.h: what a connector signs in to Okta with, from the command line or a person to the request. */
#ifndef CLIENT_CMD_CREDENTIAL_H
#define CLIENT_CMD_CREDENTIAL_H

#include "client/cli/args.h"
#include "client/cmd/token.h"
#include "okta/connector/v1/connector.pb-c.h"

/* An API token, or a service app's client id, private key and key id (which may be empty). */
struct credential {
    struct buf token;
    struct buf client_id, key, key_id;
    Okta__Connector__V1__ServiceApp app; /* what the request points at */
};

void credential_init(struct credential *c);
void credential_deinit(struct credential *c); /* wipes */

/* Rows for a command's table of options. */
#define CREDENTIAL_OPTIONS                                                                                             \
    { "token-file", '\0', "FILE", "an API token; - reads it from stdin" },                                             \
        { "client-id", '\0', "ID", "of an OAuth service app, instead of a token" },                                    \
        { "private-key-file", '\0', "FILE", "its private key, PEM or JWK; - reads it from stdin" },                    \
    {                                                                                                                  \
        "key-id", '\0', "KID", "that the app shows for the key; not needed with a JWK that names it"                   \
    }

/* One of these options was given. */
bool credential_is_given(const struct args *a);
/* Whether the options go together, without reading anything. INVALID_ARGUMENT, in words. */
MUST_CHECK bool credential_check_options(const struct args *a, struct error *err);
/* Reads the files that the options name. */
MUST_CHECK bool credential_read(struct credential *c, const struct args *a, struct error *err);
/* Asks the person at the terminal: which kind, then its parts. */
MUST_CHECK bool credential_ask(struct credential *c, struct error *err);

/* Into the request, which borrows; nothing when there is none. */
void credential_put(struct credential *c, Okta__Connector__V1__ConfigureRequest *request);

#endif
