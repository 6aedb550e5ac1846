/* Encodings of text: base64url, UTF-8, percent, JSON strings. */
#include "base/str.h"

#include <string.h>

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(struct view in, struct buf *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < in.len; i++) {
        bits = bits << 8 | (unsigned char)in.at[i];
        for (held += 8; held >= 6; held -= 6)
            buf_putc(out, base64url[bits >> (held - 6) & 63]);
    }
    if (held > 0)
        buf_putc(out, base64url[bits << (6 - held) & 63]);
}

bool base64url_decode(struct view in, struct buf *out)
{
    uint32_t bits = 0;
    unsigned held = 0;

    if (in.len % 4 == 1)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        const char *at = in.at[i] != '\0' ? strchr(base64url, in.at[i]) : NULL;

        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - base64url);
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_putc(out, (char)(bits >> held & 255));
        }
    }
    /* Left-over bits must be zero, so that each value has one text. */
    return (bits & ((1u << held) - 1)) == 0 && buf_ok(out);
}

/* Length of the valid sequence at the start of v (1 to 4), or 0. */
static size_t utf8_sequence(struct view v)
{
    const unsigned char *at = (const unsigned char *)v.at;
    size_t len;
    uint32_t point;

    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        len = 2, point = at[0] & 0x1f;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        len = 3, point = at[0] & 0x0f;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        len = 4, point = at[0] & 0x07;
    else
        return 0;
    if (v.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (at[i] & 0x3f);
    }
    if ((len == 3 && point < 0x800) || (len == 4 && (point < 0x10000 || point > 0x10ffff)) ||
        (point >= 0xd800 && point <= 0xdfff))
        return 0;
    return len;
}

/* How many bytes at the start of v are plain ASCII without NUL: most text is nothing else, so eight at a time. */
static size_t ascii_run(struct view v)
{
    const uint64_t high = UINT64_C(0x8080808080808080), low = UINT64_C(0x0101010101010101);
    size_t run = 0;
    uint64_t word;

    for (; v.len - run >= sizeof word; run += sizeof word) {
        memcpy(&word, v.at + run, sizeof word);
        if (((word | (word - low)) & high) != 0)
            break;
    }
    while (run < v.len && (signed char)v.at[run] > 0)
        run++;
    return run;
}

/* How many bytes at the start of v are clean. */
static size_t clean_run(struct view v)
{
    size_t run = 0;

    while (run < v.len) {
        struct view rest = { v.at + run, v.len - run };
        size_t len = ascii_run(rest);

        if (len == 0)
            len = rest.at[0] == '\0' ? 0 : utf8_sequence(rest);
        if (len == 0)
            break;
        run += len;
    }
    return run;
}

size_t utf8_clean(struct view in, struct buf *out)
{
    size_t replaced = 0;

    for (;;) {
        size_t run = clean_run(in);

        buf_put(out, in.at, run);
        if (run == in.len)
            return replaced;
        buf_put(out, "\xef\xbf\xbd", 3);
        replaced++;
        in.at += run + 1;
        in.len -= run + 1;
    }
}

bool utf8_is_clean(struct view in)
{
    return clean_run(in) == in.len;
}

void url_encode(struct view in, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.at[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c != 0 && strchr("-._~", c))) {
            buf_putc(out, (char)c);
        } else {
            buf_putc(out, '%');
            buf_putc(out, hex[c >> 4]);
            buf_putc(out, hex[c & 15]);
        }
    }
}

void json_quote(struct view in, struct buf *out)
{
    static const char plain[] = "\"\\\n\r\t", escapes[] = "\"\\nrt";

    buf_putc(out, '"');
    for (size_t i = 0; i < in.len; i++) {
        const char *at = in.at[i] != '\0' ? strchr(plain, in.at[i]) : NULL;

        if (at != NULL)
            buf_printf(out, "\\%c", escapes[at - plain]);
        else if ((unsigned char)in.at[i] < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)in.at[i]);
        else
            buf_putc(out, in.at[i]);
    }
    buf_putc(out, '"');
}
