/* The example file: it says nothing as it is; with each # before a setting removed it is right; and every row of the
 * table is in it, with its range, its default, and whether a reload applies it. */
#include "rows.h"

#include "config/config_table.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXAMPLE     "server/config/config.example.yaml"
#define EXAMPLE_MAX (64u << 10)

static char example[EXAMPLE_MAX];

static int read_example(void **state)
{
    FILE *from = fopen(EXAMPLE, "r");
    size_t len;

    (void)state;
    assert_non_null(from);
    len = fread(example, 1, sizeof example - 1, from);
    fclose(from);
    example[len] = '\0';
    return len > 0 ? 0 : -1;
}

/* The bytes with each "#" that is not before a blank removed from the beginning of a line. */
static struct buf uncommented(void)
{
    struct buf out = BUF(EXAMPLE_MAX);

    for (const char *at = example; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        bool is_setting =
            at[0] == '#' && (at[1] != ' ' || strncmp(at, "#  ", 3) == 0) && at[1] != '\n' && at[1] != '\0';

        buf_put(&out, at + is_setting, len - is_setting);
        buf_putc(&out, '\n');
        at += len + (at[len] == '\n');
    }
    return out;
}

static void as_it_is_it_says_nothing(void **state)
{
    AUTO_FREE struct config_problems *problems = mem_zero(sizeof *problems);
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    AUTO_FREE struct config *none = mem_zero(sizeof *none);

    (void)state;
    assert_true(config_file_parse(view_of(example), EXAMPLE, c, problems));
    assert_memory_equal(c, none, sizeof *c);
}

static void every_setting_in_it_is_right(void **state)
{
    AUTO_FREE struct config_problems *problems = mem_zero(sizeof *problems);
    AUTO_FREE struct config *c = mem_zero(sizeof *c);
    AUTO_FREE struct config *defaults = mem_zero(sizeof *defaults);
    struct buf text = uncommented();

    (void)state;
    if (!config_file_parse(buf_view(&text), EXAMPLE, c, problems))
        fail_msg("%s", problems->all[0].text);
    config_take_defaults(defaults);
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        AUTO_BUF struct buf is = BUF(4096);
        AUTO_BUF struct buf want = BUF(4096);

        if (config_is_at(o, CONFIG_AS_KEY) && c->origins[config_row(o)].from != CONFIG_FROM_FILE)
            fail_msg("%s is not there", o->name);
        if (o->fallback == NULL || !config_is_at(o, CONFIG_AS_KEY))
            continue;
        assert_true(o->type->write(o, c, 0, &is));
        assert_true(o->type->write(o, defaults, 0, &want));
        if (!view_eq(buf_view(&is), buf_view(&want)))
            fail_msg("%s is not its default, %s", o->name, o->fallback);
    }
    assert_int_equal(c->declared_count, 2);
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        AUTO_BUF struct buf one = BUF(4096);

        if (config_is_member(o) && !o->type->write(o, &c->declared[0], 0, &one) &&
            !o->type->write(o, &c->declared[1], 0, &one))
            fail_msg("%s is in no connector", o->name);
    }
    buf_deinit(&text);
}

/* The comment before a setting: from the last empty line on. */
static struct view words_before(const char *name)
{
    char line[64];
    const char *at, *begin;

    snprintf(line, sizeof line, "\n#%s:", name);
    at = strstr(example, line);
    if (at == NULL)
        fail_msg("%s is not there", name);
    for (begin = at; begin > example && !(begin[0] == '\n' && begin[1] == '\n');)
        begin--;
    return (struct view){ begin, (size_t)(at - begin) };
}

static bool says(struct view words, const char *text)
{
    return memmem(words.at, words.len, text, strlen(text)) != NULL;
}

static void each_is_explained(void **state)
{
    (void)state;
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        struct view words;
        char range[64];

        if (!config_is_at(o, CONFIG_AS_KEY))
            continue;
        words = words_before(o->name);
        if (o->type != &config_connectors && !says(words, "efault"))
            fail_msg("no default is told of %s", o->name);
        if (says(words, "[reload]") != o->is_live)
            fail_msg("it is told wrongly whether a reload applies %s", o->name);
        snprintf(range, sizeof range, "%" PRId64 " to %" PRId64, o->min, o->max);
        if ((o->type == &config_int || o->type == &config_i64) && !says(words, range))
            fail_msg("no range of %s, %s", o->name, range);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_is_it_says_nothing),
        cmocka_unit_test(every_setting_in_it_is_right),
        cmocka_unit_test(each_is_explained),
    };

    return cmocka_run_group_tests(tests, read_example, NULL);
}
