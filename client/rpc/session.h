/* client/rpc/session.h: one connection to a server, and the calls on it.
 *
 * One channel, one completion queue, one thread: the caller's. Nothing runs behind its back: session_wait takes one
 * event from the queue and notes it in the call or stream that it belongs to, so a stream and a unary call can be under
 * way side by side. Ctrl-C (client/term/interrupt.h) ends every wait. */
#ifndef CLIENT_RPC_SESSION_H
#define CLIENT_RPC_SESSION_H

#include "client/rpc/tls.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#define SESSION_RESPONSE_BYTES_MAX (8u << 20) /* servers keep to 4 MiB */

/* A method of the service. */
struct method {
    const char *path; /* "/okta.connector.v1.Connector/Status" */
    const ProtobufCMessageDescriptor *response;
};

struct session;

/* Connects to "unix:/path" or "host:port" within timeout_ms. UNAVAILABLE, with the cause, when nobody is there;
 * DEADLINE_EXCEEDED when somebody is, and says nothing; PERMISSION_DENIED when this user may not open the socket;
 * CANCELLED when interrupted. `tls` (NULL, or not on: none) is for host:port; INVALID_ARGUMENT when its files cannot
 * be used. */
MUST_CHECK bool session_open(struct session **out, const char *address, const struct tls *tls, int64_t timeout_ms,
                             struct error *err);
void session_close(struct session *s); /* after its calls and streams; NULL is fine */

/* Handles one event; returns at the latest at until_mono_ms. False when nothing came: it is time, or a signal came. */
bool session_wait(struct session *s, int64_t until_mono_ms);

/* ---- unary ---- */

/* Asks and waits. timeout_ms > 0. *response is the caller's: protobuf_c_message_free_unpacked. */
MUST_CHECK bool session_call(struct session *s, const struct method *m, const ProtobufCMessage *request,
                             int64_t timeout_ms, ProtobufCMessage **response, struct error *err);

/* The same in two halves. `call_finish` waits for what is still under way and leaves NULL in *c. */
struct call;
struct call *call_start(struct session *s, const struct method *m, const ProtobufCMessage *request, int64_t timeout_ms);
bool call_is_done(const struct call *c);
MUST_CHECK bool call_finish(struct call **c, ProtobufCMessage **response, struct error *err);
void call_drop(struct call **c); /* cancels; *c may be NULL */

/* ---- a stream of responses ---- */

struct stream;
enum stream_state {
    STREAM_WAITING, /* nothing has come */
    STREAM_MESSAGE, /* *message is the caller's */
    STREAM_ENDED,   /* with OK, or with an error in *err */
};

/* timeout_ms 0: the stream may last for ever. */
struct stream *stream_open(struct session *s, const struct method *m, const ProtobufCMessage *request,
                           int64_t timeout_ms);
/* What has come; does not wait. On STREAM_ENDED err->code is ERROR_OK for a good end. */
enum stream_state stream_take(struct stream *st, ProtobufCMessage **message, struct error *err);
/* The same, but waits until something came, until_mono_ms or a signal. */
enum stream_state stream_next(struct stream *st, int64_t until_mono_ms, ProtobufCMessage **message, struct error *err);
void stream_close(struct stream **st); /* cancels what is left; *st may be NULL */

#endif
