#include "tests/okta/loopback.h"

#include "base/assert.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX    64
#define REQUEST_BYTES   16384
#define CONNECTIONS_MAX 64

struct connection {
    struct loopback *server;
    int fd;
    pthread_t thread;
};

struct loopback {
    const struct loopback_page *pages;
    int fd, port;
    pthread_t thread;

    pthread_mutex_t lock; /* protects what follows: threads of connections write, the test reads */
    char *requests[REQUESTS_MAX];
    size_t requests_count;
    struct connection connections[CONNECTIONS_MAX];
    size_t connections_count;
};

static void write_all(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

/* A request head, NUL-terminated; false when the other side has gone. */
static bool read_request(int fd, char head[REQUEST_BYTES])
{
    size_t len = 0;

    while (len + 1 < REQUEST_BYTES) {
        ssize_t n = recv(fd, head + len, 1, 0);

        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
        if (len >= 4 && strcmp(head + len - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static const struct loopback_page *find_page(const struct loopback *l, const char *head)
{
    const char *path = strchr(head, ' ');

    for (const struct loopback_page *p = l->pages; p->path != NULL && path != NULL; p++)
        if (strncmp(path + 1, p->path, strlen(p->path)) == 0 && path[1 + strlen(p->path)] == ' ')
            return p;
    return NULL;
}

static void note(struct loopback *l, const char *head)
{
    pthread_mutex_lock(&l->lock);
    ASSERT(l->requests_count < REQUESTS_MAX);
    l->requests[l->requests_count++] = mem_strdup(head);
    pthread_mutex_unlock(&l->lock);
}

static void *serve(void *ctx)
{
    struct connection *c = ctx;
    struct linger abort_it = { .l_onoff = 1, .l_linger = 0 };
    char *head = mem_alloc(REQUEST_BYTES);

    for (int served = 0; read_request(c->fd, head); served++) {
        const struct loopback_page *page = find_page(c->server, head);

        note(c->server, head);
        if (page == NULL || (page->requests_max > 0 && served >= page->requests_max))
            break;
        write_all(c->fd, page->bytes, page->len);
        if (page->then == LOOPBACK_STALL)
            (void)read_request(c->fd, head);
        if (page->then == LOOPBACK_RESET)
            (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
        if (page->then != LOOPBACK_KEEP)
            break;
    }
    close(c->fd);
    free(head);
    return NULL;
}

static void *accept_all(void *ctx)
{
    struct loopback *l = ctx;
    int fd;

    while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
        struct connection *c;

        pthread_mutex_lock(&l->lock);
        ASSERT(l->connections_count < CONNECTIONS_MAX);
        c = &l->connections[l->connections_count++];
        *c = (struct connection){ .server = l, .fd = fd };
        ASSERT(pthread_create(&c->thread, NULL, serve, c) == 0);
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

struct loopback *loopback_start(const struct loopback_page *pages)
{
    struct loopback *l = mem_zero(sizeof *l);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;

    l->pages = pages;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_mutex_init(&l->lock, NULL);
    ASSERT(bind(l->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(l->fd, 16) == 0);
    ASSERT(getsockname(l->fd, (struct sockaddr *)&at, &len) == 0);
    l->port = ntohs(at.sin_port);
    ASSERT(pthread_create(&l->thread, NULL, accept_all, l) == 0);
    return l;
}

void loopback_stop(struct loopback *l)
{
    (void)shutdown(l->fd, SHUT_RDWR); /* accept fails, and the thread ends */
    pthread_join(l->thread, NULL);
    close(l->fd);
    for (size_t i = 0; i < l->connections_count; i++)
        pthread_join(l->connections[i].thread, NULL);
    for (size_t i = 0; i < l->requests_count; i++)
        free(l->requests[i]);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int loopback_port(const struct loopback *l)
{
    return l->port;
}

const char *loopback_request(struct loopback *l, size_t index)
{
    const char *head;

    pthread_mutex_lock(&l->lock);
    head = index < l->requests_count ? l->requests[index] : "";
    pthread_mutex_unlock(&l->lock);
    return head;
}

size_t loopback_requests(struct loopback *l)
{
    size_t n;

    pthread_mutex_lock(&l->lock);
    n = l->requests_count;
    pthread_mutex_unlock(&l->lock);
    return n;
}

size_t loopback_connections(struct loopback *l)
{
    size_t n;

    pthread_mutex_lock(&l->lock);
    n = l->connections_count;
    pthread_mutex_unlock(&l->lock);
    return n;
}
