/* What every endpoint shares: credential, method, headers, rate limits, faults, errors. */
#include "fixture.h"

#include <string.h>

#define USERS  "/api/v1/users?limit=1"
#define LOGS   "/api/v1/logs?limit=1"
#define SECOND INT64_C(1000)

/* ---- who may ask, and how ---- */

static const struct row {
    const char *name, *method, *authorization, *accept, *target;
    int want_status;
    const char *want_code;
    uint64_t want_violations;
} rows[] = {
    { "the right token", "GET", "SSWS 00token", NULL, USERS, 200, "", 0 },
    { "no credential", "GET", NULL, NULL, USERS, 403, "E0000005", 0 },
    { "an unknown scheme", "GET", "Basic 00token", NULL, USERS, 403, "E0000005", 0 },
    { "a wrong token", "GET", "SSWS 00wrong", NULL, USERS, 401, "E0000011", 0 },
    { "a token and more", "GET", "SSWS 00token ", NULL, USERS, 401, "E0000011", 0 },
    { "the org's address needs none", "GET", NULL, NULL, "/.well-known/okta-organization", 200, "", 0 },
    { "POST", "POST", "SSWS 00token", NULL, USERS, 405, "E0000022", 1 },
    { "DELETE", "DELETE", "SSWS 00token", NULL, "/api/v1/users/me", 405, "E0000022", 1 },
    { "HEAD", "HEAD", "SSWS 00token", NULL, USERS, 405, "E0000022", 1 },
    { "a path that does not exist", "GET", "SSWS 00token", NULL, "/api/v1/nothing", 404, "E0000008", 0 },
    { "below a path", "GET", "SSWS 00token", NULL, "/api/v1/users/me/cars", 404, "E0000008", 0 },
    { "a slash too many", "GET", "SSWS 00token", NULL, "/api/v1/users/", 404, "E0000008", 0 },
    { "JSON is accepted", "GET", "SSWS 00token", "application/json", USERS, 200, "", 0 },
    { "anything is accepted", "GET", "SSWS 00token", "*/*", USERS, 200, "", 0 },
    { "JSON is not accepted", "GET", "SSWS 00token", "text/html", USERS, 406, "E0000122", 0 },
    { "a doubled parameter", "GET", "SSWS 00token", NULL, USERS "&limit=1", 400, "E0000037", 1 },
    { "groups", "GET", "SSWS 00token", NULL, "/api/v1/groups?limit=1", 200, "", 0 },
    { "apps", "GET", "SSWS 00token", NULL, "/api/v1/apps?limit=1", 200, "", 0 },
    { "the org", "GET", "SSWS 00token", NULL, "/api/v1/org", 200, "", 0 },
    { "a group that is none", "GET", "SSWS 00token", NULL, "/api/v1/groups/00gNone", 404, "E0000007", 0 },
    { "a cursor of groups that is none", "GET", "SSWS 00token", NULL, "/api/v1/groups?after=x", 400, "E0000029", 0 },
};

static void is_answered(void **state)
{
    const struct row *row = *state;
    struct fixture f;

    fixture_init(&f);
    f.method = row->method;
    f.authorization = row->authorization;
    f.accept = row->accept;
    fixture_begin(&f);
    assert_int_equal(fixture_ask(&f, row->target), row->want_status);
    assert_string_equal(fixture_error(&f), row->want_code);
    assert_int_equal(emulator_violations(f.emulator), row->want_violations);
    assert_int_equal(emulator_requests(f.emulator, ""), 1);
    fixture_end(&f);
}

static void a_dead_token_is_answered_in_exactly_this_shape(void **state)
{
    const char *want = "{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\",\"errorLink\":"
                       "\"E0000011\",\"errorId\":\"oae";
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    emulator_revoke_token(f.emulator);
    assert_int_equal(fixture_ask(&f, USERS), 401);
    assert_memory_equal(f.answer.body.at, want, strlen(want));
    assert_true(view_ends(f.answer.body, "\",\"errorCauses\":[]}"));
    emulator_set_token(f.emulator, "00other");
    assert_int_equal(fixture_ask(&f, USERS), 401);
    f.authorization = "SSWS 00other";
    assert_int_equal(fixture_ask(&f, USERS), 200);
    fixture_end(&f);
}

static void a_cookie_that_comes_back_is_a_violation(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS);
    assert_string_not_equal(fixture_header(&f, "Set-Cookie", 0), "");
    f.cookie = "JSESSIONID=1";
    fixture_ask(&f, USERS);
    assert_int_equal(emulator_violations(f.emulator), 1);
    fixture_end(&f);
}

/* ---- headers ---- */

static const struct header_row {
    const char *name, *header, *want;
} header_rows[] = {
    { "the org's clock", "Date", "Sat, 14 Mar 2026 09:26:52 GMT" },
    { "not to be cached", "Cache-Control", "no-cache, no-store" },
    { "long since expired", "Expires", "0" },
    { "JSON", "Content-Type", "application/json" },
    { "what is left", "X-Rate-Limit-Remaining", "99999" },
    { "of how many", "X-Rate-Limit-Limit", "100000" },
    { "until when", "X-Rate-Limit-Reset", "1773480472" },
};

static void every_answer_has(void **state)
{
    const struct header_row *row = *state;
    struct fixture f;

    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS);
    assert_string_equal(fixture_header(&f, row->header, 0), row->want);
    fixture_end(&f);
}

static void request_ids_differ_and_security_headers_are_large(void **state)
{
    struct fixture f;
    char first[64];

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS);
    snprintf(first, sizeof first, "%s", fixture_header(&f, "X-Okta-Request-Id", 0));
    assert_int_equal(strlen(first), 32);
    assert_true(strlen(fixture_header(&f, "Content-Security-Policy", 0)) > 3000);
    fixture_ask(&f, USERS);
    assert_string_not_equal(fixture_header(&f, "X-Okta-Request-Id", 0), first);
    fixture_end(&f);
}

/* ---- rate limits ---- */

static void a_bucket_is_spent_and_full_again_when_its_minute_is_over(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.logs_limit = 3;
    fixture_begin(&f);
    f.now_ms = START_MS + 30 * SECOND; /* the minute begins with the first call, wherever the clock stands */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_ask(&f, LOGS), 200);
        assert_int_equal(atoi(fixture_header(&f, "X-Rate-Limit-Remaining", 0)), 2 - i);
    }
    assert_int_equal(fixture_ask(&f, LOGS), 429);
    assert_string_equal(fixture_error(&f), "E0000047");
    assert_string_equal(json_string_value(json_object_get(f.body, "errorSummary")),
                        "API call exceeded rate limit due to too many requests.");
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Remaining", 0), "0");
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Limit", 0), "3");
    assert_string_equal(fixture_header(&f, "Retry-After", 0), "");
    assert_int_equal(atoll(fixture_header(&f, "X-Rate-Limit-Reset", 0)), (START_MS + 30 * SECOND) / 1000 + 60);
    assert_int_equal(emulator_answers_429(f.emulator), 1);
    /* Another bucket is another matter. */
    assert_int_equal(fixture_ask(&f, USERS), 200);
    f.now_ms = (START_MS / 1000 + 90) * SECOND - 1;
    assert_int_equal(fixture_ask(&f, LOGS), 429);
    f.now_ms += 1;
    assert_int_equal(fixture_ask(&f, LOGS), 200);
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Remaining", 0), "2");
    fixture_end(&f);
}

static void neighbours_spend_their_part_over_the_minute(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users_limit = 100;
    f.options.neighbour_percent = 80;
    f.options.start_unix_ms = START_MS / 1000 * 1000;
    fixture_begin(&f);
    f.now_ms = f.options.start_unix_ms;
    fixture_ask(&f, USERS);
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Remaining", 0), "99");
    f.now_ms += 30 * SECOND;
    fixture_ask(&f, USERS);
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Remaining", 0), "58");
    f.now_ms += 29 * SECOND;
    for (int i = 0; i < 20; i++)
        assert_int_equal(fixture_ask(&f, USERS), 200);
    assert_int_equal(fixture_ask(&f, USERS), 429);
    fixture_end(&f);
}

static void lists_and_single_users_have_buckets_of_their_own(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.users_limit = 1;
    fixture_begin(&f);
    assert_int_equal(fixture_ask(&f, USERS), 200);
    assert_int_equal(fixture_ask(&f, USERS), 429);
    assert_int_equal(fixture_ask(&f, "/api/v1/users/me"), 200);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_ask(&f, "/.well-known/okta-organization"), 200);
    assert_string_equal(fixture_header(&f, "X-Rate-Limit-Limit", 0), "");
    fixture_end(&f);
}

/* ---- faults ---- */

static const struct fault_row {
    const char *name;
    int status;
    const char *body, *want_body, *want_code, *want_type;
} fault_rows[] = {
    { "a time-out at Okta", 500, NULL, NULL, "E0000009", "application/json" },
    { "a missing role", 403, NULL, NULL, "E0000006", "application/json" },
    { "a missing scope has no body", 403, "", "", "", "" },
    { "a page from between", 502, "<html>Bad Gateway</html>", "<html>Bad Gateway</html>", "", "text/html" },
    { "too many", 429, NULL, NULL, "E0000047", "application/json" },
    { "what the test says", 400, "{\"errorCode\":\"E0000029\"}", NULL, "E0000029", "application/json" },
    { "nothing usual", 504, NULL, "", "", "" },
};

static void answers_instead(void **state)
{
    const struct fault_row *row = *state;
    struct fixture f;

    fixture_init(&f);
    fixture_begin(&f);
    assert_true(emulator_fault(f.emulator, "/api/v1/logs", 2, row->status, row->body));
    assert_int_equal(fixture_ask(&f, USERS), 200);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fixture_ask(&f, LOGS), row->status);
        assert_string_equal(fixture_error(&f), row->want_code);
        assert_string_equal(fixture_header(&f, "Content-Type", 0), row->want_type);
        if (row->want_body != NULL)
            assert_true(view_is(f.answer.body, row->want_body));
    }
    assert_int_equal(fixture_ask(&f, LOGS), 200);
    fixture_end(&f);
}

static void only_so_many_faults_wait(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    for (int i = 0; i < 32; i++)
        assert_true(emulator_fault(f.emulator, "/api/v1/org", 1, 500, NULL));
    assert_false(emulator_fault(f.emulator, "/api/v1/org", 1, 500, NULL));
    assert_int_equal(fixture_ask(&f, "/api/v1/org"), 500);
    assert_true(emulator_fault(f.emulator, "/api/v1/org", 1, 500, NULL));
    fixture_end(&f);
}

/* ---- lists of groups and apps, and who is asked ---- */

static const struct list_row {
    const char *name, *target;
    size_t want_pages, want_count;
} list_rows[] = {
    { "apps, twenty at a time", "/api/v1/apps", 2, 25 },
    { "apps, five at a time, exactly", "/api/v1/apps?limit=5", 5, 25 },
    { "groups", "/api/v1/groups?limit=7", 2, 12 },
};

static void lists(void **state)
{
    const struct list_row *row = *state;
    struct names names = { .member = "id" };
    struct fixture f;
    char target[128];

    fixture_init(&f);
    fixture_begin(&f);
    assert_int_equal(fixture_walk(&f, row->target, 20, names_visit, &names), row->want_pages);
    assert_int_equal(names.count, row->want_count);
    names_assert_unique(&names);
    snprintf(target, sizeof target, "%.*s/%s", (int)strcspn(row->target, "?"), row->target, names.at[3]);
    assert_int_equal(fixture_ask(&f, target), 200);
    assert_string_equal(json_string_value(json_object_get(f.body, "id")), names.at[3]);
    names_free(&names);
    fixture_end(&f);
}

static void the_org_is_the_same_in_both_places(void **state)
{
    struct fixture f;
    char id[64];

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    emulator_set_base_url(f.emulator, "http://127.0.0.1:4321");
    fixture_ask(&f, "/.well-known/okta-organization");
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(f.body, "id")));
    assert_int_equal(strncmp(id, "00oemulator", 11), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json_object_get(f.body, "_links"), "organization"), "href")),
        "http://127.0.0.1:4321");
    fixture_ask(&f, "/api/v1/org");
    assert_string_equal(json_string_value(json_object_get(f.body, "id")), id);
    fixture_end(&f);
}

static void requests_are_counted_by_path(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    fixture_ask(&f, USERS);
    fixture_ask(&f, USERS);
    fixture_ask(&f, "/api/v1/users/me");
    fixture_ask(&f, "/nowhere");
    assert_int_equal(emulator_requests(f.emulator, ""), 4);
    assert_int_equal(emulator_requests(f.emulator, "/api/v1/users"), 3);
    assert_int_equal(emulator_requests(f.emulator, "/api/v1/users/"), 1);
    assert_int_equal(emulator_requests(f.emulator, "/api/v1/logs"), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_token_is_answered_in_exactly_this_shape),
        cmocka_unit_test(a_cookie_that_comes_back_is_a_violation),
        cmocka_unit_test(request_ids_differ_and_security_headers_are_large),
        cmocka_unit_test(a_bucket_is_spent_and_full_again_when_its_minute_is_over),
        cmocka_unit_test(neighbours_spend_their_part_over_the_minute),
        cmocka_unit_test(lists_and_single_users_have_buckets_of_their_own),
        cmocka_unit_test(only_so_many_faults_wait),
        cmocka_unit_test(the_org_is_the_same_in_both_places),
        cmocka_unit_test(requests_are_counted_by_path),
    };

    return RUN_ROWS(is_answered, rows) + RUN_ROWS(every_answer_has, header_rows) +
           RUN_ROWS(answers_instead, fault_rows) + RUN_ROWS(lists, list_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
