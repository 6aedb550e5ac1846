/* server/rpc/call_lifecycle.h: the inside of a call, shared by call.c and call_lifecycle.c. Queue thread. */
#ifndef RPC_CALL_LIFECYCLE_H
#define RPC_CALL_LIFECYCLE_H

#include "rpc/route.h"

#define CALL_TRAILERS_MAX 4 /* for the handler; one more is for grpc-status-details-bin */

enum call_state {
    CALL_ARMED,  /* waits in the core for a client to call */
    CALL_OPEN,   /* belongs to the handler, which answers, defers by a ticket, or makes it a stream */
    CALL_ENDING, /* the status is decided, but has to wait for the write in flight */
    CALL_ENDED,  /* the status is with the core, or the caller is gone; the last op that comes back frees the call */
};

struct call {
    /* set before it is armed, then read-only */
    const struct route *route;
    struct cq *q;

    /* queue thread */
    enum call_state state;
    unsigned ops; /* how many are with the core; see call_lifecycle.c for who frees a call */
    struct op arrived, closed, begin, headers, wrote, read, finished;

    grpc_call *raw;
    gpr_timespec deadline;
    grpc_call_details details; /* only for an unknown method */
    grpc_metadata_array metadata;
    grpc_byte_buffer *request; /* set by the core when `arrived` or `read` comes back */
    int is_cancelled;

    grpc_byte_buffer *writing; /* the message in flight; NULL: none */
    bool has_headers;          /* they are sent, or on their way */
    bool is_reading;           /* `read` is with the core */
    bool is_broken;            /* a write has failed: `closed` will come */

    enum error_code code;
    grpc_slice text;
    grpc_metadata *trailers;
    size_t trailer_count;

    const struct call_stream_ops *stream_ops;
    void *stream;
    struct call_ticket *ticket;
    struct timer timer;  /* set by call_timer */
    struct timer expiry; /* fires a moment before the deadline */
    struct timer age;    /* limits how long a stream lasts */
    unsigned topic;      /* CALL_TOPICS_MAX: none */

    struct call *next, **link; /* in the queue's list of calls; `link` is what points to this one */
};

/* Starts a batch, whose completion goes to tag->done. Adds one to ops. */
void lifecycle_start(struct call *c, const grpc_op *ops, size_t count, struct op *tag);

/* Writes a message, which is taken. It is dropped if the call is over. ASSERTs that no other is in flight. */
void lifecycle_write(struct call *c, grpc_byte_buffer *message);

/* Adds a trailer. Takes the value. */
void lifecycle_trailer(struct call *c, const char *key, grpc_slice value);

/* Starts the timer that limits how long a stream lasts over TCP. */
void lifecycle_limit_age(struct call *c);

/* Ends an open call: with OK if err is NULL, otherwise with the error. Takes the answer of a unary call; NULL: none. */
void lifecycle_end(struct call *c, const struct error *err, grpc_byte_buffer *answer);

#endif
