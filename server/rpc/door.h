/* server/rpc/door.h: who may connect.
 *
 * Nothing in the core ties a call to its peer's user, so that is decided when a connection is accepted: one thread
 * accepts on all listeners, asks the kernel who connects, counts, and hands the descriptor to the gRPC server of that
 * listener. On an admin socket: our own user and root. On a reader's: these, and reader_uid, and who is in reader_gid.
 * On loopback TCP: whoever is on this machine. Others are closed without a word. */
#ifndef RPC_DOOR_H
#define RPC_DOOR_H

#include "rpc/listen.h"

#include <grpc/grpc.h>

struct door;

struct door_options {
    int64_t reader_uid, reader_gid;   /* -1: nobody */
    unsigned connections_per_uid_max; /* of one user, and of one address over TCP */
};

/* Starts the thread. listeners[i] lets in to servers[i]; both are borrowed until door_close. */
struct door *door_open(struct listener *listeners, grpc_server *const *servers, size_t count,
                       const struct door_options *options);

/* Nobody is let in from here on. Ends the thread, closes the listeners, frees. NULL is fine. */
void door_close(struct door *d);

/* Who connects, as the kernel says. */
struct door_peer {
    bool is_unix;
    uint32_t uid;
    const uint32_t *groups; /* all of them, the first included */
    size_t group_count;
};
bool door_admits(const struct door_options *options, enum call_role role, const struct door_peer *peer);

#endif
