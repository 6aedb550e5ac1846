/* server/okta/trouble.h: what may help when there was no answer at all. */
#ifndef OKTA_TROUBLE_H
#define OKTA_TROUBLE_H

/* A hint for a person, from curl's code, OpenSSL's verdict on the certificate (0: none or fine), and what the proxy
 * said to CONNECT (0: nothing, or there is none); NULL when there is nothing to say beyond curl's own words. */
const char *trouble_hint(int curl_code, long verify_result, long connect_status);

#endif
