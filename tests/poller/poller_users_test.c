/* The users: all of them in one listing, then what changes. */
#include "store/directory.h"
#include "world/poller_world.h"

#include "rows.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>

#define MINUTE 60000

static const struct world_options org_of_2000 = {
    .org = { .seed = 11, .users = 2000 },
    .latency_ms = 200,
    .collections = 1u << COLLECTION_USERS,
};

static bool ignore_row(void *ctx, const struct directory_row *row)
{
    (void)ctx;
    (void)row;
    return true;
}

static void check_users(struct world *w)
{
    struct error err;
    uint64_t count;
    bool found;

    for (size_t i = 0; i < emulator_user_count(w->emulator); i++) {
        assert_true(directory_get(w->store, 1 /* users */, view_of(emulator_user_id(w->emulator, i)), ignore_row, NULL,
                                  &found, &err));
        assert_true(found);
    }
    assert_true(directory_count(w->store, 1 /* users */, &count, &err));
    assert_int_equal(count, emulator_user_count(w->emulator));
    assert_int_equal(w->now.collections[COLLECTION_USERS].objects, count);
}

static void two_thousand_users_in_all_states_are_ten_calls(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &org_of_2000);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users"), 10);
    assert_int_equal(w.now.collections[COLLECTION_USERS].pages, 10);
    assert_int_equal(w.now.collections[COLLECTION_USERS].listed, 2000);
    assert_true(w.now.collections[COLLECTION_USERS].is_complete);
    check_users(&w);
    world_close(&w);
}

static void a_restart_goes_on_at_the_page(void **state)
{
    uint64_t objects = 0;
    struct world w;

    (void)state;
    world_open(&w, &org_of_2000);
    for (int i = 0; i < 1000 && !world_is_live(&w); i++) {
        world_turn(&w);
        if (w.now.collections[COLLECTION_USERS].objects != objects)
            world_restart(&w);
        objects = w.now.collections[COLLECTION_USERS].objects;
    }
    check_users(&w);
    assert_int_equal(w.restarts, 10);
    assert_in_range(emulator_requests(w.emulator, "/api/v1/users"), 10, 20); /* at most one was on its way */
    world_close(&w);
}

static void a_dead_link_begins_the_listing_again(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &org_of_2000);
    for (int i = 0; i < 5; i++)
        world_turn(&w);
    emulator_fault(w.emulator, "/api/v1/users", 1, 400,
                   "{\"errorCode\":\"E0000031\",\"errorSummary\":\"Invalid search criteria.\"}");
    assert_true(world_run(&w, world_is_live, 5 * MINUTE));
    assert_int_equal(w.now.collections[COLLECTION_USERS].listed, 2000);
    check_users(&w);
    world_close(&w);
}

static void a_new_user_appears_within_minutes(void **state)
{
    struct world_options options = org_of_2000;
    struct world w;

    (void)state;
    options.org.index_lag_ms = 30000;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    world_pass(&w, 17 * MINUTE);
    emulator_add_user(w.emulator, w.clock.unix_ms, "new.one@acme.example");
    world_pass(&w, 12 * MINUTE);
    check_users(&w);
    assert_in_range(emulator_requests(w.emulator, "/api/v1/users"), 14, 18);
    world_close(&w);
}

static bool see_whether_left(void *ctx, const struct directory_row *row)
{
    *(bool *)ctx = memmem(row->encoded.at, row->encoded.len, "DEPROVISIONED", 13) != NULL;
    return true;
}

static bool has_left(const struct world *w, struct view id)
{
    struct error err;
    bool left = false, found;

    assert_true(directory_get(w->store, 1 /* users */, id, see_whether_left, &left, &found, &err));
    assert_true(found);
    return left;
}

/* A plain list would leave them out, and what is not listed any more is not taken for deleted. */
static void who_is_deactivated_or_gone_stays(void **state)
{
    struct world_options options = { .org = { .seed = 1, .users = 30, .index_lag_ms = 30000 }, .latency_ms = 100 };
    struct view left, gone;
    struct world w;

    (void)state;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    left = view_of(emulator_user_id(w.emulator, 3));
    gone = view_of(emulator_user_id(w.emulator, 4));
    assert_false(has_left(&w, left));
    assert_true(emulator_change_user(w.emulator, w.clock.unix_ms, left, EMULATOR_USER_DEACTIVATE));
    assert_true(emulator_change_user(w.emulator, w.clock.unix_ms, gone, EMULATOR_USER_DELETE));
    world_pass(&w, 12 * MINUTE);
    assert_true(has_left(&w, left));
    check_users(&w);
    world_close(&w);
}

static void users_changed_during_the_first_listing_are_found(void **state)
{
    struct world_options options = org_of_2000;
    struct world w;

    (void)state;
    options.latency_ms = 3 * MINUTE / 10;
    world_open(&w, &options);
    for (int i = 0; i < 4; i++)
        world_turn(&w);
    emulator_add_user(w.emulator, w.clock.unix_ms, "in.between@acme.example");
    assert_true(world_run(&w, world_is_live, 60 * MINUTE));
    world_pass(&w, 12 * MINUTE);
    check_users(&w);
    world_close(&w);
}

static void polling_for_changes_writes_nothing_when_there_are_none(void **state)
{
    uint64_t changed, pages;
    struct world w;

    (void)state;
    world_open(&w, &org_of_2000);
    assert_true(world_run(&w, world_is_live, MINUTE));
    world_pass(&w, 15 * MINUTE);
    changed = w.now.collections[COLLECTION_USERS].objects;
    pages = emulator_requests(w.emulator, "/api/v1/users");
    world_check_nothing_is_written(&w, 30 * MINUTE);
    assert_in_range(emulator_requests(w.emulator, "/api/v1/users") - pages, 5, 7);
    assert_int_equal(w.now.collections[COLLECTION_USERS].objects, changed);
    world_close(&w);
}

/* ---- trouble ---- */

static void no_user_at_all_is_suspicious(void **state)
{
    struct world_options options = { .org = { .seed = 1, .users = 30 }, .latency_ms = 100 };
    struct world w;

    (void)state;
    world_open(&w, &options);
    emulator_fault(w.emulator, "/api/v1/users", 2, 200, "[]");
    assert_true(world_run(&w, world_is_degraded, MINUTE));
    assert_false(w.now.collections[COLLECTION_USERS].is_complete);
    assert_non_null(strstr(w.now.state_reason, "role"));
    world_pass(&w, 4 * MINUTE);
    assert_true(world_is_degraded(&w));
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users"), 1);
    assert_true(world_run(&w, world_is_live, 12 * MINUTE));
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users"), 3);
    check_users(&w);
    world_close(&w);
}

static void no_change_is_not_suspicious(void **state)
{
    struct world_options options = { .org = { .seed = 1, .users = 30 }, .latency_ms = 100 };
    struct world w;

    (void)state;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    emulator_fault(w.emulator, "/api/v1/users", 1, 200, "[]");
    world_pass(&w, 6 * MINUTE);
    assert_true(world_is_live(&w));
    world_close(&w);
}

static void a_missing_role_waits_an_hour_and_stops_nothing_else(void **state)
{
    struct world_options options = { .org = { .seed = 1, .users = 30, .login_every_ms = 5000 }, .latency_ms = 100 };
    uint64_t logins;
    struct world w;

    (void)state;
    world_open(&w, &options);
    emulator_fault(w.emulator, "/api/v1/users", 3, 403, "{\"errorCode\":\"E0000006\",\"errorSummary\":\"no\"}");
    assert_true(world_run(&w, world_is_degraded, MINUTE));
    assert_non_null(strstr(w.now.state_reason, "/api/v1/users"));
    assert_int_equal(w.now.error_http_status, 403);
    logins = w.now.logins_stored;
    world_pass(&w, 50 * MINUTE);
    assert_true(w.now.logins_stored > logins);
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users"), 3);
    assert_true(world_run(&w, world_is_live, 20 * MINUTE));
    check_users(&w);
    world_close(&w);
}

static void a_page_too_large_for_okta_is_halved_and_grows_again(void **state)
{
    struct world_options options = org_of_2000;
    uint64_t calls;
    struct world w;

    (void)state;
    options.org.users = 12000;
    world_open(&w, &options);
    for (int i = 0; i < 4; i++)
        world_turn(&w);
    emulator_fault(w.emulator, "/api/v1/users", 2, 500, "{\"errorCode\":\"E0000009\"}");
    assert_true(world_run(&w, world_is_live, 60 * MINUTE));
    calls = emulator_requests(w.emulator, "/api/v1/users");
    assert_in_range(calls, 61, 75); /* 60 whole pages; some twenty at half the size */
    check_users(&w);
    assert_int_equal(emulator_violations(w.emulator), 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thousand_users_in_all_states_are_ten_calls),
        cmocka_unit_test(a_restart_goes_on_at_the_page),
        cmocka_unit_test(a_dead_link_begins_the_listing_again),
        cmocka_unit_test(a_new_user_appears_within_minutes),
        cmocka_unit_test(who_is_deactivated_or_gone_stays),
        cmocka_unit_test(users_changed_during_the_first_listing_are_found),
        cmocka_unit_test(polling_for_changes_writes_nothing_when_there_are_none),
        cmocka_unit_test(no_user_at_all_is_suspicious),
        cmocka_unit_test(no_change_is_not_suspicious),
        cmocka_unit_test(a_missing_role_waits_an_hour_and_stops_nothing_else),
        cmocka_unit_test(a_page_too_large_for_okta_is_halved_and_grows_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
