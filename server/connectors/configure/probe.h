/* server/connectors/configure/probe.h: what the probe asks for each collection, and what an answer means for a person.
 *
 * Pure functions: probe.c sends the requests. */
#ifndef CONNECTORS_CONFIGURE_PROBE_H
#define CONNECTORS_CONFIGURE_PROBE_H

#include "connectors/configure/configure.h"
#include "model/credential.h"

/* The collections in the order in which they are asked: objects first, then the log. A collection with a parent has no
 * endpoint of its own to ask. NULL beyond the last. */
const struct collection *probe_subject(size_t index);

/* True when the blank-separated list contains the scope. */
bool probe_has_scope(const char *scopes, const char *scope);

/* The verdict on an answer; `body` is the answer's. */
enum permission_verdict probe_verdict_of(const struct collection *c, const struct okta_answer *answer, struct view body,
                                         const struct okta_grants *grants);

/* Fills row->verdict's remedy and missing_scope. */
void probe_advise(const struct collection *c, enum credential_kind kind, const struct okta_answer *answer,
                  struct permission *row);

/* Fills the remedy of a row without a usable answer. */
void probe_advise_no_answer(const struct okta_answer *answer, struct permission *row);

/* Adds a warning when a granted scope allows more than reading. */
void probe_warn_of_scopes(const struct okta_grants *grants, struct configure_result *result);

/* A path that only an admin who can do more than read may see; a read-only admin gets 403. */
extern const char probe_overreach_path[];
void probe_warn_of_role(struct configure_result *result);

#endif
