/* What filters see of an event. */
#include "content.h"

#include <stdio.h>
#include <string.h>

static const char *plain_value(const struct content *c, struct view path)
{
    const struct {
        const char *path, *value;
    } values[] = {
        { "eventType", c->kind->event_type },
        { "uuid", c->uuid },
        { "severity", c->kind->severity },
        { "displayMessage", c->kind->display },
        { "legacyEventType", c->legacy },
        { "version", "0" },
        { "outcome.result", c->result },
        { "outcome.reason", c->result != NULL ? c->reason : NULL },
        { "actor.id", c->actor.id },
        { "actor.type", c->actor_type },
        { "actor.alternateId", c->actor.login },
        { "client.ipAddress", c->has_client ? c->ip : NULL },
        { "client.zone", c->has_client ? c->zone : NULL },
        { "client.device", c->has_client ? c->agent->device : NULL },
        { "client.geographicalContext.country", c->has_client ? c->place->country : NULL },
        { "authenticationContext.externalSessionId", c->session },
        { "authenticationContext.rootSessionId", c->session },
        { "transaction.id", c->request_id },
        { "transaction.type", "WEB" },
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (view_is(path, values[i].path))
            return values[i].value;
    return NULL;
}

/* Read from what the event says, so that the two agree. */
static bool target_value(const struct content *c, struct view path, size_t nth, char scratch[256], struct view *out)
{
    AUTO_BUF struct buf text = BUF(4096), member = BUF(64);
    const char *at, *end;

    if (!content_target(c, nth, &text))
        return false;
    buf_printf(&member, "\"%.*s\":\"", (int)(path.len - 7), path.at + 7);
    at = strstr(buf_cstr(&text), buf_cstr(&member));
    if (at == NULL)
        return false;
    at += member.len;
    end = strchr(at, '"');
    *out = (struct view){ scratch, (size_t)(end - at) < 256 ? (size_t)(end - at) : 255 };
    memcpy(scratch, at, out->len);
    return true;
}

bool content_value(const struct content *c, struct view path, size_t nth, char scratch[256], struct view *out)
{
    const char *value;

    if (view_starts(path, "target."))
        return target_value(c, path, nth, scratch, out);
    if (nth > 0)
        return false;
    if (view_is(path, "actor.displayName")) {
        snprintf(scratch, 256, "%s%s%s", c->actor_name != NULL ? c->actor_name : c->actor.first,
                 c->actor_name != NULL ? "" : " ", c->actor_name != NULL ? "" : c->actor.last);
        *out = view_of(scratch);
        return true;
    }
    value = plain_value(c, path);
    *out = view_of(value);
    return value != NULL;
}

bool content_has_path(struct view path)
{
    static const char *const paths[] = {
        "eventType",
        "uuid",
        "severity",
        "displayMessage",
        "legacyEventType",
        "version",
        "outcome.result",
        "outcome.reason",
        "actor.id",
        "actor.type",
        "actor.alternateId",
        "actor.displayName",
        "client.ipAddress",
        "client.zone",
        "client.device",
        "client.geographicalContext.country",
        "authenticationContext.externalSessionId",
        "authenticationContext.rootSessionId",
        "transaction.id",
        "transaction.type",
        "target.id",
        "target.type",
        "target.alternateId",
        "target.displayName",
    };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (view_is(path, paths[i]))
            return true;
    return false;
}
