/* server/record/catalogue.h: the table of Okta's event types that are login events, with the kind of each.
 *
 * Names are those of https://developer.okta.com/docs/reference/api/event-types/. */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include "base/str.h"

#include <stddef.h>

/* Grows with every change of the table. */
#define CATALOGUE_VERSION 1

struct catalogue_entry {
    const char *event_type;
    int kind; /* of the API's LoginKind */
};

/* The kind of an event type; 0 (UNSPECIFIED) when it is not a login event. A type that is not in the table but begins
 * with "user.authentication." or "user.session." is new at Okta: it counts as AUTHENTICATION or SESSION_CHANGE. */
int catalogue_kind(struct view event_type);

/* LoginResult of Okta's outcome.result, by the table in login.proto. */
int catalogue_result(struct view outcome_result);

/* The whole table, in order, for the test that compares it with the documentation. */
const struct catalogue_entry *catalogue_entries(size_t *count);

#endif
