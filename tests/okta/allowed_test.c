/* The list of what may be asked of Okta, and its gate. */
#include "okta/allowed.h"
#include "tests/rows.h"

#include <string.h>

/* ---- the list itself: whoever makes it longer has to say so here ---- */

static const struct allowed want[] = {
    { "GET", "/.well-known/okta-organization", false },
    { "GET", "/api/v1/logs", true },
    { "GET", "/api/v1/users", true },
    { "GET", "/api/v1/iam/assignees/users", true },
    { "POST", "/oauth2/v1/token", false },
};

static void the_list_is_this_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(allowed_count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < allowed_count; i++) {
        assert_string_equal(allowed[i].method, want[i].method);
        assert_string_equal(allowed[i].path, want[i].path);
        assert_int_equal(allowed[i].has_query, want[i].has_query);
    }
}

/* ---- the gate ---- */

static const struct row {
    const char *name, *url;
    bool is_post, want;
} rows[] = {
    { "the log", "https://acme.okta.com/api/v1/logs", false, true },
    { "the log with a query", "https://acme.okta.com/api/v1/logs?since=2026-01-01T00%3A00%3A00Z&limit=1000", false,
      true },
    { "a link of Okta's, which may hold anything", "https://acme.okta.com/api/v1/logs?after=1_2&x=%20a,(b)&y=/../?",
      false, true },
    { "an empty value", "https://acme.okta.com/api/v1/users?q=&limit=1", false, true },
    { "the users", "https://acme.okta.com/api/v1/users?search=created%20gt%20%22x%22", false, true },
    { "who the org is", "https://acme.okta.com/.well-known/okta-organization", false, true },
    { "the token endpoint", "https://acme.okta.com/oauth2/v1/token", true, true },
    { "the token endpoint, got", "https://acme.okta.com/oauth2/v1/token", false, false },
    { "the token endpoint with a query", "https://acme.okta.com/oauth2/v1/token?x=1", true, false },
    { "the log, posted to", "https://acme.okta.com/api/v1/logs", true, false },
    { "the users, posted to", "https://acme.okta.com/api/v1/users", true, false },
    { "one user", "https://acme.okta.com/api/v1/users/00u1", false, false },
    { "what one user may do", "https://acme.okta.com/api/v1/users/00u1/lifecycle/deactivate", false, false },
    { "the path as a prefix", "https://acme.okta.com/api/v1/logstreams", false, false },
    { "a slash after it", "https://acme.okta.com/api/v1/logs/", false, false },
    { "in capitals", "https://acme.okta.com/API/v1/logs", false, false },
    { "encoded", "https://acme.okta.com/api/v1/%6cogs", false, false },
    { "a way around", "https://acme.okta.com/api/v1/logs/../users", false, false },
    { "a backslash", "https://acme.okta.com\\api/v1/logs", false, false },
    { "two slashes", "https://acme.okta.com//api/v1/logs", false, false },
    { "who the org is, with a query", "https://acme.okta.com/.well-known/okta-organization?x=1", false, false },
    { "nothing after the question mark", "https://acme.okta.com/api/v1/logs?", false, false },
    { "a parameter without a value", "https://acme.okta.com/api/v1/logs?since", false, false },
    { "a value without a name", "https://acme.okta.com/api/v1/logs?=x", false, false },
    { "an ampersand at the end", "https://acme.okta.com/api/v1/logs?a=b&", false, false },
    { "a slash in a name", "https://acme.okta.com/api/v1/logs?a/b=c", false, false },
    { "a fragment", "https://acme.okta.com/api/v1/logs#x", false, false },
    { "a line break", "https://acme.okta.com/api/v1/logs?a=b\r\nX: y", false, false },
    { "a blank", "https://acme.okta.com/api/v1/logs?a=b c", false, false },
    { "no path", "https://acme.okta.com", false, false },
    { "another host", "https://evil.example/api/v1/logs", false, false },
    { "a host that begins so", "https://acme.okta.com.evil.example/api/v1/logs", false, false },
    { "the host as a user name", "https://acme.okta.com@evil.example/api/v1/logs", false, false },
    { "another port", "https://acme.okta.com:444/api/v1/logs", false, false },
    { "without TLS", "http://acme.okta.com/api/v1/logs", false, false },
    { "the host in capitals", "https://ACME.okta.com/api/v1/logs", false, false },
    { "nothing", "", false, false },
};

static void a_url_is_let_through(void **state)
{
    const struct row *row = *state;
    const struct okta_url org = { "https://acme.okta.com", "acme.okta.com" };

    assert_int_equal(allowed_url(&org, row->url, row->is_post), row->want);
}

static void no_org_lets_nothing_through(void **state)
{
    const struct okta_url none = { "", "" };

    (void)state;
    assert_false(allowed_url(&none, "/api/v1/logs", false));
}

/* Only a GET changes nothing, and only the token endpoint is for anything else. */
static void what_is_not_a_get_is_the_token_endpoint(void **state)
{
    (void)state;
    for (size_t i = 0; i < allowed_count; i++)
        if (strcmp(allowed[i].method, "GET") != 0) {
            assert_string_equal(allowed[i].method, "POST");
            assert_string_equal(allowed[i].path, OKTA_TOKEN_PATH);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(the_list_is_this_and_no_more),
                                               cmocka_unit_test(no_org_lets_nothing_through),
                                               cmocka_unit_test(what_is_not_a_get_is_the_token_endpoint) };

    return RUN_ROWS(a_url_is_let_through, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
