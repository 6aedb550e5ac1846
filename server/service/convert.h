/* server/service/convert.h: converts snapshots into messages.
 *
 * A message is in the scratch memory and borrows from the snapshot: encode it while both live. */
#ifndef SERVICE_CONVERT_H
#define SERVICE_CONVERT_H

#include "connectors/configure/configure.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "service/scratch.h"
#include "service/service.h"

/* NULL for an unknown time (0 or before). */
Google__Protobuf__Timestamp *convert_time(struct scratch *s, int64_t unix_ms);

Okta__Connector__V1__HistoryStatus *convert_history(struct scratch *s, const struct poller_snapshot *p);
/* The chosen collections. */
Okta__Connector__V1__CollectionStatus **convert_collections(struct scratch *s, const struct poller_snapshot *p,
                                                            size_t *count);
Okta__Connector__V1__Wait **convert_waits(struct scratch *s, const struct poller_snapshot *p, size_t *count);
/* NULL: nothing is left to do. */
Okta__Connector__V1__Plan *convert_plan(struct scratch *s, const struct poller_snapshot *p);

/* The whole status of one connector. False when its store cannot be read. `c` must outlive the message. */
MUST_CHECK bool convert_connector(struct scratch *s, const struct service *service, struct connector *c,
                                  Okta__Connector__V1__ConnectorStatus **out, struct error *err);

Okta__Connector__V1__ConfigureResponse *convert_configured(struct scratch *s, const struct configure_result *result);

#endif
