/* server/rpc/call_lifecycle.h: a call as call.c and call_lifecycle.c share it. Queue thread. */
#ifndef RPC_CALL_LIFECYCLE_H
#define RPC_CALL_LIFECYCLE_H

#include "rpc/route.h"

#define CALL_TRAILERS_MAX 4 /* the handler's; one more is ours */

enum call_state {
    CALL_ARMED,  /* waits in the core for a client */
    CALL_OPEN,   /* the handler's: it answers, defers by a ticket, or makes it a stream */
    CALL_ENDING, /* how it ends is said, but a write is still in flight */
    CALL_ENDED,  /* the status is with the core, or the caller is gone; the last op to come back frees the call */
};

struct call {
    /* set before it is armed, then read-only */
    const struct route *route;
    struct cq *q;

    /* queue thread */
    enum call_state state;
    unsigned ops; /* with the core */
    struct op arrived, closed, begin, headers, wrote, read, finished;

    grpc_call *raw;
    gpr_timespec deadline;
    grpc_call_details details; /* of an unknown method */
    grpc_metadata_array metadata;
    grpc_byte_buffer *request; /* the next one, when `arrived` or `read` is back */
    int is_cancelled;

    grpc_byte_buffer *writing; /* what is in flight */
    bool has_headers, is_reading, is_broken;

    enum error_code code;
    grpc_slice text;
    grpc_metadata *trailers;
    size_t trailer_count;

    const struct call_stream_ops *stream_ops;
    void *stream;
    struct call_ticket *ticket;
    struct timer timer;  /* the stream's */
    struct timer expiry; /* a moment before the deadline */
    struct timer age;    /* of a stream that may last only so long */
    unsigned topic;      /* CALL_TOPICS_MAX: none */

    struct call *next, **link; /* among the calls of the queue */
};

/* A batch whose completion is the tag's. */
void lifecycle_start(struct call *c, const grpc_op *ops, size_t count, struct op *tag);

/* Takes the message. Dropped where nobody would get it. ASSERTs that no other is in flight. */
void lifecycle_write(struct call *c, grpc_byte_buffer *message);

/* Takes the value. */
void lifecycle_trailer(struct call *c, const char *key, grpc_slice value);

/* The call has become a stream: over TCP it may last only so long. */
void lifecycle_limit_age(struct call *c);

/* Says how an open call ends: with OK where err is NULL. Takes the answer of a unary call; NULL for none. */
void lifecycle_end(struct call *c, const struct error *err, grpc_byte_buffer *answer);

#endif
