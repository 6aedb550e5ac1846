#include "base/error.h"

#include "base/str.h"
#include "tests/rows.h"

#include <string.h>

static void an_error_says_code_and_text(void **state)
{
    struct error err;

    (void)state;
    assert_false(error_set(&err, ERROR_NOT_FOUND, "no user %d", 7));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_null(err.reason);
    assert_string_equal(err.text, "no user 7");
}

static void wrapping_puts_in_front_and_keeps_the_rest(void **state)
{
    struct error err;

    (void)state;
    assert_false(error_reason(&err, ERROR_FAILED_PRECONDITION, "ORG_MISMATCH", "another org"));
    assert_false(error_wrap(&err, "configure %s", "acme"));
    assert_string_equal(err.text, "configure acme: another org");
    assert_string_equal(err.reason, "ORG_MISMATCH");
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
}

static void nobody_listens(void **state)
{
    (void)state;
    assert_false(error_set(NULL, ERROR_INTERNAL, "x"));
    assert_false(error_reason(NULL, ERROR_INTERNAL, "X", "x"));
    assert_false(error_wrap(NULL, "x"));
}

/* The text is cut at every place of a three-byte character in turn. */
static void what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        AUTO_BUF struct buf text = BUF(4096);
        struct error err;

        for (size_t i = 0; i < shift; i++)
            buf_putc(&text, 'x');
        for (size_t i = 0; i < ERROR_TEXT_MAX; i++)
            buf_puts(&text, "\xe2\x82\xac");
        error_set(&err, ERROR_INTERNAL, "%s", buf_cstr(&text));
        assert_true(strlen(err.text) < ERROR_TEXT_MAX);
        assert_true(strlen(err.text) > ERROR_TEXT_MAX - 5);
        assert_true(utf8_is_clean(view_of(err.text)));
        error_wrap(&err, "w");
        assert_true(utf8_is_clean(view_of(err.text)));
    }
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(error_code_name(ERROR_OK), "OK");
    assert_string_equal(error_code_name(ERROR_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(error_code_name((enum error_code)17), "UNKNOWN");
    assert_string_equal(error_code_name((enum error_code) - 1), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_says_code_and_text),
        cmocka_unit_test(wrapping_puts_in_front_and_keeps_the_rest),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(codes_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
