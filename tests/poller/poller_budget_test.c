/* What a poller may cost an org: an hour with a neighbour, a small bucket, a quiet org, a sleep, a warning. */
#include "world/day.h"

#include "model/state.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

static void an_hour_beside_a_neighbour_who_uses_half(void **state)
{
    static const struct day_options options = { HOUR, 120, 50, 1, 50000, false };
    struct day_figures f;

    (void)state;
    day_run(&options, &f);
    assert_int_equal(f.answers_429, 0);
    assert_int_equal(f.over_share, 0);
    assert_true(f.events > 1000);
    assert_true(f.lag_p99_ms <= 2 * f.interval_ms);
    assert_in_range(f.logs_a_minute_max, 11, 13);
    assert_true(f.users_a_minute <= 0.2);
    assert_int_equal(f.lost + f.doubled, 0);
}

static void history_moves_in_a_small_bucket(void **state)
{
    static const struct day_options options = { 20 * MINUTE, 25, 50, 4, 50000, true };
    struct day_figures f;

    (void)state;
    day_run(&options, &f);
    assert_int_equal(f.answers_429, 0);
    assert_int_equal(f.over_share, 0);
    assert_true(f.history_days > 0.5);
    assert_true(f.lag_p99_ms <= 2 * f.interval_ms + 2000);
}

static void thirty_quiet_days_cost_a_handful_of_calls(void **state)
{
    static const struct day_options options = { HOUR, 120, 0, 30, 20, true };
    struct day_figures f;

    (void)state;
    day_run(&options, &f);
    assert_int_equal(f.history_pages, 5); /* 1 + 2 + 4 + 8 + 15 days */
    assert_int_equal(f.lost + f.doubled, 0);
}

/* ---- a world of our own ---- */

static const struct world_options small = {
    .org = { .seed = 31, .users = 20, .history_events = 150000, .history_days = 30, .logs_limit = 120 },
    .history_days = 20,
    .latency_ms = 100,
};

static uint64_t calls_in(struct world *w, int64_t ms)
{
    uint64_t before = emulator_requests(w->emulator, "");

    world_pass(w, ms);
    return emulator_requests(w->emulator, "") - before;
}

static const struct wait_snapshot *wait_of(const struct world *w, const char *what)
{
    for (size_t i = 0; i < w->now.wait_count; i++)
        if (strcmp(w->now.waits[i].what, what) == 0)
            return &w->now.waits[i];
    return NULL;
}

static const struct okta_bucket *logs_bucket(const struct world *w)
{
    for (size_t i = 0; i < w->now.bucket_count; i++)
        if (strcmp(w->now.buckets[i].name, "/api/v1/logs") == 0)
            return &w->now.buckets[i];
    return NULL;
}

/* ---- history ---- */

static void several_pages_of_history_wait_behind_one_poll(void **state)
{
    struct world_options options = small;
    uint64_t calls;
    struct world w;

    (void)state;
    options.org.history_events = 60000; /* 40 pages, and a few for the windows' ends */
    options.org.logs_limit = 6000;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, MINUTE));
    calls = emulator_requests(w.emulator, "/api/v1/logs");
    assert_in_range(calls, 45, 66); /* one poll a page would be 80 and more */
    world_check_exactly_once(&w);
    world_close(&w);
}

/* ---- asleep ---- */

static void a_machine_that_slept_does_not_make_up_for_it(void **state)
{
    struct world_options options = small;
    struct world w;

    (void)state;
    options.history_days = 1;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    hand_clock_advance(&w.clock, 8 * HOUR);
    assert_in_range(calls_in(&w, MINUTE), 10, 15); /* polls, and once the users */
    w.clock.unix_ms += 8 * HOUR;                   /* our own clock stood still meanwhile */
    assert_in_range(calls_in(&w, MINUTE), 10, 15);
    assert_int_equal(emulator_answers_429(w.emulator), 0);
    assert_int_equal(w.now.state, CONNECTOR_LIVE);
    world_close(&w);
}

/* ---- refused ---- */

static void a_dead_token_is_tried_four_times_an_hour(void **state)
{
    struct world_options options = small;
    struct world w;

    (void)state;
    options.history_days = 0;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    emulator_revoke_token(w.emulator);
    assert_true(world_run(&w, world_is_refused, MINUTE));
    assert_in_range(calls_in(&w, 4 * HOUR), 4 * 3, 4 * 5);
    assert_true(world_is_refused(&w));
    emulator_set_token(w.emulator, WORLD_TOKEN);
    assert_true(world_run(&w, world_is_live, 17 * MINUTE));
    world_close(&w);
}

/* ---- warned ---- */

static void a_warning_in_the_log_makes_us_yield(void **state)
{
    const struct wait_snapshot *wait;
    uint64_t pages;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_true(world_run(&w, world_is_live, MINUTE));
    world_pass(&w, 20000);
    assert_int_equal(w.now.history, HISTORY_RUNNING);
    assert_int_equal(logs_bucket(&w)->share_percent, 50);
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, "system.org.rate_limit.warning", VIEW_NONE);
    world_pass(&w, 10000);
    pages = w.now.history_stored;
    wait = wait_of(&w, "budget");
    assert_non_null(wait);
    assert_in_range(wait->until_unix_ms - w.clock.unix_ms, 4 * MINUTE, 5 * MINUTE);
    wait = wait_of(&w, "history");
    assert_non_null(wait);
    assert_string_equal(wait->bucket, "/api/v1/logs");
    assert_true(wait->until_unix_ms > w.clock.unix_ms && wait->reason[0] != '\0');
    assert_int_equal(logs_bucket(&w)->share_percent, 25);
    assert_in_range(calls_in(&w, 3 * MINUTE), 3 * 10, 3 * 14);
    assert_int_equal(w.now.history_stored, pages);
    world_pass(&w, 3 * MINUTE);
    assert_null(wait_of(&w, "budget"));
    assert_true(w.now.history_stored > pages);
    world_close(&w);
}

static void a_warning_of_yesterday_or_another_event_does_not(void **state)
{
    struct world_options options = small;
    struct world w;

    (void)state;
    options.history_days = 0;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms - WORLD_DAY_MS, "system.org.rate_limit.warning",
                       VIEW_NONE);
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, "system.rate_limit.configuration.update",
                       VIEW_NONE);
    world_pass(&w, 20000);
    assert_null(wait_of(&w, "budget"));
    world_close(&w);
}

/* ---- the plan ---- */

static void a_sync_has_a_plan_and_comes_near_it(void **state)
{
    int64_t eta_ms;
    struct world w;

    (void)state;
    world_open(&w, &small);
    assert_int_equal(w.now.plan.count, 2); /* users and history: nothing is known of either */
    assert_false(w.now.plan.is_known);
    assert_true(world_run(&w, world_is_live, MINUTE));
    world_pass(&w, 5000);
    assert_int_equal(w.now.plan.count, 1);
    assert_true(w.now.plan.is_known);
    assert_string_equal(w.now.plan.parts[0].what, "history");
    assert_string_equal(w.now.plan.parts[0].bucket, "/api/v1/logs");
    assert_in_range(w.now.plan.parts[0].calls_left, 60, 110); /* 100,000 events */
    eta_ms = w.now.plan_eta_unix_ms;
    assert_true(world_run(&w, world_is_synced, HOUR));
    assert_in_range(w.clock.unix_ms - eta_ms + 2 * MINUTE, 0, 4 * MINUTE);
    assert_int_equal(w.now.plan.count, 0);
    assert_int_equal(w.now.plan_eta_unix_ms, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_beside_a_neighbour_who_uses_half),
        cmocka_unit_test(history_moves_in_a_small_bucket),
        cmocka_unit_test(thirty_quiet_days_cost_a_handful_of_calls),
        cmocka_unit_test(several_pages_of_history_wait_behind_one_poll),
        cmocka_unit_test(a_machine_that_slept_does_not_make_up_for_it),
        cmocka_unit_test(a_dead_token_is_tried_four_times_an_hour),
        cmocka_unit_test(a_warning_in_the_log_makes_us_yield),
        cmocka_unit_test(a_warning_of_yesterday_or_another_event_does_not),
        cmocka_unit_test(a_sync_has_a_plan_and_comes_near_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
