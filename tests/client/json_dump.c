/* Reads "TYPE LENGTH\n" and LENGTH bytes of a packed message, again and again, and prints its JSON, a line each. */
#include "client/term/json.h"

#include "base/assert.h"
#include "base/mem.h"

#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"
#include "okta/connector/v1/login.pb-c.h"

#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ProtobufCMessageDescriptor *const types[] = {
    &okta__connector__v1__login_event__descriptor,
    &okta__connector__v1__user__descriptor,
    &okta__connector__v1__status_response__descriptor,
    &okta__connector__v1__configure_request__descriptor,
    &okta__connector__v1__configure_response__descriptor,
    &okta__connector__v1__stream_logins_request__descriptor,
    &okta__connector__v1__stream_logins_response__descriptor,
    &okta__connector__v1__sync_response__descriptor,
    &google__protobuf__struct__descriptor,
    &google__protobuf__bytes_value__descriptor,
    &google__protobuf__int64_value__descriptor,
    &google__protobuf__uint64_value__descriptor,
    &google__protobuf__double_value__descriptor,
    &google__protobuf__float_value__descriptor,
    &google__protobuf__bool_value__descriptor,
    &google__protobuf__string_value__descriptor,
};

static const ProtobufCMessageDescriptor *type_of(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

int main(void)
{
    char type[128];
    size_t len;

    while (scanf("%127s %zu", type, &len) == 2 && getchar() == '\n' && len < 1u << 24) {
        uint8_t *bytes = mem_alloc(len);
        struct buf out = BUF(1u << 26);
        ProtobufCMessage *m;

        if (fread(bytes, 1, len, stdin) != len || type_of(type) == NULL)
            return 1;
        m = protobuf_c_message_unpack(type_of(type), NULL, len, bytes);
        if (m == NULL)
            return 1;
        json_message(m, JSON_ONE_LINE, &out);
        ASSERT(buf_ok(&out));
        puts(buf_cstr(&out));
        protobuf_c_message_free_unpacked(m, NULL);
        buf_deinit(&out);
        free(bytes);
    }
    return 0;
}
