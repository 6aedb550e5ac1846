/* server/rpc/call.h: one gRPC call, as the code that answers it sees it.
 *
 * A handler runs on the call's queue thread and must not block (a short read of the store is fine). A call's functions
 * are for that thread, but for call_ticket_*, which any thread may use. A handler never frees a call: after
 * call_reply, call_fail or call_finish it is gone. */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "base/error.h"
#include "base/str.h"
#include "net/role.h"

#include <protobuf-c/protobuf-c.h>

#define CALL_REQUEST_BYTES_MAX  (256u << 10) /* a request is small; this is generous */
#define CALL_RESPONSE_BYTES_MAX (4u << 20)   /* what clients accept by default */
#define CALL_TOPICS_MAX         64

struct call;

enum call_kind { CALL_UNARY, CALL_SERVER_STREAM, CALL_BIDI_STREAM };

/* A method that the server registers. */
struct call_method {
    const char *path; /* "/okta.connector.v1.Connector/Status" */
    enum call_kind kind;
    enum net_role
        needs; /* a caller who is only NET_READER is refused NET_ADMIN methods, PERMISSION_DENIED, before start */
    bool on_own_queue; /* answered on the queue and thread that never touch the store: health */
    const ProtobufCMessageDescriptor *request;
    /* A request is there, parsed; valid until start returns. Unary: answer with call_reply or call_fail, now or,
     * through a ticket, later. Server stream: call_stream, or call_fail. Bidi: each further request comes to
     * ops.message. */
    void (*start)(void *service, struct call *c, const ProtobufCMessage *request);
};

enum net_role call_role(const struct call *c);
const char *call_peer(const struct call *c);         /* "admin unix:/run/...", for Status; no address of a person */
int64_t call_deadline_mono_ms(const struct call *c); /* INT64_MAX: none */

/* ---- unary ---- */

void call_reply(struct call *c, const ProtobufCMessage *response);
/* The response already encoded: the bytes become gRPC's without a copy, *bytes is emptied. */
void call_reply_bytes(struct call *c, struct buf *bytes);
/* Sends the error as status, text and, with a reason, a google.rpc.ErrorInfo. Also before call_stream. */
void call_fail(struct call *c, const struct error *err);

/* Answer later, from any thread: the call may be cancelled meanwhile, the ticket stays good until used, once. */
struct call_ticket;
struct call_ticket *call_defer(struct call *c);
bool call_ticket_is_cancelled(const struct call_ticket *t); /* the caller is gone: working on is up to you */
void call_ticket_reply(struct call_ticket **t, const ProtobufCMessage *response);
void call_ticket_fail(struct call_ticket **t, const struct error *err);

/* ---- streams ---- */

struct call_stream_ops {
    /* The stream may write: at first, after each write that went out, after each wake or timer while nothing is being
     * written. Do one of: call_write, call_write_message, call_finish; or nothing, and wait. */
    void (*ready)(void *stream, struct call *c);
    /* Bidi only: a request came; NULL: the client has sent its last. Valid until it returns; reply by call_write. The
     * next is read after it has been answered (ready was called and wrote). */
    void (*message)(void *stream, struct call *c, const ProtobufCMessage *request);
    /* It has to end, since the server is shutting down (UNAVAILABLE, SHUTTING_DOWN), the connection has lasted as long
     * as one may (UNAVAILABLE, CONNECTION_AGED) or the caller's deadline is near (DEADLINE_EXCEEDED): finish with that
     * code and your trailers, at once or after the batch under way; ready comes next. `why` is valid until it returns.
     * NULL: the call layer finishes it with `why`. */
    void (*drain)(void *stream, struct call *c, const struct error *why);
    /* The last call of all; free the stream. */
    void (*ended)(void *stream);
};

/* Turns the call into a stream. ready is called soon, from the queue, not from within. */
void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream);

/* One message, already encoded: the bytes become gRPC's without a copy, *bytes is emptied. At most one write is in
 * flight: ASSERTs that none is. */
void call_write(struct call *c, struct buf *bytes);
void call_write_message(struct call *c, const ProtobufCMessage *m);

/* Ends the stream, with OK when err is NULL, after the write in flight. */
void call_finish(struct call *c, const struct error *err);
/* The same with a last message, sent together with the status: a connection that closes right after is read to the end
 * or not at all. While nothing is being written (in ready). */
void call_finish_message(struct call *c, const ProtobufCMessage *last, const struct error *err);

/* Trailing metadata, copied; at most 4; before call_finish, call_reply or call_fail. */
void call_trailer(struct call *c, const char *key, const char *value);

/* ready is called at that time if it has not been meanwhile; a later call replaces an earlier. INT64_MAX: none. */
void call_timer(struct call *c, int64_t at_mono_ms);

/* ready is called after rpc_wake(topic) while nothing is being written. A call has one topic. */
void call_topic(struct call *c, unsigned topic);

#endif
