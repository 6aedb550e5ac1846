/* Happy path: poll, accept, read the peer's credentials, apply the caps, hand the descriptor on.
 *
 * Counting open connections is the subtle part. Once handed on, a descriptor belongs to the core or to the relay, and
 * neither reports when it closes it. Asking for a callback would mean wrapping each descriptor. Instead we remember the
 * descriptor's number together with the device and inode of its socket. The kernel gives each socket an inode of its
 * own, so fstat on the number tells whether the same socket is still open behind it: EBADF or another inode means that
 * it was closed, and that the number may have been reused.
 *
 * The sweep over the table costs one fstat a connection, so it runs only when a peer, or the total, seems to have
 * reached its cap. Until then the count is an upper bound, which is the safe side: it can only trigger a sweep, and a
 * connection is refused only after the sweep has confirmed the count. */
#include "rpc/acceptor.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS_MAX  4096  /* in total; a connection costs some 35 kB */
#define DESCRIPTORS_EACH 3     /* with TLS: the peer's socket and a socket pair */
#define DESCRIPTORS_KEPT 128   /* for stores, files and requests to Okta; at most half of the limit */
#define GROUPS_MAX       65536 /* the kernel's own limit */
#define PAUSE_MS         100   /* when descriptors or memory have run out: a retry at once would spin */
#define WARN_EVERY_MS    60000
#define ACCEPTS_PER_TURN 64 /* on one listener, before the others get their turn */

/* What a connection counts against: a user on a Unix socket, an address over TCP. Compared as bytes. */
struct peer_key {
    uint32_t uid;
    unsigned char address[16];
};

struct connection {
    struct peer_key key;
    int fd;
    dev_t dev;
    ino_t ino;
};

struct acceptor {
    /* set before start, then read-only */
    struct listener *listeners;
    size_t count;
    struct acceptor_options options;
    size_t connections_max;
    int stop; /* an eventfd */
    pthread_t thread;

    _Atomic int64_t reader_uid, reader_gid; /* any thread; they start as in options */

    /* acceptor's thread */
    struct connection *connections;
    size_t connection_count, connection_room;
    int64_t warned_mono_ms;
};

bool acceptor_admits(const struct acceptor_options *options, enum net_role role, const struct acceptor_peer *peer)
{
    if (!peer->is_unix)
        return peer->is_tls || role == NET_READER;
    if (peer->uid == 0 || peer->uid == geteuid())
        return true;
    if (role != NET_READER)
        return false;
    if (options->reader_uid >= 0 && peer->uid == options->reader_uid)
        return true;
    for (size_t i = 0; i < peer->group_count; i++) {
        if (options->reader_gid >= 0 && peer->groups[i] == options->reader_gid)
            return true;
    }
    return false;
}

/* All groups of the peer. SO_PEERCRED reports the primary group alone; the supplementary groups matter, because a group
 * that the containers of a pod share is one of them. The first SO_PEERGROUPS call, with no room, fails with ERANGE and
 * reports the size. If the groups cannot be read, the primary group alone counts. The caller frees the array. */
static uint32_t *peer_groups(int fd, uint32_t first, size_t *count)
{
    uint32_t *groups;
    socklen_t size = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE ||
        size > GROUPS_MAX * sizeof *groups)
        size = 0;
    groups = mem_array(1 + size / sizeof *groups, sizeof *groups);
    groups[0] = first;
    if (size > 0 && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) != 0)
        size = 0;
    *count = 1 + size / sizeof *groups;
    return groups;
}

void acceptor_set_readers(struct acceptor *a, int64_t reader_uid, int64_t reader_gid)
{
    atomic_store(&a->reader_uid, reader_uid);
    atomic_store(&a->reader_gid, reader_gid);
}

static bool acceptor_check_unix_peer(const struct acceptor *a, const struct net_address *where, int fd,
                                     struct peer_key *key)
{
    const struct acceptor_options now = { .reader_uid = atomic_load(&a->reader_uid),
                                          .reader_gid = atomic_load(&a->reader_gid) };
    struct acceptor_peer peer = { .is_unix = true };
    struct ucred who;
    socklen_t size = sizeof who;
    uint32_t *groups;
    bool is_admitted;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return false;
    groups = peer_groups(fd, who.gid, &peer.group_count);
    peer.groups = groups;
    peer.uid = who.uid;
    key->uid = who.uid;
    is_admitted = acceptor_admits(&now, where->role, &peer);
    free(groups);
    return is_admitted;
}

/* Of an IPv6 address the first 64 bits count: a single host usually owns the whole network below them, and could
 * otherwise evade the cap. */
static void peer_key_set_address(const struct sockaddr_storage *from, struct peer_key *key)
{
    const struct sockaddr_in6 *v6 = (const void *)from;

    if (from->ss_family == AF_INET)
        memcpy(key->address, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        memcpy(key->address, &v6->sin6_addr.s6_addr[12], 4);
    else
        memcpy(key->address, &v6->sin6_addr, 8);
}

static bool acceptor_check_tcp_peer(const struct acceptor *a, const struct net_address *where, int fd,
                                    struct peer_key *key)
{
    const struct acceptor_peer peer = { .is_unix = false, .is_tls = where->is_tls };
    struct sockaddr_storage from;
    socklen_t size = sizeof from;

    if (getpeername(fd, (struct sockaddr *)&from, &size) != 0)
        return false;
    key->uid = UINT32_MAX; /* no user has it, so that it equals no Unix peer's key */
    peer_key_set_address(&from, key);
    return acceptor_admits(&a->options, where->role, &peer);
}

static bool connection_is_open(const struct connection *c)
{
    struct stat st;

    return fstat(c->fd, &st) == 0 && st.st_ino == c->ino && st.st_dev == c->dev;
}

/* Forgets the connections that have been closed meanwhile; see the top of this file. */
static void acceptor_forget_closed(struct acceptor *a)
{
    size_t kept = 0;

    for (size_t i = 0; i < a->connection_count; i++) {
        if (connection_is_open(&a->connections[i]))
            a->connections[kept++] = a->connections[i];
    }
    a->connection_count = kept;
}

static size_t acceptor_count_peer(const struct acceptor *a, const struct peer_key *key)
{
    size_t count = 0;

    for (size_t i = 0; i < a->connection_count; i++)
        count += memcmp(&a->connections[i].key, key, sizeof *key) == 0;
    return count;
}

/* Sweeps at most once: the first count may include connections that have been closed. */
static bool acceptor_has_room_for(struct acceptor *a, const struct peer_key *key)
{
    if (a->connection_count < a->connections_max && acceptor_count_peer(a, key) < a->options.connections_per_uid_max)
        return true;
    acceptor_forget_closed(a);
    return a->connection_count < a->connections_max && acceptor_count_peer(a, key) < a->options.connections_per_uid_max;
}

/* Before the descriptor is handed on, while it is certain that the number is still its own. */
static bool acceptor_note_connection(struct acceptor *a, const struct peer_key *key, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    if (a->connection_count == a->connection_room) {
        a->connection_room = a->connection_room > 0 ? a->connection_room * 2 : 16;
        a->connections = mem_grow(a->connections, a->connection_room * sizeof *a->connections);
    }
    a->connections[a->connection_count++] = (struct connection){ *key, fd, st.st_dev, st.st_ino };
    return true;
}

/* Any peer can provoke these warnings, so at most one a minute is logged. */
static void acceptor_warn(struct acceptor *a, const char *address, const char *what)
{
    int64_t now = clock_mono_ms(&clock_system);

    if (a->warned_mono_ms != 0 && now - a->warned_mono_ms < WARN_EVERY_MS)
        return;
    a->warned_mono_ms = now;
    log_warn("accept", "address=%s text=%s", address, what);
}

/* Failures are ignored: without these options connections work, but are slower, and one to a vanished peer stays open.
 * The keepalive is the kernel's (TCP), not HTTP/2's: a client whose program is stopped for a moment, for example behind
 * a pager, still answers it. A dead peer is noticed after 60 + 3 * 20 s. */
static void acceptor_set_tcp_options(int fd)
{
    const int on = 1, idle_s = 60, every_s = 20, times = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

/* Decides on one accepted connection. Takes the descriptor. */
static void acceptor_handle_connection(struct acceptor *a, size_t which, int fd)
{
    const struct listener *l = &a->listeners[which];
    struct peer_key key;

    memset(&key, 0, sizeof key); /* padding too: it is compared as bytes */
    if (!(l->where.is_unix ? acceptor_check_unix_peer : acceptor_check_tcp_peer)(a, &l->where, fd, &key)) {
        close(fd);
        return;
    }
    if (!acceptor_has_room_for(a, &key) || !acceptor_note_connection(a, &key, fd)) {
        acceptor_warn(a, l->address, "refused: too many connections from one user, from one address, or in total");
        close(fd);
        return;
    }
    if (!l->where.is_unix)
        acceptor_set_tcp_options(fd);
    a->options.accepted(a->options.ctx, which, fd);
}

/* Accepts until the backlog is empty or the turn is over. False when descriptors or memory have run out: the caller
 * pauses, since the connection stays in the backlog and would wake poll again at once. Errors of one connection
 * (ECONNABORTED) do not end the batch; any other error ends it until the next poll. */
static bool acceptor_accept_batch(struct acceptor *a, size_t which)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(a->listeners[which].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            acceptor_handle_connection(a, which, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            acceptor_warn(a, a->listeners[which].address, strerror(errno));
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return true;
        }
    }
    return true;
}

/* What the thread does next. */
enum acceptor_next { ACCEPTOR_ACCEPT, ACCEPTOR_PAUSE, ACCEPTOR_STOP };

/* Waits for connections and takes them. While pausing, it polls the stop event alone: a listener with a backlog stays
 * readable, so that polling it without being able to accept would spin. */
static enum acceptor_next acceptor_poll_once(struct acceptor *a, bool is_pausing)
{
    struct pollfd at[NET_ADDRESSES_MAX + 1] = { { .fd = a->stop, .events = POLLIN } };
    nfds_t count = is_pausing ? 1 : a->count + 1;
    enum acceptor_next next = ACCEPTOR_ACCEPT;

    for (size_t i = 0; i < a->count; i++)
        at[i + 1] = (struct pollfd){ .fd = a->listeners[i].fd, .events = POLLIN };
    if (poll(at, count, is_pausing ? PAUSE_MS : -1) < 0)
        ASSERT(errno == EINTR || errno == ENOMEM);
    if (at[0].revents != 0)
        return ACCEPTOR_STOP;
    for (size_t i = 1; i < count; i++) {
        if (at[i].revents != 0 && !acceptor_accept_batch(a, i - 1))
            next = ACCEPTOR_PAUSE;
    }
    return next;
}

static void *acceptor_thread(void *arg)
{
    enum acceptor_next next = ACCEPTOR_ACCEPT;

    while (next != ACCEPTOR_STOP)
        next = acceptor_poll_once(arg, next == ACCEPTOR_PAUSE);
    return NULL;
}

/* The cap in total: CONNECTIONS_MAX, or less if RLIMIT_NOFILE would not leave DESCRIPTORS_KEPT for the rest of the
 * program. Each connection is charged for TLS, the dearest kind. */
static size_t acceptor_connections_max(void)
{
    struct rlimit files;
    size_t room;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / DESCRIPTORS_EACH > 2 * CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    room = files.rlim_cur / 2 < DESCRIPTORS_KEPT ? files.rlim_cur / 2 : files.rlim_cur - DESCRIPTORS_KEPT;
    return room / DESCRIPTORS_EACH < CONNECTIONS_MAX ? room / DESCRIPTORS_EACH : CONNECTIONS_MAX;
}

struct acceptor *acceptor_open(struct listener *listeners, size_t count, const struct acceptor_options *options)
{
    struct acceptor *a = mem_zero(sizeof *a);

    ASSERT(count <= NET_ADDRESSES_MAX);
    a->listeners = listeners;
    a->count = count;
    a->options = *options;
    a->connections_max = acceptor_connections_max();
    acceptor_set_readers(a, options->reader_uid, options->reader_gid);
    a->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(a->stop >= 0);
    ASSERT(pthread_create(&a->thread, NULL, acceptor_thread, a) == 0);
    pthread_setname_np(a->thread, "rpc-acceptor");
    return a;
}

void acceptor_close(struct acceptor *a)
{
    const uint64_t one = 1;

    if (a == NULL)
        return;
    ASSERT(write(a->stop, &one, sizeof one) == sizeof one);
    pthread_join(a->thread, NULL);
    for (size_t i = 0; i < a->count; i++)
        listener_close(&a->listeners[i]);
    close(a->stop);
    free(a->connections);
    free(a);
}
