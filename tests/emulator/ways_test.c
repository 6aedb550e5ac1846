/* The ways of an org that differ between orgs, times and what stands between: how links are written and where they end,
 * how long cursors live, what others use of a limit, and people who change. */
#include "fixture.h"

#include <string.h>

#define SEARCH "/api/v1/users?search="

/* ---- links ---- */

static const struct link_row {
    const char *name;
    enum emulator_links links;
    size_t want_lines;
    const char *want_header, *want_in_first, *want_end;
} link_rows[] = {
    { "a line for each", EMULATOR_LINKS_PLAIN, 2, "Link: <", "rel=\"self\"", "rel=\"next\"" },
    { "folded", EMULATOR_LINKS_FOLDED, 1, "Link: <", "rel=\"self\", <https://", "rel=\"next\"" },
    { "in lower case", EMULATOR_LINKS_LOWER, 2, "link: <", "rel=\"self\"", "rel=\"next\"" },
    { "without quotes", EMULATOR_LINKS_UNQUOTED, 2, "Link: <", "rel=self", "rel=next" },
};

static void links_are_written(void **state)
{
    const struct link_row *row = *state;
    struct emulator_request request = { .method = "GET",
                                        .target = VIEW("/api/v1/users?limit=2"),
                                        .authorization = VIEW("SSWS 00token"),
                                        .now_unix_ms = START_MS };
    struct fixture f;
    size_t lines = 0;
    const char *head;

    fixture_init(&f);
    f.options.links = row->links;
    fixture_begin(&f);
    emulator_answer(f.emulator, &request, &f.answer);
    head = buf_cstr(&f.answer.head);
    for (const char *at = head; (at = strstr(at, row->want_header)) != NULL; at++)
        lines++;
    assert_int_equal(lines, row->want_lines);
    assert_non_null(strstr(strstr(head, row->want_header), row->want_in_first));
    assert_non_null(strstr(head, row->want_end));
    assert_null(strstr(head, "\r\n\r\n"));
    fixture_end(&f);
}

static const struct end_row {
    const char *name, *target; /* whose only page is full */
    bool when_full;
    bool want_next;
} end_rows[] = {
    { "users", "/api/v1/users?limit=38", false, false },
    { "users, with a next", "/api/v1/users?limit=38", true, true },
    { "apps", "/api/v1/apps?limit=25", false, false },
    { "apps, with a next", "/api/v1/apps?limit=25", true, true },
    { "a window of the log",
      "/api/v1/logs?since=2026-03-01T00:00:00Z&until=2026-03-14T12:00:00Z&sortOrder=DESCENDING"
      "&limit=3&filter=uuid+pr",
      false, true },
};

static void a_full_last_page_has_a_next_when_told(void **state)
{
    const struct end_row *row = *state;
    struct fixture f;

    fixture_init(&f);
    f.options.has_next_when_full = row->when_full;
    fixture_begin(&f);
    assert_int_equal(fixture_ask(&f, row->target), 200);
    assert_int_equal(f.next[0] != '\0', row->want_next);
    if (row->when_full) {
        assert_int_equal(fixture_ask(&f, f.next), 200);
        assert_int_equal(json_array_size(f.body), 0);
        assert_string_equal(f.next, "");
    }
    fixture_end(&f);
}

static void a_window_that_ends_full_has_one_empty_page_more(void **state)
{
    const char *target = "/api/v1/logs?since=2026-03-14T09:20:00Z&until=2026-03-14T10:00:00Z&limit=2";
    struct fixture f;

    (void)state;
    for (int when_full = 0; when_full < 2; when_full++) {
        struct names names = { .member = "uuid" };

        fixture_init(&f);
        f.options.history_events = 0;
        f.options.has_next_when_full = when_full != 0;
        fixture_begin(&f);
        for (int i = 0; i < 4; i++)
            emulator_add_event(f.emulator, START_MS, START_MS - 1000 + i, NULL, VIEW_NONE);
        assert_int_equal(fixture_walk(&f, target, 10, names_visit, &names), when_full ? 3 : 2);
        assert_int_equal(names.count, 4);
        names_free(&names);
        fixture_end(&f);
    }
}

static void an_empty_polling_page_has_no_next_when_told(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.has_no_next_when_empty = true;
    fixture_begin(&f);
    fixture_ask(&f, "/api/v1/logs?since=2026-03-14T09:26:52.345Z&limit=5");
    assert_int_equal(json_array_size(f.body), 0);
    assert_string_equal(f.next, "");
    emulator_add_event(f.emulator, START_MS + 5, START_MS + 5, NULL, VIEW_NONE);
    f.now_ms += 5;
    fixture_ask(&f, "/api/v1/logs?since=2026-03-14T09:26:52.345Z&limit=5");
    assert_int_equal(json_array_size(f.body), 1);
    assert_string_not_equal(f.next, "");
    fixture_end(&f);
}

/* ---- cursors ---- */

static const struct life_row {
    const char *name;
    int64_t life_ms, age_ms;
    const char *target;
    int want_status;
} life_rows[] = {
    { "without end", 0, 30 * DAY_MS, "/api/v1/logs?limit=1", 200 },
    { "young", 600000, 440000, "/api/v1/logs?limit=1", 200 },
    { "old", 600000, 600000, "/api/v1/logs?limit=1", 400 },
    { "very old", 600000, 600000 * 64 + 1000, "/api/v1/logs?limit=1", 400 },
    { "young, of a window", 600000, 440000, "/api/v1/logs?limit=1&until=2026-03-14T09:00:00Z", 200 },
    { "old, of a window", 600000, 600000, "/api/v1/logs?limit=1&until=2026-03-14T09:00:00Z", 400 },
};

static void a_cursor_lives(void **state)
{
    const struct life_row *row = *state;
    struct fixture f;
    char next[2048];

    fixture_init(&f);
    f.options.cursor_life_ms = row->life_ms;
    fixture_begin(&f);
    fixture_ask(&f, row->target);
    snprintf(next, sizeof next, "%s", f.next);
    f.now_ms += row->age_ms;
    assert_int_equal(fixture_ask(&f, next), row->want_status);
    if (row->want_status != 200)
        assert_string_equal(fixture_error(&f), "E0000031");
    fixture_end(&f);
}

static void one_that_was_expired_by_hand_is_dead_whatever_its_life(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.cursor_life_ms = 600000;
    fixture_begin(&f);
    fixture_ask(&f, "/api/v1/logs?limit=1");
    emulator_expire_cursors(f.emulator);
    assert_int_equal(fixture_ask(&f, f.next), 400);
    fixture_end(&f);
}

/* ---- others ---- */

static void others_take_much_at_once_in_some_minutes(void **state)
{
    struct fixture f;
    int bursts = 0, calm = 0;

    (void)state;
    fixture_init(&f);
    f.options.logs_limit = 100;
    f.options.burst_percent = 80;
    fixture_begin(&f);
    for (int minute = 0; minute < 80; minute++) {
        int first, last;

        f.now_ms = START_MS + minute * INT64_C(61000);
        fixture_ask(&f, "/api/v1/logs?limit=1");
        first = atoi(fixture_header(&f, "X-Rate-Limit-Remaining", 0));
        f.now_ms += 59000;
        fixture_ask(&f, "/api/v1/logs?limit=1");
        last = atoi(fixture_header(&f, "X-Rate-Limit-Remaining", 0));
        bursts += first - last > 70;
        calm += first - last == 1;
    }
    assert_true(bursts > 8 && bursts < 36);
    assert_true(calm > 40);
    fixture_end(&f);
}

/* ---- people who change ---- */

static size_t found(struct fixture *f, const char *target)
{
    assert_int_equal(fixture_ask(f, target), 200);
    return json_array_size(f->body);
}

static const struct change_row {
    const char *name;
    enum emulator_user_change change;
    const char *want_status; /* NULL: gone */
    bool want_listed;
} change_rows[] = {
    { "another profile", EMULATOR_USER_UPDATE, "ACTIVE", true },
    { "suspended", EMULATOR_USER_SUSPEND, "SUSPENDED", true },
    { "deactivated", EMULATOR_USER_DEACTIVATE, "DEPROVISIONED", false },
    { "deleted", EMULATOR_USER_DELETE, NULL, false },
};

static void a_user_is(void **state)
{
    const struct change_row *row = *state;
    struct fixture f;
    size_t before;

    fixture_init(&f);
    fixture_begin(&f);
    emulator_add_user(f.emulator, START_MS, "ann@acme.example");
    before = found(&f, "/api/v1/users?limit=200");
    assert_true(emulator_change_user(f.emulator, START_MS + 5000, VIEW("ann@acme.example"), row->change));
    f.now_ms = START_MS + 5000;
    assert_int_equal(found(&f, "/api/v1/users?limit=200"), row->want_listed ? before : before - 1);
    assert_int_equal(found(&f, SEARCH "lastUpdated+ge+%222026-03-14T09:26:57.345Z%22"), row->want_status != NULL);
    assert_int_equal(fixture_ask(&f, "/api/v1/users/ann@acme.example"), row->want_status != NULL ? 200 : 404);
    if (row->want_status != NULL) {
        assert_string_equal(json_string_value(json_object_get(f.body, "status")), row->want_status);
        assert_string_equal(json_string_value(json_object_get(f.body, "lastUpdated")), "2026-03-14T09:26:57.345Z");
    }
    assert_int_equal(json_object_get(json_object_get(f.body, "profile"), "title") != NULL,
                     row->change == EMULATOR_USER_UPDATE);
    fixture_end(&f);
}

static void the_index_knows_somebody_as_he_was_for_a_while(void **state)
{
    const char *deprovisioned = SEARCH "profile.login+eq+%22ann@acme.example%22+and+status+eq+%22DEPROVISIONED%22";
    const char *active = SEARCH "profile.login+eq+%22ann@acme.example%22+and+status+eq+%22ACTIVE%22";
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.index_lag_ms = 2000;
    fixture_begin(&f);
    emulator_add_user(f.emulator, START_MS, "ann@acme.example");
    assert_true(emulator_change_user(f.emulator, START_MS + 5000, VIEW("ann@acme.example"), EMULATOR_USER_DEACTIVATE));
    f.now_ms = START_MS + 6999;
    assert_int_equal(found(&f, active), 1);
    assert_int_equal(found(&f, deprovisioned), 0);
    f.now_ms = START_MS + 7000;
    assert_int_equal(found(&f, active), 0);
    assert_int_equal(found(&f, deprovisioned), 1);
    fixture_end(&f);
}

static void nobody_cannot_change(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    assert_false(emulator_change_user(f.emulator, START_MS, VIEW("nobody@acme.example"), EMULATOR_USER_UPDATE));
    emulator_add_user(f.emulator, START_MS, "ann@acme.example");
    assert_true(emulator_change_user(f.emulator, START_MS, VIEW("ann@acme.example"), EMULATOR_USER_DELETE));
    assert_false(emulator_change_user(f.emulator, START_MS, VIEW("ann@acme.example"), EMULATOR_USER_ACTIVATE));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_that_ends_full_has_one_empty_page_more),
        cmocka_unit_test(an_empty_polling_page_has_no_next_when_told),
        cmocka_unit_test(one_that_was_expired_by_hand_is_dead_whatever_its_life),
        cmocka_unit_test(others_take_much_at_once_in_some_minutes),
        cmocka_unit_test(the_index_knows_somebody_as_he_was_for_a_while),
        cmocka_unit_test(nobody_cannot_change),
    };

    return RUN_ROWS(links_are_written, link_rows) + RUN_ROWS(a_full_last_page_has_a_next_when_told, end_rows) +
           RUN_ROWS(a_cursor_lives, life_rows) + RUN_ROWS(a_user_is, change_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
