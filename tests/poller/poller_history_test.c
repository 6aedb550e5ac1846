/* The login history: how far down it goes, what makes it stop, and retention. */
#include "store/directory.h"
#include "world/poller_world.h"

#include "model/state.h"
#include "rows.h"
#include "store/journal.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>

#define MINUTE 60000

static const struct world_options quick = {
    .org = { .seed = 21,
             .users = 5,
             .history_events = 8000,
             .history_days = 8,
             .other_percent = 10,
             .logs_limit = 6000 },
    .history_days = 3,
    .latency_ms = 50,
};

static void reconfigure(struct world *w, int history_days, int retention_days)
{
    const struct poller_settings settings = { w->options.collections, history_days, retention_days };
    struct error err;

    assert_true(poller_reconfigure(w->poller, &w->options.url, VIEW_NONE, &settings, &err));
    w->options.history_days = history_days;
    w->options.retention_days = retention_days;
    world_turn(w);
}

static bool is_limited(const struct world *w)
{
    return w->now.history == HISTORY_LIMITED_BY_SIZE;
}

static bool is_running(const struct world *w)
{
    return w->now.history == HISTORY_RUNNING;
}

static void history_off_asks_for_none(void **state)
{
    struct world_options options = quick;
    struct world w;

    (void)state;
    options.history_days = 0;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, 5 * MINUTE));
    world_pass(&w, 5 * MINUTE);
    assert_int_equal(w.now.history, HISTORY_OFF);
    assert_int_equal(w.now.history_stored, 0);
    world_close(&w);
}

static void complete_stays_complete_and_asks_no_more(void **state)
{
    uint64_t requests;
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    assert_int_equal(w.now.history_reached_ms, w.now.history_target_ms);
    assert_true(w.now.history_stored > 2000);
    world_restart(&w);
    assert_int_equal(w.now.history, HISTORY_COMPLETE);
    requests = emulator_requests(w.emulator, "/api/v1/logs");
    world_pass(&w, 10 * MINUTE);
    assert_in_range(emulator_requests(w.emulator, "/api/v1/logs") - requests, 100, 133); /* the idle tail's */
    world_check_exactly_once(&w);
    world_close(&w);
}

static void more_days_go_on_further_down(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    reconfigure(&w, 6, 90);
    assert_true(is_running(&w));
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    world_check_exactly_once(&w);
    world_restart(&w);
    assert_int_equal(w.now.history, HISTORY_COMPLETE);
    world_close(&w);
}

static void more_days_after_a_restart_go_on_further_down(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    w.options.history_days = 5;
    world_restart(&w);
    assert_true(world_run(&w, is_running, MINUTE));
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    world_check_exactly_once(&w);
    world_close(&w);
}

static void fewer_days_while_it_runs_end_it(void **state)
{
    struct world_options options = quick;
    struct world w;

    (void)state;
    options.history_days = 7;
    options.org.logs_limit = 0;
    world_open(&w, &options);
    for (int i = 0; i < 15; i++)
        world_turn(&w);
    assert_true(is_running(&w));
    reconfigure(&w, 1, 90);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    world_close(&w);
}

static void what_okta_has_forgotten_meanwhile_ends_it(void **state)
{
    struct world_options options = quick;
    struct world w;

    (void)state;
    options.history_days = 7;
    options.org.logs_limit = 20;
    options.org.history_events = 60000;
    world_open(&w, &options);
    world_pass(&w, 2 * MINUTE);
    assert_true(is_running(&w));
    hand_clock_advance(&w.clock, 100 * WORLD_DAY_MS);
    emulator_expire_cursors(w.emulator);
    world_restart(&w);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    world_close(&w);
}

static void history_does_not_wait_for_an_idle_tail(void **state)
{
    struct world_options options = quick;
    struct world w;

    (void)state;
    options.history_days = 7;
    options.org.history_events = 40000;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, 20000)); /* 35 pages and as many polls, at 50 ms each */
    world_check_exactly_once(&w);
    world_close(&w);
}

static void off_and_on_again_goes_on(void **state)
{
    struct world_options options = quick;
    struct world w;

    (void)state;
    options.history_days = 6;
    world_open(&w, &options);
    for (int i = 0; i < 10; i++)
        world_turn(&w);
    reconfigure(&w, 0, 90);
    world_pass(&w, 5 * MINUTE);
    assert_int_equal(w.now.history, HISTORY_OFF);
    reconfigure(&w, 6, 90);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    world_check_exactly_once(&w);
    world_close(&w);
}

static void a_store_that_gets_full_ends_history_for_good(void **state)
{
    struct world_options options = quick;
    struct store_usage usage;
    struct error err;
    struct world w;

    (void)state;
    options.org.history_events = 60000;
    options.org.history_days = 30;
    options.org.login_every_ms = 2000;
    options.history_days = 30;
    options.store_max_bytes = STORE_BYTES_MIN;
    world_open(&w, &options);
    assert_true(world_run(&w, is_limited, 60 * MINUTE));
    assert_true(store_usage(w.store, &usage, &err));
    assert_in_range(usage.bytes, STORE_BYTES_MIN / 100 * 79, STORE_BYTES_MIN / 100 * 92);
    world_restart(&w);
    assert_true(is_limited(&w));
    world_pass(&w, 10 * MINUTE);
    assert_true(is_limited(&w));
    assert_true(w.now.state == CONNECTOR_LIVE);
    assert_true(w.now.logins_stored > 200); /* the tail goes on */
    assert_true(w.now.history_reached_ms > w.now.history_target_ms);
    world_close(&w);
}

static void what_is_too_old_goes(void **state)
{
    struct journal_bounds bounds;
    struct error err;
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    reconfigure(&w, 2, 2);
    world_pass(&w, 10 * MINUTE);
    assert_true(journal_bounds(w.store, &bounds, &err));
    assert_true(bounds.pruned > 500);
    assert_true(bounds.oldest_published_ms >= w.clock.unix_ms - 2 * WORLD_DAY_MS - 2 * MINUTE);
    assert_int_equal(w.now.history, HISTORY_COMPLETE);
    assert_int_equal(w.now.collections[COLLECTION_LOGINS].objects, bounds.count);
    world_close(&w);
}

static void history_as_long_as_retention_is_complete(void **state)
{
    struct world_options options = quick;
    struct journal_bounds bounds;
    struct error err;
    struct world w;

    (void)state;
    options.history_days = options.retention_days = 3;
    options.org.logs_limit = 20; /* slowly: hours, in which the oldest becomes too old */
    options.org.history_events = 60000;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_synced, 20 * 60 * MINUTE));
    assert_true(journal_bounds(w.store, &bounds, &err));
    assert_in_range(w.clock.unix_ms - bounds.oldest_published_ms, 3 * WORLD_DAY_MS - 10 * MINUTE,
                    3 * WORLD_DAY_MS + 60 * MINUTE);
    world_close(&w);
}

static void a_clock_that_jumps_ahead_does_not_empty_the_store(void **state)
{
    size_t stored;
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    stored = world_stored(&w);
    w.clock_off_ms = 3650 * WORLD_DAY_MS;
    world_pass(&w, 10 * MINUTE);
    assert_int_equal(world_stored(&w), stored);
    world_restart(&w);
    world_pass(&w, 10 * MINUTE);
    assert_int_equal(world_stored(&w), stored);
    world_close(&w);
}

static void history_does_not_go_in_below_what_retention_removed(void **state)
{
    uint64_t stored;
    struct world w;

    (void)state;
    world_open(&w, &quick);
    assert_true(world_run(&w, world_is_synced, 30 * MINUTE));
    reconfigure(&w, 2, 2);
    world_pass(&w, 10 * MINUTE);
    stored = w.now.history_stored;
    reconfigure(&w, 6, 90);
    assert_true(world_run(&w, is_limited, MINUTE));
    assert_int_equal(w.now.history_stored, stored);
    world_close(&w);
}

static void what_was_removed_is_not_stored_again_when_the_link_dies(void **state)
{
    struct world_options options = { .org = { .seed = 4, .users = 3 }, .retention_days = 1, .latency_ms = 50 };
    struct world w;

    (void)state;
    world_open(&w, &options);
    for (int i = 0; i < 3; i++)
        emulator_add_event(w.emulator, WORLD_START_MS, WORLD_START_MS - i, NULL, VIEW_NONE);
    assert_true(world_run(&w, world_is_synced, MINUTE));
    assert_int_equal(world_stored(&w), 3);
    hand_clock_advance(&w.clock, 2 * WORLD_DAY_MS);
    world_pass(&w, 3 * MINUTE);
    assert_int_equal(world_stored(&w), 0);
    emulator_expire_cursors(w.emulator);
    world_pass(&w, 3 * MINUTE);
    assert_int_equal(w.now.logins_stored, 3);
    /* Once the head was reached, what is late is new. */
    emulator_add_event(w.emulator, w.clock.unix_ms, WORLD_START_MS - 5, NULL, VIEW_NONE);
    world_pass(&w, MINUTE);
    assert_int_equal(w.now.logins_stored, 4);
    world_close(&w);
}

/* ---- a store that takes no more ---- */

/* Rows of users that nothing removes, until no page of events fits. */
static void fill_store(struct world *w, uint32_t row_bytes)
{
    char *row = calloc(1, row_bytes), id[64];
    enum { PART = 8 };
    struct error err;
    bool ok = true;

    for (int i = 0; ok; i += PART) {
        struct store_txn *txn;

        assert_true(store_begin(w->store, &txn, &err));
        for (int j = i; ok && j < i + PART; j++) {
            struct directory_row r = { .facets = DIRECTORY_FACET_OBJECT };
            bool changed;

            snprintf(id, sizeof id, "00ufill%06u%08d", row_bytes, j);
            r.id = view_of(id);
            r.encoded = (struct view){ row, row_bytes };
            ok = directory_put(txn, 1 /* users */, &r, &changed, &err);
        }
        if (ok)
            ok = store_commit(&txn, &err);
        store_abort(&txn);
    }
    free(row);
}

static void a_full_store_keeps_the_position_and_goes_on_when_there_is_room(void **state)
{
    struct world_options options = { .org = { .seed = 2, .users = 3, .login_every_ms = 200 },
                                     .latency_ms = 50,
                                     .store_max_bytes = STORE_BYTES_MIN,
                                     .collections = 1u << COLLECTION_LOGINS };
    uint64_t requests;
    struct world w;

    (void)state;
    world_open(&w, &options);
    assert_true(world_run(&w, world_is_live, MINUTE));
    fill_store(&w, 200000);
    fill_store(&w, 16000);
    fill_store(&w, 500);
    assert_true(world_run(&w, world_is_degraded, 30 * MINUTE));
    assert_non_null(strstr(w.now.state_reason, "cannot write"));
    requests = emulator_requests(w.emulator, "/api/v1/logs");
    world_pass(&w, 10 * MINUTE);
    assert_true(world_is_degraded(&w));
    assert_in_range(emulator_requests(w.emulator, "/api/v1/logs") - requests, 15, 25); /* each half minute */
    w.store_max_bytes *= 2;
    world_restart(&w);
    emulator_stop_logins(w.emulator);
    assert_true(world_run(&w, world_is_live, 5 * MINUTE));
    world_pass(&w, 5 * MINUTE);
    world_check_nothing_is_lost(&w);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_off_asks_for_none),
        cmocka_unit_test(complete_stays_complete_and_asks_no_more),
        cmocka_unit_test(more_days_go_on_further_down),
        cmocka_unit_test(more_days_after_a_restart_go_on_further_down),
        cmocka_unit_test(fewer_days_while_it_runs_end_it),
        cmocka_unit_test(what_okta_has_forgotten_meanwhile_ends_it),
        cmocka_unit_test(history_does_not_wait_for_an_idle_tail),
        cmocka_unit_test(off_and_on_again_goes_on),
        cmocka_unit_test(a_store_that_gets_full_ends_history_for_good),
        cmocka_unit_test(what_is_too_old_goes),
        cmocka_unit_test(history_does_not_go_in_below_what_retention_removed),
        cmocka_unit_test(what_was_removed_is_not_stored_again_when_the_link_dies),
        cmocka_unit_test(history_as_long_as_retention_is_complete),
        cmocka_unit_test(a_clock_that_jumps_ahead_does_not_empty_the_store),
        cmocka_unit_test(a_full_store_keeps_the_position_and_goes_on_when_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
