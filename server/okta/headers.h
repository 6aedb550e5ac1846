/* server/okta/headers.h: the header lines of one answer -> bounded numbers and views.
 *
 * Names come in any case, lines in any order, repeated or folded into one with commas. What is out of range or does not
 * parse is as if it had not been sent, but for a next link, whose loss would end a listing early: that is told apart.
 */
#ifndef OKTA_HEADERS_H
#define OKTA_HEADERS_H

#include "okta/budget.h"
#include "okta/okta.h"

#define HEADERS_RETRY_AFTER_MAX_S 600
#define HEADERS_NONCE_MAX         512 /* Okta's have about 40 */

enum headers_link {
    HEADERS_LINK_NONE,
    HEADERS_LINK_OK,
    HEADERS_LINK_UNUSABLE, /* there is a next page, and its address cannot be asked for */
};

/* Views borrow from the header block. */
struct headers {
    int32_t rate_limit, rate_remaining; /* -1: not said; of several, the smallest */
    int64_t rate_reset_unix_s;          /* -1: not said; of several, the latest */
    int64_t date_unix_s;                /* 0: not said */
    int64_t retry_after_s;              /* -1: not said; at most HEADERS_RETRY_AFTER_MAX_S */
    struct view content_type;           /* without parameters */
    struct view request_id;
    bool is_scope_missing;     /* WWW-Authenticate: ... error="insufficient_scope" */
    struct view missing_scope; /* its scope="..." */
    struct view auth_error;    /* WWW-Authenticate: ... error="...", any */
    struct view dpop_nonce;    /* fit to stand in a proof; none when it is not */
    enum headers_link link;
    struct view next;      /* path and query of the rel="next" link */
    bool next_was_foreign; /* it named another scheme, host or port than the org's */
};

/* `head`: "Name: value\r\n" lines. */
void headers_read(struct view head, const struct okta_url *org, struct headers *out);

/* False when the answer did not say all of it. */
MUST_CHECK bool headers_reading(const struct headers *h, struct budget_reading *out);

/* Okta's sign for "too many at once", as opposed to "too many a minute": limit and remaining both 0. */
bool headers_is_concurrency(const struct headers *h);

#endif
