#include "client/cli/args.h"

#include "tests/rows.h"

#include <string.h>

static const struct option globals[] = { { "server", '\0', "ADDR", "" },
                                         { "output", 'o', "FORMAT", "" },
                                         { "help", 'h', NULL, "" },
                                         { NULL, '\0', NULL, NULL } };
static const struct option locals[] = {
    { "follow", 'f', NULL, "" }, { "last", 'n', "N", "" }, { "for", '\0', "TIME", "" }, { NULL, '\0', NULL, NULL }
};

#define WORDS_MAX 8

static const struct parse_row {
    const char *name;
    const char *words[WORDS_MAX];
    const char *server, *output, *last; /* NULL: not given */
    bool follow;
    const char *operand; /* the first; NULL: none */
    size_t operands;
} parse_rows[] = {
    { "nothing", { NULL }, NULL, NULL, NULL, false, NULL, 0 },
    { "a value as the next word", { "--server", "x" }, "x", NULL, NULL, false, NULL, 0 },
    { "a value after an equals sign", { "--server=x=y" }, "x=y", NULL, NULL, false, NULL, 0 },
    { "an empty value", { "--server=" }, "", NULL, NULL, false, NULL, 0 },
    { "a letter and its value apart", { "-o", "json" }, NULL, "json", NULL, false, NULL, 0 },
    { "a letter and its value in one", { "-ojson" }, NULL, "json", NULL, false, NULL, 0 },
    { "letters together", { "-fn5" }, NULL, NULL, "5", true, NULL, 0 },
    { "options behind the name", { "acme", "--follow" }, NULL, NULL, NULL, true, "acme", 1 },
    { "options before the name", { "-f", "acme" }, NULL, NULL, NULL, true, "acme", 1 },
    { "a value that looks like an option", { "--last", "-5" }, NULL, NULL, "-5", false, NULL, 0 },
    { "a dash alone is a name", { "-" }, NULL, NULL, NULL, false, "-", 1 },
    { "after two dashes all are names", { "--", "--follow" }, NULL, NULL, NULL, false, "--follow", 1 },
    { "an empty word is a name", { "" }, NULL, NULL, NULL, false, "", 1 },
};

static int count(const char *const *words)
{
    int n = 0;

    while (n < WORDS_MAX && words[n] != NULL)
        n++;
    return n;
}

static void same(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void is_parsed(void **state)
{
    const struct parse_row *row = *state;
    struct args a = { .table_count = 0 };
    struct error err;
    int at = 0;

    args_learn(&a, globals);
    args_learn(&a, locals);
    assert_true(args_parse(&a, count(row->words), (char *const *)(uintptr_t)row->words, &at, false, &err));
    same(args_value(&a, "server"), row->server);
    same(args_value(&a, "output"), row->output);
    same(args_value(&a, "last"), row->last);
    assert_int_equal(args_has(&a, "follow"), row->follow);
    assert_int_equal(a.operand_count, row->operands);
    if (row->operand != NULL)
        assert_string_equal(a.operands[0], row->operand);
}

static const struct refused_row {
    const char *name;
    const char *words[WORDS_MAX];
    const char *says;
} refused_rows[] = {
    { "a slip of the finger", { "--folow" }, "did you mean --follow?" },
    { "a beginning", { "--serv" }, "did you mean --server?" },
    { "nothing like it", { "--xyzzy" }, "there is no option --xyzzy" },
    { "a slip with a value", { "--lats=3" }, "did you mean --last?" },
    { "an unknown letter", { "-x" }, "there is no option -x" },
    { "an unknown letter among others", { "-fx" }, "there is no option -x" },
    { "no value", { "--last" }, "--last wants a value: --last N" },
    { "no value for a letter", { "-n" }, "--last wants a value" },
    { "a value for a flag", { "--follow=yes" }, "--follow takes no value" },
    { "twice", { "--last", "1", "-n2" }, "--last is given twice" },
    { "a flag twice", { "-ff" }, "--follow is given twice" },
    { "too many names", { "a", "b", "c", "d", "e" }, "'e' is one word too many" },
    { "only an equals sign", { "--=x" }, "there is no option" },
};

static void is_refused(void **state)
{
    const struct refused_row *row = *state;
    struct args a = { .table_count = 0 };
    struct error err = { .text = "" };
    int at = 0;

    args_learn(&a, globals);
    args_learn(&a, locals);
    assert_false(args_parse(&a, count(row->words), (char *const *)(uintptr_t)row->words, &at, false, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, row->says));
}

static void options_before_the_command_are_found_and_the_rest_left(void **state)
{
    const char *const words[] = { "--server", "x", "logins", "--follow" };
    struct args a = { .table_count = 0 };
    struct error err;
    int at = 0;

    (void)state;
    args_learn(&a, globals);
    assert_true(args_parse(&a, 4, (char *const *)(uintptr_t)words, &at, true, &err));
    assert_int_equal(at, 2);
    assert_string_equal(args_value(&a, "server"), "x");
}

static const struct value_row {
    const char *name, *last, *time;
    bool ok;
    uint64_t want;
    int64_t want_ms;
} value_rows[] = {
    { "absent: what was there stays", NULL, NULL, true, 7, 7 },
    { "a number in range", "100", NULL, true, 100, 7 },
    { "a number above", "101", NULL, false, 0, 0 },
    { "a number below", "0", NULL, false, 0, 0 },
    { "no number", "many", NULL, false, 0, 0 },
    { "a negative number", "-1", NULL, false, 0, 0 },
    { "a time", NULL, "20s", true, 7, 20000 },
    { "a time without end", NULL, "0s", false, 0, 0 },
    { "no time", NULL, "soon", false, 0, 0 },
};

static void is_a_value(void **state)
{
    const struct value_row *row = *state;
    struct args a = { .table_count = 0 };
    struct error err;
    uint64_t n = 7;
    int64_t ms = 7;

    args_learn(&a, locals);
    a.values[0][1] = row->last;
    a.values[0][2] = row->time;
    assert_int_equal(args_number(&a, "last", 1, 100, &n, &err) && args_duration(&a, "for", &ms, &err), row->ok);
    if (row->ok) {
        assert_int_equal(n, row->want);
        assert_int_equal(ms, row->want_ms);
    } else {
        assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    }
}

static const struct choice_row {
    const char *name, *given;
    bool ok;
    size_t want;
} choice_rows[] = {
    { "absent: what was there stays", NULL, true, 7 },
    { "the first", "table", true, 0 },
    { "the last", "jsonl", true, 2 },
    { "the beginning of one", "json", true, 1 },
    { "none of them", "xml", false, 0 },
    { "nothing", "", false, 0 },
    { "two of them", "table|json", false, 0 },
};

static void is_a_choice(void **state)
{
    static const struct option options[] = { { "output", 'o', "table|json|jsonl", "" }, { NULL, '\0', NULL, NULL } };
    const struct choice_row *row = *state;
    struct args a = { .table_count = 0 };
    struct error err;
    size_t n = 7;

    args_learn(&a, options);
    a.values[0][0] = row->given;
    assert_int_equal(args_choice(&a, "output", &n, &err), row->ok);
    if (row->ok)
        assert_int_equal(n, row->want);
    else
        assert_non_null(strstr(err.text, "table|json|jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(options_before_the_command_are_found_and_the_rest_left) };

    return RUN_ROWS(is_parsed, parse_rows) + RUN_ROWS(is_refused, refused_rows) + RUN_ROWS(is_a_value, value_rows) +
           RUN_ROWS(is_a_choice, choice_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
