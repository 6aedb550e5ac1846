#include "poller/poller_state.h"

#include "rows.h"

#include <string.h>

static void tail_comes_back_as_it_was(void **state)
{
    const struct tail_state was = { .start_ms = 1,
                                    .since_ms = -2,
                                    .newest_ms = INT64_MIN,
                                    .is_reread = true,
                                    .path = "/api/v1/logs?after=x%20y&limit=1000" };
    struct tail_state is = { .newest_ms = 9, .has_reached_head = true };
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    struct error err;

    (void)state;
    poller_state_encode(&poller_state_tail, &was, &text);
    assert_true(buf_ok(&text));
    assert_true(poller_state_decode(&poller_state_tail, buf_view(&text), &is, &err));
    assert_int_equal(is.start_ms, was.start_ms);
    assert_int_equal(is.since_ms, was.since_ms);
    assert_true(is.newest_ms == was.newest_ms);
    assert_true(is.is_reread);
    assert_false(is.has_reached_head);
    assert_string_equal(is.path, was.path);
}

static void history_and_listing_come_back_as_they_were(void **state)
{
    const struct history_state b = { HISTORY_IS_LIMITED, true, 30, 20, 25, 86400000, 7, 9, "/b" };
    const struct listing_state u = { true, 10, 2000, 5, 7, 6, "" };
    struct history_state b2 = { 0 };
    struct listing_state u2 = { .path = "/gone" };
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    struct error err;

    (void)state;
    poller_state_encode(&poller_state_history, &b, &text);
    assert_true(poller_state_decode(&poller_state_history, buf_view(&text), &b2, &err));
    assert_true(b2.progress == b.progress && b2.has_begun && b2.top_ms == 30 && b2.bottom_ms == 20 &&
                b2.reached_ms == 25);
    assert_string_equal(b2.path, "/b");
    buf_reset(&text);
    poller_state_encode(&poller_state_listing, &u, &text);
    assert_true(poller_state_decode(&poller_state_listing, buf_view(&text), &u2, &err));
    assert_true(u2.is_complete && u2.pages == 10 && u2.listed == 2000 && u2.began_ms == 5 && u2.high_ms == 7);
    assert_int_equal(u2.seen_ms, 6);
    assert_string_equal(u2.path, "");
}

static void the_longest_link_fits_into_a_cursor(void **state)
{
    struct tail_state tail = { .start_ms = INT64_MIN, .since_ms = INT64_MIN, .newest_ms = INT64_MIN };
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);

    (void)state;
    memset(tail.path, 'x', OKTA_PATH_BYTES_MAX);
    poller_state_encode(&poller_state_tail, &tail, &text);
    assert_true(buf_ok(&text));
}

static const struct row {
    const char *name, *text;
    bool ok;
    enum error_code code;
} rows[] = {
    { "only the version: all keeps its default", "1\n", true, ERROR_OK },
    { "a member of a newer program is ignored", "1\nnew_thing 1 2 3\nstart_ms 5\n", true, ERROR_OK },
    { "another version", "2\nstart_ms 5\n", false, ERROR_FAILED_PRECONDITION },
    { "nothing", "", false, ERROR_DATA_LOSS },
    { "no number", "1\nstart_ms five\n", false, ERROR_DATA_LOSS },
    { "a number out of range", "1\nstart_ms 99999999999999999999\n", false, ERROR_DATA_LOSS },
    { "no truth value", "1\nis_reread 2\n", false, ERROR_DATA_LOSS },
    { "a line without a value", "1\nstart_ms\n", false, ERROR_DATA_LOSS },
    { "a path with a blank", "1\npath /a b\n", false, ERROR_DATA_LOSS },
};

static void text_is_read(void **state)
{
    const struct row *row = *state;
    struct tail_state tail = { .since_ms = 77 };
    struct error err = { 0 };

    assert_int_equal(poller_state_decode(&poller_state_tail, view_of(row->text), &tail, &err), row->ok);
    assert_int_equal(err.code, row->code);
    assert_int_equal(tail.since_ms, 77);
}

static void a_link_too_long_is_refused(void **state)
{
    static char link[OKTA_PATH_BYTES_MAX + 1];
    char path[OKTA_PATH_BYTES_MAX + 1] = "/before";

    (void)state;
    memset(link, 'x', sizeof link);
    assert_false(poller_state_set_path(path, (struct view){ link, sizeof link }));
    assert_string_equal(path, "/before");
    assert_true(poller_state_set_path(path, (struct view){ link, sizeof link - 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_comes_back_as_it_was),
        cmocka_unit_test(history_and_listing_come_back_as_they_were),
        cmocka_unit_test(the_longest_link_fits_into_a_cursor),
        cmocka_unit_test(a_link_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(text_is_read, rows);
}
