#include "scim.h"
#include "tests/rows.h"

#include <string.h>

/* An object with a colour, two tags and a time. */
static bool get(void *ctx, struct view path, size_t nth, struct scim_value *out)
{
    (void)ctx;
    *out = (struct scim_value){ .is_time = false };
    if (view_is(path, "colour") && nth == 0)
        out->text = VIEW("Green");
    else if (view_is(path, "tag") && nth < 2)
        out->text = nth == 0 ? VIEW("one") : VIEW("t\"o");
    else if (view_is(path, "at") && nth == 0)
        *out = (struct scim_value){ .is_time = true, .time_ms = 1000 };
    else
        return false;
    return true;
}

static bool allow(struct view path, enum scim_op op, const struct scim_literal *literal, enum scim_fault_kind *kind)
{
    (void)literal;
    *kind = SCIM_OPERATOR;
    if (op == SCIM_EW && view_is(path, "at"))
        return false;
    *kind = SCIM_FIELD;
    return view_is(path, "colour") || view_is(path, "tag") || view_is(path, "at") || view_is(path, "none");
}

static const struct row {
    const char *name, *text;
    bool ignore_case, want;
} rows[] = {
    { "equal", "colour eq \"Green\"", false, true },
    { "not equal", "colour eq \"green\"", false, false },
    { "equal in any case", "colour eq \"green\"", true, true },
    { "operators in any case", "colour EQ \"Green\"", false, true },
    { "ne", "colour ne \"Red\"", false, true },
    { "gt", "colour gt \"Green\"", false, false },
    { "ge", "colour ge \"Green\"", false, true },
    { "lt", "colour lt \"Grey\"", false, true },
    { "le", "colour le \"Gree\"", false, false },
    { "co", "colour co \"ree\"", false, true },
    { "co, longer than all", "colour co \"GreenGreen\"", false, false },
    { "sw", "colour sw \"Gr\"", false, true },
    { "ew", "colour ew \"en\"", false, true },
    { "ew, not", "colour ew \"Gr\"", false, false },
    { "pr", "colour pr", false, true },
    { "pr, of nothing", "none pr", false, false },
    { "any of several", "tag eq \"one\"", false, true },
    { "an escaped quote", "tag eq \"t\\\"o\"", false, true },
    { "both of several", "tag eq \"one\" and tag eq \"t\\\"o\"", false, true },
    { "times by time", "at gt \"1970-01-01T00:00:00.999Z\"", false, true },
    { "times in another zone", "at eq \"1970-01-01T01:00:01.000+01:00\"", false, true },
    { "or", "colour eq \"Red\" or colour eq \"Green\"", false, true },
    { "and binds closer than or", "colour eq \"Green\" or colour eq \"Green\" and colour eq \"Red\"", false, true },
    { "brackets bind closest", "(colour eq \"Green\" or colour eq \"Green\") and colour eq \"Red\"", false, false },
    { "not", "not (colour eq \"Red\")", false, true },
    { "not in the middle", "colour pr and not (tag eq \"one\")", false, false },
};

static void matches(void **state)
{
    const struct row *row = *state;
    struct scim s;
    struct scim_fault fault;

    assert_true(scim_parse(&s, view_of(row->text), allow, &fault));
    assert_int_equal(scim_match(&s, get, NULL, row->ignore_case), row->want);
}

static const struct fault_row {
    const char *name, *text;
    enum scim_fault_kind want;
    size_t want_at;
} fault_rows[] = {
    { "nothing", "", SCIM_SYNTAX, 0 },
    { "an unknown operator", "colour eqq \"x\"", SCIM_SYNTAX, 7 },
    { "no value", "colour eq", SCIM_SYNTAX, 9 },
    { "an open string", "colour eq \"x", SCIM_SYNTAX, 12 },
    { "an open bracket", "(colour pr", SCIM_SYNTAX, 10 },
    { "a bracket too many", "colour pr)", SCIM_SYNTAX, 9 },
    { "a second half is missing", "colour pr and", SCIM_SYNTAX, 13 },
    { "not without brackets", "not colour pr", SCIM_SYNTAX, 4 },
    { "an unknown field", "colour pr or taste pr", SCIM_FIELD, 13 },
    { "an operator not for the field", "at ew \"x\"", SCIM_OPERATOR, 0 },
    { "too deep", "((((((((((((((((((colour pr))))))))))))))))))", SCIM_SYNTAX, 17 },
};

static void is_refused(void **state)
{
    const struct fault_row *row = *state;
    struct scim s;
    struct scim_fault fault;

    assert_false(scim_parse(&s, view_of(row->text), allow, &fault));
    assert_int_equal(fault.kind, row->want);
    assert_int_equal(fault.at, row->want_at);
}

static void what_is_too_long_is_refused(void **state)
{
    AUTO_BUF struct buf text = BUF(65536);
    struct scim s;
    struct scim_fault fault;

    (void)state;
    buf_puts(&text, "colour pr");
    for (int i = 0; i < 31; i++)
        buf_puts(&text, " and colour pr");
    assert_true(scim_parse(&s, buf_view(&text), allow, &fault));
    buf_puts(&text, " and colour pr");
    assert_false(scim_parse(&s, buf_view(&text), allow, &fault));
    buf_reset(&text);
    buf_puts(&text, "colour eq \"");
    memset(buf_extend(&text, 2049), 'x', 2049);
    buf_putc(&text, '"');
    assert_false(scim_parse(&s, buf_view(&text), allow, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_too_long_is_refused) };

    return RUN_ROWS(matches, rows) + RUN_ROWS(is_refused, fault_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
