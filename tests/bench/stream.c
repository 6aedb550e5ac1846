#include "bench/stream.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"

#include "okta/connector/v1/connector.pb-c.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define METHOD       "/okta.connector.v1.Connector/StreamLogins"
#define MESSAGE_MAX  (4 << 20)
#define MESSAGES_MAX 1000000
#define TIMEOUT_S    120

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "stream: %s\n", what);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void next(grpc_completion_queue *cq)
{
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(TIMEOUT_S, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(cq, until, NULL);

    if (event.type != GRPC_OP_COMPLETE)
        fail("time is up");
}

/* ---- the reader ---- */

/* Counts the elements of field 1, skipping from tag to tag as a decoder does. */
static uint64_t count_events(const unsigned char *at, size_t len)
{
    uint64_t events = 0;
    size_t i = 0;

    while (i < len) {
        unsigned char tag = at[i++];
        uint64_t size = 0;

        if ((tag & 7) != 2)
            fail("an unexpected field");
        for (unsigned shift = 0; i < len; shift += 7) {
            size |= (uint64_t)(at[i] & 0x7f) << shift;
            if ((at[i++] & 0x80) == 0)
                break;
        }
        events += tag == 0x0a;
        i += size;
    }
    return events;
}

static void take_message(struct stream_read *read, grpc_byte_buffer *message, FILE *record)
{
    grpc_byte_buffer_reader reader;
    grpc_slice all;

    if (!grpc_byte_buffer_reader_init(&reader, message))
        fail("an unreadable message");
    all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    read->events += count_events(GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
    read->bytes += GRPC_SLICE_LENGTH(all);
    read->messages++;
    if (record != NULL) {
        uint64_t len = GRPC_SLICE_LENGTH(all);

        if (fwrite(&len, sizeof len, 1, record) != 1 || fwrite(GRPC_SLICE_START_PTR(all), 1, len, record) != len)
            fail("cannot write the messages down");
    }
    grpc_slice_unref(all);
}

static grpc_byte_buffer *request_of(const struct stream_read *read)
{
    Okta__Connector__V1__StreamLoginsRequest request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    unsigned char bytes[256];
    grpc_slice slice;
    grpc_byte_buffer *buffer;

    request.name = (char *)read->name;
    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING;
    request.from_beginning = 1;
    ASSERT(protobuf_c_message_get_packed_size(&request.base) <= sizeof bytes);
    slice = grpc_slice_from_copied_buffer((char *)bytes, protobuf_c_message_pack(&request.base, bytes));
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

void stream_read(struct stream_read *read)
{
    grpc_completion_queue *cq;
    grpc_channel_credentials *insecure;
    grpc_channel *channel;
    grpc_call *call;
    grpc_byte_buffer *message = NULL, *request = request_of(read);
    grpc_metadata_array first, last;
    grpc_status_code status = GRPC_STATUS_OK;
    grpc_slice details = grpc_empty_slice(), method = grpc_slice_from_static_string(METHOD);
    grpc_slice host = grpc_slice_from_static_string("localhost");
    grpc_op begin[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                        { .op = GRPC_OP_SEND_MESSAGE },
                        { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
                        { .op = GRPC_OP_RECV_INITIAL_METADATA } };
    grpc_op more = { .op = GRPC_OP_RECV_MESSAGE }, over = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT };
    grpc_arg arg = { .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH };
    const grpc_channel_args args = { 1, &arg };
    FILE *record = read->record_to != NULL ? fopen(read->record_to, "w") : NULL;
    double started;

    arg.value.integer = MESSAGE_MAX;
    grpc_init();
    cq = grpc_completion_queue_create_for_next(NULL);
    insecure = grpc_insecure_credentials_create();
    channel = grpc_channel_create(read->address, insecure, &args);
    call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, cq, method, &host,
                                    gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_metadata_array_init(&first);
    grpc_metadata_array_init(&last);
    begin[1].data.send_message.send_message = request;
    begin[3].data.recv_initial_metadata.recv_initial_metadata = &first;
    more.data.recv_message.recv_message = &message;
    over.data.recv_status_on_client.trailing_metadata = &last;
    over.data.recv_status_on_client.status = &status;
    over.data.recv_status_on_client.status_details = &details;
    read->events = read->bytes = read->messages = 0;
    started = now_s();
    grpc_call_start_batch(call, begin, 4, NULL, NULL);
    next(cq);
    for (;;) {
        grpc_call_start_batch(call, &more, 1, NULL, NULL);
        next(cq);
        if (message == NULL)
            break;
        take_message(read, message, record);
        grpc_byte_buffer_destroy(message);
    }
    grpc_call_start_batch(call, &over, 1, NULL, NULL);
    next(cq);
    read->seconds = now_s() - started;
    if (status != GRPC_STATUS_OK) {
        fprintf(stderr, "stream: status %d: %.*s\n", (int)status, (int)GRPC_SLICE_LENGTH(details),
                (const char *)GRPC_SLICE_START_PTR(details));
        exit(1);
    }
    if (record != NULL && fclose(record) != 0)
        fail("cannot write the messages down");
    grpc_slice_unref(details);
    grpc_metadata_array_destroy(&first);
    grpc_metadata_array_destroy(&last);
    grpc_byte_buffer_destroy(request);
    grpc_call_unref(call);
    grpc_channel_destroy(channel);
    grpc_channel_credentials_release(insecure);
    grpc_completion_queue_shutdown(cq);
    while (grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type != GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(cq);
}

/* ---- the limit ---- */

struct messages {
    grpc_slice *at;
    size_t count;
};

static struct messages load(const char *path)
{
    struct messages m = { mem_array(MESSAGES_MAX, sizeof *m.at), 0 };
    FILE *f = fopen(path, "r");
    uint64_t len;

    if (f == NULL)
        fail("no messages");
    while (m.count < MESSAGES_MAX && fread(&len, sizeof len, 1, f) == 1) {
        grpc_slice slice = grpc_slice_malloc(len);

        if (fread(GRPC_SLICE_START_PTR(slice), 1, len, f) != len)
            fail("half a message");
        m.at[m.count++] = slice;
    }
    fclose(f);
    return m;
}

/* One call: takes the request, sends every message, each when the last has left, then OK. */
static void answer(grpc_call *call, grpc_completion_queue *cq, const struct messages *m)
{
    grpc_byte_buffer *request = NULL;
    grpc_op begin[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA }, { .op = GRPC_OP_RECV_MESSAGE } };
    grpc_op end[] = { { .op = GRPC_OP_SEND_STATUS_FROM_SERVER }, { .op = GRPC_OP_RECV_CLOSE_ON_SERVER } };
    int cancelled;

    begin[1].data.recv_message.recv_message = &request;
    grpc_call_start_batch(call, begin, 2, NULL, NULL);
    next(cq);
    grpc_byte_buffer_destroy(request);
    for (size_t i = 0; i < m->count; i++) {
        grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };
        /* Sending empties it, so each is made anew around the same bytes. */
        grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&m->at[i], 1);

        op.data.send_message.send_message = message;
        grpc_call_start_batch(call, &op, 1, NULL, NULL);
        next(cq);
        grpc_byte_buffer_destroy(message);
    }
    end[0].data.send_status_from_server.status = GRPC_STATUS_OK;
    end[1].data.recv_close_on_server.cancelled = &cancelled;
    grpc_call_start_batch(call, end, 2, NULL, NULL);
    next(cq);
    grpc_call_unref(call);
}

int stream_serve(const char *address, const char *path)
{
    grpc_server_credentials *insecure;
    grpc_completion_queue *cq;
    grpc_server *server;
    struct messages m;

    grpc_init();
    m = load(path);
    cq = grpc_completion_queue_create_for_next(NULL);
    server = grpc_server_create(NULL, NULL);
    insecure = grpc_insecure_server_credentials_create();
    grpc_server_register_completion_queue(server, cq, NULL);
    if (!grpc_server_add_http2_port(server, address, insecure))
        fail("cannot listen");
    grpc_server_start(server);
    for (;;) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array metadata;

        grpc_call_details_init(&details);
        grpc_metadata_array_init(&metadata);
        grpc_server_request_call(server, &call, &details, &metadata, cq, cq, NULL);
        /* SIGTERM ends the program here, which is all the tidiness that a limit needs. */
        if (grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).success && call != NULL)
            answer(call, cq, &m);
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&metadata);
    }
}
