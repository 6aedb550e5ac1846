#include "tests/rpc/fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "descriptors.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "tests/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S      60
#define FLOOD_BYTES 65536

typedef Okta__Connector__V1__StatusRequest text_t; /* a message with a string in field 1 */

static const char *text_of(const ProtobufCMessage *request)
{
    return ((const text_t *)request)->name;
}

static void reply(struct call *c, const char *text)
{
    text_t m = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;

    m.name = (char *)(uintptr_t)text;
    call_reply(c, &m.base);
}

static void change(struct fixture *f, unsigned *count)
{
    pthread_mutex_lock(&f->lock);
    ++*count;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* ---- unary ---- */

static void echo(void *service, struct call *c, const ProtobufCMessage *request)
{
    (void)service;
    reply(c, text_of(request));
}

static void flunk(void *service, struct call *c, const ProtobufCMessage *request)
{
    struct error err;

    (void)service;
    call_trailer(c, "test-trailer", "with a value");
    error_reason(&err, ERROR_FAILED_PRECONDITION, "ORG_MISMATCH", "%s", text_of(request));
    call_fail(c, &err);
}

static void huge(void *service, struct call *c, const ProtobufCMessage *request)
{
    char *text = mem_alloc(CALL_RESPONSE_BYTES_MAX + 1);

    (void)service;
    (void)request;
    memset(text, 'x', CALL_RESPONSE_BYTES_MAX);
    text[CALL_RESPONSE_BYTES_MAX] = '\0';
    reply(c, text);
    free(text);
}

static void bytes(void *service, struct call *c, const ProtobufCMessage *request)
{
    struct buf encoded = BUF(CALL_RESPONSE_BYTES_MAX);

    (void)service;
    text_encode(text_of(request), &encoded);
    call_reply_bytes(c, &encoded);
    assert_null(encoded.at);
}

static void who(void *service, struct call *c, const ProtobufCMessage *request)
{
    char text[256];
    int64_t deadline = call_deadline_mono_ms(c);
    int64_t left = deadline == INT64_MAX ? 0 : deadline - clock_mono_ms(&clock_system);

    (void)service;
    (void)request;
    snprintf(text, sizeof text, "%d %s %s", (int)call_role(c), call_peer(c),
             deadline == INT64_MAX                     ? "forever"
             : left > 900 * 1000 && left < 1100 * 1000 ? "soon"
                                                       : "wrong");
    reply(c, text);
}

static void later(void *service, struct call *c, const ProtobufCMessage *request)
{
    struct fixture *f = service;

    (void)request;
    pthread_mutex_lock(&f->lock);
    f->ticket = call_defer(c);
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* ---- streams ---- */

struct stream {
    struct fixture *fixture;
    uint32_t sent;
    bool is_asked_to_finish;
};

static void stream_ended(void *stream)
{
    struct stream *s = stream;

    if (!s->is_asked_to_finish)
        change(s->fixture, &s->fixture->cancelled);
    change(s->fixture, &s->fixture->ended);
    free(s);
}

static void begin(void *service, struct call *c, const struct call_stream_ops *ops)
{
    struct stream *s = mem_zero(sizeof *s);

    s->fixture = service;
    call_stream(c, ops, s);
    change(s->fixture, &s->fixture->started);
}

static void write_number(struct call *c, uint32_t number)
{
    struct buf out = BUF(64);
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    text_encode(text, &out);
    call_write(c, &out);
    assert_null(out.at);
}

static void feed_ready(void *stream, struct call *c)
{
    struct stream *s = stream;

    if (s->sent < atomic_load(&s->fixture->fed))
        write_number(c, ++s->sent);
}

static void feed_drain(void *stream, struct call *c, const struct error *why)
{
    struct stream *s = stream;
    struct error err;
    char place[16];

    snprintf(place, sizeof place, "%u", s->sent);
    s->is_asked_to_finish = true;
    call_trailer(c, "okta-resume-token", place);
    err = *why;
    snprintf(err.text, sizeof err.text, "the feed ends");
    call_finish(c, &err);
}

static void feed(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = feed_ready, .drain = feed_drain, .ended = stream_ended };

    (void)request;
    call_topic(c, FEED_TOPIC);
    begin(service, c, &ops);
}

static void quiet_ready(void *stream, struct call *c)
{
    (void)stream;
    (void)c;
}

static void quiet(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = quiet_ready, .ended = stream_ended };

    (void)request;
    begin(service, c, &ops);
}

static void tick_ready(void *stream, struct call *c)
{
    struct stream *s = stream;

    if (s->sent == 3)
        call_finish(c, NULL);
    else if (s->is_asked_to_finish) /* here: the timer was set */
        write_number(c, ++s->sent);
    else
        call_timer(c, clock_mono_ms(&clock_system) + 1);
    s->is_asked_to_finish = !s->is_asked_to_finish;
}

static void tick(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = tick_ready, .ended = stream_ended };

    (void)request;
    begin(service, c, &ops);
}

static void flood_ready(void *stream, struct call *c)
{
    struct stream *s = stream;
    struct buf out = BUF(FLOOD_BYTES);

    assert_non_null(buf_extend(&out, FLOOD_BYTES));
    memset(out.at, 0, out.len);
    out.at[0] = 2 << 3 | 2; /* a field that the reader skips */
    atomic_fetch_add(&s->fixture->most_flooded, FLOOD_BYTES / 1024);
    call_write(c, &out);
}

static void flood(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = flood_ready, .ended = stream_ended };

    (void)request;
    begin(service, c, &ops);
}

static void refuse(void *service, struct call *c, const ProtobufCMessage *request)
{
    struct error err;

    (void)service;
    error_reason(&err, ERROR_OUT_OF_RANGE, "HISTORY_GONE", "%s", text_of(request));
    call_fail(c, &err);
}

/* ---- bidi ---- */

static void talk_ready(void *stream, struct call *c)
{
    struct stream *s = stream;

    if (s->sent == 0)
        write_number(c, ++s->sent);
}

static void talk_message(void *stream, struct call *c, const ProtobufCMessage *request)
{
    text_t m = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    char text[128];

    (void)stream;
    if (request == NULL) {
        call_finish(c, NULL);
        return;
    }
    snprintf(text, sizeof text, "you said %s", text_of(request));
    m.name = text;
    call_write_message(c, &m.base);
}

static void talk(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = talk_ready, .message = talk_message, .ended = stream_ended };

    (void)request;
    begin(service, c, &ops);
}

#define TEXT &okta__connector__v1__status_request__descriptor

const struct call_method fixture_methods[] = {
    { TEST_ECHO, CALL_UNARY, NET_READER, false, TEXT, echo },
    { TEST_FAIL, CALL_UNARY, NET_READER, false, TEXT, flunk },
    { TEST_HUGE, CALL_UNARY, NET_READER, false, TEXT, huge },
    { TEST_BYTES, CALL_UNARY, NET_READER, false, TEXT, bytes },
    { TEST_WHO, CALL_UNARY, NET_READER, false, TEXT, who },
    { TEST_ADMIN, CALL_UNARY, NET_ADMIN, false, TEXT, echo },
    { TEST_LATER, CALL_UNARY, NET_READER, false, TEXT, later },
    { TEST_FEED, CALL_SERVER_STREAM, NET_READER, false, TEXT, feed },
    { TEST_QUIET, CALL_SERVER_STREAM, NET_READER, false, TEXT, quiet },
    { TEST_TICK, CALL_SERVER_STREAM, NET_READER, false, TEXT, tick },
    { TEST_FLOOD, CALL_SERVER_STREAM, NET_READER, false, TEXT, flood },
    { TEST_REFUSE, CALL_SERVER_STREAM, NET_READER, false, TEXT, refuse },
    { TEST_TALK, CALL_BIDI_STREAM, NET_READER, false, TEXT, talk },
    { 0 },
};

/* ---- the fixture ---- */

static void parse(const char *text, struct net_address *out)
{
    assert_true(net_address_parse(view_of(text), out, NULL));
}

void fixture_options(struct fixture *f, struct rpc_options *options, struct net_address listen[3])
{
    char text[128];

    snprintf(text, sizeof text, "admin=%s", f->admin);
    parse(text, &listen[0]);
    snprintf(text, sizeof text, "reader=%s", f->reader);
    parse(text, &listen[1]);
    parse("127.0.0.1:0", &listen[2]);
    *options = (struct rpc_options){
        .listen = listen,
        .listen_count = 3,
        .threads = 2,
        .reader_uid = -1,
        .reader_gid = -1,
        .methods = fixture_methods,
        .service = f,
        .descriptors = descriptors,
        .descriptors_size = descriptors_size,
    };
}

void fixture_start(struct fixture *f, const struct rpc_options *options)
{
    struct error err = { 0 };

    if (!rpc_start(&f->rpc, options, &err))
        fail_msg("rpc_start: %s", err.text);
    client_open(&f->client, f->admin);
}

struct fixture *fixture_create(void)
{
    struct fixture *f = mem_zero(sizeof *f);

    snprintf(f->folder, sizeof f->folder, "/tmp/rpc-XXXXXX"); /* a socket's path is short; TEST_TMPDIR is not */
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->admin, sizeof f->admin, "unix:%s/admin.sock", f->folder);
    snprintf(f->reader, sizeof f->reader, "unix:%s/reader.sock", f->folder);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    return f;
}

int fixture_setup(void **state)
{
    struct fixture *f = fixture_create();
    struct rpc_options options;
    struct net_address listen[3];

    fixture_options(f, &options, listen);
    fixture_start(f, &options);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    client_close(&f->client);
    rpc_destroy(f->rpc);
    assert_int_equal(rmdir(f->folder), 0); /* empty: the sockets are gone */
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
    free(f);
    return 0;
}

static void await(struct fixture *f)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    assert_int_equal(pthread_cond_timedwait(&f->changed, &f->lock, &until), 0);
}

struct call_ticket *fixture_ticket(struct fixture *f)
{
    struct call_ticket *t;

    pthread_mutex_lock(&f->lock);
    while (f->ticket == NULL)
        await(f);
    t = f->ticket;
    f->ticket = NULL;
    pthread_mutex_unlock(&f->lock);
    return t;
}

static void await_count(struct fixture *f, const unsigned *at, unsigned count)
{
    pthread_mutex_lock(&f->lock);
    while (*at < count)
        await(f);
    pthread_mutex_unlock(&f->lock);
}

void fixture_await_started(struct fixture *f, unsigned count)
{
    await_count(f, &f->started, count);
}

void fixture_await_ended(struct fixture *f, unsigned count)
{
    await_count(f, &f->ended, count);
}

unsigned fixture_count(struct fixture *f, const unsigned *count)
{
    unsigned value;

    pthread_mutex_lock(&f->lock);
    value = *count;
    pthread_mutex_unlock(&f->lock);
    return value;
}

void fixture_feed(struct fixture *f, uint32_t count)
{
    atomic_fetch_add(&f->fed, count);
    rpc_wake(f->rpc, FEED_TOPIC);
}
