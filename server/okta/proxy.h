/* server/okta/proxy.h: a proxy's address, and apart from it who we are there. */
#ifndef OKTA_PROXY_H
#define OKTA_PROXY_H

#include "okta/okta.h"

struct proxy {
    char *address;         /* "http://proxy.example:3128" */
    char *user, *password; /* decoded; NULL: none */
};

/* As okta_proxy_check; what comes out is the caller's, to free. `err` may be NULL. */
MUST_CHECK bool proxy_split(const char *text, struct proxy *out, struct error *err);

#endif
