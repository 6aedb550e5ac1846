/* server/config/config_value.c: the value of one setting, from text. */
#include "config/config_table.h"

#include "okta/okta.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool bad(const struct config_option *o, struct view value, const char *want, struct error *err)
{
    return error_set(err, ERROR_INVALID_ARGUMENT, "--%s is %s, not \"%.*s\"", o->name, want,
                     (int)(value.len < 80 ? value.len : 80), value.at != NULL ? value.at : "");
}

static bool out_of_range(const struct config_option *o, struct view value, struct error *err)
{
    char want[96];

    snprintf(want, sizeof want, "a whole number from %" PRId64 " to %" PRId64, o->min, o->max);
    return bad(o, value, want, err);
}

static bool parse_int(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    int64_t number;

    if (!view_i64(value, o->min, o->max, &number))
        return out_of_range(o, value, err);
    *(int *)((char *)out + o->at) = (int)number;
    return true;
}

static bool parse_i64(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    return view_i64(value, o->min, o->max, (int64_t *)((char *)out + o->at)) || out_of_range(o, value, err);
}

static bool parse_bytes(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    static const char units[] = "KMGT";
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
        return bad(o, value, "a size from 16M to 16T, as bytes or with K, M, G or T", err);
    *(uint64_t *)((char *)out + o->at) = number << shift;
    return true;
}

static bool parse_path(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    if (value.len == 0 || value.len > CONFIG_PATH_MAX || memchr(value.at, '\0', value.len) != NULL)
        return bad(o, value, "a path of at most 1023 bytes", err);
    snprintf((char *)out + o->at, CONFIG_PATH_MAX + 1, VIEW_FMT, VIEW_ARG(value));
    return true;
}

static bool parse_switch(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    bool is_on = view_is(value, "true") || view_is(value, "1") || view_is(value, "yes");

    if (!is_on && !view_is(value, "false") && !view_is(value, "0") && !view_is(value, "no"))
        return bad(o, value, "true or false", err);
    *(bool *)((char *)out + o->at) = is_on;
    return true;
}

static bool parse_level(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        if (view_is(value, names[level])) {
            out->log_level = (enum log_level)level;
            return true;
        }
    return bad(o, value, "debug, info, warn or error", err);
}

bool config_add_listen(struct view value, struct config *out, struct error *err)
{
    if (out->listen_count == RPC_LISTEN_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--listen is given more than %d times", RPC_LISTEN_MAX);
    if (!rpc_listen_parse(value, &out->listen[out->listen_count], err))
        return error_wrap(err, "--listen");
    out->listen_count++;
    return true;
}

/* Several addresses in one environment variable are divided by commas. */
static bool parse_listen(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    (void)o;
    for (;;) {
        const char *comma = value.len > 0 ? memchr(value.at, ',', value.len) : NULL;
        size_t len = comma != NULL ? (size_t)(comma - value.at) : value.len;

        if (!config_add_listen(view_trim((struct view){ value.at, len }), out, err))
            return false;
        if (comma == NULL)
            return true;
        value = (struct view){ comma + 1, value.len - len - 1 };
    }
}

/* Its password is not repeated in what is wrong with it. */
static bool parse_proxy(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    if (value.len == 0 || value.len > CONFIG_PROXY_MAX || memchr(value.at, '\0', value.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s is a URL of at most %d bytes", o->name, CONFIG_PROXY_MAX);
    snprintf(out->proxy, sizeof out->proxy, VIEW_FMT, VIEW_ARG(value));
    return okta_proxy_check(out->proxy, err);
}

/* It has no roles: over TCP it is for whoever is on this machine, over a Unix socket for our own user and root. */
static bool parse_http(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    if (value.len > 0 && memchr(value.at, '=', value.len) != NULL)
        return bad(o, value, "127.0.0.1:PORT, [::1]:PORT or unix:/path", err);
    if (!rpc_listen_parse(value, &out->http, err))
        return error_wrap(err, "--%s", o->name);
    out->has_http = true;
    return true;
}

/* org, name and what holds the secret fill the last group; one that is filled already begins the next. */
static bool parse_of_connector(const struct config_option *o, struct view value, struct config *out, struct error *err)
{
    struct config_declared *group = out->declared_count > 0 ? &out->declared[out->declared_count - 1] : NULL;

    if (value.len == 0 || value.len >= o->room || memchr(value.at, '\0', value.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "--%s needs a value of at most %zu bytes", o->name, o->room - 1);
    if (group == NULL || ((char *)group)[o->at] != '\0') {
        if (out->declared_count == CONFIG_DECLARED_MAX)
            return error_set(err, ERROR_INVALID_ARGUMENT, "at most %d connectors can be declared", CONFIG_DECLARED_MAX);
        group = &out->declared[out->declared_count++];
    }
    snprintf((char *)group + o->at, o->room, VIEW_FMT, VIEW_ARG(value));
    return true;
}

/* ---- lists, and the types ---- */

void config_list_clear(const struct config_option *o, struct config *out)
{
    if (o->type == &config_listen) {
        out->listen_count = 0;
    } else {
        memset(out->declared, 0, sizeof out->declared);
        out->declared_count = 0;
    }
}

const struct config_type config_int = { .parse = parse_int };
const struct config_type config_i64 = { .parse = parse_i64 };
const struct config_type config_bytes = { .parse = parse_bytes };
const struct config_type config_path = { .parse = parse_path };
const struct config_type config_switch = { .parse = parse_switch, .is_switch = true };
const struct config_type config_level = { .parse = parse_level };
const struct config_type config_listen = { .parse = parse_listen, .is_list = true };
const struct config_type config_http = { .parse = parse_http };
const struct config_type config_proxy = { .parse = parse_proxy };
const struct config_type config_of_connector = { .parse = parse_of_connector, .is_list = true };
