/* server/rpc/acceptor.h: who may connect.
 *
 * Nothing in the core ties a call to its peer's user, so that is decided when a connection is accepted: one thread
 * accepts on all listeners, asks the kernel who connects, counts, and hands the descriptor on: to the gRPC server of
 * that listener, or, where it is served by TLS, to the relay. On an admin socket: our own user and root. On a reader's:
 * these, and reader_uid, and who is in reader_gid. On loopback TCP: whoever is on this machine. By TLS: whoever can
 * reach it, to show his certificate. Others are closed without a word.
 *
 * Of one user, and of one address (of IPv6: one network of 64 bits), only so many may be open; and of all together no
 * more than leaves the rest of the program enough descriptors. */
#ifndef RPC_ACCEPTOR_H
#define RPC_ACCEPTOR_H

#include "net/listener.h"

struct acceptor;

struct acceptor_options {
    int64_t reader_uid, reader_gid;   /* -1: nobody */
    unsigned connections_per_uid_max; /* of one user, and of one address over TCP */
    /* On the door's thread: listeners[which] has a visitor. Takes the descriptor. */
    void (*accepted)(void *ctx, size_t listener, int fd);
    void *ctx;
};

/* Starts the thread. The listeners are borrowed until acceptor_close. */
struct acceptor *acceptor_open(struct listener *listeners, size_t count, const struct acceptor_options *options);

/* Any thread: who may use reader sockets from now on; who is in stays. */
void acceptor_set_readers(struct acceptor *a, int64_t reader_uid, int64_t reader_gid);

/* Nobody is let in from here on. Ends the thread, closes the listeners, frees. NULL is fine. */
void acceptor_close(struct acceptor *a);

/* Who connects, as the kernel says. */
struct acceptor_peer {
    bool is_unix, is_tls;
    uint32_t uid;
    const uint32_t *groups; /* all of them, the first included */
    size_t group_count;
};
bool acceptor_admits(const struct acceptor_options *options, enum net_role role, const struct acceptor_peer *peer);

#endif
