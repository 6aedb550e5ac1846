#include "grpc/reflection/v1/reflection.pb-c.h"
#include "rpc/wire.h"
#include "tests/rows.h"
#include "tests/rpc/fixture.h"

#include <grpc/grpc.h>
#include <stdio.h>
#include <string.h>

#define V1          "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA     "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
#define MESSAGE_MAX (4u << 20)

typedef Grpc__Reflection__V1__ServerReflectionRequest request_t;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_t;

#define ASK(which)      GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##which
#define ANSWERED(which) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##which

static response_t *ask(struct client_call *call, const request_t *request)
{
    AUTO_BUF struct buf out = BUF(MESSAGE_MAX);
    AUTO_BUF struct buf in = BUF(MESSAGE_MAX);
    response_t *response;

    grpc__reflection__v1__server_reflection_request__pack(
        request, buf_extend(&out, grpc__reflection__v1__server_reflection_request__get_packed_size(request)));
    client_send(call, buf_view(&out));
    assert_true(client_read(call, &in));
    response = grpc__reflection__v1__server_reflection_response__unpack(NULL, in.len, (const uint8_t *)in.at);
    assert_non_null(response);
    assert_string_equal(response->valid_host, "here");
    assert_int_equal(response->original_request->message_request_case, request->message_request_case);
    return response;
}

static request_t request_of(int which, const char *text)
{
    request_t r = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    r.host = (char *)(uintptr_t) "here";
    r.message_request_case = which;
    r.file_by_filename = (char *)(uintptr_t)text; /* a union of strings */
    return r;
}

/* ---- files and symbols, in both versions ---- */

static const struct row {
    const char *name;
    int ask;
    const char *text, *want_file; /* NULL: NOT_FOUND */
} rows[] = {
    { "a service", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Connector", "okta/connector/v1/connector.proto" },
    { "a method", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Connector.Status",
      "okta/connector/v1/connector.proto" },
    { "a method with a slash", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Connector/Status",
      "okta/connector/v1/connector.proto" },
    { "a message", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.LoginEvent", "okta/connector/v1/login.proto" },
    { "a leading dot", ASK(FILE_CONTAINING_SYMBOL), ".okta.connector.v1.LoginEvent", "okta/connector/v1/login.proto" },
    { "a field", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.LoginEvent.sequence",
      "okta/connector/v1/login.proto" },
    { "a oneof", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.StreamLoginsRequest.start",
      "okta/connector/v1/connector.proto" },
    { "an enum", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Collection", "okta/connector/v1/connector.proto" },
    { "a value of an enum", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.COLLECTION_USERS",
      "okta/connector/v1/connector.proto" },
    { "a nested enum", ASK(FILE_CONTAINING_SYMBOL), "grpc.health.v1.HealthCheckResponse.ServingStatus",
      "grpc/health/v1/health.proto" },
    { "a value of a nested enum", ASK(FILE_CONTAINING_SYMBOL), "grpc.health.v1.HealthCheckResponse.SERVING",
      "grpc/health/v1/health.proto" },
    { "what we import", ASK(FILE_CONTAINING_SYMBOL), "google.protobuf.Timestamp", "google/protobuf/timestamp.proto" },
    { "a file", ASK(FILE_BY_FILENAME), "okta/connector/v1/login.proto", "okta/connector/v1/login.proto" },
    { "v1alpha itself", ASK(FILE_CONTAINING_SYMBOL), "grpc.reflection.v1alpha.ServerReflection",
      "grpc/reflection/v1alpha/reflection.proto" },
    { "a symbol that is not there", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Nothing", NULL },
    { "half a name", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.LoginEv", NULL },
    { "a package", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1", NULL },
    { "a value below its enum", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.Collection.COLLECTION_USERS", NULL },
    { "below a field", ASK(FILE_CONTAINING_SYMBOL), "okta.connector.v1.LoginEvent.sequence.x", NULL },
    { "nothing at all", ASK(FILE_CONTAINING_SYMBOL), "", NULL },
    { "a dot", ASK(FILE_CONTAINING_SYMBOL), ".", NULL },
    { "a file that is not there", ASK(FILE_BY_FILENAME), "okta/connector/v1/nothing.proto", NULL },
};

static bool has_file(const Grpc__Reflection__V1__FileDescriptorResponse *files, struct view name)
{
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *d = &files->file_descriptor_proto[i];

        if (view_eq(wire_find((struct view){ (const char *)d->data, d->len }, 1), name))
            return true;
    }
    return false;
}

/* The file comes first, and all files that it imports are there. */
static void check_files(const Grpc__Reflection__V1__FileDescriptorResponse *files, const char *want)
{
    for (size_t i = 0; i < files->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *d = &files->file_descriptor_proto[i];
        struct view file = { (const char *)d->data, d->len };
        struct wire_field field;

        assert_true(i > 0 || view_is(wire_find(file, 1), want));
        while (wire_next(&file, &field))
            assert_true(field.number != 3 || has_file(files, field.bytes));
    }
}

static void the_file_comes_with_its_imports(void **state)
{
    static const char *const versions[] = { V1, V1ALPHA };
    const struct row *row = *state;
    const request_t request = request_of(row->ask, row->text);
    struct client_call call;
    struct fixture *f;
    void *fixture;

    fixture_setup(&fixture);
    f = fixture;
    for (size_t i = 0; i < 2; i++) {
        response_t *response;

        client_begin_bidi(&f->client, &call, versions[i]);
        response = ask(&call, &request);
        if (row->want_file != NULL) {
            assert_int_equal(response->message_response_case, ANSWERED(FILE_DESCRIPTOR_RESPONSE));
            check_files(response->file_descriptor_response, row->want_file);
        } else {
            assert_int_equal(response->message_response_case, ANSWERED(ERROR_RESPONSE));
            assert_int_equal(response->error_response->error_code, ERROR_NOT_FOUND);
        }
        grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
        client_send_end(&call);
        assert_int_equal(client_status(&call), ERROR_OK);
        client_end(&call);
    }
    fixture_teardown(&fixture);
}

/* ---- services, and the stream ---- */

static void the_services_are_those_that_are_served(void **state)
{
    static const char *const want[] = { "test.Test", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                        "grpc.reflection.v1alpha.ServerReflection" };
    const request_t request = request_of(ASK(LIST_SERVICES), "");
    struct fixture *f = *state;
    struct client_call call;
    response_t *response;

    client_begin_bidi(&f->client, &call, V1);
    response = ask(&call, &request);
    assert_int_equal(response->message_response_case, ANSWERED(LIST_SERVICES_RESPONSE));
    assert_int_equal(response->list_services_response->n_service, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(response->list_services_response->service[i]->name, want[i]);
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
    client_end(&call);
}

static void expect(struct client_call *call, const request_t *request, int answered, int error_code)
{
    response_t *response = ask(call, request);

    assert_int_equal(response->message_response_case, answered);
    if (answered == ANSWERED(ERROR_RESPONSE))
        assert_int_equal(response->error_response->error_code, error_code);
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

static void one_stream_answers_many_requests(void **state)
{
    Grpc__Reflection__V1__ExtensionRequest extension = GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    const request_t services = request_of(ASK(LIST_SERVICES), "");
    const request_t file = request_of(ASK(FILE_BY_FILENAME), "okta/connector/v1/directory.proto");
    const request_t numbers = request_of(ASK(ALL_EXTENSION_NUMBERS_OF_TYPE), "okta.connector.v1.LoginEvent");
    const request_t of_nothing = request_of(ASK(ALL_EXTENSION_NUMBERS_OF_TYPE), "okta.connector.v1.Connector");
    const request_t nothing = request_of(ASK(_NOT_SET), NULL);
    request_t by_extension = request_of(ASK(FILE_CONTAINING_EXTENSION), NULL);
    struct fixture *f = *state;
    struct client_call call;

    extension.containing_type = (char *)(uintptr_t) "okta.connector.v1.LoginEvent";
    by_extension.file_containing_extension = &extension;
    client_begin_bidi(&f->client, &call, V1ALPHA);
    for (int i = 0; i < 10; i++) {
        expect(&call, &services, ANSWERED(LIST_SERVICES_RESPONSE), 0);
        expect(&call, &file, ANSWERED(FILE_DESCRIPTOR_RESPONSE), 0);
        expect(&call, &numbers, ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE), 0);
        expect(&call, &of_nothing, ANSWERED(ERROR_RESPONSE), ERROR_NOT_FOUND);
        expect(&call, &by_extension, ANSWERED(ERROR_RESPONSE), ERROR_NOT_FOUND);
        expect(&call, &nothing, ANSWERED(ERROR_RESPONSE), ERROR_INVALID_ARGUMENT);
    }
    client_send_end(&call);
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(the_services_are_those_that_are_served),
        WITH_SERVER(one_stream_answers_many_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(the_file_comes_with_its_imports, rows);
}
