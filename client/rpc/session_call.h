/* client/rpc/session_call.h: what session.c lends to call.c; for those two alone. */
#ifndef CLIENT_RPC_SESSION_CALL_H
#define CLIENT_RPC_SESSION_CALL_H

#include "client/rpc/session.h"

#include <grpc/grpc.h>

/* The tag of a batch, embedded in what it belongs to; session_wait marks it. */
struct op {
    bool is_done;
};

/* A call that is not under way yet. timeout_ms 0: no deadline. */
grpc_call *session_make_call(struct session *s, const char *path, int64_t timeout_ms);

#endif
