/* server/config/config_print.c: what is in force, as a configuration file that says the same; and what differs between
 * two. */
#include "config/config_table.h"

#include "base/mem.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX  4096
#define ORIGIN_COL 48

/* ---- YAML ---- */

/* Whether the text stands for itself without quotes. */
static bool is_plain(struct view v)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.:@=+-";

    if (v.len == 0 || strchr("/_.", v.at[0]) == NULL) {
        if (v.len == 0 || strchr(safe, v.at[0]) == NULL || strchr(":@=+-", v.at[0]) != NULL)
            return false;
    }
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] == '\0' || strchr(safe, v.at[i]) == NULL)
            return false;
    return v.at[v.len - 1] != ':' && !view_is(v, "null");
}

/* What a reader of YAML refuses although it is UTF-8: control characters, and marks of byte order. Returns its bytes, 0
 * for what may stand as it is. */
static size_t put_special(struct view v, struct buf *out)
{
    unsigned char c = (unsigned char)v.at[0];

    if (c == '"' || c == '\\') {
        buf_printf(out, "\\%c", c);
        return 1;
    }
    if (c < 0x20 || c == 0x7f) {
        buf_printf(out, "\\x%02x", c);
        return 1;
    }
    if (c == 0xc2 && v.len > 1 && (unsigned char)v.at[1] < 0xa0) {
        buf_printf(out, "\\x%02x", (unsigned char)v.at[1]);
        return 2;
    }
    if (view_starts(v, "\xef\xbb\xbf") || view_starts(v, "\xef\xbf\xbe") || view_starts(v, "\xef\xbf\xbf")) {
        buf_printf(out, "\\u%s", v.at[1] == '\xbb' ? "feff" : v.at[2] == '\xbe' ? "fffe" : "ffff");
        return 3;
    }
    return 0;
}

static void put_yaml(struct view v, struct buf *out)
{
    if (is_plain(v)) {
        buf_put(out, v.at, v.len);
        return;
    }
    buf_putc(out, '"');
    while (v.len > 0) {
        size_t len = put_special(v, out);

        if (len == 0)
            buf_putc(out, v.at[0]);
        len = len == 0 ? 1 : len;
        v = (struct view){ v.at + len, v.len - len };
    }
    buf_putc(out, '"');
}

/* ---- one line ---- */

struct printer {
    const struct config *config;
    FILE *to;
};

/* "BEFORE VALUE   # where it is from". What cannot stand in a file is a comment. */
static void put_line(const struct printer *p, const char *before, struct view value, bool is_comment,
                     const char *origin)
{
    AUTO_BUF struct buf line = BUF(4 * VALUE_MAX);

    if (is_comment)
        buf_puts(&line, "# ");
    buf_puts(&line, before);
    if (value.len > 0) {
        buf_putc(&line, ' ');
        put_yaml(value, &line);
    }
    if (origin != NULL)
        fprintf(p->to, "%-*s # %s\n", ORIGIN_COL, buf_cstr(&line), origin);
    else
        fprintf(p->to, "%s\n", buf_cstr(&line));
}

static void origin_text(const struct config *c, const struct config_option *o, const struct config_origin *at,
                        struct buf *out)
{
    /* Connectors have no flag of their own. */
    const struct config_option *named = o->scope == CONFIG_IN_FILE ? config_find(VIEW("org"), CONFIG_AS_FLAG) : o;
    char name[CONFIG_ENV_NAME_SIZE];

    switch (at->from) {
    case CONFIG_FROM_DEFAULT:
        buf_puts(out, "default");
        break;
    case CONFIG_FROM_FILE:
        buf_printf(out, "%s:%u", c->file, at->line);
        break;
    case CONFIG_FROM_ENV:
        config_env_name(named, name);
        buf_printf(out, "environment, %s", name);
        break;
    case CONFIG_FROM_FLAG:
        buf_printf(out, "flag --%s", named->name);
        break;
    }
}

/* ---- values ---- */

/* Without the password of a URL. True when there was one. */
static bool mask(struct buf *value)
{
    AUTO_BUF struct buf masked = BUF(VALUE_MAX);
    char *text = value->at, *at = value->len > 0 ? memrchr(text, '@', value->len) : NULL;
    char *scheme = at != NULL ? memmem(text, (size_t)(at - text), "://", 3) : NULL;
    char *user = scheme != NULL ? scheme + 3 : text, *colon;

    if (at == NULL)
        return false;
    colon = memchr(user, ':', (size_t)(at - user));
    buf_put(&masked, text, (size_t)((colon != NULL ? colon + 1 : user) - text));
    buf_puts(&masked, "***");
    buf_put(&masked, at, value->len - (size_t)(at - text));
    buf_reset(value);
    buf_put(value, masked.at, masked.len);
    return true;
}

/* A relative path was meant from where we are: the file may lie elsewhere. */
static void make_absolute(struct buf *value)
{
    char here[PATH_MAX];
    AUTO_BUF struct buf whole = BUF(VALUE_MAX);

    if (value->len == 0 || value->at[0] == '/' || getcwd(here, sizeof here) == NULL)
        return;
    buf_printf(&whole, "%s/", strcmp(here, "/") == 0 ? "" : here);
    buf_put(&whole, value->at, value->len);
    if (!buf_ok(&whole))
        return;
    buf_reset(value);
    buf_put(value, whole.at, whole.len);
}

/* As put_line wants it; false when it is not set. `fits`: it can stand in a file. */
static bool value_text(const struct config_option *o, const void *from, size_t index, struct buf *out, bool *fits)
{
    AUTO_BUF struct buf clean = BUF(4 * VALUE_MAX);

    if (!o->type->write(o, from, index, out))
        return false;
    if (o->type->is_path)
        make_absolute(out);
    *fits = utf8_is_clean(buf_view(out)) && !(o->type->is_secret && mask(out));
    if (!utf8_is_clean(buf_view(out))) {
        utf8_clean(buf_view(out), &clean);
        buf_reset(out);
        buf_put(out, clean.at, clean.len < VALUE_MAX ? clean.len : VALUE_MAX);
    }
    return true;
}

static void print_scalar(const struct printer *p, const struct config_option *o, const void *from, const char *indent,
                         const char *origin)
{
    AUTO_BUF struct buf value = BUF(VALUE_MAX);
    char before[CONFIG_NAME_BYTES_MAX + 16];
    bool fits = true;

    snprintf(before, sizeof before, "%s%s:", indent, o->name);
    if (value_text(o, from, 0, &value, &fits))
        put_line(p, before, buf_view(&value), !fits, origin);
    else if (origin != NULL)
        put_line(p, before, VIEW_NONE, true, "not set");
}

static void print_list(const struct printer *p, const struct config_option *o, const char *origin)
{
    char before[CONFIG_NAME_BYTES_MAX + 16];
    bool fits, any = false;

    snprintf(before, sizeof before, "%s:", o->name);
    for (size_t i = 0;; i++) {
        AUTO_BUF struct buf value = BUF(VALUE_MAX);

        if (!value_text(o, p->config, i, &value, &fits))
            break;
        if (!any)
            put_line(p, before, VIEW_NONE, false, origin);
        any = true;
        put_line(p, "  -", buf_view(&value), !fits, NULL);
    }
    if (!any)
        put_line(p, before, VIEW_NONE, true, "not set");
}

static void print_connector(const struct printer *p, const struct config_option *list, const struct config_declared *d)
{
    AUTO_BUF struct buf origin = BUF(VALUE_MAX);
    bool is_first = true;

    origin_text(p->config, list, &d->origin, &origin);
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        AUTO_BUF struct buf value = BUF(VALUE_MAX);

        if (!config_is_member(o) || !o->type->write(o, d, 0, &value))
            continue;
        print_scalar(p, o, d, is_first ? "  - " : "    ", is_first ? buf_cstr(&origin) : NULL);
        is_first = false;
    }
}

static void print_connectors(const struct printer *p, const struct config_option *o, const char *origin)
{
    const struct config *c = p->config;

    put_line(p, c->declared_count > 0 ? "connectors:" : "connectors: []", VIEW_NONE, false, origin);
    for (size_t i = 0; i < c->declared_count; i++)
        print_connector(p, o, &c->declared[i]);
}

void config_print(const struct config *c, FILE *to)
{
    const struct printer p = { c, to };

    fprintf(to, "# What okta-connectord runs with, and where each value is from. The file that was read: %s\n",
            c->file[0] != '\0' ? c->file : "none");
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        AUTO_BUF struct buf origin = BUF(VALUE_MAX);

        if (!config_is_at(o, CONFIG_AS_KEY))
            continue;
        origin_text(c, o, &c->origins[config_row(o)], &origin);
        if (o->type == &config_connectors)
            print_connectors(&p, o, buf_cstr(&origin));
        else if (o->type->clear != NULL)
            print_list(&p, o, buf_cstr(&origin));
        else
            print_scalar(&p, o, c, "", buf_cstr(&origin));
    }
}

/* ---- what differs ---- */

static bool differs_at(const struct config_option *o, const void *was, const void *now)
{
    for (size_t i = 0;; i++) {
        AUTO_BUF struct buf before = BUF(VALUE_MAX);
        AUTO_BUF struct buf after = BUF(VALUE_MAX);
        bool had = o->type->write(o, was, i, &before), has = o->type->write(o, now, i, &after);

        if (had != has || !view_eq(buf_view(&before), buf_view(&after)))
            return true;
        if (!had)
            return false;
    }
}

bool config_declared_eq(const struct config_declared *a, const struct config_declared *b)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        AUTO_BUF struct buf before = BUF(VALUE_MAX);
        AUTO_BUF struct buf after = BUF(VALUE_MAX);

        if (!config_is_member(o))
            continue;
        if (o->type->write(o, a, 0, &before) != o->type->write(o, b, 0, &after) ||
            !view_eq(buf_view(&before), buf_view(&after)))
            return false;
    }
    return true;
}

static bool connectors_differ(const struct config *was, const struct config *now)
{
    if (was->declared_count != now->declared_count)
        return true;
    for (size_t i = 0; i < now->declared_count; i++)
        if (!config_declared_eq(&was->declared[i], &now->declared[i]))
            return true;
    return false;
}

size_t config_changes(const struct config *was, const struct config *now, bool of_live, struct buf *names)
{
    size_t count = 0;

    for (const struct config_option *o = config_options; o->name != NULL; o++) {
        bool differs;

        if (!config_is_at(o, CONFIG_AS_KEY) || o->is_live != of_live)
            continue;
        differs = o->type == &config_connectors ? connectors_differ(was, now) : differs_at(o, was, now);
        if (differs)
            buf_printf(names, "%s%s", count++ > 0 ? "," : "", o->name);
    }
    return count;
}
