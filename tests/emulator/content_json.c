/* An event is one frame with holes, and pieces with holes in them. A hole is '@' and a letter; the text between two
 * holes is copied as it stands, which is what makes a page of 1,000 events take a millisecond or two. */
#include "content.h"

#include "base/assert.h"

#include <string.h>

#define TARGETS_MAX 3

/* ---- the text ---- */

static const char frame[] =
    "{\"actor\":{\"id\":\"@i\",\"type\":\"@t\",\"alternateId\":\"@l\",\"displayName\":\"@n\",\"detailEntry\":null},"
    "\"authenticationContext\":{\"authenticationProvider\":@p,\"authenticationStep\":0,\"credentialProvider\":@c,"
    "\"credentialType\":@k,\"externalSessionId\":\"@S\",\"interface\":null,\"issuer\":null,\"rootSessionId\":\"@S\"},"
    "\"client\":@C,"
    "\"debugContext\":{\"debugData\":{@D\"dtHash\":\"@H\",\"requestId\":\"@r\",\"requestUri\":\"\\/api\\/v1\\/authn\","
    "\"threatSuspected\":\"false\",\"behaviors\":\"{New Geo-Location=NEGATIVE, New Device=@B, New IP=@B, "
    "New State=NEGATIVE, New Country=NEGATIVE, Velocity=NEGATIVE, New City=NEGATIVE}\","
    "\"risk\":\"{reasons=Anomalous Device, level=LOW}\",\"url\":\"/api/v1/authn?\"}},"
    "\"device\":null,\"displayMessage\":\"@M\",\"eventType\":\"@E\",\"legacyEventType\":@L,\"outcome\":@O,"
    "\"published\":\"@P\",\"request\":{\"ipChain\":@R},"
    "\"securityContext\":{\"asNumber\":64500,\"asOrg\":\"example net\",\"domain\":\"example.net\",\"isProxy\":false,"
    "\"isp\":\"example isp\"},"
    "\"severity\":\"@V\",\"target\":@T,\"transaction\":{\"detail\":{},\"id\":\"@r\",\"type\":\"WEB\"},"
    "\"uuid\":\"@u\",\"version\":\"0\"}";

static const char client[] =
    "{\"device\":\"@d\",\"geographicalContext\":@G,\"id\":null,\"ipAddress\":\"@I\",\"userAgent\":{"
    "\"browser\":\"@b\",\"os\":\"@o\",\"rawUserAgent\":\"@a\"},\"zone\":@z}";

static const char ip_chain[] = "[{\"geographicalContext\":@G,\"ip\":\"@I\",\"source\":null,\"version\":\"@v\"}]";

static const char original_principal[] =
    "\"originalPrincipal\":{\"id\":\"@i\",\"type\":\"User\",\"alternateId\":\"@l\",\"displayName\":\"@n\","
    "\"detailEntry\":null},";

/* ---- targets ---- */

/* One entry of the array, with holes. */
enum target {
    NO_TARGET,
    T_USER,
    T_APP,
    T_APP_USER,
    T_ENROLLMENT,
    T_POLICY,
    T_RULE,
    T_ACCESS_TOKEN,
    T_ID_TOKEN,
    T_GROUP
};

static const char *const target_json[] = {
    [T_USER] = "{\"alternateId\":\"@2\",\"detailEntry\":null,\"displayName\":\"@3\",\"id\":\"@1\",\"type\":\"User\"}",
    [T_APP] =
        "{\"alternateId\":\"@5\",\"detailEntry\":{\"signOnModeType\":\"@6\"},\"displayName\":\"@5\",\"id\":\"@4\","
        "\"type\":\"AppInstance\"}",
    [T_APP_USER] =
        "{\"alternateId\":\"@2\",\"detailEntry\":null,\"displayName\":\"@3\",\"id\":\"@7\",\"type\":\"AppUser\"}",
    [T_ENROLLMENT] = "{\"alternateId\":\"unknown\",\"detailEntry\":{\"methodTypeUsed\":\"Get a push notification\","
                     "\"methodUsedVerifiedProperties\":\"[USER_PRESENCE]\"},\"displayName\":\"Okta Verify\","
                     "\"id\":\"@8\",\"type\":\"AuthenticatorEnrollment\"}",
    [T_POLICY] = "{\"alternateId\":\"unknown\",\"detailEntry\":{\"policyType\":\"OktaSignOn\"},\"displayName\":"
                 "\"Default Policy\",\"id\":\"00pDefault000000001d7\",\"type\":\"PolicyEntity\"}",
    [T_RULE] = "{\"alternateId\":\"00pDefault000000001d7\",\"detailEntry\":null,\"displayName\":\"Default Rule\","
               "\"id\":\"0prDefault000000001d7\",\"type\":\"PolicyRule\"}",
    [T_ACCESS_TOKEN] = "{\"alternateId\":null,\"detailEntry\":{\"expires\":\"2099-01-01T00:00:00.000Z\",\"subject\":"
                       "\"@1\",\"hash\":\"@H\",\"scope\":\"openid profile\",\"audience\":\"api:\\/\\/default\"},"
                       "\"displayName\":\"Access Token\",\"id\":\"AT.@9\",\"type\":\"access_token\"}",
    [T_ID_TOKEN] = "{\"alternateId\":null,\"detailEntry\":{\"subject\":\"@1\",\"hash\":\"@H\"},\"displayName\":"
                   "\"ID Token\",\"id\":\"ID.@9\",\"type\":\"id_token\"}",
    [T_GROUP] = "{\"alternateId\":\"unknown\",\"detailEntry\":null,\"displayName\":\"@g\",\"id\":\"@f\",\"type\":"
                "\"UserGroup\"}",
};

static const enum target target_lists[][TARGETS_MAX] = {
    [TARGET_NONE] = { NO_TARGET },
    [TARGET_SESSION] = { T_ENROLLMENT, T_APP },
    [TARGET_SSO] = { T_APP, T_APP_USER },
    [TARGET_FACTOR] = { T_USER, T_ENROLLMENT },
    [TARGET_VERIFY] = { T_ENROLLMENT, T_APP },
    [TARGET_POLICY] = { T_POLICY, T_RULE, T_APP },
    [TARGET_ACCESS_TOKEN] = { T_ACCESS_TOKEN },
    [TARGET_ID_TOKEN] = { T_ID_TOKEN },
    [TARGET_USER] = { T_USER },
    [TARGET_GROUP_MEMBER] = { T_USER, T_GROUP },
    [TARGET_APP_MEMBER] = { T_APP_USER, T_APP, T_USER },
    [TARGET_APP] = { T_APP },
};

/* The nth entry; the order carries no meaning at Okta, so here it turns. */
static enum target target_at(const struct content *c, size_t nth)
{
    const enum target *list = target_lists[c->kind->target];
    size_t count = 0;

    while (count < TARGETS_MAX && list[count] != NO_TARGET)
        count++;
    return c->has_targets && nth < count ? list[(nth + c->noise) % count] : NO_TARGET;
}

/* ---- filling the holes ---- */

static void expand(const struct content *c, const char *text, size_t len, struct buf *out);

static void put_or_null(struct buf *out, const char *text)
{
    if (text == NULL) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '"');
    buf_puts(out, text);
    buf_putc(out, '"');
}

static void put_name(const char *whole, const struct person *p, struct buf *out)
{
    if (whole != NULL) {
        buf_puts(out, whole);
        return;
    }
    buf_puts(out, p->first);
    buf_putc(out, ' ');
    buf_puts(out, p->last);
}

static void put_outcome(const struct content *c, struct buf *out)
{
    if (c->result == NULL) {
        buf_puts(out, "null");
        return;
    }
    buf_puts(out, "{\"reason\":");
    put_or_null(out, c->reason);
    buf_puts(out, ",\"result\":\"");
    buf_puts(out, c->result);
    buf_puts(out, "\"}");
}

bool content_target(const struct content *c, size_t nth, struct buf *out)
{
    const char *text = target_json[target_at(c, nth)];

    if (target_at(c, nth) == NO_TARGET)
        return false;
    expand(c, text, strlen(text), out);
    return true;
}

static void put_targets(const struct content *c, struct buf *out)
{
    if (target_at(c, 0) == NO_TARGET) {
        buf_puts(out, "null");
        return;
    }
    buf_putc(out, '[');
    for (size_t i = 0; target_at(c, i) != NO_TARGET; i++) {
        if (i > 0)
            buf_putc(out, ',');
        (void)content_target(c, i, out);
    }
    buf_putc(out, ']');
}

static void put_agent(const struct content *c, struct buf *out)
{
    char *padding;

    buf_puts(out, c->agent->raw_json);
    padding = c->agent_padding > 0 ? buf_extend(out, c->agent_padding) : NULL;
    if (padding != NULL)
        memset(padding, 'x', c->agent_padding);
}

static void put_id(const char *prefix, uint64_t place, const struct content *c, struct buf *out)
{
    char id[ID_SIZE];

    id_make(id, prefix, c->org->seed, place);
    buf_put(out, id, ID_SIZE - 1);
}

static void put_app_label(const struct content *c, struct buf *out)
{
    buf_puts(out, app_names[c->app % app_names_count].label);
    if (c->app >= app_names_count)
        buf_printf(out, " %u", (unsigned)(c->app / app_names_count + 1));
}

static void fill_target(const struct content *c, char hole, struct buf *out)
{
    size_t group = c->noise % group_names_count;
    struct person subject;

    switch (hole) {
    case '1':
        put_id("00u", c->subject, c, out);
        break;
    case '2':
        users_person(c->org->users, c->subject, &subject);
        buf_puts(out, subject.login);
        break;
    case '3':
        users_person(c->org->users, c->subject, &subject);
        put_name(NULL, &subject, out);
        break;
    case '4':
        put_id("0oa", c->app, c, out);
        break;
    case '5':
        put_app_label(c, out);
        break;
    case '6':
        buf_puts(out, app_names[c->app % app_names_count].mode);
        break;
    case '7':
        put_id("0ua", c->subject * 1000 + c->app % 1000, c, out);
        break;
    case '8':
        put_id("pfd", c->subject, c, out);
        break;
    case '9':
        buf_put(out, c->request_id, 24);
        break;
    case 'f':
        put_id("00g", group, c, out);
        break;
    case 'g':
        buf_puts(out, group_names[group]);
        break;
    default:
        ASSERT(!"a hole that nobody fills");
    }
}

static void fill_debug(const struct content *c, struct buf *out)
{
    const struct app_name *app = &app_names[c->app % app_names_count];

    if (c->kind->target == TARGET_SSO)
        buf_printf(out, "\"signOnMode\":\"%s\",\"initiationType\":\"%s\",", app->mode_text,
                   c->noise % 2 == 0 ? "IDP_INITIATED" : "SP_INITIATED");
    if (c->kind->target == TARGET_FACTOR)
        buf_puts(out, "\"factor\":\"OKTA_VERIFY_PUSH\",");
    if (c->noise >> 8 & 1)
        buf_puts(out,
                 "\"deviceFingerprint\":\"5f2d3a6c9be14e0f8a7b6c5d4e3f2a1b\",\"logOnlySecurityData\":"
                 "\"{\\\"risk\\\":{\\\"level\\\":\\\"LOW\\\"},\\\"behaviors\\\":{\\\"New IP\\\":\\\"NEGATIVE\\\"}}\",");
    if ((c->noise >> 16) % 100 == 0)
        expand(c, original_principal, sizeof original_principal - 1, out);
}

/* How the identity was proved: nothing for most, a password or a factor where that is the event. */
static const char *credential(const struct content *c, char hole)
{
    bool is_factor = c->kind->target == TARGET_FACTOR || c->kind->target == TARGET_VERIFY;
    bool is_password = c->kind->target == TARGET_SESSION;

    if (!is_factor && !is_password)
        return NULL;
    switch (hole) {
    case 'p':
        return is_factor ? "FACTOR_PROVIDER" : "OKTA_AUTHENTICATION_PROVIDER";
    case 'c':
        return is_factor ? "OKTA_CREDENTIAL_PROVIDER" : NULL;
    default:
        return is_factor ? "OTP" : "PASSWORD";
    }
}

static void fill_client(const struct content *c, char hole, struct buf *out)
{
    switch (hole) {
    case 'C':
        if (c->has_client)
            expand(c, client, sizeof client - 1, out);
        else
            buf_puts(out, "null");
        break;
    case 'R':
        if (c->has_client)
            expand(c, ip_chain, sizeof ip_chain - 1, out);
        else
            buf_puts(out, "[]");
        break;
    case 'G':
        buf_puts(out, c->place->json);
        break;
    case 'I':
        buf_puts(out, c->ip);
        break;
    case 'v':
        buf_puts(out, c->is_ipv6 ? "V6" : "V4");
        break;
    case 'a':
        put_agent(c, out);
        break;
    case 'b':
        buf_puts(out, c->agent->browser);
        break;
    case 'o':
        buf_puts(out, c->agent->os);
        break;
    case 'd':
        buf_puts(out, c->agent->device);
        break;
    case 'z':
        put_or_null(out, c->zone);
        break;
    default:
        fill_target(c, hole, out);
    }
}

static void fill(const struct content *c, char hole, struct buf *out)
{
    switch (hole) {
    case 'i':
        buf_puts(out, c->actor.id);
        break;
    case 't':
        buf_puts(out, c->actor_type);
        break;
    case 'l':
        buf_puts(out, c->actor.login);
        break;
    case 'n':
        put_name(c->actor_name, &c->actor, out);
        break;
    case 'p':
    case 'c':
    case 'k':
        put_or_null(out, credential(c, hole));
        break;
    case 'S':
        buf_puts(out, c->session);
        break;
    case 'D':
        fill_debug(c, out);
        break;
    case 'H':
        buf_put(out, c->request_id, 32);
        break;
    case 'r':
        buf_put(out, c->request_id, 32);
        break;
    case 'B':
        buf_puts(out, c->noise % 7 == 0 ? "POSITIVE" : "NEGATIVE");
        break;
    case 'M':
        buf_puts(out, c->kind->display);
        break;
    case 'E':
        buf_puts(out, c->kind->event_type);
        break;
    case 'L':
        put_or_null(out, c->legacy);
        break;
    case 'O':
        put_outcome(c, out);
        break;
    case 'P':
        buf_put(out, c->published, TIME_TEXT_SIZE - 1);
        break;
    case 'V':
        buf_puts(out, c->kind->severity);
        break;
    case 'T':
        put_targets(c, out);
        break;
    case 'u':
        buf_put(out, c->uuid, EVENT_UUID_SIZE - 1);
        break;
    default:
        fill_client(c, hole, out);
    }
}

static void expand(const struct content *c, const char *text, size_t len, struct buf *out)
{
    const char *end = text + len, *hole;

    while ((hole = memchr(text, '@', (size_t)(end - text))) != NULL) {
        buf_put(out, text, (size_t)(hole - text));
        fill(c, hole[1], out);
        text = hole + 2;
    }
    buf_put(out, text, (size_t)(end - text));
}

void content_render(const struct content *c, struct buf *out)
{
    expand(c, frame, sizeof frame - 1, out);
}
