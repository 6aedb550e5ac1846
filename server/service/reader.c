#include "service/reader.h"

struct connector *reader_connector(struct service *s, struct call *c, const char *name)
{
    struct error err;
    struct connector *connector = connectors_find(s->connectors, view_of(name), &err);

    if (connector == NULL) {
        call_fail(c, &err);
        return NULL;
    }
    if (connector_store(connector) != NULL)
        return connector;
    error_reason(&err, ERROR_UNAVAILABLE, "NOT_READY",
                 "connector \"%s\" has no data yet: Okta has not answered since it was declared; Status says why",
                 connector_name(connector));
    error_fact(&err, "connector", connector_name(connector));
    connector_release(connector);
    call_fail(c, &err);
    return NULL;
}
