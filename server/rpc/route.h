/* server/rpc/route.h: where calls of a method arrive, and where they are counted: what server.c hands to the call
 * layer. */
#ifndef RPC_ROUTE_H
#define RPC_ROUTE_H

#include "rpc/call.h"
#include "rpc/census.h"
#include "rpc/cq.h"
#include "rpc/server.h"

#define PEER_TEXT_MAX 128

/* The counts of one method, over all listeners. Any thread. */
struct tally {
    _Atomic uint64_t started, handled[RPC_CODES];
};

/* One method on one core server, that is, for one listener and one role. Read-only once calls are armed on it. */
struct route {
    const struct call_method *method; /* NULL: all unknown methods */
    void *service;
    grpc_server *server; /* the server that a call arrives on tells its role */
    void *handle;        /* the core's, of the registered method; NULL without a method */
    enum net_role role;
    bool is_tls;
    int64_t stream_ms; /* how long a stream may last; 0: no limit */
    const char *peer;  /* "admin unix:/run/..." */
    struct census *census;
    struct tally *tally;
};

/* Arms one call: it waits on this queue for a client. When it arrives, the next is armed. Queue thread, or before it
 * runs. */
void call_arm(const struct route *route, struct cq *q);

/* Queue thread: asks every stream to end, since the server shuts down. */
void calls_drain(struct cq *q);

/* Queue thread: calls ready on every stream whose topic is in the mask. For cq_create. */
void calls_woken(struct cq *q, uint64_t topics);

#endif
