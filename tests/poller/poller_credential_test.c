/* Dead tokens: told from a stray refusal, and no burden on the org. */
#include "world/poller_world.h"

#include "rows.h"

#include <string.h>

#define MINUTE    60000
#define NEW_TOKEN "00anotherTokenForTests"

static const struct world_options org = {
    .org = { .seed = 5, .users = 30, .history_events = 300, .history_days = 2, .login_every_ms = 3000 },
    .history_days = 1,
    .latency_ms = 100,
};

static const char REFUSED[] = "{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\"}";

static void reconfigure(struct world *w, const char *token)
{
    const struct poller_settings settings = { w->options.collections, w->options.history_days,
                                              w->options.retention_days };
    struct error err;

    assert_true(poller_reconfigure(w->poller, &w->options.url, view_of(token), &settings, &err));
}

static void a_dead_token_asks_for_a_new_one_and_goes_on_where_it_was(void **state)
{
    uint64_t requests, rounds;
    struct error err;
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    emulator_revoke_token(w.emulator);
    assert_true(world_run(&w, world_is_refused, 3 * MINUTE));
    assert_false(poller_poll_now(w.poller, &rounds, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    requests = emulator_requests(w.emulator, "");
    world_pass(&w, 120 * MINUTE);
    assert_true(world_is_refused(&w));
    assert_in_range(emulator_requests(w.emulator, "") - requests, 6, 10); /* one each quarter of an hour */
    emulator_set_token(w.emulator, NEW_TOKEN);
    reconfigure(&w, NEW_TOKEN);
    assert_true(world_run(&w, world_is_synced, MINUTE / 2));
    emulator_stop_logins(w.emulator);
    world_pass(&w, 5 * MINUTE);
    world_check_exactly_once(&w);
    world_close(&w);
}

static void a_token_that_works_again_is_noticed(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    emulator_revoke_token(w.emulator);
    assert_true(world_run(&w, world_is_refused, 3 * MINUTE));
    emulator_set_token(w.emulator, WORLD_TOKEN);
    assert_true(world_run(&w, world_is_live, 20 * MINUTE));
    world_close(&w);
}

static void one_stray_refusal_changes_nothing(void **state)
{
    uint64_t changes;
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    changes = w.now.state_changes;
    emulator_fault(w.emulator, "/api/v1/logs", 1, 401, REFUSED);
    for (int i = 0; i < 40; i++) {
        world_turn(&w);
        assert_true(world_is_live(&w));
    }
    assert_int_equal(w.now.state_changes, changes);
    emulator_stop_logins(w.emulator);
    world_pass(&w, 5 * MINUTE);
    world_check_exactly_once(&w);
    world_close(&w);
}

static void a_dead_token_is_believed_after_three_refusals_over_ten_seconds_by_two_endpoints(void **state)
{
    int64_t refused_ms;
    uint64_t users;
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    users = emulator_requests(w.emulator, "/api/v1/users");
    emulator_revoke_token(w.emulator);
    while (w.now.error_http_status != 401)
        world_turn(&w);
    refused_ms = w.clock.mono_ms;
    assert_true(world_run(&w, world_is_refused, MINUTE));
    assert_in_range(w.clock.mono_ms - refused_ms, 10000, 15000);
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users") - users, 1);
    assert_int_equal(w.now.reason, REASON_TOKEN_REFUSED);
    world_close(&w);
}

static void one_endpoint_that_refuses_is_no_dead_token(void **state)
{
    uint64_t logins;
    struct world w;

    (void)state;
    world_open(&w, &org);
    emulator_fault(w.emulator, "/api/v1/users", 1000, 401, REFUSED);
    world_pass(&w, 30 * MINUTE);
    assert_true(world_is_degraded(&w));
    assert_non_null(strstr(w.now.state_reason, "users"));
    logins = w.now.logins_stored;
    world_pass(&w, 10 * MINUTE);
    assert_true(w.now.logins_stored > logins);
    world_close(&w);
}

static void a_newer_token_is_tried_at_once(void **state)
{
    int64_t then_ms;
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    w.fresh_token = NEW_TOKEN;
    emulator_set_token(w.emulator, NEW_TOKEN);
    while (w.now.error_http_status != 401)
        world_turn(&w);
    then_ms = w.clock.unix_ms;
    while (w.now.tail_success_unix_ms < then_ms)
        world_turn(&w);
    assert_true(w.now.tail_success_unix_ms - then_ms <= 1000);
    assert_true(world_is_live(&w));
    assert_int_equal(w.fresh_asked, 1);
    emulator_stop_logins(w.emulator);
    world_pass(&w, MINUTE);
    world_check_exactly_once(&w);
    world_close(&w);
}

static void a_token_that_never_worked_is_said_to_be_refused(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &org);
    emulator_set_token(w.emulator, NEW_TOKEN);
    assert_true(world_run(&w, world_is_refused, MINUTE));
    assert_non_null(strstr(w.now.state_reason, "token"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_token_asks_for_a_new_one_and_goes_on_where_it_was),
        cmocka_unit_test(a_token_that_works_again_is_noticed),
        cmocka_unit_test(one_stray_refusal_changes_nothing),
        cmocka_unit_test(a_dead_token_is_believed_after_three_refusals_over_ten_seconds_by_two_endpoints),
        cmocka_unit_test(one_endpoint_that_refuses_is_no_dead_token),
        cmocka_unit_test(a_newer_token_is_tried_at_once),
        cmocka_unit_test(a_token_that_never_worked_is_said_to_be_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
