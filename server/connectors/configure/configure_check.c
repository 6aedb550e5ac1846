/* server/connectors/configure/configure_check.c: parses a request, and merges its settings with the stored ones. */
#include "connectors/connectors_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool configure_name_is_valid(struct view name, struct error *err)
{
    bool ok = name.len >= 1 && name.len <= REGISTRY_NAME_MAX && name.at[0] != '-';

    for (size_t i = 0; ok && i < name.len; i++)
        ok = (name.at[i] >= 'a' && name.at[i] <= 'z') || (name.at[i] >= '0' && name.at[i] <= '9') || name.at[i] == '-';
    if (!ok)
        return error_invalid(err, "NAME_INVALID", "name",
                             "a connector's name is 1 to %d of a-z, 0-9 and \"-\", beginning with a letter or digit",
                             REGISTRY_NAME_MAX);
    return true;
}

static bool configure_check_days(int64_t history_days, int64_t retention_days, struct error *err)
{
    if (retention_days < 1 || retention_days > RETENTION_DAYS_MAX)
        return error_invalid(err, "RETENTION_DAYS_INVALID", "retention_days",
                             "login events are kept for 1 to %d days, not %" PRId64, RETENTION_DAYS_MAX,
                             retention_days);
    if (history_days < 0 || history_days > HISTORY_DAYS_MAX)
        return error_invalid(err, "HISTORY_DAYS_INVALID", "history_days",
                             "the history to fetch is 0 to %d days, not %" PRId64 ": Okta keeps no more",
                             HISTORY_DAYS_MAX, history_days);
    if (history_days > retention_days)
        return error_invalid(err, "HISTORY_DAYS_INVALID", "history_days",
                             "a history of %" PRId64 " days is more than the %" PRId64 " days that events are kept",
                             history_days, retention_days);
    return true;
}

bool configure_credential(struct view text, struct buf *out, struct error *err)
{
    struct buf normalised = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    bool ok = okta_credential_check(text, &normalised, err);

    if (ok)
        buf_put(out, normalised.at, normalised.len);
    credential_wipe(&normalised);
    return ok && buf_ok(out);
}

static bool configure_parse_org(struct connectors *cs, const struct configure_request *r, struct configure_order *out,
                                struct error *err)
{
    out->has_org = r->org.len > 0;
    return !out->has_org || okta_url_parse(r->org, cs->options.allow_loopback_http, &out->url, err) ||
           error_field(err, "org", "%s", err->text);
}

static bool configure_parse_credential(const struct configure_request *r, struct configure_order *out,
                                       struct error *err)
{
    bool is_token_error;

    out->has_credential = r->has_credential;
    buf_init(&out->credential, REGISTRY_SECRET_MAX);
    if (!r->has_credential || configure_credential(r->credential, &out->credential, err))
        return true;
    is_token_error = strcmp(err->reason, "TOKEN_INVALID") == 0;
    return error_field(err, is_token_error ? "api_token" : "service_app", "%s", err->text);
}

bool configure_parse(struct connectors *cs, const struct configure_request *r, struct configure_order *out,
                     struct error *err)
{
    int64_t history = r->history_days >= 0 ? r->history_days : 0;
    int64_t retention = r->retention_days >= 0 ? r->retention_days : RETENTION_DAYS_MAX;
    struct error why;
    bool ok = configure_name_is_valid(r->name, err);

    out->wanted = *r;
    out->wanted.name = out->wanted.org = out->wanted.credential = VIEW_NONE;
    snprintf(out->name, sizeof out->name, VIEW_FMT, VIEW_ARG(r->name));
    /* Each mistake is told, not the first alone. */
    if (!configure_parse_org(cs, r, out, &why))
        ok = error_also(err, ok, &why);
    if (!configure_parse_credential(r, out, &why))
        ok = error_also(err, ok, &why);
    if (!configure_check_days(history, retention, &why))
        ok = error_also(err, ok, &why);
    return ok;
}

void configure_order_deinit(struct configure_order *order)
{
    credential_wipe(&order->credential);
}

void configure_warn(struct configure_result *result, const char *sentence)
{
    if (result->warning_count < CONFIGURE_WARNINGS_MAX)
        snprintf(result->warnings[result->warning_count++], sizeof result->warnings[0], "%s", sentence);
}

bool configure_settings(const struct configure_request *request, const struct registry_entry *was,
                        struct registry_entry *out, struct configure_result *result, struct error *err)
{
    int64_t history = request->history_days, retention = request->retention_days;

    if (retention < 0)
        retention = was != NULL ? was->retention_days : RETENTION_DAYS_DEFAULT;
    if (history < 0) {
        history = was != NULL ? was->history_days : HISTORY_DAYS_DEFAULT;
        if (history > retention && request->retention_days >= 0) {
            history = retention;
            configure_warn(result, "The history to fetch was cut to the days that login events are kept.");
        }
    }
    if (!configure_check_days(history, retention, err))
        return false;
    out->collections = request->collections & collection_all();
    if (out->collections == 0)
        out->collections = was != NULL && was->collections != 0 ? was->collections : collection_all();
    out->history_days = (uint32_t)history;
    out->retention_days = (uint32_t)retention;
    return true;
}
