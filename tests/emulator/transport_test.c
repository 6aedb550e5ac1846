/* clang-format off: cmocka wants these before it */
#include "tests/rows.h"
/* clang-format on */
#include "transport.h"

#include <string.h>

#define START_MS INT64_C(1773480412345)

struct world {
    struct hand_clock clock;
    struct emulator *emulator;
    struct okta_transport *transport;
    struct okta_exchange x[3];
    size_t finished;
    struct okta_exchange *order[8];
    bool sends_again;
};

static const char *const headers[] = { "Accept: application/json", "authorization:  SSWS 00token", NULL };

static void start(struct world *w, size_t i, const char *url)
{
    w->x[i] = (struct okta_exchange){ .url = (char *)(uintptr_t)url,
                                      .headers = headers,
                                      .timeout_ms = 60000,
                                      .body_bytes_max = 1u << 20,
                                      .header_bytes_max = 64u << 10 };
    w->transport->start(w->transport, &w->x[i]);
}

static void finished(void *ctx, struct okta_exchange *x)
{
    struct world *w = ctx;

    if (w->finished < 8)
        w->order[w->finished] = x;
    w->finished++;
    if (w->sends_again && w->finished < 100)
        start(w, 2, "https://acme.okta.com/api/v1/org");
}

static void begin(struct world *w, int64_t latency_ms)
{
    const struct emulator_options options = {
        .seed = 1, .base_url = "https://acme.okta.com", .token = "00token", .users = 40, .start_unix_ms = START_MS
    };

    memset(w, 0, sizeof *w);
    hand_clock_init(&w->clock, START_MS);
    w->emulator = emulator_create(&options);
    w->transport = emulator_transport_create(w->emulator, &w->clock, latency_ms);
    w->transport->finished = finished;
    w->transport->ctx = w;
}

static void end(struct world *w)
{
    w->transport->destroy(w->transport);
    emulator_destroy(w->emulator);
    for (size_t i = 0; i < 3; i++) {
        buf_deinit(&w->x[i].head);
        buf_deinit(&w->x[i].body);
    }
}

/* ---- faults on the way ---- */

static const struct row {
    const char *name;
    enum transport_fault fault;
    int want_status;
    bool want_failure, want_timed_out, want_stale, want_body, want_whole;
    int64_t want_ms;
    uint64_t want_requests; /* that the org saw */
} rows[] = {
    { "an answer", TRANSPORT_OK, 200, false, false, false, true, true, 50, 1 },
    { "no answer in time", TRANSPORT_TIMEOUT, 0, true, true, false, false, false, 60000, 1 },
    { "a reset", TRANSPORT_RESET, 0, true, false, false, false, false, 50, 1 },
    { "half a body", TRANSPORT_TRUNCATED, 200, true, false, false, true, false, 50, 1 },
    { "a connection that had died", TRANSPORT_STALE, 0, true, false, true, false, false, 50, 0 },
    { "a reset in the body", TRANSPORT_RESET_BODY, 200, true, false, false, true, false, 50, 1 },
    { "compression cut short", TRANSPORT_GZIP, 200, false, false, false, true, false, 50, 1 },
    { "a body that stalls", TRANSPORT_STALL, 200, true, true, false, true, false, 60000, 1 },
    { "a body drop by drop", TRANSPORT_DRIP, 200, false, false, false, true, true, 50, 1 },
    { "a page of somebody else's", TRANSPORT_HTML, 200, false, false, false, true, false, 50, 1 },
    { "arrays in arrays", TRANSPORT_DEEP, 200, false, false, false, true, false, 50, 1 },
    { "a hundred megabytes", TRANSPORT_HUGE, 200, true, false, false, true, false, 50, 1 },
    { "another type", TRANSPORT_TYPE, 200, false, false, false, true, true, 50, 1 },
    { "a key twice", TRANSPORT_DUPLICATE, 200, false, false, false, true, true, 50, 1 },
    { "no UTF-8", TRANSPORT_UTF8, 200, false, false, false, true, true, 50, 1 },
    { "500", TRANSPORT_500, 500, false, false, false, true, true, 50, 1 },
    { "502", TRANSPORT_502, 502, false, false, false, true, false, 50, 1 },
    { "503", TRANSPORT_503, 503, false, false, false, true, true, 50, 1 },
    { "504 and no body", TRANSPORT_504, 504, false, false, false, false, false, 50, 1 },
    { "429", TRANSPORT_429, 429, false, false, false, true, true, 50, 1 },
    { "too many at once", TRANSPORT_CONCURRENCY, 429, false, false, false, true, true, 50, 1 },
    { "401", TRANSPORT_401, 401, false, false, false, true, true, 50, 1 },
    { "403", TRANSPORT_403, 403, false, false, false, true, true, 50, 1 },
};

static void arrives(void **state)
{
    const struct row *row = *state;
    struct world w;

    begin(&w, 50);
    emulator_transport_fault(w.transport, row->fault, 1);
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    assert_int_equal(w.finished, 1);
    assert_int_equal(w.clock.unix_ms - START_MS, row->want_ms);
    assert_int_equal(w.x[0].http_status, row->want_status);
    assert_int_equal(w.x[0].failure[0] != '\0', row->want_failure);
    assert_int_equal(w.x[0].timed_out, row->want_timed_out);
    assert_int_equal(w.x[0].was_stale_connection, row->want_stale);
    assert_int_equal(w.x[0].body.len > 0, row->want_body);
    assert_int_equal(view_ends(buf_view(&w.x[0].body), "}"), row->want_whole);
    assert_int_equal(emulator_requests(w.emulator, ""), row->want_requests);
    /* The next is well again. */
    start(&w, 1, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    assert_int_equal(w.x[1].http_status, 200);
    assert_string_equal(w.x[1].failure, "");
    end(&w);
}

/* ---- time ---- */

static void run_waits_no_longer_than_asked(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 50);
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 30);
    assert_int_equal(w.finished, 0);
    assert_int_equal(clock_unix_ms(&w.clock.clock) - START_MS, 30);
    w.transport->run(w.transport, 0);
    assert_int_equal(w.finished, 0);
    w.transport->run(w.transport, 30);
    assert_int_equal(w.finished, 1);
    assert_int_equal(clock_unix_ms(&w.clock.clock) - START_MS, 50);
    w.transport->run(w.transport, 1000);
    assert_int_equal(clock_mono_ms(&w.clock.clock) - 1000, 1050);
    end(&w);
}

static void who_was_woken_does_not_wait(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 50);
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    w.transport->wake(w.transport);
    w.transport->run(w.transport, 1000);
    assert_int_equal(w.finished, 0);
    assert_int_equal(w.clock.unix_ms, START_MS);
    w.transport->run(w.transport, 1000);
    assert_int_equal(w.finished, 1);
    end(&w);
}

static void answers_come_in_the_order_in_which_they_are_due(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 50);
    emulator_transport_fault(w.transport, TRANSPORT_TIMEOUT, 1);
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    start(&w, 1, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    w.transport->run(w.transport, 100000);
    assert_int_equal(w.finished, 2);
    assert_ptr_equal(w.order[0], &w.x[1]);
    assert_ptr_equal(w.order[1], &w.x[0]);
    end(&w);
}

/* What the org learns while the answer travels is not in it. */
static void an_answer_is_as_of_the_request(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 50);
    start(&w, 0, "https://acme.okta.com/api/v1/logs?since=2026-03-14T09:00:00.000Z");
    emulator_add_event(w.emulator, START_MS, START_MS, NULL, VIEW_NONE);
    w.transport->run(w.transport, 1000);
    assert_true(view_is(buf_view(&w.x[0].body), "[]"));
    end(&w);
}

static void a_run_ends_though_each_answer_asks_again(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    w.sends_again = true;
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 0);
    assert_int_equal(w.finished, 1);
    w.sends_again = false;
    w.transport->run(w.transport, 0);
    assert_int_equal(w.finished, 2);
    end(&w);
}

/* ---- cancelling, sizes, headers ---- */

static void what_was_cancelled_never_comes(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 50);
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    start(&w, 1, "https://acme.okta.com/api/v1/org");
    w.transport->cancel(w.transport, &w.x[0]);
    w.transport->run(w.transport, 1000);
    w.transport->run(w.transport, 1000);
    assert_int_equal(w.finished, 1);
    assert_ptr_equal(w.order[0], &w.x[1]);
    w.transport->cancel(w.transport, &w.x[1]); /* nothing is left of it */
    end(&w);
}

static void a_body_beyond_the_cap_is_a_failure(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    start(&w, 0, "https://acme.okta.com/api/v1/users");
    w.x[0].body_bytes_max = 1000;
    w.transport->run(w.transport, 0);
    assert_int_equal(w.finished, 1);
    assert_string_not_equal(w.x[0].failure, "");
    assert_true(w.x[0].body.len <= 1000);
    end(&w);
}

static void headers_travel_both_ways(void **state)
{
    static const char *const with_cookie[] = { "Authorization: SSWS 00token", "Cookie: sid=1", NULL };
    struct world w;

    (void)state;
    begin(&w, 0);
    w.x[0] = (struct okta_exchange){ .url = (char *)(uintptr_t) "https://acme.okta.com/api/v1/users?limit=1",
                                     .headers = with_cookie,
                                     .body_bytes_max = 1u << 20,
                                     .header_bytes_max = 64u << 10 };
    w.transport->start(w.transport, &w.x[0]);
    w.transport->run(w.transport, 0);
    assert_int_equal(w.x[0].http_status, 200);
    assert_non_null(strstr(buf_cstr(&w.x[0].head), "Link: <https://acme.okta.com/api/v1/users?after="));
    assert_int_equal(emulator_violations(w.emulator), 1);
    end(&w);
}

/* ---- a mixture ---- */

static void mix(struct world *w, uint64_t seed, uint32_t per_mille, uint64_t kinds, uint32_t requests)
{
    const struct transport_mix m = { seed, per_mille, kinds };

    emulator_transport_mix(w->transport, &m);
    for (uint32_t i = 0; i < requests; i++) {
        start(w, 0, "https://acme.okta.com/api/v1/org");
        w->transport->run(w->transport, 100000);
        assert_null(w->x[0].transfer);
        buf_deinit(&w->x[0].head);
        buf_deinit(&w->x[0].body);
    }
}

static void every_kind_comes_about_as_often_as_asked_and_the_seed_decides(void **state)
{
    struct world w, again;
    uint64_t met = 0;

    (void)state;
    begin(&w, 1);
    begin(&again, 1);
    mix(&w, 5, 500, 0, 2000);
    mix(&again, 5, 500, 0, 2000);
    for (int i = 1; i < TRANSPORT_FAULTS; i++) {
        uint64_t count = emulator_transport_count(w.transport, (enum transport_fault)i);

        assert_true(count > 15 && count < 100);
        assert_int_equal(count, emulator_transport_count(again.transport, (enum transport_fault)i));
        met += count;
    }
    assert_true(met > 900 && met < 1150);
    assert_int_equal(met + emulator_transport_count(w.transport, TRANSPORT_OK), 2000);
    assert_true(emulator_transport_last_fault_mono_ms(w.transport) > 1000);
    end(&w);
    end(&again);
}

static void of_the_kinds_that_were_asked_for_and_none_after_the_end(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 1);
    mix(&w, 5, 1000, TRANSPORT_BIT(TRANSPORT_RESET) | TRANSPORT_BIT(TRANSPORT_503), 100);
    mix(&w, 5, 0, 0, 100);
    assert_int_equal(emulator_transport_count(w.transport, TRANSPORT_RESET) +
                         emulator_transport_count(w.transport, TRANSPORT_503),
                     100);
    assert_true(emulator_transport_count(w.transport, TRANSPORT_503) > 20);
    assert_int_equal(emulator_transport_count(w.transport, TRANSPORT_OK), 100);
    end(&w);
}

static void a_connection_that_was_closed_in_silence_is_found_dead_once(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 1);
    emulator_transport_fault(w.transport, TRANSPORT_CLOSE, 1);
    for (size_t i = 0; i < 3; i++) {
        start(&w, i, "https://acme.okta.com/api/v1/org");
        w.transport->run(w.transport, 1000);
    }
    assert_int_equal(w.x[0].http_status, 200);
    assert_true(w.x[1].was_stale_connection);
    assert_int_equal(w.x[2].http_status, 200);
    assert_int_equal(emulator_requests(w.emulator, ""), 2);
    end(&w);
}

static void the_orgs_own_rules_hold_on_this_way_too(void **state)
{
    struct error err;
    struct world w;

    (void)state;
    begin(&w, 50);
    assert_true(emulator_load_faults(w.emulator,
                                     VIEW("{\"fault\":\"answer\",\"delay_ms\":700,\"count\":1}\n"
                                          "{\"fault\":\"answer\",\"delay_ms\":70000,\"count\":1}\n"
                                          "{\"fault\":\"truncate\",\"count\":1}"),
                                     &err));
    start(&w, 0, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    assert_int_equal(w.clock.unix_ms - START_MS, 750);
    assert_int_equal(w.x[0].http_status, 200);
    start(&w, 1, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    assert_int_equal(w.clock.unix_ms - START_MS, 60750);
    assert_true(w.x[1].timed_out);
    start(&w, 2, "https://acme.okta.com/api/v1/org");
    w.transport->run(w.transport, 100000);
    assert_string_not_equal(w.x[2].failure, "");
    end(&w);
}

static void a_form_is_posted(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    w.x[0] = (struct okta_exchange){ .url = (char *)(uintptr_t) "https://acme.okta.com/oauth2/v1/token",
                                     .headers = headers,
                                     .post_body = "grant_type=password",
                                     .body_bytes_max = 1u << 20,
                                     .header_bytes_max = 64u << 10 };
    w.transport->start(w.transport, &w.x[0]);
    w.transport->run(w.transport, 0);
    assert_int_equal(w.x[0].http_status, 400);
    assert_int_equal(emulator_violations(w.emulator), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_waits_no_longer_than_asked),
        cmocka_unit_test(who_was_woken_does_not_wait),
        cmocka_unit_test(answers_come_in_the_order_in_which_they_are_due),
        cmocka_unit_test(an_answer_is_as_of_the_request),
        cmocka_unit_test(a_run_ends_though_each_answer_asks_again),
        cmocka_unit_test(what_was_cancelled_never_comes),
        cmocka_unit_test(a_body_beyond_the_cap_is_a_failure),
        cmocka_unit_test(headers_travel_both_ways),
        cmocka_unit_test(every_kind_comes_about_as_often_as_asked_and_the_seed_decides),
        cmocka_unit_test(of_the_kinds_that_were_asked_for_and_none_after_the_end),
        cmocka_unit_test(a_connection_that_was_closed_in_silence_is_found_dead_once),
        cmocka_unit_test(the_orgs_own_rules_hold_on_this_way_too),
        cmocka_unit_test(a_form_is_posted),
    };

    return RUN_ROWS(arrives, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
