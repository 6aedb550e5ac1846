#include "tests/okta/tunnel.h"

#include "base/assert.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_BYTES 4096

struct tunnel {
    int fd, port;
    pthread_t thread;
    bool is_joined;
    char head[HEAD_BYTES];
};

static struct sockaddr_in loopback_at(int port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Byte by byte, so that nothing of what comes behind is taken. */
static bool read_head(int fd, char *head)
{
    size_t len = 0;

    while (len + 1 < HEAD_BYTES && recv(fd, head + len, 1, 0) == 1) {
        head[++len] = '\0';
        if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static int connect_as_asked(const char *head)
{
    const char *port = strchr(head, ':');
    struct sockaddr_in at = loopback_at(port != NULL ? atoi(port + 1) : 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strncmp(head, "CONNECT ", 8) == 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool pass_on(int from, int to)
{
    char bytes[16384];
    ssize_t got = recv(from, bytes, sizeof bytes, 0);

    return got > 0 && send(to, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

static void copy_both_ways(int a, int b)
{
    struct pollfd fds[] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };

    while (poll(fds, 2, -1) > 0)
        if ((fds[0].revents != 0 && !pass_on(a, b)) || (fds[1].revents != 0 && !pass_on(b, a)))
            return;
}

static void *serve(void *ctx)
{
    static const char ok[] = "HTTP/1.1 200 Connected\r\n\r\n";
    struct tunnel *t = ctx;
    int fd = accept(t->fd, NULL, NULL), far = -1;

    if (fd >= 0 && read_head(fd, t->head) && (far = connect_as_asked(t->head)) >= 0 &&
        send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL) == (ssize_t)sizeof ok - 1)
        copy_both_ways(fd, far);
    if (far >= 0)
        close(far);
    if (fd >= 0)
        close(fd);
    return NULL;
}

struct tunnel *tunnel_start(void)
{
    struct tunnel *t = mem_zero(sizeof *t);
    struct sockaddr_in at = loopback_at(0);
    socklen_t len = sizeof at;

    t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(bind(t->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(t->fd, 4) == 0);
    ASSERT(getsockname(t->fd, (struct sockaddr *)&at, &len) == 0);
    t->port = ntohs(at.sin_port);
    ASSERT(pthread_create(&t->thread, NULL, serve, t) == 0);
    return t;
}

int tunnel_port(const struct tunnel *t)
{
    return t->port;
}

const char *tunnel_request(struct tunnel *t)
{
    if (!t->is_joined) {
        (void)shutdown(t->fd, SHUT_RDWR); /* in case nobody came */
        pthread_join(t->thread, NULL);
        t->is_joined = true;
    }
    return t->head;
}

void tunnel_stop(struct tunnel *t)
{
    (void)tunnel_request(t);
    close(t->fd);
    free(t);
}
