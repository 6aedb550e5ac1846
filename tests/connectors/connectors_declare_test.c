#include "rows.h"

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "connectors/declared/declarations.h"
#include "world/connectors_world.h"
#include "model/credential.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define OTHER_TOKEN "00otherTokenNotReal0123456789abcdefghijklm"

static int setup(void **state)
{
    *state = world_create();
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    return 0;
}

static bool declare(struct world *w, const char *name, const char *org, const char *file, struct error *err)
{
    const struct configure_request settings = { .history_days = -1, .retention_days = -1 };
    const struct declared_source source = { .token_file = file };

    return connectors_declare(world_connectors(w), name, org, &source, &settings, err);
}

static void declare_acme(struct world *w)
{
    const char *file = world_write(w, "token", ORG_TOKEN "\n", 0600);
    struct error err;

    if (!declare(w, "acme", ACME_URL, file, &err))
        fail_msg("%s", err.text);
}

static void a_new_org_comes_up_by_itself(void **state)
{
    struct world *w = *state;

    declare_acme(w);
    assert_true(world_exists(w, "acme"));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_true(world_entry(w, "acme").is_declared);
    assert_false(world_entry(w, "acme").has_secret);
}

/* ---- what is an error at once ---- */

static const struct wrong {
    const char *name, *connector, *org, *content, *reason;
} wrongs[] = {
    { "a name that is none", "Acme", ACME_URL, ORG_TOKEN, "NAME_INVALID" },
    { "an org that is none", "acme", "acme-admin.okta.com", ORG_TOKEN, "ADMIN_HOST" },
    { "a file that is not there", "acme", ACME_URL, NULL, "SECRET_FILE_UNREADABLE" },
    { "an empty file", "acme", ACME_URL, "\n\n", "TOKEN_INVALID" },
    { "a placeholder", "acme", ACME_URL, "<token>", "TOKEN_INVALID" },
    { "two lines", "acme", ACME_URL, "00abcdefgh\n00ijklmnop\n", "TOKEN_INVALID" },
};

static void is_wrong_at_once(void **state)
{
    const struct wrong *row = *state;
    struct world *w = world_create();
    const char *file = row->content != NULL ? world_write(w, "token", row->content, 0600) : "/nonexistent/token";
    struct error err;

    assert_false(declare(w, row->connector, row->org, file, &err));
    assert_string_equal(err.reason, row->reason);
    assert_false(world_exists(w, "acme"));
    world_destroy(w);
}

static void a_token_file_has_a_size(void **state)
{
    struct world *w = *state;
    static char large[16386];
    struct error err;

    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_false(declare(w, "acme", ACME_URL, world_write(w, "token", large, 0600), &err));
    assert_non_null(strstr(err.text, "at most 16384 bytes"));
    assert_false(declare(w, "acme", ACME_URL, "/dev/null", &err));
    assert_non_null(strstr(err.text, "plain file"));
}

static void one_name_is_declared_once(void **state)
{
    struct world *w = *state;
    struct error err;

    declare_acme(w);
    assert_false(declare(w, "acme", BETA_URL, world_write(w, "other", ORG_TOKEN, 0600), &err));
    assert_non_null(strstr(err.text, "declared twice"));
}

/* ---- while Okta does not answer ---- */

static bool has_reason(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct poller_snapshot now;

    connector_snapshot(c, &now);
    connector_release(c);
    return now.state == CONNECTOR_DEGRADED && strstr(now.state_reason, ctx) != NULL;
}

static void an_org_never_reached_is_shown_with_the_reason(void **state)
{
    struct world *w = *state;
    const char *file = world_write(w, "token", ORG_TOKEN, 0600);
    struct connector *c;
    struct answer *a;

    assert_true(declare(w, "acme", "http://127.0.0.1:21009", file, NULL));
    assert_true(world_wait(w, has_reason, "does not answer"));
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    assert_null(connector_store(c));
    assert_string_equal(connector_org_id(c), "");
    connector_release(c);
    assert_int_equal(world_health(w, "acme"), 's');

    /* It answers at last. */
    orgs_alias(world_orgs(w), ACME_PORT, 21009);
    connectors_reread(world_connectors(w));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));

    a = world_delete(w, "acme", false);
    assert_taken(a);
}

static void one_never_reached_can_be_deleted(void **state)
{
    struct world *w = *state;
    const char *file = world_write(w, "token", ORG_TOKEN, 0600);
    struct answer *a;

    assert_true(declare(w, "acme", "http://127.0.0.1:21009", file, NULL));
    a = world_delete(w, "acme", false);
    assert_taken(a);
    assert_int_equal(a->deleted.remaining_count, 3);
    assert_non_null(strstr(a->deleted.remaining[2], "take it out"));
    assert_false(world_exists(w, "acme"));
}

static void a_known_org_starts_without_waiting_for_okta(void **state)
{
    struct world *w = *state;
    struct connector *c;
    uint64_t rounds;

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    world_stop(w);
    orgs_hold(world_orgs(w), ACME_PORT, true);
    world_start(w);
    declare_acme(w);
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    assert_non_null(connector_store(c));
    assert_string_equal(connector_org_id(c), ACME_ID);
    assert_true(connector_poll_now(c, &rounds, NULL)); /* it runs */
    connector_release(c);
    orgs_hold(world_orgs(w), ACME_PORT, false);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
}

static void declared_no_more_is_said(void **state)
{
    struct world *w = *state;

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    world_stop(w);
    world_start(w);
    assert_true(has_reason(w, "token-file or client-id"));
}

static void a_name_of_another_org_waits_and_says_so(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", BETA_URL, ORG_TOKEN);
    struct connector *c;

    assert_taken(world_configure(w, &r));
    assert_taken(world_delete(w, "acme", true));
    declare_acme(w);
    assert_true(world_wait(w, has_reason, "belongs to the org"));
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    assert_string_equal(connector_org_id(c), BETA_ID);
    connector_release(c);
}

/* ---- the token changes ---- */

struct shown {
    struct connector *of;
    struct credential_facts want;
};

/* It is shown a moment after the poller has it. */
static bool is_shown(struct world *w, const void *ctx)
{
    const struct shown *shown = ctx;
    struct credential_facts facts;

    (void)w;
    connector_credential(shown->of, &facts);
    return strcmp(facts.fingerprint, shown->want.fingerprint) == 0;
}

static void a_new_token_in_the_file_takes_over(void **state)
{
    struct world *w = *state;
    struct shown shown;
    struct connector *c;

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    orgs_set_token(world_orgs(w), ACME_PORT, OTHER_TOKEN);
    world_write(w, "token", OTHER_TOKEN, 0600);
    connectors_reread(world_connectors(w));
    orgs_add_login(world_orgs(w), ACME_PORT);
    assert_true(world_wait_logins(w, "acme", 1));
    assert_false(connector_is_deleted(c)); /* its readers noticed nothing */
    shown.of = c;
    credential_describe(VIEW(OTHER_TOKEN), &shown.want);
    assert_true(world_wait(w, is_shown, &shown));
    connector_release(c);
}

struct asked {
    const char *prefix;
    uint64_t more_than;
};

static bool was_asked(struct world *w, const void *ctx)
{
    const struct asked *asked = ctx;

    return orgs_requests(world_orgs(w), ACME_PORT, asked->prefix) > asked->more_than;
}

static void a_dead_new_token_does_not_replace_the_old(void **state)
{
    struct world *w = *state;
    struct asked probe = { "/.well-known", 0 };

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    probe.more_than = orgs_requests(world_orgs(w), ACME_PORT, probe.prefix);
    world_write(w, "token", OTHER_TOKEN, 0600); /* Okta does not know it */
    connectors_reread(world_connectors(w));
    assert_true(world_wait(w, was_asked, &probe)); /* it is being tried */
    orgs_add_login(world_orgs(w), ACME_PORT);
    assert_true(world_wait_logins(w, "acme", 1));
    assert_int_equal(world_state(w, "acme"), CONNECTOR_LIVE);
}

/* ---- a service app ---- */

static bool declare_app(struct world *w, const char *private_key, struct error *err)
{
    const struct configure_request settings = { .history_days = -1, .retention_days = -1 };
    const struct declared_source source = { .client_id = ORG_CLIENT_ID,
                                            .private_key_file = world_write(w, "key.pem", private_key, 0600),
                                            .key_id = ORG_KEY_ID };

    return connectors_declare(world_connectors(w), "acme", ACME_URL, &source, &settings, err);
}

static struct credential_facts facts_of(struct world *w)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct credential_facts facts;

    connector_credential(c, &facts);
    connector_release(c);
    return facts;
}

static void an_app_comes_up_with_its_key_from_a_file(void **state)
{
    struct world *w = *state;
    struct error err;

    if (!declare_app(w, orgs_private_key(), &err))
        fail_msg("%s", err.text);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_int_equal(facts_of(w).kind, CREDENTIAL_SERVICE_APP);
    assert_string_equal(facts_of(w).client_id, ORG_CLIENT_ID);
    assert_true(facts_of(w).is_from_file);
    assert_true(facts_of(w).set_unix_ms > 0);
    assert_false(world_entry(w, "acme").has_secret);
}

static void a_key_that_okta_does_not_know_does_not_replace_the_old(void **state)
{
    struct world *w = *state;
    struct asked probe = { "/.well-known", 0 };
    struct credential_facts before;

    assert_true(declare_app(w, orgs_private_key(), NULL));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    before = facts_of(w);
    probe.more_than = orgs_requests(world_orgs(w), ACME_PORT, probe.prefix);
    world_write(w, "key.pem", orgs_other_key(), 0600);
    connectors_reread(world_connectors(w));
    assert_true(world_wait(w, was_asked, &probe));
    orgs_add_login(world_orgs(w), ACME_PORT);
    assert_true(world_wait_logins(w, "acme", 1));
    assert_string_equal(facts_of(w).fingerprint, before.fingerprint);
}

static const struct wrong_key {
    const char *name, *content;
} wrong_keys[] = {
    { "an empty key file", "\n" },
    { "a token in the place of a key", ORG_TOKEN },
    { "a public key", "-----BEGIN PUBLIC KEY-----\nTUZrdw==\n-----END PUBLIC KEY-----\n" },
    { "a key that is cut", "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n" },
};

static void is_no_key(void **state)
{
    const struct wrong_key *row = *state;
    struct world *w = world_create();
    struct error err;

    assert_false(declare_app(w, row->content, &err));
    assert_string_equal(err.reason, "CREDENTIAL_INVALID");
    assert_non_null(strstr(err.text, "/key.pem"));
    assert_null(strstr(err.text, ORG_TOKEN));
    assert_null(strstr(err.text, "MIGH"));
    assert_false(world_exists(w, "acme"));
    world_destroy(w);
}

static const struct wrong_source {
    const char *name;
    struct declared_source source;
} wrong_sources[] = {
    { "no source at all", { NULL, NULL, NULL, NULL } },      { "a token and an app", { "/t", "0oa1", "/k", NULL } },
    { "an app without key", { NULL, "0oa1", NULL, "" } },    { "a key without app", { "/t", NULL, "/k", NULL } },
    { "a key's id with a token", { "/t", "", "", "kid1" } },
};

static void is_no_source(void **state)
{
    const struct wrong_source *row = *state;
    const struct configure_request settings = { .history_days = -1, .retention_days = -1 };
    struct world *w = world_create();
    struct error err;

    assert_false(connectors_declare(world_connectors(w), "acme", ACME_URL, &row->source, &settings, &err));
    assert_string_equal(err.reason, "CREDENTIAL_INVALID");
    world_destroy(w);
}

static void a_token_file_may_hold_an_app_too(void **state)
{
    struct world *w = *state;
    AUTO_BUF struct buf text = BUF(4096);
    struct error err;

    assert_true(credential_of_app(VIEW(ORG_CLIENT_ID), view_of(orgs_private_key()), VIEW(ORG_KEY_ID), &text));
    if (!declare(w, "acme", ACME_URL, world_write(w, "token", buf_cstr(&text), 0600), &err))
        fail_msg("%s", err.text);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_int_equal(facts_of(w).kind, CREDENTIAL_SERVICE_APP);
}

static void in_band_it_keeps_its_file(void **state)
{
    struct world *w = *state;
    struct configure_request token = request_of("acme", NULL, ORG_TOKEN);
    struct configure_request settings = request_of("acme", NULL, NULL);
    struct answer *a;

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    a = world_configure(w, &token);
    assert_refused(a, ERROR_FAILED_PRECONDITION, "CONNECTOR_DECLARED");
    assert_non_null(strstr(a->err.text, "/token"));
    settings.retention_days = 40;
    assert_taken(world_configure(w, &settings));
    assert_int_equal(world_entry(w, "acme").retention_days, 40);
    assert_true(world_entry(w, "acme").is_declared);
    assert_int_equal(world_state(w, "acme"), CONNECTOR_LIVE);
}

static bool is_from_file(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct credential_facts facts;

    (void)ctx;
    connector_credential(c, &facts);
    connector_release(c);
    return facts.is_from_file;
}

static void declaring_takes_over_what_was_configured(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct connector *c;
    char epoch[STORE_EPOCH_SIZE];

    assert_taken(world_configure(w, &r));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    world_stop(w);
    world_start(w);
    c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    memcpy(epoch, store_epoch(connector_store(c)), sizeof epoch);
    declare_acme(w);
    assert_true(world_wait(w, is_from_file, NULL));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_false(connector_is_deleted(c)); /* its readers stay */
    assert_string_equal(store_epoch(connector_store(c)), epoch);
    connector_release(c);
    assert_true(world_entry(w, "acme").is_declared);
    assert_false(world_entry(w, "acme").has_secret);
}

static void deleted_it_stays_away(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct answer *a;

    declare_acme(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    a = world_delete(w, "acme", false);
    assert_taken(a);
    assert_int_equal(a->deleted.remaining_count, 3);
    connectors_reread(world_connectors(w));
    assert_false(world_exists(w, "acme"));
    assert_false(world_is_stored(w, "acme"));
    assert_taken(world_configure(w, &r)); /* its file does not count any more */
    assert_true(world_entry(w, "acme").has_secret);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_org_comes_up_by_itself),
        TEST(a_token_file_has_a_size),
        TEST(one_name_is_declared_once),
        TEST(an_org_never_reached_is_shown_with_the_reason),
        TEST(one_never_reached_can_be_deleted),
        TEST(a_known_org_starts_without_waiting_for_okta),
        TEST(declared_no_more_is_said),
        TEST(a_name_of_another_org_waits_and_says_so),
        TEST(a_new_token_in_the_file_takes_over),
        TEST(a_dead_new_token_does_not_replace_the_old),
        TEST(an_app_comes_up_with_its_key_from_a_file),
        TEST(a_key_that_okta_does_not_know_does_not_replace_the_old),
        TEST(a_token_file_may_hold_an_app_too),
        TEST(in_band_it_keeps_its_file),
        TEST(declaring_takes_over_what_was_configured),
        TEST(deleted_it_stays_away),
    };

    return RUN_ROWS(is_wrong_at_once, wrongs) + RUN_ROWS(is_no_key, wrong_keys) +
           RUN_ROWS(is_no_source, wrong_sources) + cmocka_run_group_tests(tests, NULL, NULL);
}
