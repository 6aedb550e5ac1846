/* Diagnose: the checks of the server's sockets, then those that the set of connectors makes. */
#include "service/convert.h"

#include "base/mem.h"
#include "connectors/diagnose/diagnose.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct diagnosing {
    const struct service *service;
    struct call_ticket *ticket;
};

static void diagnose_put(struct scratch *s, Okta__Connector__V1__DiagnoseResponse *to, const char *connector,
                         const char *name, enum check_verdict verdict, const char *detail, const char *remedy)
{
    Okta__Connector__V1__Check *c = scratch_zero(s, sizeof *c);

    okta__connector__v1__check__init(c);
    c->connector = scratch_text(s, connector);
    c->name = scratch_text(s, name);
    c->verdict = (Okta__Connector__V1__CheckVerdict)verdict;
    c->detail = scratch_text(s, detail);
    c->remedy = scratch_text(s, remedy);
    to->checks[to->n_checks++] = c;
}

/* Someone may have removed the socket's file: the server does not notice, and nobody can connect any more. */
static bool is_there(const struct service_socket *l)
{
    struct stat st;

    return l->path[0] == '\0' || (stat(l->path, &st) == 0 && S_ISSOCK(st.st_mode));
}

static void put_socket(struct scratch *s, const struct service_socket *l, Okta__Connector__V1__DiagnoseResponse *to)
{
    bool ok = is_there(l);
    char detail[400];

    snprintf(detail, sizeof detail, "%s: %s, for %s%s", l->address, l->is_admin ? "admin" : "reader", l->who,
             ok ? "" : "; its file is gone, or is another's");
    diagnose_put(s, to, "", "socket", ok ? CHECK_OK : CHECK_FAIL, detail,
                 ok ? "" : "restart the server, which makes the socket anew; and find out who removed it");
}

static void diagnose_diagnosed(void *ctx, const struct diagnosis *found, const struct error *err)
{
    struct diagnosing *d = ctx;
    const struct service *service = d->service;
    Okta__Connector__V1__DiagnoseResponse response = OKTA__CONNECTOR__V1__DIAGNOSE_RESPONSE__INIT;
    AUTO_SCRATCH struct scratch s = { NULL };

    if (err != NULL) {
        call_ticket_fail(&d->ticket, err);
        free(d);
        return;
    }
    response.version = (char *)service->version;
    response.now = convert_time(&s, clock_unix_ms(service->clock));
    response.checks = scratch_zero(&s, (found->count + service->socket_count + 1) * sizeof *response.checks);
    for (size_t i = 0; i < service->socket_count; i++)
        put_socket(&s, &service->sockets[i], &response);
    for (size_t i = 0; i < found->count; i++) {
        const struct check *c = &found->checks[i];

        diagnose_put(&s, &response, c->connector, c->name, c->verdict, c->detail, c->remedy);
    }
    call_ticket_reply(&d->ticket, &response.base);
    free(d);
}

static bool diagnose_is_caller_gone(void *ctx)
{
    const struct diagnosing *d = ctx;

    return call_ticket_is_cancelled(d->ticket);
}

void service_diagnose(void *at, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__DiagnoseRequest *request = (const Okta__Connector__V1__DiagnoseRequest *)message;
    struct service *service = at;
    struct diagnosing *d = mem_zero(sizeof *d);

    d->service = service;
    d->ticket = call_defer(c);
    connectors_diagnose(service->connectors, view_of(request->name), diagnose_is_caller_gone, diagnose_diagnosed, d);
}
