/* The bytes of a request: the first says of which method, the rest is the message. */
#include "tests/fuzz/fuzz.h"

#include "base/mem.h"
#include "rpc/message.h"
#include "rpc/wire.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &okta__connector__v1__configure_request__descriptor,
    &okta__connector__v1__sync_request__descriptor,
    &okta__connector__v1__status_request__descriptor,
    &okta__connector__v1__stream_logins_request__descriptor,
    &okta__connector__v1__delete_request__descriptor,
    &okta__connector__v1__get_user_request__descriptor,
    &okta__connector__v1__list_users_request__descriptor,
    &grpc__health__v1__health_check_request__descriptor,
    &grpc__reflection__v1__server_reflection_request__descriptor,
    &okta__connector__v1__diagnose_request__descriptor,
};

static void walk(struct view bytes)
{
    struct view rest = bytes;
    struct wire_field field;

    while (wire_next(&rest, &field)) {
        ASSERT(field.number > 0 && fuzz_is_within(field.bytes, bytes));
        ASSERT(rest.len < bytes.len);
    }
    ASSERT(fuzz_is_within(wire_find(bytes, 1), bytes));
}

/* Strings are text, and end where protobuf-c thinks that they do. */
static void check_strings(const ProtobufCMessageDescriptor *type, struct view rest)
{
    struct wire_field field;

    while (wire_next(&rest, &field)) {
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(type, field.number);

        if (f != NULL && f->type == PROTOBUF_C_TYPE_STRING && field.type == WIRE_BYTES)
            ASSERT(utf8_is_clean(field.bytes));
    }
    ASSERT(rest.len == 0);
}

static bool parse(const ProtobufCMessageDescriptor *type, struct view bytes, ProtobufCMessage **out, struct error *err)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.at != NULL ? bytes.at : "", bytes.len);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    bool ok = message_parse(type, buffer, out, err);

    grpc_byte_buffer_destroy(buffer);
    grpc_slice_unref(slice);
    return ok;
}

/* What was taken is written again, and taken again as the same. */
static void again(const ProtobufCMessageDescriptor *type, const ProtobufCMessage *m)
{
    AUTO_BUF struct buf once = BUF(0), twice = BUF(0);
    ProtobufCMessage *back;
    struct error err;

    ASSERT(protobuf_c_message_check(m));
    if (!message_pack(m, &once, &err))
        return;
    ASSERT(parse(type, buf_view(&once), &back, &err) && message_pack(back, &twice, &err));
    ASSERT(view_eq(buf_view(&once), buf_view(&twice)));
    protobuf_c_message_free_unpacked(back, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_view(data, size);
    const ProtobufCMessageDescriptor *type = types[fuzz_byte(&rest) % (sizeof types / sizeof types[0])];
    ProtobufCMessage *m = NULL;
    struct error err = { 0 };

    walk(rest);
    if (parse(type, rest, &m, &err)) {
        check_strings(type, rest);
        again(type, m);
        protobuf_c_message_free_unpacked(m, NULL);
    } else {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
    }
    return 0;
}
