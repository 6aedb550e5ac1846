#include "rpc/listen.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128 /* connections that nobody has accepted yet */

_Static_assert(sizeof((struct rpc_listen *)0)->path == sizeof((struct sockaddr_un *)0)->sun_path, "a path fits");

const char *role_name(enum call_role role)
{
    return role == CALL_ADMIN ? "admin" : role == CALL_READER ? "reader" : "stranger";
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

static bool parse_unix(struct view path, struct rpc_listen *out, struct error *err)
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

/* 127.0.0.0/8 and ::1: what is sent there does not leave this machine. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool take_host(struct view host, struct rpc_listen *out, struct error *err)
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

static bool parse_tcp(struct view text, struct rpc_listen *out, struct error *err)
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

bool rpc_listen_parse(struct view text, struct rpc_listen *out, struct error *err)
{
    struct rpc_listen l = { 0 };
    struct view rest = text;
    bool is_parsed;

    if (skip(&rest, "admin="))
        l.role = CALL_ADMIN;
    else if (skip(&rest, "reader="))
        l.role = CALL_READER;
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
        l.role = l.is_unix ? CALL_ADMIN : CALL_READER;
    l.is_tls = l.is_tls || (!l.is_unix && (l.role == CALL_ADMIN || !is_loopback(l.host)));
    *out = l;
    return true;
}

static bool check_files(const struct rpc_tls *tls, const struct rpc_listen *l, struct error *err)
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

bool rpc_tls_check(const struct rpc_tls *tls, const struct rpc_listen *listen, size_t listen_count, struct error *err)
{
    const bool is_given = tls->cert_file[0] != '\0' || tls->key_file[0] != '\0' || tls->client_ca_file[0] != '\0' ||
                          tls->admin_count > 0 || tls->reader_count > 0;
    bool is_used = false;

    for (size_t i = 0; i < listen_count; i++) {
        const struct rpc_listen *l = &listen[i];

        if (!l->is_tls)
            continue;
        is_used = true;
        if (!check_files(tls, l, err))
            return false;
        if (l->role == CALL_ADMIN && tls->admin_count == 0)
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

/* ---- binding ---- */

static bool failed(struct error *err, const char *what, const char *where)
{
    return error_set(err, ERROR_FAILED_PRECONDITION, "%s %s: %s", what, where, strerror(errno));
}

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    memcpy(a.sun_path, path, sizeof a.sun_path);
    return a;
}

/* Somebody listens behind the socket file, or we cannot tell. */
static bool is_answered(const char *path)
{
    struct sockaddr_un a = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_refused;

    if (fd < 0)
        return true;
    is_refused = connect(fd, (struct sockaddr *)&a, sizeof a) != 0 && errno == ECONNREFUSED;
    close(fd);
    return !is_refused;
}

static bool clear_stale(const char *path, struct error *err)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || failed(err, "look at", path);
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, ERROR_FAILED_PRECONDITION, "%s is there and is no socket: choose another path", path);
    if (is_answered(path))
        return error_set(err, ERROR_FAILED_PRECONDITION, "another program listens on %s", path);
    return unlink(path) == 0 || failed(err, "remove", path);
}

/* One level: the folders above are the operator's. */
static bool make_folder(const struct rpc_listen *where, struct error *err)
{
    char folder[sizeof where->path];
    char *slash;

    memcpy(folder, where->path, sizeof folder);
    slash = strrchr(folder, '/');
    ASSERT(slash != NULL);
    if (slash == folder)
        return true;
    *slash = '\0';
    if (mkdir(folder, where->role == CALL_ADMIN ? 0700 : 0755) != 0 && errno != EEXIST)
        return failed(err, "make the folder", folder);
    return true;
}

/* The mode that a socket has before bind is the most that its file gets: the umask, which all threads share, stays. */
static bool bind_unix(struct listener *l, struct error *err)
{
    struct sockaddr_un a = unix_address(l->where.path);
    struct stat st;

    if (!make_folder(&l->where, err) || !clear_stale(l->where.path, err))
        return false;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || fchmod(l->fd, 0600) != 0 || bind(l->fd, (struct sockaddr *)&a, sizeof a) != 0)
        return failed(err, "bind", l->where.path);
    if (lstat(l->where.path, &st) != 0 || (l->where.role == CALL_READER && chmod(l->where.path, 0666) != 0))
        return failed(err, "set the mode of", l->where.path);
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    l->made = st.st_mtim;
    snprintf(l->address, sizeof l->address, "unix:%s", l->where.path);
    return true;
}

static bool bind_any(int fd, const struct rpc_listen *where)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(where->port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(where->port) };

    const int off = 0;

    if (inet_pton(AF_INET, where->host, &v4.sin_addr) == 1)
        return bind(fd, (struct sockaddr *)&v4, sizeof v4) == 0;
    /* [::] is everything, IPv4 too, whatever the system's default. */
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return inet_pton(AF_INET6, where->host, &v6.sin6_addr) == 1 && bind(fd, (struct sockaddr *)&v6, sizeof v6) == 0;
}

static bool bind_tcp(struct listener *l, struct error *err)
{
    const bool is_v6 = strchr(l->where.host, ':') != NULL;
    struct sockaddr_in6 bound; /* the port is at the same place in both families */
    socklen_t size = sizeof bound;
    const int on = 1;

    snprintf(l->address, sizeof l->address, is_v6 ? "[%s]:%u" : "%s:%u", l->where.host, l->where.port);
    l->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 || !bind_any(l->fd, &l->where) ||
        getsockname(l->fd, (struct sockaddr *)&bound, &size) != 0)
        return failed(err, "bind", l->address);
    l->where.port = ntohs(bound.sin6_port);
    snprintf(l->address, sizeof l->address, is_v6 ? "[%s]:%u" : "%s:%u", l->where.host, l->where.port);
    return true;
}

bool listener_open(struct listener *l, const struct rpc_listen *where, struct error *err)
{
    *l = (struct listener){ .where = *where, .fd = -1 };
    if ((where->is_unix ? bind_unix(l, err) : bind_tcp(l, err)) &&
        (listen(l->fd, BACKLOG) == 0 || failed(err, "listen on", l->address)))
        return true;
    listener_close(l);
    listener_remove(l);
    return false;
}

void listener_close(struct listener *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void listener_remove(const struct listener *l)
{
    struct stat st;

    if (l->ino == 0 || lstat(l->where.path, &st) != 0)
        return;
    /* A file made later may have been given the number of ours, once that was removed. */
    if (st.st_dev == l->dev && st.st_ino == l->ino && st.st_mtim.tv_sec == l->made.tv_sec &&
        st.st_mtim.tv_nsec == l->made.tv_nsec)
        unlink(l->where.path);
}
