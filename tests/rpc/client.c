#include "tests/rpc/client.h"

#include "rpc/wire.h"
#include "tests/rows.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX 65536

#define WAIT_S 60 /* for things that happen at once on an idle machine */

static gpr_timespec in_ms(int64_t ms)
{
    if (ms == NO_DEADLINE)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/* Takes the credentials. */
static void open_with(struct client *c, const char *address, grpc_compression_algorithm algorithm,
                      grpc_channel_credentials *credentials)
{
    grpc_arg args[] = {
        { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_ENABLE_RETRIES, { .integer = 0 } },
        { GRPC_ARG_INTEGER, (char *)(uintptr_t)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, { .integer = 1 } },
        { GRPC_ARG_INTEGER,
          (char *)(uintptr_t)GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
          { .integer = (int)algorithm } },
    };
    const grpc_channel_args all = { sizeof args / sizeof args[0], args };

    c->channel = grpc_channel_create(address, credentials, &all);
    grpc_channel_credentials_release(credentials);
    c->cq = grpc_completion_queue_create_for_pluck(NULL);
}

void client_open(struct client *c, const char *address)
{
    grpc_init();
    open_with(c, address, GRPC_COMPRESS_NONE, grpc_insecure_credentials_create());
}

void client_open_compressing(struct client *c, const char *address)
{
    grpc_init();
    open_with(c, address, GRPC_COMPRESS_GZIP, grpc_insecure_credentials_create());
}

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "r");
    char *at;

    assert_non_null(f);
    at = buf_extend(out, FILE_BYTES_MAX);
    assert_non_null(at);
    out->len = fread(at, 1, FILE_BYTES_MAX, f);
    fclose(f);
}

void client_open_tls(struct client *c, const char *address, const char *ca_file, const char *cert_file,
                     const char *key_file)
{
    AUTO_BUF struct buf ca = BUF(FILE_BYTES_MAX + 1);
    AUTO_BUF struct buf cert = BUF(FILE_BYTES_MAX + 1);
    AUTO_BUF struct buf key = BUF(FILE_BYTES_MAX + 1);
    grpc_ssl_pem_key_cert_pair pair;

    grpc_init();
    read_file(ca_file, &ca);
    if (cert_file != NULL) {
        read_file(cert_file, &cert);
        read_file(key_file, &key);
    }
    pair = (grpc_ssl_pem_key_cert_pair){ buf_cstr(&key), buf_cstr(&cert) };
    open_with(c, address, GRPC_COMPRESS_NONE,
              grpc_ssl_credentials_create_ex(buf_cstr(&ca), cert_file != NULL ? &pair : NULL, NULL, NULL));
}

void client_close(struct client *c)
{
    grpc_channel_destroy(c->channel);
    grpc_completion_queue_shutdown(c->cq);
    assert_int_equal(grpc_completion_queue_pluck(c->cq, NULL, in_ms(WAIT_S * 1000), NULL).type, GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(c->cq);
    grpc_shutdown();
}

static void begin(struct client_call *call, const grpc_op *ops, size_t count, void *tag)
{
    assert_int_equal(grpc_call_start_batch(call->raw, ops, count, tag, NULL), GRPC_CALL_OK);
}

static bool await(struct client_call *call, void *tag)
{
    grpc_event ev = grpc_completion_queue_pluck(call->client->cq, tag, in_ms(WAIT_S * 1000), NULL);

    assert_int_equal(ev.type, GRPC_OP_COMPLETE);
    return ev.success != 0;
}

static bool run(struct client_call *call, const grpc_op *ops, size_t count)
{
    int tag;

    begin(call, ops, count, &tag);
    return await(call, &tag);
}

static void create(struct client *c, struct client_call *call, const char *path, int64_t within_ms)
{
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_op ops[2] = { { .op = GRPC_OP_RECV_STATUS_ON_CLIENT }, { .op = GRPC_OP_RECV_INITIAL_METADATA } };

    memset(call, 0, sizeof *call);
    call->client = c;
    call->text = grpc_empty_slice();
    grpc_metadata_array_init(&call->headers);
    grpc_metadata_array_init(&call->trailers);
    call->raw = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->cq, method, NULL,
                                         in_ms(within_ms), NULL);
    grpc_slice_unref(method);
    ops[0].data.recv_status_on_client.trailing_metadata = &call->trailers;
    ops[0].data.recv_status_on_client.status = &call->code;
    ops[0].data.recv_status_on_client.status_details = &call->text;
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &call->headers;
    begin(call, &ops[0], 1, &call->trailers);
    begin(call, &ops[1], 1, &call->headers);
}

static grpc_byte_buffer *buffer_of(struct view v)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(v.at, v.len);
    grpc_byte_buffer *out = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return out;
}

void client_begin(struct client *c, struct client_call *call, const char *path, struct view request, int64_t within_ms)
{
    grpc_byte_buffer *message = buffer_of(request);
    const grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                            { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message },
                            { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT } };

    create(c, call, path, within_ms);
    (void)run(call, ops, 3); /* fails if the server refuses at once; the status says so */
    grpc_byte_buffer_destroy(message);
}

void client_ask(struct client *c, struct client_call *call, const char *path, const char *text)
{
    AUTO_BUF struct buf request = BUF(1u << 20);

    text_encode(text, &request);
    client_begin(c, call, path, buf_view(&request), NO_DEADLINE);
}

void client_begin_bidi(struct client *c, struct client_call *call, const char *path)
{
    const grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };

    create(c, call, path, NO_DEADLINE);
    assert_true(run(call, &op, 1));
}

void client_send(struct client_call *call, struct view message)
{
    grpc_byte_buffer *bytes = buffer_of(message);
    const grpc_op op = { .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = bytes };

    assert_true(run(call, &op, 1));
    grpc_byte_buffer_destroy(bytes);
}

void client_send_end(struct client_call *call)
{
    const grpc_op op = { .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT };

    (void)run(call, &op, 1);
}

void client_headers(struct client_call *call)
{
    if (!call->has_headers)
        (void)await(call, &call->headers);
    call->has_headers = true;
}

bool client_read(struct client_call *call, struct buf *message)
{
    grpc_byte_buffer *bytes = NULL;
    const grpc_op op = { .op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &bytes };
    grpc_byte_buffer_reader reader;
    grpc_slice whole;

    client_headers(call);
    buf_reset(message);
    if (!run(call, &op, 1) || bytes == NULL)
        return false;
    assert_true(grpc_byte_buffer_reader_init(&reader, bytes));
    whole = grpc_byte_buffer_reader_readall(&reader);
    buf_put(message, GRPC_SLICE_START_PTR(whole), GRPC_SLICE_LENGTH(whole));
    grpc_slice_unref(whole);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(bytes);
    assert_true(buf_ok(message));
    return true;
}

void client_cancel(struct client_call *call)
{
    assert_int_equal(grpc_call_cancel(call->raw, NULL), GRPC_CALL_OK);
}

int client_status(struct client_call *call)
{
    if (!call->is_over) {
        client_headers(call);
        assert_true(await(call, &call->trailers));
    }
    call->is_over = true;
    return (int)call->code;
}

/* ThreadSanitizer does not see that the core wrote these bytes before it handed them over. */
__attribute__((no_sanitize_thread)) static void copy_unwatched(volatile char *to, const volatile uint8_t *from,
                                                               size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (char)from[i];
}

const char *client_text(struct client_call *call, struct buf *room)
{
    const size_t len = GRPC_SLICE_LENGTH(call->text);

    buf_reset(room);
    if (len > 0)
        copy_unwatched(buf_extend(room, len), GRPC_SLICE_START_PTR(call->text), len);
    return buf_cstr(room);
}

struct view client_trailer(const struct client_call *call, const char *key)
{
    for (size_t i = 0; i < call->trailers.count; i++) {
        const grpc_metadata *m = &call->trailers.metadata[i];

        if (grpc_slice_str_cmp(m->key, key) == 0)
            return (struct view){ (const char *)GRPC_SLICE_START_PTR(m->value), GRPC_SLICE_LENGTH(m->value) };
    }
    return VIEW_NONE;
}

void client_end(struct client_call *call)
{
    if (!call->is_over) {
        client_cancel(call);
        (void)client_status(call);
    }
    grpc_slice_unref(call->text);
    grpc_metadata_array_destroy(&call->headers);
    grpc_metadata_array_destroy(&call->trailers);
    grpc_call_unref(call->raw);
}

int client_unary(struct client *c, const char *path, const char *text, struct buf *answer)
{
    AUTO_BUF struct buf message = BUF(8u << 20);
    struct client_call call;
    int code;

    client_ask(c, &call, path, text);
    buf_reset(answer);
    if (client_read(&call, &message)) {
        struct view v = text_in(&message);

        buf_put(answer, v.at, v.len);
    }
    code = client_status(&call);
    client_end(&call);
    return code;
}

void text_encode(const char *text, struct buf *out)
{
    size_t len = strlen(text);

    buf_putc(out, 1 << 3 | WIRE_BYTES);
    for (; len >= 0x80; len >>= 7)
        buf_putc(out, (char)(len | 0x80));
    buf_putc(out, (char)len);
    buf_puts(out, text);
}

struct view text_in(const struct buf *message)
{
    return wire_find(buf_view(message), 1);
}
