/* client/cmd/filter.h: --only and --not: which login events are asked for.
 *
 *     result=failure,denied;country=SE      conditions divided by ";", values by ","
 *
 * --only: all of its conditions. --not: any of them. */
#ifndef CLIENT_CMD_FILTER_H
#define CLIENT_CMD_FILTER_H

#include "base/str.h"

#include "okta/connector/v1/connector.pb-c.h"

#define FILTER_CONDITIONS_MAX 16
#define FILTER_VALUES_MAX     256 /* in all */
#define FILTER_TEXT_MAX       8192

/* The messages that the text means; they point into it. */
struct filter {
    char text[FILTER_TEXT_MAX];
    char *strings[FILTER_VALUES_MAX];
    Okta__Connector__V1__LoginKind kinds[FILTER_VALUES_MAX];
    Okta__Connector__V1__LoginResult results[FILTER_VALUES_MAX];
    size_t used; /* of each of the three */
    Okta__Connector__V1__LoginFilter messages[FILTER_CONDITIONS_MAX];
    Okta__Connector__V1__LoginFilter *list[FILTER_CONDITIONS_MAX];
    size_t count; /* of the list */
};

/* `each_alone`: every condition becomes a message of its own, as --not wants; otherwise all are one. INVALID_ARGUMENT
 * names `option` and what is wrong. */
MUST_CHECK bool filter_parse(struct filter *f, const char *option, const char *text, bool each_alone,
                             struct error *err);

#endif
