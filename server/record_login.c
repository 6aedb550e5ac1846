/* One event of Okta's System Log -> LoginEvent. Nothing is required of it but a uuid, a time and a type; every other
 * member may be null, absent or of another type, and then the field is empty or absent. */
#include "record_parts.h"

#include "base/assert.h"
#include "catalogue.h"
#include "country.h"
#include "okta/connector/v1/login.pb-c.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define LATE_AFTER_MS  60000
#define UUID_BYTES_MAX 128u         /* journal_record's */
#define SEQUENCE_UNSET UINT64_MAX   /* anything but 0, which proto3 leaves out */
#define TAG_SEQUENCE   (1 << 3 | 1) /* field 1, eight bytes */

/* The largest event: every target, and every other string. */
_Static_assert(RECORD_TARGETS_MAX *(2 * RECORD_ID_BYTES_MAX + 2 * RECORD_TEXT_BYTES_MAX + 32) +
                       48 * RECORD_TEXT_BYTES_MAX + RECORD_USER_AGENT_BYTES_MAX + RECORD_MESSAGE_BYTES_MAX <
                   JOURNAL_RECORD_MAX,
               "every event fits");
_Static_assert(RECORD_RAW_BYTES_MAX + 4096 < JOURNAL_RECORD_MAX, "so does what could not be read");

#define KIND_UNPARSED  OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_UNPARSED
#define RESULT_UNKNOWN OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_UNKNOWN

#define FIELD(type, member, field, max)                                                                                \
    {                                                                                                                  \
        member, offsetof(Okta__Connector__V1__##type, field), max                                                      \
    }
#define FILL(m, object, message, fields) record_fill(m, object, message, fields, sizeof(fields) / sizeof(fields)[0])

/* What one event is made of on its way. */
struct work {
    struct record_maker *m;
    struct json event;
    Okta__Connector__V1__LoginEvent *login;
    struct journal_record *out;
    struct view hidden_name, hidden_display; /* of an actor that Okta does not know; may be none */
};

static bool is_unknown_id(struct json id)
{
    struct view text;

    return !json_string(id, &text) || text.len == 0 || view_eq_nocase(text, VIEW("unknown"));
}

static struct view text_of(struct json v)
{
    struct view text;

    return json_string(v, &text) ? text : VIEW_NONE;
}

static struct view domain_of(struct record_maker *m, const char *address)
{
    const char *at = strrchr(address, '@');

    return at == NULL ? VIEW_NONE : record_lower(m, view_of(at + 1));
}

/* People type their password where the name belongs, and then Okta logs a name it does not know. */
static void mask_actor(struct work *w, struct json actor, Okta__Connector__V1__Actor *a)
{
    w->hidden_name = text_of(json_get(actor, "alternateId"));
    w->hidden_display = text_of(json_get(actor, "displayName"));
    if (w->hidden_name.len > 0)
        a->alternate_id = record_mask(w->m, w->hidden_name);
    a->display_name = (char *)(uintptr_t)protobuf_c_empty_string;
    a->masked = true;
    w->m->flags |= JOURNAL_MASKED;
}

static void put_actor(struct work *w)
{
    static const struct record_field fields[] = {
        FIELD(Actor, "id", id, RECORD_ID_BYTES_MAX),
        FIELD(Actor, "type", type, RECORD_ID_BYTES_MAX),
        FIELD(Actor, "alternateId", alternate_id, RECORD_TEXT_BYTES_MAX),
        FIELD(Actor, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    struct json actor = json_get(w->event, "actor");
    Okta__Connector__V1__Actor *a = record_take(w->m, sizeof *a);

    okta__connector__v1__actor__init(a);
    FILL(w->m, actor, a, fields);
    w->login->actor = a;
    if (!is_unknown_id(json_get(actor, "id"))) {
        w->out->actor = record_hash(w->m, view_of(a->id));
        w->out->email_domain = record_hash(w->m, domain_of(w->m, a->alternate_id));
    } else if (a->alternate_id[0] != '\0' || a->display_name[0] != '\0') {
        mask_actor(w, actor, a);
    }
}

static bool is_hidden(const struct work *w, struct view text)
{
    return text.len > 0 && (view_eq_nocase(text, w->hidden_name) || view_eq_nocase(text, w->hidden_display));
}

/* A target may repeat the name that is masked in the actor, or be itself a user that Okta does not know. */
static bool must_mask_target(const struct work *w, struct json target)
{
    struct view type = text_of(json_get(target, "type"));

    if (is_hidden(w, text_of(json_get(target, "alternateId"))) ||
        is_hidden(w, text_of(json_get(target, "displayName"))))
        return true;
    return is_unknown_id(json_get(target, "id")) && (view_is(type, "User") || view_is(type, "AppUser"));
}

static Okta__Connector__V1__Target *make_target(struct work *w, struct json target)
{
    static const struct record_field fields[] = {
        FIELD(Target, "id", id, RECORD_ID_BYTES_MAX),
        FIELD(Target, "type", type, RECORD_ID_BYTES_MAX),
        FIELD(Target, "alternateId", alternate_id, RECORD_TEXT_BYTES_MAX),
        FIELD(Target, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__Target *t = record_take(w->m, sizeof *t);

    okta__connector__v1__target__init(t);
    FILL(w->m, target, t, fields);
    if (must_mask_target(w, target)) {
        if (t->alternate_id[0] != '\0')
            t->alternate_id = record_mask(w->m, text_of(json_get(target, "alternateId")));
        t->display_name = (char *)(uintptr_t)protobuf_c_empty_string;
    }
    /* The id could be the name as well. */
    if (is_hidden(w, text_of(json_get(target, "id"))))
        t->id = record_mask(w->m, text_of(json_get(target, "id")));
    return t;
}

static void put_app(struct work *w, struct json target)
{
    static const struct record_field fields[] = {
        FIELD(App, "id", id, RECORD_ID_BYTES_MAX),
        FIELD(App, "alternateId", label, RECORD_TEXT_BYTES_MAX),
        FIELD(App, "displayName", display_name, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__App *a;

    if (w->login->app != NULL) {
        w->m->flags |= JOURNAL_MORE_APPS;
        return;
    }
    a = record_take(w->m, sizeof *a);
    okta__connector__v1__app__init(a);
    FILL(w->m, target, a, fields);
    a->sign_on_mode =
        record_json_text(w->m, json_get(json_get(target, "detailEntry"), "signOnModeType"), RECORD_ID_BYTES_MAX);
    w->out->app = record_hash(w->m, view_of(a->id));
    w->login->app = a;
}

static void put_targets(struct work *w)
{
    struct json targets = json_get(w->event, "target");

    if (json_type(targets) != JSON_ARRAY)
        return;
    w->login->targets = record_take(w->m, RECORD_TARGETS_MAX * sizeof w->login->targets[0]);
    for (struct json_each e = json_each(targets); json_next(&e);) {
        if (json_type(e.value) != JSON_OBJECT)
            continue;
        if (view_is(text_of(json_get(e.value, "type")), "AppInstance"))
            put_app(w, e.value);
        if (w->login->n_targets < RECORD_TARGETS_MAX)
            w->login->targets[w->login->n_targets++] = make_target(w, e.value);
    }
}

static void put_geolocation(struct record_maker *m, struct json where, Okta__Connector__V1__GeographicalContext *g)
{
    double lat, lon;
    Okta__Connector__V1__Geolocation *l;

    if (!json_double(json_get(where, "lat"), &lat) || !json_double(json_get(where, "lon"), &lon) || !(lat >= -90) ||
        !(lat <= 90) || !(lon >= -180) || !(lon <= 180))
        return;
    l = record_take(m, sizeof *l);
    okta__connector__v1__geolocation__init(l);
    l->lat = lat;
    l->lon = lon;
    g->geolocation = l;
}

static Okta__Connector__V1__GeographicalContext *make_place(struct work *w, struct json place)
{
    static const struct record_field fields[] = {
        FIELD(GeographicalContext, "city", city, RECORD_TEXT_BYTES_MAX),
        FIELD(GeographicalContext, "state", state, RECORD_TEXT_BYTES_MAX),
        FIELD(GeographicalContext, "country", country, RECORD_TEXT_BYTES_MAX),
        FIELD(GeographicalContext, "postalCode", postal_code, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__GeographicalContext *g;

    if (json_type(place) != JSON_OBJECT)
        return NULL;
    g = record_take(w->m, sizeof *g);
    okta__connector__v1__geographical_context__init(g);
    FILL(w->m, place, g, fields);
    put_geolocation(w->m, json_get(place, "geolocation"), g);
    country_code(view_of(g->country), w->out->country);
    return g;
}

static Okta__Connector__V1__UserAgent *make_user_agent(struct record_maker *m, struct json agent)
{
    static const struct record_field fields[] = {
        FIELD(UserAgent, "rawUserAgent", raw_user_agent, RECORD_USER_AGENT_BYTES_MAX),
        FIELD(UserAgent, "os", os, RECORD_TEXT_BYTES_MAX),
        FIELD(UserAgent, "browser", browser, RECORD_TEXT_BYTES_MAX),
    };
    Okta__Connector__V1__UserAgent *u;

    if (json_type(agent) != JSON_OBJECT)
        return NULL;
    u = record_take(m, sizeof *u);
    okta__connector__v1__user_agent__init(u);
    FILL(m, agent, u, fields);
    return u;
}

static void put_ip(const char *text, uint8_t ip[16])
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    uint8_t four[4];

    if (inet_pton(AF_INET, text, four) == 1) {
        memcpy(ip, mapped, sizeof mapped);
        memcpy(ip + sizeof mapped, four, sizeof four);
    } else if (inet_pton(AF_INET6, text, ip) != 1) {
        memset(ip, 0, 16);
    }
}

static void put_client(struct work *w)
{
    static const struct record_field fields[] = {
        FIELD(Client, "id", id, RECORD_ID_BYTES_MAX),
        FIELD(Client, "ipAddress", ip_address, RECORD_ID_BYTES_MAX),
        FIELD(Client, "device", device, RECORD_TEXT_BYTES_MAX),
        FIELD(Client, "zone", zone, RECORD_TEXT_BYTES_MAX),
    };
    struct json client = json_get(w->event, "client");
    Okta__Connector__V1__Client *c;

    if (json_type(client) != JSON_OBJECT)
        return;
    c = record_take(w->m, sizeof *c);
    okta__connector__v1__client__init(c);
    FILL(w->m, client, c, fields);
    if (strcmp(c->zone, "null") == 0)
        c->zone = (char *)(uintptr_t)protobuf_c_empty_string;
    c->user_agent = make_user_agent(w->m, json_get(client, "userAgent"));
    c->geographical_context = make_place(w, json_get(client, "geographicalContext"));
    put_ip(c->ip_address, w->out->ip);
    w->login->client = c;
}

static void put_outcome(struct work *w)
{
    static const struct record_field fields[] = {
        FIELD(Outcome, "result", result, RECORD_ID_BYTES_MAX),
        FIELD(Outcome, "reason", reason, RECORD_TEXT_BYTES_MAX),
    };
    struct json outcome = json_get(w->event, "outcome");
    Okta__Connector__V1__Outcome *o;

    w->login->result = (Okta__Connector__V1__LoginResult)catalogue_result(text_of(json_get(outcome, "result")));
    if (json_type(outcome) != JSON_OBJECT)
        return;
    o = record_take(w->m, sizeof *o);
    okta__connector__v1__outcome__init(o);
    FILL(w->m, outcome, o, fields);
    w->login->outcome = o;
}

static void put_authentication(struct work *w)
{
    static const struct record_field fields[] = {
        FIELD(AuthenticationContext, "authenticationProvider", authentication_provider, RECORD_TEXT_BYTES_MAX),
        FIELD(AuthenticationContext, "credentialProvider", credential_provider, RECORD_TEXT_BYTES_MAX),
        FIELD(AuthenticationContext, "credentialType", credential_type, RECORD_TEXT_BYTES_MAX),
        FIELD(AuthenticationContext, "externalSessionId", external_session_id, RECORD_ID_BYTES_MAX),
        FIELD(AuthenticationContext, "rootSessionId", root_session_id, RECORD_ID_BYTES_MAX),
        FIELD(AuthenticationContext, "interface", interface, RECORD_TEXT_BYTES_MAX),
    };
    struct json context = json_get(w->event, "authenticationContext");
    Okta__Connector__V1__AuthenticationContext *a;

    if (json_type(context) != JSON_OBJECT)
        return;
    a = record_take(w->m, sizeof *a);
    okta__connector__v1__authentication_context__init(a);
    FILL(w->m, context, a, fields);
    if (!is_unknown_id(json_get(context, "externalSessionId")))
        w->out->session = record_hash(w->m, view_of(a->external_session_id));
    w->login->authentication_context = a;
}

static void put_security(struct work *w)
{
    static const struct record_field fields[] = {
        FIELD(SecurityContext, "asOrg", as_org, RECORD_TEXT_BYTES_MAX),
        FIELD(SecurityContext, "isp", isp, RECORD_TEXT_BYTES_MAX),
        FIELD(SecurityContext, "domain", domain, RECORD_TEXT_BYTES_MAX),
    };
    struct json context = json_get(w->event, "securityContext");
    Okta__Connector__V1__SecurityContext *s;
    bool is_proxy;
    int64_t number;

    if (json_type(context) != JSON_OBJECT)
        return;
    s = record_take(w->m, sizeof *s);
    okta__connector__v1__security_context__init(s);
    FILL(w->m, context, s, fields);
    if (json_i64(json_get(context, "asNumber"), &number) && number >= 0 && number <= UINT32_MAX)
        s->as_number = (uint32_t)number;
    if (json_bool(json_get(context, "isProxy"), &is_proxy))
        s->is_proxy = is_proxy;
    s->risk_level = record_json_text(w->m, json_get(json_get(context, "risk"), "level"), RECORD_ID_BYTES_MAX);
    w->login->security_context = s;
}

/* History is as old as it is; only what comes live can come late. */
static void put_delay(struct work *w, const struct record_page *page)
{
    int64_t delay_ms;
    Google__Protobuf__Duration *d;

    if (page->source == JOURNAL_BACKFILL || page->watermark_ms == JOURNAL_NO_TIME ||
        w->out->published_ms == JOURNAL_NO_TIME || page->watermark_ms - w->out->published_ms <= LATE_AFTER_MS)
        return;
    delay_ms = page->watermark_ms - w->out->published_ms;
    d = record_take(w->m, sizeof *d);
    google__protobuf__duration__init(d);
    d->seconds = delay_ms / 1000;
    d->nanos = (int32_t)(delay_ms % 1000) * 1000000;
    w->login->late = true;
    w->login->delay = d;
    w->m->flags |= JOURNAL_LATE;
}

/* What all events have, read or not; then the encoding. */
static void finish(struct work *w, const struct record_page *page)
{
    static const unsigned char tag = TAG_SEQUENCE;
    struct journal_record *out = w->out;
    size_t head = 2; /* the tag, and the last byte of the length */

    w->login->sequence = SEQUENCE_UNSET;
    w->login->catalogue_version = CATALOGUE_VERSION;
    if (out->published_ms != JOURNAL_NO_TIME)
        w->login->published = record_timestamp_of(w->m, out->published_ms);
    put_delay(w, page);
    out->kind = (uint8_t)w->login->kind;
    out->result = (uint8_t)w->login->result;
    out->source = (uint8_t)page->source;
    out->flags = w->m->flags;
    out->catalogue_version = CATALOGUE_VERSION;
    out->event_type = view_of(w->login->event_type);
    out->uuid = view_of(w->login->uuid);
    out->encoded = record_encode(w->m, &w->login->base);
    while ((unsigned char)out->encoded.at[head - 1] >= 0x80)
        head++;
    ASSERT(memcmp(out->encoded.at + head, &tag, 1) == 0);
    out->sequence_at = (uint32_t)head + 1;
    ASSERT(out->encoded.len <= JOURNAL_RECORD_MAX);
}

static void begin(struct work *w, struct record_maker *m, struct journal_record *out)
{
    w->m = m;
    w->out = out;
    w->login = record_take(m, sizeof *w->login);
    okta__connector__v1__login_event__init(w->login);
}

/* The key of "once and only once": neither cut nor mended, or two events could become one. */
static bool read_uuid(struct json v, struct view *out)
{
    return json_string(v, out) && out->len > 0 && out->len <= UUID_BYTES_MAX && utf8_is_clean(*out);
}

/* What the header says of any element. */
static void read_head(struct record_maker *m, struct json event, struct journal_record *out)
{
    if (!record_time(json_get(event, "published"), &out->published_ms))
        out->published_ms = JOURNAL_NO_TIME;
    out->event_type = view_of(record_json_text(m, json_get(event, "eventType"), RECORD_ID_BYTES_MAX));
}

enum record_outcome record_login(struct record_maker *m, const struct record_page *page, struct json event,
                                 struct journal_record *out)
{
    static const struct record_field fields[] = {
        FIELD(LoginEvent, "displayMessage", display_message, RECORD_MESSAGE_BYTES_MAX),
        FIELD(LoginEvent, "severity", severity, RECORD_ID_BYTES_MAX),
        FIELD(LoginEvent, "legacyEventType", legacy_event_type, RECORD_ID_BYTES_MAX),
    };
    struct work w = { .event = event };
    struct view uuid;
    int kind;

    *out = (struct journal_record){ 0 };
    read_head(m, event, out);
    kind = catalogue_kind(out->event_type);
    if (kind == 0)
        return out->event_type.len > 0 ? RECORD_OTHER : RECORD_UNPARSED;
    if (!read_uuid(json_get(event, "uuid"), &uuid) || out->published_ms == JOURNAL_NO_TIME)
        return RECORD_UNPARSED;
    begin(&w, m, out);
    w.login->uuid = record_text(m, uuid, UUID_BYTES_MAX);
    w.login->event_type = record_text(m, out->event_type, RECORD_ID_BYTES_MAX);
    w.login->kind = (Okta__Connector__V1__LoginKind)kind;
    FILL(m, event, w.login, fields);
    w.login->transaction_id = record_json_text(m, json_get(json_get(event, "transaction"), "id"), RECORD_ID_BYTES_MAX);
    put_outcome(&w);
    put_actor(&w);
    put_client(&w);
    put_targets(&w);
    put_authentication(&w);
    put_security(&w);
    finish(&w, page);
    return RECORD_LOGIN;
}

void record_unparsed(struct record_maker *m, const struct record_page *page, struct view bytes,
                     struct journal_record *out)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    char uuid[sizeof "sha256:" + 2 * sizeof sum] = "sha256:";
    struct view type = out->event_type;
    struct work w = { .event = { NULL, 0 } };
    int64_t published_ms = out->published_ms;

    *out = (struct journal_record){ .published_ms = published_ms };
    begin(&w, m, out);
    crypto_hash_sha256(sum, (const unsigned char *)bytes.at, bytes.len);
    sodium_bin2hex(uuid + strlen(uuid), sizeof uuid - strlen(uuid), sum, sizeof sum);
    w.login->uuid = record_text(m, view_of(uuid), UUID_BYTES_MAX);
    w.login->event_type = record_text(m, type, RECORD_ID_BYTES_MAX);
    w.login->kind = KIND_UNPARSED;
    w.login->result = RESULT_UNKNOWN;
    w.login->raw.len = bytes.len < RECORD_RAW_BYTES_MAX ? bytes.len : RECORD_RAW_BYTES_MAX;
    w.login->raw.data = (uint8_t *)(uintptr_t)bytes.at;
    finish(&w, page);
}
