#include "client/cli/completion.h"

#include "base/assert.h"
#include "base/template.h"
#include "client/bash_template.h"

static void put_kind(enum completes what, struct view words, struct buf *out)
{
    static const char *const kinds[] = { [COMPLETES_NOTHING] = "none",
                                         [COMPLETES_FILE] = "files",
                                         [COMPLETES_ADDRESS] = "address",
                                         [COMPLETES_NAME] = "names",
                                         [COMPLETES_SERVICE] = "services" };

    buf_puts(out, "kind=");
    if (what == COMPLETES_COMMAND) {
        buf_puts(out, "$okta_connector_commands");
    } else if (what == COMPLETES_CHOICE) {
        buf_putc(out, '\'');
        completion_words(words, out);
        buf_putc(out, '\'');
    } else {
        buf_puts(out, kinds[what]);
    }
}

/* One line a value that an option takes: "    'logins --last' | 'logins -n') kind=none ;;" */
static void values_of(const char *command, const struct option *o, struct buf *out)
{
    for (; o->name != NULL; o++) {
        if (o->value == NULL)
            continue;
        buf_printf(out, "    %s' --%s'", command, o->name);
        if (o->letter != '\0')
            buf_printf(out, " | %s' -%c'", command, o->letter);
        buf_puts(out, ") ");
        put_kind(completes_value(o->value), view_of(o->value), out);
        buf_puts(out, " ;;\n");
    }
}

static void values(struct buf *out)
{
    values_of("*", global_options, out);
    for (size_t i = 0; commands[i] != NULL; i++)
        values_of(commands[i]->name, commands[i]->options, out);
}

static void option_names(const struct option *o, struct buf *out)
{
    for (; o->name != NULL; o++) {
        buf_printf(out, " --%s", o->name);
        if (o->letter != '\0')
            buf_printf(out, " -%c", o->letter);
    }
}

static void options(struct buf *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->options[0].name == NULL)
            continue;
        buf_printf(out, "    %s) echo", commands[i]->name);
        option_names(commands[i]->options, out);
        buf_puts(out, " ;;\n");
    }
}

static void globals(struct buf *out)
{
    buf_puts(out, "    echo");
    option_names(global_options, out);
    buf_putc(out, '\n');
}

static void operands(struct buf *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        struct view words;
        enum completes what = completes_operand(commands[i], &words);

        if (what == COMPLETES_NOTHING)
            continue;
        buf_printf(out, "    %s) (($2 < %zu)) && ", commands[i]->name, commands[i]->operands_max);
        put_kind(what, words, out);
        buf_puts(out, " ;;\n");
    }
}

static void command_names(struct buf *out)
{
    buf_puts(out, "okta_connector_commands='");
    for (size_t i = 0; commands[i] != NULL; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
    buf_puts(out, "'\n");
}

void completion_bash(struct buf *out)
{
    static const struct template_gap gaps[] = { { "VALUES", values },          { "OPTIONS", options },
                                                { "GLOBALS", globals },        { "OPERANDS", operands },
                                                { "COMMANDS", command_names }, { NULL, NULL } };
    struct error err;

    ASSERT(template_fill((struct view){ bash_template, bash_template_size }, gaps, out, &err));
}
