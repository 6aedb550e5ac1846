/* server/connectors/configure/probe.h: what is asked for each collection, and what to tell a person about the answer.
 *
 * Pure functions: probe.c asks, these words say what it came to. */
#ifndef CONNECTORS_CONFIGURE_PROBE_H
#define CONNECTORS_CONFIGURE_PROBE_H

#include "connectors/configure/configure.h"
#include "model/credential.h"

/* The collections in the order in which they are asked: objects first, then the log. A collection with a parent has no
 * endpoint of its own to ask. NULL beyond the last. */
const struct collection *probe_subject(size_t index);

/* True when the list of scopes, divided by blanks, names this one. */
bool probe_has_scope(const char *scopes, const char *scope);

/* What an answer comes to. `body` is the answer's. */
enum permission_verdict probe_verdict_of(const struct collection *c, const struct okta_answer *answer, struct view body,
                                         const struct okta_grants *grants);

/* Fills row->verdict's remedy and missing_scope. */
void probe_advise(const struct collection *c, enum credential_kind kind, const struct okta_answer *answer,
                  struct permission *row);

/* The remedy of a row without a usable answer. */
void probe_advise_no_answer(const struct okta_answer *answer, struct permission *row);

/* Warns of granted scopes that can change things. */
void probe_warn_of_scopes(const struct okta_grants *grants, struct configure_result *result);

/* What only an admin may see who can do more than read; one that is read-only is refused here. */
extern const char probe_overreach_path[];
void probe_warn_of_role(struct configure_result *result);

#endif
