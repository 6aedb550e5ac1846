/* The events themselves: well-formed, varied, the same from the same seed, and all of them in the truth. */
#include "fixture.h"

#include <string.h>

#define SINCE "/api/v1/logs?since=2026-02-12T00:00:00.000Z&limit=1000"

/* ---- the same from the same ---- */

static void read_all(struct fixture *f, struct buf *out)
{
    char link[2048] = SINCE;

    do {
        assert_int_equal(fixture_ask(f, link), 200);
        buf_put(out, f->answer.head.at, f->answer.head.len);
        buf_put(out, f->answer.body.at, f->answer.body.len);
        strcpy(link, f->next);
    } while (json_array_size(f->body) > 0);
    fixture_ask(f, "/api/v1/users");
    buf_put(out, f->answer.body.at, f->answer.body.len);
}

static const struct same_row {
    const char *name;
    uint64_t seed;
    bool want_same;
} same_rows[] = {
    { "the same seed gives the same bytes", 1, true },
    { "another seed gives others", 2, false },
};

static void compare_orgs(void **state)
{
    const struct same_row *row = *state;
    AUTO_BUF struct buf first = BUF(64u << 20), second = BUF(64u << 20);
    struct buf *const outs[] = { &first, &second };

    for (int i = 0; i < 2; i++) {
        struct fixture f;

        fixture_init(&f);
        f.options.seed = i == 0 ? 1 : row->seed;
        f.options.login_every_ms = 500;
        f.options.late_percent = 10;
        f.now_ms += 600000;
        fixture_begin(&f);
        read_all(&f, outs[i]);
        fixture_end(&f);
    }
    assert_true(first.len > 5000000);
    assert_int_equal(first.len == second.len && memcmp(first.at, second.at, first.len) == 0, row->want_same);
}

static void time_may_pass_in_one_step_or_in_many(void **state)
{
    struct fixture f[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture_init(&f[i]);
        f[i].options.login_every_ms = 300;
        f[i].options.late_percent = 20;
        fixture_begin(&f[i]);
    }
    for (int64_t ms = 0; ms <= 900000; ms += 777)
        emulator_advance(f[0].emulator, START_MS + ms);
    emulator_advance(f[0].emulator, START_MS + 900000);
    emulator_advance(f[1].emulator, START_MS + 900000);
    assert_int_equal(emulator_truth_count(f[0].emulator), emulator_truth_count(f[1].emulator));
    for (size_t i = 0; i < emulator_truth_count(f[0].emulator); i++) {
        struct emulator_truth a = emulator_truth_at(f[0].emulator, i), b = emulator_truth_at(f[1].emulator, i);

        assert_string_equal(a.uuid, b.uuid);
        assert_int_equal(a.persisted_ms, b.persisted_ms);
    }
    fixture_end(&f[0]);
    fixture_end(&f[1]);
}

/* ---- live events ---- */

static void live_logins_come_about_as_often_as_asked_and_late_ones_late(void **state)
{
    struct fixture f;
    size_t begin, count, late = 0;

    (void)state;
    fixture_init(&f);
    f.options.login_every_ms = 300;
    f.options.late_percent = 10;
    fixture_begin(&f);
    begin = emulator_truth_count(f.emulator);
    assert_int_equal(begin, 2500);
    emulator_advance(f.emulator, START_MS + 3600000);
    count = emulator_truth_count(f.emulator) - begin;
    assert_true(count > 11900 && count <= 12000);
    for (size_t i = begin; i < begin + count; i++) {
        struct emulator_truth t = emulator_truth_at(f.emulator, i);

        assert_true(t.persisted_ms >= t.published_ms && t.persisted_ms <= t.published_ms + 300000);
        assert_true(t.persisted_ms <= START_MS + 3600000);
        late += t.persisted_ms >= t.published_ms + 2000;
    }
    assert_true(late > count / 15 && late < count / 7);
    /* None is published any more; what is under way still comes. */
    emulator_stop_logins(f.emulator);
    emulator_advance(f.emulator, START_MS + 7200000);
    assert_true(emulator_truth_count(f.emulator) - begin > count);
    assert_true(emulator_truth_count(f.emulator) - begin <= 12000);
    fixture_end(&f);
}

/* ---- identity ---- */

static int64_t uuid_published_ms(const char *uuid)
{
    unsigned low, middle, high;

    assert_int_equal(sscanf(uuid, "%8x-%4x-%4x-", &low, &middle, &high), 3);
    assert_int_equal(high >> 12, 1); /* version */
    assert_non_null(strchr("89ab", uuid[19]));
    return (int64_t)((((uint64_t)(high & 0xfff) << 48 | (uint64_t)middle << 32 | low) - UINT64_C(0x01b21dd213814000)) /
                     10000);
}

static void uuids_are_of_version_1_and_tell_the_published_time(void **state)
{
    struct names names = { .member = "uuid" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_walk(&f, SINCE, 4, names_visit, &names);
    names_assert_unique(&names);
    for (size_t i = 0; i < names.count; i++) {
        assert_int_equal(strlen(names.at[i]), 36);
        assert_int_equal(uuid_published_ms(names.at[i]), emulator_truth_at(f.emulator, i).published_ms);
    }
    names_free(&names);
    fixture_end(&f);
}

/* What was lent stays where it is, however much is asked for afterwards. */
static void texts_of_the_truth_last(void **state)
{
    const char *first, *id;
    char copy[64];
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    first = emulator_truth_at(f.emulator, 0).uuid;
    id = emulator_user_id(f.emulator, 3);
    snprintf(copy, sizeof copy, "%s%s", first, id);
    for (size_t i = 0; i < emulator_truth_count(f.emulator); i++)
        (void)emulator_truth_at(f.emulator, i);
    for (size_t i = 0; i < emulator_user_count(f.emulator); i++)
        (void)emulator_user_id(f.emulator, i);
    assert_memory_equal(copy, first, 36);
    assert_string_equal(copy + 36, id);
    fixture_end(&f);
}

/* ---- what is in them ---- */

/* The odd cases of one walk: each has to be met. */
enum odd {
    ODD_TARGET_NULL,
    ODD_TARGET_FULL,
    ODD_OUTCOME_NULL,
    ODD_CLIENT_NULL,
    ODD_ZONE_TEXT_NULL,
    ODD_ZONE_NULL,
    ODD_UNKNOWN_ACTOR,
    ODD_UNKNOWN_SESSION,
    ODD_NOT_ASCII,
    ODD_LONG_AGENT,
    ODD_IPV6,
    ODD_UNKNOWN_TYPE,
    ODD_NESTED_DEBUG,
    ODD_DENY,
    ODD_CHALLENGE,
    ODD_SSO_WITH_APP,
    ODD_SYSTEM_ACTOR,
    ODDS,
};

static const struct odd_row {
    const char *name;
    enum odd odd;
} odd_rows[] = {
    { "no targets", ODD_TARGET_NULL },
    { "targets", ODD_TARGET_FULL },
    { "no outcome", ODD_OUTCOME_NULL },
    { "no client", ODD_CLIENT_NULL },
    { "a zone that is the text null", ODD_ZONE_TEXT_NULL },
    { "a zone that is null", ODD_ZONE_NULL },
    { "an actor that Okta does not know", ODD_UNKNOWN_ACTOR },
    { "no session", ODD_UNKNOWN_SESSION },
    { "letters of the world", ODD_NOT_ASCII },
    { "a very long user agent", ODD_LONG_AGENT },
    { "an IPv6 address", ODD_IPV6 },
    { "a type that nobody knows", ODD_UNKNOWN_TYPE },
    { "an object among the debug data", ODD_NESTED_DEBUG },
    { "a denial", ODD_DENY },
    { "a challenge", ODD_CHALLENGE },
    { "an app and its user", ODD_SSO_WITH_APP },
    { "the system as actor", ODD_SYSTEM_ACTOR },
};

static bool odds_met[ODDS];

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static bool has_target(const json_t *event, const char *type)
{
    const json_t *targets = json_object_get(event, "target");

    for (size_t i = 0; i < json_array_size(targets); i++)
        if (strcmp(text_at(json_array_get(targets, i), "type"), type) == 0)
            return true;
    return false;
}

static bool is_not_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return true;
    return false;
}

static void note_who(const json_t *event)
{
    const json_t *actor = json_object_get(event, "actor");
    const json_t *context = json_object_get(event, "authenticationContext");

    odds_met[ODD_UNKNOWN_ACTOR] |= strcmp(text_at(actor, "id"), "unknown") == 0;
    odds_met[ODD_SYSTEM_ACTOR] |= strcmp(text_at(actor, "type"), "SystemPrincipal") == 0;
    odds_met[ODD_NOT_ASCII] |= is_not_ascii(text_at(actor, "displayName"));
    odds_met[ODD_UNKNOWN_SESSION] |= strcmp(text_at(context, "externalSessionId"), "unknown") == 0;
}

static void note_where(const json_t *event)
{
    const json_t *client = json_object_get(event, "client");
    const json_t *agent = json_object_get(client, "userAgent");

    odds_met[ODD_CLIENT_NULL] |= json_is_null(client);
    odds_met[ODD_ZONE_NULL] |= json_is_null(json_object_get(client, "zone"));
    odds_met[ODD_ZONE_TEXT_NULL] |= strcmp(text_at(client, "zone"), "null") == 0;
    odds_met[ODD_IPV6] |= strchr(text_at(client, "ipAddress"), ':') != NULL;
    odds_met[ODD_LONG_AGENT] |= strlen(text_at(agent, "rawUserAgent")) > 4000;
}

static void note_what(const json_t *event)
{
    const json_t *debug = json_object_get(json_object_get(event, "debugContext"), "debugData");
    const char *type = text_at(event, "eventType"), *result = text_at(json_object_get(event, "outcome"), "result");

    odds_met[ODD_TARGET_NULL] |= json_is_null(json_object_get(event, "target"));
    odds_met[ODD_TARGET_FULL] |= json_array_size(json_object_get(event, "target")) > 0;
    odds_met[ODD_OUTCOME_NULL] |= json_is_null(json_object_get(event, "outcome"));
    odds_met[ODD_NESTED_DEBUG] |= json_is_object(json_object_get(debug, "originalPrincipal"));
    odds_met[ODD_UNKNOWN_TYPE] |= strcmp(type, "user.authentication.auth_via_hologram") == 0;
    odds_met[ODD_DENY] |= strcmp(result, "DENY") == 0;
    odds_met[ODD_CHALLENGE] |= strcmp(result, "CHALLENGE") == 0;
    odds_met[ODD_SSO_WITH_APP] |= strcmp(type, "user.authentication.sso") == 0 && has_target(event, "AppInstance") &&
                                  has_target(event, "AppUser");
}

static void note_odds(void *ctx, const json_t *event)
{
    (void)ctx;
    note_who(event);
    note_where(event);
    note_what(event);
}

static void walk_for_odds(void)
{
    struct fixture f;

    fixture_init(&f);
    f.options.history_events = 20000;
    f.options.other_percent = 20;
    fixture_begin(&f);
    fixture_walk(&f, SINCE, 20, note_odds, NULL);
    fixture_end(&f);
}

static void is_met(void **state)
{
    const struct odd_row *row = *state;

    assert_true(odds_met[row->odd]);
}

static void a_failed_login_of_a_stranger_names_no_user(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, SINCE "&filter=actor.id+eq+%22unknown%22");
    assert_true(json_array_size(f.body) > 3);
    for (size_t i = 0; i < json_array_size(f.body); i++) {
        const json_t *event = json_array_get(f.body, i), *outcome = json_object_get(event, "outcome");

        assert_string_equal(text_at(event, "eventType"), "user.session.start");
        assert_string_equal(text_at(event, "legacyEventType"), "core.user_auth.login_failed");
        assert_string_equal(text_at(outcome, "result"), "FAILURE");
        assert_string_equal(text_at(outcome, "reason"), "INVALID_CREDENTIALS");
        assert_true(json_is_null(json_object_get(event, "target")));
    }
    fixture_end(&f);
}

static void events_name_users_and_apps_that_are_there(void **state)
{
    struct fixture f;
    size_t asked = 0;
    json_t *events;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, "/api/v1/logs?since=2026-02-12T00:00:00.000Z&limit=100");
    events = json_incref(f.body);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *targets = json_object_get(json_array_get(events, i), "target");

        for (size_t j = 0; j < json_array_size(targets); j++) {
            const json_t *entry = json_array_get(targets, j);
            const char *type = text_at(entry, "type");
            char target[128];

            if (strcmp(type, "User") != 0 && strcmp(type, "AppInstance") != 0)
                continue;
            snprintf(target, sizeof target, "/api/v1/%s/%s", *type == 'U' ? "users" : "apps", text_at(entry, "id"));
            assert_int_equal(fixture_ask(&f, target), 200);
            asked++;
        }
    }
    assert_true(asked > 30);
    json_decref(events);
    fixture_end(&f);
}

/* ---- which are logins ---- */

static void other_events_are_as_many_as_asked(void **state)
{
    struct fixture f;
    size_t logins = 0;

    (void)state;
    fixture_init(&f);
    f.options.other_percent = 30;
    fixture_begin(&f);
    for (size_t i = 0; i < emulator_truth_count(f.emulator); i++)
        logins += emulator_truth_at(f.emulator, i).is_login;
    assert_true(logins > 2500 * 66 / 100 && logins < 2500 * 74 / 100);
    fixture_end(&f);
}

static const struct type_row {
    const char *name;
    bool want;
} type_rows[] = {
    { "user.session.start", true },
    { "user.session.impersonation.grant", true },
    { "user.authentication.sso", true },
    { "user.authentication.of_tomorrow", true },
    { "policy.evaluate_sign_on", true },
    { "app.oauth2.as.token.grant.id_token", true },
    { "app.oauth2.client.lifecycle.create", false },
    { "user.lifecycle.create", false },
    { "user.sessions", false },
    { "policy.evaluate_sign_on.twice", false },
    { "user.mfa.factor.activate", false },
};

static void is_a_login(void **state)
{
    const struct type_row *row = *state;
    struct fixture f;

    fixture_init(&f);
    fixture_begin(&f);
    emulator_add_event(f.emulator, START_MS, START_MS, row->name, VIEW_NONE);
    assert_int_equal(emulator_truth_at(f.emulator, 2500).is_login, row->want);
    assert_string_equal(emulator_truth_at(f.emulator, 2500).event_type, row->name);
    fixture_ask(&f, "/api/v1/logs?since=2026-03-14T09:26:52.345Z&sortOrder=DESCENDING");
    assert_string_equal(fixture_text(&f, 0, "eventType"), row->name);
    fixture_end(&f);
}

static void a_large_org_has_all_its_events(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.history_events = 1500000;
    fixture_begin(&f);
    assert_int_equal(emulator_truth_count(f.emulator), 1500000);
    assert_true(emulator_truth_at(f.emulator, 0).published_ms >= START_MS - 30 * DAY_MS);
    assert_true(emulator_truth_at(f.emulator, 1499999).persisted_ms <= START_MS);
    fixture_ask(&f, "/api/v1/logs?since=2026-03-01T00:00:00.000Z&until=2026-03-02T00:00:00.000Z&limit=1000");
    assert_int_equal(json_array_size(f.body), 1000);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_may_pass_in_one_step_or_in_many),
        cmocka_unit_test(live_logins_come_about_as_often_as_asked_and_late_ones_late),
        cmocka_unit_test(uuids_are_of_version_1_and_tell_the_published_time),
        cmocka_unit_test(texts_of_the_truth_last),
        cmocka_unit_test(a_failed_login_of_a_stranger_names_no_user),
        cmocka_unit_test(events_name_users_and_apps_that_are_there),
        cmocka_unit_test(other_events_are_as_many_as_asked),
        cmocka_unit_test(a_large_org_has_all_its_events),
    };

    walk_for_odds();
    return RUN_ROWS(compare_orgs, same_rows) + RUN_ROWS(is_met, odd_rows) + RUN_ROWS(is_a_login, type_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
