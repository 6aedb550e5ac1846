/* server/okta/url.h: what may stand behind the org's address in a request line. */
#ifndef OKTA_URL_H
#define OKTA_URL_H

#include "okta/okta.h"

/* "/..." of visible ASCII without "#", at most OKTA_PATH_BYTES_MAX: appended to scheme, host and port it cannot reach
 * any other host. */
bool url_path_ok(struct view path);

/* What a template, or a variable that was not set, leaves where a secret or an id should stand. */
bool url_is_placeholder(struct view v);

#endif
