/* A bidirectional stream in which each request gets one response. The call layer reads the next request only after the
 * response to the last has gone out, so that one pending response is all a stream ever holds, however fast a client
 * asks.
 *
 * v1 and v1alpha differ in their package name alone; messages and field numbers are the same. Both are served with the
 * messages of v1. */
#include "rpc/reflection.h"

#include "base/assert.h"
#include "base/mem.h"
#include "rpc/descriptors.h"
#include "rpc/message.h"

#include "grpc/reflection/v1/reflection.pb-c.h"

#include <grpc/grpc.h>
#include <string.h>

#define SERVICES_MAX 32

typedef Grpc__Reflection__V1__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_t;

struct reflection {
    struct descriptors descriptors;
    char *services[SERVICES_MAX];
    size_t service_count;
};

static void reflection_add_service(struct reflection *r, const char *path)
{
    struct view name = { path + 1, strcspn(path + 1, "/") };

    for (size_t i = 0; i < r->service_count; i++) {
        if (view_is(name, r->services[i]))
            return;
    }
    ASSERT(r->service_count < SERVICES_MAX);
    r->services[r->service_count++] = view_dup(name);
}

struct reflection *reflection_create(struct view descriptors, const struct call_method *const *tables,
                                     size_t table_count)
{
    struct reflection *r = mem_zero(sizeof *r);

    descriptors_init(&r->descriptors, descriptors);
    for (size_t i = 0; i < table_count; i++) {
        for (const struct call_method *m = tables[i]; m->path != NULL; m++)
            reflection_add_service(r, m->path);
    }
    return r;
}

void reflection_destroy(struct reflection *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->service_count; i++)
        free(r->services[i]);
    free(r);
}

/* ---- answers ---- */

static void reflection_pack(response_t *response, struct buf *out)
{
    struct error err;

    ASSERT(message_pack(&response->base, out,
                        &err)); /* it holds our descriptors, some dozen kilobytes, and the request: below the cap */
}

static void reflection_answer_error(response_t *response, enum error_code code, const char *text, struct buf *out)
{
    Grpc__Reflection__V1__ErrorResponse e = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

    e.error_code = (int32_t)code;
    e.error_message = (char *)(uintptr_t)text;
    response->message_response_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = &e;
    reflection_pack(response, out);
}

/* Answers with the file and everything it imports, so that the client need not ask again. The file itself comes first.
 * file < 0: there is none. */
static void reflection_answer_file(const struct reflection *r, response_t *response, int file, struct buf *out)
{
    Grpc__Reflection__V1__FileDescriptorResponse files = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    ProtobufCBinaryData list[DESCRIPTORS_FILES_MAX];
    bool marked[DESCRIPTORS_FILES_MAX] = { false };
    struct view at;

    if (file < 0) {
        reflection_answer_error(response, ERROR_NOT_FOUND, "there is no such file or symbol here", out);
        return;
    }
    descriptors_with_imports(&r->descriptors, file, marked);
    at = r->descriptors.files[file];
    list[files.n_file_descriptor_proto++] = (ProtobufCBinaryData){ at.len, (uint8_t *)(uintptr_t)at.at };
    for (int i = 0; i < (int)r->descriptors.count; i++) {
        at = r->descriptors.files[i];
        if (marked[i] && i != file)
            list[files.n_file_descriptor_proto++] = (ProtobufCBinaryData){ at.len, (uint8_t *)(uintptr_t)at.at };
    }
    files.file_descriptor_proto = list;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = &files;
    reflection_pack(response, out);
}

static void reflection_answer_services(const struct reflection *r, response_t *response, struct buf *out)
{
    Grpc__Reflection__V1__ListServiceResponse list = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX];
    Grpc__Reflection__V1__ServiceResponse *at[SERVICES_MAX];

    for (size_t i = 0; i < r->service_count; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = r->services[i];
        at[i] = &services[i];
    }
    list.n_service = r->service_count;
    list.service = at;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = &list;
    reflection_pack(response, out);
}

/* proto3 files can extend nothing but options, and ours extend nothing. So the list is empty for each message that
 * exists. */
static void reflection_answer_extensions(const struct reflection *r, response_t *response, const char *type,
                                         struct buf *out)
{
    Grpc__Reflection__V1__ExtensionNumberResponse none = GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;

    if (!descriptors_is_message(&r->descriptors, view_of(type))) {
        reflection_answer_error(response, ERROR_NOT_FOUND, "there is no such message here", out);
        return;
    }
    none.base_type_name = (char *)(uintptr_t)type;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    response->all_extension_numbers_response = &none;
    reflection_pack(response, out);
}

static void reflection_answer(const struct reflection *r, const request_t *request, struct buf *out)
{
    response_t response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

    response.valid_host = request->host;
    response.original_request = (request_t *)(uintptr_t)request;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        reflection_answer_file(r, &response, descriptors_file(&r->descriptors, view_of(request->file_by_filename)),
                               out);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        reflection_answer_file(r, &response,
                               descriptors_symbol(&r->descriptors, view_of(request->file_containing_symbol)), out);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        reflection_answer_error(&response, ERROR_NOT_FOUND, "there is no such extension here", out);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        reflection_answer_extensions(r, &response, request->all_extension_numbers_of_type, out);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        reflection_answer_services(r, &response, out);
        break;
    default:
        reflection_answer_error(&response, ERROR_INVALID_ARGUMENT, "the request asks for nothing", out);
        break;
    }
}

/* ---- the stream ---- */

struct reflection_stream {
    const struct reflection *reflection;
    struct buf pending;
    bool has_pending;
};

static void reflection_put_answer(struct reflection_stream *d, const ProtobufCMessage *request)
{
    reflection_answer(d->reflection, (const request_t *)request, &d->pending);
    d->has_pending = true;
}

static void reflection_ready(void *stream, struct call *c)
{
    struct reflection_stream *d = stream;

    if (d->has_pending)
        call_write(c, &d->pending);
    d->has_pending = false;
}

static void reflection_message(void *stream, struct call *c, const ProtobufCMessage *request)
{
    if (request == NULL)
        call_finish(c, NULL);
    else
        reflection_put_answer(stream, request); /* ready follows, and writes it */
}

static void reflection_ended(void *stream)
{
    struct reflection_stream *d = stream;

    buf_deinit(&d->pending);
    free(d);
}

static void reflection_start(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = reflection_ready,
                                                .message = reflection_message,
                                                .ended = reflection_ended };
    struct reflection_stream *d = mem_zero(sizeof *d);

    d->reflection = service;
    reflection_put_answer(d, request);
    call_stream(c, &ops, d);
}

const struct call_method reflection_methods[] = {
    { "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", CALL_BIDI_STREAM, NET_READER, false,
      &grpc__reflection__v1__server_reflection_request__descriptor, reflection_start },
    { "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", CALL_BIDI_STREAM, NET_READER, false,
      &grpc__reflection__v1__server_reflection_request__descriptor, reflection_start },
    { 0 },
};
