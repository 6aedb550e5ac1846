#include "okta/budget.h"
#include "tests/rows.h"

#include <stdio.h>

#define NOW_MS    5000000
#define DATE_S    1773480400
#define WINDOW_S  60
#define WINDOW_MS 60000
#define WAIT_MAX  120000

/* xorshift: tests are the same every time. */
static uint64_t random_of(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

static void learn(struct budget *b, int32_t limit, int32_t remaining, int64_t reset_in_s, int64_t date_s, int64_t now)
{
    const struct budget_reading r = { limit, remaining, date_s + reset_in_s, date_s };

    budget_learn(b, &r, now);
}

/* One request, answered at once. */
static int64_t take(struct budget *b, int64_t now)
{
    int64_t wait_ms = budget_take(b, 0, now);

    if (wait_ms == 0)
        budget_end(b);
    return wait_ms;
}

/* ---- one reply, then one question ---- */

static const struct row {
    const char *name;
    int32_t limit, remaining;
    int64_t reset_in_s, ask_after_ms, want_wait_ms;
} rows[] = {
    { "a neighbour took half", 600, 300, 30, 0, 0 },
    { "one above the floor", 600, 61, 30, 0, 0 },
    { "at the floor", 600, 60, 30, 0, 30000 },
    { "below the floor", 600, 3, 30, 0, 30000 },
    { "the wait shrinks with time", 600, 60, 30, 29999, 1 },
    { "a new window starts full", 600, 0, 30, 30000, 0 },
    { "nothing left", 600, 0, 60, 0, 60000 },
    { "a small limit has no floor, but an end", 5, 0, 30, 0, 30000 },
    { "a small limit's last one", 5, 1, 30, 0, 0 },
    { "more left than there is counts as full", 600, 100000, 30, 0, 0 },
    { "a window that ends now", 600, 0, 0, 0, 0 },
    { "a window longer than a minute is believed", 600, 0, 68, 0, 68000 },
    { "two minutes are the most that is believed", 600, 0, 120, 0, 120000 },
    { "a reset further ahead teaches nothing", 600, 0, 121, 0, 0 },
    { "a reset in the past teaches nothing", 600, 0, -1, 0, 0 },
    { "a reset years ahead teaches nothing", 600, 0, 253402300799 - DATE_S, 0, 0 },
    { "a limit of none teaches nothing", 0, 0, 30, 0, 0 },
    { "a limit out of bounds teaches nothing", BUDGET_LIMIT_MAX + 1, 0, 30, 0, 0 },
};

static void after_one_reply(void **state)
{
    const struct row *row = *state;
    struct budget b;

    budget_init(&b, 50, 10);
    learn(&b, row->limit, row->remaining, row->reset_in_s, DATE_S, NOW_MS);
    assert_int_equal(take(&b, NOW_MS + row->ask_after_ms), row->want_wait_ms);
}

/* ---- how many a window gives ---- */

static const struct share_row {
    const char *name;
    int32_t limit, share_percent;
    int want;
    int64_t want_interval_ms;
} share_rows[] = {
    { "half of 600", 600, 50, 300, 5000 },
    { "half of 60 (a Workforce org's log bucket)", 60, 50, 30, 5000 },
    { "half of 50", 50, 50, 25, 5000 },
    { "half of 25", 25, 50, 12, 10000 },
    { "half of 10 (a free org's log bucket)", 10, 50, 5, 24000 },
    { "half of 7 is three", 7, 50, 3, 30000 },
    { "of one, one: a share never starves us", 1, 50, 1, 30000 },
    { "all of it ends at the floor", 100, 100, 90, 5000 },
    { "one in a hundred", 600, 1, 6, 20000 },
    { "one in a hundred of few", 60, 1, 1, 30000 },
};

static void a_window_gives_our_share_and_no_more(void **state)
{
    const struct share_row *row = *state;
    struct budget b;
    int taken = 0;

    budget_init(&b, row->share_percent, 10);
    learn(&b, row->limit, row->limit, 60, DATE_S, NOW_MS);
    while (taken <= row->limit && take(&b, NOW_MS) == 0)
        taken++;
    assert_int_equal(taken, row->want);
    assert_int_equal(budget_idle_interval_ms(&b), row->want_interval_ms);
}

/* ---- windows ---- */

static void until_the_limit_is_known_one_goes_at_a_time(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    assert_true(budget_take(&b, 0, NOW_MS) > 0);
    assert_int_equal(budget_state(&b, 0), BUDGET_PROBING);
    budget_end(&b); /* it told us nothing */
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    learn(&b, 600, 598, 60, DATE_S, NOW_MS);
    budget_end(&b);
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    assert_int_equal(b.spent, 4);
}

static void without_headers_ten_a_minute_are_the_most(void **state)
{
    struct budget b;
    int taken = 0;

    (void)state;
    budget_init(&b, 50, 10);
    while (taken < 100 && take(&b, NOW_MS) == 0)
        taken++;
    assert_int_equal(taken, 10);
    assert_int_equal(take(&b, NOW_MS + WINDOW_MS - 1), 1);
    assert_int_equal(take(&b, NOW_MS + WINDOW_MS), 0);
}

static void late_replies_of_an_ended_window_teach_nothing(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 600, 600, 1, DATE_S, NOW_MS);
    assert_int_equal(budget_take(&b, 0, NOW_MS + 1000), 0); /* opens the next window */
    learn(&b, 600, 0, 1, DATE_S, NOW_MS + 1000);
    assert_int_equal(b.remaining, 599);
    assert_int_equal(budget_take(&b, 0, NOW_MS + 1000), 0);
}

static void within_a_window_the_lowest_count_is_true(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 600, 300, 30, DATE_S, NOW_MS);
    learn(&b, 600, 400, 30, DATE_S, NOW_MS);
    assert_int_equal(b.remaining, 300);
    learn(&b, 600, 200, 30, DATE_S, NOW_MS);
    assert_int_equal(b.remaining, 200);
}

static void what_is_in_flight_counts_in_the_window_that_opens(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 0);
    learn(&b, 10, 10, 1, DATE_S, NOW_MS);
    for (int i = 0; i < 4; i++)
        assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    assert_int_equal(budget_take(&b, 0, NOW_MS + 1000), 0); /* the fifth of five, in the next window */
    assert_true(budget_take(&b, 0, NOW_MS + 1000) > 0);
    assert_int_equal(budget_state(&b, 0), BUDGET_SPENT);
}

/* Okta's window ended a little before we expected it: the reply that says so belongs to the new one, and so may what
 * else is on its way. */
static void a_window_that_opened_early_holds_what_is_in_flight(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 0);
    learn(&b, 10, 10, 2, DATE_S, NOW_MS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    learn(&b, 10, 9, 60, DATE_S + 2, NOW_MS + 1500);
    budget_end(&b);
    assert_int_equal(b.spent, 3);
    assert_int_equal(b.remaining, 7); /* of nine, two more are on their way */
}

static void a_window_that_we_opened_keeps_its_count_when_okta_names_it(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 0);
    learn(&b, 10, 10, 0, DATE_S, NOW_MS);
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(&b, NOW_MS), 0); /* their replies were lost */
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
    learn(&b, 10, 6, 60, DATE_S + 1, NOW_MS + 100);
    budget_end(&b);
    assert_int_equal(b.spent, 4);
}

static void a_clock_of_oktas_that_jumps_ahead_opens_no_window(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 0);
    learn(&b, 10, 10, 60, DATE_S, NOW_MS);
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(&b, NOW_MS), 0);
    learn(&b, 10, 10, 60, DATE_S + 3600, NOW_MS);
    assert_int_equal(take(&b, NOW_MS), 60000);
}

static void a_clock_of_oktas_that_was_set_back_is_believed_again(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 600, 600, 60, DATE_S, NOW_MS);
    learn(&b, 600, 20, 60, DATE_S - 3600, NOW_MS);
    assert_int_equal(take(&b, NOW_MS), 60000);
    assert_int_equal(budget_state(&b, 0), BUDGET_FLOOR);
}

static void stamps_that_differ_by_seconds_are_one_window(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 0);
    learn(&b, 10, 10, 8, DATE_S, NOW_MS);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(take(&b, NOW_MS), 0);
        learn(&b, 10, 9 - i, 8 + i % 3, DATE_S, NOW_MS);
    }
    assert_true(take(&b, NOW_MS) > 0);
    assert_int_equal(budget_state(&b, 0), BUDGET_SPENT);
}

/* A reply that was long on its way puts the end too late. */
static void within_a_window_the_earliest_end_is_true(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 600, 60, 30, DATE_S, NOW_MS);
    learn(&b, 600, 60, 30, DATE_S, NOW_MS + 5000);
    assert_int_equal(take(&b, NOW_MS + 5000), 25000);
}

static void a_reserve_is_left_for_others_of_ours(void **state)
{
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 20, 20, 60, DATE_S, NOW_MS);
    for (int i = 0; i < 7; i++)
        assert_int_equal(budget_take(&b, 3, NOW_MS), 0);
    assert_true(budget_take(&b, 3, NOW_MS) > 0);
    assert_int_equal(budget_state(&b, 3), BUDGET_RESERVED);
    assert_int_equal(budget_take(&b, 0, NOW_MS), 0);
}

static void an_idle_poller_is_kept_half_at_most_and_less_as_time_goes(void **state)
{
    struct budget b;
    int64_t less_in_ms;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 60, 60, 60, DATE_S, NOW_MS); /* 30 for us, one each 5 s */
    assert_int_equal(budget_idle_reserve(&b, NOW_MS, &less_in_ms), 12);
    assert_int_equal(less_in_ms, 5000);
    assert_int_equal(budget_idle_reserve(&b, NOW_MS + 50001, &less_in_ms), 2);
    assert_int_equal(less_in_ms, 4999);
    learn(&b, 6, 6, 60, DATE_S, NOW_MS); /* 3 for us, one each 30 s */
    assert_int_equal(budget_idle_reserve(&b, NOW_MS, &less_in_ms), 1);
}

/* ---- whatever comes ---- */

static void check_bounds(struct budget *b, int32_t reserve, int64_t now)
{
    int64_t pace_ms = budget_pace_ms(b, reserve, now - (now & 0xfffff), now), to_reset_ms = b->reset_mono_ms - now;
    int64_t wait_ms = budget_take(b, reserve, now);
    int64_t less_in_ms;

    assert_in_range(pace_ms, 0, WAIT_MAX);
    if (pace_ms > 0)
        assert_in_range(pace_ms, 1, to_reset_ms);

    assert_in_range(wait_ms, 0, WAIT_MAX);
    assert_in_range(b->remaining, 0, BUDGET_LIMIT_MAX);
    assert_in_range(b->limit, 0, BUDGET_LIMIT_MAX);
    assert_in_range(budget_idle_interval_ms(b), 5000, 30000);
    assert_in_range(budget_idle_reserve(b, now, &less_in_ms), 0, budget_share(b) / 2);
    assert_in_range(less_in_ms, 1, 30000);
    if (wait_ms > 0)
        assert_int_not_equal(budget_state(b, reserve), BUDGET_OPEN);
}

/* With one question each millisecond that may be asked, all of the share is asked, and the second half of it evenly. */
static void pacing_costs_none_of_the_share(void **state)
{
    const struct share_row *row = *state;
    int64_t last = NOW_MS, longest = 0;
    struct budget b;
    int taken = 0;

    budget_init(&b, row->share_percent, 10);
    learn(&b, row->limit, row->limit, 60, DATE_S, NOW_MS);
    for (int64_t now = NOW_MS; now < NOW_MS + 60000; now++)
        while (budget_pace_ms(&b, 0, last, now) == 0 && take(&b, now) == 0) {
            if (taken++ > 0 && now - last > longest)
                longest = now - last;
            last = now;
        }
    assert_in_range(taken, row->want > 1 ? row->want - 1 : 0, row->want);
    if (row->want > 3)
        assert_true(longest <= 2 * 60000 / (row->want / 2));
}

/* The clock may have stood still, or the machine slept: whatever the last time was, the wait ends within the window. */
static void a_pace_survives_any_last_time(void **state)
{
    static const int64_t lasts[] = { INT64_MIN / 2, -1, 0, NOW_MS - 86400000, NOW_MS + 86400000, INT64_MAX / 2 };
    struct budget b;

    (void)state;
    budget_init(&b, 50, 10);
    learn(&b, 20, 20, 60, DATE_S, NOW_MS);
    for (int i = 0; i < 7; i++)
        assert_int_equal(take(&b, NOW_MS), 0);
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++)
        assert_in_range(budget_pace_ms(&b, 0, lasts[i], NOW_MS), 0, 60000);
    assert_int_equal(budget_pace_ms(&b, 0, NOW_MS, NOW_MS + 60000), 0);
    assert_int_equal(budget_pace_ms(&b, 5, NOW_MS, NOW_MS), 0); /* nothing is left: budget_take says how long */
}

static struct budget_reading any_reading(uint64_t *seed)
{
    static const int64_t stamps[] = {
        0, 1, DATE_S - 3600, DATE_S, DATE_S + 30, DATE_S + 60, DATE_S + 61, 253402300799
    };
    static const int32_t counts[] = { 0, 1, 2, 9, 60, 600, BUDGET_LIMIT_MAX, INT32_MAX };

    return (struct budget_reading){
        counts[random_of(seed, 8)],
        counts[random_of(seed, 8)],
        stamps[random_of(seed, 8)] + (int64_t)random_of(seed, 90),
        stamps[random_of(seed, 8)] + (int64_t)random_of(seed, 90),
    };
}

static void no_reading_makes_a_wait_unbounded(void **state)
{
    uint64_t seed = 88172645463325252u;

    (void)state;
    for (int run = 0; run < 300; run++) {
        struct budget b;
        int64_t now = (int64_t)random_of(&seed, 1000000);

        budget_init(&b, (int32_t)random_of(&seed, 100) + 1, (int32_t)random_of(&seed, 100));
        for (int step = 0; step < 200; step++) {
            struct budget_reading r = any_reading(&seed);

            check_bounds(&b, (int32_t)random_of(&seed, 4), now);
            if (random_of(&seed, 2) == 0)
                budget_learn(&b, &r, now);
            if (b.in_flight > 3)
                budget_end(&b);
            now += (int64_t)random_of(&seed, 20000);
        }
    }
}

/* However Okta's clock behaved before: two windows of truth later the budget gives again. */
static void no_past_reading_starves_us(void **state)
{
    uint64_t seed = 362436069u;

    (void)state;
    for (int run = 0; run < 500; run++) {
        struct budget b;
        int64_t now = NOW_MS;

        budget_init(&b, 50, 10);
        for (int step = 0; step < 50; step++) {
            struct budget_reading r = any_reading(&seed);

            if (take(&b, now) == 0)
                budget_learn(&b, &r, now);
            now += (int64_t)random_of(&seed, 5000);
        }
        assert_int_equal(take(&b, now + WAIT_MAX), 0);
    }
}

/* An Okta that counts as documented: a window of a minute opens with the first request after the last one ended, and
 * stamps are whole seconds. Requests and replies take their time, and neighbours ask in between. */
struct okta_sim {
    int64_t end_ms; /* of the window, on the true clock */
    int32_t limit, used, ours, ours_max;
    int64_t offset_s; /* Okta's clock is not ours */
};

static struct budget_reading sim_request(struct okta_sim *s, int64_t at_ms, bool is_ours)
{
    if (at_ms >= s->end_ms) {
        s->end_ms = (at_ms / 1000 + WINDOW_S) * 1000;
        s->used = s->ours = 0;
    }
    s->used++;
    s->ours += is_ours;
    if (s->ours > s->ours_max)
        s->ours_max = s->ours;
    return (struct budget_reading){ s->limit, s->used < s->limit ? s->limit - s->used : 0,
                                    s->end_ms / 1000 + s->offset_s, at_ms / 1000 + s->offset_s };
}

struct flight {
    bool is_out, has_arrived;
    int64_t arrive_ms, return_ms;
    struct budget_reading reading;
};

static void sim_step(struct okta_sim *s, struct budget *b, struct flight flights[4], int64_t now, uint64_t *seed)
{
    for (int i = 0; i < 4; i++) {
        struct flight *f = &flights[i];

        if (f->is_out && !f->has_arrived && now >= f->arrive_ms) {
            f->reading = sim_request(s, now, true);
            f->has_arrived = true;
        }
        if (f->is_out && f->has_arrived && now >= f->return_ms) {
            budget_learn(b, &f->reading, now);
            budget_end(b);
            f->is_out = false;
        }
        if (!f->is_out && random_of(seed, 3) == 0 && budget_take(b, 0, now) == 0) {
            int64_t arrive_ms = now + (int64_t)random_of(seed, 800);

            *f = (struct flight){ true, false, arrive_ms, arrive_ms + (int64_t)random_of(seed, 2500), { 0 } };
        }
    }
}

static const struct sim_row {
    const char *name;
    int32_t limit, share_percent;
    uint64_t neighbour_of_1000; /* chance of a neighbour's request each 50 ms */
    int want_least;             /* requests of ours in the busiest window */
} sim_rows[] = {
    { "alone on a small bucket", 20, 50, 0, 10 },
    { "alone on a log bucket", 60, 50, 0, 30 },
    { "beside a neighbour on a log bucket", 60, 50, 20, 20 },
    { "beside a greedy neighbour", 60, 50, 900, 1 },
    { "with all of a small bucket, but for its floor", 20, 100, 0, 15 },
    { "with a tenth", 60, 10, 10, 6 },
    { "with one a minute", 2, 50, 0, 1 },
};

static void never_more_than_our_share_of_a_window(void **state)
{
    const struct sim_row *row = *state;

    for (uint64_t run = 1; run <= 40; run++) {
        struct okta_sim s = { .limit = row->limit, .offset_s = (int64_t)run * 1000 - 20000 };
        struct flight flights[4] = { { .is_out = false } };
        uint64_t seed = run * 2654435761u;
        struct budget b;

        budget_init(&b, row->share_percent, 10);
        for (int64_t now = DATE_S * (int64_t)1000; now < (DATE_S + 600) * (int64_t)1000; now += 50) {
            if (random_of(&seed, 1000) < row->neighbour_of_1000)
                (void)sim_request(&s, now, false);
            sim_step(&s, &b, flights, now, &seed);
        }
        assert_in_range(s.ours_max, row->want_least, budget_share(&b));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_the_limit_is_known_one_goes_at_a_time),
        cmocka_unit_test(without_headers_ten_a_minute_are_the_most),
        cmocka_unit_test(late_replies_of_an_ended_window_teach_nothing),
        cmocka_unit_test(within_a_window_the_lowest_count_is_true),
        cmocka_unit_test(what_is_in_flight_counts_in_the_window_that_opens),
        cmocka_unit_test(a_window_that_opened_early_holds_what_is_in_flight),
        cmocka_unit_test(a_window_that_we_opened_keeps_its_count_when_okta_names_it),
        cmocka_unit_test(a_clock_of_oktas_that_jumps_ahead_opens_no_window),
        cmocka_unit_test(a_clock_of_oktas_that_was_set_back_is_believed_again),
        cmocka_unit_test(stamps_that_differ_by_seconds_are_one_window),
        cmocka_unit_test(within_a_window_the_earliest_end_is_true),
        cmocka_unit_test(a_reserve_is_left_for_others_of_ours),
        cmocka_unit_test(an_idle_poller_is_kept_half_at_most_and_less_as_time_goes),
        cmocka_unit_test(a_pace_survives_any_last_time),
        cmocka_unit_test(no_reading_makes_a_wait_unbounded),
        cmocka_unit_test(no_past_reading_starves_us),
    };

    return RUN_ROWS(after_one_reply, rows) + RUN_ROWS(a_window_gives_our_share_and_no_more, share_rows) +
           RUN_ROWS(pacing_costs_none_of_the_share, share_rows) +
           RUN_ROWS(never_more_than_our_share_of_a_window, sim_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
