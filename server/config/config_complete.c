/* server/config/config_complete.c: what belongs together is looked at together, and what nobody gave is worked out. */
#include "config/config_table.h"

#include "okta/okta.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* What of a group was given, for the sentence that says what is missing. */
static void name_given(const struct config_declared *d, const char **flag, const char **value)
{
    const struct {
        const char *flag, *value;
    } all[] = {
        { "--org", d->org },
        { "--token-file", d->token_file },
        { "--client-id", d->client_id },
        { "--private-key-file", d->private_key_file },
        { "--key-id", d->key_id },
        { "--name", d->name },
    };
    size_t i = 0;

    while (i + 1 < sizeof all / sizeof all[0] && all[i].value[0] == '\0')
        i++;
    *flag = all[i].flag;
    *value = all[i].value;
}

static bool check_source(const struct config_declared *d, struct error *err)
{
    bool has_token = d->token_file[0] != '\0', has_id = d->client_id[0] != '\0',
         has_key = d->private_key_file[0] != '\0';
    const char *flag, *value;

    if (has_token && (has_id || has_key || d->key_id[0] != '\0'))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "a declared connector has either --token-file or --client-id and --private-key-file, not "
                         "both; --token-file %s is not alone",
                         d->token_file);
    if (has_id != has_key || (d->key_id[0] != '\0' && !has_id))
        return error_set(err, ERROR_INVALID_ARGUMENT, "a service app needs both --client-id and --private-key-file");
    name_given(d, &flag, &value);
    return (d->org[0] != '\0' && (has_token || has_id)) ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "a declared connector needs both --org and --token-file (or --client-id and --private-key-file); "
                     "%s %s is alone",
                     flag, value);
}

static bool check_ca_file(const struct config *out, struct error *err)
{
    return out->ca_file[0] == '\0' || okta_ca_file_check(out->ca_file, err) || error_wrap(err, "--ca-file");
}

static bool check_declared(struct config *out, struct error *err)
{
    for (size_t i = 0; i < out->declared_count; i++) {
        struct config_declared *d = &out->declared[i];
        struct okta_url url;

        if (!check_source(d, err))
            return false;
        if (!okta_url_parse(view_of(d->org), out->allow_http_loopback_org, &url, err))
            return error_wrap(err, "--org");
        if (d->name[0] == '\0')
            name_from_host(url.host, d->name);
    }
    if (out->history_days > (out->retention_days >= 0 ? out->retention_days : 90))
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "--history-days %d is more than the days that events are kept (--retention-days)",
                         out->history_days);
    return true;
}

static bool default_data_dir(struct config *out, config_env *env, struct error *err)
{
    const char *data = env("XDG_DATA_HOME"), *home = env("HOME");
    int len;

    if (out->data_dir[0] != '\0')
        return true;
    if (geteuid() == 0)
        len = snprintf(out->data_dir, sizeof out->data_dir, "/var/lib/okta-connector");
    else if (data != NULL && data[0] == '/')
        len = snprintf(out->data_dir, sizeof out->data_dir, "%s/okta-connector", data);
    else if (home != NULL && home[0] == '/')
        len = snprintf(out->data_dir, sizeof out->data_dir, "%s/.local/share/okta-connector", home);
    else
        return error_set(err, ERROR_INVALID_ARGUMENT, "say where to keep the data: --data-dir DIR");
    return (size_t)len < sizeof out->data_dir ||
           error_set(err, ERROR_INVALID_ARGUMENT, "the home folder's path is too long: use --data-dir");
}

static bool default_listen(struct config *out, config_env *env, struct error *err)
{
    static const char *const roles[] = { "admin", "reader" };
    const char *run = env("XDG_RUNTIME_DIR");

    if (out->listen_count > 0)
        return true;
    out->listens_by_default = true;
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF struct buf text = BUF(CONFIG_PATH_MAX);

        buf_printf(&text, "%s=unix:%s/okta-connector/%s.sock", roles[i], run != NULL && run[0] == '/' ? run : "/run",
                   roles[i]);
        if (!buf_ok(&text) || !config_add_listen(buf_view(&text), out, err))
            return false;
    }
    return true;
}

bool config_complete(struct config *out, config_env *env, struct error *err)
{
    return check_declared(out, err) && check_ca_file(out, err) && default_data_dir(out, env, err) &&
           default_listen(out, env, err);
}
