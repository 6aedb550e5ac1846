/* server/okta/classify.h: what an answer means: HTTP status first, Okta's error code second, headers third.
 *
 * One table, which is the list of everything that we know Okta to answer. */
#ifndef OKTA_CLASSIFY_H
#define OKTA_CLASSIFY_H

#include "okta/okta.h"

/* What is known of an answer, besides its status and code. */
enum {
    CLASSIFY_CURSOR = 1,      /* the request continued a listing (after=) */
    CLASSIFY_JSON = 2,        /* the body looks like JSON, and nothing says that it is not */
    CLASSIFY_NO_SCOPE = 4,    /* WWW-Authenticate names insufficient_scope */
    CLASSIFY_CONCURRENCY = 8, /* rate limit and remaining are both 0 */
    CLASSIFY_BAD_LINK = 16,   /* there is a next page, and its address is unusable */
};

enum classify_wait {
    CLASSIFY_WAIT_NONE,
    CLASSIFY_WAIT_BACKOFF,     /* longer each time */
    CLASSIFY_WAIT_WINDOW,      /* until the rate-limit window ends */
    CLASSIFY_WAIT_CONCURRENCY, /* a few seconds, and fewer at once */
    CLASSIFY_WAIT_FRESH,       /* at once, on a connection of its own; when that was tried: the row after it */
};

struct classify_rule {
    int status_min, status_max;
    const char *code; /* NULL: any, or none */
    int needs, lacks; /* of CLASSIFY_* */
    enum okta_verdict verdict;
    enum classify_wait wait;
    bool is_too_big; /* when it happens twice, the page is to blame */
    const char *text;
};

/* The rule for an answer with this status (0: none came). Never NULL. `was_fresh`: the request had a connection of its
 * own. */
const struct classify_rule *classify(int http_status, struct view code, int facts, bool was_fresh);

/* Okta's "errorCode" in the text of an error, which need not be whole; none where there is none. Views borrow from
 * `body`. */
struct view classify_code(struct view body);

/* "after=" stands in the query. */
bool classify_has_cursor(struct view path);

/* Whether an answer of that type with that body may be Okta's JSON. A login page of a proxy in between is not. */
bool classify_is_json(struct view content_type, struct view body);

#endif
