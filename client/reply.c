#include "client/reply.h"

#include "client/reason.h"

#include "base/mem.h"
#include "base/str.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <string.h>

#define ERROR_DOMAIN "okta.connector.v1"

void reply_status_init(struct reply_status *s)
{
    s->code = GRPC_STATUS_UNKNOWN;
    s->text = grpc_empty_slice();
    grpc_metadata_array_init(&s->trailers);
}

void reply_status_deinit(struct reply_status *s)
{
    grpc_slice_unref(s->text);
    grpc_metadata_array_destroy(&s->trailers);
}

static struct view slice_view(const grpc_slice *s)
{
    return (struct view){ (const char *)GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s) };
}

/* The reason in one packed google.rpc.ErrorInfo, or NULL. Debian's error_details.proto is older than that message; its
 * first two fields are strings, reason and domain, and so are Help.Link's. */
static const char *reason_of(const ProtobufCBinaryData *packed)
{
    ProtobufCMessage *message =
        protobuf_c_message_unpack(&google__rpc__help__link__descriptor, NULL, packed->len, packed->data);
    const Google__Rpc__Help__Link *info = (const void *)message;
    const char *reason = NULL;

    if (info != NULL && strcmp(info->url, ERROR_DOMAIN) == 0)
        reason = reason_known(view_of(info->description));
    protobuf_c_message_free_unpacked(message, NULL);
    return reason;
}

static const char *find_reason(const struct reply_status *s)
{
    const char *reason = NULL;

    for (size_t i = 0; i < s->trailers.count && reason == NULL; i++) {
        struct view value = slice_view(&s->trailers.metadata[i].value);
        Google__Rpc__Status *status;

        if (!view_is(slice_view(&s->trailers.metadata[i].key), "grpc-status-details-bin"))
            continue;
        status = google__rpc__status__unpack(NULL, value.len, (const uint8_t *)value.at);
        for (size_t d = 0; status != NULL && d < status->n_details && reason == NULL; d++)
            if (view_ends(view_of(status->details[d]->type_url), "/google.rpc.ErrorInfo"))
                reason = reason_of(&status->details[d]->value);
        if (status != NULL)
            google__rpc__status__free_unpacked(status, NULL);
    }
    return reason;
}

bool reply_status_check(const struct reply_status *s, struct error *err)
{
    AUTO_BUF struct buf text = BUF(64u << 10);
    enum error_code code = (enum error_code)s->code;

    if (code == ERROR_OK)
        return true;
    utf8_clean(slice_view(&s->text), &text);
    return error_reason(err, code, find_reason(s), "%s", text.len > 0 ? buf_cstr(&text) : error_code_name(code));
}

bool reply_decode(grpc_byte_buffer **bytes, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
                  struct error *err)
{
    grpc_byte_buffer_reader reader;
    ProtobufCMessage *message = NULL;

    if (grpc_byte_buffer_reader_init(&reader, *bytes)) {
        grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);

        message = protobuf_c_message_unpack(type, NULL, GRPC_SLICE_LENGTH(whole), GRPC_SLICE_START_PTR(whole));
        grpc_slice_unref(whole);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(*bytes);
    *bytes = NULL;
    if (message == NULL)
        return error_set(err, ERROR_DATA_LOSS, "the server sent something that is no %s", type->short_name);
    *out = message;
    return true;
}

grpc_byte_buffer *reply_encode(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    grpc_byte_buffer *bytes;

    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}
