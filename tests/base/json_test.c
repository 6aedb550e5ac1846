#include "base/json.h"

#include "tests/rows.h"

#include <string.h>

#define BYTES_MAX      (4u << 20)
#define DEPTH_MAX      16
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct row {
    const char *name, *text;
    size_t len;
    enum json_type want; /* JSON_NONE: refused */
} rows[] = {
    { "null", BYTES("null"), JSON_NULL },
    { "true", BYTES(" true "), JSON_BOOL },
    { "an integer", BYTES("-7"), JSON_NUMBER },
    { "a fraction", BYTES("1.5e3"), JSON_NUMBER },
    { "a string", BYTES("\"x\""), JSON_STRING },
    { "an array", BYTES("[]"), JSON_ARRAY },
    { "an object", BYTES("{}"), JSON_OBJECT },
    { "a NUL, escaped", BYTES("\"\\u0000\""), JSON_STRING },
    { "a surrogate pair", BYTES("\"\\ud83d\\udd11\""), JSON_STRING },
    { "a high surrogate alone", BYTES("\"\\ud800\""), JSON_NONE },
    { "a low surrogate alone", BYTES("\"\\udc00\""), JSON_NONE },
    { "two high surrogates", BYTES("\"\\ud800\\ud800\""), JSON_NONE },
    { "a high surrogate and a letter", BYTES("\"\\ud800\\u0041\""), JSON_NONE },
    { "a surrogate in UTF-8", BYTES("\"\xed\xa0\x80\""), JSON_NONE },
    { "a byte that is no UTF-8", BYTES("\"a\xff\""), JSON_NONE },
    { "a control character", BYTES("\"a\x01\""), JSON_NONE },
    { "a NUL, plain", BYTES("\"a\0\""), JSON_NONE },
    { "a number too large", BYTES("[1e400]"), JSON_NONE },
    { "an integer too large", BYTES("[123456789012345678901234567890]"), JSON_NONE },
    { "a leading zero", BYTES("01"), JSON_NONE },
    { "not a number", BYTES("NaN"), JSON_NONE },
    { "a comma too many", BYTES("[1,]"), JSON_NONE },
    { "a comment", BYTES("[1]//"), JSON_NONE },
    { "two documents", BYTES("{}{}"), JSON_NONE },
    { "an end too early", BYTES("{\"a\":"), JSON_NONE },
    { "as deep as allowed", BYTES("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), JSON_ARRAY },
    { "deeper", BYTES("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), JSON_NONE },
    { "nothing", BYTES(""), JSON_NONE },
    { "blanks", BYTES("  "), JSON_NONE },
};

static void parses(void **state)
{
    const struct row *row = *state;
    struct json_parser *p = json_parser_create(BYTES_MAX, DEPTH_MAX);
    struct error err = { 0 };
    struct json v = { NULL, 0 };

    assert_int_equal(json_parse(p, (struct view){ row->text, row->len }, &v, &err), row->want != JSON_NONE);
    assert_int_equal(json_type(v), row->want);
    assert_int_equal(err.code, row->want != JSON_NONE ? ERROR_OK : ERROR_INVALID_ARGUMENT);
    json_parser_destroy(p);
}

struct fixture {
    struct json_parser *parser;
    struct json root;
};

static int set_up(void **state)
{
    static const char text[] =
        "{\"s\":\"a\\u0000b\",\"t\":true,\"n\":null,\"i\":-9223372036854775808,\"u\":18446744073709551615,"
        "\"d\":0.5,\"o\":{\"x\":{\"y\":[10,\"z\",[]]}},\"s\":\"second\",\"\":\"no name\"}";
    struct fixture *f = calloc(1, sizeof *f);

    f->parser = json_parser_create(BYTES_MAX, DEPTH_MAX);
    *state = f;
    return json_parse(f->parser, VIEW(text), &f->root, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    json_parser_destroy(f->parser);
    free(f);
    return 0;
}

static void values_are_read_by_their_type_only(void **state)
{
    struct json root = ((struct fixture *)*state)->root;
    struct view text = VIEW_NONE;
    bool flag = false;
    int64_t n = 0;
    double d = 0;

    assert_true(json_string(json_get(root, "s"), &text));
    assert_true(view_eq(text, VIEW("a\0b")));
    assert_true(json_bool(json_get(root, "t"), &flag));
    assert_true(flag);
    assert_true(json_i64(json_get(root, "i"), &n));
    assert_true(n == INT64_MIN);
    assert_false(json_i64(json_get(root, "u"), &n));
    assert_false(json_i64(json_get(root, "d"), &n));
    assert_true(json_double(json_get(root, "i"), &d));
    assert_true(json_double(json_get(root, "u"), &d) && d > 1.8e19);
    assert_true(json_double(json_get(root, "d"), &d) && d == 0.5);
    assert_false(json_string(json_get(root, "i"), &text));
    assert_false(json_bool(json_get(root, "n"), &flag));
    assert_false(json_double(json_get(root, "s"), &d));
}

static void what_is_not_there_is_none(void **state)
{
    struct json root = ((struct fixture *)*state)->root;
    struct json none = json_get(root, "missing");
    struct view text;
    double d;

    assert_int_equal(json_type(none), JSON_NONE);
    assert_int_equal(json_type(json_get(none, "x")), JSON_NONE);
    assert_int_equal(json_type(json_get(json_get(root, "s"), "x")), JSON_NONE);
    assert_int_equal(json_type(json_get(json_get(root, "n"), "x")), JSON_NONE);
    assert_false(json_string(none, &text));
    assert_false(json_double(none, &d));
    for (struct json_each e = json_each(none); json_next(&e);)
        fail();
    for (struct json_each e = json_each(json_get(root, "s")); json_next(&e);)
        fail();
}

static void members_and_elements_come_in_order(void **state)
{
    static const char *const names[] = { "s", "t", "n", "i", "u", "d", "o", "s", "" };
    struct json root = ((struct fixture *)*state)->root;
    struct json_each e = json_each(root);
    enum json_type types[4];
    size_t count = 0;

    for (; json_next(&e); count++) {
        assert_true(count < sizeof names / sizeof names[0]);
        assert_true(view_is(e.name, names[count]));
    }
    assert_int_equal(count, sizeof names / sizeof names[0]);
    count = 0;
    for (e = json_each(json_get(json_get(json_get(root, "o"), "x"), "y")); json_next(&e);)
        types[count++] = json_type(e.value);
    assert_int_equal(count, 3);
    assert_int_equal(types[0], JSON_NUMBER);
    assert_int_equal(types[1], JSON_STRING);
    assert_int_equal(types[2], JSON_ARRAY);
}

static void a_parser_serves_large_and_small_in_turn(void **state)
{
    struct json_parser *p = json_parser_create(BYTES_MAX, DEPTH_MAX);
    AUTO_BUF struct buf large = BUF(BYTES_MAX);

    (void)state;
    buf_putc(&large, '[');
    while (large.len < BYTES_MAX - 8)
        buf_puts(&large, "[1,2],");
    buf_puts(&large, "3]");
    for (int i = 0; i < 3; i++) {
        struct json v;

        assert_true(json_parse(p, buf_view(&large), &v, NULL));
        assert_int_equal(json_type(v), JSON_ARRAY);
        assert_true(json_parse(p, VIEW("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), &v, NULL));
        assert_false(json_parse(p, VIEW("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), &v, NULL));
    }
    json_parser_destroy(p);
}

static void larger_than_the_cap_is_refused(void **state)
{
    struct json_parser *p = json_parser_create(8, DEPTH_MAX);
    struct json v;

    (void)state;
    assert_true(json_parse(p, VIEW("[1,2,34]"), &v, NULL));
    assert_false(json_parse(p, VIEW("[1,2,345]"), &v, NULL));
    json_parser_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_read_by_their_type_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_and_elements_come_in_order, set_up, tear_down),
        cmocka_unit_test(a_parser_serves_large_and_small_in_turn),
        cmocka_unit_test(larger_than_the_cap_is_refused),
    };

    return RUN_ROWS(parses, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
