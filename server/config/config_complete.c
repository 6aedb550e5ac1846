/* server/config/config_complete.c: what belongs together is looked at together, and what nobody gave is worked out. */
#include "config/config_table.h"

#include "base/mem.h"
#include "okta/okta.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETENTION_DAYS_DEFAULT 90 /* as the connectors have it */

/* ---- declared connectors ---- */

/* The host's first label, as a connector's name. */
static void name_from_host(const char *host, char out[64])
{
    size_t len = 0;

    for (const char *c = host; *c != '\0' && *c != '.' && len < 63; c++)
        if (islower((unsigned char)*c) || isdigit((unsigned char)*c) || (*c == '-' && len > 0))
            out[len++] = *c;
    out[len] = '\0';
    if (len == 0)
        memcpy(out, "okta", sizeof "okta");
}

/* Where it was declared, for the beginning of a sentence: "FILE:12:5: ", or nothing. */
static const char *where(const struct config *c, const struct config_declared *d, char out[CONFIG_PATH_MAX + 32])
{
    out[0] = '\0';
    if (d->origin.from == CONFIG_FROM_FILE)
        snprintf(out, CONFIG_PATH_MAX + 32, "%s:%u:%u: ", c->file, d->origin.line, d->origin.column);
    return out;
}

/* How its settings are called there. */
static const char *dashes(const struct config_declared *d)
{
    return d->origin.from == CONFIG_FROM_FILE ? "" : "--";
}

/* What of a group was given, for the sentence that says what is missing. */
static void name_given(const struct config_declared *d, const char **flag, const char **value)
{
    const struct {
        const char *flag, *value;
    } all[] = {
        { "org", d->org },
        { "token-file", d->token_file },
        { "client-id", d->client_id },
        { "private-key-file", d->private_key_file },
        { "key-id", d->key_id },
        { "name", d->name },
    };
    size_t i = 0;

    while (i + 1 < sizeof all / sizeof all[0] && all[i].value[0] == '\0')
        i++;
    *flag = all[i].value[0] != '\0' ? all[i].flag : "collect";
    *value = all[i].value;
}

static bool check_source(const struct config_declared *d, struct error *err)
{
    bool has_token = d->token_file[0] != '\0', has_id = d->client_id[0] != '\0',
         has_key = d->private_key_file[0] != '\0';
    const char *dd = dashes(d), *flag, *value;

    if (has_token && (has_id || has_key || d->key_id[0] != '\0'))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "a declared connector has either %stoken-file or %sclient-id and %sprivate-key-file, not "
                         "both; %stoken-file %s is not alone",
                         dd, dd, dd, dd, d->token_file);
    if (has_id != has_key || (d->key_id[0] != '\0' && !has_id))
        return error_set(err, ERROR_INVALID_ARGUMENT, "a service app needs both %sclient-id and %sprivate-key-file", dd,
                         dd);
    name_given(d, &flag, &value);
    return (d->org[0] != '\0' && (has_token || has_id)) ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "a declared connector needs both %sorg and %stoken-file (or %sclient-id and %sprivate-key-file); "
                     "%s%s %s is alone",
                     dd, dd, dd, dd, dd, flag, value);
}

static bool check_org(const struct config *c, struct config_declared *d, struct error *err)
{
    struct okta_url url;

    if (!okta_url_parse(view_of(d->org), c->allow_http_loopback_org, &url, err))
        return error_wrap(err, "%sorg", dashes(d));
    if (d->name[0] == '\0')
        name_from_host(url.host, d->name);
    return true;
}

static bool check_days(const struct config *c, const struct config_declared *d, struct error *err)
{
    int history = d->history_days >= 0 ? d->history_days : c->history_days;
    int retention = d->retention_days >= 0 ? d->retention_days : c->retention_days;

    if (retention < 0)
        retention = RETENTION_DAYS_DEFAULT;
    return history <= retention ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "%shistory-days %d is more than the %d days that events are kept (%sretention-days)", dashes(d),
                     history, retention, dashes(d));
}

static bool check_name(const struct config *c, const struct config_declared *d, struct error *err)
{
    for (const struct config_declared *other = c->declared; other < d; other++)
        if (strcmp(other->name, d->name) == 0)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "the connector \"%s\" is declared twice: give one of them another %sname", d->name,
                             dashes(d));
    return true;
}

static void complete_declared(struct config *c, struct config_problems *problems)
{
    for (size_t i = 0; i < c->declared_count; i++) {
        struct config_declared *d = &c->declared[i];
        char at[CONFIG_PATH_MAX + 32];
        struct error err;

        if (!check_source(d, &err) || !check_org(c, d, &err) || !check_name(c, d, &err) || !check_days(c, d, &err))
            config_problem(problems, "%s%s", where(c, d, at), err.text);
    }
}

/* Also where no connector is declared: it is a mistake all the same. */
static void check_days_of_all(const struct config *c, struct config_problems *problems)
{
    const struct config_declared nothing = { .history_days = -1,
                                             .retention_days = -1,
                                             .origin = { .from = CONFIG_FROM_FLAG } };
    struct error err;

    if (c->declared_count == 0 && !check_days(c, &nothing, &err))
        config_problem(problems, "%s", err.text);
}

/* ---- what is worked out ---- */

static void default_data_dir(struct config *out, config_env *env, struct config_problems *problems)
{
    const char *data = env("XDG_DATA_HOME"), *home = env("HOME");
    int len = 0;

    if (out->data_dir[0] != '\0')
        return;
    if (geteuid() == 0)
        len = snprintf(out->data_dir, sizeof out->data_dir, "/var/lib/okta-connector");
    else if (data != NULL && data[0] == '/')
        len = snprintf(out->data_dir, sizeof out->data_dir, "%s/okta-connector", data);
    else if (home != NULL && home[0] == '/')
        len = snprintf(out->data_dir, sizeof out->data_dir, "%s/.local/share/okta-connector", home);
    else
        config_problem(problems, "say where to keep the data: --data-dir DIR");
    if ((size_t)len >= sizeof out->data_dir)
        config_problem(problems, "the home folder's path is too long: use --data-dir");
}

/* False when $XDG_RUNTIME_DIR is too long for a socket's path. */
static bool default_sockets(struct config *c, config_env *env, struct error *err)
{
    static const char *const roles[] = { "admin", "reader" };
    const struct config_option *o = config_find(VIEW("listen"), CONFIG_AS_KEY);
    const char *run = env("XDG_RUNTIME_DIR");

    o->type->clear(c);
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF struct buf text = BUF(CONFIG_PATH_MAX);

        buf_printf(&text, "%s=unix:%s/okta-connector/%s.sock", roles[i], run != NULL && run[0] == '/' ? run : "/run",
                   roles[i]);
        if (!buf_ok(&text))
            return error_set(err, ERROR_INVALID_ARGUMENT, "$XDG_RUNTIME_DIR is too long");
        if (!o->type->parse(o, buf_view(&text), c, err))
            return false;
    }
    return true;
}

/* Whoever gives the default sockets means them: what is printed and read back is the same. */
static void complete_listen(struct config *c, config_env *env, struct config_problems *problems)
{
    AUTO_FREE struct config *by_default = mem_zero(sizeof *by_default);
    struct error err = { .code = ERROR_OK };
    bool ok = default_sockets(by_default, env, &err);

    if (c->listen_count == 0 && ok) {
        memcpy(c->listen, by_default->listen, sizeof c->listen);
        c->listen_count = by_default->listen_count;
    } else if (c->listen_count == 0) {
        config_problem(problems, "%s: use --listen", err.text);
    }
    c->listens_by_default = ok && c->listen_count == by_default->listen_count &&
                            memcmp(c->listen, by_default->listen, sizeof c->listen) == 0;
}

static void check_ca_file(const struct config *c, struct config_problems *problems)
{
    struct error err;

    if (c->ca_file[0] != '\0' && !okta_ca_file_check(c->ca_file, &err))
        config_problem(problems, "--ca-file: %s", err.text);
}

static void check_tls(const struct config *c, struct config_problems *problems)
{
    struct error err;

    if (!net_tls_check(&c->tls, c->listen, c->listen_count, &err))
        config_problem(problems, "%s", err.text);
}

void config_complete(struct config *c, config_env *env, struct config_problems *problems)
{
    complete_declared(c, problems);
    check_days_of_all(c, problems);
    check_ca_file(c, problems);
    default_data_dir(c, env, problems);
    complete_listen(c, env, problems);
    check_tls(c, problems);
}
