/* server/config.c: one table: name, where it goes, parser, range, default, help.
 *
 * Defaults go in first, then the environment, then the flags; each through the same parser. Then what belongs together
 * is looked at together: connectors are declared by --org, --name and --token-file (or --client-id, --private-key-file
 * and --key-id), and a group ends where one of these comes a second time. */
#include "config_value.h"

#include "base/mem.h"
#include "okta/okta.h"
#include "store/store.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 32
#define ENV_PREFIX     "OKTA_CONNECTOR_"

/* ---- the table ---- */

#define AT(member)    offsetof(struct config, member)
#define GROUP(member) offsetof(struct config_declared, member)

static const struct config_option options[] = {
    { "data-dir", config_parse_path, AT(data_dir), 0, 0, NULL, "DIR",
      "where everything is kept; default /var/lib/okta-connector for root, else ~/.local/share/okta-connector", 0, 0 },
    { "listen", config_parse_listen, 0, 0, 0, NULL, "ADDR",
      "[admin=|reader=]unix:/path or 127.0.0.1:PORT, up to 8 times; default admin.sock and reader.sock in "
      "$XDG_RUNTIME_DIR/okta-connector or /run/okta-connector",
      0, 1 },
    { "http", config_parse_http, 0, 0, 0, NULL, "ADDR",
      "127.0.0.1:PORT or unix:/path, where /metrics is served for Prometheus; default: nowhere", 0, 0 },
    { "org", config_parse_declared, GROUP(org), 0, 0, NULL, "ORG",
      "an org to read from the start: subdomain, host or https URL; with --token-file or --client-id, again for more",
      0, 1 },
    { "token-file", config_parse_declared, GROUP(token_file), 0, 0, NULL, "FILE",
      "holds that org's API token; read again when it changes", 0, 1 },
    { "client-id", config_parse_declared, GROUP(client_id), 0, 0, NULL, "ID",
      "of that org's OAuth service app, instead of a token; with --private-key-file", 0, 1 },
    { "private-key-file", config_parse_declared, GROUP(private_key_file), 0, 0, NULL, "FILE",
      "holds the app's private key, as PEM or JWK; read again when it changes", 0, 1 },
    { "key-id", config_parse_declared, GROUP(key_id), 0, 0, NULL, "KID",
      "that the app shows for the key; not needed with a JWK that names it", 0, 1 },
    { "name", config_parse_declared, GROUP(name), 0, 0, NULL, "NAME",
      "of that connector; default: the org's first label", 0, 1 },
    { "history-days", config_parse_int, AT(history_days), 0, 90, NULL, "N",
      "of login history to fetch for declared connectors, 0 to 90; default 30", 0, 0 },
    { "retention-days", config_parse_int, AT(retention_days), 1, 3650, NULL, "N",
      "to keep login events of declared connectors, 1 to 3650; default 90", 0, 0 },
    { "store-max-bytes", config_parse_bytes, AT(store_max_bytes), (int64_t)STORE_BYTES_MIN, INT64_C(16) << 40, "16G",
      "SIZE", "of one connector's store, 16M to 16T", 0, 0 },
    { "org-share", config_parse_int, AT(org_share_percent), 1, 100, "50", "PERCENT",
      "of each Okta rate limit that we may use, 1 to 100", 0, 0 },
    { "proxy", config_parse_proxy, 0, 0, 0, NULL, "URL",
      "to Okta, http://HOST:PORT; with a password only in the environment; default: HTTPS_PROXY", 0, 0 },
    { "ca-file", config_parse_path, AT(ca_file), 0, 0, NULL, "FILE",
      "certificates in PEM that are trusted besides the system's, such as a proxy's that inspects TLS", 0, 0 },
    { "reader-uid", config_parse_i64, AT(reader_uid), 0, UINT32_MAX, NULL, "UID",
      "may use reader sockets, besides our own user and root", 0, 0 },
    { "reader-gid", config_parse_i64, AT(reader_gid), 0, UINT32_MAX, NULL, "GID", "a group that may use reader sockets",
      0, 0 },
    { "threads", config_parse_int, AT(threads), 0, 64, "0", "N", "that answer calls, 1 to 64; 0: one a core, at most 4",
      0, 0 },
    { "seal-key-file", config_parse_path, AT(seal_key_file), 0, 0, NULL, "FILE",
      "the key that credentials are sealed with; default: seal.key in the data folder", 0, 0 },
    { "log-level", config_parse_level, 0, 0, 0, "info", "LEVEL", "debug, info, warn or error", 0, 0 },
    { "drain-ms", config_parse_int, AT(drain_ms), 0, 600000, "5000", "MS",
      "that streams have to end when the server stops, 0 to 600000", 0, 0 },
    { "allow-http-loopback-org", config_parse_switch, AT(allow_http_loopback_org), 0, 0, "false", NULL,
      "an org may be http://127.0.0.1:PORT (for tests)", 1, 0 },
    { "version", config_parse_switch, AT(wants_version), 0, 0, "false", NULL, "print the version", 1, 0 },
    { "help", config_parse_switch, AT(wants_help), 0, 0, "false", NULL, "print this", 1, 0 },
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

/* ---- names ---- */

static const struct config_option *find_option(struct view name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (view_is(name, options[i].name))
            return &options[i];
    return NULL;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions and replacements from one to the other. */
static size_t distance(struct view a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t above = row[j];

            row[j] = min3(row[j] + 1, row[j - 1] + 1, diagonal + (a.at[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[len];
}

/* The nearest name, or one that begins so; NULL when it would be a guess. */
static const char *nearest_name(struct view name)
{
    size_t best = 2 + name.len / 5; /* edits; more is another word */
    const char *nearest = NULL;

    for (size_t i = 0; i < OPTION_COUNT && name.len <= NAME_MAX_BYTES; i++) {
        bool begins = name.len >= 3 && strncmp(options[i].name, name.at, name.len) == 0;
        size_t d = begins ? 1 : distance(name, options[i].name);

        if (d < best) {
            best = d;
            nearest = options[i].name;
        }
    }
    return nearest;
}

static bool unknown(struct view name, struct error *err)
{
    const char *nearest = nearest_name(name);

    if (nearest == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "there is no flag --%.*s (see --help)",
                         (int)(name.len < 80 ? name.len : 80), name.at);
    return error_set(err, ERROR_INVALID_ARGUMENT, "there is no flag --" VIEW_FMT "; did you mean --%s?", VIEW_ARG(name),
                     nearest);
}

/* ---- where values come from ---- */

static bool apply_fallbacks(struct config *out, struct error *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].fallback != NULL && !options[i].parse(&options[i], view_of(options[i].fallback), out, err))
            return false;
    out->history_days = out->retention_days = -1;
    out->reader_uid = out->reader_gid = -1;
    return true;
}

static void env_name(const struct config_option *o, char out[sizeof ENV_PREFIX + NAME_MAX_BYTES])
{
    size_t at = sizeof ENV_PREFIX - 1;

    memcpy(out, ENV_PREFIX, at);
    for (const char *c = o->name; *c != '\0'; c++)
        out[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    out[at] = '\0';
}

static bool apply_env(struct config *out, config_env *env, struct error *err)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[sizeof ENV_PREFIX + NAME_MAX_BYTES];
        const char *value;

        env_name(&options[i], name);
        value = env(name);
        if (value != NULL && value[0] != '\0' && !options[i].parse(&options[i], view_of(value), out, err))
            return error_wrap(err, "%s", name);
    }
    return true;
}

/* The first flag of a list puts away what the environment gave: lists do not mix. */
static void begin_list(const struct config_option *o, struct config *out, bool *has_listen, bool *has_declared)
{
    bool *has = o->parse == config_parse_listen ? has_listen : has_declared;

    if (*has)
        return;
    *has = true;
    if (o->parse == config_parse_listen)
        out->listen_count = 0;
    else {
        memset(out->declared, 0, sizeof out->declared);
        out->declared_count = 0;
    }
}

/* Everybody on this host can read our arguments. */
static bool is_fit_for_argv(const struct config_option *o, struct view value, struct error *err)
{
    return o->parse != config_parse_proxy || value.len == 0 || memchr(value.at, '@', value.len) == NULL ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "--proxy with a user name and password can be read by everybody on this host: put it into the "
                     "environment, as " ENV_PREFIX "PROXY");
}

static bool apply_flags(struct config *out, int argc, const char *const *argv, struct error *err)
{
    bool has_listen = false, has_declared = false;

    for (int i = 1; i < argc; i++) {
        struct view name = view_of(argv[i]), value = VIEW("true");
        const char *equals;
        const struct config_option *o;

        if (!view_starts(name, "--") || name.len == 2)
            return error_set(err, ERROR_INVALID_ARGUMENT, "\"%.80s\" is no flag (see --help)", argv[i]);
        name = (struct view){ name.at + 2, name.len - 2 };
        equals = memchr(name.at, '=', name.len);
        if (equals != NULL) {
            value = view_of(equals + 1);
            name.len = (size_t)(equals - name.at);
        }
        o = find_option(name);
        if (o == NULL)
            return unknown(name, err);
        if (equals == NULL && !o->is_switch) {
            if (++i == argc)
                return error_set(err, ERROR_INVALID_ARGUMENT, "--%s needs a value: %s", o->name, o->help);
            value = view_of(argv[i]);
        }
        if (o->is_list)
            begin_list(o, out, &has_listen, &has_declared);
        if (!o->parse(o, value, out, err) || !is_fit_for_argv(o, value, err))
            return false;
    }
    return true;
}

/* ---- what belongs together ---- */

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

bool config_parse(struct config *out, int argc, const char *const *argv, config_env *env, struct error *err)
{
    AUTO_FREE struct config *c = mem_zero(sizeof *c);

    if (!apply_fallbacks(c, err) || !apply_env(c, env, err) || !apply_flags(c, argc, argv, err))
        return false;
    if (!c->wants_help && !c->wants_version &&
        (!check_declared(c, err) || !check_ca_file(c, err) || !default_data_dir(c, env, err) ||
         !default_listen(c, env, err)))
        return false;
    *out = *c;
    return true;
}

void config_help(FILE *to)
{
    fputs("okta-connectord: reads Okta orgs, read-only, and streams their logins over gRPC.\n\n", to);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct config_option *o = &options[i];
        char left[64];

        snprintf(left, sizeof left, "--%s%s%s", o->name, o->meta != NULL ? " " : "", o->meta != NULL ? o->meta : "");
        fprintf(to, "  %-26s %s", left, o->help);
        if (o->fallback != NULL && !o->is_switch)
            fprintf(to, "; default %s", o->fallback);
        fputc('\n', to);
    }
    fputs("\nEach flag can also be given in the environment: --data-dir as " ENV_PREFIX "DATA_DIR; flags win.\n"
          "Exit codes: 0 stopped cleanly, 1 failed, 2 wrong usage.\n"
          "SIGTERM and SIGINT stop it; SIGHUP re-reads token and key files.\n",
          to);
}
