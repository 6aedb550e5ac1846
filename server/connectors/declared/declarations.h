/* server/connectors/declared/declarations.h: connectors that flags, environment or a file declare. */
#ifndef CONNECTORS_DECLARATIONS_H
#define CONNECTORS_DECLARATIONS_H

#include "connectors/configure/configure.h"

/* Where a declared connector's credential comes from: a file with an API token (or with the whole document of a service
 * app), or a service app's client id and a file with its private key. What is not given is NULL or "". */
struct declared_source {
    const char *token_file;
    const char *client_id, *private_key_file, *key_id;
};

/* A declared connector: its secret lies in a file, which is re-read when it changes and when Okta refuses the
 * credential. Retries by itself until Okta answers; idempotent. Returns at once; what is wrong with name, org or file
 * is an error now. */
MUST_CHECK bool connectors_declare(struct connectors *cs, const char *name, const char *org,
                                   const struct declared_source *source, const struct configure_request *settings,
                                   struct error *err);

/* While it all runs: declares one more, or changes what was declared under this name (its org's address, file,
 * settings; those of -1 and 0 stay as they are). Okta is asked first; until it has answered, what ran goes on. Streams
 * stay. */
MUST_CHECK bool connectors_redeclare(struct connectors *cs, const char *name, const char *org,
                                     const struct declared_source *source, const struct configure_request *settings,
                                     struct error *err);

/* It is declared no more: it stops to collect, and its data stays, to be read and to be gone on with. Nothing when
 * there is no such declaration. */
void connectors_undeclare(struct connectors *cs, const char *name);

/* What of a declaration is right or wrong by itself: the name, and the credential that its files make. */
MUST_CHECK bool connectors_check_declared(const char *name, const struct declared_source *source, struct error *err);

/* Looks at every declared connector's secret file now. */
void connectors_reread(struct connectors *cs);

#endif
