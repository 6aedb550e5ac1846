/* Reading JSON: json_split's pieces, and what json_parse makes of the whole text. */
#include "tests/fuzz/fuzz.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX (1u << 16)
#define DEPTH_MAX 32

/* ---- cutting ---- */

struct walk {
    struct view text;
    size_t at; /* behind the last piece */
    size_t opened, closed;
    bool has_ended;
};

/* Between pieces there is nothing but blanks, commas and the array's own two brackets: nothing is dropped unseen. */
static void pass(struct walk *w, size_t to)
{
    for (; w->at < to; w->at++) {
        char c = w->text.at[w->at];

        ASSERT(strchr(" \t\n\r,[]", c) != NULL && c != '\0');
        w->opened += c == '[';
        w->closed += c == ']';
    }
    ASSERT(w->opened <= 1 && w->closed <= 1);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void visit(void *ctx, struct view piece, bool is_whole)
{
    struct walk *w = ctx;

    ASSERT(piece.len > 0 && fuzz_is_within(piece, w->text));
    ASSERT(!w->has_ended && piece.at >= w->text.at + w->at);
    ASSERT(!is_blank(piece.at[0]) && !is_blank(piece.at[piece.len - 1]));
    pass(w, (size_t)(piece.at - w->text.at));
    w->at += piece.len;
    w->has_ended = !is_whole;
}

static bool begins_array(struct view text)
{
    size_t at = 0;

    while (at < text.len && is_blank(text.at[at]))
        at++;
    return at < text.len && text.at[at] == '[';
}

static void split(struct view text)
{
    struct walk w = { text, 0, 0, 0, false };
    bool is_array = json_split(text, visit, &w);

    if (!is_array && w.at == 0 && !begins_array(text))
        return;
    pass(&w, text.len);
    ASSERT(w.opened == 1 && w.closed == (is_array ? 1 : 0));
    ASSERT(!(is_array && w.has_ended));
}

/* ---- parsing ---- */

static void print(struct json v, int depth, struct buf *out);

static void print_text(struct view text, struct buf *out)
{
    AUTO_BUF struct buf clean = BUF(3 * BYTES_MAX);
    size_t nuls = 0;

    for (size_t i = 0; i < text.len; i++)
        nuls += text.at[i] == '\0';
    ASSERT(utf8_clean(text, &clean) == nuls); /* valid but for those */
    ASSERT(utf8_is_clean(buf_view(&clean)));
    json_quote(buf_view(&clean), out);
}

static void print_number(struct json v, struct buf *out)
{
    int64_t whole;
    double any;

    ASSERT(json_double(v, &any));
    if (json_i64(v, &whole)) {
        buf_printf(out, "%lld", (long long)whole);
    } else {
        char text[64];

        snprintf(text, sizeof text, "%.17g", any);
        buf_printf(out, "%s%s", text, strpbrk(text, ".e") != NULL ? "" : ".0");
    }
}

static void print_members(struct json v, int depth, bool is_object, struct buf *out)
{
    bool is_first = true;

    for (struct json_each e = json_each(v); json_next(&e);) {
        buf_puts(out, is_first ? "" : ",");
        is_first = false;
        ASSERT(is_object || e.name.len == 0);
        if (is_object) {
            print_text(e.name, out);
            buf_puts(out, ":");
        }
        print(e.value, depth + 1, out);
    }
}

static void print(struct json v, int depth, struct buf *out)
{
    struct view text;
    bool is_true;

    ASSERT(depth <= DEPTH_MAX);
    switch (json_type(v)) {
    case JSON_NULL:
        buf_puts(out, "null");
        break;
    case JSON_BOOL:
        ASSERT(json_bool(v, &is_true));
        buf_puts(out, is_true ? "true" : "false");
        break;
    case JSON_NUMBER:
        print_number(v, out);
        break;
    case JSON_STRING:
        ASSERT(json_string(v, &text));
        print_text(text, out);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buf_putc(out, json_type(v) == JSON_ARRAY ? '[' : '{');
        print_members(v, depth, json_type(v) == JSON_OBJECT, out);
        buf_putc(out, json_type(v) == JSON_ARRAY ? ']' : '}');
        break;
    default:
        ASSERT(!"a type of its own");
    }
}

/* What was printed from what was read is read again, and prints the same. */
static void parse(struct json_parser *p, struct view text)
{
    AUTO_BUF struct buf once = BUF(64 * BYTES_MAX), twice = BUF(64 * BYTES_MAX);
    struct error err = { 0 };
    struct json v;

    if (!json_parse(p, text, &v, &err)) {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return;
    }
    ASSERT(json_type(json_get(v, "published")) == JSON_NONE || json_type(v) == JSON_OBJECT);
    print(v, 0, &once);
    ASSERT(buf_ok(&once));
    if (once.len > BYTES_MAX)
        return;
    ASSERT(json_parse(p, buf_view(&once), &v, NULL));
    print(v, 0, &twice);
    ASSERT(view_eq(buf_view(&once), buf_view(&twice)));
    buf_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_parser *p;

    if (p == NULL)
        p = json_parser_create(BYTES_MAX, DEPTH_MAX);
    split(fuzz_view(data, size));
    parse(p, fuzz_view(data, size));
    return 0;
}
