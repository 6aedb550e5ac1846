/* At the head: how soon, how often, what it costs, and what the poller shows of itself. */
#include "world/poller_world.h"

#include "model/snapshot.h"
#include "model/state.h"
#include "rows.h"
#include "world/collections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MINUTE 60000

static const struct world_options small = {
    .org = { .seed = 31, .users = 20 },
    .latency_ms = 100,
};

/* ---- idle ---- */

static void an_idle_poll_writes_nothing(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    world_pass(&w, MINUTE);
    world_check_nothing_is_written(&w, 20 * MINUTE);
    assert_true(w.now.tail_success_unix_ms > w.clock.unix_ms - 10000);
    world_close(&w);
}

static void an_idle_minute_costs_at_most_thirteen_calls(void **state)
{
    uint64_t before, calls = 0, most = 0;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    before = emulator_requests(w.emulator, "");
    for (int i = 0; i < 60; i++) {
        uint64_t at = emulator_requests(w.emulator, "");

        world_pass(&w, MINUTE);
        calls = emulator_requests(w.emulator, "") - at;
        most = calls > most ? calls : most;
    }
    assert_in_range(most, 11, 14); /* by chance, and every five minutes the users' */
    assert_in_range(emulator_requests(w.emulator, "") - before, 60 * 11, 60 * 13);
    assert_int_equal(w.now.tail_interval_ms, 5000);
    world_close(&w);
}

static void a_login_is_stored_within_the_interval(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    for (int i = 0; i < 20; i++) {
        int64_t made_ms = w.clock.unix_ms;
        uint64_t stored = w.now.logins_stored;

        emulator_add_event(w.emulator, made_ms, made_ms, NULL, VIEW_NONE);
        while (w.now.logins_stored == stored)
            world_turn(&w);
        assert_true(w.clock.unix_ms - made_ms <= 6000);
    }
    world_close(&w);
}

/* ---- poll now ---- */

static uint64_t wanted;

static bool has_wanted_round(const struct world *w)
{
    return w->now.tail_rounds > wanted;
}

static void poll_now_polls_at_once(void **state)
{
    struct error err;
    int64_t then_ms;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    while (w.now.tail_attempt_unix_ms > w.now.tail_success_unix_ms)
        world_turn(&w);
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, VIEW_NONE);
    then_ms = w.clock.unix_ms;
    assert_true(poller_poll_now(w.poller, &wanted, &err));
    assert_int_equal(wanted, w.now.tail_rounds);
    assert_true(world_run(&w, has_wanted_round, 300));
    assert_true(w.clock.unix_ms - then_ms <= 300);
    assert_int_equal(w.now.logins_stored, 1);
    world_close(&w);
}

static void a_poll_under_way_does_not_count(void **state)
{
    struct error err;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_true(poller_poll_now(w.poller, &wanted, &err));
    (void)poller_turn(w.poller, 50); /* it is asked, and its answer on the way */
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, VIEW_NONE);
    assert_true(poller_poll_now(w.poller, &wanted, &err));
    assert_int_equal(wanted, w.now.tail_rounds + 1);
    assert_true(world_run(&w, has_wanted_round, 500));
    assert_int_equal(w.now.logins_stored, 1);
    world_close(&w);
}

static void poll_now_without_a_tail_is_no_endless_wait(void **state)
{
    struct world_options options = small;
    struct error err;
    struct world w;

    (void)state;
    options.collections = 1u << COLLECTION_USERS;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_true(poller_poll_now(w.poller, &wanted, &err));
    assert_true(world_run(&w, has_wanted_round, MINUTE));
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/logs"), 0);
    world_close(&w);
}

static void haste_does_not_burden_an_org_that_fails(void **state)
{
    uint64_t before;
    int64_t until_ms;
    struct error err;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    emulator_fault(w.emulator, "/api/v1/", 100000, 400, "{\"errorCode\":\"E0000028\",\"errorSummary\":\"no\"}");
    before = emulator_requests(w.emulator, "");
    until_ms = w.clock.unix_ms + 10 * MINUTE;
    while (w.clock.unix_ms < until_ms) {
        assert_true(poller_poll_now(w.poller, &wanted, &err));
        world_turn(&w);
    }
    assert_in_range(emulator_requests(w.emulator, "") - before, 10, 60);
    world_close(&w);
}

/* ---- what is shown ---- */

static void states_go_from_starting_over_syncing_to_live(void **state)
{
    struct world_options options = small;
    struct world w;

    (void)state;
    options.org.users = 2000;
    world_open(&w, &options);
    assert_int_equal(w.now.state, CONNECTOR_STARTING);
    assert_true(w.now.version > 0);
    world_turn(&w);
    world_turn(&w);
    assert_int_equal(w.now.state, CONNECTOR_SYNCING);
    assert_true(w.now.state_reason[0] != '\0');
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_string_equal(w.now.state_reason, "");
    assert_true(w.now.bucket_count >= 2);
    assert_true(w.now.counts.requests >= 11);
    assert_int_equal(w.changed, w.now.version);
    world_close(&w);
}

static void three_failures_are_degraded_and_an_answer_is_live(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    emulator_fault(w.emulator, "/api/v1/logs", 2, 503, "");
    world_pass(&w, 30000);
    assert_true(world_is_live(&w));
    assert_int_equal(w.now.error_http_status, 503);
    emulator_fault(w.emulator, "/api/v1/logs", 1000, 503, "");
    assert_true(world_run(&w, world_is_degraded, 5 * MINUTE));
    assert_non_null(strstr(w.now.state_reason, "logins"));
    assert_true(w.now.wait_count > 0);
    world_pass(&w, 120 * MINUTE);
    assert_true(world_is_degraded(&w));
    emulator_clear_faults(w.emulator);
    assert_true(world_run(&w, world_is_live, 600 * MINUTE));
    world_close(&w);
}

static void a_rate_limit_is_a_wait_with_a_reason(void **state)
{
    struct world_options options = small;
    bool has_waited = false;
    struct world w;

    (void)state;
    options.org.users = 20000;
    options.org.users_limit = 20;
    world_open(&w, &options);
    for (int i = 0; i < 60 && !has_waited; i++) {
        world_turn(&w);
        for (size_t j = 0; j < w.now.wait_count; j++)
            has_waited = has_waited || (strcmp(w.now.waits[j].what, "users") == 0 &&
                                        strcmp(w.now.waits[j].bucket, "/api/v1/users") == 0 &&
                                        w.now.waits[j].until_unix_ms > 0 && w.now.waits[j].reason[0] != '\0');
    }
    assert_true(has_waited);
    assert_int_equal(emulator_answers_429(w.emulator), 0);
    world_close(&w);
}

static void an_unchosen_collection_is_not_asked_for(void **state)
{
    struct world_options options = small;
    struct poller_settings settings = { 1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS, 0, 90 };
    struct error err;
    struct world w;

    (void)state;
    options.collections = 1u << COLLECTION_LOGINS;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_int_equal(emulator_requests(w.emulator, "/api/v1/users"), 0);
    assert_false(w.now.collections[COLLECTION_USERS].is_chosen);
    assert_true(poller_reconfigure(w.poller, &w.options.url, VIEW_NONE, &settings, &err));
    world_turn(&w);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_true(w.now.collections[COLLECTION_USERS].is_complete);
    world_close(&w);
}

static void another_address_is_used_at_once(void **state)
{
    struct poller_settings settings = { 1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS, 0, 90 };
    struct okta_url url;
    struct error err;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    assert_true(okta_url_parse(VIEW("https://login.acme.example"), false, &url, &err));
    assert_true(poller_reconfigure(w.poller, &url, VIEW_NONE, &settings, &err));
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, VIEW_NONE);
    world_pass(&w, 10000);
    assert_int_equal(w.now.logins_stored, 1);
    assert_true(world_is_live(&w));
    world_close(&w);
}

/* ---- the thread ---- */

/* One thread drives the clock by waiting in the transport; the others look on. */
static atomic_uint thread_changes;

static void on_change(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&thread_changes, 1);
}

static void *look_on(void *ctx)
{
    struct world *w = ctx;
    struct poller_snapshot now;
    struct error err;
    uint64_t rounds;

    do {
        poller_snapshot(w->poller, &now);
    } while (poller_poll_now(w->poller, &rounds, &err) && now.tail_rounds < 50);
    return NULL;
}

static void the_thread_polls_until_it_is_stopped(void **state)
{
    struct world_options options = small;
    struct poller_snapshot now;
    struct error err;
    uint64_t rounds;
    pthread_t other;
    struct world w;

    (void)state;
    options.org.login_every_ms = 1000;
    world_open(&w, &options);
    poller_destroy(w.poller);
    w.options.changed = on_change;
    assert_true(poller_create(&w.poller, &w.options, VIEW(WORLD_TOKEN), &err));
    poller_start(w.poller);
    assert_int_equal(pthread_create(&other, NULL, look_on, &w), 0);
    pthread_join(other, NULL);
    poller_stop(w.poller);
    poller_join(w.poller);
    poller_snapshot(w.poller, &now);
    assert_true(now.tail_rounds >= 50);
    assert_true(atomic_load(&thread_changes) >= 50);
    assert_false(poller_poll_now(w.poller, &rounds, &err));
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_poll_writes_nothing),
        cmocka_unit_test(an_idle_minute_costs_at_most_thirteen_calls),
        cmocka_unit_test(a_login_is_stored_within_the_interval),
        cmocka_unit_test(poll_now_polls_at_once),
        cmocka_unit_test(a_poll_under_way_does_not_count),
        cmocka_unit_test(poll_now_without_a_tail_is_no_endless_wait),
        cmocka_unit_test(haste_does_not_burden_an_org_that_fails),
        cmocka_unit_test(states_go_from_starting_over_syncing_to_live),
        cmocka_unit_test(three_failures_are_degraded_and_an_answer_is_live),
        cmocka_unit_test(a_rate_limit_is_a_wait_with_a_reason),
        cmocka_unit_test(an_unchosen_collection_is_not_asked_for),
        cmocka_unit_test(another_address_is_used_at_once),
        cmocka_unit_test(the_thread_polls_until_it_is_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
