/* server/config/config_value.c: the value of one setting, from text and back. */
#include "config/config_table.h"

#include "model/collection.h"
#include "okta/okta.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 80 /* of a value that is wrong */

static void *place(const struct config_option *o, void *into)
{
    return (char *)into + o->at;
}

static const void *value_at(const struct config_option *o, const void *from)
{
    return (const char *)from + o->at;
}

static bool bad(struct view value, const char *want, struct error *err)
{
    return error_set(err, ERROR_INVALID_ARGUMENT, "must be %s, not \"%.*s\"", want,
                     (int)(value.len < SHOWN_MAX ? value.len : SHOWN_MAX), value.at != NULL ? value.at : "");
}

/* ---- numbers ---- */

static bool out_of_range(const struct config_option *o, struct view value, struct error *err)
{
    char want[96];

    snprintf(want, sizeof want, "a whole number from %" PRId64 " to %" PRId64, o->min, o->max);
    return bad(value, want, err);
}

static bool parse_int(const struct config_option *o, struct view value, void *into, struct error *err)
{
    int64_t number;

    if (!view_i64(value, o->min, o->max, &number))
        return out_of_range(o, value, err);
    *(int *)place(o, into) = (int)number;
    return true;
}

static bool write_int(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    int number = *(const int *)value_at(o, from);

    if (index > 0 || number < o->min)
        return false;
    buf_printf(out, "%d", number);
    return true;
}

static bool parse_i64(const struct config_option *o, struct view value, void *into, struct error *err)
{
    return view_i64(value, o->min, o->max, place(o, into)) || out_of_range(o, value, err);
}

static bool write_i64(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    int64_t number = *(const int64_t *)value_at(o, from);

    if (index > 0 || number < o->min)
        return false;
    buf_printf(out, "%" PRId64, number);
    return true;
}

/* 0 is for ever, where the row's least is more than that. */
static bool parse_duration(const struct config_option *o, struct view value, void *into, struct error *err)
{
    int64_t ms;

    if (!duration_parse(value, &ms) || (ms != 0 && (ms < o->min || ms > o->max)))
        return bad(value, "0 (no limit) or a time from 1s to 7d, such as 30m", err);
    *(int64_t *)place(o, into) = ms;
    return true;
}

static bool write_duration(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    int64_t ms = *(const int64_t *)value_at(o, from);

    if (index > 0)
        return false;
    if (ms % 60000 == 0 && ms > 0)
        buf_printf(out, "%" PRId64 "m", ms / 60000);
    else
        buf_printf(out, ms % 1000 == 0 ? "%" PRId64 "s" : "%" PRId64 "ms", ms % 1000 == 0 ? ms / 1000 : ms);
    return true;
}

static const char units[] = "KMGT";

static bool parse_bytes(const struct config_option *o, struct view value, void *into, struct error *err)
{
    struct view digits = value;
    unsigned shift = 0;
    uint64_t number;
    const char *unit = value.len > 0 ? memchr(units, toupper((unsigned char)value.at[value.len - 1]), 4) : NULL;

    if (unit != NULL) {
        shift = 10 * (unsigned)(unit - units + 1);
        digits.len--;
    }
    if (!view_u64(digits, (uint64_t)o->min >> shift, (uint64_t)o->max >> shift, &number) ||
        number << shift < (uint64_t)o->min)
        return bad(value, "a size from 16M to 16T, as bytes or with K, M, G or T", err);
    *(uint64_t *)place(o, into) = number << shift;
    return true;
}

/* In the largest unit that leaves nothing over. */
static bool write_bytes(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    uint64_t number = *(const uint64_t *)value_at(o, from);
    unsigned unit = 0;

    if (index > 0)
        return false;
    while (unit < 4 && number % 1024 == 0) {
        number /= 1024;
        unit++;
    }
    buf_printf(out, "%" PRIu64, number);
    if (unit > 0)
        buf_putc(out, units[unit - 1]);
    return true;
}

static bool parse_switch(const struct config_option *o, struct view value, void *into, struct error *err)
{
    bool is_on = view_is(value, "true") || view_is(value, "1") || view_is(value, "yes");

    if (!is_on && !view_is(value, "false") && !view_is(value, "0") && !view_is(value, "no"))
        return bad(value, "true or false", err);
    *(bool *)place(o, into) = is_on;
    return true;
}

/* What is on, and is turned off by name. */
static bool parse_on_off(const struct config_option *o, struct view value, void *into, struct error *err)
{
    if (!view_is(value, "on") && !view_is(value, "off"))
        return bad(value, "on or off", err);
    *(bool *)place(o, into) = view_is(value, "on");
    return true;
}

static bool write_on_off(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    if (index > 0)
        return false;
    buf_puts(out, *(const bool *)value_at(o, from) ? "on" : "off");
    return true;
}

static bool write_switch(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    if (index > 0)
        return false;
    buf_puts(out, *(const bool *)value_at(o, from) ? "true" : "false");
    return true;
}

/* ---- text ---- */

static bool parse_text(const struct config_option *o, struct view value, void *into, struct error *err)
{
    if (value.len == 0 || value.len >= o->room || memchr(value.at, '\0', value.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "needs a value of 1 to %zu bytes", o->room - 1);
    snprintf(place(o, into), o->room, VIEW_FMT, VIEW_ARG(value));
    return true;
}

static bool write_text(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    const char *text = value_at(o, from);

    if (index > 0 || text[0] == '\0')
        return false;
    buf_puts(out, text);
    return true;
}

/* An API token where the path of its file belongs would go on into messages and logs. Okta's begin with 00. */
static bool is_token(struct view value)
{
    return value.len == 42 && view_starts(value, "00") && memchr(value.at, '/', value.len) == NULL &&
           memchr(value.at, '.', value.len) == NULL;
}

static bool parse_path(const struct config_option *o, struct view value, void *into, struct error *err)
{
    if (value.len == 0 || value.len >= o->room || memchr(value.at, '\0', value.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "must be a path of 1 to %zu bytes", o->room - 1);
    if (is_token(value))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "takes a file's path, and was given what looks like a secret itself: put that alone into a "
                         "file that only the server can read, and give the file's path");
    snprintf(place(o, into), o->room, VIEW_FMT, VIEW_ARG(value));
    return true;
}

static const char *const levels[] = { "debug", "info", "warn", "error" };

static bool parse_level(const struct config_option *o, struct view value, void *into, struct error *err)
{
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (view_is(value, levels[level])) {
            *(enum log_level *)place(o, into) = (enum log_level)level;
            return true;
        }
    return bad(value, "debug, info, warn or error", err);
}

static bool write_level(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    if (index > 0)
        return false;
    buf_puts(out, levels[*(const enum log_level *)value_at(o, from)]);
    return true;
}

/* Its password is not repeated in what is wrong with it. */
static bool parse_proxy(const struct config_option *o, struct view value, void *into, struct error *err)
{
    if (value.len == 0 || value.len > CONFIG_PROXY_MAX || memchr(value.at, '\0', value.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "must be a URL of 1 to %d bytes", CONFIG_PROXY_MAX);
    snprintf(place(o, into), o->room, VIEW_FMT, VIEW_ARG(value));
    return okta_proxy_check(place(o, into), err);
}

/* ---- addresses ---- */

/* Calls `take` with each part between commas, without blanks around it. */
static bool each_part(struct view value, bool (*take)(struct view part, void *ctx, struct error *err), void *ctx,
                      struct error *err)
{
    for (;;) {
        const char *comma = value.len > 0 ? memchr(value.at, ',', value.len) : NULL;
        size_t len = comma != NULL ? (size_t)(comma - value.at) : value.len;

        if (!take(view_trim((struct view){ value.at, len }), ctx, err))
            return false;
        if (comma == NULL)
            return true;
        value = (struct view){ comma + 1, value.len - len - 1 };
    }
}

static bool add_listen(struct view part, void *ctx, struct error *err)
{
    struct config *out = ctx;

    if (out->listen_count == NET_ADDRESSES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "is given more than %d times", NET_ADDRESSES_MAX);
    if (!net_address_parse(part, &out->listen[out->listen_count], err))
        return false;
    out->listen_count++;
    return true;
}

/* Several addresses in one environment variable are divided by commas. */
static bool parse_listen(const struct config_option *o, struct view value, void *into, struct error *err)
{
    (void)o;
    return each_part(value, add_listen, into, err);
}

static void write_address(const struct net_address *l, struct buf *out)
{
    if (l->is_tls)
        buf_puts(out, "tls:");
    if (l->is_unix)
        buf_printf(out, "unix:%s", l->path);
    else
        buf_printf(out, strchr(l->host, ':') != NULL ? "[%s]:%u" : "%s:%u", l->host, (unsigned)l->port);
}

static bool write_listen(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    const struct config *c = from;

    (void)o;
    if (index >= c->listen_count)
        return false;
    buf_puts(out, c->listen[index].role == NET_ADMIN ? "admin=" : "reader=");
    write_address(&c->listen[index], out);
    return true;
}

static void clear_listen(struct config *out)
{
    out->listen_count = 0;
}

/* ---- names in certificates ---- */

static bool add_name(struct view part, struct cert_name *list, size_t *count, struct error *err)
{
    if (*count == CERT_NAMES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "is given more than %d times", CERT_NAMES_MAX);
    if (!cert_name_parse(part, &list[*count], err))
        return false;
    ++*count;
    return true;
}

static bool add_admin(struct view part, void *tls, struct error *err)
{
    struct net_tls *t = tls;

    return add_name(part, t->admins, &t->admin_count, err);
}

static bool add_reader(struct view part, void *tls, struct error *err)
{
    struct net_tls *t = tls;

    return add_name(part, t->readers, &t->reader_count, err);
}

static bool parse_admins(const struct config_option *o, struct view value, void *into, struct error *err)
{
    (void)o;
    return each_part(value, add_admin, &((struct config *)into)->tls, err);
}

static bool parse_readers(const struct config_option *o, struct view value, void *into, struct error *err)
{
    (void)o;
    return each_part(value, add_reader, &((struct config *)into)->tls, err);
}

static bool write_admins(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    const struct net_tls *t = &((const struct config *)from)->tls;

    (void)o;
    if (index < t->admin_count)
        cert_name_format(&t->admins[index], out);
    return index < t->admin_count;
}

static bool write_readers(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    const struct net_tls *t = &((const struct config *)from)->tls;

    (void)o;
    if (index < t->reader_count)
        cert_name_format(&t->readers[index], out);
    return index < t->reader_count;
}

static void clear_admins(struct config *out)
{
    out->tls.admin_count = 0;
}

static void clear_readers(struct config *out)
{
    out->tls.reader_count = 0;
}

/* ---- the page of metrics ---- */

/* It has no roles: over TCP it is for whoever is on this machine, over a Unix socket for our own user and root. */
static bool parse_http(const struct config_option *o, struct view value, void *into, struct error *err)
{
    struct config *out = into;

    (void)o;
    if (value.len > 0 && memchr(value.at, '=', value.len) != NULL)
        return bad(value, "127.0.0.1:PORT, [::1]:PORT or unix:/path", err);
    if (!net_address_parse(value, &out->http, err))
        return false;
    if (out->http.is_tls)
        return bad(value, "of this machine, since there is no TLS: 127.0.0.1:PORT, [::1]:PORT or unix:/path", err);
    out->has_http = true;
    return true;
}

static bool write_http(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    const struct config *c = from;

    (void)o;
    if (index > 0 || !c->has_http)
        return false;
    write_address(&c->http, out);
    return true;
}

/* ---- connectors ---- */

static bool collect_add(struct view part, void *ctx, struct error *err)
{
    const struct collection *c = collection_by_name(part);
    AUTO_BUF struct buf names = BUF(256);

    if (c != NULL) {
        *(collection_set *)ctx |= collection_bit(c);
        return true;
    }
    buf_puts(&names, "one of ");
    collection_names(collection_all(), ", ", &names);
    buf_puts(&names, ", or several with a comma between");
    return bad(part, buf_cstr(&names), err);
}

static bool parse_collect(const struct config_option *o, struct view value, void *into, struct error *err)
{
    uint32_t chosen = *(uint32_t *)place(o, into);

    if (!each_part(value, collect_add, &chosen, err))
        return false;
    *(uint32_t *)place(o, into) = chosen;
    return true;
}

static bool write_collect(const struct config_option *o, const void *from, size_t index, struct buf *out)
{
    collection_set chosen = *(const collection_set *)value_at(o, from);

    if (index > 0 || chosen == 0)
        return false;
    collection_names(chosen, ",", out);
    return true;
}

static void clear_connectors(struct config *out)
{
    memset(out->declared, 0, sizeof out->declared);
    out->declared_count = 0;
}

struct config_declared *config_add_declared(struct config *out)
{
    struct config_declared *d;

    if (out->declared_count == CONFIG_DECLARED_MAX)
        return NULL;
    d = &out->declared[out->declared_count++];
    *d = (struct config_declared){ .history_days = -1, .retention_days = -1 };
    return d;
}

/* ---- the types ---- */

const struct config_type config_int = { .parse = parse_int, .write = write_int };
const struct config_type config_i64 = { .parse = parse_i64, .write = write_i64 };
const struct config_type config_bytes = { .parse = parse_bytes, .write = write_bytes };
const struct config_type config_switch = { .parse = parse_switch, .write = write_switch, .is_switch = true };
const struct config_type config_on_off = { .parse = parse_on_off, .write = write_on_off };
const struct config_type config_text = { .parse = parse_text, .write = write_text };
const struct config_type config_path = { .parse = parse_path, .write = write_text, .is_path = true };
const struct config_type config_level = { .parse = parse_level, .write = write_level };
const struct config_type config_proxy = { .parse = parse_proxy, .write = write_text, .is_secret = true };
const struct config_type config_admin_names = { .parse = parse_admins, .write = write_admins, .clear = clear_admins };
const struct config_type config_reader_names = { .parse = parse_readers,
                                                 .write = write_readers,
                                                 .clear = clear_readers };
const struct config_type config_duration = { .parse = parse_duration, .write = write_duration };
const struct config_type config_listen = { .parse = parse_listen, .write = write_listen, .clear = clear_listen };
const struct config_type config_http = { .parse = parse_http, .write = write_http };
const struct config_type config_collect = { .parse = parse_collect, .write = write_collect };
/* Its entries are members' rows: nothing parses or writes it whole. */
const struct config_type config_connectors = { .clear = clear_connectors };
