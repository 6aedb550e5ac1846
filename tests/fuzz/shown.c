/* What a person sees of what strangers chose: as text, in a table, as JSON. The first byte says which message the rest
 * is. */
#include "tests/fuzz/fuzz.h"

#include "base/json.h"
#include "client/rpc/reply.h"
#include "client/term/json.h"
#include "client/term/table.h"
#include "client/term/text.h"

#include "okta/connector/v1/connector.pb-c.h"
#include "okta/connector/v1/directory.pb-c.h"

#include <fcntl.h>
#include <google/protobuf/struct.pb-c.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS    40
#define JSON_MAX   (48u << 20)
#define JSON_DEPTH 512

static const ProtobufCMessageDescriptor *const types[] = {
    &okta__connector__v1__stream_logins_response__descriptor, &okta__connector__v1__status_response__descriptor,
    &okta__connector__v1__configure_response__descriptor,     &okta__connector__v1__sync_response__descriptor,
    &okta__connector__v1__list_users_response__descriptor,    &google__protobuf__struct__descriptor,
};

/* Nothing that a terminal obeys: no control character, none that turns the direction of writing. */
static bool is_harmless(struct view v, bool allows_newlines)
{
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.at[i];

        if ((c < ' ' && !(allows_newlines && c == '\n')) || c == 0x7f)
            return false;
        if (c == 0xc2 && i + 1 < v.len && (unsigned char)v.at[i + 1] < 0xa0)
            return false;
        if (c == 0xe2 && i + 2 < v.len && (unsigned char)v.at[i + 1] == 0x80 && (unsigned char)v.at[i + 2] >= 0xa8 &&
            (unsigned char)v.at[i + 2] <= 0xae)
            return false;
    }
    return utf8_is_clean(v);
}

static void text(struct view in)
{
    AUTO_BUF struct buf safe = BUF(16 * in.len + 16), again = BUF(64 * in.len + 16), cut = BUF(16 * in.len + 32);
    size_t columns, used, same;

    text_safe(in, &safe, &columns);
    ASSERT(buf_ok(&safe) && is_harmless(buf_view(&safe), false));
    text_safe(buf_view(&safe), &again, &same);
    ASSERT(view_eq(buf_view(&safe), buf_view(&again)) && columns == same);
    used = text_clip(buf_view(&safe), COLUMNS, &cut);
    ASSERT(used <= COLUMNS && (columns > COLUMNS || used == columns) && is_harmless(buf_view(&cut), false));
    ASSERT(columns > COLUMNS || view_eq(buf_view(&cut), buf_view(&safe)));
}

/* Cells end at a line feed. Written to nowhere; what would be written is looked at. */
static void table(struct view in)
{
    static const struct table_column columns[] = { { "A", 4 }, { "B", 8 }, { "C", 1 } };
    static struct table t; /* large */
    struct output out;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    ASSERT(fd >= 0);
    output_init(&out, fd);
    table_init(&t, &out, columns, 3, in.len % 2 == 0 ? COLUMNS : 0, false);
    for (int i = 0; i < 64 && in.len > 0; i++) {
        struct view a = fuzz_until(&in, '\n'), b = fuzz_until(&in, '\n'), c = fuzz_until(&in, '\n');

        table_row(&t, (const struct table_cell[]){ { a, STYLE_PLAIN }, { b, STYLE_PLAIN }, { c, STYLE_PLAIN } });
    }
    table_flush(&t);
    ASSERT(is_harmless(buf_view(&out.pending), true));
    table_deinit(&t);
    output_deinit(&out);
    close(fd);
}

static void json(const ProtobufCMessage *m, enum json_layout layout)
{
    static struct json_parser *parser;
    AUTO_BUF struct buf out = BUF(JSON_MAX);
    struct json v;

    if (parser == NULL)
        parser = json_parser_create(JSON_MAX, JSON_DEPTH);
    json_message(m, layout, &out);
    ASSERT(buf_ok(&out) && is_harmless(buf_view(&out), layout == JSON_INDENTED));
    ASSERT(json_parse(parser, buf_view(&out), &v, NULL));
}

static void message(const ProtobufCMessageDescriptor *type, struct view bytes)
{
    ProtobufCMessage *m = protobuf_c_message_unpack(type, NULL, bytes.len, (const uint8_t *)bytes.at);

    if (m == NULL)
        return;
    json(m, JSON_ONE_LINE);
    json(m, JSON_INDENTED);
    protobuf_c_message_free_unpacked(m, NULL);
}

/* A status with those bytes as its text and as its details. */
static void status(struct view bytes)
{
    struct reply_status s;
    grpc_metadata details = { .key = grpc_slice_from_static_string("grpc-status-details-bin") };
    struct error err = { 0 };

    reply_status_init(&s);
    s.code = GRPC_STATUS_FAILED_PRECONDITION;
    s.text = grpc_slice_from_copied_buffer(bytes.at != NULL ? bytes.at : "", bytes.len);
    details.value = grpc_slice_ref(s.text);
    s.trailers.metadata = &details;
    s.trailers.count = 1;
    ASSERT(!reply_status_check(&s, &err));
    ASSERT(err.code == ERROR_FAILED_PRECONDITION && err.text[0] != '\0' && utf8_is_clean(view_of(err.text)));
    s.trailers.metadata = NULL;
    s.trailers.count = 0;
    grpc_slice_unref(details.value);
    reply_status_deinit(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = fuzz_view(data, size);
    uint8_t kind = fuzz_byte(&rest);

    text_init();
    text(rest);
    table(rest);
    status(rest);
    message(types[kind % (sizeof types / sizeof types[0])], rest);
    return 0;
}
