#include "base/roff.h"
#include "base/template.h"

#include "tests/rows.h"

#include <string.h>

static void put_one(struct buf *out)
{
    buf_puts(out, "one\n");
}

static void put_two(struct buf *out)
{
    buf_puts(out, "two\n");
}

static const struct template_gap gaps[] = { { "ONE", put_one }, { "TWO", put_two }, { NULL, NULL } };

static const struct fill_row {
    const char *name, *text, *want; /* want NULL: refused */
} fill_rows[] = {
    { "each gap is filled", "a\n@ONE@\nb\n@TWO@\n", "a\none\nb\ntwo\n" },
    { "a gap that comes twice", "@TWO@\n@ONE@\n@TWO@\n", "two\none\ntwo\n" },
    { "a last line without an end", "@ONE@\n@TWO@\nend", "one\ntwo\nend\n" },
    { "what is no gap", "@ONE@\n@TWO@\n a@b.example @ONE@\n@\n@ @\n$@\n",
      "one\ntwo\n a@b.example @ONE@\n@\n@ @\n$@\n" },
    { "a gap that nothing fills", "@ONE@\n@TWO@\n@THREE@\n", NULL },
    { "a filler that has no place", "@ONE@\n", NULL },
};

static void is_filled(void **state)
{
    const struct fill_row *row = *state;
    AUTO_BUF struct buf out = BUF(256);
    struct error err;
    bool ok = template_fill(view_of(row->text), gaps, &out, &err);

    assert_int_equal(ok, row->want != NULL);
    if (ok)
        assert_string_equal(buf_cstr(&out), row->want);
}

static void too_long_is_refused(void **state)
{
    AUTO_BUF struct buf out = BUF(8);
    struct error err;

    (void)state;
    assert_false(template_fill(VIEW("@ONE@\n@TWO@\nmore\n"), gaps, &out, &err));
}

static const struct roff_row {
    const char *name, *text, *want;
} roff_rows[] = {
    { "plain words", "as they are", "as they are\n" },
    { "hyphens that can be copied", "--last -5", "\\-\\-last \\-5\n" },
    { "straight quotes", "it's `x` \"y\"", "it\\(aqs \\(gax\\(ga \\(dqy\\(dq\n" },
    { "no request at a line's start", ".SH x\n'br y", "\\&.SH x\n\\(aqbr y\n" },
    { "a dot within a line", "a.b", "a.b\n" },
    { "backslashes", "\\fB", "\\efB\n" },
    { "accents are not letters", "~/x ^C", "\\(ti/x \\(haC\n" },
    { "paragraphs", "one\ntwo\n\n.three", "one\ntwo\n.PP\n\\&.three\n" },
};

static void is_shown_as_it_is(void **state)
{
    const struct roff_row *row = *state;
    AUTO_BUF struct buf out = BUF(256);

    roff_text(view_of(row->text), &out);
    assert_string_equal(buf_cstr(&out), row->want);
}

static void an_item_and_a_heading(void **state)
{
    AUTO_BUF struct buf out = BUF(256);

    (void)state;
    roff_item("-o, --output", "FORMAT", ".x", &out);
    roff_item("0", NULL, "well", &out);
    roff_heading("a \"b\"", &out);
    assert_string_equal(buf_cstr(&out), ".TP\n\\fB\\-o, \\-\\-output\\fR \\fIFORMAT\\fR\n\\&.x\n"
                                        ".TP\n\\fB0\\fR\nwell\n"
                                        ".SS \"a \\(dqb\\(dq\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(too_long_is_refused),
                                        cmocka_unit_test(an_item_and_a_heading) };

    return RUN_ROWS(is_filled, fill_rows) + RUN_ROWS(is_shown_as_it_is, roff_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
