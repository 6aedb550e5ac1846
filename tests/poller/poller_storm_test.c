/* Bad weather, shorter than in the bench: nothing lost, nothing doubled, nothing said that is not so, and soon well. */
#include "world/storm.h"

#include "rows.h"

#include <stdio.h>

#define REQUESTS_OF_ALL 3000
#define REQUESTS_OF_ONE 150

static void check(const struct storm_figures *f)
{
    assert_int_equal(f->lost, 0);
    assert_int_equal(f->doubled, 0);
    assert_int_equal(f->untrue, 0);
    assert_int_equal(f->slow_recoveries, 0);
    assert_int_equal(f->violations, 0);
    assert_true(f->calls_a_minute_max <= 300); /* our half of the limit, whatever happens */
}

static void all_kinds_at_random(void **state)
{
    const struct storm_options options = { 11, REQUESTS_OF_ALL, WEATHER_CALM };
    struct storm_figures f;

    (void)state;
    storm_run(&options, &f);
    check(&f);
    assert_true(f.restarts > 0);
}

static void one_kind_alone(void **state)
{
    struct storm_options options = { 5, REQUESTS_OF_ONE, *(const enum weather_kind *)*state };
    struct storm_figures f;

    storm_run(&options, &f);
    check(&f);
    if (options.only != WEATHER_CURSORS_EXPIRE)
        assert_true(f.spoiled[options.only] > 0);
}

int main(void)
{
    static enum weather_kind kinds[WEATHER_KINDS];
    struct CMUnitTest tests[WEATHER_KINDS] = { cmocka_unit_test(all_kinds_at_random) };

    for (int i = 1; i < WEATHER_KINDS; i++) {
        kinds[i] = (enum weather_kind)i;
        tests[i] = (struct CMUnitTest){ weather_name(kinds[i]), one_kind_alone, NULL, NULL, &kinds[i] };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
