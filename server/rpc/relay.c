/* Happy path of a connection, which is called a link here:
 *
 *   1. The acceptor sends the descriptor as a letter to the mailbox.
 *   2. Handshake, within handshake_ms. The peer's certificate gives its role.
 *   3. A socket pair: one end stays here, the other goes to the gRPC server of that role.
 *   4. Bytes flow both ways: SSL_read to send, and recv to SSL_write.
 *   5. gRPC closes its end (half-close). What is left goes to the peer, then TLS's close_notify, then TCP's FIN.
 *   6. The link lingers until the peer closes its side too, at most LINGER_MS: a close with unread input would make the
 *      kernel send a reset, which can destroy the last bytes before the peer has read them.
 *
 * A link fails, and is dropped, when the handshake fails or times out, when the peer leaves, or when it breaks TLS. A
 * failed handshake still lingers, so that the peer gets the TLS alert that says why.
 *
 * Buffers and back-pressure. An idle link holds no buffer: bytes are read into `scratch`, which all links share, and
 * only what the other side does not accept at once is copied into the link's `struct unsent`. The invariant: while a
 * direction has unsent bytes, nothing more is read for it. So at most one TLS record is kept a direction; the sender's
 * socket fills up, and the kernel passes the back-pressure on: to gRPC through the socket pair, to the peer through
 * TCP's window.
 *
 * epoll is level-triggered, and each end is watched only for what the link waits for (link_watch_ends). A busy link
 * moves at most RECORDS_PER_TURN records before the others get their turn; epoll reports it again.
 *
 * A dropped link is freed at the end of the turn, since events of the same turn may still point to it. */
#include "rpc/relay.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "rpc/cq.h"
#include "rpc/timers.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_BYTES     16384 /* the largest plaintext of a TLS record */
#define HANDSHAKES_MAX   512   /* under way at a time; each holds some 30 kB */
#define NEW_LINKS_MAX    512   /* in the mailbox, not yet taken by the thread */
#define EVENTS_PER_TURN  64
#define RECORDS_PER_TURN 8 /* in each direction, before other links get their turn */
#define LINGER_MS        2000
#define LOOK_EVERY_MS    60000 /* at the certificate files, while no connection arrives */
#define WARN_EVERY_MS    60000

enum link_phase {
    LINK_HANDSHAKE,
    LINK_OPEN,
    LINK_LINGERING, /* our side is closed; we wait for the peer's, see step 6 */
    LINK_DROPPED,   /* freed at the end of the turn */
};

/* Bytes that were read from one side and not accepted yet by the other. At most RECORD_BYTES. */
struct unsent {
    char *bytes; /* NULL while len is 0 */
    size_t at, len;
};

struct link;
struct link_end {
    struct link *link;
    int fd;           /* -1: not open */
    uint32_t watched; /* the events that epoll reports; 0: it is not registered */
};

struct link {
    struct letter letter; /* while it travels from the acceptor */
    size_t listener;
    enum link_phase phase;
    struct link_end peer_end, grpc_end; /* the peer's socket; our end of the socket pair */
    SSL *session;
    bool read_wants_write; /* TLS can go on reading only once the socket is writable */
    struct unsent to_grpc, to_peer;
    struct timer timer; /* limits the handshake, then the lingering */
    struct relay *relay;
    struct link *next, **at;
};

struct relay {
    /* set before start, then read-only */
    struct relay_options options;
    int epoll, wake_fd;
    struct mailbox *mailbox;
    pthread_t thread;

    /* any thread */
    _Atomic bool is_draining;
    _Atomic int64_t stop_mono_ms; /* when to cut what is left; TIMER_NEVER: not stopping */

    /* relay's thread */
    struct link *links, *dropped;
    size_t handshakes;
    struct timers timers;
    int64_t warned_mono_ms;
    unsigned unwarned; /* failures since the last warning */
    char scratch[RECORD_BYTES];
};

static int64_t relay_now_ms(void)
{
    return clock_mono_ms(&clock_system);
}

/* A peer can provoke these, so at most one a minute is logged, with the number of failures since the last. */
static void relay_warn(struct relay *r, const char *text)
{
    int64_t now = relay_now_ms();

    r->unwarned++;
    if (r->warned_mono_ms != 0 && now - r->warned_mono_ms < WARN_EVERY_MS)
        return;
    log_warn("tls.handshake", "failed=%u text=%s", r->unwarned, text);
    r->warned_mono_ms = now;
    r->unwarned = 0;
}

/* ---- the life of a link ---- */

static void link_drop(struct link *l);

/* Sets the events that epoll reports for an end. The kernel caps a user's epoll registrations (max_user_watches); a
 * link that cannot be watched would hang, so it is dropped. */
static void link_watch_end(struct relay *r, struct link_end *e, uint32_t wanted)
{
    struct epoll_event event = { .events = wanted, .data.ptr = e };
    int how = e->watched == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

    if (e->fd < 0 || wanted == e->watched)
        return;
    if (epoll_ctl(r->epoll, how, e->fd, &event) == 0) {
        e->watched = wanted;
    } else {
        relay_warn(r, strerror(errno));
        link_drop(e->link);
    }
}

static void link_close_end(struct link_end *e)
{
    if (e->fd >= 0)
        close(e->fd); /* this removes it from epoll as well */
    e->fd = -1;
    e->watched = 0;
}

static void link_set_phase(struct link *l, enum link_phase phase)
{
    if (l->phase == LINK_HANDSHAKE && phase != LINK_HANDSHAKE)
        l->relay->handshakes--;
    l->phase = phase;
}

/* Closes the link. Other events of this turn may still point to it, so that it is freed when the turn is over. */
static void link_drop(struct link *l)
{
    struct relay *r = l->relay;

    if (l->phase == LINK_DROPPED)
        return;
    link_set_phase(l, LINK_DROPPED);
    timers_set(&r->timers, &l->timer, TIMER_NEVER);
    link_close_end(&l->peer_end);
    link_close_end(&l->grpc_end);
    *l->at = l->next;
    if (l->next != NULL)
        l->next->at = l->at;
    l->next = r->dropped;
    r->dropped = l;
}

static void link_free(struct link *l)
{
    SSL_free(l->session);
    free(l->to_grpc.bytes);
    free(l->to_peer.bytes);
    free(l);
}

static void relay_free_dropped(struct relay *r)
{
    while (r->dropped != NULL) {
        struct link *l = r->dropped;

        r->dropped = l->next;
        link_free(l);
    }
}

static void link_on_timer(struct timer *t)
{
    struct link *l = CONTAINER_OF(t, struct link, timer);

    if (l->phase == LINK_HANDSHAKE)
        relay_warn(l->relay, "the handshake timed out");
    link_drop(l);
}

/* From the mailbox: puts the link on the list and gives it a session with the certificate in use now. */
static void link_start_handshake(struct relay *r, struct link *l)
{
    l->next = r->links;
    l->at = &r->links;
    if (l->next != NULL)
        l->next->at = &l->next;
    r->links = l;
    r->handshakes++;
    l->session = certificates_session(r->options.certificates);
    ASSERT(l->session != NULL && SSL_set_fd(l->session, l->peer_end.fd) == 1);
    SSL_set_accept_state(l->session);
    timers_set(&r->timers, &l->timer, relay_now_ms() + r->options.handshake_ms);
    link_watch_end(r, &l->peer_end, EPOLLIN);
}

/* ---- unsent bytes ---- */

static void unsent_keep(struct unsent *f, const char *at, size_t len)
{
    ASSERT(f->len == 0 && len <= RECORD_BYTES);
    if (len == 0)
        return;
    f->bytes = mem_copy(at, len);
    f->at = 0;
    f->len = len;
}

static void unsent_advance(struct unsent *f, size_t len)
{
    f->at += len;
    f->len -= len;
    if (f->len > 0)
        return;
    free(f->bytes);
    *f = (struct unsent){ 0 };
}

/* ---- moving bytes: each direction returns whether something moved, and drops a link that is over ---- */

/* True if SSL_read has no whole record yet and must be repeated later. It may need the socket to be writable for that:
 * a TLS 1.3 key update makes OpenSSL answer from within a read. */
static bool link_read_would_block(struct link *l, int result)
{
    int what = SSL_get_error(l->session, result);

    ERR_clear_error();
    l->read_wants_write = what == SSL_ERROR_WANT_WRITE;
    return what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE;
}

/* Returns how much gRPC's end has accepted. A send fails for good only if gRPC has closed its end. Then the bytes count
 * as sent, since no one can read them; link_move_to_peer finds the end of file and closes the link in order. */
static size_t link_send_to_grpc(struct link *l, const char *at, size_t len)
{
    ssize_t sent = send(l->grpc_end.fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : len;
    return (size_t)sent;
}

/* TLS to gRPC: first what is unsent, and only once that is gone, the next record. */
static bool link_move_to_grpc(struct link *l)
{
    struct relay *r = l->relay;
    size_t sent;
    int got;

    if (l->to_grpc.len > 0) {
        sent = link_send_to_grpc(l, l->to_grpc.bytes + l->to_grpc.at, l->to_grpc.len);
        unsent_advance(&l->to_grpc, sent);
        if (l->to_grpc.len > 0)
            return sent > 0;
    }
    ERR_clear_error();
    got = SSL_read(l->session, r->scratch, sizeof r->scratch);
    if (got > 0) {
        sent = link_send_to_grpc(l, r->scratch, (size_t)got);
        unsent_keep(&l->to_grpc, r->scratch + sent, (size_t)got - sent);
        return true;
    }
    if (!link_read_would_block(l, got))
        link_drop(l); /* close_notify, a close without it, or a breach of TLS: no half-close from the peer */
    return false;
}

/* Returns how much TLS has accepted. Drops the link if the peer is gone. */
static size_t link_write_to_peer(struct link *l, const char *at, size_t len)
{
    int sent;

    ERR_clear_error();
    sent = SSL_write(l->session, at, (int)len);
    if (sent > 0)
        return (size_t)sent;
    if (SSL_get_error(l->session, sent) != SSL_ERROR_WANT_WRITE)
        link_drop(l);
    ERR_clear_error();
    return 0;
}

/* Ends our side: the session is freed, TCP sends its FIN, and gRPC's end is closed. See step 6 at the top. */
static void link_linger(struct link *l)
{
    link_set_phase(l, LINK_LINGERING);
    link_close_end(&l->grpc_end);
    SSL_free(l->session);
    l->session = NULL;
    ERR_clear_error();
    (void)shutdown(l->peer_end.fd, SHUT_WR);
    timers_set(&l->relay->timers, &l->timer, relay_now_ms() + LINGER_MS);
}

/* gRPC to TLS, in the same way. gRPC's end of file is the half-close that ends the link. After SSL_write has asked to
 * be repeated, the repeat must offer the same bytes; they come from another address then (scratch was copied to
 * unsent), which SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows. */
static bool link_move_to_peer(struct link *l)
{
    struct relay *r = l->relay;
    ssize_t got;
    size_t sent;

    if (l->to_peer.len > 0) {
        sent = link_write_to_peer(l, l->to_peer.bytes + l->to_peer.at, l->to_peer.len);
        if (l->phase == LINK_DROPPED)
            return false;
        unsent_advance(&l->to_peer, sent);
        if (l->to_peer.len > 0)
            return sent > 0;
    }
    got = recv(l->grpc_end.fd, r->scratch, sizeof r->scratch, MSG_DONTWAIT);
    if (got > 0) {
        sent = link_write_to_peer(l, r->scratch, (size_t)got);
        if (l->phase != LINK_DROPPED)
            unsent_keep(&l->to_peer, r->scratch + sent, (size_t)got - sent);
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        ERR_clear_error();
        (void)SSL_shutdown(l->session); /* sends close_notify */
        link_linger(l);
    }
    return false;
}

/* While lingering: input from the peer is discarded until it closes. */
static void link_discard_input(struct link *l)
{
    ssize_t got = recv(l->peer_end.fd, l->relay->scratch, sizeof l->relay->scratch, MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        link_drop(l);
}

/* ---- the handshake ---- */

/* The handshake is done: decides the role and connects the link to gRPC. A peer that did not negotiate h2, or that
 * arrives while draining, is closed instead. */
static void link_establish(struct link *l)
{
    struct relay *r = l->relay;
    const unsigned char *protocol;
    unsigned len;
    int pair[2];

    SSL_get0_alpn_selected(l->session, &protocol, &len);
    if (len == 0 || atomic_load(&r->is_draining)) {
        if (len == 0)
            relay_warn(r, "the peer does not offer HTTP/2 (ALPN h2)");
        link_linger(l);
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        relay_warn(r, strerror(errno));
        link_drop(l);
        return;
    }
    timers_set(&r->timers, &l->timer, TIMER_NEVER);
    link_set_phase(l, LINK_OPEN);
    l->grpc_end.fd = pair[0];
    r->options.established(r->options.ctx, l->listener, certificates_role(r->options.certificates, l->session),
                           pair[1]);
}

static void link_warn_of_handshake(struct link *l, int what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    long verified = SSL_get_verify_result(l->session);

    if (verified != X509_V_OK)
        relay_warn(l->relay, X509_verify_cert_error_string(verified));
    else if (reason != NULL)
        relay_warn(l->relay, reason);
    else
        relay_warn(l->relay, what == SSL_ERROR_SYSCALL ? "the peer closed the connection" : "the handshake failed");
}

static void link_handshake(struct link *l)
{
    int done, what;

    ERR_clear_error();
    done = SSL_do_handshake(l->session);
    if (done == 1) {
        link_establish(l);
        return;
    }
    what = SSL_get_error(l->session, done);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        l->read_wants_write = what == SSL_ERROR_WANT_WRITE;
    } else {
        link_warn_of_handshake(l, what);
        link_linger(l); /* OpenSSL has written the alert that tells the peer why */
    }
    ERR_clear_error();
}

/* ---- the thread ---- */

/* Watches each end for what the link waits for, and for nothing else. This is where back-pressure happens: an end is
 * watched for input only while the other direction's unsent bytes are gone, and for output only while there are some.
 * Anything more would make the level-triggered epoll spin. */
static void link_watch_ends(struct relay *r, struct link *l)
{
    uint32_t outer = 0, inner = 0;

    switch (l->phase) {
    case LINK_HANDSHAKE:
        outer = l->read_wants_write ? EPOLLOUT : EPOLLIN;
        break;
    case LINK_OPEN:
        outer = (l->to_grpc.len == 0 ? EPOLLIN : 0) | (l->to_peer.len > 0 || l->read_wants_write ? EPOLLOUT : 0);
        inner = (l->to_peer.len == 0 ? EPOLLIN : 0) | (l->to_grpc.len > 0 ? EPOLLOUT : 0);
        break;
    case LINK_LINGERING:
        outer = EPOLLIN;
        break;
    case LINK_DROPPED:
        return;
    }
    link_watch_end(r, &l->peer_end, outer);
    link_watch_end(r, &l->grpc_end, inner);
}

/* Does what an event on either end has made possible. Both directions are tried, whichever end has the event: one read
 * may release a write. Ends after RECORDS_PER_TURN, for fairness; epoll reports the rest again. */
static void link_serve(struct relay *r, struct link *l)
{
    bool has_moved = true;

    if (l->phase == LINK_HANDSHAKE)
        link_handshake(l);
    for (int i = 0; i < RECORDS_PER_TURN && has_moved && l->phase == LINK_OPEN; i++) {
        has_moved = link_move_to_grpc(l);
        if (l->phase == LINK_OPEN && link_move_to_peer(l))
            has_moved = true;
    }
    if (l->phase == LINK_LINGERING)
        link_discard_input(l);
    link_watch_ends(r, l);
}

/* OpenSSL could hold decrypted bytes in its own memory, where epoll does not see them, and the link would stall. That
 * happens only when a read asks for less than a whole record. Our reads never do, and read-ahead is off. */
_Static_assert(RECORD_BYTES >= SSL3_RT_MAX_PLAIN_LENGTH, "a read empties a record");

/* The certificate files are looked at first, so that a connection made after a renewal gets the new certificate. */
static void relay_take_new_links(struct relay *r)
{
    struct letter *letter;
    uint64_t count;

    (void)!read(r->wake_fd, &count, sizeof count);
    certificates_look(r->options.certificates, relay_now_ms());
    while ((letter = mailbox_take(r->mailbox)) != NULL) {
        struct link *l = CONTAINER_OF(letter, struct link, letter);

        if (atomic_load(&r->is_draining) || r->handshakes >= HANDSHAKES_MAX) {
            link_close_end(&l->peer_end);
            link_free(l);
        } else {
            link_start_handshake(r, l);
        }
    }
}

static void relay_drop_links(struct relay *r, bool only_handshakes)
{
    struct link *next;

    for (struct link *l = r->links; l != NULL; l = next) {
        next = l->next;
        if (!only_handshakes || l->phase == LINK_HANDSHAKE)
            link_drop(l);
    }
}

/* Until the next timer, the end of relay_close's patience, or the next look at the certificate files. */
static int relay_timeout_ms(struct relay *r)
{
    int64_t now = relay_now_ms(), until = now + LOOK_EVERY_MS;
    int64_t timer = timers_next(&r->timers), stop = atomic_load(&r->stop_mono_ms);

    until = timer < until ? timer : until;
    until = stop < until ? stop : until;
    return until <= now ? 0 : (int)(until - now);
}

static void relay_poll_once(struct relay *r)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int count = epoll_wait(r->epoll, events, EVENTS_PER_TURN, relay_timeout_ms(r));

    ASSERT(count >= 0 || errno == EINTR);
    for (int i = 0; i < count; i++) {
        struct link_end *e = events[i].data.ptr;

        if (e == NULL)
            relay_take_new_links(r);
        else if (e->link->phase != LINK_DROPPED)
            link_serve(r, e->link);
    }
    timers_run(&r->timers, relay_now_ms());
    if (atomic_load(&r->is_draining))
        relay_drop_links(r, true);
    relay_free_dropped(r);
    certificates_look(r->options.certificates, relay_now_ms());
}

static void *relay_thread(void *arg)
{
    struct relay *r = arg;

    for (;;) {
        int64_t stop = atomic_load(&r->stop_mono_ms);

        if (stop != TIMER_NEVER && (r->links == NULL || relay_now_ms() >= stop))
            break;
        relay_poll_once(r);
    }
    relay_drop_links(r, false);
    relay_free_dropped(r);
    return NULL;
}

/* ---- from outside ---- */

static void relay_wake_thread(void *ctx)
{
    struct relay *r = ctx;
    const uint64_t one = 1;

    ASSERT(write(r->wake_fd, &one, sizeof one) == sizeof one);
}

struct relay *relay_open(const struct relay_options *options)
{
    struct relay *r = mem_zero(sizeof *r);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    r->options = *options;
    atomic_init(&r->stop_mono_ms, TIMER_NEVER);
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(r->epoll >= 0 && r->wake_fd >= 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->wake_fd, &event) == 0);
    r->mailbox = mailbox_create(NEW_LINKS_MAX, relay_wake_thread, r);
    ASSERT(pthread_create(&r->thread, NULL, relay_thread, r) == 0);
    pthread_setname_np(r->thread, "rpc-tls");
    return r;
}

void relay_take(struct relay *r, size_t listener, int fd)
{
    struct link *l = mem_zero(sizeof *l);
    struct letter *letter = &l->letter;

    l->listener = listener;
    l->relay = r;
    l->timer.due = link_on_timer;
    l->peer_end = (struct link_end){ .link = l, .fd = fd };
    l->grpc_end = (struct link_end){ .link = l, .fd = -1 };
    if (mailbox_send(r->mailbox, &letter))
        return;
    link_close_end(&l->peer_end);
    link_free(l);
}

void relay_drain(struct relay *r)
{
    atomic_store(&r->is_draining, true);
    relay_wake_thread(r);
}

void relay_close(struct relay *r, int64_t at_most_ms)
{
    if (r == NULL)
        return;
    atomic_store(&r->is_draining, true);
    atomic_store(&r->stop_mono_ms, relay_now_ms() + at_most_ms);
    relay_wake_thread(r);
    pthread_join(r->thread, NULL);
    mailbox_close(r->mailbox);
    relay_take_new_links(r); /* is_draining is set, so that these are closed */
    mailbox_destroy(r->mailbox);
    timers_deinit(&r->timers);
    close(r->epoll);
    close(r->wake_fd);
    free(r);
}
