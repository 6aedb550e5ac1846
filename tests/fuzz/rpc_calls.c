/* Calls of every method over the socket, by gRPC's own client, a few at a time: messages, deadlines, cancelling, and a
 * connection that goes away under them. The input is steps, as in methods.c. */
#include "tests/fuzz/fuzz.h"

#include "rpc/message.h"
#include "tests/fuzz/served.h"
#include "tests/rpc/client.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

#include <stdio.h>
#include <string.h>

#define CALLS         4
#define STEPS_MAX     16
#define READS_MAX     40
#define MESSAGE_MAX   (8u << 20)
#define DEADLINES_MAX 32 /* ms: an input is to be over soon */

static const struct method {
    const char *path;
    const ProtobufCMessageDescriptor *answers; /* NULL: any error */
} methods[] = {
    { "/okta.connector.v1.Connector/Configure", &okta__connector__v1__configure_response__descriptor },
    { "/okta.connector.v1.Connector/Sync", &okta__connector__v1__sync_response__descriptor },
    { "/okta.connector.v1.Connector/Status", &okta__connector__v1__status_response__descriptor },
    { "/okta.connector.v1.Connector/StreamLogins", &okta__connector__v1__stream_logins_response__descriptor },
    { "/okta.connector.v1.Connector/Delete", &okta__connector__v1__delete_response__descriptor },
    { "/okta.connector.v1.Directory/GetUser", &okta__connector__v1__get_user_response__descriptor },
    { "/okta.connector.v1.Directory/ListUsers", &okta__connector__v1__list_users_response__descriptor },
    { "/grpc.health.v1.Health/Check", &grpc__health__v1__health_check_response__descriptor },
    { "/grpc.health.v1.Health/Watch", &grpc__health__v1__health_check_response__descriptor },
    { "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      &grpc__reflection__v1__server_reflection_response__descriptor },
    { "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      &grpc__reflection__v1__server_reflection_response__descriptor },
    { "/okta.connector.v1.Connector/None", NULL },
    { "/okta.connector.v1.Connector/Diagnose", &okta__connector__v1__diagnose_response__descriptor },
};

static struct client client;
static bool is_connected;

static struct {
    struct client_call call;
    const struct method *method; /* NULL: none is open */
} calls[CALLS];

static void open_client(void)
{
    char address[112];

    if (is_connected)
        return;
    snprintf(address, sizeof address, "unix:%s", served_socket());
    client_open(&client, address);
    is_connected = true;
}

/* Whatever comes is a message of the method's, and whatever fails says why. */
static bool read_one(size_t i)
{
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    ProtobufCMessage *m;

    if (!client_read(&calls[i].call, &message))
        return false;
    ASSERT(calls[i].method->answers != NULL);
    ASSERT(message_check(calls[i].method->answers, buf_view(&message), NULL));
    m = protobuf_c_message_unpack(calls[i].method->answers, NULL, message.len, (const uint8_t *)message.at);
    ASSERT(m != NULL);
    protobuf_c_message_free_unpacked(m, NULL);
    return true;
}

static void end(size_t i)
{
    AUTO_BUF struct buf text = BUF(1u << 16);
    int code;

    if (calls[i].method == NULL)
        return;
    code = client_status(&calls[i].call);
    ASSERT(code >= ERROR_OK && code <= ERROR_UNAUTHENTICATED && code != ERROR_INTERNAL && code != ERROR_UNKNOWN);
    ASSERT(code == ERROR_OK || client_text(&calls[i].call, &text)[0] != '\0');
    client_end(&calls[i].call);
    calls[i].method = NULL;
}

/* ---- steps ---- */

static void step_begin(struct view *rest)
{
    size_t i = fuzz_byte(rest) % CALLS;
    const struct method *method = &methods[fuzz_byte(rest) % (sizeof methods / sizeof methods[0])];
    int64_t within_ms = fuzz_byte(rest) % DEADLINES_MAX;
    size_t len = fuzz_byte(rest);
    struct view bytes = { rest->at, len < rest->len ? len : rest->len };

    *rest = (struct view){ rest->at + bytes.len, rest->len - bytes.len };
    if (calls[i].method != NULL)
        return;
    open_client();
    calls[i].method = method;
    client_begin(&client, &calls[i].call, method->path, bytes, within_ms);
}

static void step_read(struct view *rest)
{
    size_t i = fuzz_byte(rest) % CALLS;

    if (calls[i].method != NULL)
        (void)read_one(i);
}

static void step_read_all(struct view *rest)
{
    size_t i = fuzz_byte(rest) % CALLS;

    for (int n = 0; calls[i].method != NULL && n < READS_MAX && read_one(i); n++)
        continue;
    if (calls[i].method != NULL)
        client_cancel(&calls[i].call);
    end(i);
}

static void step_cancel(struct view *rest)
{
    size_t i = fuzz_byte(rest) % CALLS;

    if (calls[i].method != NULL)
        client_cancel(&calls[i].call);
    end(i);
}

static void step_login(struct view *rest)
{
    (void)rest;
    served_login();
}

/* The connection goes with calls open on it. */
static void step_leave(struct view *rest)
{
    (void)rest;
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].method != NULL)
            client_cancel(&calls[i].call);
    for (size_t i = 0; i < CALLS; i++)
        end(i);
    if (is_connected)
        client_close(&client);
    is_connected = false;
}

static void (*const steps[])(struct view *rest) = {
    step_begin, step_read, step_read_all, step_cancel, step_login, step_leave,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_view(data, size);

    (void)served_socket();
    for (int i = 0; i < STEPS_MAX && rest.len > 0; i++)
        steps[fuzz_byte(&rest) % (sizeof steps / sizeof steps[0])](&rest);
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].method != NULL)
            client_cancel(&calls[i].call);
        end(i);
    }
    served_settle();
    return 0;
}
