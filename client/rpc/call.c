/* A call is a handful of batches whose tags are the struct op inside it: a unary call one batch of everything, a stream
 * one to begin, one for its end, and one for each message, the next asked for when the last is handed out. */
#include "client/rpc/reply.h"
#include "client/rpc/session_call.h"
#include "client/term/interrupt.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct call {
    struct session *session;
    const struct method *method;
    grpc_call *raw;
    struct op all;
    grpc_metadata_array headers;
    grpc_byte_buffer *response;
    struct reply_status status;
};

struct stream {
    struct session *session;
    const struct method *method;
    grpc_call *raw;
    struct op opened, read, ended;
    grpc_metadata_array headers;
    grpc_byte_buffer *message;
    struct reply_status status;
};

/* ---- unary ---- */

static void start_batch(grpc_call *raw, const grpc_op *ops, size_t count, struct op *tag)
{
    tag->is_done = false;
    ASSERT(grpc_call_start_batch(raw, ops, count, tag, NULL) == GRPC_CALL_OK);
}

/* The ops that every call begins with. */
#define BEGIN_OPS 4
static void begin_ops(grpc_op ops[BEGIN_OPS], grpc_byte_buffer *request, grpc_metadata_array *headers)
{
    memset(ops, 0, BEGIN_OPS * sizeof *ops);
    ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = request;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = headers;
}

static grpc_op message_op(grpc_byte_buffer **into)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

    op.data.recv_message.recv_message = into;
    return op;
}

static grpc_op status_op(struct reply_status *into)
{
    grpc_op op = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };

    op.data.recv_status_on_client.trailing_metadata = &into->trailers;
    op.data.recv_status_on_client.status = &into->code;
    op.data.recv_status_on_client.status_details = &into->text;
    return op;
}

struct call *call_start(struct session *s, const struct method *m, const ProtobufCMessage *request, int64_t timeout_ms)
{
    struct call *c = mem_zero(sizeof *c);
    grpc_byte_buffer *bytes = reply_encode(request);
    grpc_op ops[BEGIN_OPS + 2];

    c->session = s;
    c->method = m;
    c->raw = session_make_call(s, m->path, timeout_ms);
    grpc_metadata_array_init(&c->headers);
    reply_status_init(&c->status);
    begin_ops(ops, bytes, &c->headers);
    ops[BEGIN_OPS] = message_op(&c->response);
    ops[BEGIN_OPS + 1] = status_op(&c->status);
    start_batch(c->raw, ops, BEGIN_OPS + 2, &c->all);
    grpc_byte_buffer_destroy(bytes);
    return c;
}

bool call_is_done(const struct call *c)
{
    return c->all.is_done;
}

static void call_free(struct call **call)
{
    struct call *c = *call;

    grpc_call_unref(c->raw);
    grpc_metadata_array_destroy(&c->headers);
    if (c->response != NULL)
        grpc_byte_buffer_destroy(c->response);
    reply_status_deinit(&c->status);
    free(c);
    *call = NULL;
}

bool call_finish(struct call **call, ProtobufCMessage **response, struct error *err)
{
    struct call *c = *call;
    bool ok;

    while (!c->all.is_done) {
        if (interrupt_signal() != 0)
            grpc_call_cancel(c->raw, NULL);
        session_wait(c->session, INT64_MAX);
    }
    ok = reply_status_check(&c->status, err);
    if (ok && c->response == NULL)
        ok = error_set(err, ERROR_DATA_LOSS, "the server sent no answer");
    if (ok)
        ok = reply_decode(&c->response, c->method->response, response, err);
    call_free(call);
    return ok;
}

void call_drop(struct call **call)
{
    struct call *c = *call;

    if (c == NULL)
        return;
    grpc_call_cancel(c->raw, NULL);
    while (!c->all.is_done)
        session_wait(c->session, INT64_MAX);
    call_free(call);
}

bool session_call(struct session *s, const struct method *m, const ProtobufCMessage *request, int64_t timeout_ms,
                  ProtobufCMessage **response, struct error *err)
{
    struct call *c;

    ASSERT(timeout_ms > 0);
    c = call_start(s, m, request, timeout_ms);
    return call_finish(&c, response, err);
}

/* ---- streams ---- */

static void read_on(struct stream *st)
{
    grpc_op op = message_op(&st->message);

    start_batch(st->raw, &op, 1, &st->read);
}

struct stream *stream_open(struct session *s, const struct method *m, const ProtobufCMessage *request,
                           int64_t timeout_ms)
{
    struct stream *st = mem_zero(sizeof *st);
    grpc_byte_buffer *bytes = reply_encode(request);
    grpc_op ops[BEGIN_OPS], end;

    st->session = s;
    st->method = m;
    st->raw = session_make_call(s, m->path, timeout_ms);
    grpc_metadata_array_init(&st->headers);
    reply_status_init(&st->status);
    begin_ops(ops, bytes, &st->headers);
    end = status_op(&st->status);
    start_batch(st->raw, ops, BEGIN_OPS, &st->opened);
    start_batch(st->raw, &end, 1, &st->ended);
    read_on(st);
    grpc_byte_buffer_destroy(bytes);
    return st;
}

enum stream_state stream_take(struct stream *st, ProtobufCMessage **message, struct error *err)
{
    if (!st->read.is_done)
        return STREAM_WAITING;
    if (st->message != NULL) {
        if (!reply_decode(&st->message, st->method->response, message, err))
            return STREAM_ENDED;
        read_on(st);
        return STREAM_MESSAGE;
    }
    if (!st->ended.is_done)
        return STREAM_WAITING;
    if (reply_status_check(&st->status, err))
        err->code = ERROR_OK;
    return STREAM_ENDED;
}

enum stream_state stream_next(struct stream *st, int64_t until_mono_ms, ProtobufCMessage **message, struct error *err)
{
    for (;;) {
        enum stream_state state = stream_take(st, message, err);

        if (state != STREAM_WAITING || interrupt_signal() != 0 || clock_mono_ms(&clock_system) >= until_mono_ms)
            return state;
        session_wait(st->session, until_mono_ms);
    }
}

void stream_close(struct stream **stream)
{
    struct stream *st = *stream;

    if (st == NULL)
        return;
    grpc_call_cancel(st->raw, NULL);
    while (!st->opened.is_done || !st->read.is_done || !st->ended.is_done)
        session_wait(st->session, INT64_MAX);
    grpc_call_unref(st->raw);
    grpc_metadata_array_destroy(&st->headers);
    if (st->message != NULL)
        grpc_byte_buffer_destroy(st->message);
    reply_status_deinit(&st->status);
    free(st);
    *stream = NULL;
}
