/* Configure and Delete. Both take as long as Okta and the poller's thread need, so the answer comes later, through a
 * ticket. */
#include "base/mem.h"
#include "connectors/delete.h"
#include "service/convert.h"

#include <stdio.h>
#include <string.h>

/* ---- Configure ---- */

static bool read_collections(const Okta__Connector__V1__ConfigureRequest *request, uint32_t *out, struct error *err)
{
    bool ok = true;

    *out = 0;
    for (size_t i = 0; i < request->n_collections; i++) {
        int n = (int)request->collections[i];
        const struct collection *c = n > 0 ? collection_by_id((unsigned)n) : NULL;
        struct error why;
        char path[40];

        snprintf(path, sizeof path, "collections[%zu]", i);
        if (c != NULL)
            *out |= collection_bit(c);
        else if (!error_invalid(&why, "COLLECTION_INVALID", path, "collection %d is none that this server knows", n))
            ok = error_also(err, ok, &why);
    }
    return ok;
}

/* The credential as text. Where it has to be composed it is in `secret`, which the caller wipes. */
static bool read_credential(const Okta__Connector__V1__ConfigureRequest *request, struct configure_request *out,
                            struct buf *secret, struct error *err)
{
    const Okta__Connector__V1__ServiceApp *app;

    switch (request->credential_case) {
    case OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_API_TOKEN:
        out->has_credential = true;
        out->credential = view_of(request->api_token);
        return true;
    case OKTA__CONNECTOR__V1__CONFIGURE_REQUEST__CREDENTIAL_SERVICE_APP:
        app = request->service_app;
        if (!credential_of_app(view_trim(view_of(app->client_id)), view_trim(view_of(app->private_key)),
                               view_trim(view_of(app->key_id)), secret))
            return error_invalid(err, "CREDENTIAL_INVALID", "service_app",
                                 "client id, private key and key id together are larger than %u bytes",
                                 OKTA_CREDENTIAL_BYTES_MAX);
        out->has_credential = true;
        out->credential = buf_view(secret);
        return true;
    default:
        return true;
    }
}

static bool read_configure(const Okta__Connector__V1__ConfigureRequest *request, struct configure_request *out,
                           struct buf *secret, struct error *err)
{
    *out = (struct configure_request){
        .name = view_of(request->name),
        .org = view_of(request->org),
        .validate_only = request->validate_only,
        .allow_partial = request->allow_partial,
        .history_days = request->history_days != NULL ? (int64_t)request->history_days->value : -1,
        .retention_days = request->retention_days != NULL ? (int64_t)request->retention_days->value : -1,
    };
    return read_credential(request, out, secret, err) && read_collections(request, &out->collections, err);
}

static void configure_configured(void *ctx, const struct configure_result *result, const struct error *err)
{
    struct call_ticket *ticket = ctx;
    AUTO_SCRATCH struct scratch s = { NULL };

    if (err != NULL)
        call_ticket_fail(&ticket, err);
    else
        call_ticket_reply(&ticket, &convert_configured(&s, result)->base);
}

static bool configure_is_caller_gone(void *ctx)
{
    return call_ticket_is_cancelled(ctx);
}

void service_configure(void *at, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__ConfigureRequest *request = (const Okta__Connector__V1__ConfigureRequest *)message;
    struct service *service = at;
    struct buf secret = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct configure_request r;
    struct error err;

    if (read_configure(request, &r, &secret, &err)) {
        r.is_cancelled = configure_is_caller_gone;
        connectors_configure(service->connectors, &r, configure_configured, call_defer(c));
    } else {
        call_fail(c, &err);
    }
    credential_wipe(&secret);
}

/* ---- Delete ---- */

static void configure_deleted(void *ctx, const struct delete_result *result, const struct error *err)
{
    Okta__Connector__V1__DeleteResponse response = OKTA__CONNECTOR__V1__DELETE_RESPONSE__INIT;
    struct call_ticket *ticket = ctx;
    char *remaining[sizeof result->remaining / sizeof result->remaining[0]];

    if (err != NULL) {
        call_ticket_fail(&ticket, err);
        return;
    }
    for (size_t i = 0; i < result->remaining_count; i++)
        remaining[i] = (char *)result->remaining[i];
    response.remaining = remaining;
    response.n_remaining = result->remaining_count;
    response.purged = result->purged;
    call_ticket_reply(&ticket, &response.base);
}

void service_delete(void *at, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__DeleteRequest *request = (const Okta__Connector__V1__DeleteRequest *)message;
    struct service *service = at;

    connectors_delete(service->connectors, view_of(request->name), request->keep_data, configure_deleted,
                      call_defer(c));
}
