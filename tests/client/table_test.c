#include "client/term/table.h"
#include "client/term/text.h"

#include "tests/rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct table_column columns[] = { { "WHO", 4 }, { "APP", 0 }, { "FROM", 0 } };

struct page {
    struct output out;
    struct table table;
    int read_fd;
    char text[4096];
};

static void page_init(struct page *p, size_t screen, bool has_color)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    p->read_fd = fds[0];
    output_init(&p->out, fds[1]);
    table_init(&p->table, &p->out, columns, 3, screen, has_color);
}

static void row(struct page *p, const char *a, const char *b, const char *c)
{
    table_row(&p->table, (const struct table_cell[]){
                             { view_of(a), STYLE_GOOD }, { view_of(b), STYLE_PLAIN }, { view_of(c), STYLE_PLAIN } });
}

/* What was printed since the last time. */
static const char *printed(struct page *p)
{
    ssize_t n;

    output_puts(&p->out, ".");
    output_flush(&p->out);
    n = read(p->read_fd, p->text, sizeof p->text - 1);
    assert_true(n > 0);
    p->text[n - 1] = '\0';
    return p->text;
}

static void page_deinit(struct page *p)
{
    table_deinit(&p->table);
    output_deinit(&p->out);
    close(p->out.fd);
    close(p->read_fd);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, false);
    row(&p, "ada", "Mail", "192.0.2.1");
    row(&p, "åsa.öberg", "日本", "x");
    table_flush(&p.table);
    assert_string_equal(printed(&p), "WHO        APP   FROM\n"
                                     "ada        Mail  192.0.2.1\n"
                                     "åsa.öberg  日本  x\n");
    page_deinit(&p);
}

static void later_rows_keep_the_widths(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, false);
    row(&p, "somebody", "a", "b");
    table_flush(&p.table);
    printed(&p);
    row(&p, "x", "a", "b");
    table_flush(&p.table);
    assert_string_equal(printed(&p), "x         a    b\n");
    page_deinit(&p);
}

static void hostile_cells_stay_one_row(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, false);
    row(&p, "a\nb", "\033[2J", "");
    table_flush(&p.table);
    assert_string_equal(printed(&p), "WHO   APP      FROM\na\\nb  \\x1b[2J\n");
    page_deinit(&p);
}

static void on_a_screen_the_widest_gives_way(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 24, false);
    row(&p, "short", "a very long application", "192.0.2.1");
    table_flush(&p.table);
    assert_string_equal(printed(&p), "WHO    APP      FROM\nshort  a very…  192.0.2…\n");
    page_deinit(&p);
}

static void off_a_screen_nothing_is_cut(void **state)
{
    static struct page p;
    char name[101];

    (void)state;
    memset(name, 'n', 100);
    name[100] = '\0';
    page_init(&p, 0, false);
    row(&p, name, "b", "c");
    table_flush(&p.table);
    assert_non_null(strstr(printed(&p), name));
    page_deinit(&p);
}

static void colours_end_where_they_began(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, true);
    row(&p, "ada", "b", "c");
    table_flush(&p.table);
    assert_non_null(strstr(printed(&p), "\033[32mada\033[0m   b"));
    page_deinit(&p);
}

static void more_rows_than_it_gathers_all_come_out(void **state)
{
    static struct page p;
    size_t lines = 0;

    (void)state;
    page_init(&p, 0, false);
    for (size_t i = 0; i < TABLE_ROWS_MAX + 10; i++)
        row(&p, "a", "", "");
    table_flush(&p.table);
    for (const char *at = printed(&p); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, TABLE_ROWS_MAX + 11);
    page_deinit(&p);
}

static void a_line_across_takes_no_part_in_the_widths(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, false);
    row(&p, "a", "", "");
    table_line(&p.table, "-- 2026-03-14 UTC");
    row(&p, "someone", "b", "");
    table_flush(&p.table);
    assert_string_equal(printed(&p), "WHO      APP  FROM\na\n-- 2026-03-14 UTC\nsomeone  b\n");
    page_deinit(&p);
}

static void nothing_prints_nothing(void **state)
{
    static struct page p;

    (void)state;
    page_init(&p, 0, false);
    table_flush(&p.table);
    assert_string_equal(printed(&p), "");
    page_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(later_rows_keep_the_widths),
        cmocka_unit_test(hostile_cells_stay_one_row),
        cmocka_unit_test(on_a_screen_the_widest_gives_way),
        cmocka_unit_test(off_a_screen_nothing_is_cut),
        cmocka_unit_test(colours_end_where_they_began),
        cmocka_unit_test(more_rows_than_it_gathers_all_come_out),
        cmocka_unit_test(a_line_across_takes_no_part_in_the_widths),
        cmocka_unit_test(nothing_prints_nothing),
    };

    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
