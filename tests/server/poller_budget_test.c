/* What a poller may cost an org: an hour with a neighbour, a small bucket, a quiet org, a sleep, a warning. */
#include "day.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_beside_a_neighbour_who_uses_half),
        cmocka_unit_test(history_moves_in_a_small_bucket),
        cmocka_unit_test(thirty_quiet_days_cost_a_handful_of_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
