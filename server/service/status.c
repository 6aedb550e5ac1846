/* Status: how things stand, read from snapshots and the stores; it never waits for Okta. */
#include "service/convert.h"

static bool put_all(struct scratch *s, const struct service *service, struct connector *const *connectors, size_t count,
                    Okta__Connector__V1__StatusResponse *out, struct error *err)
{
    out->connectors = scratch_zero(s, (count + 1) * sizeof *out->connectors);
    for (size_t i = 0; i < count; i++)
        if (!convert_connector(s, service, connectors[i], &out->connectors[out->n_connectors++], err))
            return error_wrap(err, "%s", connector_name(connectors[i]));
    return true;
}

void service_status(void *at, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__StatusRequest *request = (const Okta__Connector__V1__StatusRequest *)message;
    Okta__Connector__V1__StatusResponse response = OKTA__CONNECTOR__V1__STATUS_RESPONSE__INIT;
    const struct service *service = at;
    struct connector *connectors[CONNECTORS_MAX];
    AUTO_SCRATCH struct scratch s = { NULL };
    struct error err;
    size_t count = 1;

    if (request->name[0] == '\0')
        count = connectors_all(service->connectors, connectors);
    else
        connectors[0] = connectors_find(service->connectors, view_of(request->name), &err);
    if (count == 1 && connectors[0] == NULL) {
        call_fail(c, &err);
        return;
    }
    response.version = (char *)service->version;
    response.started = convert_time(&s, service->started_unix_ms);
    response.now = convert_time(&s, clock_unix_ms(service->clock));
    if (put_all(&s, service, connectors, count, &response, &err))
        call_reply(c, &response.base);
    else
        call_fail(c, &err);
    for (size_t i = 0; i < count; i++)
        connector_release(connectors[i]);
}
