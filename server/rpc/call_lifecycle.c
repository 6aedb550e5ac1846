/* The lifecycle of one call.
 *
 *   ARMED --arrives--> OPEN --lifecycle_end--> ENDED            nothing is being written
 *                        |  --lifecycle_end--> ENDING --> ENDED  a write is in flight: the status follows it
 *                        |                       |
 *                        +------- closed --------+----> ENDED    the caller left, or its deadline passed
 *
 * While a call is open it belongs to its handler, which answers, defers (a ticket), or makes it a stream. Only
 * lifecycle_end and lifecycle_on_closed take it out of OPEN. Each call is counted once in the tally of handled calls:
 * with its status when that is sent, or as CANCELLED when `closed` comes first.
 *
 * Who frees a call. The core holds a pointer to the call for each op (batch) that we start: the tag is a struct op
 * inside struct call. So `ops` counts the ops that are with the core, each completion ends with lifecycle_op_is_back,
 * and the one that brings the count to zero in state ENDED frees the call. Nothing else does, and everything is on the
 * queue's thread, so that the count needs no lock.
 *
 * Why that is enough:
 *   - The `closed` op is with the core from the arrival until the call is over for the core. An open call therefore
 *     never has a count of zero, and a handler may end its call from within any callback: the call outlives it.
 *   - Starting an op never runs its completion: that comes out of the queue later. Loops over q->calls are safe.
 *   - A failed op comes back as well, with ok == false, also after a cancellation. No op is lost, so each call is
 * freed.
 *   - A ticket does not count. It is detached when the call ends, and an answer that comes later is dropped.
 *   - At shutdown the core returns `arrived` with ok == false for calls that are still armed; they go straight to
 * ENDED.
 *
 * A request that is unfit is refused here, before the handler sees it. */
#include "rpc/call_lifecycle.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "rpc/error_status.h"
#include "rpc/message.h"
#include "rpc/ticket.h"

#include <string.h>
#include <sys/random.h>

#define METHOD_MAX 200 /* bytes of an unknown method's name that the answer repeats */
/* How long before the deadline a call is ended, at most: the answer has to reach the client, whose clock started first.
 */
#define EXPIRY_AHEAD_MS 100

/* ---- ops ---- */

void lifecycle_start(struct call *c, const grpc_op *ops, size_t count, struct op *tag)
{
    c->ops++;
    op_leaves(tag);
    /* The core refuses a batch only if we misuse its interface. Network failures come back with the op. */
    ASSERT(grpc_call_start_batch(c->raw, ops, count, tag, NULL) == GRPC_CALL_OK);
}

static void lifecycle_watch_close(struct call *c)
{
    grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server.cancelled = &c->is_cancelled };

    lifecycle_start(c, &op, 1, &c->closed);
}

static void lifecycle_send_headers(struct call *c)
{
    grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };

    c->has_headers = true;
    lifecycle_start(c, &op, 1, &c->headers);
}

void lifecycle_write(struct call *c, grpc_byte_buffer *message)
{
    grpc_op ops[2];
    size_t count = 0;

    if (c->state != CALL_OPEN || c->is_broken) {
        grpc_byte_buffer_destroy(message);
        return;
    }
    ASSERT(c->writing == NULL);
    if (!c->has_headers)
        ops[count++] = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
    ops[count++] = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message };
    c->has_headers = true;
    c->writing = message;
    lifecycle_start(c, ops, count, &c->wrote);
}

static void lifecycle_read_next(struct call *c)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &c->request };

    c->is_reading = true;
    lifecycle_start(c, &op, 1, &c->read);
}

static void lifecycle_count_handled(const struct call *c, enum error_code code)
{
    unsigned at = (unsigned)code < RPC_CODES ? (unsigned)code : (unsigned)ERROR_UNKNOWN;

    atomic_fetch_add_explicit(&c->route->tally->handled[at], 1, memory_order_relaxed);
}

/* Sends the status, in one batch with what has not been sent yet: headers, and the answer (taken; may be NULL). One
 * batch means that an answer and its status leave together. */
static void lifecycle_send_status(struct call *c, grpc_byte_buffer *answer)
{
    grpc_op ops[3];
    size_t count = 0;

    c->state = CALL_ENDED;
    lifecycle_count_handled(c, c->code);
    if (!c->has_headers)
        ops[count++] = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
    if (answer != NULL)
        ops[count++] = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = answer };
    ops[count++] = (grpc_op){ .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
                              .data.send_status_from_server = { .trailing_metadata_count = c->trailer_count,
                                                                .trailing_metadata = c->trailers,
                                                                .status = (grpc_status_code)c->code,
                                                                .status_details = &c->text } };
    c->has_headers = true;
    c->writing = answer;
    lifecycle_start(c, ops, count, &c->finished);
}

/* ---- the end ---- */

void lifecycle_trailer(struct call *c, const char *key, grpc_slice value)
{
    ASSERT(c->trailer_count <= CALL_TRAILERS_MAX);
    if (c->trailers == NULL)
        c->trailers = mem_array(CALL_TRAILERS_MAX + 1, sizeof *c->trailers);
    c->trailers[c->trailer_count].key = grpc_slice_from_copied_string(key);
    c->trailers[c->trailer_count].value = value;
    c->trailer_count++;
}

static void lifecycle_detach_ticket(struct call *c)
{
    if (c->ticket != NULL)
        ticket_detach(c->ticket);
    c->ticket = NULL;
}

static void lifecycle_clear_timers(struct call *c)
{
    timers_set(&c->q->timers, &c->timer, TIMER_NEVER);
    timers_set(&c->q->timers, &c->expiry, TIMER_NEVER);
    timers_set(&c->q->timers, &c->age, TIMER_NEVER);
}

/* The only way in which a handler's call leaves OPEN. With a write in flight the status has to wait: the core accepts
 * one send batch at a time. `answer` is NULL then, since only unary calls have one, and these write nothing before it;
 * call_finish_message makes sure of that for streams. */
void lifecycle_end(struct call *c, const struct error *err, grpc_byte_buffer *answer)
{
    ASSERT(c->state == CALL_OPEN);
    if (err != NULL) {
        c->code = error_status_code(err);
        c->text = error_status_text(err);
        lifecycle_trailer(c, ERROR_STATUS_DETAILS_KEY, error_status_details(err));
    }
    lifecycle_clear_timers(c);
    lifecycle_detach_ticket(c);
    if (c->writing != NULL)
        c->state = CALL_ENDING;
    else
        lifecycle_send_status(c, answer);
}

static void lifecycle_free_call(struct call *c)
{
    if (c->stream_ops != NULL)
        c->stream_ops->ended(c->stream);
    if (c->link != NULL) {
        *c->link = c->next;
        if (c->next != NULL)
            c->next->link = c->link;
    }
    for (size_t i = 0; i < c->trailer_count; i++) {
        grpc_slice_unref(c->trailers[i].key);
        grpc_slice_unref(c->trailers[i].value);
    }
    free(c->trailers);
    grpc_slice_unref(c->text);
    grpc_byte_buffer_destroy(c->writing);
    grpc_byte_buffer_destroy(c->request);
    grpc_metadata_array_destroy(&c->metadata);
    grpc_call_details_destroy(&c->details);
    if (c->raw != NULL) {
        grpc_call_unref(c->raw);
        census_add(c->route->census, &c->route->census->calls, -1);
    }
    census_add(c->route->census, &c->route->census->structs, -1);
    free(c);
}

/* The last thing in each op's `done`: the call may be gone afterwards. */
static void lifecycle_op_is_back(struct call *c)
{
    ASSERT(c->ops > 0);
    if (--c->ops == 0 && c->state == CALL_ENDED)
        lifecycle_free_call(c);
}

/* The call is over for the core: the caller left, the deadline passed, or the status has been sent. Ops in flight still
 * come back. */
static void lifecycle_on_closed(struct op *op, bool ok)
{
    struct call *c = CONTAINER_OF(op, struct call, closed);

    (void)ok;
    if (c->state != CALL_ENDED)
        lifecycle_count_handled(c, ERROR_CANCELLED);
    c->state = CALL_ENDED;
    lifecycle_clear_timers(c);
    lifecycle_detach_ticket(c);
    lifecycle_op_is_back(c);
}

/* ---- streams ---- */

/* Lets the stream write, if it may: open, and nothing in flight. One write at a time means that the client's pace
 * decides when the next batch is read from the store: back-pressure without a queue. */
static void lifecycle_stream_ready(struct call *c)
{
    if (c->state != CALL_OPEN || c->stream_ops == NULL || c->writing != NULL || c->is_broken)
        return;
    c->stream_ops->ready(c->stream, c);
    if (c->state == CALL_OPEN && !c->has_headers)
        lifecycle_send_headers(c); /* clients wait for headers, and the first message may be long in coming */
}

static void lifecycle_on_stream_begun(struct op *op, bool ok)
{
    struct call *c = CONTAINER_OF(op, struct call, begin);

    (void)ok;
    lifecycle_stream_ready(c);
    lifecycle_op_is_back(c);
}

static void lifecycle_on_headers_sent(struct op *op, bool ok)
{
    (void)ok; /* if the caller cannot be reached, `closed` comes back too */
    lifecycle_op_is_back(CONTAINER_OF(op, struct call, headers));
}

/* A write is done. This continues the stream: the waiting status, the next request of a bidirectional stream (read only
 * now that the last one is answered), or the next write. After a failed write the stream is broken: no more is written,
 * and `closed` will come. */
static void lifecycle_on_wrote(struct op *op, bool ok)
{
    struct call *c = CONTAINER_OF(op, struct call, wrote);

    grpc_byte_buffer_destroy(c->writing);
    c->writing = NULL;
    c->is_broken = c->is_broken || !ok;
    if (c->state == CALL_ENDING) {
        lifecycle_send_status(c, NULL);
    } else if (c->state == CALL_OPEN && ok) {
        if (c->route->method->kind == CALL_BIDI_STREAM && !c->is_reading)
            lifecycle_read_next(c);
        lifecycle_stream_ready(c);
    }
    lifecycle_op_is_back(c);
}

static void lifecycle_on_finished(struct op *op, bool ok)
{
    (void)ok;
    lifecycle_op_is_back(CONTAINER_OF(op, struct call, finished));
}

static void lifecycle_on_stream_timer(struct timer *t)
{
    lifecycle_stream_ready(CONTAINER_OF(t, struct call, timer));
}

/* Gives a further request of a bidirectional stream to its handler; NULL at the end of the client's messages. */
static void lifecycle_deliver_message(struct call *c)
{
    ProtobufCMessage *request = NULL;
    struct error err;

    if (c->request != NULL && !message_parse(c->route->method->request, c->request, &request, &err)) {
        lifecycle_end(c, &err, NULL);
        return;
    }
    grpc_byte_buffer_destroy(c->request);
    c->request = NULL;
    c->stream_ops->message(c->stream, c, request);
    if (request != NULL)
        protobuf_c_message_free_unpacked(request, NULL);
    lifecycle_stream_ready(c);
}

static void lifecycle_on_read(struct op *op, bool ok)
{
    struct call *c = CONTAINER_OF(op, struct call, read);

    c->is_reading = false;
    if (ok && c->state == CALL_OPEN)
        lifecycle_deliver_message(c);
    lifecycle_op_is_back(c);
}

void calls_woken(struct cq *q, uint64_t topics)
{
    /* The list stays as it is meanwhile: ready never frees its call, since `closed` is still with the core. */
    for (struct call *c = q->calls; c != NULL; c = c->next) {
        if (c->topic < CALL_TOPICS_MAX && (topics >> c->topic & 1) != 0)
            lifecycle_stream_ready(c);
    }
}

static void lifecycle_set_shutting_down(struct error *err)
{
    error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
}

/* A stream with a drain callback finishes by itself, with its trailers. One without is ended here. */
static void lifecycle_ask_stream_to_end(struct call *c, const struct error *why)
{
    if (c->stream_ops == NULL || c->stream_ops->drain == NULL) {
        lifecycle_end(c, why, NULL);
        return;
    }
    c->stream_ops->drain(c->stream, c, why);
    lifecycle_stream_ready(c);
}

void calls_drain(struct cq *q)
{
    struct error going;

    lifecycle_set_shutting_down(&going);
    for (struct call *c = q->calls; c != NULL; c = c->next)
        if (c->state == CALL_OPEN && c->stream_ops != NULL) /* a deferred call is answered by its ticket */
            lifecycle_ask_stream_to_end(c, &going);
}

/* ---- the deadline ---- */

static void lifecycle_on_deadline(struct timer *t)
{
    struct call *c = CONTAINER_OF(t, struct call, expiry);
    struct error late;

    if (c->state != CALL_OPEN)
        return;
    error_reason(&late, ERROR_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the call's deadline has come");
    lifecycle_ask_stream_to_end(c, &late);
}

/* At the deadline the core cuts the call itself, without a reason and without trailers, so that a stream's client would
 * get no token to resume from. We end the call a moment earlier: a tenth of the time that is left, at most
 * EXPIRY_AHEAD_MS. */
static void lifecycle_set_deadline_timer(struct call *c)
{
    int64_t at_mono_ms = call_deadline_mono_ms(c), left_ms = at_mono_ms - clock_mono_ms(&clock_system);
    int64_t ahead_ms = left_ms / 10 < EXPIRY_AHEAD_MS ? left_ms / 10 : EXPIRY_AHEAD_MS;

    if (at_mono_ms != INT64_MAX)
        timers_set(&c->q->timers, &c->expiry, at_mono_ms - ahead_ms);
}

/* ---- the age ---- */

/* The core closes an old connection by GOAWAY, waits a grace period, then cuts its streams. This timer comes first, so
 * that the stream ends with a reason and its token. */
static void lifecycle_on_age(struct timer *t)
{
    struct call *c = CONTAINER_OF(t, struct call, age);
    struct error aged;

    if (c->state != CALL_OPEN)
        return;
    error_reason(&aged, ERROR_UNAVAILABLE, "CONNECTION_AGED",
                 "this stream has lasted as long as one may over TCP (--max-connection-age): connect again");
    lifecycle_ask_stream_to_end(c, &aged);
}

/* Jitter of up to a tenth, so that streams that began together do not all reconnect together. If no random bytes are
 * ready, there is no jitter. */
void lifecycle_limit_age(struct call *c)
{
    const int64_t most = c->route->stream_ms;
    uint32_t chance = 0;

    if (most == 0)
        return;
    (void)!getrandom(&chance, sizeof chance, GRND_NONBLOCK);
    timers_set(&c->q->timers, &c->age, clock_mono_ms(&clock_system) + most - chance % (most / 10 + 1));
}

/* ---- the beginning ---- */

static void lifecycle_refuse_unknown_method(const struct call *c, struct error *err)
{
    AUTO_BUF struct buf name = BUF(3 * METHOD_MAX);
    struct view method = { (const char *)GRPC_SLICE_START_PTR(c->details.method),
                           GRPC_SLICE_LENGTH(c->details.method) };

    if (method.len > METHOD_MAX)
        method.len = METHOD_MAX;
    utf8_clean(method, &name);
    error_reason(err, ERROR_UNIMPLEMENTED, "UNKNOWN_METHOD", "there is no method %s here; reflection lists the methods",
                 buf_cstr(&name));
}

static void lifecycle_refuse_reader(const struct call *c, struct error *err)
{
    if (c->route->is_tls)
        error_reason(err, ERROR_PERMISSION_DENIED, "ADMIN_SOCKET_NEEDED",
                     "this method needs the admin role: an address served as admin=, and a certificate with a "
                     "name in --tls-admin-san");
    else
        error_reason(err, ERROR_PERMISSION_DENIED, "ADMIN_SOCKET_NEEDED",
                     "this method needs the admin socket, a Unix socket that only the server's own user and root "
                     "may use; this is a reader's address");
}

enum admission {
    ADMITTED,      /* *out holds the request */
    REFUSED,       /* *err says why */
    NOTHING_ASKED, /* the client closed a bidirectional stream before its first message: that ends well */
};

/* Decides whether the handler gets the call. The order matters: a caller without a role is told so before it can find
 * out which methods exist, and a caller without the right is refused before its request is parsed. */
static enum admission lifecycle_admit(struct call *c, ProtobufCMessage **out, struct error *err)
{
    const struct call_method *method = c->route->method;

    if (atomic_load(&c->route->census->is_draining)) {
        lifecycle_set_shutting_down(err);
        return REFUSED;
    }
    if (c->route->role == NET_STRANGER) {
        error_reason(err, ERROR_PERMISSION_DENIED, "CERTIFICATE_NOT_LISTED",
                     "your certificate is good, but none of its names (SANs) is in the server's --tls-admin-san or "
                     "--tls-reader-san");
        return REFUSED;
    }
    if (method == NULL) {
        lifecycle_refuse_unknown_method(c, err);
        return REFUSED;
    }
    if (method->needs == NET_ADMIN && c->route->role != NET_ADMIN) {
        lifecycle_refuse_reader(c, err);
        return REFUSED;
    }
    if (c->request == NULL && method->kind == CALL_BIDI_STREAM)
        return NOTHING_ASKED;
    if (c->request == NULL) {
        error_reason(err, ERROR_INVALID_ARGUMENT, "REQUEST_INVALID", "the call ended without a request");
        return REFUSED;
    }
    return message_parse(method->request, c->request, out, err) ? ADMITTED : REFUSED;
}

static void lifecycle_dispatch(struct call *c)
{
    ProtobufCMessage *request = NULL;
    struct error err;

    switch (lifecycle_admit(c, &request, &err)) {
    case REFUSED:
        lifecycle_end(c, &err, NULL);
        return;
    case NOTHING_ASKED:
        lifecycle_end(c, NULL, NULL);
        return;
    case ADMITTED:
        break;
    }
    grpc_byte_buffer_destroy(c->request);
    c->request = NULL;
    c->route->method->start(c->route->service, c, request);
    protobuf_c_message_free_unpacked(request, NULL);
    /* A handler must answer, defer or make it a stream: otherwise nothing would ever end the call. */
    ASSERT(c->state != CALL_OPEN || c->stream_ops != NULL || c->ticket != NULL);
}

/* A client has called. The next call is armed first, so that the queue always waits for one. The count of ops still
 * includes `arrived` while the handler runs, so that the call survives whatever the handler does. */
static void lifecycle_on_arrived(struct op *op, bool ok)
{
    struct call *c = CONTAINER_OF(op, struct call, arrived);

    if (!ok) {
        c->state = CALL_ENDED; /* the server shuts down, and no call arrived */
    } else {
        call_arm(c->route, c->q);
        census_add(c->route->census, &c->route->census->calls, +1);
        atomic_fetch_add_explicit(&c->route->tally->started, 1, memory_order_relaxed);
        c->state = CALL_OPEN;
        c->next = c->q->calls;
        c->link = &c->q->calls;
        if (c->next != NULL)
            c->next->link = &c->next;
        c->q->calls = c;
        lifecycle_watch_close(c);
        lifecycle_set_deadline_timer(c);
        lifecycle_dispatch(c);
    }
    lifecycle_op_is_back(c);
}

static struct call *lifecycle_create_call(const struct route *route, struct cq *q)
{
    struct call *c = mem_zero(sizeof *c);

    c->route = route;
    c->q = q;
    c->arrived.done = lifecycle_on_arrived;
    c->closed.done = lifecycle_on_closed;
    c->begin.done = lifecycle_on_stream_begun;
    c->headers.done = lifecycle_on_headers_sent;
    c->wrote.done = lifecycle_on_wrote;
    c->read.done = lifecycle_on_read;
    c->finished.done = lifecycle_on_finished;
    c->timer.due = lifecycle_on_stream_timer;
    c->expiry.due = lifecycle_on_deadline;
    c->age.due = lifecycle_on_age;
    c->topic = CALL_TOPICS_MAX;
    c->text = grpc_empty_slice();
    grpc_metadata_array_init(&c->metadata);
    grpc_call_details_init(&c->details);
    census_add(route->census, &route->census->structs, +1);
    return c;
}

void call_arm(const struct route *route, struct cq *q)
{
    struct call *c = lifecycle_create_call(route, q);
    grpc_call_error refused;

    c->ops++;
    op_leaves(&c->arrived);
    if (route->method != NULL)
        refused = grpc_server_request_registered_call(route->server, route->handle, &c->raw, &c->deadline, &c->metadata,
                                                      &c->request, q->raw, q->raw, &c->arrived);
    else
        refused =
            grpc_server_request_call(route->server, &c->raw, &c->details, &c->metadata, q->raw, q->raw, &c->arrived);
    ASSERT(refused == GRPC_CALL_OK);
}
