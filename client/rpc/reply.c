#include "client/rpc/reply.h"

#include "client/rpc/reason.h"

#include "base/mem.h"
#include "base/str.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <string.h>

#define ERROR_DOMAIN "okta.connector.v1"
#define RETRY_S_MAX  3600 /* nobody sits here for longer */

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

/* ---- google.rpc.Status ---- */

/* Adds to *err what one packed detail says; what cannot be read says nothing. */
typedef void (*take_detail)(const ProtobufCMessage *detail, struct error *err);

/* Debian's error_details.proto is older than ErrorInfo; its first two fields are strings, reason and domain, and so are
 * Help.Link's. */
static void take_info(const ProtobufCMessage *detail, struct error *err)
{
    const Google__Rpc__Help__Link *info = (const void *)detail;

    if (err->reason == NULL && strcmp(info->url, ERROR_DOMAIN) == 0)
        err->reason = reason_known(view_of(info->description));
}

static void take_bad_request(const ProtobufCMessage *detail, struct error *err)
{
    const Google__Rpc__BadRequest *bad = (const void *)detail;

    for (size_t i = 0; i < bad->n_field_violations; i++)
        if (bad->field_violations[i]->field[0] != '\0')
            error_field(err, bad->field_violations[i]->field, "%s", bad->field_violations[i]->description);
}

static void take_retry(const ProtobufCMessage *detail, struct error *err)
{
    const Google__Protobuf__Duration *delay = ((const Google__Rpc__RetryInfo *)(const void *)detail)->retry_delay;

    if (delay == NULL || delay->seconds < 0 || delay->nanos < 0 || delay->nanos > 999999999)
        return;
    error_retry(err,
                delay->seconds < RETRY_S_MAX ? delay->seconds * 1000 + delay->nanos / 1000000 : RETRY_S_MAX * 1000);
}

static void take_help(const ProtobufCMessage *detail, struct error *err)
{
    const Google__Rpc__Help *help = (const void *)detail;

    if (help->n_links > 0)
        error_fact(err, "help", help->links[0]->description);
}

static const struct {
    const char *type;
    const ProtobufCMessageDescriptor *read_as;
    take_detail take;
} kinds[] = {
    { "/google.rpc.ErrorInfo", &google__rpc__help__link__descriptor, take_info },
    { "/google.rpc.BadRequest", &google__rpc__bad_request__descriptor, take_bad_request },
    { "/google.rpc.RetryInfo", &google__rpc__retry_info__descriptor, take_retry },
    { "/google.rpc.Help", &google__rpc__help__descriptor, take_help },
};

static void take_any(const Google__Protobuf__Any *any, struct error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ProtobufCMessage *message;

        if (!view_ends(view_of(any->type_url), kinds[i].type))
            continue;
        message = protobuf_c_message_unpack(kinds[i].read_as, NULL, any->value.len, any->value.data);
        if (message == NULL)
            return;
        kinds[i].take(message, err);
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void take_details(const struct reply_status *s, struct error *err)
{
    for (size_t i = 0; i < s->trailers.count; i++) {
        struct view value = slice_view(&s->trailers.metadata[i].value);
        Google__Rpc__Status *status;

        if (!view_is(slice_view(&s->trailers.metadata[i].key), "grpc-status-details-bin"))
            continue;
        status = google__rpc__status__unpack(NULL, value.len, (const uint8_t *)value.at);
        for (size_t d = 0; status != NULL && d < status->n_details; d++)
            take_any(status->details[d], err);
        if (status != NULL)
            google__rpc__status__free_unpacked(status, NULL);
    }
}

bool reply_status_check(const struct reply_status *s, struct error *err)
{
    AUTO_BUF struct buf text = BUF(64u << 10);
    enum error_code code = (enum error_code)s->code;

    if (code == ERROR_OK)
        return true;
    utf8_clean(slice_view(&s->text), &text);
    error_set(err, code, "%s", text.len > 0 ? buf_cstr(&text) : error_code_name(code));
    take_details(s, err);
    return false;
}

/* ---- messages ---- */

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
