/* server/connectors/declared/declarations.h: connectors that flags, environment or a file declare. */
#ifndef CONNECTORS_DECLARATIONS_H
#define CONNECTORS_DECLARATIONS_H

#include "connectors/configure/configure.h"

/* Where a declared connector's credential comes from: a file with an API token (or with a service app's whole
 * document), or a service app's client id and a file with its private key. Members that are not given are NULL or "".
 */
struct declared_source {
    const char *token_file;
    const char *client_id, *private_key_file, *key_id;
};

/* Declares a connector. Its secret is in a file, which is read again when it changes and when Okta refuses the
 * credential. It retries by itself until Okta answers; idempotent. Returns at once; a mistake in name, org or file is
 * an error now. */
MUST_CHECK bool connectors_declare(struct connectors *cs, const char *name, const char *org,
                                   const struct declared_source *source, const struct configure_request *settings,
                                   struct error *err);

/* While the server runs: declares another connector, or changes the declaration of this name (address, file, settings;
 * settings of -1 and 0 stay as they are). Okta is asked first; until it has answered, the old declaration stays in
 * force. Streams stay open. */
MUST_CHECK bool connectors_redeclare(struct connectors *cs, const char *name, const char *org,
                                     const struct declared_source *source, const struct configure_request *settings,
                                     struct error *err);

/* Withdraws a declaration: its connector stops collecting, and its data stays readable and can be continued later. Does
 * nothing when there is no such declaration. */
void connectors_undeclare(struct connectors *cs, const char *name);

/* Checks a declaration without asking Okta: the name, and the credential that its files make. */
MUST_CHECK bool connectors_check_declared(const char *name, const struct declared_source *source, struct error *err);

/* Makes every declaration look at its secret file now. */
void connectors_reread(struct connectors *cs);

#endif
