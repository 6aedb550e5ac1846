/* bench drain: the client's side. Many streams follow, the server is told to end, and each goes on at the next one.
 *
 *     drain --pid PID --unix unix:/path --tcp 127.0.0.1:PORT [--streams N] [--connections N]
 *
 * 1. Opens the streams, half of the connections over each address: nine in ten wait at the head, the last tenth has
 *    begun to read everything that is stored.
 * 2. Sends SIGTERM, and takes the time until the process is gone. Each stream must end with UNAVAILABLE, a token in its
 *    trailers, which is that of its last message, and a RetryInfo.
 * 3. Says "gone", and waits for a line on its standard input: the server is back.
 * 4. Each resumes with its token and reads to the head. The sequence of each stream's events, over both connections,
 * has no hole and nothing twice. */
#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include "okta/connector/v1/connector.pb-c.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define METHOD          "/okta.connector.v1.Connector/StreamLogins"
#define STREAMS_MAX     10000
#define CONNECTIONS_MAX 200
#define MESSAGE_MAX     (8 << 20)
#define WAIT_MS         120000 /* for anything */
#define LIMIT_MS        2000
#define SLICE_MS        1

enum op_kind { OP_BEGIN, OP_READ, OP_END, OPS };

struct op {
    struct stream *stream;
    enum op_kind kind;
};

struct stream {
    struct op ops[OPS];
    grpc_call *raw;
    grpc_metadata_array headers, trailers;
    grpc_byte_buffer *message;
    grpc_status_code status;
    grpc_slice text;
    unsigned under_way;

    bool reads_all, is_open, has_events; /* is_open: its hello is here */
    char token[128];                     /* of the last message */
    uint64_t last, head, events;         /* sequence of the last event; of the store's newest, as the hello says */
    int64_t retry_ms;
};

static struct bench {
    grpc_completion_queue *cq;
    grpc_channel *channels[CONNECTIONS_MAX];
    struct stream *streams;
    uint64_t stream_count, channel_count, ended;
} b;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "drain: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- a message ---- */

/* The length at *at, which moves behind it. */
static size_t length_at(const uint8_t **at, const uint8_t *end)
{
    uint64_t len = 0;

    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;

        len |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return len <= (uint64_t)(end - *at) ? (size_t)len : (fail("a message that is cut"), 0);
    }
    fail("a message that is none");
}

static void take_event(struct stream *s, const uint8_t *at, size_t len)
{
    uint64_t sequence = 0;

    if (len < 9 || at[0] != 0x09)
        fail("an event that does not begin with its sequence");
    for (int i = 0; i < 8; i++)
        sequence |= (uint64_t)at[1 + i] << (8 * i);
    if (s->last != 0 && sequence != s->last + 1) {
        fprintf(stderr, "drain: after %" PRIu64 " came %" PRIu64 "\n", s->last, sequence);
        exit(1);
    }
    s->last = sequence;
    s->events++;
    s->has_events = true;
}

static void take_other(struct stream *s, const uint8_t *at, size_t len)
{
    Okta__Connector__V1__StreamLoginsResponse *m = okta__connector__v1__stream_logins_response__unpack(NULL, len, at);

    if (m == NULL)
        fail("a message that cannot be read");
    if (m->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_HELLO) {
        s->is_open = true;
        s->head = m->hello->head_sequence;
    }
    okta__connector__v1__stream_logins_response__free_unpacked(m, NULL);
}

/* Field 1 are events, each beginning with its sequence (fixed64, field 1); field 2 is the token. */
static void take_message(struct stream *s)
{
    grpc_byte_buffer_reader reader;
    const uint8_t *at, *end;
    grpc_slice all;
    bool has_other = false;

    if (!grpc_byte_buffer_reader_init(&reader, s->message))
        fail("an unreadable message");
    all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    at = GRPC_SLICE_START_PTR(all);
    end = at + GRPC_SLICE_LENGTH(all);
    while (at < end) {
        uint8_t tag = *at++;
        size_t len = length_at(&at, end);

        if (tag == 0x0a)
            take_event(s, at, len);
        else if (tag == 0x12 && len < sizeof s->token)
            snprintf(s->token, sizeof s->token, "%.*s", (int)len, (const char *)at);
        else
            has_other = true;
        at += len;
    }
    if (has_other)
        take_other(s, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
    grpc_slice_unref(all);
}

/* ---- a stream ---- */

static void start(struct stream *s, const grpc_op *ops, size_t count, enum op_kind kind)
{
    s->ops[kind] = (struct op){ s, kind };
    s->under_way++;
    ASSERT(grpc_call_start_batch(s->raw, ops, count, &s->ops[kind], NULL) == GRPC_CALL_OK);
}

static void read_next(struct stream *s)
{
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &s->message };

    start(s, &op, 1, OP_READ);
}

static grpc_byte_buffer *encode(const Okta__Connector__V1__StreamLoginsRequest *request)
{
    uint8_t bytes[512];
    grpc_slice slice;
    grpc_byte_buffer *out;

    ASSERT(protobuf_c_message_get_packed_size(&request->base) <= sizeof bytes);
    slice = grpc_slice_from_copied_buffer((char *)bytes, protobuf_c_message_pack(&request->base, bytes));
    out = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return out;
}

static void open_call(struct stream *s, grpc_channel *channel, const Okta__Connector__V1__StreamLoginsRequest *request)
{
    grpc_byte_buffer *bytes = encode(request);
    grpc_op begin[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                        { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes },
                        { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
                        { .op = GRPC_OP_RECV_INITIAL_METADATA,
                          .data.recv_initial_metadata.recv_initial_metadata = &s->headers } };
    grpc_op end = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                    .data.recv_status_on_client = {
                        .trailing_metadata = &s->trailers, .status = &s->status, .status_details = &s->text } };

    grpc_metadata_array_init(&s->headers);
    grpc_metadata_array_init(&s->trailers);
    s->raw = grpc_channel_create_call(channel, NULL, 0, b.cq, grpc_slice_from_static_string(METHOD), NULL,
                                      gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    s->is_open = false;
    start(s, begin, 4, OP_BEGIN);
    start(s, &end, 1, OP_END);
    read_next(s);
    grpc_byte_buffer_destroy(bytes);
}

static void close_call(struct stream *s)
{
    ASSERT(s->under_way == 0);
    grpc_call_unref(s->raw);
    grpc_metadata_array_destroy(&s->headers);
    grpc_metadata_array_destroy(&s->trailers);
    grpc_slice_unref(s->text);
    s->raw = NULL;
}

/* ---- all of them ---- */

/* Handles one event; false when none came in time. */
static bool step(int64_t within_ms)
{
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(within_ms, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(b.cq, until, NULL);
    struct op *op = event.tag;
    struct stream *s;

    if (event.type != GRPC_OP_COMPLETE)
        return false;
    s = op->stream;
    if (--s->under_way == 0)
        b.ended++;
    if (op->kind != OP_READ || s->message == NULL)
        return true;
    if (s->under_way == 0)
        b.ended--;
    take_message(s);
    grpc_byte_buffer_destroy(s->message);
    s->message = NULL;
    read_next(s);
    return true;
}

static void step_until(bool (*is_done)(void), const char *what)
{
    double until_ms = now_ms() + WAIT_MS;

    while (!is_done()) {
        (void)step(SLICE_MS);
        if (now_ms() > until_ms)
            fail(what);
    }
}

static bool all_open(void)
{
    for (uint64_t i = 0; i < b.stream_count; i++)
        if (b.streams[i].raw != NULL && !b.streams[i].is_open)
            return false;
    return true;
}

static bool readers_read(void)
{
    for (uint64_t i = 0; i < b.stream_count; i++)
        if (b.streams[i].reads_all && !b.streams[i].has_events)
            return false;
    return true;
}

static bool all_ended(void)
{
    return b.ended == b.stream_count;
}

static void open_channels(const char *const addresses[2])
{
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_arg args[] = {
        { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, { .integer = 1 } },
        { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_ENABLE_RETRIES, { .integer = 0 } },
        { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, { .integer = MESSAGE_MAX } },
    };
    const grpc_channel_args all = { sizeof args / sizeof args[0], args };

    for (uint64_t i = 0; i < b.channel_count; i++)
        b.channels[i] = grpc_channel_create(addresses[i % 2], plain, &all);
    grpc_channel_credentials_release(plain);
}

static void close_channels(void)
{
    for (uint64_t i = 0; i < b.channel_count; i++)
        grpc_channel_destroy(b.channels[i]);
}

static void follow(void)
{
    Okta__Connector__V1__StreamLoginsRequest request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;

    request.follow = true;
    for (int reads_all = 0; reads_all < 2; reads_all++) {
        request.start_case = reads_all ? OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING
                                       : OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_NOW;
        request.from_now = reads_all == 0;
        if (reads_all == 1)
            request.from_beginning = true;
        for (uint64_t i = 0; i < b.stream_count; i++) {
            struct stream *s = &b.streams[i];

            if ((i % 10 == 9) != (reads_all == 1))
                continue;
            s->reads_all = reads_all == 1;
            open_call(s, b.channels[i % b.channel_count], &request);
        }
        step_until(all_open, "not every stream began");
    }
    step_until(readers_read, "not every reader reads");
}

/* ---- the end of the server ---- */

static struct view trailer(const struct stream *s, const char *key)
{
    for (size_t i = 0; i < s->trailers.count; i++)
        if (grpc_slice_str_cmp(s->trailers.metadata[i].key, key) == 0)
            return (struct view){ (const char *)GRPC_SLICE_START_PTR(s->trailers.metadata[i].value),
                                  GRPC_SLICE_LENGTH(s->trailers.metadata[i].value) };
    return VIEW_NONE;
}

static bool has(struct view v, const char *part)
{
    return memmem(v.at, v.len, part, strlen(part)) != NULL;
}

static double end_server(pid_t pid)
{
    struct pollfd gone = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    double begun_ms, until_ms, ms;

    if (gone.fd < 0)
        fail("--pid: no such process");
    begun_ms = now_ms();
    until_ms = begun_ms + WAIT_MS;
    ASSERT(kill(pid, SIGTERM) == 0);
    while (poll(&gone, 1, 0) == 0) {
        (void)step(SLICE_MS);
        if (now_ms() > until_ms)
            fail("the server does not end");
    }
    ms = now_ms() - begun_ms;
    close(gone.fd);
    step_until(all_ended, "not every stream ended");
    return ms;
}

static uint64_t count_well_ended(void)
{
    uint64_t good = 0;

    for (uint64_t i = 0; i < b.stream_count; i++) {
        const struct stream *s = &b.streams[i];

        if (s->status == GRPC_STATUS_UNAVAILABLE && view_is(trailer(s, "okta-resume-token"), s->token) &&
            has(trailer(s, "grpc-status-details-bin"), "google.rpc.RetryInfo"))
            good++;
        else
            fprintf(stderr, "drain: stream %" PRIu64 " ended with %d: %.*s; token %zu bytes\n", i, (int)s->status,
                    (int)GRPC_SLICE_LENGTH(s->text), (const char *)GRPC_SLICE_START_PTR(s->text),
                    trailer(s, "okta-resume-token").len);
    }
    return good;
}

/* ---- the next server ---- */

static uint64_t resume(void)
{
    Okta__Connector__V1__StreamLoginsRequest request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    uint64_t resumed = 0;

    b.ended = 0;
    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
    for (uint64_t i = 0; i < b.stream_count; i++) {
        close_call(&b.streams[i]);
        request.resume_token = b.streams[i].token;
        open_call(&b.streams[i], b.channels[i % b.channel_count], &request);
    }
    step_until(all_ended, "not every stream came to the head");
    for (uint64_t i = 0; i < b.stream_count; i++) {
        const struct stream *s = &b.streams[i];

        if (s->status == GRPC_STATUS_OK && (s->events == 0 || s->last >= s->head))
            resumed++;
        else
            fprintf(stderr, "drain: stream %" PRIu64 " resumed with %d: %.*s\n", i, (int)s->status,
                    (int)GRPC_SLICE_LENGTH(s->text), (const char *)GRPC_SLICE_START_PTR(s->text));
        close_call(&b.streams[i]);
    }
    return resumed;
}

int main(int argc, char **argv)
{
    const char *addresses[2] = { NULL, NULL };
    uint64_t pid = 0, events = 0, ended, resumed;
    char line[16];
    double ms;

    b.stream_count = 1000;
    b.channel_count = 20;
    for (int i = 1; i + 1 < argc; i += 2) {
        struct view value = view_of(argv[i + 1]);

        if (strcmp(argv[i], "--unix") == 0)
            addresses[0] = argv[i + 1];
        else if (strcmp(argv[i], "--tcp") == 0)
            addresses[1] = argv[i + 1];
        else if (!(strcmp(argv[i], "--pid") == 0 && view_u64(value, 1, INT32_MAX, &pid)) &&
                 !(strcmp(argv[i], "--streams") == 0 && view_u64(value, 1, STREAMS_MAX, &b.stream_count)) &&
                 !(strcmp(argv[i], "--connections") == 0 && view_u64(value, 1, CONNECTIONS_MAX, &b.channel_count)))
            fail(argv[i]);
    }
    if (addresses[0] == NULL || addresses[1] == NULL || pid == 0)
        fail("give --pid, --unix and --tcp");
    grpc_init();
    b.cq = grpc_completion_queue_create_for_next(NULL);
    b.streams = mem_array(b.stream_count, sizeof *b.streams);
    open_channels(addresses);
    follow();
    ms = end_server((pid_t)pid);
    ended = count_well_ended();
    close_channels();
    puts("gone");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        fail("nobody says that the server is back");
    open_channels(addresses);
    resumed = resume();
    close_channels();
    for (uint64_t i = 0; i < b.stream_count; i++)
        events += b.streams[i].events;
    printf("bench drain ms=%.0f resumed=%" PRIu64 " limit=%d ratio=%.2f streams=%" PRIu64 " connections=%" PRIu64
           " told=%" PRIu64 " events=%" PRIu64 "\n",
           ms, resumed, LIMIT_MS, ms / LIMIT_MS, b.stream_count, b.channel_count, ended, events);
    return ended == b.stream_count && resumed == b.stream_count ? 0 : 1;
}
