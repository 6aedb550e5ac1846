#include "okta/gate.h"

#include "okta/bucket.h"
#include "tests/rows.h"

#include <string.h>

#define NOW   1000000
#define LOGS  bucket_of(VIEW("/api/v1/logs"))
#define USERS bucket_of(VIEW("/api/v1/users"))

static struct gate g;
static int64_t now;

static int set_up(void **state)
{
    (void)state;
    gate_init(&g, 50);
    now = NOW;
    return 0;
}

static struct headers headers_of(int32_t limit, int32_t remaining, int64_t reset_in_s)
{
    return (struct headers){ .rate_limit = limit,
                             .rate_remaining = remaining,
                             .rate_reset_unix_s = 5000 + now / 1000 + reset_in_s,
                             .date_unix_s = 5000 + now / 1000 };
}

static bool ask(size_t bucket, enum okta_priority lane)
{
    gate_want(&g, bucket, lane, now);
    gate_begin_round(&g);
    return gate_has_place(&g, lane) && gate_take(&g, bucket, lane, now);
}

static void end(size_t bucket)
{
    gate_end(&g, bucket, NULL, now);
}

/* One request each, answered at once. */
static int ask_while_it_goes(size_t bucket, enum okta_priority lane)
{
    int n = 0;

    for (; n < 1000 && ask(bucket, lane); n++)
        end(bucket);
    return n;
}

static void know(size_t bucket, int32_t limit, int64_t reset_in_s)
{
    struct headers h = headers_of(limit, limit, reset_in_s);

    assert_true(ask(bucket, OKTA_PRIORITY_TAIL));
    gate_end(&g, bucket, &h, now);
    g.buckets[bucket].tail_until_mono_ms = 0;
}

static struct answer judge(size_t bucket, enum okta_priority lane, int status, enum classify_wait wait,
                           struct headers h)
{
    struct answer a = { .told.verdict = wait != CLASSIFY_WAIT_NONE ? OKTA_RETRY : OKTA_DONE,
                        .told.http_status = status,
                        .wait = wait,
                        .headers = h };

    gate_judge(&g, bucket, lane, &a, now, 0);
    return a;
}

static void a_bucket_gives_our_share(void **state)
{
    (void)state;
    know(USERS, 600, 60);
    assert_int_equal(ask_while_it_goes(USERS, OKTA_PRIORITY_READ), 299);
    assert_int_equal(gate_due_mono_ms(&g), NOW + 60000);
    assert_string_equal(g.buckets[USERS].reason, "our share of this bucket is used up until its window ends");
    now += 60000;
    assert_true(ask(USERS, OKTA_PRIORITY_SYNC));
}

static void buckets_do_not_share(void **state)
{
    (void)state;
    know(USERS, 20, 60);
    know(LOGS, 20, 60);
    (void)ask_while_it_goes(USERS, OKTA_PRIORITY_SYNC);
    assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
}

static void an_unknown_bucket_is_probed_by_one(void **state)
{
    (void)state;
    assert_true(ask(USERS, OKTA_PRIORITY_SYNC));
    assert_false(ask(USERS, OKTA_PRIORITY_READ));
    assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
}

static void who_waits_is_not_overtaken_in_the_bucket(void **state)
{
    (void)state;
    know(LOGS, 20, 60);
    (void)ask_while_it_goes(LOGS, OKTA_PRIORITY_TAIL);
    gate_begin_round(&g);
    assert_false(gate_take(&g, LOGS, OKTA_PRIORITY_TAIL, now));
    assert_int_equal(g.buckets[LOGS].blocked_priority, OKTA_PRIORITY_TAIL);
    now += 60000; /* even though it could go by now, in this round it may not */
    assert_false(gate_take(&g, LOGS, OKTA_PRIORITY_BACKFILL, now));
    assert_int_equal(g.buckets[LOGS].blocked_priority, OKTA_PRIORITY_TAIL);
    gate_begin_round(&g);
    assert_true(gate_take(&g, LOGS, OKTA_PRIORITY_TAIL, now));
}

/* ---- the tail's half ---- */

static const struct tail_row {
    const char *name;
    int32_t limit;
    int share; /* ours */
} tail_rows[] = {
    { "a Workforce org", 60, 30 }, { "a larger one", 120, 60 }, { "an Enterprise org", 25, 12 },
    { "a free org", 10, 5 },       { "a tiny one", 4, 2 },      { "the smallest", 2, 1 },
};

/* A minute of a back-fill that takes all that it may get, beside a tail that polls at its idle interval: the tail never
 * waits, the back-fill gets something, and together they stay within our share. */
static void the_back_fill_leaves_the_idle_tail_its_polls(void **state)
{
    const struct tail_row *row = *state;
    struct headers h;
    int64_t interval_ms, next_ms = NOW;
    int polls = 0, pages = 0;

    set_up(state);
    h = headers_of(row->limit, row->limit, 0); /* a window that is over: the limit is known */
    assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
    gate_end(&g, LOGS, &h, now);
    g.buckets[LOGS].budget.spent = 0;
    interval_ms = budget_idle_interval_ms(&g.buckets[LOGS].budget);
    for (; now < NOW + 60000; now += 100) {
        if (now >= next_ms && (row->share > 3 || polls < row->share)) {
            assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
            end(LOGS);
            polls++;
            next_ms += interval_ms;
        }
        if (ask(LOGS, OKTA_PRIORITY_BACKFILL)) {
            end(LOGS);
            pages++;
        }
    }
    assert_in_range(polls + pages, 1, row->share);
    assert_true(pages >= row->share / 2 - 1);
}

static void without_a_tail_nothing_is_kept(void **state)
{
    (void)state;
    know(LOGS, 20, 60);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 9);
}

static void what_is_kept_becomes_free_as_the_window_ends(void **state)
{
    (void)state;
    know(LOGS, 20, 60);
    gate_want(&g, LOGS, OKTA_PRIORITY_TAIL, now);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 4);
    assert_string_equal(g.buckets[LOGS].reason, "what is left of our share is kept for the login tail");
    assert_int_equal(gate_due_mono_ms(&g), NOW + 12000);
    now += 12000;
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 1);
    assert_int_equal(gate_due_mono_ms(&g), NOW + 24000);
}

static void a_tail_that_has_gone_keeps_nothing(void **state)
{
    (void)state;
    gate_want(&g, LOGS, OKTA_PRIORITY_TAIL, now);
    now += 120000;
    know(LOGS, 20, 60);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 9);
}

/* ---- no bursts ---- */

/* What went out in each tenth of the window. */
static void ask_for_a_minute(enum okta_priority lane, int tenths[10])
{
    int64_t begin = now;

    memset(tenths, 0, 10 * sizeof *tenths);
    for (; now < begin + 60000; now += 50)
        while (ask(LOGS, lane)) {
            end(LOGS);
            tenths[(now - begin) / 6000]++;
        }
}

static void who_is_in_no_hurry_spreads_the_second_half_of_the_share(void **state)
{
    int tenths[10], sum = 0;

    (void)state;
    know(LOGS, 120, 60);
    ask_for_a_minute(OKTA_PRIORITY_BACKFILL, tenths);
    assert_in_range(tenths[0], 30, 33);
    for (int i = 1; i < 10; i++)
        assert_in_range(tenths[i], 2, 4);
    for (int i = 0; i < 10; i++)
        sum += tenths[i];
    assert_in_range(sum, 57, 59); /* and one taught us the limit */
}

static void who_is_in_a_hurry_does_not(void **state)
{
    int tenths[10];

    (void)state;
    know(LOGS, 120, 60);
    ask_for_a_minute(OKTA_PRIORITY_READ, tenths);
    assert_int_equal(tenths[0], 59);
}

static void a_wait_for_the_next_in_line_is_shown(void **state)
{
    struct okta_bucket out[OKTA_BUCKETS_MAX];

    (void)state;
    know(LOGS, 120, 60);
    (void)ask_while_it_goes(LOGS, OKTA_PRIORITY_BACKFILL);
    assert_int_equal(gate_buckets(&g, now, out), 1);
    assert_in_range(out[0].blocked_until_mono_ms, NOW + 1000, NOW + 3000);
    assert_int_equal(out[0].blocked_priority, OKTA_PRIORITY_BACKFILL);
    assert_string_equal(out[0].reason, "the rest of our share is spread over the rest of the window");
}

static void an_hour_asleep_saves_nothing_up(void **state)
{
    int tenths[10], sum = 0;

    (void)state;
    know(LOGS, 120, 60);
    (void)ask_while_it_goes(LOGS, OKTA_PRIORITY_BACKFILL);
    now += 3600000;
    ask_for_a_minute(OKTA_PRIORITY_BACKFILL, tenths);
    for (int i = 0; i < 10; i++)
        sum += tenths[i];
    assert_in_range(tenths[0], 30, 34);
    assert_in_range(sum, 57, 60);
}

/* ---- making room ---- */

static void a_warning_halves_our_share_and_pauses_history(void **state)
{
    int tenths[10];

    (void)state;
    know(LOGS, 120, 60);
    gate_yield(&g, NOW + 300000, now);
    assert_false(ask(LOGS, OKTA_PRIORITY_BACKFILL));
    assert_string_equal(g.buckets[LOGS].reason, "the org's log warns of its rate limits: what can wait makes room");
    assert_int_equal(gate_due_mono_ms(&g), NOW + 300000);
    assert_false(ask(LOGS, OKTA_PRIORITY_SWEEP));
    ask_for_a_minute(OKTA_PRIORITY_READ, tenths);
    assert_int_equal(tenths[0], 29);
    now = NOW + 300000;
    assert_true(ask(LOGS, OKTA_PRIORITY_BACKFILL));
    end(LOGS);
    ask_for_a_minute(OKTA_PRIORITY_READ, tenths);
    assert_int_equal(tenths[0], 59);
}

static void the_tail_yields_nothing(void **state)
{
    struct okta_bucket out[OKTA_BUCKETS_MAX];

    (void)state;
    know(LOGS, 120, 60);
    (void)ask_while_it_goes(LOGS, OKTA_PRIORITY_READ);
    now += 60000;
    assert_true(ask(LOGS, OKTA_PRIORITY_READ));
    end(LOGS);
    g.buckets[LOGS].tail_until_mono_ms = 0;
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 59);
    now += 60000;
    gate_yield(&g, now + 300000, now);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 30);
    assert_int_equal(gate_buckets(&g, now, out), 1);
    assert_int_equal(out[0].share_percent, 25);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_TAIL), 30);
    assert_int_equal(budget_idle_interval_ms(&g.buckets[LOGS].budget), 5000);
}

static void warnings_without_end_do_not_stop_history_for_ever(void **state)
{
    int64_t moving_ms = 0;

    (void)state;
    know(LOGS, 120, 60);
    for (; now < NOW + 3600000; now += 10000) {
        gate_yield(&g, now + 300000, now);
        if (ask(LOGS, OKTA_PRIORITY_BACKFILL)) {
            end(LOGS);
            moving_ms += 10000;
        }
    }
    assert_in_range(moving_ms, 2000000, 3000000);
}

static void a_share_of_one_percent_is_not_halved(void **state)
{
    (void)state;
    gate_init(&g, 1);
    know(LOGS, 600, 60);
    gate_yield(&g, NOW + 300000, now);
    assert_int_equal(ask_while_it_goes(LOGS, OKTA_PRIORITY_READ), 5);
}

/* ---- how many at once ---- */

static void one_place_is_kept_for_the_tail(void **state)
{
    (void)state;
    know(USERS, 600, 60);
    for (int i = 0; i < OKTA_IN_FLIGHT_MAX - 1; i++)
        assert_true(ask(USERS, OKTA_PRIORITY_SYNC));
    assert_false(ask(USERS, OKTA_PRIORITY_READ));
    assert_int_equal(gate_due_mono_ms(&g), INT64_MAX);
    assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
    assert_false(gate_has_place(&g, OKTA_PRIORITY_TAIL));
}

static void too_many_at_once_halves_and_holds_everything(void **state)
{
    struct answer a;

    (void)state;
    know(USERS, 600, 60);
    a = judge(LOGS, OKTA_PRIORITY_TAIL, 429, CLASSIFY_WAIT_CONCURRENCY, headers_of(0, 0, 120));
    assert_in_range(a.told.retry_mono_ms, NOW + 1000, NOW + 5000);
    assert_false(ask(USERS, OKTA_PRIORITY_SYNC));
    assert_int_equal(gate_due_mono_ms(&g), a.told.retry_mono_ms);
    now = a.told.retry_mono_ms;
    assert_true(ask(USERS, OKTA_PRIORITY_SYNC));
    assert_false(ask(USERS, OKTA_PRIORITY_SYNC)); /* of two, one is the tail's */
    (void)judge(LOGS, OKTA_PRIORITY_TAIL, 429, CLASSIFY_WAIT_CONCURRENCY, headers_of(0, 0, 120));
    (void)judge(LOGS, OKTA_PRIORITY_TAIL, 429, CLASSIFY_WAIT_CONCURRENCY, headers_of(0, 0, 120));
    assert_int_equal(g.in_flight_max, 1);
}

static void calm_lets_more_at_once_again(void **state)
{
    (void)state;
    (void)judge(LOGS, OKTA_PRIORITY_TAIL, 429, CLASSIFY_WAIT_CONCURRENCY, headers_of(0, 0, 120));
    for (int i = 0; i < 39; i++)
        (void)judge(LOGS, OKTA_PRIORITY_TAIL, 200, CLASSIFY_WAIT_NONE, headers_of(60, 60, 60));
    assert_int_equal(g.in_flight_max, 3);
    for (int i = 0; i < 1000; i++)
        (void)judge(LOGS, OKTA_PRIORITY_TAIL, 200, CLASSIFY_WAIT_NONE, headers_of(60, 60, 60));
    assert_int_equal(g.in_flight_max, OKTA_IN_FLIGHT_MAX);
}

/* ---- after failures ---- */

static void a_429_holds_its_bucket_for_every_lane(void **state)
{
    struct answer a;

    (void)state;
    know(USERS, 600, 60);
    know(LOGS, 60, 60);
    a = judge(USERS, OKTA_PRIORITY_SYNC, 429, CLASSIFY_WAIT_WINDOW, headers_of(600, 0, 68));
    assert_in_range(a.told.retry_mono_ms, NOW + 69000, NOW + 70000);
    now += 68999;
    assert_false(ask(USERS, OKTA_PRIORITY_READ));
    assert_string_equal(g.buckets[USERS].reason, "Okta answered that the rate limit is used up");
    assert_true(ask(LOGS, OKTA_PRIORITY_TAIL));
    now = a.told.retry_mono_ms;
    assert_true(ask(USERS, OKTA_PRIORITY_READ));
}

static int64_t longest_wait(enum okta_priority lane)
{
    int64_t most = 0;

    for (int i = 0; i < 50; i++) {
        struct answer a = { .told.verdict = OKTA_RETRY, .wait = CLASSIFY_WAIT_BACKOFF, .headers.retry_after_s = -1 };

        gate_judge(&g, LOGS, lane, &a, now, (uint64_t)299900 * 30001 - 1);
        if (a.told.retry_mono_ms - now > most)
            most = a.told.retry_mono_ms - now;
    }
    return most;
}

static void the_tail_comes_back_sooner_than_the_rest(void **state)
{
    (void)state;
    assert_in_range(longest_wait(OKTA_PRIORITY_TAIL), 1000, 30000);
    assert_in_range(longest_wait(OKTA_PRIORITY_BACKFILL), 30001, 300000);
}

static void lanes_and_buckets_count_their_own_failures(void **state)
{
    (void)state;
    (void)judge(LOGS, OKTA_PRIORITY_TAIL, 500, CLASSIFY_WAIT_BACKOFF, headers_of(60, 60, 60));
    (void)judge(LOGS, OKTA_PRIORITY_BACKFILL, 200, CLASSIFY_WAIT_NONE, headers_of(60, 60, 60));
    (void)judge(USERS, OKTA_PRIORITY_TAIL, 200, CLASSIFY_WAIT_NONE, headers_of(60, 60, 60));
    assert_int_equal(g.buckets[LOGS].backoff[OKTA_PRIORITY_TAIL].failures, 1);
    (void)judge(LOGS, OKTA_PRIORITY_TAIL, 200, CLASSIFY_WAIT_NONE, headers_of(60, 60, 60));
    assert_int_equal(g.buckets[LOGS].backoff[OKTA_PRIORITY_TAIL].failures, 0);
}

/* ---- Status ---- */

static void only_used_buckets_are_shown_and_as_they_are_now(void **state)
{
    struct okta_bucket out[OKTA_BUCKETS_MAX];

    (void)state;
    know(USERS, 20, 60);
    (void)ask_while_it_goes(USERS, OKTA_PRIORITY_READ);
    assert_int_equal(gate_buckets(&g, now, out), 1);
    assert_string_equal(out[0].name, "/api/v1/users");
    assert_int_equal(out[0].limit, 20);
    assert_int_equal(out[0].spent, 10);
    assert_int_equal(out[0].remaining, 11);
    assert_int_equal(out[0].share_percent, 50);
    assert_int_equal(out[0].blocked_until_mono_ms, NOW + 60000);
    assert_int_equal(out[0].blocked_priority, OKTA_PRIORITY_READ);
    assert_true(out[0].reason[0] != '\0');
    assert_int_equal(gate_buckets(&g, now + 60000, out), 1);
    assert_int_equal(out[0].spent, 0);
    assert_int_equal(out[0].remaining, 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_bucket_gives_our_share, set_up),
        cmocka_unit_test_setup(buckets_do_not_share, set_up),
        cmocka_unit_test_setup(an_unknown_bucket_is_probed_by_one, set_up),
        cmocka_unit_test_setup(who_waits_is_not_overtaken_in_the_bucket, set_up),
        cmocka_unit_test_setup(without_a_tail_nothing_is_kept, set_up),
        cmocka_unit_test_setup(what_is_kept_becomes_free_as_the_window_ends, set_up),
        cmocka_unit_test_setup(a_tail_that_has_gone_keeps_nothing, set_up),
        cmocka_unit_test_setup(who_is_in_no_hurry_spreads_the_second_half_of_the_share, set_up),
        cmocka_unit_test_setup(who_is_in_a_hurry_does_not, set_up),
        cmocka_unit_test_setup(a_wait_for_the_next_in_line_is_shown, set_up),
        cmocka_unit_test_setup(an_hour_asleep_saves_nothing_up, set_up),
        cmocka_unit_test_setup(a_warning_halves_our_share_and_pauses_history, set_up),
        cmocka_unit_test_setup(the_tail_yields_nothing, set_up),
        cmocka_unit_test_setup(warnings_without_end_do_not_stop_history_for_ever, set_up),
        cmocka_unit_test_setup(a_share_of_one_percent_is_not_halved, set_up),
        cmocka_unit_test_setup(one_place_is_kept_for_the_tail, set_up),
        cmocka_unit_test_setup(too_many_at_once_halves_and_holds_everything, set_up),
        cmocka_unit_test_setup(calm_lets_more_at_once_again, set_up),
        cmocka_unit_test_setup(a_429_holds_its_bucket_for_every_lane, set_up),
        cmocka_unit_test_setup(the_tail_comes_back_sooner_than_the_rest, set_up),
        cmocka_unit_test_setup(lanes_and_buckets_count_their_own_failures, set_up),
        cmocka_unit_test_setup(only_used_buckets_are_shown_and_as_they_are_now, set_up),
    };

    return RUN_ROWS(the_back_fill_leaves_the_idle_tail_its_polls, tail_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
