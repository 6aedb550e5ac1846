#include "rows.h"

#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "registry/registry.h"
#include "store/store.h"
#include "world/collections.h"
#include "world/connectors_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void configure(struct world *w, const char *name, const char *org)
{
    const struct configure_request r = request_of(name, org, ORG_TOKEN);

    assert_taken(world_configure(w, &r));
    assert_true(world_wait_state(w, name, CONNECTOR_LIVE));
}

static struct connector *find(struct world *w, const char *name)
{
    struct connector *c = connectors_find(world_connectors(w), view_of(name), NULL);

    assert_non_null(c);
    return c;
}

static void what_ran_runs_again(void **state)
{
    struct world *w = *state;
    char epoch[STORE_EPOCH_SIZE];
    struct connector *c;

    configure(w, "acme", ACME_URL);
    c = find(w, "acme");
    memcpy(epoch, store_epoch(connector_store(c)), sizeof epoch);
    connector_release(c);
    world_stop(w);
    orgs_add_login(world_orgs(w), ACME_PORT);
    world_start(w);
    c = find(w, "acme");
    assert_string_equal(store_epoch(connector_store(c)), epoch);
    connector_release(c);
    assert_true(world_wait_logins(w, "acme", 1));
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
}

static void what_was_retired_stays_so(void **state)
{
    struct world *w = *state;
    struct poller_snapshot now;
    struct connector *c;

    configure(w, "acme", ACME_URL);
    assert_taken(world_delete(w, "acme", true));
    world_stop(w);
    world_start(w);
    c = find(w, "acme");
    connector_snapshot(c, &now);
    assert_int_equal(now.state, CONNECTOR_RETIRED);
    assert_non_null(connector_store(c));
    /* What it had collected is known, though nothing runs. */
    assert_true(now.collections[COLLECTION_USERS].is_complete);
    assert_int_equal(now.collections[COLLECTION_USERS].objects, 5);
    connector_release(c);
}

/* A plain file where the store's folder should be. */
static void block_store(struct world *w, const char *org_id)
{
    char from[400], to[400];
    FILE *f;

    snprintf(from, sizeof from, "%s/data/orgs/%s", world_dir(w), org_id);
    snprintf(to, sizeof to, "%s/aside", world_dir(w));
    assert_int_equal(rename(from, to), 0);
    f = fopen(from, "w");
    assert_non_null(f);
    fclose(f);
}

static void one_that_cannot_open_is_shown_and_others_start(void **state)
{
    struct world *w = *state;
    struct poller_snapshot now;
    struct connector *c;

    configure(w, "acme", ACME_URL);
    configure(w, "beta", BETA_URL);
    world_stop(w);
    block_store(w, ACME_ID);
    world_start(w);
    c = find(w, "acme");
    connector_snapshot(c, &now);
    assert_int_equal(now.state, CONNECTOR_DEGRADED);
    assert_string_not_equal(now.state_reason, "");
    assert_null(connector_store(c));
    assert_string_equal(connector_org_id(c), ACME_ID);
    connector_release(c);
    assert_int_equal(world_health(w, "acme"), 's');
    assert_true(world_wait_state(w, "beta", CONNECTOR_LIVE));
}

static void a_half_done_move_to_a_new_name_is_finished(void **state)
{
    struct world *w = *state;
    struct registry_entry entry;

    configure(w, "acme", ACME_URL);
    entry = world_entry(w, "acme");
    snprintf(entry.name, sizeof entry.name, "old");
    entry.is_retired = true;
    entry.has_secret = false;
    assert_true(registry_put(world_registry(w), &entry, VIEW_NONE, NULL));
    world_stop(w);
    world_start(w);
    assert_true(world_wait_state(w, "acme", CONNECTOR_LIVE));
    assert_false(world_exists(w, "old"));
    assert_false(world_is_stored(w, "old"));
}

static void a_half_done_purge_is_finished(void **state)
{
    struct world *w = *state;
    char command[400];

    configure(w, "acme", ACME_URL);
    assert_taken(world_delete(w, "acme", true));
    world_stop(w);
    /* As a crash between removing the folder and removing the entry leaves it. */
    snprintf(command, sizeof command, "rm -rf '%s/data/orgs/%s'", world_dir(w), ACME_ID);
    assert_int_equal(system(command), 0);
    world_start(w);
    assert_false(world_exists(w, "acme"));
    assert_false(world_is_stored(w, "acme"));
}

static void finding_one_needs_no_name_where_it_is_alone(void **state)
{
    struct world *w = *state;
    struct connector *all[CONNECTORS_MAX], *c;
    struct error err;

    assert_null(connectors_find(world_connectors(w), VIEW_NONE, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    configure(w, "beta", BETA_URL);
    c = connectors_find(world_connectors(w), VIEW_NONE, &err);
    assert_non_null(c);
    connector_release(c);
    configure(w, "acme", ACME_URL);
    assert_null(connectors_find(world_connectors(w), VIEW_NONE, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "NAME_REQUIRED");
    assert_int_equal(connectors_all(world_connectors(w), all), 2);
    assert_string_equal(connector_name(all[0]), "acme");
    assert_string_equal(connector_name(all[1]), "beta");
    assert_int_not_equal(connector_topic(all[0]), connector_topic(all[1]));
    connector_release(all[0]);
    connector_release(all[1]);
}

static void there_is_room_for_so_many_and_no_more(void **state)
{
    struct world *w = *state;
    const struct configure_request r = request_of("one-more", ACME_URL, ORG_TOKEN);
    struct connector *all[CONNECTORS_MAX];
    size_t count;

    for (int i = 0; i < CONNECTORS_MAX; i++) {
        struct registry_entry entry = { .is_declared = true, .collections = 6, .history_days = 1, .retention_days = 2 };

        snprintf(entry.name, sizeof entry.name, "c%02d", i);
        snprintf(entry.org_id, sizeof entry.org_id, "00o%02d", i);
        snprintf(entry.org_url, sizeof entry.org_url, "http://127.0.0.1:%d", 30000 + i);
        assert_true(registry_put(world_registry(w), &entry, VIEW_NONE, NULL));
    }
    world_stop(w);
    world_start(w);
    count = connectors_all(world_connectors(w), all);
    assert_int_equal(count, CONNECTORS_MAX);
    for (size_t i = 0; i < count; i++)
        connector_release(all[i]);
    assert_refused(world_configure(w, &r), ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS");
    assert_taken(world_delete(w, "c17", false));
    assert_taken(world_configure(w, &r));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_ran_runs_again),
        TEST(what_was_retired_stays_so),
        TEST(one_that_cannot_open_is_shown_and_others_start),
        TEST(a_half_done_move_to_a_new_name_is_finished),
        TEST(a_half_done_purge_is_finished),
        TEST(there_is_room_for_so_many_and_no_more),
        TEST(finding_one_needs_no_name_where_it_is_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
