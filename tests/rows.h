/* tests/rows.h: a table of rows is a table of tests: each row has a name of its own in the report.
 *
 *     static const struct row { const char *name; ... } rows[] = { ... };
 *     static void check(void **state) { const struct row *row = *state; ... }
 *     int main(void) { return RUN_ROWS(check, rows); }
 *
 * Several tables, or rows and single tests, in one program: add up what each run returns. */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

/* cmocka wants these before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

/* `name` must be the first member of a row. */
#define RUN_ROWS(check, rows) rows_run(#check, (check), (rows), sizeof(rows)[0], sizeof(rows) / sizeof(rows)[0])

static inline int rows_run(const char *group, CMUnitTestFunction check, const void *rows, size_t size, size_t count)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    int failed;

    for (size_t i = 0; i < count; i++) {
        const void *row = (const char *)rows + i * size;

        tests[i].name = *(const char *const *)row;
        tests[i].test_func = check;
        tests[i].initial_state = (void *)(uintptr_t)row;
    }
    failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}

#endif
