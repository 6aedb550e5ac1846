/* server/rpc/route.h: what server.c hands to call.c: where calls come in, and who counts them. */
#ifndef RPC_ROUTE_H
#define RPC_ROUTE_H

#include "rpc/call.h"
#include "rpc/census.h"
#include "rpc/cq.h"
#include "rpc/server.h"

#define PEER_TEXT_MAX 128

/* Of one method, on all listeners together. Any thread. */
struct tally {
    _Atomic uint64_t started, handled[RPC_CODES];
};

/* One method on one listener, for one role. Read-only once calls are armed on it. */
struct route {
    const struct call_method *method; /* NULL: whatever no method claims */
    void *service;
    grpc_server *server; /* the server a call arrives on tells its role */
    void *handle;        /* of the registered method; NULL without a method */
    enum net_role role;
    bool is_tls;
    int64_t stream_ms; /* that a stream may last; 0: for ever */
    const char *peer;  /* "admin unix:/run/..." */
    struct census *census;
    struct tally *tally;
};

/* Waits for one call of this route on this queue; when it comes, for the next. Queue thread, or before it runs. */
void call_arm(const struct route *route, struct cq *q);

/* Queue thread: tells every stream that the server is going. */
void calls_drain(struct cq *q);

/* Queue thread: gives ready to every stream whose topic is in the mask. For cq_create. */
void calls_woken(struct cq *q, uint64_t topics);

#endif
