/* server/rpc/call.h: one gRPC call, as its handler sees it.
 *
 * A handler runs on the call's queue thread and must not block (a short read of the store is fine). The functions of a
 * call are for that thread, except call_ticket_*, which any thread may use. A handler never frees a call: after
 * call_reply, call_fail or call_finish it must not touch the call again. */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "base/error.h"
#include "base/str.h"
#include "net/role.h"

#include <protobuf-c/protobuf-c.h>

#define CALL_REQUEST_BYTES_MAX  (256u << 10) /* requests are small; this is generous */
#define CALL_RESPONSE_BYTES_MAX (4u << 20)   /* the default limit of gRPC clients */
#define CALL_TOPICS_MAX         64

struct call;

enum call_kind { CALL_UNARY, CALL_SERVER_STREAM, CALL_BIDI_STREAM };

/* A method that the server registers. */
struct call_method {
    const char *path; /* "/okta.connector.v1.Connector/Status" */
    enum call_kind kind;
    /* The least role. A NET_READER that calls a NET_ADMIN method gets PERMISSION_DENIED, before start. */
    enum net_role needs;
    bool on_own_queue; /* runs on the queue whose thread never touches the store: health */
    const ProtobufCMessageDescriptor *request;
    /* A request has arrived. It is parsed, and valid until start returns. Unary: answer with call_reply or call_fail,
     * now or, through a ticket, later. Server stream: call_stream, or call_fail. Bidi: each further request goes to
     * ops.message. */
    void (*start)(void *service, struct call *c, const ProtobufCMessage *request);
};

enum net_role call_role(const struct call *c);
const char *call_peer(const struct call *c);         /* our address: "admin unix:/run/..."; never the client's */
int64_t call_deadline_mono_ms(const struct call *c); /* INT64_MAX: none */

/* ---- unary ---- */

void call_reply(struct call *c, const ProtobufCMessage *response);
/* The same with an encoded response. The bytes become gRPC's without a copy; *bytes is left empty. */
void call_reply_bytes(struct call *c, struct buf *bytes);
/* Sends the error as status code, text and google.rpc.Status details (error_status.h). Also allowed before call_stream.
 */
void call_fail(struct call *c, const struct error *err);

/* A deferred answer, from any thread. The call may be cancelled meanwhile; the ticket stays valid until it is used,
 * which happens exactly once. */
struct call_ticket;
struct call_ticket *call_defer(struct call *c);
bool call_ticket_is_cancelled(const struct call_ticket *t); /* the caller is gone; the holder may stop its work */
void call_ticket_reply(struct call_ticket **t, const ProtobufCMessage *response);
void call_ticket_fail(struct call_ticket **t, const struct error *err);

/* ---- streams ---- */

struct call_stream_ops {
    /* The stream may write. Called first after call_stream, then after each write that has gone out, and after each
     * wake or timer while no write is in flight. Do one of: call_write, call_write_message, call_finish; or return, and
     * be called at the next of these. */
    void (*ready)(void *stream, struct call *c);
    /* Bidi only: a request has arrived; NULL: the client has sent its last. Valid until this returns. `ready` follows,
     * and replies by call_write. The next request is read once that write has gone out. */
    void (*message)(void *stream, struct call *c, const ProtobufCMessage *request);
    /* The stream has to end: the server is shutting down (UNAVAILABLE, SHUTTING_DOWN), the connection has lasted as
     * long as one may (UNAVAILABLE, CONNECTION_AGED) or the caller's deadline is near (DEADLINE_EXCEEDED): Finish with
     * that code and your trailers, at once or after the batch in flight; ready comes next. `why` is valid until this
     * returns. If drain is NULL, the call is finished with `why`. */
    void (*drain)(void *stream, struct call *c, const struct error *why);
    /* The last callback: free the stream. */
    void (*ended)(void *stream);
};

/* Turns the call into a stream. ready is called soon afterwards, from the queue, never from within this function. */
void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream);

/* Writes one encoded message. The bytes become gRPC's without a copy; *bytes is left empty. At most one write may be in
 * flight: ASSERTs that none is. */
void call_write(struct call *c, struct buf *bytes);
void call_write_message(struct call *c, const ProtobufCMessage *m);

/* Ends the stream after the write in flight, with OK if err is NULL. */
void call_finish(struct call *c, const struct error *err);
/* The same with a last message, which leaves in one batch with the status: if the connection closes right afterwards,
 * the client gets both or neither. Only while no write is in flight, that is, in ready. */
void call_finish_message(struct call *c, const ProtobufCMessage *last, const struct error *err);

/* Adds trailing metadata, which is copied. At most 4; before call_finish, call_reply or call_fail. */
void call_trailer(struct call *c, const char *key, const char *value);

/* Sets the stream's timer: ready is called at that time, if no write is in flight. A later call replaces an earlier
 * one. INT64_MAX: none. */
void call_timer(struct call *c, int64_t at_mono_ms);

/* Subscribes the stream: ready is called after rpc_wake(topic), if no write is in flight. A call has one topic. */
void call_topic(struct call *c, unsigned topic);

#endif
