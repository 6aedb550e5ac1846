#include "base/str.h"
#include "tests/rows.h"

#include <limits.h>
#include <string.h>

static const struct u64_row {
    const char *name, *text;
    uint64_t min, max;
    bool want;
    uint64_t value;
} u64_rows[] = {
    { "zero", "0", 0, UINT64_MAX, true, 0 },
    { "the largest", "18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX },
    { "one more", "18446744073709551616", 0, UINT64_MAX, false, 0 },
    { "one digit more", "184467440737095516150", 0, UINT64_MAX, false, 0 },
    { "leading zeros", "007", 0, 9, true, 7 },
    { "below the range", "4", 5, 9, false, 0 },
    { "the lower end", "5", 5, 9, true, 5 },
    { "the upper end", "9", 5, 9, true, 9 },
    { "above the range", "10", 5, 9, false, 0 },
    { "nothing", "", 0, 9, false, 0 },
    { "a sign", "+1", 0, 9, false, 0 },
    { "a minus", "-1", 0, UINT64_MAX, false, 0 },
    { "a blank", " 1", 0, 9, false, 0 },
    { "a letter", "1a", 0, 99, false, 0 },
    { "hexadecimal", "0x1", 0, 99, false, 0 },
    { "the byte behind 9", "1:", 0, 99, false, 0 },
    { "the byte before 0", "1/", 0, 99, false, 0 },
};

static void reads_u64(void **state)
{
    const struct u64_row *row = *state;
    uint64_t value = 77;

    assert_int_equal(view_u64(view_of(row->text), row->min, row->max, &value), row->want);
    assert_true(value == (row->want ? row->value : 77));
}

static const struct i64_row {
    const char *name, *text;
    int64_t min, max;
    bool want;
    int64_t value;
} i64_rows[] = {
    { "minus one", "-1", INT64_MIN, INT64_MAX, true, -1 },
    { "minus zero", "-0", INT64_MIN, INT64_MAX, true, 0 },
    { "the largest", "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
    { "one more", "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
    { "the smallest", "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
    { "one less", "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
    { "below the range", "-1", 0, INT64_MAX, false, 0 },
    { "a minus alone", "-", INT64_MIN, INT64_MAX, false, 0 },
    { "two", "--1", INT64_MIN, INT64_MAX, false, 0 },
};

static void reads_i64(void **state)
{
    const struct i64_row *row = *state;
    int64_t value = 77;

    assert_int_equal(view_i64(view_of(row->text), row->min, row->max, &value), row->want);
    assert_true(value == (row->want ? row->value : 77));
}

static void views_compare(void **state)
{
    (void)state;
    assert_true(view_eq(VIEW_NONE, VIEW("")));
    assert_true(view_is(VIEW("abc"), "abc"));
    assert_false(view_is(VIEW("abc"), "ab"));
    assert_false(view_is(VIEW("a\0b"), "a"));
    assert_true(view_eq_nocase(VIEW("Anna@ACME"), VIEW("aNNA@acme")));
    assert_false(view_eq_nocase(VIEW("["), VIEW("{")));
    assert_true(view_starts(VIEW("abc"), "ab"));
    assert_true(view_starts(VIEW_NONE, ""));
    assert_false(view_starts(VIEW("a"), "ab"));
    assert_true(view_ends(VIEW("abc"), "bc"));
    assert_true(view_ends(VIEW_NONE, ""));
    assert_false(view_ends(VIEW("c"), "bc"));
    assert_true(view_is(view_trim(VIEW(" \t\r\n a b \n")), "a b"));
    assert_true(view_is(view_trim(VIEW(" \n ")), ""));
}

static void a_buffer_grows_to_its_cap_and_no_further(void **state)
{
    AUTO_BUF struct buf b = BUF(100);

    (void)state;
    for (int i = 0; i < 100; i++)
        buf_putc(&b, 'x');
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 100);
    buf_putc(&b, 'y');
    assert_false(buf_ok(&b));
    assert_int_equal(b.len, 100);
    assert_int_equal(strlen(buf_cstr(&b)), 100);
}

static void what_does_not_fit_is_left_out_whole_and_remembered(void **state)
{
    AUTO_BUF struct buf b = BUF(4);

    (void)state;
    buf_puts(&b, "abc");
    buf_puts(&b, "de");
    assert_false(buf_ok(&b));
    buf_putc(&b, 'f'); /* would fit; but then the middle would be missing */
    assert_string_equal(buf_cstr(&b), "abc");
    buf_reset(&b);
    buf_puts(&b, "wxyz");
    assert_true(buf_ok(&b));
    assert_string_equal(buf_cstr(&b), "wxyz");
}

static void printf_at_the_cap(void **state)
{
    AUTO_BUF struct buf b = BUF(5);

    (void)state;
    buf_printf(&b, "%05d", 42);
    assert_true(buf_ok(&b));
    assert_string_equal(buf_cstr(&b), "00042");
    buf_printf(&b, "%d", 1);
    assert_false(buf_ok(&b));
    assert_string_equal(buf_cstr(&b), "00042");
}

static void extend_counts_at_once(void **state)
{
    AUTO_BUF struct buf b = BUF(8);
    char *at = buf_extend(&b, 8);

    (void)state;
    assert_non_null(at);
    memcpy(at, "12345678", 8);
    assert_string_equal(buf_cstr(&b), "12345678");
    assert_null(buf_extend(&b, 1));
    assert_null(buf_extend(&b, SIZE_MAX));
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
    AUTO_BUF struct buf b = BUF(8);

    (void)state;
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_view(&b).len, 0);
    buf_put(&b, NULL, 0);
    assert_true(buf_ok(&b));
}

static void a_copy_of_a_view_ends_with_nul(void **state)
{
    AUTO_FREE char *copy = view_dup((struct view){ "abcdef", 3 });
    AUTO_FREE char *none = view_dup(VIEW_NONE);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(none, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare),
        cmocka_unit_test(a_buffer_grows_to_its_cap_and_no_further),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole_and_remembered),
        cmocka_unit_test(printf_at_the_cap),
        cmocka_unit_test(extend_counts_at_once),
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(a_copy_of_a_view_ends_with_nul),
    };

    return RUN_ROWS(reads_u64, u64_rows) + RUN_ROWS(reads_i64, i64_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
