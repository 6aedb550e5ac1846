/* That the store holds every login event of the org once, whatever happens on the way. */
#include "world/poller_world.h"

#include "rows.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>

#define MINUTE 60000

static const struct world_options busy = {
    .org = { .seed = 7,
             .users = 40,
             .apps = 5,
             .history_events = 12000, /* more than a page a day */
             .history_days = 8,
             .login_every_ms = 700,
             .late_percent = 15,
             .other_percent = 25 },
    .history_days = 6,
    .latency_ms = 200,
};

/* No new logins; what is late comes in; the tail reads all of it. */
static void settle(struct world *w)
{
    emulator_stop_logins(w->emulator);
    world_pass(w, 60 * MINUTE);
}

static void add_events(struct world *w, int count, int64_t published_ms)
{
    for (int i = 0; i < count; i++)
        emulator_add_event(w->emulator, w->clock.unix_ms, published_ms + i, NULL, VIEW_NONE);
}

static void check_and_close(struct world *w)
{
    world_check_exactly_once(w);
    assert_int_equal(emulator_violations(w->emulator), 0);
    world_close(w);
}

/* ---- without trouble ---- */

static void each_event_is_stored_once(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &busy);
    add_events(&w, 3500, WORLD_START_MS - 5 * MINUTE); /* the tail begins with full pages */
    assert_true(world_run(&w, world_is_synced, 90 * MINUTE));
    settle(&w);
    assert_int_equal(w.now.history, HISTORY_COMPLETE);
    assert_true(w.now.late > 0);
    assert_true(w.now.events_read > w.now.logins_stored); /* other types are read, not stored */
    assert_int_equal(w.now.collections[COLLECTION_LOGINS].objects, world_stored(&w));
    assert_int_equal(w.now.history_reached_ms, w.now.history_target_ms);
    check_and_close(&w);
}

static bool has_login(const struct world *w)
{
    return w->now.logins_stored > 0;
}

static void the_first_login_waits_for_nothing(void **state)
{
    struct world_options options = busy;
    struct world w;

    (void)state;
    options.org.users = 20000;
    options.org.history_events = 100000;
    options.org.history_days = 30;
    options.history_days = 30;
    world_open(&w, &options);
    assert_true(world_run(&w, has_login, 5000));
    world_close(&w);
}

/* ---- restarts ---- */

static bool restart_when_a_page_was_stored(struct world *w, uint64_t *seen, int64_t within_ms)
{
    int64_t until_ms = w->clock.mono_ms + within_ms;

    while (w->clock.mono_ms < until_ms) {
        uint64_t position =
            (uint64_t)w->now.history_reached_ms ^ w->now.collections[COLLECTION_USERS].objects ^ world_stored(w) << 32;

        if (world_is_synced(w))
            return true;
        if (position != *seen)
            world_restart(w);
        *seen = position;
        world_turn(w);
    }
    return false;
}

static void a_restart_at_every_page_loses_and_doubles_nothing(void **state)
{
    struct world_options options = busy;
    struct world w;
    uint64_t seen = 0;

    (void)state;
    options.org.login_every_ms = 45000; /* with more, each answer would be a page, and nothing else ever come */
    world_open(&w, &options);
    add_events(&w, 3500, WORLD_START_MS - 5 * MINUTE);
    assert_true(restart_when_a_page_was_stored(&w, &seen, 300 * MINUTE));
    assert_in_range(w.restarts, 8, 60);
    settle(&w);
    check_and_close(&w);
}

static void a_restart_between_question_and_answer_loses_and_doubles_nothing(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &busy);
    add_events(&w, 1500, WORLD_START_MS - 5 * MINUTE);
    for (int i = 0; i < 400 && !world_is_synced(&w); i++) {
        (void)poller_turn(w.poller, 150); /* an answer takes 200 ms */
        (void)poller_turn(w.poller, 40 + i % 3 * 40);
        poller_snapshot(w.poller, &w.now);
        if (i % 5 == 4)
            world_restart(&w);
    }
    assert_true(world_run(&w, world_is_synced, 90 * MINUTE));
    settle(&w);
    check_and_close(&w);
}

static void the_tail_starts_where_the_connector_was_made(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &busy);
    for (int i = 0; i < 3; i++) { /* no answer at all for three hours, and restarts */
        emulator_transport_fault(w.transport, TRANSPORT_RESET, 1000000);
        world_pass(&w, 60 * MINUTE);
        world_restart(&w);
    }
    emulator_transport_fault(w.transport, TRANSPORT_OK, 0);
    assert_true(world_run(&w, world_is_synced, 90 * MINUTE));
    settle(&w);
    check_and_close(&w);
}

/* ---- trouble ---- */

static const char HTML[] = "<html><body>Sign in to the corporate proxy</body></html>";
static const char INTERNAL[] = "{\"errorCode\":\"E0000009\",\"errorSummary\":\"Internal Server Error\"}";
static const char TOO_MANY[] = "{\"errorCode\":\"E0000047\",\"errorSummary\":\"API call exceeded rate limit\"}";

static const struct trouble_row {
    const char *name;
    enum transport_fault fault; /* TRANSPORT_OK: an answer instead */
    uint32_t count;
    int status;
    const char *body;
} troubles[] = {
    { "timeouts", TRANSPORT_TIMEOUT, 2, 0, NULL },
    { "resets", TRANSPORT_RESET, 3, 0, NULL },
    { "answers cut in half", TRANSPORT_TRUNCATED, 3, 0, NULL },
    { "kept connections that are dead", TRANSPORT_STALE, 3, 0, NULL },
    { "500 E0000009: smaller pages", TRANSPORT_OK, 4, 500, INTERNAL },
    { "503 without a body", TRANSPORT_OK, 3, 503, "" },
    { "429", TRANSPORT_OK, 2, 429, TOO_MANY },
    { "a proxy's page with 200", TRANSPORT_OK, 3, 200, HTML },
    { "half an array with 200", TRANSPORT_OK, 3, 200, "[{\"uuid\":\"x\",\"published\":\"2026-03-1" },
    { "an object with 200", TRANSPORT_OK, 3, 200, "{}" },
    { "a redirect", TRANSPORT_OK, 2, 302, "" },
};

static void make_trouble(struct world *w, const struct trouble_row *row)
{
    if (row->fault != TRANSPORT_OK)
        emulator_transport_fault(w->transport, row->fault, row->count);
    else
        emulator_fault(w->emulator, "/api/v1/", row->count, row->status, row->body);
}

static void trouble_loses_and_doubles_nothing(void **state)
{
    const struct trouble_row *row = *state;
    struct world w;

    world_open(&w, &busy);
    add_events(&w, 2500, WORLD_START_MS - 5 * MINUTE);
    for (int i = 0; i < 12; i++) {
        make_trouble(&w, row);
        for (int turn = 0; turn < 7; turn++)
            world_turn(&w);
    }
    assert_true(world_run(&w, world_is_synced, 24 * 60 * MINUTE));
    settle(&w);
    check_and_close(&w);
}

static void links_that_die_lose_and_double_nothing(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &busy);
    add_events(&w, 4500, WORLD_START_MS - 5 * MINUTE);
    for (int i = 0; i < 40; i++) {
        if (i % 3 == 0)
            emulator_expire_cursors(w.emulator);
        if (i % 10 == 9)
            world_restart(&w);
        world_turn(&w);
    }
    assert_true(world_run(&w, world_is_synced, 90 * MINUTE));
    emulator_expire_cursors(w.emulator);
    settle(&w);
    assert_true(w.now.duplicates_dropped > 0);
    check_and_close(&w);
}

static bool has_a_page(const struct world *w)
{
    return w->now.logins_stored >= 1000;
}

/* More than two pages carry one time, and the link dies between them: the time alone is no place to go on from. */
static void many_in_one_millisecond_are_all_stored_once(void **state)
{
    struct world_options options = { .org = { .seed = 3, .users = 5 }, .latency_ms = 100 };
    struct world w;

    (void)state;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, 5 * MINUTE));
    world_pass(&w, MINUTE);
    for (int i = 0; i < 2500; i++)
        emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, "user.session.start", VIEW_NONE);
    assert_true(world_run(&w, has_a_page, 2 * MINUTE));
    assert_true(world_stored(&w) < 2500);
    emulator_expire_cursors(w.emulator);
    world_restart(&w);
    world_pass(&w, 5 * MINUTE);
    assert_int_equal(world_stored(&w), 2500);
    assert_true(w.now.duplicates_dropped >= 1000);
    check_and_close(&w);
}

static void a_wrong_clock_of_ours_loses_nothing(void **state)
{
    const int64_t off_ms[] = { 3 * 60 * MINUTE, -3 * 60 * MINUTE, -400 * WORLD_DAY_MS };

    (void)state;
    for (size_t i = 0; i < sizeof off_ms / sizeof off_ms[0]; i++) {
        struct world w;
        struct world_options options = busy;

        options.clock_off_ms = off_ms[i];
        world_open(&w, &options);
        assert_true(world_run(&w, world_is_synced, 90 * MINUTE));
        settle(&w);
        check_and_close(&w);
    }
}

static void a_place_that_okta_has_forgotten_is_left(void **state)
{
    struct world_options options = { .org = { .seed = 3, .users = 5 }, .latency_ms = 100 };
    struct world w;

    (void)state;
    world_open(&w, &options); /* where to start is kept, and nothing was read */
    hand_clock_advance(&w.clock, 200 * WORLD_DAY_MS);
    world_restart(&w);
    assert_true(world_run(&w, world_is_live, 10 * MINUTE));
    hand_clock_advance(&w.clock, 200 * WORLD_DAY_MS);
    emulator_expire_cursors(w.emulator);
    add_events(&w, 5, w.clock.unix_ms);
    world_pass(&w, 2 * MINUTE);
    assert_int_equal(world_stored(&w), 5);
    assert_true(world_is_live(&w));
    world_close(&w);
}

/* ---- hostile bytes ---- */

static const struct hostile_row {
    const char *name, *json;
    size_t len; /* 0: strlen */
    unsigned unparsed;
} hostile[] = {
    { "a lone surrogate",
      "{\"uuid\":\"h1\",\"published\":\"%s\",\"eventType\":\"user.session.start\",\"a\":\"\\ud800\"}", 0, 1 },
    { "a byte that is no UTF-8", "{\"uuid\":\"h2\",\"eventType\":\"user.session.start\",\"a\":\"\xff\"}", 0, 1 },
    { "a control character", "{\"uuid\":\"h3\",\"eventType\":\"user.session.start\",\"a\":\"\x01\"}", 0, 1 },
    { "a number beyond all", "{\"uuid\":\"h4\",\"eventType\":\"user.session.start\",\"a\":1e400}", 0, 1 },
    { "no object", "17", 0, 1 },
};

static void hostile_bytes_cost_their_neighbours_nothing(void **state)
{
    const struct hostile_row *row = *state;
    struct world_options options = { .org = { .seed = 3, .users = 5 }, .latency_ms = 100 };
    struct world w;

    world_open(&w, &options);
    add_events(&w, 3, WORLD_START_MS - 3 * MINUTE);
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, view_of(row->json));
    add_events(&w, 3, WORLD_START_MS - 2 * MINUTE);
    assert_true(world_run(&w, world_is_synced, 5 * MINUTE));
    assert_int_equal(w.now.unparsed, row->unparsed);
    assert_int_equal(world_stored(&w), 7);
    add_events(&w, 2, w.clock.unix_ms);
    world_restart(&w);
    world_pass(&w, MINUTE);
    assert_int_equal(world_stored(&w), 9); /* it went on, and the hostile one is known */
    world_close(&w);
}

static void a_time_in_the_far_future_does_not_become_the_place_to_restart_from(void **state)
{
    static const char json[] = "{\"uuid\":\"f1\",\"published\":\"9999-01-01T00:00:00.000Z\",\"eventType\":"
                               "\"user.session.start\"}";
    struct world_options options = { .org = { .seed = 3, .users = 5 }, .latency_ms = 100 };
    struct world w;

    (void)state;
    world_open(&w, &options);
    add_events(&w, 3, WORLD_START_MS - 3 * MINUTE);
    emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, VIEW(json));
    assert_true(world_run(&w, world_is_synced, 5 * MINUTE));
    emulator_expire_cursors(w.emulator);
    add_events(&w, 3, w.clock.unix_ms);
    world_pass(&w, 2 * MINUTE);
    assert_int_equal(world_stored(&w), 7);
    assert_int_equal(w.now.late, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_stored_once),
        cmocka_unit_test(the_first_login_waits_for_nothing),
        cmocka_unit_test(a_restart_at_every_page_loses_and_doubles_nothing),
        cmocka_unit_test(a_restart_between_question_and_answer_loses_and_doubles_nothing),
        cmocka_unit_test(the_tail_starts_where_the_connector_was_made),
        cmocka_unit_test(links_that_die_lose_and_double_nothing),
        cmocka_unit_test(many_in_one_millisecond_are_all_stored_once),
        cmocka_unit_test(a_wrong_clock_of_ours_loses_nothing),
        cmocka_unit_test(a_place_that_okta_has_forgotten_is_left),
        cmocka_unit_test(a_time_in_the_far_future_does_not_become_the_place_to_restart_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(trouble_loses_and_doubles_nothing, troubles) +
           RUN_ROWS(hostile_bytes_cost_their_neighbours_nothing, hostile);
}
