/* Declarations that a reload adds, changes and withdraws: the connector stays the same one, and so do its readers. */
#include "rows.h"

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "connectors/declared/declarations.h"
#include "world/connectors_world.h"
#include "model/credential.h"
#include "model/snapshot.h"
#include "model/state.h"

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

static const struct configure_request as_it_was = { .history_days = -1, .retention_days = -1 };

static void declare_acme(struct world *w)
{
    const struct declared_source source = { .token_file = world_write(w, "token", ORG_TOKEN "\n", 0600) };
    struct error err;

    if (!connectors_declare(world_connectors(w), "acme", ACME_URL, &source, &as_it_was, &err))
        fail_msg("%s", err.text);
}

static void redeclare(struct world *w, const char *name, const char *org, const char *file,
                      const struct configure_request *settings)
{
    const struct declared_source source = { .token_file = file };
    struct error err;

    if (!connectors_redeclare(world_connectors(w), name, org, &source, settings, &err))
        fail_msg("%s", err.text);
}

/* A reader's reference: what it holds must not be replaced. */
static struct connector *held(struct world *w, const char *name)
{
    struct connector *c;

    assert_true(world_wait_state(w, name, CONNECTOR_LIVE));
    c = connectors_find(world_connectors(w), view_of(name), NULL);
    assert_non_null(c);
    return c;
}

static void let_go(struct connector *c)
{
    assert_false(connector_is_deleted(c));
    connector_release(c);
}

/* ---- what is waited for ---- */

static bool is_from_file(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct credential_facts facts;

    (void)ctx;
    connector_credential(c, &facts);
    connector_release(c);
    return facts.is_from_file;
}

static bool has_another(struct world *w, const void *ctx)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct credential_facts facts;

    connector_credential(c, &facts);
    connector_release(c);
    return strcmp(facts.fingerprint, ctx) != 0;
}

static bool keeps_for(struct world *w, const void *days)
{
    return world_entry(w, "acme").retention_days == *(const uint32_t *)days;
}

static bool is_withdrawn(struct world *w, const void *name)
{
    struct connector *c = connectors_find(world_connectors(w), view_of(name), NULL);
    struct poller_snapshot now;

    if (c == NULL)
        return false;
    connector_snapshot(c, &now);
    connector_release(c);
    return now.state == CONNECTOR_DEGRADED && strstr(now.state_reason, "is not any more") != NULL;
}

static bool is_gone(struct world *w, const void *name)
{
    return !world_exists(w, name);
}

static bool shares(struct world *w, const void *percent)
{
    struct connector *c = connectors_find(world_connectors(w), VIEW("acme"), NULL);
    struct poller_snapshot now;

    connector_snapshot(c, &now);
    connector_release(c);
    for (size_t i = 0; i < now.bucket_count; i++)
        if (now.buckets[i].share_percent != *(const int *)percent)
            return false;
    return now.bucket_count > 0;
}

/* ---- the facts ---- */

static void one_is_added(void **state)
{
    struct world *w = *state;

    declare_acme(w);
    redeclare(w, "beta", BETA_URL, world_write(w, "beta", ORG_TOKEN, 0600), &as_it_was);
    assert_true(world_wait_state(w, "beta", CONNECTOR_LIVE));
    assert_true(world_entry(w, "beta").is_declared);
}

static void another_file_is_read(void **state)
{
    struct world *w = *state;
    struct credential_facts was;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    connector_credential(c, &was);
    orgs_set_token(world_orgs(w), ACME_PORT, OTHER_TOKEN);
    redeclare(w, "acme", ACME_URL, world_write(w, "other", OTHER_TOKEN, 0600), &as_it_was);
    assert_true(world_wait(w, has_another, was.fingerprint));
    let_go(c);
}

static void settings_change(void **state)
{
    const struct configure_request settings = { .history_days = 3, .retention_days = 41 };
    const uint32_t days = 41;
    struct world *w = *state;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    redeclare(w, "acme", ACME_URL, world_write(w, "token", ORG_TOKEN "\n", 0600), &settings);
    assert_true(world_wait(w, keeps_for, &days));
    assert_int_equal(world_entry(w, "acme").history_days, 3);
    let_go(c);
}

static void withdrawn_it_stops_and_says_why(void **state)
{
    struct world *w = *state;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    connectors_undeclare(world_connectors(w), "acme");
    assert_true(world_wait(w, is_withdrawn, "acme"));
    assert_true(world_wait_health(w, "acme", 's'));
    assert_non_null(connector_store(c));
    assert_true(world_is_stored(w, "acme"));
    let_go(c);
}

static void withdrawn_it_can_be_declared_again(void **state)
{
    struct world *w = *state;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    connectors_undeclare(world_connectors(w), "acme");
    assert_true(world_wait(w, is_withdrawn, "acme"));
    redeclare(w, "acme", ACME_URL, world_write(w, "token", ORG_TOKEN "\n", 0600), &as_it_was);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    let_go(c);
}

/* Quicker than its thread can look. */
static void withdrawn_and_declared_at_once_it_goes_on(void **state)
{
    struct world *w = *state;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    for (int i = 0; i < 20; i++) {
        connectors_undeclare(world_connectors(w), "acme");
        redeclare(w, "acme", ACME_URL, world_write(w, "token", ORG_TOKEN "\n", 0600), &as_it_was);
    }
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    let_go(c);
}

static void withdrawn_it_can_be_configured(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    connectors_undeclare(world_connectors(w), "acme");
    assert_true(world_wait(w, is_withdrawn, "acme"));
    assert_taken(world_configure(w, &r));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_true(world_entry(w, "acme").has_secret);
    let_go(c);
}

static void withdrawn_before_okta_answered_it_is_gone(void **state)
{
    struct world *w = *state;

    orgs_hold(world_orgs(w), ACME_PORT, true);
    declare_acme(w);
    assert_true(world_exists(w, "acme"));
    connectors_undeclare(world_connectors(w), "acme");
    orgs_hold(world_orgs(w), ACME_PORT, false);
    assert_true(world_wait(w, is_gone, "acme"));
}

static void who_was_never_declared_cannot_be_withdrawn(void **state)
{
    struct world *w = *state;

    connectors_undeclare(world_connectors(w), "acme");
    assert_false(world_exists(w, "acme"));
}

static void what_was_configured_is_taken_over(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("acme", ACME_URL, ORG_TOKEN);
    struct connector *c;

    assert_taken(world_configure(w, &r));
    c = held(w, "acme");
    redeclare(w, "acme", ACME_URL, world_write(w, "token", ORG_TOKEN "\n", 0600), &as_it_was);
    assert_true(world_wait(w, is_from_file, NULL));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_false(world_entry(w, "acme").has_secret);
    let_go(c);
}

static void a_share_changes_while_it_runs(void **state)
{
    struct world *w = *state;
    const int half = 50, fifth = 20;
    struct connector *c;

    declare_acme(w);
    c = held(w, "acme");
    assert_true(world_wait(w, shares, &half));
    connectors_set_share(world_connectors(w), fifth);
    assert_true(world_wait(w, shares, &fifth));
    let_go(c);
}

static void a_name_is_looked_at_first(void **state)
{
    struct world *w = *state;
    const struct declared_source source = { .token_file = world_write(w, "token", ORG_TOKEN "\n", 0600) };
    const struct declared_source none = { .token_file = "/nonexistent/token" };
    struct error err;

    assert_false(connectors_redeclare(world_connectors(w), "Acme", ACME_URL, &source, &as_it_was, &err));
    assert_false(connectors_check_declared("Acme", &source, &err));
    assert_string_equal(err.reason, "NAME_INVALID");
    assert_false(connectors_check_declared("acme", &none, &err));
    assert_string_equal(err.reason, "SECRET_FILE_UNREADABLE");
    assert_true(connectors_check_declared("acme", &source, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_added),
        TEST(another_file_is_read),
        TEST(settings_change),
        TEST(withdrawn_it_stops_and_says_why),
        TEST(withdrawn_it_can_be_declared_again),
        TEST(withdrawn_and_declared_at_once_it_goes_on),
        TEST(withdrawn_it_can_be_configured),
        TEST(withdrawn_before_okta_answered_it_is_gone),
        TEST(who_was_never_declared_cannot_be_withdrawn),
        TEST(what_was_configured_is_taken_over),
        TEST(a_share_changes_while_it_runs),
        TEST(a_name_is_looked_at_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
