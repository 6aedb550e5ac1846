#include "client/cli/completion.h"

#include "base/assert.h"
#include "base/template.h"
#include "client/zsh_template.h"

#include <string.h>

/* Within single quotes, and within brackets or between colons of a spec. */
static void put_text(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_puts(out, "'\\'");
        else if (strchr("[]:\\", *text) != NULL)
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

static void put_action(enum completes what, struct view words, struct buf *out)
{
    static const char *const actions[] = { [COMPLETES_NOTHING] = " ",
                                           [COMPLETES_FILE] = "_files",
                                           [COMPLETES_ADDRESS] = "_files",
                                           [COMPLETES_NAME] = "_okta_connector_names",
                                           [COMPLETES_SERVICE] = "_okta_connector_services",
                                           [COMPLETES_COMMAND] = "_okta_connector_commands" };

    if (what != COMPLETES_CHOICE) {
        buf_puts(out, actions[what]);
        return;
    }
    buf_putc(out, '(');
    completion_words(words, out);
    buf_putc(out, ')');
}

/* A spec of _arguments: '(-o --output)'{-o+,--output=}'[help]:value:(table json jsonl)' */
static void put_option(const struct option *o, const char *indent, struct buf *out)
{
    const char *plus = o->value != NULL ? "+" : "", *equals = o->value != NULL ? "=" : "";

    buf_puts(out, indent);
    if (o->letter != '\0')
        buf_printf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->letter, o->name, o->letter, plus, o->name, equals);
    else
        buf_printf(out, "'--%s%s[", o->name, equals);
    put_text(o->help, out);
    buf_putc(out, ']');
    if (o->value != NULL) {
        buf_putc(out, ':');
        put_text(o->value, out);
        buf_putc(out, ':');
        put_action(completes_value(o->value), view_of(o->value), out);
    }
    buf_puts(out, "'");
}

static void globals(struct buf *out)
{
    for (const struct option *o = global_options; o->name != NULL; o++) {
        put_option(o, "    ", out);
        buf_putc(out, '\n');
    }
}

static void command_names(struct buf *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        buf_printf(out, "    '%s:", commands[i]->name);
        put_text(commands[i]->summary, out);
        buf_puts(out, "'\n");
    }
}

static void arguments(struct buf *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        struct view words;
        enum completes what = completes_operand(commands[i], &words);

        buf_printf(out, "  %s)\n    _arguments -S $everywhere", commands[i]->name);
        for (const struct option *o = commands[i]->options; o->name != NULL; o++)
            put_option(o, " \\\n      ", out);
        if (what != COMPLETES_NOTHING) {
            buf_printf(out, " \\\n      '1:%.*s:", (int)strcspn(words.at, " |]"), words.at);
            put_action(what, words, out);
            buf_putc(out, '\'');
        }
        buf_puts(out, " && ret=0\n    ;;\n");
    }
}

void completion_zsh(struct buf *out)
{
    static const struct template_gap gaps[] = {
        { "COMMANDS", command_names }, { "GLOBALS", globals }, { "ARGUMENTS", arguments }, { NULL, NULL }
    };
    struct error err;

    ASSERT(template_fill((struct view){ zsh_template, zsh_template_size }, gaps, out, &err));
}
