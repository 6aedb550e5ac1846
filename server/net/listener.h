/* server/net/listener.h: listening sockets. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/address.h"

#include <sys/types.h>
#include <time.h>

#define LISTEN_ADDRESS_MAX 128

struct listener {
    struct net_address where; /* with the port that was bound */
    int fd;                   /* -1: not open */
    dev_t dev;                /* of the socket file, so that only our own file is removed */
    ino_t ino;
    struct timespec made;
    char address[LISTEN_ADDRESS_MAX]; /* as a client writes it */
};

/* Binds and listens, non-blocking. A missing folder of a Unix socket is made (0700 for admin, else 0755). A stale
 * socket is removed; a socket that a process answers, or a file that is no socket, is FAILED_PRECONDITION. An admin
 * socket is 0600 from the first moment; a reader's is 0666, and the acceptor decides who may use it. */
MUST_CHECK bool listener_open(struct listener *l, const struct net_address *where, struct error *err);

/* Stops listening; the socket file stays. */
void listener_close(struct listener *l);

/* Removes the socket file, if it is still the one that listener_open made. */
void listener_remove(const struct listener *l);

#endif
