/* Makes the manual pages okta-connectord.8 and okta-connector-config.5 of the same table as --help. */
#include "config/config_table.h"
#include "version.h"

#include "base/roff.h"
#include "base/template.h"

#include <stdio.h>

static void title_8(struct buf *out)
{
    buf_puts(out, ".TH OKTA\\-CONNECTORD 8 \"\" \"okta\\-connector " VERSION_TEXT "\" \"System Administration\"\n");
}

static void title_5(struct buf *out)
{
    buf_puts(out, ".TH OKTA\\-CONNECTOR\\-CONFIG 5 \"\" \"okta\\-connector " VERSION_TEXT "\" \"File Formats\"\n");
}

static void put_row(const struct config_option *o, const char *name, bool says_reload, struct buf *out)
{
    AUTO_BUF struct buf text = BUF(4096);

    buf_puts(&text, o->help);
    if (o->fallback != NULL && !o->type->is_switch)
        buf_printf(&text, "; default %s", o->fallback);
    if (says_reload)
        buf_puts(&text, o->is_live ? ". A reload applies it." : ". A change takes a restart.");
    else
        buf_putc(&text, '.');
    roff_item(name, o->type->is_switch && !says_reload ? NULL : o->meta, buf_cstr(&text), out);
}

static void put_rows(enum config_place place, const char *prefix, bool says_reload, struct buf *out)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char name[CONFIG_NAME_BYTES_MAX + 4];

        if (!config_is_at(o, place))
            continue;
        snprintf(name, sizeof name, "%s%s%s", prefix, o->name, place == CONFIG_AS_FLAG ? "" : ":");
        put_row(o, name, says_reload, out);
    }
}

static void flags(struct buf *out)
{
    put_rows(CONFIG_AS_FLAG, "--", false, out);
}

static void keys(struct buf *out)
{
    put_rows(CONFIG_AS_KEY, "", true, out);
}

static void members(struct buf *out)
{
    put_rows(CONFIG_AS_MEMBER, "", true, out);
}

static void variables(struct buf *out)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        char variable[CONFIG_ENV_NAME_SIZE], text[64];

        if (!config_is_at(o, CONFIG_AS_VARIABLE))
            continue;
        config_env_name(o, variable);
        snprintf(text, sizeof text, "As --%s.", o->name);
        roff_item(variable, NULL, text, out);
    }
}

int main(int argc, char **argv)
{
    static const struct template_gap page_8[] = {
        { "TITLE", title_8 }, { "OPTIONS", flags }, { "VARIABLES", variables }, { NULL, NULL }
    };
    static const struct template_gap page_5[] = {
        { "TITLE", title_5 }, { "KEYS", keys }, { "MEMBERS", members }, { NULL, NULL }
    };
    const char *name = argc == 2 ? argv[1] : "";

    return template_main(argc, argv, view_ends(view_of(name), ".5.in") ? page_5 : page_8);
}
