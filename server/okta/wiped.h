/* server/okta/wiped.h: memory for curl that is overwritten when it is freed, so that what curl copies of a token, a
 * proxy's password or an answer does not stay behind. */
#ifndef OKTA_WIPED_H
#define OKTA_WIPED_H

#include <curl/curl.h>

/* In place of curl_global_init. */
CURLcode wiped_curl_init(void);

#endif
