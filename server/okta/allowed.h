/* server/okta/allowed.h: all that this program may ever ask of Okta: the methods and paths, compiled in.
 *
 * http.c looks here last of all, when a request is handed to curl: what is not on the list is not sent, whoever asked
 * for it. A GET changes nothing at Okta; the one POST asks for an access token. Pure functions. */
#ifndef OKTA_ALLOWED_H
#define OKTA_ALLOWED_H

#include "okta/okta.h"

#include <stddef.h>

struct allowed {
    const char *method; /* "GET", "POST" */
    const char *path;   /* exact: no prefix, no pattern */
    bool has_query;     /* "?name=value&name=value..." may follow */
};

/* The list, and how long it is. */
extern const struct allowed allowed[];
extern const size_t allowed_count;

/* Whether a GET of "/path?query" is on the list. The query is any number of name=value pairs: links of Okta's are
 * followed as they are, and what Okta puts into them is its own. But it is whole: visible ASCII, no "#", no second "?"
 * in a name. */
MUST_CHECK bool allowed_path(struct view path);

/* Whether the URL is the org's own scheme, host and port, followed by a path that is on the list for that method. */
MUST_CHECK bool allowed_url(const struct okta_url *org, const char *url, bool is_post);

#endif
