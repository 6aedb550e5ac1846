/* Makes okta-connector.1 of the same tables as the help. */
#include "client/cli/commands.h"

#include "base/roff.h"
#include "base/template.h"

#include <stdio.h>

static void put_options(const struct option *o, struct buf *out)
{
    for (; o->name != NULL; o++) {
        char names[64];

        if (o->letter != '\0')
            snprintf(names, sizeof names, "-%c, --%s", o->letter, o->name);
        else
            snprintf(names, sizeof names, "--%s", o->name);
        roff_item(names, o->value, o->help, out);
    }
}

static void title(struct buf *out)
{
    buf_printf(out, ".TH OKTA\\-CONNECTOR 1 \"\" \"okta\\-connector %s\" \"User Commands\"\n", CLIENT_VERSION);
}

static void name(struct buf *out)
{
    buf_puts(out, "okta\\-connector \\- ");
    roff_text(view_of(PROGRAM_SUMMARY), out);
}

static void global(struct buf *out)
{
    put_options(global_options, out);
}

static void put_command(const struct command *c, struct buf *out)
{
    AUTO_BUF struct buf heading = BUF(4096);
    AUTO_BUF struct buf summary = BUF(4096);

    buf_printf(&heading, "%s %s", c->name, c->synopsis);
    roff_heading(buf_cstr(&heading), out);
    buf_printf(&summary, "%c%s.", c->summary[0] & ~0x20, c->summary + 1);
    roff_text(buf_view(&summary), out);
    if (c->details != NULL) {
        buf_puts(out, ".PP\n");
        roff_text(view_of(c->details), out);
    }
    put_options(c->options, out);
}

static void all_commands(struct buf *out)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        put_command(commands[i], out);
}

static void exits(struct buf *out)
{
    for (const struct exit_meaning *e = exit_meanings; e->code != NULL; e++)
        roff_item(e->code, NULL, e->text, out);
}

int main(int argc, char **argv)
{
    static const struct template_gap gaps[] = { { "TITLE", title },           { "NAME", name },   { "OPTIONS", global },
                                                { "COMMANDS", all_commands }, { "EXITS", exits }, { NULL, NULL } };

    return template_main(argc, argv, gaps);
}
