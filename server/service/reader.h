/* server/service/reader.h: finds the connector that a request names. */
#ifndef SERVICE_READER_H
#define SERVICE_READER_H

#include "service/service.h"

/* Returns a reference to a connector whose store can be read; release it with connector_release. Returns NULL after it
 * has failed the call. `name` may be empty when there is only one connector. */
struct connector *reader_connector(struct service *s, struct call *c, const char *name);

#endif
