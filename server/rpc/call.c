/* What a handler can do with a call. The states of a call, and who frees it, are in call_lifecycle.c. */
#include "rpc/call.h"

#include "base/assert.h"
#include "rpc/call_lifecycle.h"
#include "rpc/message.h"
#include "rpc/ticket.h"

enum net_role call_role(const struct call *c)
{
    return c->route->role;
}

const char *call_peer(const struct call *c)
{
    return c->route->peer;
}

int64_t call_deadline_mono_ms(const struct call *c)
{
    gpr_timespec at = gpr_convert_clock_type(c->deadline, GPR_CLOCK_MONOTONIC);

    if (gpr_time_cmp(at, gpr_inf_future(GPR_CLOCK_MONOTONIC)) >= 0)
        return INT64_MAX;
    return at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void call_reply(struct call *c, const ProtobufCMessage *response)
{
    struct buf bytes;
    struct error err;

    if (message_pack(response, &bytes, &err))
        call_reply_bytes(c, &bytes);
    else
        lifecycle_end(c, &err, NULL);
}

void call_reply_bytes(struct call *c, struct buf *bytes)
{
    ASSERT(bytes->len <= CALL_RESPONSE_BYTES_MAX);
    lifecycle_end(c, NULL, message_take(bytes));
}

void call_fail(struct call *c, const struct error *err)
{
    lifecycle_end(c, err, NULL);
}

struct call_ticket *call_defer(struct call *c)
{
    ASSERT(c->state == CALL_OPEN && c->ticket == NULL && c->stream_ops == NULL);
    c->ticket = ticket_create(c, c->q);
    return c->ticket;
}

void call_ticket_is_back(struct call *c, grpc_byte_buffer *answer, const struct error *err)
{
    c->ticket = NULL;
    lifecycle_end(c, err, answer);
}

void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream)
{
    ASSERT(c->state == CALL_OPEN && c->stream_ops == NULL && c->ticket == NULL);
    c->stream_ops = ops;
    c->stream = stream;
    lifecycle_limit_age(c);
    lifecycle_start(c, NULL, 0, &c->begin); /* an empty batch completes at once, through the queue */
}

void call_write(struct call *c, struct buf *bytes)
{
    ASSERT(bytes->len <= CALL_RESPONSE_BYTES_MAX);
    lifecycle_write(c, message_take(bytes));
}

void call_write_message(struct call *c, const ProtobufCMessage *m)
{
    struct buf bytes;
    struct error err;

    if (message_pack(m, &bytes, &err))
        call_write(c, &bytes);
    else if (c->state == CALL_OPEN)
        lifecycle_end(c, &err, NULL);
}

void call_finish(struct call *c, const struct error *err)
{
    if (c->state == CALL_OPEN)
        lifecycle_end(c, err, NULL);
}

void call_finish_message(struct call *c, const ProtobufCMessage *last, const struct error *err)
{
    struct buf bytes;
    struct error ignored;

    if (c->state != CALL_OPEN)
        return;
    ASSERT(c->writing == NULL);
    if (message_pack(last, &bytes, &ignored))
        lifecycle_end(c, err, message_take(&bytes));
    else
        lifecycle_end(c, err, NULL);
}

void call_trailer(struct call *c, const char *key, const char *value)
{
    grpc_slice text;

    if (c->state != CALL_OPEN)
        return;
    ASSERT(c->trailer_count < CALL_TRAILERS_MAX);
    text = grpc_slice_from_copied_string(value);
    ASSERT(grpc_header_nonbin_value_is_legal(text));
    lifecycle_trailer(c, key, text);
}

void call_timer(struct call *c, int64_t at_mono_ms)
{
    if (c->state == CALL_OPEN)
        timers_set(&c->q->timers, &c->timer, at_mono_ms);
}

void call_topic(struct call *c, unsigned topic)
{
    ASSERT(topic < CALL_TOPICS_MAX);
    c->topic = topic;
}
