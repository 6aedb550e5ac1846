/* Status: reads snapshots and the stores; it never waits for Okta. */
#include "service/convert.h"

#include <string.h>

#define CONFIG_SETTINGS_MAX 64 /* connectors in all */

static bool status_put_all(struct scratch *s, const struct service *service, struct connector *const *connectors,
                           size_t count, Okta__Connector__V1__StatusResponse *out, struct error *err)
{
    out->connectors = scratch_zero(s, (count + 1) * sizeof *out->connectors);
    for (size_t i = 0; i < count; i++)
        if (!convert_connector(s, service, connectors[i], &out->connectors[out->n_connectors++], err))
            return error_wrap(err, "%s", connector_name(connectors[i]));
    return true;
}

/* NULL when there was no reload. */
static Okta__Connector__V1__ConfigReload *config_reload(struct scratch *s, const struct service *service)
{
    Okta__Connector__V1__ConfigReload *out = scratch_zero(s, sizeof *out);
    struct reload_facts facts = { .at_unix_ms = 0 };
    char *rest;

    if (service->reload_facts != NULL)
        service->reload_facts(service->ctx, &facts);
    if (facts.at_unix_ms == 0)
        return NULL;
    okta__connector__v1__config_reload__init(out);
    out->time = convert_time(s, facts.at_unix_ms);
    out->successful = facts.is_successful;
    out->error = scratch_text(s, facts.error);
    out->needs_restart = scratch_zero(s, CONFIG_SETTINGS_MAX * sizeof *out->needs_restart);
    rest = scratch_text(s, facts.needs_restart);
    for (char *name; (name = strsep(&rest, ",")) != NULL && out->n_needs_restart < CONFIG_SETTINGS_MAX;)
        if (name[0] != '\0')
            out->needs_restart[out->n_needs_restart++] = name;
    return out;
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
    response.config_reload = config_reload(&s, service);
    if (status_put_all(&s, service, connectors, count, &response, &err))
        call_reply(c, &response.base);
    else
        call_fail(c, &err);
    for (size_t i = 0; i < count; i++)
        connector_release(connectors[i]);
}
