#include "net/address.h"

#include <arpa/inet.h>
#include <string.h>

const char *net_role_name(enum net_role role)
{
    return role == NET_ADMIN ? "admin" : role == NET_READER ? "reader" : "stranger";
}

/* ---- reading an address ---- */

static bool skip(struct view *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (!view_starts(*text, prefix))
        return false;
    text->at += len;
    text->len -= len;
    return true;
}

static bool parse_unix(struct view path, struct net_address *out, struct error *err)
{
    if (view_starts(path, "//"))
        skip(&path, "//"); /* unix:///path means the same */
    if (!view_starts(path, "/") || view_ends(path, "/"))
        return error_set(err, ERROR_INVALID_ARGUMENT, "the path of a Unix socket begins with / and names a file");
    if (path.len >= sizeof out->path)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the path of a Unix socket has at most %zu bytes",
                         sizeof out->path - 1);
    if (memchr(path.at, '\0', path.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the path of a Unix socket holds a NUL");
    out->is_unix = true;
    memcpy(out->path, path.at, path.len);
    return true;
}

/* 127.0.0.0/8 and ::1: bytes sent there do not leave this machine. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool take_host(struct view host, struct net_address *out, struct error *err)
{
    const bool has_brackets = view_starts(host, "[") && view_ends(host, "]");
    struct in6_addr any;

    if (view_is(host, "localhost"))
        host = VIEW("127.0.0.1");
    else if (has_brackets)
        host = (struct view){ host.at + 1, host.len - 2 };
    if (host.len == 0 || host.len >= sizeof out->host || memchr(host.at, '\0', host.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "before the port is an IP address, 0.0.0.0 or [::] for all of this machine's");
    memcpy(out->host, host.at, host.len);
    if (inet_pton(has_brackets ? AF_INET6 : AF_INET, out->host, &any) == 1)
        return true;
    if (!has_brackets && memchr(host.at, ':', host.len) != NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "an IPv6 address stands in brackets: [%s]:PORT", out->host);
    return error_set(err, ERROR_INVALID_ARGUMENT,
                     "\"%s\" is no IP address: it listens on an address of this machine, 0.0.0.0 or [::] for all, not "
                     "on a host's name",
                     out->host);
}

static bool parse_tcp(struct view text, struct net_address *out, struct error *err)
{
    const char *colon = text.len > 0 ? memrchr(text.at, ':', text.len) : NULL;
    struct view host;
    uint64_t port;

    if (colon == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "it is unix:/path or ADDRESS:PORT");
    host = (struct view){ text.at, (size_t)(colon - text.at) };
    if (!take_host(host, out, err))
        return false;
    if (!view_u64((struct view){ colon + 1, text.len - host.len - 1 }, 0, UINT16_MAX, &port))
        return error_set(err, ERROR_INVALID_ARGUMENT, "a port is a number from 0 to %d", UINT16_MAX);
    out->port = (uint16_t)port;
    return true;
}

bool net_address_parse(struct view text, struct net_address *out, struct error *err)
{
    struct net_address l = { 0 };
    struct view rest = text;
    bool is_parsed;

    if (skip(&rest, "admin="))
        l.role = NET_ADMIN;
    else if (skip(&rest, "reader="))
        l.role = NET_READER;
    l.is_tls = skip(&rest, "tls:");
    if (!skip(&rest, "unix:"))
        is_parsed = parse_tcp(rest, &l, err);
    else if (l.is_tls)
        is_parsed = error_set(err, ERROR_INVALID_ARGUMENT, "a Unix socket needs no TLS: the kernel says who connects");
    else
        is_parsed = parse_unix(rest, &l, err);
    if (!is_parsed)
        return error_wrap(err, "listen address \"" VIEW_FMT "\"", VIEW_ARG(text));
    if (l.role == 0)
        l.role = l.is_unix ? NET_ADMIN : NET_READER;
    l.is_tls = l.is_tls || (!l.is_unix && (l.role == NET_ADMIN || !is_loopback(l.host)));
    *out = l;
    return true;
}

static bool check_files(const struct net_tls *tls, const struct net_address *l, struct error *err)
{
    const struct {
        const char *flag, *value, *what;
    } files[] = {
        { "--tls-cert-file", tls->cert_file, "our certificate" },
        { "--tls-key-file", tls->key_file, "its key" },
        { "--tls-client-ca-file", tls->client_ca_file, "the CAs that vouch for clients" },
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i].value[0] == '\0')
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "%s:%u is served by TLS alone (plaintext is for readers on loopback): %s FILE with %s is "
                             "missing",
                             l->host, l->port, files[i].flag, files[i].what);
    return true;
}

bool net_tls_check(const struct net_tls *tls, const struct net_address *listen, size_t listen_count, struct error *err)
{
    const bool is_given = tls->cert_file[0] != '\0' || tls->key_file[0] != '\0' || tls->client_ca_file[0] != '\0' ||
                          tls->admin_count > 0 || tls->reader_count > 0;
    bool is_used = false;

    for (size_t i = 0; i < listen_count; i++) {
        const struct net_address *l = &listen[i];

        if (!l->is_tls)
            continue;
        is_used = true;
        if (!check_files(tls, l, err))
            return false;
        if (l->role == NET_ADMIN && tls->admin_count == 0)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "admin=%s:%u would let no admin in: name their certificates with --tls-admin-san, such as "
                             "URI:spiffe://example.org/admin",
                             l->host, l->port);
        if (tls->admin_count == 0 && tls->reader_count == 0)
            return error_set(err, ERROR_INVALID_ARGUMENT,
                             "reader=%s:%u would let nobody in: name the readers' certificates with --tls-reader-san, "
                             "such as DNS:backend.example.org",
                             l->host, l->port);
    }
    return !is_given || is_used ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "TLS is set up, but no address is served by it: --listen admin=ADDRESS:PORT, or "
                     "reader=tls:127.0.0.1:PORT on loopback");
}
