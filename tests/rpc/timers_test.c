#include "rpc/timers.h"

#include "tests/rows.h"

#define COUNT 200

struct mark {
    struct timer timer;
    struct timers *all;
    int64_t again_at; /* TIMER_NEVER: not again */
    unsigned times;
    int64_t due_at; /* what it was set to, the last time it was due */
};

static int64_t latest;

static void on_due(struct timer *t)
{
    struct mark *m = (struct mark *)(void *)t;

    assert_true(t->at_mono_ms >= latest);
    latest = t->at_mono_ms;
    m->due_at = t->at_mono_ms;
    m->times++;
    timers_set(m->all, t, m->again_at);
}

static void set_up(struct timers *all, struct mark *marks)
{
    *all = (struct timers){ 0 };
    latest = INT64_MIN;
    for (int i = 0; i < COUNT; i++)
        marks[i] = (struct mark){ .timer.due = on_due, .all = all, .again_at = TIMER_NEVER };
}

/* 7919 and 200 have no common factor, so that each time from 0 to 199 occurs once, in a shuffled order. */
static void timers_are_due_in_order_and_once(void **state)
{
    struct mark marks[COUNT];
    struct timers all;

    (void)state;
    set_up(&all, marks);
    for (int i = 0; i < COUNT; i++)
        timers_set(&all, &marks[i].timer, i * 7919 % COUNT);
    for (int64_t now = 0; now < COUNT; now++) {
        assert_int_equal(timers_next(&all), now);
        timers_run(&all, now);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(marks[i].times, 1);
    assert_int_equal(timers_next(&all), TIMER_NEVER);
    timers_deinit(&all);
}

static void a_later_time_replaces_an_earlier(void **state)
{
    struct mark marks[COUNT];
    struct timers all;

    (void)state;
    set_up(&all, marks);
    for (int i = 0; i < COUNT; i++)
        timers_set(&all, &marks[i].timer, i);
    for (int i = 0; i < COUNT; i++)
        timers_set(&all, &marks[i].timer, COUNT + i * 7919 % COUNT);
    timers_run(&all, COUNT - 1);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(marks[i].times, 0);
    timers_run(&all, 2 * COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(marks[i].times, 1);
    timers_deinit(&all);
}

static void a_cleared_timer_is_never_due(void **state)
{
    struct mark marks[COUNT];
    struct timers all;

    (void)state;
    set_up(&all, marks);
    for (int i = 0; i < COUNT; i++)
        timers_set(&all, &marks[i].timer, i * 7919 % COUNT);
    for (int i = 0; i < COUNT; i += 2)
        timers_set(&all, &marks[i].timer, TIMER_NEVER);
    timers_set(&all, &marks[0].timer, TIMER_NEVER); /* again does nothing */
    timers_run(&all, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(marks[i].times, i % 2);
    timers_deinit(&all);
}

static void a_timer_set_to_the_past_does_not_block_the_loop(void **state)
{
    struct mark marks[COUNT];
    struct timers all;

    (void)state;
    set_up(&all, marks);
    marks[0].again_at = 5;
    timers_set(&all, &marks[0].timer, 5);
    timers_run(&all, 10);
    assert_int_equal(marks[0].times, 1);
    timers_run(&all, 10);
    assert_int_equal(marks[0].times, 2);
    timers_set(&all, &marks[0].timer, TIMER_NEVER);
    timers_deinit(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_are_due_in_order_and_once),
        cmocka_unit_test(a_later_time_replaces_an_earlier),
        cmocka_unit_test(a_cleared_timer_is_never_due),
        cmocka_unit_test(a_timer_set_to_the_past_does_not_block_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
