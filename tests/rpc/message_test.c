#include "rpc/message.h"

#include "google/protobuf/struct.pb-c.h"
#include "rpc/wire.h"
#include "tests/rows.h"

#include <string.h>

#define NESTED_BYTES_MAX (1u << 20)

/* google.protobuf.Value { list_value = 6 { values = 1 { ... } } }: each level is two messages. Built from within. */
static void nest(unsigned levels, struct buf *out)
{
    AUTO_BUF struct buf inner = BUF(NESTED_BYTES_MAX);

    buf_reset(out);
    for (unsigned i = 0; i < levels; i++) {
        buf_reset(&inner);
        buf_putc(&inner, (i % 2 == 0 ? 1 : 6) << 3 | WIRE_BYTES);
        for (size_t len = out->len;; len >>= 7) {
            buf_putc(&inner, (char)(len < 0x80 ? len : len | 0x80));
            if (len < 0x80)
                break;
        }
        buf_put(&inner, out->at, out->len);
        buf_reset(out);
        buf_put(out, inner.at, inner.len);
    }
    assert_true(buf_ok(out) && buf_ok(&inner));
}

static const struct depth {
    const char *name;
    unsigned levels;
    bool is_fit;
} depths[] = {
    { "flat", 0, true },
    { "as deep as allowed", MESSAGE_DEPTH_MAX - 2, true },
    { "deeper", MESSAGE_DEPTH_MAX, false },
    { "deep enough to overflow a stack", 20000, false },
};

static void nesting_is_bounded(void **state)
{
    const struct depth *row = *state;
    AUTO_BUF struct buf bytes = BUF(NESTED_BYTES_MAX);
    struct error err = { 0 };

    nest(row->levels, &bytes);
    assert_int_equal(message_check(&google__protobuf__value__descriptor, buf_view(&bytes), &err), row->is_fit);
    if (!row->is_fit)
        assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
}

/* A string deep inside is looked at, too: Value { struct_value = 5 { fields = 1 { key = 1 } } }. */
static void text_inside_a_message_is_checked(void **state)
{
    struct error err;

    (void)state;
    assert_true(message_check(&google__protobuf__value__descriptor, VIEW("\x2a\x05\x0a\x03\x0a\x01k"), &err));
    assert_false(message_check(&google__protobuf__value__descriptor, VIEW("\x2a\x05\x0a\x03\x0a\x01\xff"), &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
}

/* ---- wire_next ---- */

static const struct walk {
    const char *name;
    struct view bytes;
    int fields; /* read before the end, or before invalid bytes */
    size_t left;
} walks[] = {
    { "nothing", VIEW(""), 0, 0 },
    { "a varint", VIEW("\x08\x96\x01"), 1, 0 },
    { "the longest varint", VIEW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1, 0 },
    { "a varint too long", VIEW("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, 12 },
    { "fixed64, bytes, fixed32",
      VIEW("\x09"
           "12345678"
           "\x12\x02xy"
           "\x1d"
           "1234"),
      3, 0 },
    { "a varint that ends early", VIEW("\x08\x96"), 0, 2 },
    { "fixed64 that ends early",
      VIEW("\x09"
           "1234567"),
      0, 8 },
    { "bytes that end early", VIEW("\x08\x01\x12\x03xy"), 1, 4 },
    { "a length of 2^64 - 1", VIEW("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xy"), 0, 13 },
    { "an unknown type", VIEW("\x0e"), 0, 1 },
};

static void fields_are_iterated(void **state)
{
    const struct walk *row = *state;
    struct view rest = row->bytes;
    struct wire_field field;
    int fields = 0;

    while (wire_next(&rest, &field))
        fields++;
    assert_int_equal(fields, row->fields);
    assert_int_equal(rest.len, row->left);
}

static void a_buffer_gives_its_bytes_away(void **state)
{
    struct buf bytes = BUF(64);
    grpc_byte_buffer *taken;
    const char *at;

    (void)state;
    buf_puts(&bytes, "not copied, since it is longer than what a slice holds inline");
    at = bytes.at;
    taken = message_take(&bytes);
    assert_null(bytes.at);
    assert_int_equal(bytes.len, 0);
    assert_ptr_equal(GRPC_SLICE_START_PTR(taken->data.raw.slice_buffer.slices[0]), at);
    grpc_byte_buffer_destroy(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_inside_a_message_is_checked),
        cmocka_unit_test(a_buffer_gives_its_bytes_away),
    };

    return RUN_ROWS(nesting_is_bounded, depths) + RUN_ROWS(fields_are_iterated, walks) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
