/* server/connectors/connector.h: one connector, as those see it who hold a reference. Any thread. */
#ifndef CONNECTORS_CONNECTOR_H
#define CONNECTORS_CONNECTOR_H

#include "model/credential.h"
#include "model/snapshot.h"
#include "registry/registry.h"
#include "store/store.h"

struct connector;

const char *connector_name(const struct connector *c);
const char *connector_org_id(const struct connector *c);
void connector_org_url(struct connector *c, char out[REGISTRY_URL_MAX + 1]); /* a Configure may change it */
/* Open as long as the reference lives. NULL when there is none: a declared connector that Okta has never answered for,
 * or a store that cannot be opened; the snapshot says why. Then the org id may be "". */
struct store *connector_store(const struct connector *c);
unsigned connector_topic(const struct connector *c);
void connector_snapshot(struct connector *c, struct poller_snapshot *out);
void connector_credential(struct connector *c, struct credential_facts *out); /* the one in use, or CREDENTIAL_NONE */
bool connector_is_deleted(const struct connector *c);                         /* end your streams: CONNECTOR_DELETED */

/* FAILED_PRECONDITION when, as the snapshot says, nothing is collected until somebody acts: RETIRED,
 * OKTA_TOKEN_REFUSED. */
MUST_CHECK bool connector_collects(const struct connector *c, const struct poller_snapshot *now, struct error *err);

/* Makes the poller poll now. `tail_rounds` is what the snapshot's must exceed for the poll to have reached the head.
 * FAILED_PRECONDITION when RETIRED or RECONNECT_REQUIRED; UNAVAILABLE when shutting down. */
MUST_CHECK bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err);

#endif
