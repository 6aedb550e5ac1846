/* server/rpc/relay.h: TLS in front of gRPC.
 *
 * gRPC's own TLS ports accept for themselves: nobody can cap the connections of one address there, one moment without
 * descriptors ends them for good, and handshakes run on the thread that answers health. So the door accepts for TLS as
 * well, and one thread here does the handshakes and the ciphering; what is plain goes over a socket pair, whose other
 * end is handed to gRPC as that of a Unix socket is.
 *
 * Nobody gets that far without a certificate that a client CA vouches for; what it may do is decided then, once. */
#ifndef RPC_RELAY_H
#define RPC_RELAY_H

#include "rpc/certificates.h"

struct relay;

struct relay_options {
    struct certificates *certificates; /* borrowed until relay_close */
    int64_t handshake_ms;              /* that one may take */
    /* On the relay's thread: the handshake is done. Takes the descriptor, which is non-blocking. */
    void (*established)(void *ctx, size_t listener, enum net_role role, int fd);
    void *ctx;
};

/* Starts the thread. */
struct relay *relay_open(const struct relay_options *options);

/* Any thread. Takes a connected, non-blocking descriptor; closes it when there are too many. */
void relay_take(struct relay *r, size_t listener, int fd);

/* Any thread: no handshake is finished any more; who is in stays. */
void relay_drain(struct relay *r);

/* Waits until all that was said has left, at most so long, then cuts the rest. Frees. NULL is fine. */
void relay_close(struct relay *r, int64_t at_most_ms);

#endif
