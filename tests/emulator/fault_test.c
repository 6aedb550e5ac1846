/* What a fault script can say, and what then comes of an answer. */
#include "fixture.h"

#include <string.h>

#define USERS "/api/v1/users?limit=2"
#define LOGS  "/api/v1/logs?limit=5"

static bool load(struct fixture *f, const char *script, struct error *err)
{
    return emulator_load_faults(f->emulator, view_of(script), err);
}

static void begin_with(struct fixture *f, const char *script)
{
    struct error err;

    fixture_init(f);
    fixture_begin(f);
    if (!load(f, script, &err))
        fail_msg("%s", err.text);
}

/* ---- to which requests ---- */

static size_t count(struct view body, const char *text)
{
    size_t n = 0;

    for (size_t i = 0; i + strlen(text) <= body.len; i++)
        n += memcmp(body.at + i, text, strlen(text)) == 0;
    return n;
}

static const struct when_row {
    const char *name, *script, *want; /* of ten requests: 'x' for those that it happened to */
} when_rows[] = {
    { "all", "{\"fault\":\"html\"}", "xxxxxxxxxx" },
    { "three", "{\"fault\":\"html\",\"count\":3}", "xxx......." },
    { "each third", "{\"fault\":\"html\",\"every\":3}", "..x..x..x." },
    { "not the first four", "{\"fault\":\"html\",\"skip\":4,\"count\":2}", "....xx...." },
    { "another path", "{\"fault\":\"html\",\"prefix\":\"/api/v1/logs\"}", ".........." },
    { "this path", "{\"fault\":\"html\",\"prefix\":\"/api/v1/users?\"}", "xxxxxxxxxx" },
    { "another method", "{\"fault\":\"html\",\"method\":\"POST\"}", ".........." },
    { "by chance, which the seed decides", "{\"fault\":\"html\",\"probability\":0.5,\"seed\":7}", "xx..xxx..x" },
    { "another seed", "{\"fault\":\"html\",\"probability\":0.5,\"seed\":8}", "xxx.xxx.xx" },
    { "one rule after another",
      "{\"fault\":\"html\",\"count\":1}\n# then\n\n{\"fault\":\"html\",\"skip\":2,\"count\":1}", "x..x......" },
};

static void happens_to(void **state)
{
    const struct when_row *row = *state;
    struct fixture f;
    char seen[11] = "";

    begin_with(&f, row->script);
    for (size_t i = 0; i < 10; i++) {
        fixture_ask(&f, USERS);
        seen[i] = view_starts(f.answer.body, "<!DOCTYPE") ? 'x' : '.';
    }
    assert_string_equal(seen, row->want);
    assert_int_equal(emulator_faults_done(f.emulator), count(view_of(row->want), "x"));
    fixture_end(&f);
}

static const struct script_row {
    const char *name, *script, *want;
} script_rows[] = {
    { "no JSON", "{\"fault\":", "line 1" },
    { "an unknown fault", "\n{\"fault\":\"gremlins\"}", "line 2: \"fault\"" },
    { "no fault", "{\"count\":1}", "\"fault\" is missing" },
    { "an unknown member", "{\"fault\":\"html\",\"colour\":1}", "\"colour\"" },
    { "a status that is none", "{\"fault\":\"status\",\"status\":99}", "\"status\"" },
    { "no status", "{\"fault\":\"status\"}", "\"status\" is missing" },
    { "a chance above 1", "{\"fault\":\"html\",\"probability\":1.5}", "\"probability\"" },
    { "no object", "[1]", "\"fault\" is missing" },
};

static void a_script_is_refused(void **state)
{
    const struct script_row *row = *state;
    struct fixture f;
    struct error err;

    fixture_init(&f);
    fixture_begin(&f);
    assert_false(load(&f, row->script, &err));
    assert_non_null(strstr(err.text, row->want));
    assert_int_equal(fixture_ask(&f, USERS), 200);
    fixture_end(&f);
}

static void rules_are_bounded_and_those_that_are_over_make_room(void **state)
{
    struct fixture f;
    struct error err;

    (void)state;
    begin_with(&f, "");
    for (int i = 0; i < 32; i++)
        assert_true(load(&f, "{\"fault\":\"html\",\"count\":1}", &err));
    assert_false(load(&f, "{\"fault\":\"html\"}", &err));
    fixture_ask(&f, USERS);
    assert_true(load(&f, "{\"fault\":\"html\"}", &err));
    emulator_clear_faults(f.emulator);
    fixture_ask(&f, USERS);
    assert_false(view_starts(f.answer.body, "<"));
    fixture_end(&f);
}

/* ---- what happens ---- */

static const struct what_row {
    const char *name, *script, *target;
    int want_status;
    const char *want_code;                /* errorCode; "" for none */
    const char *want_header, *want_value; /* NULL: any */
    const char *want_body;                /* with which it begins; NULL: any */
} what_rows[] = {
    { "a status and its usual error", "{\"fault\":\"status\",\"status\":503}", USERS, 503, "E0000010", NULL, NULL,
      NULL },
    { "a status with another code", "{\"fault\":\"status\",\"status\":401,\"code\":\"E0000015\"}", USERS, 401,
      "E0000015", NULL, NULL, NULL },
    { "a proxy's page and when to come again",
      "{\"fault\":\"status\",\"status\":502,\"body\":\"<html>no</html>\",\"headers\":{\"Retry-After\":\"7\"}}", USERS,
      502, "", "Retry-After", "7", "<html>no" },
    { "a status and nothing else", "{\"fault\":\"status\",\"status\":504,\"body\":\"\"}", USERS, 504, "", NULL, NULL,
      "" },
    { "too much was asked for", "{\"fault\":\"limit\",\"limit\":4}", LOGS, 500, "E0000009", NULL, NULL, NULL },
    { "not too much was asked for", "{\"fault\":\"limit\",\"limit\":5}", LOGS, 200, "", NULL, NULL, NULL },
    { "too many at once: of no limit", "{\"fault\":\"concurrency\"}", USERS, 429, "E0000047", "X-Rate-Limit-Limit", "0",
      NULL },
    { "too many at once: nothing is left", "{\"fault\":\"concurrency\"}", USERS, 429, "E0000047",
      "X-Rate-Limit-Remaining", "0", NULL },
    { "too many at once: until too late", "{\"fault\":\"concurrency\"}", USERS, 429, "E0000047", "X-Rate-Limit-Reset",
      "1773480532", NULL },
    { "a page of somebody else's", "{\"fault\":\"html\"}", USERS, 200, "", "Content-Type", "text/html", "<!DOCTYPE" },
    { "bytes that mean nothing", "{\"fault\":\"garbage\"}", USERS, 200, "", "Content-Type", "application/json", "{" },
    { "arrays in arrays", "{\"fault\":\"deep\"}", USERS, 200, "", NULL, NULL, "[[[[[[[[[[" },
    { "another type", "{\"fault\":\"type\"}", USERS, 200, "", "Content-Type", "text/plain;oops=", "[{\"id\"" },
    { "another method's endpoint", "{\"fault\":\"status\",\"status\":500,\"prefix\":\"/oauth2\"}", USERS, 200, "", NULL,
      NULL, NULL },
};

static void is_answered(void **state)
{
    const struct what_row *row = *state;
    struct fixture f;

    begin_with(&f, row->script);
    assert_int_equal(fixture_ask(&f, row->target), row->want_status);
    assert_string_equal(fixture_error(&f), row->want_code);
    if (row->want_header != NULL)
        assert_string_equal(fixture_header(&f, row->want_header, 0), row->want_value);
    if (row->want_body != NULL) {
        assert_true(view_starts(f.answer.body, row->want_body));
        assert_true((f.answer.body.len == 0) == (*row->want_body == '\0'));
    }
    fixture_end(&f);
}

static void a_key_stands_twice_with_one_value(void **state)
{
    struct fixture f;
    size_t before;

    (void)state;
    begin_with(&f, "{\"fault\":\"duplicate\",\"skip\":1}");
    fixture_ask(&f, LOGS);
    before = count(f.answer.body, "\"uuid\":");
    assert_int_equal(before, 5);
    fixture_ask(&f, LOGS);
    assert_int_equal(count(f.answer.body, "\"uuid\":"), before + 1);
    assert_int_equal(json_array_size(f.body), 5);
    fixture_end(&f);
}

static void a_message_is_no_utf8(void **state)
{
    struct fixture f;

    (void)state;
    begin_with(&f, "{\"fault\":\"utf8\"}");
    fixture_ask(&f, LOGS);
    assert_null(f.body);
    assert_int_equal(count(f.answer.body, "\"uuid\":"), 5);
    assert_int_equal(count(f.answer.body, "\xff\xc0\x80"), 1);
    fixture_ask(&f, USERS);
    assert_int_equal(count(f.answer.body, "\xff\xfe"), 1);
    fixture_end(&f);
}

static const struct way_row {
    const char *name, *script;
    struct emulator_delivery want;
} way_rows[] = {
    { "late", "{\"fault\":\"answer\",\"delay_ms\":1500}", { EMULATOR_FAULT_ANSWER, 1500, 0, 0, 0 } },
    { "drop by drop", "{\"fault\":\"drip\",\"drip_bytes\":3,\"drip_ms\":20}", { EMULATOR_FAULT_DRIP, 0, 3, 20, 0 } },
    { "drop by drop, as usual", "{\"fault\":\"drip\"}", { EMULATOR_FAULT_DRIP, 0, 512, 100, 0 } },
    { "stalled", "{\"fault\":\"stall\"}", { EMULATOR_FAULT_STALL, 0, 0, 0, 0 } },
    { "late, and then broken", "{\"fault\":\"reset\",\"delay_ms\":7}", { EMULATOR_FAULT_RESET, 7, 0, 0, 0 } },
    { "broken in the body", "{\"fault\":\"reset-body\"}", { EMULATOR_FAULT_RESET_BODY, 0, 0, 0, 0 } },
    { "cut", "{\"fault\":\"truncate\"}", { EMULATOR_FAULT_TRUNCATED, 0, 0, 0, 0 } },
    { "cut before it was compressed", "{\"fault\":\"gzip\"}", { EMULATOR_FAULT_TRUNCATED_GZIP, 0, 0, 0, 0 } },
    { "dead afterwards", "{\"fault\":\"close\"}", { EMULATOR_FAULT_CLOSE, 0, 0, 0, 0 } },
    { "a hundred megabytes", "{\"fault\":\"huge\"}", { EMULATOR_FAULT_ANSWER, 0, 0, 0, 100u << 20 } },
    { "so many bytes", "{\"fault\":\"huge\",\"bytes\":1000}", { EMULATOR_FAULT_ANSWER, 0, 0, 0, 1000 } },
    { "a status, late", "{\"fault\":\"status\",\"status\":500,\"delay_ms\":9}", { EMULATOR_FAULT_ANSWER, 9, 0, 0, 0 } },
};

static void comes_so(void **state)
{
    const struct way_row *row = *state;
    const struct emulator_delivery *got;
    struct fixture f;

    begin_with(&f, row->script);
    fixture_ask(&f, USERS);
    got = &f.answer.delivery;
    assert_int_equal(got->how, row->want.how);
    assert_int_equal(got->delay_ms, row->want.delay_ms);
    assert_int_equal(got->drip_bytes, row->want.drip_bytes);
    assert_int_equal(got->drip_ms, row->want.drip_ms);
    assert_int_equal(got->blanks, row->want.blanks);
    emulator_clear_faults(f.emulator);
    fixture_ask(&f, USERS);
    assert_int_equal(f.answer.delivery.how, EMULATOR_FAULT_ANSWER);
    assert_int_equal(f.answer.delivery.delay_ms, 0);
    fixture_end(&f);
}

static void a_faulty_answer_is_charged_all_the_same(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.options.logs_limit = 2;
    fixture_begin(&f);
    emulator_fault(f.emulator, "/api/v1/logs", 2, 500, NULL);
    assert_int_equal(fixture_ask(&f, LOGS), 500);
    assert_int_equal(fixture_ask(&f, LOGS), 500);
    assert_int_equal(fixture_ask(&f, LOGS), 429);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_bounded_and_those_that_are_over_make_room),
        cmocka_unit_test(a_key_stands_twice_with_one_value),
        cmocka_unit_test(a_message_is_no_utf8),
        cmocka_unit_test(a_faulty_answer_is_charged_all_the_same),
    };

    return RUN_ROWS(happens_to, when_rows) + RUN_ROWS(a_script_is_refused, script_rows) +
           RUN_ROWS(is_answered, what_rows) + RUN_ROWS(comes_so, way_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
