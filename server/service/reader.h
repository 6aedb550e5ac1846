/* server/service/reader.h: how a method comes to the connector that its request names. */
#ifndef SERVICE_READER_H
#define SERVICE_READER_H

#include "service/service.h"

/* A reference to a connector with a store that can be read, or NULL: then the call has been failed.
 * `name` may be empty where there is only one. Release it with connector_release. */
struct connector *reader_connector(struct service *s, struct call *c, const char *name);

#endif
