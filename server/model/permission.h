/* server/model/permission.h: what a credential may read, as found by Configure's probe and by Diagnose. */
#ifndef MODEL_PERMISSION_H
#define MODEL_PERMISSION_H

#include "model/collection.h"
#include "okta/okta.h"

enum permission_verdict { /* numbers are the API's */
                          PERMISSION_WORKS = 1,
                          PERMISSION_CREDENTIAL_REFUSED,
                          PERMISSION_ROLE_MISSING,
                          PERMISSION_SCOPE_MISSING,
                          PERMISSION_FEATURE_ABSENT,
                          PERMISSION_SUSPICIOUSLY_EMPTY,
                          PERMISSION_NO_ANSWER,
};
struct permission {
    unsigned collection; /* its id; 0: the org itself */
    char endpoint[64];
    enum permission_verdict verdict;
    char remedy[320];
    char missing_scope[OKTA_SCOPE_MAX + 1]; /* "": unknown, or none */
    int http_status;
    int64_t retry_ms; /* after a 429: milliseconds until Okta answers again */
    char error_code[OKTA_ERROR_CODE_MAX + 1], request_id[OKTA_REQUEST_ID_MAX + 1];
};
#define PERMISSIONS_MAX (COLLECTION_IDS_MAX + 1) /* a row a collection, and the org itself */

#endif
