#include "rpc/message.h"

#include "base/assert.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/wire.h"

#include "google/rpc/status.pb-c.h"

#include <grpc/byte_buffer_reader.h>
#include <string.h>

#define ERROR_DOMAIN     "okta.connector.v1"
#define ERROR_INFO_URL   "type.googleapis.com/google.rpc.ErrorInfo"
#define REASON_BYTES_MAX 100                  /* "UPPER_SNAKE_CASE", at most 63 by Google's convention */
#define STATUS_BYTES_MAX 4096                 /* an error's text is 512 bytes, three times that when cleaned */
#define STATUS_TEXT_MAX  (3 * ERROR_TEXT_MAX) /* a byte that is no UTF-8 becomes three */

_Static_assert((int)ERROR_OK == (int)GRPC_STATUS_OK, "codes");
_Static_assert((int)ERROR_CANCELLED == (int)GRPC_STATUS_CANCELLED, "codes");
_Static_assert((int)ERROR_UNKNOWN == (int)GRPC_STATUS_UNKNOWN, "codes");
_Static_assert((int)ERROR_INVALID_ARGUMENT == (int)GRPC_STATUS_INVALID_ARGUMENT, "codes");
_Static_assert((int)ERROR_DEADLINE_EXCEEDED == (int)GRPC_STATUS_DEADLINE_EXCEEDED, "codes");
_Static_assert((int)ERROR_NOT_FOUND == (int)GRPC_STATUS_NOT_FOUND, "codes");
_Static_assert((int)ERROR_ALREADY_EXISTS == (int)GRPC_STATUS_ALREADY_EXISTS, "codes");
_Static_assert((int)ERROR_PERMISSION_DENIED == (int)GRPC_STATUS_PERMISSION_DENIED, "codes");
_Static_assert((int)ERROR_RESOURCE_EXHAUSTED == (int)GRPC_STATUS_RESOURCE_EXHAUSTED, "codes");
_Static_assert((int)ERROR_FAILED_PRECONDITION == (int)GRPC_STATUS_FAILED_PRECONDITION, "codes");
_Static_assert((int)ERROR_ABORTED == (int)GRPC_STATUS_ABORTED, "codes");
_Static_assert((int)ERROR_OUT_OF_RANGE == (int)GRPC_STATUS_OUT_OF_RANGE, "codes");
_Static_assert((int)ERROR_UNIMPLEMENTED == (int)GRPC_STATUS_UNIMPLEMENTED, "codes");
_Static_assert((int)ERROR_INTERNAL == (int)GRPC_STATUS_INTERNAL, "codes");
_Static_assert((int)ERROR_UNAVAILABLE == (int)GRPC_STATUS_UNAVAILABLE, "codes");
_Static_assert((int)ERROR_DATA_LOSS == (int)GRPC_STATUS_DATA_LOSS, "codes");
_Static_assert((int)ERROR_UNAUTHENTICATED == (int)GRPC_STATUS_UNAUTHENTICATED, "codes");

/* ---- in ---- */

static bool check(const ProtobufCMessageDescriptor *type, struct view bytes, unsigned depth, struct error *err);

static bool check_field(const ProtobufCFieldDescriptor *field, struct view bytes, unsigned depth, struct error *err)
{
    if (field->type == PROTOBUF_C_TYPE_STRING && !utf8_is_clean(bytes))
        return error_set(err, ERROR_INVALID_ARGUMENT, "the field %s is not UTF-8 text without U+0000", field->name);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return check(field->descriptor, bytes, depth + 1, err);
    return true;
}

static bool check(const ProtobufCMessageDescriptor *type, struct view bytes, unsigned depth, struct error *err)
{
    struct wire_field at;

    if (depth > MESSAGE_DEPTH_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the request nests deeper than %d messages", MESSAGE_DEPTH_MAX);
    while (wire_next(&bytes, &at)) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, at.number);

        if (field != NULL && at.type == WIRE_BYTES && !check_field(field, at.bytes, depth, err))
            return false;
    }
    if (bytes.len > 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the request is not a valid %s", type->name);
    return true;
}

bool message_check(const ProtobufCMessageDescriptor *type, struct view bytes, struct error *err)
{
    return check(type, bytes, 1, err);
}

static bool parse_slice(const ProtobufCMessageDescriptor *type, grpc_slice slice, ProtobufCMessage **out,
                        struct error *err)
{
    struct view bytes = { (const char *)GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice) };
    ProtobufCMessage *m;

    if (!message_check(type, bytes, err))
        return false;
    m = protobuf_c_message_unpack(type, NULL, bytes.len, (const uint8_t *)bytes.at);
    if (m == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the request is not a valid %s", type->name);
    *out = m;
    return true;
}

bool message_parse(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes, ProtobufCMessage **out,
                   struct error *err)
{
    grpc_byte_buffer_reader reader;
    grpc_slice whole;
    bool is_parsed;

    if (grpc_byte_buffer_length(bytes) > CALL_REQUEST_BYTES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the request is larger than %u bytes", CALL_REQUEST_BYTES_MAX);
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return error_set(err, ERROR_INVALID_ARGUMENT, "the request cannot be read");
    whole = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    is_parsed = parse_slice(type, whole, out, err);
    grpc_slice_unref(whole);
    return is_parsed;
}

/* ---- out ---- */

bool message_pack(const ProtobufCMessage *m, struct buf *out, struct error *err)
{
    size_t bytes = protobuf_c_message_get_packed_size(m);
    void *at;

    if (bytes > CALL_RESPONSE_BYTES_MAX)
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "the answer is larger than %u bytes: ask for less at a time",
                         CALL_RESPONSE_BYTES_MAX);
    buf_init(out, bytes);
    at = buf_extend(out, bytes);
    ASSERT(at != NULL || bytes == 0);
    if (bytes > 0)
        protobuf_c_message_pack(m, at);
    return true;
}

grpc_byte_buffer *message_take(struct buf *bytes)
{
    grpc_slice slice = grpc_empty_slice();
    grpc_byte_buffer *out;

    ASSERT(buf_ok(bytes));
    if (bytes->len > 0) {
        slice = grpc_slice_new_with_user_data(bytes->at, bytes->len, free, bytes->at);
        bytes->at = NULL;
        bytes->len = bytes->room = 0;
    }
    buf_deinit(bytes);
    out = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return out;
}

/* ---- errors ---- */

static void put_text(const struct error *err, struct buf *out)
{
    utf8_clean(view_of(err->text), out);
    if (out->len == 0)
        buf_puts(out, error_code_name(err->code));
}

grpc_slice message_status_text(const struct error *err)
{
    AUTO_BUF struct buf text = BUF(STATUS_TEXT_MAX);

    put_text(err, &text);
    return grpc_slice_from_copied_buffer(text.at, text.len);
}

/* google.rpc.ErrorInfo { string reason = 1; string domain = 2; }, by hand: Debian's copy of Google's
 * error_details.proto is older than that message. */
static void put_error_info(const char *reason, struct buf *out)
{
    size_t len = strlen(reason);

    ASSERT(len <= REASON_BYTES_MAX);
    buf_putc(out, 1 << 3 | WIRE_BYTES);
    buf_putc(out, (char)len);
    buf_puts(out, reason);
    buf_putc(out, 2 << 3 | WIRE_BYTES);
    buf_putc(out, sizeof ERROR_DOMAIN - 1);
    buf_puts(out, ERROR_DOMAIN);
}

grpc_slice message_status_details(const struct error *err)
{
    AUTO_BUF struct buf text = BUF(STATUS_TEXT_MAX);
    AUTO_BUF struct buf info = BUF(STATUS_BYTES_MAX);
    AUTO_BUF struct buf bytes = BUF(0);
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    Google__Protobuf__Any *details[] = { &any };

    put_text(err, &text);
    put_error_info(err->reason, &info);
    any.type_url = (char *)(uintptr_t)ERROR_INFO_URL;
    any.value = (ProtobufCBinaryData){ info.len, (uint8_t *)info.at };
    status.code = (int32_t)err->code;
    status.message = (char *)(uintptr_t)buf_cstr(&text);
    status.n_details = 1;
    status.details = details;
    ASSERT(message_pack(&status.base, &bytes, NULL));
    ASSERT(bytes.len <= STATUS_BYTES_MAX);
    return grpc_slice_from_copied_buffer(bytes.at, bytes.len);
}
