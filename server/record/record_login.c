/* Converts one event of Okta's System Log into a LoginEvent. Only a uuid, a time and a type are required. Any other
 * member may be null, absent or of another type than documented; then the field is empty or absent. */
#include "record/record_parts.h"

#include "base/assert.h"
#include "record/catalogue.h"

#include <sodium.h>
#include <string.h>

#define LATE_AFTER_MS  60000
#define UUID_BYTES_MAX 128u         /* journal_record's */
#define SEQUENCE_UNSET UINT64_MAX   /* anything but 0, which proto3 leaves out */
#define TAG_SEQUENCE   (1 << 3 | 1) /* field 1, eight bytes */

/* The largest possible event has every target and every other string at its maximum. */
_Static_assert(RECORD_TARGETS_MAX *(2 * RECORD_ID_BYTES_MAX + 2 * RECORD_TEXT_BYTES_MAX + 32) +
                       48 * RECORD_TEXT_BYTES_MAX + RECORD_USER_AGENT_BYTES_MAX + RECORD_MESSAGE_BYTES_MAX <
                   JOURNAL_RECORD_MAX,
               "every event fits");
_Static_assert(RECORD_RAW_BYTES_MAX + 4096 < JOURNAL_RECORD_MAX, "so does what could not be read");

#define KIND_UNPARSED  OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_UNPARSED
#define RESULT_UNKNOWN OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_UNKNOWN

static void put_outcome(struct record_work *w)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(Outcome, "result", result, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(Outcome, "reason", reason, RECORD_TEXT_BYTES_MAX),
    };
    struct json outcome = json_get(w->event, "outcome");
    Okta__Connector__V1__Outcome *o;

    w->login->result = (Okta__Connector__V1__LoginResult)catalogue_result(record_view(json_get(outcome, "result")));
    if (json_type(outcome) != JSON_OBJECT)
        return;
    o = record_take(w->m, sizeof *o);
    okta__connector__v1__outcome__init(o);
    RECORD_FILL(w->m, outcome, o, fields);
    w->login->outcome = o;
}

static void put_authentication(struct record_work *w)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(AuthenticationContext, "authenticationProvider", authentication_provider, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(AuthenticationContext, "credentialProvider", credential_provider, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(AuthenticationContext, "credentialType", credential_type, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(AuthenticationContext, "externalSessionId", external_session_id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(AuthenticationContext, "rootSessionId", root_session_id, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(AuthenticationContext, "interface", interface, RECORD_TEXT_BYTES_MAX),
    };
    struct json context = json_get(w->event, "authenticationContext");
    Okta__Connector__V1__AuthenticationContext *a;

    if (json_type(context) != JSON_OBJECT)
        return;
    a = record_take(w->m, sizeof *a);
    okta__connector__v1__authentication_context__init(a);
    RECORD_FILL(w->m, context, a, fields);
    if (!record_is_unknown(json_get(context, "externalSessionId")))
        w->out->session = record_hash(w->m, view_of(a->external_session_id));
    w->login->authentication_context = a;
}

static void put_security(struct record_work *w)
{
    static const struct record_field fields[] = {
        RECORD_FIELD(SecurityContext, "asOrg", as_org, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(SecurityContext, "isp", isp, RECORD_TEXT_BYTES_MAX),
        RECORD_FIELD(SecurityContext, "domain", domain, RECORD_TEXT_BYTES_MAX),
    };
    struct json context = json_get(w->event, "securityContext");
    Okta__Connector__V1__SecurityContext *s;
    bool is_proxy;
    int64_t number;

    if (json_type(context) != JSON_OBJECT)
        return;
    s = record_take(w->m, sizeof *s);
    okta__connector__v1__security_context__init(s);
    RECORD_FILL(w->m, context, s, fields);
    if (json_i64(json_get(context, "asNumber"), &number) && number >= 0 && number <= UINT32_MAX)
        s->as_number = (uint32_t)number;
    if (json_bool(json_get(context, "isProxy"), &is_proxy))
        s->is_proxy = is_proxy;
    s->risk_level = record_json_text(w->m, json_get(json_get(context, "risk"), "level"), RECORD_ID_BYTES_MAX);
    w->login->security_context = s;
}

/* Only events of the tail can be late: the history is in the order of publishing anyway. `late` means published more
 * than LATE_AFTER_MS below the newest event stored before this page. */
static void put_delay(struct record_work *w, const struct record_page *page)
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

/* Fills what every event has, also one that could not be read, and encodes it. The sequence is written by the store
 * when it assigns the number: so the field is encoded first, with eight fixed bytes, and its offset is kept. */
static void login_finish(struct record_work *w, const struct record_page *page)
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

static void login_begin(struct record_work *w, struct record_maker *m, struct journal_record *out)
{
    w->m = m;
    w->out = out;
    w->login = record_take(m, sizeof *w->login);
    okta__connector__v1__login_event__init(w->login);
}

/* The uuid is the event's identity. It is neither cut nor repaired, or two events could become one. */
static bool read_uuid(struct json v, struct view *out)
{
    return json_string(v, out) && out->len > 0 && out->len <= UUID_BYTES_MAX && utf8_is_clean(*out);
}

/* The header's fields that every element has. */
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
        RECORD_FIELD(LoginEvent, "displayMessage", display_message, RECORD_MESSAGE_BYTES_MAX),
        RECORD_FIELD(LoginEvent, "severity", severity, RECORD_ID_BYTES_MAX),
        RECORD_FIELD(LoginEvent, "legacyEventType", legacy_event_type, RECORD_ID_BYTES_MAX),
    };
    struct record_work w = { .event = event };
    struct view uuid;
    int kind;

    *out = (struct journal_record){ 0 };
    read_head(m, event, out);
    kind = catalogue_kind(out->event_type);
    if (kind == 0)
        return out->event_type.len > 0 ? RECORD_OTHER : RECORD_UNPARSED;
    if (!read_uuid(json_get(event, "uuid"), &uuid) || out->published_ms == JOURNAL_NO_TIME)
        return RECORD_UNPARSED;
    login_begin(&w, m, out);
    w.login->uuid = record_text(m, uuid, UUID_BYTES_MAX);
    w.login->event_type = record_text(m, out->event_type, RECORD_ID_BYTES_MAX);
    w.login->kind = (Okta__Connector__V1__LoginKind)kind;
    RECORD_FILL(m, event, w.login, fields);
    w.login->transaction_id = record_json_text(m, json_get(json_get(event, "transaction"), "id"), RECORD_ID_BYTES_MAX);
    put_outcome(&w);
    record_put_actor(&w);
    record_put_client(&w);
    record_put_targets(&w);
    put_authentication(&w);
    put_security(&w);
    login_finish(&w, page);
    return RECORD_LOGIN;
}

void record_unparsed(struct record_maker *m, const struct record_page *page, struct view bytes,
                     struct journal_record *out)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    char uuid[sizeof "sha256:" + 2 * sizeof sum] = "sha256:";
    struct view type = out->event_type;
    struct record_work w = { .event = { NULL, 0 } };
    int64_t published_ms = out->published_ms;

    *out = (struct journal_record){ .published_ms = published_ms };
    login_begin(&w, m, out);
    crypto_hash_sha256(sum, (const unsigned char *)bytes.at, bytes.len);
    sodium_bin2hex(uuid + strlen(uuid), sizeof uuid - strlen(uuid), sum, sizeof sum);
    w.login->uuid = record_text(m, view_of(uuid), UUID_BYTES_MAX);
    w.login->event_type = record_text(m, type, RECORD_ID_BYTES_MAX);
    w.login->kind = KIND_UNPARSED;
    w.login->result = RESULT_UNKNOWN;
    w.login->raw.len = bytes.len < RECORD_RAW_BYTES_MAX ? bytes.len : RECORD_RAW_BYTES_MAX;
    w.login->raw.data = (uint8_t *)(uintptr_t)bytes.at;
    login_finish(&w, page);
}
