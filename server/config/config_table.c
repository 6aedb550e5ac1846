/* server/config/config_table.c: the table: name, type, where it stands and goes, range, default, help; and finding a
 * row by name.
 */
#include "config/config_table.h"

#include "store/store.h"

#include <ctype.h>
#include <string.h>

/* ---- the table ---- */

const struct config_option config_options[] = {
    { .name = "config",
      .type = &config_path,
      .scope = CONFIG_LOCATION,
      IN_CONFIG(file),
      .meta = "FILE",
      .help = "settings in YAML, one a line, named as these flags; default " CONFIG_FILE_DEFAULT
              ", where that exists; /dev/null: none" },
    { .name = "data-dir",
      .type = &config_path,
      IN_CONFIG(data_dir),
      .meta = "DIR",
      .help = "where everything is kept; default /var/lib/okta-connector for root, else "
              "~/.local/share/okta-connector" },
    { .name = "listen",
      .type = &config_listen,
      IN_CONFIG(listen),
      .meta = "ADDR",
      .help =
          "[admin=|reader=]unix:/path, 127.0.0.1:PORT for readers, or by TLS [admin=|reader=][tls:]IP:PORT, up to 8 "
          "times; default admin.sock and reader.sock in $XDG_RUNTIME_DIR/okta-connector or /run/okta-connector" },
    { .name = "tls-cert-file",
      .type = &config_path,
      IN_CONFIG(tls.cert_file),
      .meta = "FILE",
      .help =
          "our certificate and its chain in PEM, for addresses that are served by TLS; read again when it changes" },
    { .name = "tls-key-file",
      .type = &config_path,
      IN_CONFIG(tls.key_file),
      .meta = "FILE",
      .help = "its private key in PEM, without a passphrase; read again when it changes" },
    { .name = "tls-client-ca-file",
      .type = &config_path,
      IN_CONFIG(tls.client_ca_file),
      .meta = "FILE",
      .help = "the CAs that vouch for clients, in PEM; who has no certificate of theirs gets no connection" },
    { .name = "tls-admin-san",
      .type = &config_admin_names,
      IN_CONFIG(tls.admins),
      .meta = "NAME",
      .help = "a name in the certificates of admins, again for more: DNS:host, DNS:*.domain, URI:spiffe://domain/path, "
              "URI:spiffe://domain/path/*, IP:address or email:address" },
    { .name = "tls-reader-san",
      .type = &config_reader_names,
      IN_CONFIG(tls.readers),
      .meta = "NAME",
      .help = "the same for readers; admins may read too" },
    { .name = "max-connection-age",
      .type = &config_duration,
      IN_CONFIG(connection_age_ms),
      .min = 1000,
      .max = INT64_C(7) * 24 * 3600 * 1000,
      .fallback = "30m",
      .meta = "TIME",
      .help = "that a connection over TCP, and a stream on it, may last, 1s to 7d; 0: no limit" },
    { .name = "http",
      .type = &config_http,
      IN_CONFIG(http),
      .meta = "ADDR",
      .help = "127.0.0.1:PORT or unix:/path, where /metrics is served for Prometheus; default: nowhere" },
    { .name = "org",
      .type = &config_text,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(org),
      .meta = "ORG",
      .help = "an org to read from the start: subdomain, host or https URL; with --token-file or --client-id, again "
              "for more",
      .is_live = true },
    { .name = "token-file",
      .type = &config_path,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(token_file),
      .meta = "FILE",
      .help = "holds that org's API token; read again when it changes",
      .is_live = true },
    { .name = "client-id",
      .type = &config_text,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(client_id),
      .meta = "ID",
      .help = "of that org's OAuth service app, instead of a token; with --private-key-file",
      .is_live = true },
    { .name = "private-key-file",
      .type = &config_path,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(private_key_file),
      .meta = "FILE",
      .help = "holds the app's private key, as PEM or JWK; read again when it changes",
      .is_live = true },
    { .name = "key-id",
      .type = &config_text,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(key_id),
      .meta = "KID",
      .help = "that the app shows for the key; not needed with a JWK that names it",
      .is_live = true },
    { .name = "name",
      .type = &config_text,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(name),
      .meta = "NAME",
      .help = "of that connector; default: the org's first label",
      .is_live = true },
    { .name = "collect",
      .type = &config_collect,
      .scope = CONFIG_CONNECTOR,
      IN_CONNECTOR(collections),
      .meta = "LIST",
      .help = "what that connector collects, with a comma between, such as logins,users; default: all",
      .is_live = true },
    { .name = "connectors",
      .type = &config_connectors,
      .scope = CONFIG_IN_FILE,
      IN_CONFIG(declared),
      .help = "what is read from the start: a list, each with an org and what holds its secret",
      .is_live = true },
    { .name = "history-days",
      .type = &config_int,
      IN_CONFIG(history_days),
      .min = 0,
      .max = 90,
      .meta = "N",
      .help = "of login history to fetch for declared connectors, 0 to 90; default 30",
      .is_live = true },
    { .name = "retention-days",
      .type = &config_int,
      IN_CONFIG(retention_days),
      .min = 1,
      .max = 3650,
      .meta = "N",
      .help = "to keep login events of declared connectors, 1 to 3650; default 90",
      .is_live = true },
    { .name = "history-days",
      .type = &config_int,
      .scope = CONFIG_IN_CONNECTORS,
      IN_CONNECTOR(history_days),
      .min = 0,
      .max = 90,
      .help = "as above, of this connector",
      .is_live = true },
    { .name = "retention-days",
      .type = &config_int,
      .scope = CONFIG_IN_CONNECTORS,
      IN_CONNECTOR(retention_days),
      .min = 1,
      .max = 3650,
      .help = "as above, of this connector",
      .is_live = true },
    { .name = "store-max-bytes",
      .type = &config_bytes,
      IN_CONFIG(store_max_bytes),
      .min = (int64_t)STORE_BYTES_MIN,
      .max = INT64_C(16) << 40,
      .fallback = "16G",
      .meta = "SIZE",
      .help = "of one connector's store, 16M to 16T" },
    { .name = "org-share",
      .type = &config_int,
      IN_CONFIG(org_share_percent),
      .min = 1,
      .max = 100,
      .fallback = "50",
      .meta = "PERCENT",
      .help = "of each Okta rate limit that we may use, 1 to 100",
      .is_live = true },
    { .name = "proxy",
      .type = &config_proxy,
      IN_CONFIG(proxy),
      .meta = "URL",
      .help = "to Okta, http://HOST:PORT; with a password only in the environment; default: HTTPS_PROXY" },
    { .name = "ca-file",
      .type = &config_path,
      IN_CONFIG(ca_file),
      .meta = "FILE",
      .help = "certificates in PEM that are trusted besides the system's, such as a proxy's that inspects TLS" },
    { .name = "reader-uid",
      .type = &config_i64,
      IN_CONFIG(reader_uid),
      .min = 0,
      .max = UINT32_MAX,
      .meta = "UID",
      .help = "may use reader sockets, besides our own user and root",
      .is_live = true },
    { .name = "reader-gid",
      .type = &config_i64,
      IN_CONFIG(reader_gid),
      .min = 0,
      .max = UINT32_MAX,
      .meta = "GID",
      .help = "a group that may use reader sockets",
      .is_live = true },
    { .name = "threads",
      .type = &config_int,
      IN_CONFIG(threads),
      .min = 0,
      .max = 64,
      .fallback = "0",
      .meta = "N",
      .help = "that answer calls, 1 to 64; 0: one a core, at most 4" },
    { .name = "seal-key-file",
      .type = &config_path,
      IN_CONFIG(seal_key_file),
      .meta = "FILE",
      .help = "the key that credentials are sealed with; default: seal.key in the data folder" },
    { .name = "log-level",
      .type = &config_level,
      IN_CONFIG(log_level),
      .fallback = "info",
      .meta = "LEVEL",
      .help = "debug, info, warn or error",
      .is_live = true },
    { .name = "drain-ms",
      .type = &config_int,
      IN_CONFIG(drain_ms),
      .min = 0,
      .max = 600000,
      .fallback = "5000",
      .meta = "MS",
      .help = "that streams have to end when the server stops, 0 to 600000",
      .is_live = true },
    { .name = "allow-http-loopback-org",
      .type = &config_switch,
      IN_CONFIG(allow_http_loopback_org),
      .fallback = "false",
      .help = "an org may be http://127.0.0.1:PORT (for tests)" },
    { .name = "allow-private-org",
      .type = &config_switch,
      IN_CONFIG(allow_private_org),
      .fallback = "false",
      .help = "an org's name may lead to a private address (10.0.0.0/8, fc00::/7, ...); never to a link-local one" },
    { .name = "sandbox",
      .type = &config_on_off,
      IN_CONFIG(sandbox),
      .fallback = "on",
      .meta = "ON|OFF",
      .help = "keep the server from what it does not need (system calls, files, rights); off is for debugging" },
    { .name = "check-config",
      .type = &config_switch,
      .scope = CONFIG_COMMAND,
      IN_CONFIG(wants_check),
      .help = "say everything that is wrong with it, and with the files it names, and start nothing" },
    { .name = "print-config",
      .type = &config_switch,
      .scope = CONFIG_COMMAND,
      IN_CONFIG(wants_print),
      .help = "print every value, with where it is from, as such a file, and start nothing" },
    { .name = "version",
      .type = &config_switch,
      .scope = CONFIG_COMMAND,
      IN_CONFIG(wants_version),
      .help = "print the version" },
    { .name = "help",
      .type = &config_switch,
      .scope = CONFIG_COMMAND,
      IN_CONFIG(wants_help),
      .fallback = "false",
      .help = "print this" },
    { .name = NULL },
};

_Static_assert(sizeof config_options / sizeof config_options[0] <= CONFIG_OPTIONS_MAX, "each row has its origin");

/* ---- names ---- */

bool config_is_member(const struct config_option *o)
{
    return o->scope == CONFIG_CONNECTOR || o->scope == CONFIG_IN_CONNECTORS;
}

bool config_is_at(const struct config_option *o, enum config_place place)
{
    switch (place) {
    case CONFIG_AS_FLAG:
        return o->scope != CONFIG_IN_CONNECTORS && o->scope != CONFIG_IN_FILE;
    case CONFIG_AS_VARIABLE:
        return o->scope == CONFIG_SETTING || o->scope == CONFIG_LOCATION || o->scope == CONFIG_CONNECTOR;
    case CONFIG_AS_KEY:
        return o->scope == CONFIG_SETTING || o->scope == CONFIG_IN_FILE;
    case CONFIG_AS_MEMBER:
        return config_is_member(o);
    }
    return false;
}

const struct config_option *config_find(struct view name, enum config_place place)
{
    for (const struct config_option *o = config_options; o->name != NULL; o++)
        if (config_is_at(o, place) && view_is(name, o->name))
            return o;
    return NULL;
}

size_t config_row(const struct config_option *o)
{
    if (config_is_member(o))
        o = config_find(VIEW("connectors"), CONFIG_AS_KEY);
    return (size_t)(o - config_options);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Insertions, deletions and replacements from one to the other. */
static size_t distance(struct view a, const char *b)
{
    size_t row[CONFIG_NAME_BYTES_MAX + 1], len = strlen(b);

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

const char *config_nearest(struct view name, enum config_place place)
{
    size_t best = 2 + name.len / 5; /* edits; more is another word */
    const char *nearest = NULL;

    for (const struct config_option *o = config_options; o->name != NULL && name.len <= CONFIG_NAME_BYTES_MAX; o++) {
        bool begins = name.len >= 3 && strncmp(o->name, name.at, name.len) == 0;
        size_t d = begins ? 1 : distance(name, o->name);

        if (config_is_at(o, place) && d < best) {
            best = d;
            nearest = o->name;
        }
    }
    return nearest;
}

void config_env_name(const struct config_option *o, char out[CONFIG_ENV_NAME_SIZE])
{
    size_t at = sizeof CONFIG_ENV_PREFIX - 1;

    memcpy(out, CONFIG_ENV_PREFIX, at);
    for (const char *c = o->name; *c != '\0'; c++)
        out[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    out[at] = '\0';
}
