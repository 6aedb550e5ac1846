/* Adding a collection is adding a row: with one more row in the table, and no other change, the poller collects it, and
 * Status, plan, waits, metrics and --collect know it. tests/connectors has the same for Configure and verify. */
#include "config/config.h"
#include "metrics/metrics.h"
#include "service/convert.h"
#include "store/directory.h"
#include "world/collections.h"
#include "world/poller_world.h"

#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60000
#define ALL    (1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS | 1u << COLLECTION_ONE_MORE)

static const struct world_options org = {
    .org = { .seed = 5, .users = 300 },
    .latency_ms = 200,
    .collections = ALL,
};

static struct world w;

static int setup(void **state)
{
    (void)state;
    world_open(&w, &org);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void the_poller_lists_it_into_rows_of_its_own(void **state)
{
    uint64_t count;
    struct error err;

    (void)state;
    assert_true(world_run(&w, world_is_synced, MINUTE));
    assert_true(directory_count(w.store, 2, &count, &err));
    assert_true(count > 0);
    assert_int_equal(w.now.collections[COLLECTION_ONE_MORE].objects, count);
    assert_int_equal(w.now.collections[COLLECTION_ONE_MORE].listed, count);
    assert_int_equal(w.now.collections[COLLECTION_ONE_MORE].pages, (count + 1) / 2);
    assert_true(w.now.collections[COLLECTION_ONE_MORE].is_complete);
    assert_int_equal(w.now.collections[COLLECTION_USERS].objects, 300);
}

static void a_restart_goes_on_from_its_position(void **state)
{
    (void)state;
    assert_true(world_run(&w, world_is_synced, MINUTE));
    world_restart(&w);
    world_turn(&w);
    assert_true(w.now.collections[COLLECTION_ONE_MORE].is_complete);
}

static void the_plan_has_a_part_for_it(void **state)
{
    bool has_part = false;

    (void)state;
    world_turn(&w);
    for (size_t i = 0; i < w.now.plan.count; i++)
        has_part = has_part || (strcmp(w.now.plan.parts[i].what, "groups") == 0 &&
                                strcmp(w.now.plan.parts[i].bucket, "/api/v1/groups") == 0);
    assert_true(has_part);
}

static bool has_wait(const struct world *of, const char *what)
{
    for (size_t i = 0; i < of->now.wait_count; i++)
        if (strcmp(of->now.waits[i].what, what) == 0)
            return true;
    return false;
}

static bool groups_wait(const struct world *of)
{
    return has_wait(of, "groups");
}

/* With the priority alone Status would blame the first lane of that priority, users. */
static void a_wait_for_its_rate_limit_is_its_own(void **state)
{
    const struct world_options small = { .org = { .seed = 5, .users = 300, .other_limit = 2 },
                                         .latency_ms = 200,
                                         .collections = ALL };

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, groups_wait, 20 * MINUTE));
    assert_false(has_wait(&w, "users"));
    world_close(&w);
}

static void status_shows_it(void **state)
{
    AUTO_SCRATCH struct scratch scratch = { NULL };
    Okta__Connector__V1__CollectionStatus **rows;
    size_t count;

    (void)state;
    assert_true(world_run(&w, world_is_synced, MINUTE));
    rows = convert_collections(&scratch, &w.now, &count);
    assert_int_equal(count, 3);
    assert_int_equal(rows[2]->collection, COLLECTION_ONE_MORE);
    assert_true(rows[2]->complete);
    assert_true(rows[2]->objects > 0);
}

static void metrics_show_it(void **state)
{
    struct metrics *m = calloc(1, sizeof *m + sizeof m->connectors[0]);
    AUTO_BUF struct buf out = BUF(1 << 20);

    (void)state;
    assert_true(world_run(&w, world_is_synced, MINUTE));
    m->version = "1";
    m->connector_count = 1;
    snprintf(m->connectors[0].name, sizeof m->connectors[0].name, "acme");
    m->connectors[0].now = w.now;
    metrics_render(m, &out);
    free(m);
    assert_non_null(
        strstr(buf_cstr(&out), "okta_connector_collection_complete{connector=\"acme\",collection=\"groups\"} 1"));
}

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static void it_can_be_chosen(void **state)
{
    const char *const argv[] = { "okta-connectord", "--data-dir", "/tmp",      "--org",         "acme",
                                 "--token-file",    "/t",         "--collect", "groups,logins", "--config",
                                 "/dev/null" };
    struct config *config = calloc(1, sizeof *config);
    struct config_problems *problems = calloc(1, sizeof *problems);

    (void)state;
    assert_true(config_load(config, sizeof argv / sizeof argv[0], argv, no_environment, problems));
    assert_int_equal(config->declared[0].collections, 1u << COLLECTION_ONE_MORE | 1u << COLLECTION_LOGINS);
    free(config);
    free(problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_poller_lists_it_into_rows_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_goes_on_from_its_position, setup, teardown),
        cmocka_unit_test_setup_teardown(the_plan_has_a_part_for_it, setup, teardown),
        cmocka_unit_test(a_wait_for_its_rate_limit_is_its_own),
        cmocka_unit_test_setup_teardown(status_shows_it, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_show_it, setup, teardown),
        cmocka_unit_test(it_can_be_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
