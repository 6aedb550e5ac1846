#include "model/plan.h"

#include "rows.h"

#include <string.h>

#define DAY INT64_C(86400000)

/* ---- how long ---- */

static const struct time_row {
    const char *name;
    uint64_t calls;
    struct plan_pace pace;
    bool want_known;
    int64_t want_ms;
} time_rows[] = {
    { "nothing", 0, { 60, 12, 48, 500 }, true, 0 },
    { "what this window still gives takes its answers", 40, { 60, 12, 48, 500 }, true, 20000 },
    { "then it is windows", 96, { 60, 12, 48, 500 }, true, 60000 },
    { "slow answers", 96, { 60, 12, 48, 2000 }, true, 192000 },
    { "a window that is used up", 48, { 60, 12, -3, 500 }, true, 60000 },
    { "all of the share is the tail's", 3, { 1, 1, 0, 500 }, true, 180000 },
    { "an unknown limit", 10, { 0, 0, 0, 500 }, false, 0 },
    { "a latency that is none", 48, { 60, 12, 48, -5 }, true, 0 },
    { "more than anybody can wait for", UINT64_MAX, { 1, 0, 0, 0 }, true, PLAN_MS_MAX },
};

static void calls_take(void **state)
{
    const struct time_row *row = *state;
    int64_t ms = 0;

    assert_int_equal(plan_ms(row->calls, &row->pace, &ms), row->want_known);
    assert_int_equal(ms, row->want_ms);
}

/* ---- how many ---- */

static void history_goes_on_as_it_went(void **state)
{
    uint64_t calls = 77;

    (void)state;
    assert_true(plan_calls_by_pages(10, DAY, 29 * DAY, &calls));
    assert_int_equal(calls, 290);
    assert_true(plan_calls_by_pages(1, 20 * DAY, DAY, &calls));
    assert_int_equal(calls, 1);
    assert_true(plan_calls_by_pages(10, DAY, 0, &calls));
    assert_int_equal(calls, 0);
    assert_true(plan_calls_by_pages(0, 0, -DAY, &calls));
    assert_int_equal(calls, 0);
    assert_false(plan_calls_by_pages(0, DAY, DAY, &calls));
    assert_false(plan_calls_by_pages(5, 0, DAY, &calls));
    assert_true(plan_calls_by_pages(UINT64_MAX, 1, INT64_MAX, &calls));
    assert_int_equal(calls, 100000000);
}

static void the_first_minutes_tell_of_the_days_before(void **state)
{
    uint64_t calls;

    (void)state;
    assert_true(plan_calls_by_events(1000, DAY, 1000, 30 * DAY, &calls));
    assert_int_equal(calls, 32);
    assert_true(plan_calls_by_events(0, 600000, 1000, 30 * DAY, &calls));
    assert_int_equal(calls, 2);
    assert_true(plan_calls_by_events(7, 600000, 1000, 0, &calls));
    assert_int_equal(calls, 0);
    assert_false(plan_calls_by_events(7, 0, 1000, DAY, &calls));
    assert_false(plan_calls_by_events(7, DAY, 0, DAY, &calls));
}

/* ---- all together ---- */

static const struct plan_pace pace = { 60, 0, 0, 0 };

static void what_shares_a_bucket_goes_one_behind_the_other(void **state)
{
    struct sync_plan p;

    (void)state;
    plan_init(&p);
    plan_add(&p, "history", "/api/v1/logs", true, 60, &pace);
    plan_add(&p, "audit", "/api/v1/logs", true, 120, &pace);
    plan_add(&p, "users", "/api/v1/users", true, 90, &pace);
    plan_finish(&p);
    assert_true(p.is_known);
    assert_int_equal(p.count, 3);
    assert_int_equal(p.ms, 180000);
    assert_string_equal(p.parts[0].what, "history");
    assert_int_equal(p.parts[2].ms, 90000);
}

static void one_unknown_part_makes_the_end_unknown(void **state)
{
    struct sync_plan p;

    (void)state;
    plan_init(&p);
    plan_add(&p, "history", "/api/v1/logs", true, 60, &pace);
    plan_add(&p, "users", "/api/v1/users", false, 5, &pace);
    plan_finish(&p);
    assert_false(p.is_known);
    assert_int_equal(p.ms, 0);
    assert_true(p.parts[0].is_known);
    assert_int_equal(p.parts[1].calls_left, 0);
    plan_init(&p);
    plan_add(&p, "history", "/api/v1/logs", true, 60, NULL); /* no limit known */
    plan_finish(&p);
    assert_false(p.is_known);
    assert_int_equal(p.parts[0].calls_left, 60);
}

static void what_is_done_is_no_part(void **state)
{
    struct sync_plan p;

    (void)state;
    plan_init(&p);
    plan_add(&p, "history", "/api/v1/logs", true, 0, &pace);
    plan_finish(&p);
    assert_int_equal(p.count, 0);
    for (int i = 0; i < PLAN_PARTS_MAX + 5; i++)
        plan_add(&p, "more than there is room for", "x", false, 0, NULL);
    assert_int_equal(p.count, PLAN_PARTS_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_goes_on_as_it_went),
        cmocka_unit_test(the_first_minutes_tell_of_the_days_before),
        cmocka_unit_test(what_shares_a_bucket_goes_one_behind_the_other),
        cmocka_unit_test(one_unknown_part_makes_the_end_unknown),
        cmocka_unit_test(what_is_done_is_no_part),
    };

    return RUN_ROWS(calls_take, time_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
