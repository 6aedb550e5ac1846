#include "net/listener.h"

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

#define BACKLOG 128 /* connections not accepted yet */

_Static_assert(sizeof((struct net_address *)0)->path == sizeof((struct sockaddr_un *)0)->sun_path, "a path fits");

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

/* Whether a process listens behind the socket file; true also when that cannot be told. */
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

/* Makes one level only: the folders above are the operator's. */
static bool make_folder(const struct net_address *where, struct error *err)
{
    char folder[sizeof where->path];
    char *slash;

    memcpy(folder, where->path, sizeof folder);
    slash = strrchr(folder, '/');
    ASSERT(slash != NULL);
    if (slash == folder)
        return true;
    *slash = '\0';
    if (mkdir(folder, where->role == NET_ADMIN ? 0700 : 0755) != 0 && errno != EEXIST)
        return failed(err, "make the folder", folder);
    return true;
}

/* The mode that the socket has before bind limits the file's mode, so that the umask, which all threads share, need not
 * change. */
static bool bind_unix(struct listener *l, struct error *err)
{
    struct sockaddr_un a = unix_address(l->where.path);
    struct stat st;

    if (!make_folder(&l->where, err) || !clear_stale(l->where.path, err))
        return false;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0 || fchmod(l->fd, 0600) != 0 || bind(l->fd, (struct sockaddr *)&a, sizeof a) != 0)
        return failed(err, "bind", l->where.path);
    if (lstat(l->where.path, &st) != 0 || (l->where.role == NET_READER && chmod(l->where.path, 0666) != 0))
        return failed(err, "set the mode of", l->where.path);
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    l->made = st.st_mtim;
    snprintf(l->address, sizeof l->address, "unix:%s", l->where.path);
    return true;
}

static bool bind_any(int fd, const struct net_address *where)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(where->port) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(where->port) };

    const int off = 0;

    if (inet_pton(AF_INET, where->host, &v4.sin_addr) == 1)
        return bind(fd, (struct sockaddr *)&v4, sizeof v4) == 0;
    /* [::] includes IPv4, whatever the system's default is. */
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return inet_pton(AF_INET6, where->host, &v6.sin6_addr) == 1 && bind(fd, (struct sockaddr *)&v6, sizeof v6) == 0;
}

static bool bind_tcp(struct listener *l, struct error *err)
{
    const bool is_v6 = strchr(l->where.host, ':') != NULL;
    struct sockaddr_in6 bound; /* the port is at the same offset in both families */
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

bool listener_open(struct listener *l, const struct net_address *where, struct error *err)
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
    /* A later file may have got the inode number of ours after that was removed, so compare the time as well. */
    if (st.st_dev == l->dev && st.st_ino == l->ino && st.st_mtim.tv_sec == l->made.tv_sec &&
        st.st_mtim.tv_nsec == l->made.tv_nsec)
        unlink(l->where.path);
}
