#include "fixture.h"

#include <string.h>

#define LOGS   "/api/v1/logs"
#define SINCE  "since=2026-02-12T00:00:00.000Z"
#define WINDOW LOGS "?since=2026-02-20T00:00:00.000Z&until=2026-02-25T00:00:00.000Z"
#define SECOND INT64_C(1000)
#define MINUTE INT64_C(60000)

/* ---- what is refused ---- */

static const struct row {
    const char *name, *target;
    int want_status;
    const char *want_code;
} rows[] = {
    { "nothing but the path", LOGS, 200, "" },
    { "an unreadable until", LOGS "?until=soon", 400, "E0000001" },
    { "an unreadable since", LOGS "?since=2026-13-01T00:00:00.000Z", 400, "E0000001" },
    { "an offset of time", LOGS "?since=2026-03-14T00:00:00%2B01:00", 200, "" },
    { "an offset whose plus is a blank", LOGS "?since=2026-03-14T00:00:00+01:00", 400, "E0000001" },
    { "no events at all", LOGS "?limit=0", 200, "" },
    { "the largest page", LOGS "?limit=1000", 200, "" },
    { "a page that is too large", LOGS "?limit=1001", 400, "E0000001" },
    { "a limit that is no number", LOGS "?limit=ten", 400, "E0000001" },
    { "180 days ago", LOGS "?since=2025-09-15T09:26:53.000Z", 200, "" },
    { "more than 180 days ago", LOGS "?since=2025-09-15T09:26:52.000Z", 400, "E0000053" },
    { "an order that does not exist", LOGS "?sortOrder=asc", 400, "E0000001" },
    { "an unknown operator", LOGS "?filter=eventType+eqq+%22x%22", 400, "E0000053" },
    { "an unknown field", LOGS "?filter=no_such+eq+%22x%22", 400, "E0000053" },
    { "a filter by published", LOGS "?filter=published+gt+%222026-03-01T00:00:00.000Z%22", 400, "E0000053" },
    { "an operator not for this field", LOGS "?filter=debugContext.debugData.url+co+%22x%22", 400, "E0000031" },
    { "ten words", LOGS "?q=a+b+c+d+e+f+g+h+i+j", 200, "" },
    { "eleven words", LOGS "?q=a+b+c+d+e+f+g+h+i+j+k", 400, "E0000001" },
    { "a word of 41 characters", LOGS "?q=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 400, "E0000001" },
    { "a parameter that does not exist", LOGS "?sortBy=published", 400, "E0000001" },
    { "a parameter twice", LOGS "?limit=10&limit=10", 400, "E0000037" },
    { "an escape that is none", LOGS "?since=%zz", 400, "E0000001" },
    { "a cursor made by hand", LOGS "?after=1773480412345_1", 400, "E0000031" },
    { "since with a cursor made by hand", LOGS "?" SINCE "&after=1773480412345_1", 400, "E0000031" },
    { "a bounded cursor made by hand", WINDOW "&after=3f0e2a10-1f83-11f1-9a55-1b6f1f0c2d3e", 400, "E0000031" },
};

static void is_answered(void **state)
{
    const struct row *row = *state;
    struct fixture f;

    fixture_init(&f);
    fixture_begin(&f);
    assert_int_equal(fixture_ask(&f, row->target), row->want_status);
    assert_string_equal(fixture_error(&f), row->want_code);
    fixture_end(&f);
}

/* ---- polling ---- */

static void polling_brings_everything_in_the_order_of_persistence(void **state)
{
    struct names names = { .member = "uuid" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    assert_int_equal(fixture_walk(&f, LOGS "?" SINCE "&limit=1000", 4, names_visit, &names), 4);
    assert_int_equal(names.count, emulator_truth_count(f.emulator));
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.at[i], emulator_truth_at(f.emulator, i).uuid);
    names_assert_unique(&names);
    names_free(&names);
    fixture_end(&f);
}

static void the_end_of_the_log_has_a_next_that_stays_the_same(void **state)
{
    char link[2048];
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?since=2026-03-14T09:26:52.345Z&limit=100");
    strcpy(link, f.next);
    assert_string_not_equal(link, "");
    f.now_ms += MINUTE;
    fixture_ask(&f, link);
    assert_int_equal(json_array_size(f.body), 0);
    assert_string_equal(f.next, link);
    emulator_add_event(f.emulator, f.now_ms, f.now_ms, NULL, VIEW_NONE);
    fixture_ask(&f, link);
    assert_int_equal(json_array_size(f.body), 1);
    assert_string_not_equal(f.next, link);
    fixture_end(&f);
}

static void since_is_the_time_of_persistence_when_polling_and_of_publishing_when_bounded(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.history_events = 0;
    fixture_begin(&f);
    f.now_ms = START_MS + 2 * MINUTE; /* 09:28:52.345 */
    emulator_add_event(f.emulator, f.now_ms, START_MS, "user.session.start", VIEW_NONE);
    fixture_ask(&f, LOGS "?since=2026-03-14T09:28:52.345Z");
    assert_int_equal(json_array_size(f.body), 1);
    fixture_ask(&f, LOGS "?since=2026-03-14T09:28:52.346Z");
    assert_int_equal(json_array_size(f.body), 0);
    fixture_ask(&f, LOGS "?since=2026-03-14T09:26:52.345Z&until=2026-03-14T09:30:00.000Z");
    assert_int_equal(json_array_size(f.body), 1);
    fixture_ask(&f, LOGS "?since=2026-03-14T09:26:52.346Z&until=2026-03-14T09:30:00.000Z");
    assert_int_equal(json_array_size(f.body), 0);
    fixture_end(&f);
}

static void a_late_event_comes_to_who_polls_and_not_to_who_is_past_its_window(void **state)
{
    char polling[2048], bounded[2048];
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.history_events = 0;
    fixture_begin(&f);
    for (int i = 0; i < 6; i++)
        emulator_add_event(f.emulator, START_MS + i * SECOND, START_MS + i * SECOND, NULL, VIEW_NONE);
    f.now_ms = START_MS + MINUTE;
    fixture_ask(&f, LOGS "?limit=3&since=2026-03-14T09:26:52.345Z");
    strcpy(polling, f.next);
    fixture_ask(&f, LOGS "?limit=3&since=2026-03-14T09:26:52.345Z&until=2026-03-14T09:27:52.345Z");
    strcpy(bounded, f.next);
    emulator_add_event(f.emulator, f.now_ms, START_MS + 500, "user.authentication.verify", VIEW_NONE);
    fixture_ask(&f, polling);
    assert_int_equal(json_array_size(f.body), 3);
    fixture_ask(&f, f.next);
    assert_int_equal(json_array_size(f.body), 1);
    assert_string_equal(fixture_text(&f, 0, "published"), "2026-03-14T09:26:52.845Z");
    fixture_ask(&f, bounded);
    assert_int_equal(json_array_size(f.body), 3);
    assert_string_equal(f.next, "");
    /* Asked again from the beginning it is in its place. */
    fixture_ask(&f, LOGS "?since=2026-03-14T09:26:52.345Z&until=2026-03-14T09:27:52.345Z");
    assert_string_equal(fixture_text(&f, 1, "published"), "2026-03-14T09:26:52.845Z");
    fixture_end(&f);
}

/* ---- bounded ---- */

struct order {
    char last[32];
    size_t count;
    bool is_descending;
};

static void visit_order(void *ctx, const json_t *element)
{
    struct order *o = ctx;
    const char *published = json_string_value(json_object_get(element, "published"));

    if (o->count++ > 0)
        assert_true(o->is_descending ? strcmp(published, o->last) <= 0 : strcmp(published, o->last) >= 0);
    snprintf(o->last, sizeof o->last, "%s", published);
}

static size_t truth_between(const struct fixture *f, const char *since, const char *until)
{
    int64_t since_ms, until_ms;
    size_t count = 0;

    assert_true(time_parse(view_of(since), &since_ms) && time_parse(view_of(until), &until_ms));
    for (size_t i = 0; i < emulator_truth_count(f->emulator); i++) {
        int64_t published_ms = emulator_truth_at(f->emulator, i).published_ms;

        count += published_ms >= since_ms && published_ms < until_ms;
    }
    return count;
}

static const struct way_row {
    const char *name, *target;
    bool is_descending;
} way_rows[] = {
    { "upwards", WINDOW "&limit=100", false },
    { "downwards", WINDOW "&limit=100&sortOrder=DESCENDING", true },
};

static void a_window_is_finite_and_in_the_order_of_publishing(void **state)
{
    const struct way_row *row = *state;
    struct order order = { .is_descending = row->is_descending };
    struct names names = { .member = "uuid" };
    struct fixture f;
    size_t want, pages;

    fixture_init(&f);
    fixture_begin(&f);
    want = truth_between(&f, "2026-02-20T00:00:00.000Z", "2026-02-25T00:00:00.000Z");
    assert_true(want > 300);
    pages = fixture_walk(&f, row->target, 100, visit_order, &order);
    assert_int_equal(pages, (want + 99) / 100);
    assert_int_equal(order.count, want);
    fixture_walk(&f, row->target, 100, names_visit, &names);
    names_assert_unique(&names);
    names_free(&names);
    fixture_end(&f);
}

static void descending_without_until_is_finite_and_begins_with_the_newest(void **state)
{
    struct order order = { .is_descending = true };
    struct fixture f;
    size_t count;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    count = emulator_truth_count(f.emulator);
    fixture_walk(&f, LOGS "?" SINCE "&limit=1000&sortOrder=DESCENDING", 10, visit_order, &order);
    assert_int_equal(order.count, count);
    assert_string_equal(f.next, "");
    fixture_ask(&f, LOGS "?limit=1&sortOrder=DESCENDING");
    assert_string_equal(fixture_text(&f, 0, "uuid"), emulator_truth_at(f.emulator, count - 1).uuid);
    fixture_end(&f);
}

static void a_last_page_that_is_full_has_no_next(void **state)
{
    const char *const orders[] = { "ASCENDING", "DESCENDING" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.history_events = 0;
    fixture_begin(&f);
    for (int i = 0; i < 6; i++)
        emulator_add_event(f.emulator, START_MS, START_MS, i < 5 ? "user.session.end" : "user.lifecycle.create",
                           VIEW_NONE);
    for (int i = 0; i < 2; i++) {
        char target[256];

        snprintf(target, sizeof target, LOGS "?until=2026-03-15T00:00:00.000Z&limit=3&sortOrder=%s", orders[i]);
        assert_int_equal(fixture_walk(&f, target, 10, visit_order, &(struct order){ .is_descending = i == 1 }), 2);
        /* With a filter too: it looks ahead for what matches. */
        snprintf(target, sizeof target,
                 LOGS "?until=2026-03-15T00:00:00.000Z&limit=5&sortOrder=%s&filter=eventType+sw+%%22user.session%%22",
                 orders[i]);
        assert_int_equal(fixture_walk(&f, target, 10, visit_order, &(struct order){ .is_descending = i == 1 }), 1);
        assert_int_equal(json_array_size(f.body), 5);
    }
    fixture_end(&f);
}

static void neighbouring_windows_share_no_event_and_lose_none(void **state)
{
    struct names names = { .member = "uuid" };
    struct fixture f;
    char at[TIME_TEXT_SIZE], target[256];

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    time_format(emulator_truth_at(f.emulator, 1200).published_ms, at);
    snprintf(target, sizeof target, LOGS "?" SINCE "&until=%s&limit=1000", at);
    fixture_walk(&f, target, 10, names_visit, &names);
    snprintf(target, sizeof target, LOGS "?since=%s&until=2026-03-15T00:00:00.000Z&limit=1000", at);
    fixture_walk(&f, target, 10, names_visit, &names);
    assert_int_equal(names.count, emulator_truth_count(f.emulator));
    names_assert_unique(&names);
    names_free(&names);
    fixture_end(&f);
}

/* ---- retention and defaults ---- */

static void nothing_older_than_90_days_comes_back(void **state)
{
    struct names names = { .member = "uuid" };
    struct fixture f;
    size_t bounded;

    (void)state;
    fixture_init(&f);
    f.options.history_days = 150;
    fixture_begin(&f);
    fixture_walk(&f, LOGS "?since=2025-10-01T00:00:00.000Z&until=2026-03-15T00:00:00.000Z&limit=1000", 10, names_visit,
                 &names);
    bounded = names.count;
    assert_true(bounded > 1450 && bounded < 1550); /* 90 of 150 days of 2,500 */
    names_free(&names);
    fixture_walk(&f, LOGS "?since=2025-10-01T00:00:00.000Z&limit=1000", 3, names_visit, &names);
    assert_int_equal(names.count, bounded);
    names_free(&names);
    fixture_end(&f);
}

static void without_since_the_last_seven_days_come_100_at_a_time(void **state)
{
    struct order order = { .count = 0 };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS);
    assert_int_equal(json_array_size(f.body), 100);
    assert_true(strcmp(fixture_text(&f, 0, "published"), "2026-03-07T09:26:51.000Z") > 0);
    fixture_walk(&f, LOGS "?until=2026-03-10T00:00:00.000Z", 20, visit_order, &order);
    assert_int_equal(order.count, truth_between(&f, "2026-03-03T00:00:00.000Z", "2026-03-10T00:00:00.000Z"));
    fixture_end(&f);
}

static void limit_0_brings_nothing_and_stays(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?" SINCE "&limit=0");
    assert_int_equal(json_array_size(f.body), 0);
    assert_non_null(strstr(f.next, "&limit=0&after="));
    fixture_ask(&f, WINDOW "&limit=0");
    assert_int_equal(json_array_size(f.body), 0);
    assert_string_equal(f.next, "");
    fixture_end(&f);
}

/* ---- links and cursors ---- */

static void links_repeat_what_was_asked_and_end_in_the_cursor(void **state)
{
    const char *want = LOGS "?since=2026-03-01T00%3A00%3A00.000Z&limit=10&filter=eventType+sw+%22user.%22";
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?since=2026-03-01T00:00:00.000Z&limit=10&filter=eventType%20sw%20%22user.%22");
    assert_string_equal(f.self, want);
    assert_int_equal(strncmp(f.next, want, strlen(want)), 0);
    assert_int_equal(strncmp(f.next + strlen(want), "&after=", 7), 0);
    fixture_end(&f);
}

static void a_cursor_is_bound_to_its_link(void **state)
{
    char other[2048], *since;
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?since=2026-03-01T00:00:00.000Z&limit=10");
    strcpy(other, f.next);
    assert_int_equal(fixture_ask(&f, other), 200);
    since = strstr(other, "2026-03-01");
    assert_non_null(since);
    memcpy(since, "2026-03-02", 10);
    assert_int_equal(fixture_ask(&f, other), 400);
    assert_string_equal(fixture_error(&f), "E0000031");
    fixture_end(&f);
}

static void an_expired_cursor_is_refused_and_a_new_one_is_not(void **state)
{
    const char *const targets[] = { LOGS "?" SINCE "&limit=10", WINDOW "&limit=10" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    for (int i = 0; i < 2; i++) {
        char link[2048];

        fixture_ask(&f, targets[i]);
        strcpy(link, f.next);
        emulator_expire_cursors(f.emulator);
        assert_int_equal(fixture_ask(&f, link), 400);
        assert_string_equal(fixture_error(&f), "E0000031");
        fixture_ask(&f, targets[i]);
        assert_string_not_equal(f.next, link);
        assert_int_equal(fixture_ask(&f, f.next), 200);
    }
    fixture_end(&f);
}

/* ---- filter and q ---- */

static const struct filter_row {
    const char *name, *query;
    const char *path[2]; /* of what each event must have there */
    const char *want;
} filter_rows[] = {
    { "by type", "filter=eventType+eq+%22user.session.start%22", { "eventType" }, "user.session.start" },
    { "by result", "filter=outcome.result+eq+%22DENY%22", { "outcome", "result" }, "DENY" },
    { "by reason", "filter=outcome.reason+eq+%22LOCKED_OUT%22", { "outcome", "reason" }, "LOCKED_OUT" },
    { "by actor", "filter=actor.id+eq+%22unknown%22", { "actor", "id" }, "unknown" },
    { "by zone", "filter=client.zone+eq+%22BlockedIpZone%22", { "client", "zone" }, "BlockedIpZone" },
    { "two together",
      "filter=eventType+eq+%22user.session.start%22+and+not+(outcome.result+ne+%22FAILURE%22)",
      { "outcome", "result" },
      "FAILURE" },
    { "operators in capitals", "filter=eventType+EQ+%22user.session.end%22", { "eventType" }, "user.session.end" },
};

static void finds_what_it_names(void **state)
{
    const struct filter_row *row = *state;
    struct fixture f;
    char target[512];

    fixture_init(&f);
    fixture_begin(&f);
    snprintf(target, sizeof target, LOGS "?" SINCE "&limit=1000&%s", row->query);
    assert_int_equal(fixture_ask(&f, target), 200);
    assert_true(json_array_size(f.body) > 0 && json_array_size(f.body) < 1000);
    for (size_t i = 0; i < json_array_size(f.body); i++) {
        const json_t *value = json_object_get(json_array_get(f.body, i), row->path[0]);

        if (row->path[1] != NULL)
            value = json_object_get(value, row->path[1]);
        assert_string_equal(json_string_value(value), row->want);
    }
    fixture_end(&f);
}

static void targets_match_when_any_does(void **state)
{
    struct fixture f;
    char target[512], id[64];
    size_t found;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?" SINCE "&limit=1&filter=eventType+eq+%22user.authentication.sso%22+and+target.id+pr");
    for (size_t i = 0; i < 2; i++) { /* the app and the app user, in either order */
        const json_t *entry = json_array_get(json_object_get(json_array_get(f.body, 0), "target"), i);

        snprintf(id, sizeof id, "%s", json_string_value(json_object_get(entry, "id")));
        if (strncmp(id, "0oa", 3) == 0)
            break;
    }
    snprintf(target, sizeof target,
             LOGS "?" SINCE "&limit=1000&filter=target.id+eq+%%22%s%%22+and+target.type+eq+%%22AppUser%%22", id);
    assert_int_equal(fixture_ask(&f, target), 200);
    found = json_array_size(f.body);
    assert_true(found > 5 && found < 500);
    for (size_t i = 0; i < found; i++) {
        AUTO_FREE char *text = json_dumps(json_object_get(json_array_get(f.body, i), "target"), 0);

        assert_non_null(strstr(text, id));
        assert_non_null(strstr(text, "AppUser"));
    }
    fixture_end(&f);
}

static void words_must_all_be_there_in_any_case(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, LOGS "?" SINCE "&limit=1000&q=uppsala+SIGN");
    assert_true(json_array_size(f.body) > 0 && json_array_size(f.body) < 500);
    for (size_t i = 0; i < json_array_size(f.body); i++) {
        AUTO_FREE char *text = json_dumps(json_array_get(f.body, i), 0);

        assert_non_null(strcasestr(text, "Uppsala"));
        assert_non_null(strcasestr(text, "sign"));
    }
    fixture_end(&f);
}

/* ---- texts from outside ---- */

static void a_given_text_comes_as_it_is(void **state)
{
    static const char text[] =
        "{\"uuid\":\"x\",\"eventType\":\"user.session.start\",\"a\":\"\\ud800\xff\x01\",\"b\":1e400";
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.history_events = 0;
    fixture_begin(&f);
    emulator_add_event(f.emulator, START_MS, START_MS, NULL, VIEW("{\"uuid\":\"first\"}"));
    emulator_add_event(f.emulator, START_MS, START_MS, NULL, view_of(text));
    fixture_ask(&f, LOGS);
    assert_int_equal(f.answer.status, 200);
    assert_int_equal(f.answer.body.len, strlen("[{\"uuid\":\"first\"},") + strlen(text) + 1);
    assert_memory_equal(f.answer.body.at + strlen("[{\"uuid\":\"first\"},"), text, strlen(text));
    assert_string_equal(emulator_truth_at(f.emulator, 1).uuid, "x");
    assert_true(emulator_truth_at(f.emulator, 1).is_login);
    assert_false(emulator_truth_at(f.emulator, 0).is_login);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polling_brings_everything_in_the_order_of_persistence),
        cmocka_unit_test(the_end_of_the_log_has_a_next_that_stays_the_same),
        cmocka_unit_test(since_is_the_time_of_persistence_when_polling_and_of_publishing_when_bounded),
        cmocka_unit_test(a_late_event_comes_to_who_polls_and_not_to_who_is_past_its_window),
        cmocka_unit_test(descending_without_until_is_finite_and_begins_with_the_newest),
        cmocka_unit_test(a_last_page_that_is_full_has_no_next),
        cmocka_unit_test(neighbouring_windows_share_no_event_and_lose_none),
        cmocka_unit_test(nothing_older_than_90_days_comes_back),
        cmocka_unit_test(without_since_the_last_seven_days_come_100_at_a_time),
        cmocka_unit_test(limit_0_brings_nothing_and_stays),
        cmocka_unit_test(links_repeat_what_was_asked_and_end_in_the_cursor),
        cmocka_unit_test(a_cursor_is_bound_to_its_link),
        cmocka_unit_test(an_expired_cursor_is_refused_and_a_new_one_is_not),
        cmocka_unit_test(targets_match_when_any_does),
        cmocka_unit_test(words_must_all_be_there_in_any_case),
        cmocka_unit_test(a_given_text_comes_as_it_is),
    };

    return RUN_ROWS(is_answered, rows) + RUN_ROWS(a_window_is_finite_and_in_the_order_of_publishing, way_rows) +
           RUN_ROWS(finds_what_it_names, filter_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
