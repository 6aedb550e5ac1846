#include "fixture.h"

#include <string.h>

#define USERS  "/api/v1/users"
#define ALL    USERS "?search=created+gt+%221970-01-01T00:00:00.000Z%22&sortBy=created&sortOrder=asc&limit=200"
#define MINUTE INT64_C(60000)

/* ---- what is refused ---- */

static const struct row {
    const char *name, *target;
    int want_status;
    const char *want_code;
} rows[] = {
    { "a list", USERS, 200, "" },
    { "search and filter", USERS "?search=id+pr&filter=status+eq+%22ACTIVE%22", 400, "E0000033" },
    { "limit twice", USERS "?limit=1&limit=1", 400, "E0000037" },
    { "an unknown parameter", USERS "?since=x", 400, "E0000001" },
    { "a limit of none", USERS "?limit=0", 400, "E0000001" },
    { "a limit that is no number", USERS "?limit=x", 400, "E0000001" },
    { "a search for nothing", USERS "?search=", 400, "E0000031" },
    { "a search by an unknown property", USERS "?search=favourite+eq+%22x%22", 400, "E0000031" },
    { "a search with ne", USERS "?search=status+ne+%22ACTIVE%22", 400, "E0000031" },
    { "a search with not", USERS "?search=not+(status+eq+%22ACTIVE%22)", 400, "E0000031" },
    { "a search by a time that is none", USERS "?search=created+gt+%22yesterday%22", 400, "E0000031" },
    { "names contain", USERS "?search=profile.firstName+co+%22a%22", 200, "" },
    { "ids do not contain", USERS "?search=id+co+%22a%22", 400, "E0000031" },
    { "sorted by what cannot be sorted by", USERS "?search=id+pr&sortBy=shoeSize", 400, "E0000031" },
    { "sorted sideways", USERS "?search=id+pr&sortBy=id&sortOrder=sideways", 400, "E0000001" },
    { "a filter by status", USERS "?filter=status+eq+%22STAGED%22", 200, "" },
    { "a filter by created", USERS "?filter=created+gt+%221970-01-01T00:00:00.000Z%22", 400, "E0000031" },
    { "a filter with sw", USERS "?filter=status+sw+%22A%22", 400, "E0000031" },
    { "a cursor that is none", USERS "?after=00uNobodyNobodyNobod", 400, "E0000029" },
    { "a search cursor that is none", USERS "?search=id+pr&after=bm9uZQ", 400, "E0000031" },
    { "nobody", USERS "/00uNobodyNobodyNobod", 404, "E0000007" },
    { "nobody by login", USERS "/nobody@acme.example", 404, "E0000007" },
    { "whose token it is", USERS "/me", 200, "" },
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

/* ---- the first sync ---- */

static void two_thousand_users_are_ten_calls(void **state)
{
    struct names names = { .member = "id" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users = 2000;
    f.options.history_events = 0;
    fixture_begin(&f);
    assert_int_equal(fixture_walk(&f, ALL, 20, names_visit, &names), 10);
    assert_int_equal(emulator_requests(f.emulator, USERS), 10);
    assert_int_equal(names.count, 2000);
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.at[i], emulator_user_id(f.emulator, i));
    names_assert_unique(&names);
    names_free(&names);
    fixture_end(&f);
}

struct census {
    size_t count, of[8];
    char last[32];
};
static const char *const statuses[] = { "ACTIVE",     "STAGED",           "PROVISIONED", "RECOVERY",
                                        "LOCKED_OUT", "PASSWORD_EXPIRED", "SUSPENDED",   "DEPROVISIONED" };

static void count_status(void *ctx, const json_t *user)
{
    struct census *c = ctx;
    const char *created = json_string_value(json_object_get(user, "created"));

    c->count++;
    for (size_t i = 0; i < 8; i++)
        c->of[i] += strcmp(json_string_value(json_object_get(user, "status")), statuses[i]) == 0;
    assert_true(strcmp(created, c->last) >= 0);
    snprintf(c->last, sizeof c->last, "%s", created);
}

static void there_are_users_in_every_state_and_one_in_twenty_has_left(void **state)
{
    struct census census = { .count = 0 };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users = 2000;
    fixture_begin(&f);
    fixture_walk(&f, ALL, 20, count_status, &census);
    for (size_t i = 0; i < 8; i++)
        assert_true(census.of[i] > 0);
    assert_int_equal(census.of[7], 100);
    fixture_end(&f);
}

static void a_plain_list_leaves_out_who_has_left(void **state)
{
    struct census plain = { .count = 0 }, left = { .count = 0 };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users = 400;
    fixture_begin(&f);
    fixture_walk(&f, USERS "?limit=150", 20, count_status, &plain);
    assert_int_equal(plain.count, 380);
    assert_int_equal(plain.of[7], 0);
    fixture_walk(&f, USERS "?filter=status+eq+%22DEPROVISIONED%22", 20, count_status, &left);
    assert_int_equal(left.count, 20);
    assert_int_equal(left.of[7], 20);
    fixture_end(&f);
}

/* ---- pages ---- */

static const struct page_row {
    const char *name, *target;
    size_t want_pages, want_users;
} page_rows[] = {
    { "a last page that is full has no next", USERS "?search=id+pr&limit=20", 2, 40 },
    { "nor in a plain list", USERS "?limit=19", 2, 38 },
    { "a last page that is short", USERS "?search=id+pr&limit=15", 3, 40 },
    { "one page for all", USERS, 1, 38 },
    { "more than 200 is cut to 200", USERS "?limit=500", 1, 38 },
    { "downwards", USERS "?search=id+pr&sortBy=lastUpdated&sortOrder=desc&limit=9", 5, 40 },
    { "by login", USERS "?search=id+pr&sortBy=profile.login&sortOrder=asc&limit=9", 5, 40 },
    { "q is not paged", USERS "?q=a&limit=1", 1, 1 },
};

static void pages(void **state)
{
    const struct page_row *row = *state;
    struct names names = { .member = "id" };
    struct fixture f;

    fixture_init(&f);
    fixture_begin(&f);
    assert_int_equal(fixture_walk(&f, row->target, 20, names_visit, &names), row->want_pages);
    assert_int_equal(names.count, row->want_users);
    names_assert_unique(&names);
    names_free(&names);
    fixture_end(&f);
}

static void links_show_the_limit_and_an_opaque_cursor_first(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users = 400;
    fixture_begin(&f);
    fixture_ask(&f, USERS);
    assert_string_equal(f.self, USERS "?limit=200");
    assert_int_equal(strncmp(f.next, USERS "?after=", strlen(USERS "?after=")), 0);
    assert_non_null(strstr(f.next, "&limit=200"));
    fixture_ask(&f, ALL);
    assert_non_null(strstr(f.next, "&search=created+gt+%221970-01-01T00%3A00%3A00.000Z%22&sortBy=created"));
    fixture_end(&f);
}

/* ---- search and filter ---- */

static const struct find_row {
    const char *name, *query;
    size_t want;
} find_rows[] = {
    { "by status", "search=status+eq+%22DEPROVISIONED%22", 2 },
    { "in any case", "search=status+eq+%22deprovisioned%22", 2 },
    { "but not in a filter", "filter=status+eq+%22deprovisioned%22", 0 },
    { "either", "search=status+eq+%22DEPROVISIONED%22+or+status+eq+%22STAGED%22", 3 },
    { "both", "search=status+eq+%22DEPROVISIONED%22+and+status+eq+%22STAGED%22", 0 },
    { "the beginning of an id", "search=id+sw+%2200u%22", 40 },
    { "in the future", "search=created+gt+%222027-01-01T00:00:00.000Z%22", 0 },
    { "until the future", "search=lastUpdated+le+%222027-01-01T00:00:00.000Z%22", 40 },
    { "a filter in time", "filter=lastUpdated+lt+%222027-01-01T00:00:00.000Z%22", 40 },
    { "by login", "search=profile.login+eq+%22root%22", 0 },
};

static void finds(void **state)
{
    const struct find_row *row = *state;
    struct fixture f;
    char target[512];

    fixture_init(&f);
    fixture_begin(&f);
    snprintf(target, sizeof target, USERS "?%s", row->query);
    assert_int_equal(fixture_ask(&f, target), 200);
    assert_int_equal(json_array_size(f.body), row->want);
    fixture_end(&f);
}

static void changes_since_are_found_by_last_updated(void **state)
{
    struct fixture f;
    char target[512], updated[32];

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS "?search=id+pr&sortBy=lastUpdated&sortOrder=desc&limit=3");
    snprintf(updated, sizeof updated, "%s", fixture_text(&f, 2, "lastUpdated"));
    snprintf(target, sizeof target, USERS "?search=lastUpdated+gt+%%22%s%%22&sortBy=lastUpdated&sortOrder=asc",
             updated);
    fixture_ask(&f, target);
    assert_int_equal(json_array_size(f.body), 2);
    snprintf(target, sizeof target, USERS "?search=lastUpdated+ge+%%22%s%%22", updated);
    fixture_ask(&f, target);
    assert_int_equal(json_array_size(f.body), 3);
    fixture_end(&f);
}

static void search_lags_behind_and_reading_by_id_does_not(void **state)
{
    const char *target = USERS "?search=profile.login+eq+%22new@acme.example%22";
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.index_lag_ms = 2000;
    fixture_begin(&f);
    emulator_add_user(f.emulator, START_MS, "new@acme.example");
    f.now_ms += 1999;
    fixture_ask(&f, target);
    assert_int_equal(json_array_size(f.body), 0);
    assert_int_equal(fixture_ask(&f, USERS "/new%40acme.example"), 200);
    fixture_ask(&f, USERS "?filter=profile.login+eq+%22new@acme.example%22");
    assert_int_equal(json_array_size(f.body), 1);
    f.now_ms += 1;
    fixture_ask(&f, target);
    assert_int_equal(json_array_size(f.body), 1);
    assert_string_equal(fixture_text(&f, 0, "created"), "2026-03-14T09:26:52.345Z");
    fixture_end(&f);
}

/* ---- one user ---- */

static void one_user_is_found_by_id_login_and_short_login(void **state)
{
    struct fixture f;
    char target[256], login[128], *at;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS "?search=id+eq+%22none%22+or+status+eq+%22DEPROVISIONED%22");
    snprintf(login, sizeof login, "%s",
             json_string_value(json_object_get(json_object_get(json_array_get(f.body, 1), "profile"), "login")));
    snprintf(target, sizeof target, USERS "/%s", fixture_text(&f, 1, "id"));
    assert_int_equal(fixture_ask(&f, target), 200);
    assert_string_equal(json_string_value(json_object_get(json_object_get(f.body, "profile"), "login")), login);
    assert_int_equal(strncmp(fixture_header(&f, "ETag", 0), "W/\"", 3), 0);
    snprintf(target, sizeof target, USERS "/%s", login);
    assert_int_equal(fixture_ask(&f, target), 200);
    at = strchr(target, '@');
    assert_non_null(at);
    *at = '\0';
    assert_int_equal(fixture_ask(&f, target), 200);
    assert_int_equal(fixture_ask(&f, USERS "/me"), 200);
    assert_string_equal(json_string_value(json_object_get(f.body, "id")), emulator_user_id(f.emulator, 0));
    fixture_end(&f);
}

static void credentials_are_left_out_when_all_three_are_named(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS "?limit=1");
    assert_non_null(json_object_get(json_array_get(f.body, 0), "credentials"));
    f.content_type = "application/json; okta-response=\"omitCredentials,omitCredentialsLinks\"";
    fixture_ask(&f, USERS "?limit=1");
    assert_non_null(json_object_get(json_array_get(f.body, 0), "credentials"));
    f.content_type =
        "application/json; okta-response=\"omitCredentials,omitCredentialsLinks,omitTransitioningToStatus\"";
    fixture_ask(&f, USERS "?limit=1");
    assert_null(json_object_get(json_array_get(f.body, 0), "credentials"));
    assert_null(json_object_get(json_array_get(f.body, 0), "transitioningToStatus"));
    fixture_end(&f);
}

static const struct login_row {
    const char *name, *login;
    bool want;
} login_rows[] = {
    { "a mail address", "anna@acme.example", true },
    { "letters of the world", "åsa@acme.example", true },
    { "nothing", "", false },
    { "a quote", "a\"b", false },
    { "a backslash", "a\\b", false },
    { "a line feed", "a\nb", false },
    { "no UTF-8", "a\xff", false },
};

static void is_fit_as_a_login(void **state)
{
    const struct login_row *row = *state;

    assert_int_equal(emulator_login_is_fit(view_of(row->login)), row->want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thousand_users_are_ten_calls),
        cmocka_unit_test(there_are_users_in_every_state_and_one_in_twenty_has_left),
        cmocka_unit_test(a_plain_list_leaves_out_who_has_left),
        cmocka_unit_test(links_show_the_limit_and_an_opaque_cursor_first),
        cmocka_unit_test(changes_since_are_found_by_last_updated),
        cmocka_unit_test(search_lags_behind_and_reading_by_id_does_not),
        cmocka_unit_test(one_user_is_found_by_id_login_and_short_login),
        cmocka_unit_test(credentials_are_left_out_when_all_three_are_named),
    };

    return RUN_ROWS(is_answered, rows) + RUN_ROWS(pages, page_rows) + RUN_ROWS(finds, find_rows) +
           RUN_ROWS(is_fit_as_a_login, login_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
