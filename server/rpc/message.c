#include "rpc/message.h"

#include "base/assert.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/wire.h"

#include <grpc/byte_buffer_reader.h>
#include <string.h>

/* ---- in ---- */

static bool message_refuse_invalid(const ProtobufCMessageDescriptor *type, struct error *err)
{
    return error_reason(err, ERROR_INVALID_ARGUMENT, "REQUEST_INVALID", "the request is not a valid %s", type->name);
}

static bool message_refuse_too_large(size_t bytes, struct error *err)
{
    error_reason(err, ERROR_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "the request is larger than %u bytes",
                 CALL_REQUEST_BYTES_MAX);
    return error_quota(err, "request", "%zu bytes, of at most %u", bytes, CALL_REQUEST_BYTES_MAX);
}

static bool message_check_nested(const ProtobufCMessageDescriptor *type, struct view bytes, unsigned depth,
                                 struct error *err);

static bool message_check_field(const ProtobufCFieldDescriptor *field, struct view bytes, unsigned depth,
                                struct error *err)
{
    if (field->type == PROTOBUF_C_TYPE_STRING && !utf8_is_clean(bytes))
        return error_invalid(err, "REQUEST_INVALID", field->name, "the field %s is not UTF-8 text without U+0000",
                             field->name);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && !message_check_nested(field->descriptor, bytes, depth + 1, err))
        return error_within(err, field->name);
    return true;
}

/* protobuf-c recurses without a limit and knows nothing of UTF-8, so that the bytes are checked before it sees them.
 * Fields that the descriptor does not know are skipped, as protobuf demands. Bytes that are left over are no protobuf.
 */
static bool message_check_nested(const ProtobufCMessageDescriptor *type, struct view bytes, unsigned depth,
                                 struct error *err)
{
    struct wire_field at;

    if (depth > MESSAGE_DEPTH_MAX)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "REQUEST_INVALID", "the request nests deeper than %d messages",
                            MESSAGE_DEPTH_MAX);
    while (wire_next(&bytes, &at)) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, at.number);

        if (field != NULL && at.type == WIRE_BYTES && !message_check_field(field, at.bytes, depth, err))
            return false;
    }
    if (bytes.len > 0)
        return message_refuse_invalid(type, err);
    return true;
}

bool message_check(const ProtobufCMessageDescriptor *type, struct view bytes, struct error *err)
{
    return message_check_nested(type, bytes, 1, err);
}

static bool message_parse_slice(const ProtobufCMessageDescriptor *type, grpc_slice slice, ProtobufCMessage **out,
                                struct error *err)
{
    struct view bytes = { (const char *)GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice) };
    ProtobufCMessage *m;

    if (!message_check(type, bytes, err))
        return false;
    m = protobuf_c_message_unpack(type, NULL, bytes.len, (const uint8_t *)bytes.at);
    if (m == NULL)
        return message_refuse_invalid(type, err);
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
        return message_refuse_too_large(grpc_byte_buffer_length(bytes), err);
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return message_refuse_invalid(type, err);
    whole = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    is_parsed = message_parse_slice(type, whole, out, err);
    grpc_slice_unref(whole);
    return is_parsed;
}

/* ---- out ---- */

static bool message_refuse_large_answer(size_t bytes, struct error *err)
{
    error_reason(err, ERROR_RESOURCE_EXHAUSTED, "ANSWER_TOO_LARGE",
                 "the answer is larger than %u bytes: ask for less at a time", CALL_RESPONSE_BYTES_MAX);
    return error_quota(err, "answer", "%zu bytes, of at most %u", bytes, CALL_RESPONSE_BYTES_MAX);
}

bool message_pack(const ProtobufCMessage *m, struct buf *out, struct error *err)
{
    size_t bytes = protobuf_c_message_get_packed_size(m);
    void *at;

    if (bytes > CALL_RESPONSE_BYTES_MAX)
        return message_refuse_large_answer(bytes, err);
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
