#include "client/cli/completion.h"

#include "base/assert.h"
#include "base/template.h"
#include "client/fish_template.h"

/* Between single quotes. */
static void put_text(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

/* What follows -a, quoted; "" completes to nothing. */
static void put_words(enum completes what, struct view words, struct buf *out)
{
    static const char *const lists[] = { [COMPLETES_FILE] = "(__fish_complete_path)",
                                         [COMPLETES_ADDRESS] = "(__fish_complete_path)",
                                         [COMPLETES_NAME] = "(__okta_connector_names)",
                                         [COMPLETES_SERVICE] = "upstream upstream/(__okta_connector_names)" };

    if (what == COMPLETES_NOTHING)
        return;
    buf_puts(out, " -a '");
    if (what == COMPLETES_CHOICE)
        completion_words(words, out);
    else if (what != COMPLETES_COMMAND)
        buf_puts(out, lists[what]);
    for (size_t i = 0; what == COMPLETES_COMMAND && commands[i] != NULL; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
    buf_putc(out, '\'');
}

static void put_options(const char *command, const struct option *o, struct buf *out)
{
    for (; o->name != NULL; o++) {
        buf_puts(out, "complete -c okta-connector");
        if (command != NULL)
            buf_printf(out, " -n '__okta_connector_is %s'", command);
        if (o->letter != '\0')
            buf_printf(out, " -s %c", o->letter);
        buf_printf(out, " -l %s", o->name);
        if (o->value != NULL) {
            buf_puts(out, " -x");
            put_words(completes_value(o->value), view_of(o->value), out);
        }
        buf_puts(out, " -d '");
        put_text(o->help, out);
        buf_puts(out, "'\n");
    }
}

static void completions(struct buf *out)
{
    put_options(NULL, global_options, out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        struct view words;
        enum completes what = completes_operand(commands[i], &words);

        buf_printf(out, "\ncomplete -c okta-connector -n '__okta_connector_is \"\"' -a %s -d '", commands[i]->name);
        put_text(commands[i]->summary, out);
        buf_puts(out, "'\n");
        if (what != COMPLETES_NOTHING) {
            buf_printf(out, "complete -c okta-connector -n '__okta_connector_is %s'", commands[i]->name);
            put_words(what, words, out);
            buf_putc(out, '\n');
        }
        put_options(commands[i]->name, commands[i]->options, out);
    }
}

/* The options before a command whose value must not be taken for it. */
static void skips(struct buf *out)
{
    buf_puts(out, "            case");
    for (const struct option *o = global_options; o->name != NULL; o++) {
        if (o->value == NULL)
            continue;
        buf_printf(out, " --%s", o->name);
        if (o->letter != '\0')
            buf_printf(out, " -%c", o->letter);
    }
    buf_putc(out, '\n');
}

void completion_fish(struct buf *out)
{
    static const struct template_gap gaps[] = { { "SKIPS", skips }, { "COMPLETIONS", completions }, { NULL, NULL } };
    struct error err;

    ASSERT(template_fill((struct view){ fish_template, fish_template_size }, gaps, out, &err));
}
