#include "okta/classify.h"
#include "tests/rows.h"

#include <string.h>

enum {
    CURSOR = CLASSIFY_CURSOR,
    JSON = CLASSIFY_JSON,
    NO_SCOPE = CLASSIFY_NO_SCOPE,
    ZERO = CLASSIFY_CONCURRENCY,
    BAD_LINK = CLASSIFY_BAD_LINK,
    FRESH = 1 << 20, /* of this test: the request had a connection of its own */
};

static const struct row {
    const char *name;
    int status;
    const char *code;
    int facts;
    enum okta_verdict want;
    enum classify_wait want_wait;
} rows[] = {
    { "200 JSON", 200, "", JSON, OKTA_DONE, CLASSIFY_WAIT_NONE },
    { "200 JSON on a cursor", 200, "", JSON | CURSOR, OKTA_DONE, CLASSIFY_WAIT_NONE },
    { "200 JSON with a link that cannot be followed", 200, "", JSON | BAD_LINK, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "200 HTML", 200, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "204", 204, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "206 JSON", 206, "", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "302", 302, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "304", 304, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },

    { "E0000001 validation failed", 400, "E0000001", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000001 on a cursor", 400, "E0000001", JSON | CURSOR, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "E0000002 illegal argument", 400, "E0000002", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000003 body not well-formed", 400, "E0000003", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000004 authentication failed", 401, "E0000004", JSON, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "E0000005 invalid session", 403, "E0000005", JSON, OKTA_RETRY, CLASSIFY_WAIT_FRESH },
    { "E0000005 again", 403, "E0000005", JSON | FRESH, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "E0000005 as 401", 401, "E0000005", JSON, OKTA_RETRY, CLASSIFY_WAIT_FRESH },
    { "E0000005 as 401 again", 401, "E0000005", JSON | FRESH, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "E0000006 no permission", 403, "E0000006", JSON, OKTA_FORBIDDEN, CLASSIFY_WAIT_NONE },
    { "E0000007 not found", 404, "E0000007", JSON, OKTA_GONE, CLASSIFY_WAIT_NONE },
    { "E0000008 path not found", 404, "E0000008", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000009 time-out", 500, "E0000009", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000010 read-only mode", 503, "E0000010", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000011 dead token", 401, "E0000011", JSON, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "E0000013 invalid client", 403, "E0000013", JSON, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "E0000015 feature absent, which is a 401", 401, "E0000015", JSON, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "E0000015 as 403", 403, "E0000015", JSON, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "E0000018 accept header", 400, "E0000018", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000019 accept header", 400, "E0000019", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000021 content type", 400, "E0000021", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000022 method", 405, "E0000022", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000026 endpoint withdrawn", 404, "E0000026", JSON, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "E0000028 parameter missing", 400, "E0000028", JSON | CURSOR, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000029 invalid paging", 400, "E0000029", JSON, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "E0000030 date format", 400, "E0000030", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000031 on a cursor", 400, "E0000031", JSON | CURSOR, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "E0000031 invalid search", 400, "E0000031", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000033 search and filter", 400, "E0000033", JSON | CURSOR, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000037 parameter twice", 400, "E0000037", JSON | CURSOR, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000047 rate limit", 429, "E0000047", JSON, OKTA_RETRY, CLASSIFY_WAIT_WINDOW },
    { "E0000047 concurrency", 429, "E0000047", JSON | ZERO, OKTA_RETRY, CLASSIFY_WAIT_CONCURRENCY },
    { "E0000053 on a cursor", 400, "E0000053", JSON | CURSOR, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "E0000053 bad filter", 400, "E0000053", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000053 as 500", 500, "E0000053", JSON | CURSOR, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000060 not implemented", 501, "E0000060", JSON, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "E0000063 combination", 400, "E0000063", JSON | CURSOR, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000079 authentication state", 403, "E0000079", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000094 unsupported filter", 400, "E0000094", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000100 search unavailable", 503, "E0000100", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000112 being activated", 409, "E0000112", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000122 accept lacks JSON", 406, "E0000122", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000145 schema changed", 409, "E0000145", JSON, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "E0000215 endpoint withdrawn", 410, "E0000215", JSON, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "E0000231 ETag", 412, "E0000231", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000240 agent", 502, "E0000240", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000241 no agent", 504, "E0000241", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "E0000242 ETag", 400, "E0000242", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000256 headers too long", 414, "E0000256", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "E0000260 org deactivated", 403, "E0000260", JSON, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },

    { "400 alone", 400, "", 0, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "400 alone on a cursor", 400, "", CURSOR, OKTA_RESTART, CLASSIFY_WAIT_NONE },
    { "401 alone", 401, "", 0, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "403 alone", 403, "", 0, OKTA_FORBIDDEN, CLASSIFY_WAIT_NONE },
    { "403 with an empty body and a challenge", 403, "", NO_SCOPE, OKTA_SCOPE_MISSING, CLASSIFY_WAIT_NONE },
    { "404 alone", 404, "", 0, OKTA_GONE, CLASSIFY_WAIT_NONE },
    { "405 alone", 405, "", 0, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "407 alone", 407, "", 0, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "408 alone", 408, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "409 alone", 409, "", 0, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "410 alone", 410, "", 0, OKTA_FEATURE_ABSENT, CLASSIFY_WAIT_NONE },
    { "418 alone", 418, "", 0, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "429 alone", 429, "", 0, OKTA_RETRY, CLASSIFY_WAIT_WINDOW },
    { "500 alone", 500, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "501 alone", 501, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "502 alone", 502, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "503 alone", 503, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "504 alone", 504, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "599 alone", 599, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "a code that nobody knows", 400, "E9999999", JSON, OKTA_BROKEN, CLASSIFY_WAIT_NONE },
    { "no status", 0, "", 0, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "a status that is none", 777, "", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "a negative status", -5, "", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },

    { "a dead token's code in a 404", 404, "E0000011", JSON, OKTA_GONE, CLASSIFY_WAIT_NONE },
    { "a dead token's code in a 429", 429, "E0000011", JSON, OKTA_RETRY, CLASSIFY_WAIT_WINDOW },
    { "a dead token's code in a 503", 503, "E0000011", JSON, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
    { "a missing role's code in a 401", 401, "E0000006", JSON, OKTA_CREDENTIAL_REFUSED, CLASSIFY_WAIT_NONE },
    { "a dead cursor's code in a 500", 500, "E0000029", JSON | CURSOR, OKTA_RETRY, CLASSIFY_WAIT_BACKOFF },
};

static void an_answer_means(void **state)
{
    const struct row *row = *state;
    const struct classify_rule *rule =
        classify(row->status, view_of(row->code), row->facts & ~FRESH, (row->facts & FRESH) != 0);

    assert_int_equal(rule->verdict, row->want);
    assert_int_equal(rule->wait, row->want_wait);
    assert_int_equal(rule->is_too_big, strcmp(row->code, "E0000009") == 0);
    assert_int_equal(rule->text[0] == '\0', rule->verdict == OKTA_DONE);
}

/* A wait where there is something to wait for, and nowhere else; whatever comes. */
static void only_a_retry_waits(void **state)
{
    (void)state;
    for (int status = -1; status <= 1000; status++)
        for (int facts = 0; facts < 32; facts++) {
            const struct classify_rule *rule = classify(status, VIEW("E0000005"), facts, facts % 2 == 0);

            assert_int_equal(rule->verdict == OKTA_RETRY, rule->wait != CLASSIFY_WAIT_NONE);
        }
}

/* ---- the code in a body ---- */

static const struct code_row {
    const char *name, *body, *want;
} code_rows[] = {
    { "Okta's shape", "{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\"}", "E0000011" },
    { "with blanks and last", "{\n  \"errorSummary\" : \"x\",\n  \"errorCode\" : \"E0000007\"\n}", "E0000007" },
    { "cut off behind it", "{\"errorCode\":\"E0000009\",\"errorSum", "E0000009" },
    { "cut off within it", "{\"errorCode\":\"E00000", "" },
    { "in a text that quotes one", "{\"errorSummary\":\"\\\"errorCode\\\":\\\"E0000011\\\"\"}", "" },
    { "quoted first, then said", "{\"errorSummary\":\"\\\"errorCode\\\":\\\"E0000011\\\"\",\"errorCode\":\"E0000006\"}",
      "E0000006" },
    { "not a string", "{\"errorCode\":11}", "" },
    { "too long", "{\"errorCode\":\"E000000000000011\"}", "" },
    { "not a code", "{\"errorCode\":\"drop table\"}", "" },
    { "empty", "{\"errorCode\":\"\"}", "" },
    { "another program's shape", "{\"status\":404,\"message\":\"Resource not found\"}", "" },
    { "OAuth's shape", "{\"error\":\"invalid_client\"}", "" },
    { "HTML", "<html>", "" },
    { "nothing", "", "" },
};

static void a_code_in(void **state)
{
    const struct code_row *row = *state;

    assert_true(view_is(classify_code(view_of(row->body)), row->want));
}

static void a_code_deep_in_a_long_body_is_not_looked_for(void **state)
{
    struct buf body = BUF(65536);

    (void)state;
    buf_puts(&body, "{\"a\":\"");
    while (body.len < 20000)
        buf_putc(&body, 'x');
    buf_puts(&body, "\",\"errorCode\":\"E0000011\"}");
    assert_int_equal(classify_code(buf_view(&body)).len, 0);
    buf_deinit(&body);
}

/* ---- facts ---- */

static const struct cursor_row {
    const char *name, *path;
    bool want;
} cursor_rows[] = {
    { "first", "/api/v1/users?after=00u1&limit=200", true },
    { "last", "/api/v1/logs?since=x&after=1_1", true },
    { "none", "/api/v1/logs?since=x", false },
    { "no query", "/api/v1/logs", false },
    { "within another name", "/api/v1/logs?hereafter=x", false },
    { "within a value", "/api/v1/logs?q=after=x", false },
    { "within the path", "/after=x", false },
    { "an empty query", "/api/v1/logs?", false },
};

static void a_cursor(void **state)
{
    const struct cursor_row *row = *state;

    assert_int_equal(classify_has_cursor(view_of(row->path)), row->want);
}

/* The path is a view: what lies behind it is somebody else's. */
static void a_cursor_is_looked_for_within_the_path(void **state)
{
    static const char path[] = "/api/v1/logs?after=1";

    (void)state;
    assert_false(classify_has_cursor((struct view){ path, sizeof "/api/v1/logs?after" - 1 }));
    assert_true(classify_has_cursor((struct view){ path, sizeof "/api/v1/logs?after=" - 1 }));
    assert_false(classify_has_cursor(VIEW_NONE));
}

static const struct json_row {
    const char *name, *type, *body;
    bool want;
} json_rows[] = {
    { "an array", "application/json", "[]", true },
    { "an object", "application/json", "{}", true },
    { "behind blanks", "application/json", " \r\n\t[", true },
    { "in capitals", "Application/JSON", "[]", true },
    { "a JSON of its own", "application/problem+json", "{}", true },
    { "no type", "", "[]", true },
    { "a wrong type", "text/html", "[]", false },
    { "text", "text/plain", "{}", false },
    { "HTML that says JSON", "application/json", "<!doctype html>", false },
    { "empty", "application/json", "", false },
    { "a string", "application/json", "\"x\"", false },
};

static void a_body(void **state)
{
    const struct json_row *row = *state;

    assert_int_equal(classify_is_json(view_of(row->type), view_of(row->body)), row->want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_retry_waits),
        cmocka_unit_test(a_cursor_is_looked_for_within_the_path),
        cmocka_unit_test(a_code_deep_in_a_long_body_is_not_looked_for),
    };

    return RUN_ROWS(an_answer_means, rows) + RUN_ROWS(a_code_in, code_rows) + RUN_ROWS(a_cursor, cursor_rows) +
           RUN_ROWS(a_body, json_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
