/* server/rpc/relay.h: terminates TLS in front of gRPC.
 *
 * gRPC's own TLS ports would accept for themselves, with three drawbacks: connections could not be capped per address;
 * one moment without file descriptors would end such a port for good; and handshakes would run on the thread that
 * answers health checks. So the acceptor accepts for TLS as well, and one thread here does the handshakes and the
 * encryption. Plaintext crosses a socket pair; gRPC gets the other end of it and treats it as a Unix socket.
 *
 * Only a peer with a certificate that a client CA has signed gets that far. Its role is decided once, after the
 * handshake, and holds for as long as the connection lasts. */
#ifndef RPC_RELAY_H
#define RPC_RELAY_H

#include "rpc/certificates.h"

struct relay;

struct relay_options {
    struct certificates *certificates; /* borrowed until relay_close */
    int64_t handshake_ms;              /* maximum time for a handshake */
    /* On the relay's thread: the handshake is done. Takes the descriptor, which is non-blocking. */
    void (*established)(void *ctx, size_t listener, enum net_role role, int fd);
    void *ctx;
};

/* Starts the thread. */
struct relay *relay_open(const struct relay_options *options);

/* Any thread. Takes a connected, non-blocking descriptor, and closes it if too many handshakes are under way. */
void relay_take(struct relay *r, size_t listener, int fd);

/* Any thread: no further handshake completes. Open connections stay. */
void relay_drain(struct relay *r);

/* Waits at most so long for pending bytes to reach the peers, then cuts the remaining connections. Frees. NULL is
 * fine. */
void relay_close(struct relay *r, int64_t at_most_ms);

#endif
