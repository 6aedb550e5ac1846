#include "client/rpc/knock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* 0, or the errno of what failed. */
static int attempt(const struct sockaddr_un *to, int64_t timeout_ms)
{
    const struct timeval limit = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = 0;

    if (fd < 0)
        return errno;
    /* Bounds connect as well: without, a queue that nobody empties holds us for ever. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, (const struct sockaddr *)to, sizeof *to) != 0)
        failed = errno;
    close(fd);
    return failed;
}

static bool denied(const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return error_set(err, ERROR_PERMISSION_DENIED, "uid %u may not look into its folder", (unsigned)geteuid());
    return error_set(err, ERROR_PERMISSION_DENIED, "uid %u may not open it: it belongs to uid %u, gid %u, mode %04o",
                     (unsigned)geteuid(), (unsigned)st.st_uid, (unsigned)st.st_gid, (unsigned)st.st_mode & 07777);
}

/* A file and a socket that nobody listens on are refused alike. */
static bool refused(const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return error_set(err, ERROR_INVALID_ARGUMENT, "it is a %s, not a socket",
                         S_ISDIR(st.st_mode) ? "folder" : "file");
    return error_set(err, ERROR_UNAVAILABLE,
                     "the socket is there, but no server answers it: the one that made it has ended");
}

bool knock(const char *path, int64_t timeout_ms, struct error *err)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int failed;

    if (strlen(path) >= sizeof to.sun_path)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the socket's path is longer than %zu bytes",
                         sizeof to.sun_path - 1);
    memcpy(to.sun_path, path, strlen(path));
    failed = attempt(&to, timeout_ms);
    switch (failed) {
    case 0:
        return true;
    case ECONNREFUSED:
        return refused(path, err);
    case EACCES:
    case EPERM:
        return denied(path, err);
    case EAGAIN:
        return error_set(err, ERROR_DEADLINE_EXCEEDED, "a server holds the socket, but takes no connection");
    case ENOENT:
    case ENOTDIR:
        return error_set(err, ERROR_UNAVAILABLE, "%s: is okta-connectord running, and does it listen there?",
                         strerror(failed));
    default:
        return error_set(err, ERROR_UNAVAILABLE, "%s", strerror(failed));
    }
}
