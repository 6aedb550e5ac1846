/* server/service/convert.h: what a poller shows of itself, as messages.
 *
 * The messages lie in the scratch and borrow from the snapshot: encode them while both live. */
#ifndef SERVICE_CONVERT_H
#define SERVICE_CONVERT_H

#include "connectors/configure/configure.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "service/scratch.h"
#include "service/service.h"

/* NULL for a time that is not known (0 or before). */
Google__Protobuf__Timestamp *convert_time(struct scratch *s, int64_t unix_ms);

Okta__Connector__V1__HistoryStatus *convert_history(struct scratch *s, const struct poller_snapshot *p);
/* Those that were chosen. */
Okta__Connector__V1__CollectionStatus **convert_collections(struct scratch *s, const struct poller_snapshot *p,
                                                            size_t *count);
Okta__Connector__V1__Wait **convert_waits(struct scratch *s, const struct poller_snapshot *p, size_t *count);
/* NULL: nothing is left to do. */
Okta__Connector__V1__Plan *convert_plan(struct scratch *s, const struct poller_snapshot *p);

/* Everything of one connector. False when its store cannot be read. `c` must outlive the message. */
MUST_CHECK bool convert_connector(struct scratch *s, const struct service *service, struct connector *c,
                                  Okta__Connector__V1__ConnectorStatus **out, struct error *err);

Okta__Connector__V1__ConfigureResponse *convert_configured(struct scratch *s, const struct configure_result *result);

#endif
