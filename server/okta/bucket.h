/* server/okta/bucket.h: which of Okta's rate limits counts a request. */
#ifndef OKTA_BUCKET_H
#define OKTA_BUCKET_H

#include "okta/okta.h"

/* The exact path first, else the longest prefix that matches; the query does not matter. Below OKTA_BUCKETS_MAX. */
size_t bucket_of(struct view path);

/* "/api/v1/users/{id}" */
const char *bucket_name(size_t bucket);

#endif
