#include "okta/headers.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define URL  "https://acme.okta.com"
#define NEXT "/api/v1/users?after=00uExample0000000200&limit=200"

static const struct okta_url org = { URL, "acme.okta.com" };

static void assert_view(struct view v, const char *want)
{
    if (!view_is(v, want))
        print_error("have \"%.*s\", want \"%s\"\n", VIEW_ARG(v), want);
    assert_true(view_is(v, want));
}

/* ---- Link ---- */

static const struct link_row {
    const char *name, *head, *want_next;
    enum headers_link want;
    bool want_foreign;
} link_rows[] = {
    { "no link at all", "Date: x\r\n", "", HEADERS_LINK_NONE, false },
    { "one line for each relation",
      "Link: <" URL "/api/v1/users?limit=200>; rel=\"self\"\r\nLink: <" URL NEXT ">; rel=\"next\"\r\n", NEXT,
      HEADERS_LINK_OK, false },
    { "self alone is no next", "Link: <" URL "/api/v1/users?limit=200>; rel=\"self\"\r\n", "", HEADERS_LINK_NONE,
      false },
    { "folded into one line with commas",
      "link: <" URL "/api/v1/users?limit=200>; rel=\"self\", <" URL NEXT ">; rel=\"next\"\r\n", NEXT, HEADERS_LINK_OK,
      false },
    { "folded, next first", "link: <" URL NEXT ">; rel=\"next\",<" URL "/x>; rel=\"self\"\r\n", NEXT, HEADERS_LINK_OK,
      false },
    { "without quotes", "Link: <" URL NEXT ">; rel=next\r\n", NEXT, HEADERS_LINK_OK, false },
    { "with blanks everywhere", "LINK:   <" URL NEXT ">  ;  rel  =  \"next\"  \r\n", NEXT, HEADERS_LINK_OK, false },
    { "in capitals", "Link: <" URL NEXT ">; REL=\"NEXT\"\r\n", NEXT, HEADERS_LINK_OK, false },
    { "one of several relations", "Link: <" URL NEXT ">; rel=\"last next\"\r\n", NEXT, HEADERS_LINK_OK, false },
    { "other parameters first", "Link: <" URL NEXT ">; title=\"a, <b>; rel=self\"; rel=\"next\"\r\n", NEXT,
      HEADERS_LINK_OK, false },
    { "a relation within a title is none", "Link: <" URL NEXT ">; title=\"x; rel=next\"\r\n", "", HEADERS_LINK_NONE,
      false },
    { "a relation that only begins so", "Link: <" URL NEXT ">; rel=\"nextish\"\r\n", "", HEADERS_LINK_NONE, false },
    { "a parameter that only ends so", "Link: <" URL NEXT ">; xrel=\"next\"\r\n", "", HEADERS_LINK_NONE, false },
    { "commas and semicolons in the query",
      "Link: <" URL "/a?x=1,2;3>; rel=\"self\", <" URL
      "/b?fields=id,profile:(login,email);y&after=c>; rel=\"next\"\r\n",
      "/b?fields=id,profile:(login,email);y&after=c", HEADERS_LINK_OK, false },
    { "percent signs stay as they are",
      "Link: <" URL "/a?since=2026-03-14T09%3A00%3A00.000Z&after=1773480412345_1>;"
      " rel=\"next\"\r\n",
      "/a?since=2026-03-14T09%3A00%3A00.000Z&after=1773480412345_1", HEADERS_LINK_OK, false },
    { "another host: its path, and a flag", "Link: <https://evil.example/api/v1/logs?after=1>; rel=\"next\"\r\n",
      "/api/v1/logs?after=1", HEADERS_LINK_OK, true },
    { "the admin host", "Link: <https://acme-admin.okta.com/a?after=1>; rel=\"next\"\r\n", "/a?after=1",
      HEADERS_LINK_OK, true },
    { "another scheme", "Link: <http://acme.okta.com/a?after=1>; rel=\"next\"\r\n", "/a?after=1", HEADERS_LINK_OK,
      true },
    { "another port", "Link: <https://acme.okta.com:8443/a?after=1>; rel=\"next\"\r\n", "/a?after=1", HEADERS_LINK_OK,
      true },
    { "the default port said aloud", "Link: <https://acme.okta.com:443/a?after=1>; rel=\"next\"\r\n", "/a?after=1",
      HEADERS_LINK_OK, false },
    { "a host that only begins like ours", "Link: <https://acme.okta.com.evil.example/a>; rel=\"next\"\r\n", "/a",
      HEADERS_LINK_OK, true },
    { "our name as user name", "Link: <https://acme.okta.com@evil.example/a>; rel=\"next\"\r\n", "/a", HEADERS_LINK_OK,
      true },
    { "our host in capitals", "Link: <HTTPS://ACME.OKTA.COM/a>; rel=\"next\"\r\n", "/a", HEADERS_LINK_OK, false },
    { "a path alone", "Link: </api/v1/logs?after=2>; rel=\"next\"\r\n", "/api/v1/logs?after=2", HEADERS_LINK_OK,
      false },
    { "a fragment is cut off", "Link: <" URL "/a?b#c>; rel=\"next\"\r\n", "/a?b", HEADERS_LINK_OK, false },
    { "a host without scheme is unusable", "Link: <//evil.example/a>; rel=\"next\"\r\n", "", HEADERS_LINK_UNUSABLE,
      true },
    { "no path is unusable", "Link: <" URL "?after=/x>; rel=\"next\"\r\n", "", HEADERS_LINK_UNUSABLE, false },
    { "an empty link is unusable", "Link: <>; rel=\"next\"\r\n", "", HEADERS_LINK_UNUSABLE, true },
    { "a blank in the path is unusable", "Link: <" URL "/a b>; rel=\"next\"\r\n", "", HEADERS_LINK_UNUSABLE, false },
    { "bytes beyond ASCII are unusable", "Link: <" URL "/\xc3\xa4>; rel=\"next\"\r\n", "", HEADERS_LINK_UNUSABLE,
      false },
    { "a continued line may hide one", "Link: <" URL "/a>; rel=\"self\",\r\n <" URL NEXT ">; rel=\"next\"\r\n", "",
      HEADERS_LINK_UNUSABLE, false },
    { "a continued line of another header", "X: y\r\n <" URL NEXT ">; rel=\"next\"\r\n", "", HEADERS_LINK_NONE, false },
    { "no closing bracket", "Link: <" URL NEXT "; rel=\"next\"\r\n", "", HEADERS_LINK_NONE, false },
    { "no brackets", "Link: " URL NEXT "; rel=\"next\"\r\n", "", HEADERS_LINK_NONE, false },
    { "a quote that does not end", "Link: <" URL NEXT ">; rel=\"next\r\n", "", HEADERS_LINK_NONE, false },
    { "of two, the first", "Link: <" URL "/1>; rel=\"next\"\r\nLink: <" URL "/2>; rel=\"next\"\r\n", "/1",
      HEADERS_LINK_OK, false },
    { "without a carriage return", "Link: <" URL "/1>; rel=\"next\"\n", "/1", HEADERS_LINK_OK, false },
};

static void a_link(void **state)
{
    const struct link_row *row = *state;
    struct headers h;

    headers_read(view_of(row->head), &org, &h);
    assert_int_equal(h.link, row->want);
    assert_view(h.next, row->want_next);
    assert_int_equal(h.next_was_foreign, row->want_foreign);
}

static void a_link_longer_than_a_path_may_be_is_unusable(void **state)
{
    struct buf head = BUF(65536);
    struct headers h;

    (void)state;
    for (size_t len = OKTA_PATH_BYTES_MAX; len <= OKTA_PATH_BYTES_MAX + 1; len++) {
        buf_reset(&head);
        buf_puts(&head, "Link: <" URL "/");
        for (size_t i = 1; i < len; i++)
            buf_putc(&head, 'a');
        buf_puts(&head, ">; rel=\"next\"\r\n");
        headers_read(buf_view(&head), &org, &h);
        assert_int_equal(h.link, len <= OKTA_PATH_BYTES_MAX ? HEADERS_LINK_OK : HEADERS_LINK_UNUSABLE);
    }
    buf_deinit(&head);
}

static void a_loopback_org_keeps_its_port(void **state)
{
    static const struct okta_url local = { "http://127.0.0.1:8080", "127.0.0.1" };
    struct headers h;

    (void)state;
    headers_read(VIEW("Link: <http://127.0.0.1:8080/a>; rel=next\r\n"), &local, &h);
    assert_false(h.next_was_foreign);
    headers_read(VIEW("Link: <http://127.0.0.1:8081/a>; rel=next\r\n"), &local, &h);
    assert_true(h.next_was_foreign);
}

/* ---- rate limits ---- */

#define DATE        "Date: Sat, 14 Mar 2026 09:26:53 GMT\r\n"
#define DATE_UNIX_S 1773480413

static const struct rate_row {
    const char *name, *head;
    bool want_reading;
    int32_t limit, remaining;
    int64_t reset_unix_s;
} rate_rows[] = {
    { "all three and the date",
      DATE "X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 1773480441\r\n", true, 60, 0,
      1773480441 },
    { "in lower case",
      "date: Sat, 14 Mar 2026 09:26:53 GMT\r\nx-rate-limit-limit:60\r\nx-rate-limit-remaining:7\r\n"
      "x-rate-limit-reset:1773480441\r\n",
      true, 60, 7, 1773480441 },
    { "twice: the smallest is true",
      DATE "X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Limit: 100\r\nX-Rate-Limit-Remaining: 9\r\n"
           "X-Rate-Limit-Remaining: 5\r\nX-Rate-Limit-Reset: 10\r\nX-Rate-Limit-Reset: 12\r\n",
      true, 60, 5, 12 },
    { "folded into one line",
      DATE "X-Rate-Limit-Limit: 60, 100\r\nX-Rate-Limit-Remaining: 9 ,5\r\nX-Rate-Limit-Reset: 12,10\r\n", true, 60, 5,
      12 },
    { "no date", "X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 10\r\n", false, 60, 0,
      10 },
    { "no reset", DATE "X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Remaining: 0\r\n", false, 60, 0, -1 },
    { "negative", DATE "X-Rate-Limit-Limit: -60\r\nX-Rate-Limit-Remaining: -1\r\nX-Rate-Limit-Reset: -10\r\n", false,
      -1, -1, -1 },
    { "beyond bounds",
      DATE "X-Rate-Limit-Limit: 1000001\r\nX-Rate-Limit-Remaining: 99999999999999999999\r\n"
           "X-Rate-Limit-Reset: 253402300800\r\n",
      false, -1, -1, -1 },
    { "not numbers", DATE "X-Rate-Limit-Limit: many\r\nX-Rate-Limit-Remaining: 1e3\r\nX-Rate-Limit-Reset: \r\n", false,
      -1, -1, -1 },
    { "an empty one beside a good one", DATE "X-Rate-Limit-Limit: , 60,\r\n", false, 60, -1, -1 },
};

static void a_rate(void **state)
{
    const struct rate_row *row = *state;
    struct budget_reading r;
    struct headers h;

    headers_read(view_of(row->head), &org, &h);
    assert_int_equal(h.rate_limit, row->limit);
    assert_int_equal(h.rate_remaining, row->remaining);
    assert_int_equal(h.rate_reset_unix_s, row->reset_unix_s);
    assert_int_equal(headers_reading(&h, &r), row->want_reading);
    if (row->want_reading)
        assert_int_equal(r.date_unix_s, DATE_UNIX_S);
}

/* ---- Date and Retry-After ---- */

static const struct time_row {
    const char *name, *head;
    int64_t want_date, want_retry;
} time_rows[] = {
    { "a date", DATE, DATE_UNIX_S, -1 },
    { "another form of date is none", "Date: Saturday, 14-Mar-26 09:26:53 GMT\r\n", 0, -1 },
    { "no such month", "Date: Sat, 14 Mrz 2026 09:26:53 GMT\r\n", 0, -1 },
    { "no such day", "Date: Sat, 32 Mar 2026 09:26:53 GMT\r\n", 0, -1 },
    { "no such hour", "Date: Sat, 14 Mar 2026 29:26:53 GMT\r\n", 0, -1 },
    { "another zone", "Date: Sat, 14 Mar 2026 09:26:53 CET\r\n", 0, -1 },
    { "an empty date", "Date:\r\n", 0, -1 },
    { "seconds", "Retry-After: 17\r\n", 0, 17 },
    { "no seconds", "Retry-After: 0\r\n", 0, 0 },
    { "a date later than Date", "Retry-After: Sat, 14 Mar 2026 09:27:03 GMT\r\n" DATE, DATE_UNIX_S, 10 },
    { "a date before Date", "Retry-After: Sat, 14 Mar 2026 09:26:03 GMT\r\n" DATE, DATE_UNIX_S, 0 },
    { "a date without Date", "Retry-After: Sat, 14 Mar 2026 09:27:03 GMT\r\n", 0, 0 },
    { "a year is cut to ten minutes", "Retry-After: 31536000\r\n", 0, HEADERS_RETRY_AFTER_MAX_S },
    { "negative is none", "Retry-After: -5\r\n", 0, -1 },
    { "a word is none", "Retry-After: soon\r\n", 0, -1 },
};

static void a_time(void **state)
{
    const struct time_row *row = *state;
    struct headers h;

    headers_read(view_of(row->head), &org, &h);
    assert_int_equal(h.date_unix_s, row->want_date);
    assert_int_equal(h.retry_after_s, row->want_retry);
}

/* ---- the rest ---- */

static const struct challenge_row {
    const char *name, *head;
    bool want;
    const char *want_scope;
} challenge_rows[] = {
    { "a missing scope",
      "WWW-Authenticate: Bearer authorization_uri=\"http://acme.okta.com/oauth2/v1/authorize\", "
      "realm=\"http://acme.okta.com\", scope=\"okta.groups.read\", error=\"insufficient_scope\", "
      "error_description=\"The access token, provided; error=none\", resource=\"/api/v1/groups\"\r\n",
      true, "okta.groups.read" },
    { "by DPoP",
      "www-authenticate: DPoP algs=\"RS256 ES256\", error=\"insufficient_scope\", scope=\"okta.logs.read\"\r\n", true,
      "okta.logs.read" },
    { "an expired token", "WWW-Authenticate: Bearer error=\"invalid_token\", scope=\"x\"\r\n", false, "" },
    { "the word in a description",
      "WWW-Authenticate: Bearer error=\"x\", error_description=\"error=\\\"insufficient_scope\\\"\"\r\n", false, "" },
};

static void a_challenge(void **state)
{
    const struct challenge_row *row = *state;
    struct headers h;

    headers_read(view_of(row->head), &org, &h);
    assert_int_equal(h.is_scope_missing, row->want);
    assert_view(h.missing_scope, row->want_scope);
}

static void type_and_id_are_views(void **state)
{
    struct headers h;

    (void)state;
    headers_read(VIEW("Content-Type: application/json;charset=UTF-8\r\nX-Okta-Request-Id:  5e1c0b \r\nno colon\r\n"),
                 &org, &h);
    assert_view(h.content_type, "application/json");
    assert_view(h.request_id, "5e1c0b");
}

static void both_zero_is_concurrency(void **state)
{
    struct headers h;

    (void)state;
    headers_read(VIEW("X-Rate-Limit-Limit: 0\r\nX-Rate-Limit-Remaining: 0\r\n"), &org, &h);
    assert_true(headers_is_concurrency(&h));
    headers_read(VIEW("X-Rate-Limit-Limit: 60\r\nX-Rate-Limit-Remaining: 0\r\n"), &org, &h);
    assert_false(headers_is_concurrency(&h));
    headers_read(VIEW_NONE, &org, &h);
    assert_false(headers_is_concurrency(&h));
}

/* Any bytes: under the sanitizers, this reads nothing beyond them and ends. */
static void no_bytes_break_it(void **state)
{
    static const char pieces[] = "link: <>;rel=next\"\\,\r\n \0WWW-Authenticate: error=insufficient_scope date:";
    uint64_t seed = 123456789;
    struct headers h;

    (void)state;
    for (int run = 0; run < 20000; run++) {
        size_t len = (size_t)run % 90;
        char *bytes = malloc(len + 1);

        for (size_t i = 0; i < len; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (seed >> 60) == 0 ? (char)(seed >> 33) : pieces[(i + (seed >> 58)) % sizeof pieces];
        }
        headers_read((struct view){ bytes, len }, &org, &h);
        assert_true(h.link != HEADERS_LINK_OK || (h.next.len > 0 && h.next.at[0] == '/'));
        free(bytes);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_longer_than_a_path_may_be_is_unusable),
        cmocka_unit_test(a_loopback_org_keeps_its_port),
        cmocka_unit_test(type_and_id_are_views),
        cmocka_unit_test(both_zero_is_concurrency),
        cmocka_unit_test(no_bytes_break_it),
    };

    return RUN_ROWS(a_link, link_rows) + RUN_ROWS(a_rate, rate_rows) + RUN_ROWS(a_time, time_rows) +
           RUN_ROWS(a_challenge, challenge_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
