/* server/rpc/acceptor.h: accepts connections and decides who may connect.
 *
 * The gRPC core does not tie a call to the user of its peer, so the decision is made when a connection is accepted. One
 * thread accepts on all listeners, asks the kernel for the peer's credentials, applies the caps, and hands the
 * descriptor on: to the gRPC server of that listener or, if the listener is served by TLS, to the relay.
 *
 *   admin Unix socket    our own user and root
 *   reader Unix socket   these, reader_uid, and the members of reader_gid
 *   loopback TCP         every user of this machine, as a reader
 *   TLS                  every peer that can reach it; the handshake asks for a certificate
 *
 * All other peers are closed without an answer.
 *
 * The number of open connections is capped per user and per TCP address (an IPv6 network of 64 bits counts as one
 * address), and in total, so that the rest of the program keeps enough file descriptors. */
#ifndef RPC_ACCEPTOR_H
#define RPC_ACCEPTOR_H

#include "net/listener.h"

struct acceptor;

struct acceptor_options {
    int64_t reader_uid, reader_gid;   /* -1: none */
    unsigned connections_per_uid_max; /* also per address over TCP */
    /* On the acceptor's thread: listeners[listener] has accepted a connection that may enter. Takes the descriptor,
     * which is non-blocking. */
    void (*accepted)(void *ctx, size_t listener, int fd);
    void *ctx;
};

/* Starts the thread. The listeners are borrowed until acceptor_close. */
struct acceptor *acceptor_open(struct listener *listeners, size_t count, const struct acceptor_options *options);

/* Any thread: sets who may use reader sockets from now on. Open connections stay. */
void acceptor_set_readers(struct acceptor *a, int64_t reader_uid, int64_t reader_gid);

/* Stops accepting: ends the thread, closes the listeners, frees. NULL is fine. */
void acceptor_close(struct acceptor *a);

/* The credentials of a peer, as the kernel reports them. */
struct acceptor_peer {
    bool is_unix, is_tls;
    uint32_t uid;
    const uint32_t *groups; /* all of them, the primary group included */
    size_t group_count;
};
bool acceptor_admits(const struct acceptor_options *options, enum net_role role, const struct acceptor_peer *peer);

#endif
