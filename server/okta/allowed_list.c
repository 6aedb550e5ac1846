#include "okta/allowed.h"

#include "okta/okta.h"

/* Everything that may leave this process for Okta. A new collection needs a line here as well as its row: what may be
 * asked is decided in this one place. */
const struct allowed allowed[] = {
    /* which org it is, before a credential is shown */
    { "GET", "/.well-known/okta-organization", false },
    { "GET", "/api/v1/logs", true },
    { "GET", "/api/v1/users", true },
    /* whether a token can do more than it should */
    { "GET", "/api/v1/iam/assignees/users", true },
    { "POST", OKTA_TOKEN_PATH, false },
};
const size_t allowed_count = sizeof allowed / sizeof allowed[0];
