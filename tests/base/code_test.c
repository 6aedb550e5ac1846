#include "base/str.h"
#include "tests/rows.h"

#include <string.h>

#define REPLACED "\xef\xbf\xbd"

/* Strings that may hold NUL. */
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct clean_row {
    const char *name, *in;
    size_t len;
    const char *want;
    size_t replaced;
} clean_rows[] = {
    { "nothing", BYTES(""), "", 0 },
    { "ASCII", BYTES("anna.berg@acme.example"), "anna.berg@acme.example", 0 },
    { "control characters are text", BYTES("a\x01\x7f"), "a\x01\x7f", 0 },
    { "two, three and four bytes", BYTES("\xc3\xa5\xe2\x82\xac\xf0\x9f\x94\x91"),
      "\xc3\xa5\xe2\x82\xac\xf0\x9f\x94\x91", 0 },
    { "NUL", BYTES("admin\0evil"), "admin" REPLACED "evil", 1 },
    { "NUL as ninth byte", BYTES("12345678\0a"), "12345678" REPLACED "a", 1 },
    { "0xFF",
      BYTES("a\xff"
            "b"),
      "a" REPLACED "b", 1 },
    { "a byte that continues nothing",
      BYTES("\x80"
            "abcdefgh"),
      REPLACED "abcdefgh", 1 },
    { "a sequence that ends early", BYTES("\xe2\x82"), REPLACED REPLACED, 2 },
    { "an overlong slash", BYTES("\xc0\xaf"), REPLACED REPLACED, 2 },
    { "an overlong three bytes", BYTES("\xe0\x80\xaf"), REPLACED REPLACED REPLACED, 3 },
    { "an overlong four bytes", BYTES("\xf0\x80\x80\xaf"), REPLACED REPLACED REPLACED REPLACED, 4 },
    { "half of a surrogate pair", BYTES("\xed\xa0\x80"), REPLACED REPLACED REPLACED, 3 },
    { "the last before surrogates", BYTES("\xed\x9f\xbf"), "\xed\x9f\xbf", 0 },
    { "the highest character", BYTES("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf", 0 },
    { "above the highest", BYTES("\xf4\x90\x80\x80"), REPLACED REPLACED REPLACED REPLACED, 4 },
    { "0xF5", BYTES("\xf5\x80"), REPLACED REPLACED, 2 },
    { "a bad byte within a long text",
      BYTES("0123456789abcdef\xfe"
            "0123456789abcdef"),
      "0123456789abcdef" REPLACED "0123456789abcdef", 1 },
};

static void cleans(void **state)
{
    const struct clean_row *row = *state;
    AUTO_BUF struct buf out = BUF(4096);

    assert_int_equal(utf8_clean((struct view){ row->in, row->len }, &out), row->replaced);
    assert_string_equal(buf_cstr(&out), row->want);
    assert_int_equal(out.len, strlen(row->want));
    assert_int_equal(utf8_is_clean((struct view){ row->in, row->len }), row->replaced == 0);
    assert_true(utf8_is_clean(buf_view(&out)));
}

static void clean_text_is_told_at_every_length(void **state)
{
    char text[64];

    (void)state;
    for (size_t len = 1; len < sizeof text; len++)
        for (size_t at = 0; at < len; at++) {
            memset(text, 'x', len);
            assert_true(utf8_is_clean((struct view){ text, len }));
            text[at] = '\0';
            assert_false(utf8_is_clean((struct view){ text, len }));
            text[at] = (char)0x80;
            assert_false(utf8_is_clean((struct view){ text, len }));
        }
}

static const struct base64_row {
    const char *name, *text, *bytes;
    size_t len;
} base64_rows[] = {
    { "nothing", "", BYTES("") },
    { "one byte", "Zg", BYTES("f") },
    { "two bytes", "Zm8", BYTES("fo") },
    { "three bytes", "Zm9v", BYTES("foo") },
    { "four bytes", "Zm9vYg", BYTES("foob") },
    { "both odd letters", "-_-_", BYTES("\xfb\xff\xbf") },
    { "NUL", "AAAA", BYTES("\0\0\0") },
};

static void base64_both_ways(void **state)
{
    const struct base64_row *row = *state;
    AUTO_BUF struct buf out = BUF(64);

    base64url_encode((struct view){ row->bytes, row->len }, &out);
    assert_string_equal(buf_cstr(&out), row->text);
    buf_reset(&out);
    assert_true(base64url_decode(view_of(row->text), &out));
    assert_int_equal(out.len, row->len);
    assert_memory_equal(buf_cstr(&out), row->bytes, row->len);
}

static const struct refused_row {
    const char *name, *text;
    size_t len;
} refused_rows[] = {
    { "one letter", BYTES("A") },
    { "five letters", BYTES("AAAAA") },
    { "padding", BYTES("Zg==") },
    { "the other alphabet's plus", BYTES("+_-_") },
    { "the other alphabet's slash", BYTES("-/-_") },
    { "a blank", BYTES("Zm 9") },
    { "a NUL", BYTES("Zm\0v") },
    { "bits that no byte has", BYTES("Zh") },
    { "bits that no third byte has", BYTES("Zm9") },
    { "a byte above ASCII", BYTES("Zm\xc3\xa5") },
};

static void base64_refuses(void **state)
{
    const struct refused_row *row = *state;
    AUTO_BUF struct buf out = BUF(64);

    assert_false(base64url_decode((struct view){ row->text, row->len }, &out));
}

static void base64_does_not_fit(void **state)
{
    AUTO_BUF struct buf out = BUF(2);

    (void)state;
    assert_false(base64url_decode(VIEW("Zm9v"), &out));
}

static void url_encodes_all_but_the_unreserved(void **state)
{
    AUTO_BUF struct buf out = BUF(128);

    (void)state;
    url_encode((struct view){ BYTES("aZ09-._~ /?&=%+\"\xc3\xa5\0") }, &out);
    assert_string_equal(buf_cstr(&out), "aZ09-._~%20%2F%3F%26%3D%25%2B%22%C3%A5%00");
}

static const struct quote_row {
    const char *name, *in;
    size_t len;
    const char *want;
} quote_rows[] = {
    { "nothing quoted", BYTES(""), "\"\"" },
    { "plain text quoted", BYTES("0oa1"), "\"0oa1\"" },
    { "quote and backslash", BYTES("a\"b\\c"), "\"a\\\"b\\\\c\"" },
    { "line ends and a tab", BYTES("a\r\n\tb"), "\"a\\r\\n\\tb\"" },
    { "other control characters", BYTES("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
    { "UTF-8 as it is", BYTES("\xc3\xa5\xf0\x9f\x94\x91"), "\"\xc3\xa5\xf0\x9f\x94\x91\"" },
};

static void quotes(void **state)
{
    const struct quote_row *row = *state;
    AUTO_BUF struct buf out = BUF(256);

    json_quote((struct view){ row->in, row->len }, &out);
    assert_string_equal(buf_cstr(&out), row->want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_text_is_told_at_every_length),
        cmocka_unit_test(base64_does_not_fit),
        cmocka_unit_test(url_encodes_all_but_the_unreserved),
    };

    return RUN_ROWS(cleans, clean_rows) + RUN_ROWS(base64_both_ways, base64_rows) +
           RUN_ROWS(base64_refuses, refused_rows) + RUN_ROWS(quotes, quote_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
