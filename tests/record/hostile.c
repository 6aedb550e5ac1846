/* What an element of a log page can be, and must not hurt: one row each. */
#include "tests/record/pages.h"

#include "tests/rows.h"

#include <string.h>

#define MEMBERS(literal) .members = { literal, sizeof(literal) - 1 }
#define ELEMENT(literal) .element = { literal, sizeof(literal) - 1 }
#define HEAD             "\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":\"user.session.start\""
#define REPLACED         "\xef\xbf\xbd"
#define RAW_BYTES_MAX    65536

static void repeat(struct buf *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_puts(out, text);
}

static void build_deep(struct buf *out)
{
    buf_puts(out, "{\"uuid\":\"bad\"," HEAD ",\"debugContext\":");
    repeat(out, "[", 2000);
    repeat(out, "]", 2000);
    buf_puts(out, "}");
}

static void build_user_agent(struct buf *out)
{
    buf_puts(out, "{\"uuid\":\"bad\"," HEAD ",\"client\":{\"userAgent\":{\"rawUserAgent\":\"xx");
    repeat(out, "\xe2\x82\xac", 65536 / 3);
    buf_puts(out, "\"}}}");
}

static void build_large_garbage(struct buf *out)
{
    buf_puts(out, "{\"uuid\":");
    repeat(out, "x", 100000);
    buf_puts(out, "}");
}

static void build_element_too_large(struct buf *out)
{
    buf_puts(out, "{\"uuid\":\"bad\"," HEAD ",\"debugContext\":\"");
    repeat(out, "0123456789abcdef", 80000);
    buf_puts(out, "\"}");
}

static void build_targets(struct buf *out)
{
    buf_puts(out, "{\"uuid\":\"bad\"," HEAD ",\"target\":[{\"id\":\"t\",\"type\":\"User\"}");
    repeat(out, ",{\"id\":\"t\",\"type\":\"User\"}", 999);
    buf_puts(out, ",{\"id\":\"0oa\",\"type\":\"AppInstance\"}]}");
}

static void put_long(struct buf *out, const char *member, size_t bytes)
{
    buf_printf(out, "\"%s\":\"", member);
    repeat(out, "0123456789abcdef", bytes / 16);
    buf_puts(out, "\",");
}

static void put_long_group(struct buf *out, const char *name, const char *const *members)
{
    buf_printf(out, "\"%s\":{", name);
    for (; *members != NULL; members++)
        put_long(out, *members, 4000);
    buf_puts(out, "\"end\":0},");
}

/* Every string as long as can be. */
static void build_largest(struct buf *out)
{
    static const char *const outcome[] = { "result", "reason", NULL };
    static const char *const actor[] = { "id", "type", "alternateId", "displayName", NULL };
    static const char *const client[] = { "id", "ipAddress", "device", "zone", NULL };
    static const char *const session[] = {
        "authenticationProvider",
        "credentialProvider",
        "credentialType",
        "externalSessionId",
        "rootSessionId",
        "interface",
        NULL,
    };
    static const char *const security[] = { "asOrg", "isp", "domain", NULL };

    buf_puts(out, "{\"uuid\":\"bad\"," HEAD ",");
    put_long(out, "displayMessage", 16000);
    put_long(out, "severity", 16000);
    put_long(out, "legacyEventType", 16000);
    put_long_group(out, "outcome", outcome);
    put_long_group(out, "actor", actor);
    put_long_group(out, "client", client);
    put_long_group(out, "authenticationContext", session);
    put_long_group(out, "securityContext", security);
    buf_puts(out, "\"target\":[");
    for (int i = 0; i < 64; i++) {
        buf_puts(out, i > 0 ? ",{" : "{");
        for (const char *const *member = actor; *member != NULL; member++)
            put_long(out, *member, 2000);
        buf_puts(out, "\"end\":0}");
    }
    buf_puts(out, "]}");
}

static void is_kept_raw(const struct pages_seen *s)
{
    assert_true(s->login->raw.len > 0);
    assert_int_equal(s->login->kind, OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_UNPARSED);
    assert_int_equal(s->login->result, OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_UNKNOWN);
    assert_int_equal(strlen(s->login->uuid), 7 + 64);
    assert_memory_equal(s->login->uuid, "sha256:", 7);
    assert_null(s->login->actor);
}

static void is_kept_raw_in_part(const struct pages_seen *s)
{
    is_kept_raw(s);
    assert_int_equal(s->login->raw.len, RAW_BYTES_MAX);
}

static void has_no_time(const struct pages_seen *s)
{
    is_kept_raw(s);
    assert_true(s->record.published_ms == JOURNAL_NO_TIME);
    assert_null(s->login->published);
}

static void has_its_time(const struct pages_seen *s)
{
    is_kept_raw(s);
    assert_true(s->record.published_ms == PAGES_PUBLISHED_MS);
    assert_string_equal(s->login->event_type, "user.session.start");
}

static void nul_is_replaced(const struct pages_seen *s)
{
    assert_string_equal(s->login->display_message, "admin" REPLACED "evil");
    assert_true((s->record.flags & JOURNAL_REPLACED) != 0);
}

static void first_wins(const struct pages_seen *s)
{
    assert_string_equal(s->login->severity, "INFO");
    assert_int_equal(s->record.flags, 0);
}

static void has_no_targets(const struct pages_seen *s)
{
    assert_int_equal(s->login->n_targets, 0);
    assert_null(s->login->app);
}

static void has_no_outcome(const struct pages_seen *s)
{
    assert_null(s->login->outcome);
    assert_int_equal(s->login->result, OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_UNKNOWN);
}

static void has_no_zone(const struct pages_seen *s)
{
    assert_string_equal(s->login->client->zone, "");
    assert_string_equal(s->login->client->device, "null");
}

static void has_a_short_user_agent(const struct pages_seen *s)
{
    /* "xx" and 1,364 characters of three bytes: the next one would end at 4,097. */
    assert_int_equal(strlen(s->login->client->user_agent->raw_user_agent), 4094);
}

static void is_cut_everywhere(const struct pages_seen *s)
{
    assert_int_equal(strlen(s->login->display_message), 8192);
    assert_int_equal(strlen(s->login->outcome->reason), 1024);
    assert_int_equal(s->login->n_targets, 64);
    assert_int_equal(strlen(s->login->targets[63]->id), 256);
    assert_int_equal(strlen(s->login->targets[63]->display_name), 1024);
    assert_int_equal(s->record.flags, 0);
}

static void has_64_targets_and_the_app(const struct pages_seen *s)
{
    assert_int_equal(s->login->n_targets, 64);
    assert_string_equal(s->login->app->id, "0oa");
}

static void has_empty_strings(const struct pages_seen *s)
{
    assert_string_equal(s->login->display_message, "");
    assert_string_equal(s->login->severity, "");
    assert_string_equal(s->login->transaction_id, "");
    assert_string_equal(s->login->client->ip_address, "");
}

static void has_no_messages(const struct pages_seen *s)
{
    assert_null(s->login->client);
    assert_null(s->login->outcome);
    assert_null(s->login->security_context);
    assert_null(s->login->authentication_context);
    assert_non_null(s->login->actor);
    assert_string_equal(s->login->actor->id, "");
    assert_false(s->login->actor->masked);
    assert_int_equal(s->login->n_targets, 0);
}

static void has_one_target(const struct pages_seen *s)
{
    assert_int_equal(s->login->n_targets, 1);
    assert_string_equal(s->login->targets[0]->id, "t");
}

static void has_no_numbers(const struct pages_seen *s)
{
    assert_int_equal(s->login->security_context->as_number, 0);
    assert_false(s->login->security_context->is_proxy);
    assert_null(s->login->client->geographical_context->geolocation);
}

static void is_read_as_meant(const struct pages_seen *s)
{
    assert_string_equal(s->login->display_message, "\xf0\x9f\x94\x91 \xf0\x9f\x94\x91 a/b/c");
    assert_int_equal(s->record.flags, 0);
}

static void has_a_city_alone(const struct pages_seen *s)
{
    assert_string_equal(s->login->client->geographical_context->city, "Uppsala");
    assert_string_equal(s->login->client->geographical_context->postal_code, "");
}

static void is_a_session_change(const struct pages_seen *s)
{
    assert_int_equal(s->login->kind, OKTA__CONNECTOR__V1__LOGIN_KIND__LOGIN_KIND_SESSION_CHANGE);
}

static void is_of_another_type(const struct pages_seen *s)
{
    assert_true(view_is(s->record.event_type, "user.lifecycle.create"));
}

const struct pages_hostile pages_hostile[] = {
    { "a lone surrogate", MEMBERS("\"displayMessage\":\"\\ud800\""), .want = RECORD_UNPARSED, .check = has_no_time },
    { "bytes that are no UTF-8", MEMBERS("\"displayMessage\":\"a\xff\""), .want = RECORD_UNPARSED,
      .check = is_kept_raw },
    { "a control character", MEMBERS("\"displayMessage\":\"a\x01\""), .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "a NUL, plain", MEMBERS("\"displayMessage\":\"a\0\""), .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "a NUL, escaped", MEMBERS("\"displayMessage\":\"admin\\u0000evil\""), .want = RECORD_LOGIN,
      .check = nul_is_replaced },
    { "1e400", MEMBERS("\"securityContext\":{\"asNumber\":1e400}"), .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "depth 2,000", .build = build_deep, .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "a bracket of the wrong kind", ELEMENT("{\"uuid\":[\"bad\"}}"), .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "100 KB of garbage", .build = build_large_garbage, .want = RECORD_UNPARSED, .check = is_kept_raw_in_part },
    { "an event of 1.2 MB", .build = build_element_too_large, .want = RECORD_UNPARSED, .check = is_kept_raw_in_part },
    { "a number", ELEMENT("7"), .want = RECORD_UNPARSED, .check = has_no_time },
    { "a string", ELEMENT("\"{\""), .want = RECORD_UNPARSED, .check = has_no_time },
    { "null", ELEMENT("null"), .want = RECORD_UNPARSED, .check = has_no_time },
    { "an array", ELEMENT("[{}]"), .want = RECORD_UNPARSED, .check = has_no_time },
    { "an object without members", ELEMENT("{}"), .want = RECORD_UNPARSED, .check = has_no_time },
    { "HTML", ELEMENT("<html>"), .want = RECORD_UNPARSED, .check = has_no_time },
    { "no uuid", ELEMENT("{" HEAD "}"), .want = RECORD_UNPARSED, .check = has_its_time },
    { "an empty uuid", ELEMENT("{\"uuid\":\"\"," HEAD "}"), .want = RECORD_UNPARSED, .check = has_its_time },
    { "a uuid that is a number", ELEMENT("{\"uuid\":7," HEAD "}"), .want = RECORD_UNPARSED, .check = has_its_time },
    { "a uuid with a NUL", ELEMENT("{\"uuid\":\"a\\u0000b\"," HEAD "}"), .want = RECORD_UNPARSED,
      .check = has_its_time },
    { "a uuid of 129 bytes",
      ELEMENT("{\"uuid\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
              "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefX\"," HEAD "}"),
      .want = RECORD_UNPARSED, .check = has_its_time },
    { "no time", ELEMENT("{\"uuid\":\"bad\",\"eventType\":\"user.session.start\"}"), .want = RECORD_UNPARSED,
      .check = has_no_time },
    { "a time that is none",
      ELEMENT("{\"uuid\":\"bad\",\"eventType\":\"user.session.start\",\"published\":\"yesterday\"}"),
      .want = RECORD_UNPARSED, .check = has_no_time },
    { "no type", ELEMENT("{\"uuid\":\"bad\",\"published\":\"" PAGES_PUBLISHED "\"}"), .want = RECORD_UNPARSED,
      .check = is_kept_raw },
    { "a type that is an object",
      ELEMENT("{\"uuid\":\"bad\",\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":{\"a\":1}}"),
      .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "the names of old documents",
      ELEMENT("{\"uuid\":\"bad\",\"published\":\"" PAGES_PUBLISHED "\",\"event_type\":\"user.session.start\"}"),
      .want = RECORD_UNPARSED, .check = is_kept_raw },
    { "an event that is no login",
      ELEMENT("{\"uuid\":\"bad\",\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":\"user.lifecycle.create\"}"),
      .want = RECORD_OTHER, .check = is_of_another_type },
    { "an event that is no login and has no uuid", ELEMENT("{\"eventType\":\"user.lifecycle.create\"}"),
      .want = RECORD_OTHER, .check = is_of_another_type },
    { "a session event that is new at Okta",
      ELEMENT("{\"uuid\":\"bad\",\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":\"user.session.new\"}"),
      .want = RECORD_LOGIN, .check = is_a_session_change },
    { "members twice", MEMBERS("\"severity\":\"INFO\",\"severity\":\"WARN\""), .want = RECORD_LOGIN,
      .check = first_wins },
    { "target null", MEMBERS("\"target\":null"), .want = RECORD_LOGIN, .check = has_no_targets },
    { "target a string", MEMBERS("\"target\":\"x\""), .want = RECORD_LOGIN, .check = has_no_targets },
    { "targets that are none", MEMBERS("\"target\":[null,7,\"x\",[],{\"id\":\"t\"}]"), .want = RECORD_LOGIN,
      .check = has_one_target },
    { "a thousand targets", .build = build_targets, .want = RECORD_LOGIN, .check = has_64_targets_and_the_app },
    { "outcome null", MEMBERS("\"outcome\":null"), .want = RECORD_LOGIN, .check = has_no_outcome },
    { "zone the text null", MEMBERS("\"client\":{\"zone\":\"null\",\"device\":\"null\"}"), .want = RECORD_LOGIN,
      .check = has_no_zone },
    { "nested debugData",
      MEMBERS("\"debugContext\":{\"debugData\":{\"originalPrincipal\":{\"id\":\"x\",\"a\":[{\"b\":[]}]}}}"),
      .want = RECORD_LOGIN },
    { "members that nobody knows",
      MEMBERS("\"brandNew\":{\"a\":[]},\"debugContext\":{\"brandNew\":1,\"debugData\":{\"\":null,\"brandNew\":\"x\"}}"),
      .want = RECORD_LOGIN },
    { "characters of four bytes, and slashes that are escaped",
      MEMBERS("\"displayMessage\":\"\xf0\x9f\x94\x91 \\ud83d\\udd11 a\\/b\\u002fc\""), .want = RECORD_LOGIN,
      .check = is_read_as_meant },
    { "a postal code that is a number",
      MEMBERS("\"client\":{\"geographicalContext\":{\"city\":\"Uppsala\",\"postalCode\":75220}}"), .want = RECORD_LOGIN,
      .check = has_a_city_alone },
    { "a user agent of 64 KB", .build = build_user_agent, .want = RECORD_LOGIN, .check = has_a_short_user_agent },
    { "every string too long", .build = build_largest, .want = RECORD_LOGIN, .check = is_cut_everywhere },
    { "numbers where strings belong",
      MEMBERS("\"displayMessage\":7,\"severity\":1.5,\"transaction\":{\"id\":7},\"client\":{\"ipAddress\":1}"),
      .want = RECORD_LOGIN, .check = has_empty_strings },
    { "arrays where objects belong",
      MEMBERS("\"client\":[1],\"actor\":[{\"id\":\"x\"}],\"outcome\":[],\"securityContext\":[[]],"
              "\"authenticationContext\":[\"x\"]"),
      .want = RECORD_LOGIN, .check = has_no_messages },
    { "everything null",
      MEMBERS("\"client\":null,\"actor\":null,\"outcome\":null,\"securityContext\":null,\"transaction\":null,"
              "\"authenticationContext\":null,\"severity\":null,\"displayMessage\":null,\"target\":null"),
      .want = RECORD_LOGIN, .check = has_no_messages },
    { "numbers out of range",
      MEMBERS("\"securityContext\":{\"asNumber\":4294967296,\"isProxy\":\"true\"},"
              "\"client\":{\"geographicalContext\":{\"geolocation\":{\"lat\":91,\"lon\":0}}}"),
      .want = RECORD_LOGIN, .check = has_no_numbers },
};
const size_t pages_hostile_count = sizeof pages_hostile / sizeof pages_hostile[0];
