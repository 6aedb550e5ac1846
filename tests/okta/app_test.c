/* A service app at the emulator's org, which verifies what is signed with a reading of its own. */
#include "okta/okta.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/transport.h"
#include "tests/okta/keys.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define BASE     "https://acme.okta.com"
#define CLIENT   "0oaexampleClient0001"
#define LOGS     "/api/v1/logs?limit=100&since=2026-03-01T00:00:00.000Z&sortOrder=ASCENDING"
#define USERS    "/api/v1/users?limit=100"
#define START_MS (INT64_C(1773480413) * 1000)
#define RUNS_MAX 10000
#define BOTH     "okta.users.read okta.logs.read"

struct world {
    struct hand_clock clock;
    struct emulator *emulator;
    struct okta_transport *transport;
    struct okta *okta;
};

static struct world w;

static void set_up_with(enum emulator_dpop dpop, const char *kind, enum keys_form form)
{
    AUTO_BUF struct buf text = BUF(32768), credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct emulator_options options = { .base_url = BASE,
                                        .token = "00none",
                                        .users = 10,
                                        .client_id = CLIENT,
                                        .scopes = BOTH,
                                        .dpop = dpop,
                                        .start_unix_ms = START_MS };
    struct okta_options okta = { .share_percent = 100 };
    struct error err = { 0 };

    hand_clock_init(&w.clock, START_MS);
    w.emulator = emulator_create(&options);
    assert_true(emulator_add_key(w.emulator, VIEW("kid-1"), view_of(keys_text(keys_of(kind), KEYS_PUBLIC)), &err));
    w.transport = emulator_transport_create(w.emulator, &w.clock, 50);
    okta.clock = &w.clock.clock;
    okta.transport = w.transport;
    assert_true(okta_url_parse(VIEW("acme"), false, &okta.url, &err));
    w.okta = okta_create(&okta);
    keys_credential(keys_of(kind), form, ",\"key_id\":\"kid-1\"", &text);
    assert_true(okta_credential_check(buf_view(&text), &credential, &err));
    okta_set_credential(w.okta, buf_view(&credential));
}

static int set_up(void **state)
{
    (void)state;
    set_up_with(EMULATOR_DPOP_REQUIRED, "P-256", KEYS_PKCS8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    okta_destroy(w.okta);
    w.transport->destroy(w.transport);
    assert_int_equal(emulator_violations(w.emulator), 0);
    emulator_destroy(w.emulator);
    return 0;
}

static struct okta_answer told;
static int tells;

static void on_done(struct okta_request *r, const struct okta_answer *answer)
{
    (void)r;
    told = *answer;
    tells++;
}

static void ask_once(const char *path)
{
    struct okta_request r = { .path = view_of(path), .priority = OKTA_PRIORITY_TAIL, .done = on_done };

    tells = 0;
    okta_send(w.okta, &r);
    for (int i = 0; i < RUNS_MAX && tells == 0; i++)
        okta_run(w.okta, 1000);
    assert_int_equal(tells, 1);
}

static void expect(const char *path, enum okta_verdict want)
{
    ask_once(path);
    if (told.verdict != want)
        fail_msg("verdict %d, HTTP %d: %s", (int)told.verdict, told.http_status, told.message);
}

static const struct row {
    const char *name, *kind;
    enum keys_form form;
    enum emulator_dpop dpop;
    uint64_t want_posts;
} rows[] = {
    { "RSA, bound to a key", "RSA-2048", KEYS_PKCS8, EMULATOR_DPOP_REQUIRED, 2 },
    { "RSA of 4096 bits", "RSA-4096", KEYS_TRADITIONAL, EMULATOR_DPOP_REQUIRED, 2 },
    { "P-256, bound to a key", "P-256", KEYS_PKCS8, EMULATOR_DPOP_REQUIRED, 2 },
    { "P-384, each call with a nonce", "P-384", KEYS_JWK, EMULATOR_DPOP_STRICT, 2 },
    { "P-521, each call with a nonce", "P-521", KEYS_JWK, EMULATOR_DPOP_STRICT, 2 },
    { "an app that wants no proof", "RSA-2048", KEYS_JWK, EMULATOR_DPOP_OFF, 0 },
};

static void a_service_app_reads(void **state)
{
    const struct row *row = *state;
    struct okta_grants grants;

    set_up_with(row->dpop, row->kind, row->form);
    expect(LOGS, OKTA_DONE);
    expect(USERS, OKTA_DONE);
    expect(USERS, OKTA_DONE);
    if (row->want_posts > 0) /* the first is challenged */
        assert_int_equal(emulator_requests(w.emulator, OKTA_TOKEN_PATH), row->want_posts);
    grants = okta_grants(w.okta);
    assert_string_equal(grants.missing, "");
    tear_down(NULL);
}

static void a_day_costs_a_token_every_four_fifths_of_an_hour(void **state)
{
    (void)state;
    for (int minute = 0; minute < 24 * 60; minute++) {
        expect(LOGS, OKTA_DONE);
        hand_clock_advance(&w.clock, 60000);
    }
    assert_in_range(emulator_requests(w.emulator, OKTA_TOKEN_PATH), 30, 31); /* and one challenge */
}

static void revoked_tokens_are_replaced_unnoticed(void **state)
{
    (void)state;
    expect(LOGS, OKTA_DONE);
    emulator_revoke_access_tokens(w.emulator);
    expect(LOGS, OKTA_DONE);
}

static void forgotten_nonces_are_asked_for_again(void **state)
{
    (void)state;
    expect(LOGS, OKTA_DONE);
    emulator_rotate_nonce(w.emulator);
    emulator_revoke_access_tokens(w.emulator);
    expect(LOGS, OKTA_DONE);
}

static void an_inactive_client_is_refused_and_comes_back(void **state)
{
    (void)state;
    expect(LOGS, OKTA_DONE);
    emulator_set_client_active(w.emulator, false);
    expect(LOGS, OKTA_CREDENTIAL_REFUSED);
    emulator_set_client_active(w.emulator, true);
    hand_clock_advance(&w.clock, 10000);
    expect(LOGS, OKTA_DONE);
}

static void a_scope_that_is_not_granted_is_known_and_named(void **state)
{
    (void)state;
    emulator_set_scopes(w.emulator, "okta.logs.read");
    expect(LOGS, OKTA_DONE);
    assert_string_equal(okta_grants(w.okta).missing, "okta.users.read");
    expect(USERS, OKTA_SCOPE_MISSING);
    assert_non_null(strstr(told.message, "okta.users.read"));
    expect(LOGS, OKTA_DONE);
}

static void without_any_scope_nothing_is_read(void **state)
{
    (void)state;
    emulator_set_scopes(w.emulator, "okta.apps.read");
    expect(LOGS, OKTA_SCOPE_MISSING);
}

static void another_key_is_refused(void **state)
{
    AUTO_BUF struct buf text = BUF(32768);

    (void)state;
    keys_credential(keys_of("P-384"), KEYS_PKCS8, ",\"key_id\":\"kid-1\"", &text);
    okta_set_credential(w.okta, buf_view(&text));
    expect(LOGS, OKTA_CREDENTIAL_REFUSED);
}

/* Ours is a day slow, then a day fast. */
static const struct skew_row {
    const char *name;
    int64_t skew_ms;
} skews[] = { { "a day slow", -86400000 }, { "a day fast", 86400000 }, { "a minute fast", 60000 } };

static int64_t skew_ms;

static int64_t skewed_unix_ms(void *self)
{
    const struct hand_clock *h = self;

    return h->unix_ms + skew_ms;
}

static int64_t hand_mono_ms(void *self)
{
    return ((const struct hand_clock *)self)->mono_ms;
}

static void a_clock_that_is(void **state)
{
    const struct skew_row *row = *state;
    const struct clock skewed = { hand_mono_ms, skewed_unix_ms, &w.clock };
    struct okta_options options = { .clock = &skewed };
    AUTO_BUF struct buf text = BUF(32768);
    struct error err = { 0 };

    set_up(NULL);
    skew_ms = row->skew_ms;
    okta_destroy(w.okta);
    options.transport = w.transport;
    assert_true(okta_url_parse(VIEW("acme"), false, &options.url, &err));
    w.okta = okta_create(&options);
    keys_credential(keys_of("P-256"), KEYS_PKCS8, ",\"key_id\":\"kid-1\"", &text);
    okta_set_credential(w.okta, buf_view(&text));
    expect(LOGS, OKTA_DONE);
    tear_down(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_day_costs_a_token_every_four_fifths_of_an_hour),
        TEST(revoked_tokens_are_replaced_unnoticed),
        TEST(forgotten_nonces_are_asked_for_again),
        TEST(an_inactive_client_is_refused_and_comes_back),
        TEST(a_scope_that_is_not_granted_is_known_and_named),
        TEST(without_any_scope_nothing_is_read),
        TEST(another_key_is_refused),
    };
    int failed = RUN_ROWS(a_service_app_reads, rows) + RUN_ROWS(a_clock_that_is, skews) +
                 cmocka_run_group_tests(tests, NULL, NULL);

    keys_free();
    return failed;
}
