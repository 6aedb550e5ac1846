#include "okta/answer.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define CAP_MS 30000
#define JSON   "Content-Type: application/json\r\nX-Okta-Request-Id: req-1\r\n"
#define DATE   "Date: Sat, 14 Mar 2026 09:26:53 GMT\r\n" /* 1773480413 */

static const struct okta_url org = { "https://acme.okta.com", "acme.okta.com" };

static void read_one(struct okta_exchange *x, int status, const char *head, const char *body, const char *failure,
                     struct answer *out)
{
    *x = (struct okta_exchange){ .http_status = status, .body_bytes_max = 32u << 20 };
    buf_init(&x->head, 65536);
    buf_init(&x->body, 65536);
    buf_puts(&x->head, head);
    buf_puts(&x->body, body);
    snprintf(x->failure, sizeof x->failure, "%s", failure);
    answer_read(x, &org, VIEW("/api/v1/logs?limit=1000"), out);
}

static void release(struct okta_exchange *x)
{
    buf_deinit(&x->head);
    buf_deinit(&x->body);
}

/* ---- what is told ---- */

static const struct row {
    const char *name;
    int status;
    const char *head, *body, *failure;
    enum okta_verdict want;
    const char *want_message, *want_code;
} rows[] = {
    { "a page", 200, JSON, "[]", "", OKTA_DONE, "", "" },
    { "a dead token", 401, JSON, "{\"errorCode\":\"E0000011\",\"errorSummary\":\"secret@acme.example\"}", "",
      OKTA_CREDENTIAL_REFUSED, "(HTTP 401 E0000011)", "E0000011" },
    { "a missing scope is named", 403,
      "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"okta.logs.read\"\r\n", "", "", OKTA_SCOPE_MISSING,
      "okta.logs.read (HTTP 403)", "" },
    { "a login page", 200, "Content-Type: text/html\r\n", "<html>", "", OKTA_RETRY, "not Okta's JSON", "" },
    { "half an answer is none", 200, JSON, "[{}", "connection reset", OKTA_RETRY,
      "no answer from Okta: connection reset", "" },
    { "half a refusal is no refusal", 401, JSON, "{\"errorCode\":\"E0000011\"}", "connection reset", OKTA_RETRY,
      "connection reset", "" },
    { "a code in a page is the page's", 200, JSON, "[{\"errorCode\":\"E0000011\"}]", "", OKTA_DONE, "", "" },

    /* The log's own errors, whose members differ. */
    { "a time that is none, with two causes", 400, JSON,
      "{\"errorCode\":\"E0000001\",\"errorSummary\":\"Api validation failed: until\",\"errorLink\":\"E0000001\","
      "\"errorId\":\"oaeX1\",\"errorCauses\":[{\"errorSummary\":\"until: not ISO 8601\"},{\"errorSummary\":\"x\"}]}",
      "", OKTA_BROKEN, "(HTTP 400 E0000001)", "E0000001" },
    { "a filter is quoted, the id is a UUID, and there are no causes", 400, JSON,
      "{\"errorSummary\":\"filter eventType eqq \\\"secret@acme.example\\\": unknown operator at 10\","
      "\"errorCode\":\"E0000053\",\"errorLink\":\"E0000053\",\"errorId\":\"7c0b1a3e-1f87-11f1-9c3a-5b2e9d6f0a11\"}",
      "", OKTA_BROKEN, "(HTTP 400 E0000053)", "E0000053" },
    { "an operator not for this field", 400, JSON, "{\"errorCode\":\"E0000031\",\"errorSummary\":\"x\"}", "",
      OKTA_BROKEN, "(HTTP 400 E0000031)", "E0000031" },
    { "a query that took too long has no id", 500, JSON,
      "{\"errorCode\":\"E0000009\",\"errorSummary\":\"x\",\"errorLink\":\"E0000009\",\"errorCauses\":[]}", "",
      OKTA_RETRY, "(HTTP 500 E0000009)", "E0000009" },
    { "a query that failed", 500, JSON, "{\"errorCode\":\"E0000053\",\"errorSummary\":\"x\",\"errorCauses\":[]}", "",
      OKTA_RETRY, "(HTTP 500 E0000053)", "E0000053" },
    { "the rate limit", 429, JSON, "{\"errorCode\":\"E0000047\",\"errorSummary\":\"x\",\"errorCauses\":[]}", "",
      OKTA_RETRY, "(HTTP 429 E0000047)", "E0000047" },
    { "a back-end's own shape", 404, JSON, "{\"status\":404,\"message\":\"Resource not found\"}", "", OKTA_GONE,
      "(HTTP 404)", "" },
    { "a gateway's page", 502, "Content-Type: text/html\r\n", "<html>502 Bad Gateway</html>", "", OKTA_RETRY,
      "(HTTP 502)", "" },
};

static void an_exchange_tells(void **state)
{
    const struct row *row = *state;
    struct okta_exchange x;
    struct answer a;

    read_one(&x, row->status, row->head, row->body, row->failure, &a);
    assert_int_equal(a.told.verdict, row->want);
    assert_int_equal(a.told.http_status, row->status);
    assert_non_null(strstr(a.told.message, row->want_message));
    assert_null(strstr(a.told.message, "secret"));
    assert_string_equal(a.told.error_code, row->want_code);
    assert_int_equal(a.told.message[0] == '\0', row->want == OKTA_DONE);
    assert_int_equal(a.told.body.len > 0, row->want == OKTA_DONE);
    release(&x);
}

static void a_page_comes_with_its_next_and_its_id(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 200, JSON DATE "Link: <https://other.example/api/v1/logs?after=1>; rel=\"next\"\r\n", "[1]", "", &a);
    assert_int_equal(a.told.verdict, OKTA_DONE);
    assert_true(view_is(a.told.body, "[1]"));
    assert_true(view_is(a.told.next, "/api/v1/logs?after=1"));
    assert_true(a.told.next_was_foreign);
    assert_string_equal(a.told.request_id, "req-1");
    assert_int_equal(a.told.date_unix_s, 1773480413);
    release(&x);
}

/* Okta would not say so; who does would have us ask for what we never ask for. */
static void a_next_that_is_not_on_the_list_is_no_page(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 200, JSON DATE "Link: <https://acme.okta.com/api/v1/users/me?after=1>; rel=\"next\"\r\n", "[1]", "",
             &a);
    assert_int_not_equal(a.told.verdict, OKTA_DONE);
    assert_int_equal(a.told.next.len, 0);
    release(&x);
}

static void what_was_not_sent_is_told_as_such(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 0, "", "", "it is not on the list", &a);
    x.is_off_list = true;
    answer_read(&x, &org, VIEW("/api/v1/me"), &a);
    assert_int_equal(a.told.verdict, OKTA_BROKEN); /* to ask again would not help */
    assert_string_equal(a.told.message, "not asked: it is not on the list");
    x.is_off_list = false;
    x.is_address_refused = true;
    answer_read(&x, &org, VIEW("/api/v1/logs"), &a);
    assert_int_equal(a.told.verdict, OKTA_RETRY); /* names are mended */
    assert_true(a.told.is_address_refused);
    assert_string_equal(a.told.message, "not asked: it is not on the list");
    release(&x);
}

static void an_id_of_any_length_and_content_fits(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 200, JSON, "[]", "", &a);
    buf_reset(&x.head);
    buf_puts(&x.head, "X-Okta-Request-Id: ");
    for (int i = 0; i < 1000; i++)
        buf_putc(&x.head, 'i');
    answer_read(&x, &org, VIEW("/"), &a);
    assert_int_equal(strlen(a.told.request_id), OKTA_REQUEST_ID_MAX);
    buf_reset(&x.head);
    buf_puts(&x.head, "X-Okta-Request-Id: abc\x1b[31mdef\r\n");
    answer_read(&x, &org, VIEW("/"), &a);
    assert_string_equal(a.told.request_id, "abc");
    release(&x);
}

static void a_body_beyond_the_cap_wants_a_smaller_page(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 200, JSON, "[]", "the answer's body is too large", &a);
    x.body.is_full = true;
    answer_read(&x, &org, VIEW("/"), &a);
    assert_int_equal(a.told.verdict, OKTA_SMALLER);
    assert_string_equal(a.told.message, "the answer is larger than 32 MiB");
    release(&x);
}

static void a_header_block_beyond_the_cap_is_asked_for_again(void **state)
{
    struct okta_exchange x;
    struct answer a;

    (void)state;
    read_one(&x, 200, JSON, "[]", "the answer's header block is too large", &a);
    x.head.is_full = true;
    answer_read(&x, &org, VIEW("/"), &a);
    assert_int_equal(a.told.verdict, OKTA_RETRY);
    release(&x);
}

/* ---- how long to wait ---- */

static const struct wait_row {
    const char *name;
    enum classify_wait wait;
    uint32_t failures;
    int32_t limit;
    int64_t reset_in_s, retry_after_s;
    int64_t want_min_ms, want_max_ms;
} wait_rows[] = {
    { "the first failure: up to a second", CLASSIFY_WAIT_BACKOFF, 1, -1, -1, -1, 100, 1000 },
    { "the second: up to two", CLASSIFY_WAIT_BACKOFF, 2, -1, -1, -1, 100, 2000 },
    { "the fifth: up to sixteen", CLASSIFY_WAIT_BACKOFF, 5, -1, -1, -1, 100, 16000 },
    { "the sixth: the cap", CLASSIFY_WAIT_BACKOFF, 6, -1, -1, -1, 100, CAP_MS },
    { "the four thousand millionth: the cap", CLASSIFY_WAIT_BACKOFF, UINT32_MAX, -1, -1, -1, 100, CAP_MS },
    { "a Retry-After is kept", CLASSIFY_WAIT_BACKOFF, 1, -1, -1, 40, 40000, 40000 },
    { "the window's end by Okta's clock, a second and jitter", CLASSIFY_WAIT_WINDOW, 1, 60, 28, -1, 29000, 30000 },
    { "a window that ends now", CLASSIFY_WAIT_WINDOW, 1, 60, 0, -1, 1000, 2000 },
    { "a window and a longer Retry-After", CLASSIFY_WAIT_WINDOW, 1, 60, 28, 100, 100000, 100000 },
    { "a window that ended", CLASSIFY_WAIT_WINDOW, 1, 60, -5, -1, 5100, 6000 },
    { "a window that never ends", CLASSIFY_WAIT_WINDOW, 1, 60, 4000, -1, 5100, 6000 },
    { "a 429 that says nothing", CLASSIFY_WAIT_WINDOW, 1, -1, -1, -1, 5100, 6000 },
    { "a 429 that says nothing, for the sixth time", CLASSIFY_WAIT_WINDOW, 6, -1, -1, -1, 5100, 5000 + CAP_MS },
    { "too many at once: its reset is not believed", CLASSIFY_WAIT_CONCURRENCY, 9, 0, 120, -1, 1000, 5000 },
};

static void a_wait(void **state)
{
    const struct wait_row *row = *state;
    const struct backoff b = { row->failures, 0 };
    const bool says = row->limit >= 0;
    const struct answer a = { .wait = row->wait,
                              .headers = { .rate_limit = row->limit,
                                           .rate_remaining = says ? 0 : -1,
                                           .rate_reset_unix_s = says ? 1000 + row->reset_in_s : -1,
                                           .date_unix_s = 1000,
                                           .retry_after_s = row->retry_after_s } };
    int64_t least = INT64_MAX, most = 0;

    for (uint64_t random = 0; random < 60000; random++) {
        int64_t wait_ms = backoff_wait_ms(&b, &a, CAP_MS, random);

        least = wait_ms < least ? wait_ms : least;
        most = wait_ms > most ? wait_ms : most;
    }
    assert_int_equal(least, row->want_min_ms);
    assert_int_equal(most, row->want_max_ms);
}

/* ---- how often in a row ---- */

static enum okta_verdict count(struct backoff *b, enum okta_verdict verdict, bool is_too_big)
{
    struct answer a = { .told.verdict = verdict, .is_too_big = is_too_big };

    backoff_count(b, &a);
    return a.told.verdict;
}

static void the_second_that_was_too_big_asks_for_less(void **state)
{
    struct backoff b = { 0, 0 };

    (void)state;
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_RETRY);
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_SMALLER);
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_RETRY);
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_SMALLER);
    assert_int_equal(b.failures, 4); /* asking for less does not end the outage */
}

static void another_failure_in_between_blames_nothing(void **state)
{
    struct backoff b = { 0, 0 };

    (void)state;
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_RETRY);
    assert_int_equal(count(&b, OKTA_RETRY, false), OKTA_RETRY);
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_RETRY);
}

static void any_answer_ends_the_row(void **state)
{
    struct backoff b = { 0, 0 };

    (void)state;
    (void)count(&b, OKTA_RETRY, true);
    (void)count(&b, OKTA_DONE, false);
    assert_int_equal(b.failures, 0);
    assert_int_equal(count(&b, OKTA_RETRY, true), OKTA_RETRY);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_comes_with_its_next_and_its_id),
        cmocka_unit_test(a_next_that_is_not_on_the_list_is_no_page),
        cmocka_unit_test(what_was_not_sent_is_told_as_such),
        cmocka_unit_test(an_id_of_any_length_and_content_fits),
        cmocka_unit_test(a_body_beyond_the_cap_wants_a_smaller_page),
        cmocka_unit_test(a_header_block_beyond_the_cap_is_asked_for_again),
        cmocka_unit_test(the_second_that_was_too_big_asks_for_less),
        cmocka_unit_test(another_failure_in_between_blames_nothing),
        cmocka_unit_test(any_answer_ends_the_row),
    };

    return RUN_ROWS(an_exchange_tells, rows) + RUN_ROWS(a_wait, wait_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
