#include "client/term/text.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define SECOND_MS    INT64_C(1000)
#define MINUTE_MS    (60 * SECOND_MS)
#define HOUR_MS      (60 * MINUTE_MS)
#define DAY_MS       (24 * HOUR_MS)
#define YEAR_10000   INT64_C(253402300800000) /* in unix ms: the end of what time_format takes */
#define DISTANCE_MAX 64                       /* names of options and commands are far shorter */

void text_init(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
}

/* Takes one code point from clean UTF-8. */
static uint32_t take_point(struct view *v)
{
    const unsigned char *at = (const unsigned char *)v->at;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t point = len == 1 ? at[0] : at[0] & (0xffu >> (len + 1));

    for (size_t i = 1; i < len; i++)
        point = point << 6 | (at[i] & 0x3f);
    v->at += len;
    v->len -= len;
    return point;
}

/* Marks that are invisible and change the order or the joining of what stands around them. */
static bool is_format_mark(uint32_t point)
{
    return point == 0xad || point == 0x61c || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe0fff);
}

/* Columns of a printable code point, -1 of one that is not. */
static int point_columns(uint32_t point)
{
    int columns;

    if (point < 0x20 || (point >= 0x7f && point < 0xa0) || is_format_mark(point))
        return -1;
    if (point < 0x7f || point == 0xfffd)
        return 1;
    columns = wcwidth((wchar_t)point);
    return columns;
}

static void escape_point(uint32_t point, struct buf *out, size_t *columns)
{
    size_t before = out->len;

    if (point == '\n' || point == '\r' || point == '\t')
        buf_printf(out, "\\%c", point == '\n' ? 'n' : point == '\r' ? 'r' : 't');
    else if (point < 0x100)
        buf_printf(out, "\\x%02x", point);
    else
        buf_printf(out, point < 0x10000 ? "\\u%04x" : "\\U%08x", point);
    *columns += out->len - before;
}

void text_safe(struct view in, struct buf *out, size_t *columns)
{
    AUTO_BUF struct buf clean = BUF(in.len * 3 + 1);
    struct view rest;
    size_t used = 0;

    utf8_clean(in, &clean);
    for (rest = buf_view(&clean); rest.len > 0;) {
        struct view start = rest;
        uint32_t point = take_point(&rest);
        int width = point_columns(point);

        if (width < 0) {
            escape_point(point, out, &used);
        } else {
            buf_put(out, start.at, start.len - rest.len);
            used += (size_t)width;
        }
    }
    if (columns != NULL)
        *columns = used;
}

/* The start of clean text that fits, and its columns. */
static struct view fitting(struct view text, size_t columns, size_t *used)
{
    struct view rest = text;
    size_t total = 0;

    while (rest.len > 0) {
        struct view before = rest;
        int width = point_columns(take_point(&rest));

        if (width > 0 && total + (size_t)width > columns) {
            text.len -= before.len;
            break;
        }
        total += width > 0 ? (size_t)width : 0;
    }
    *used = total;
    return text;
}

size_t text_clip(struct view safe, size_t columns, struct buf *out)
{
    size_t used;
    struct view whole = fitting(safe, columns, &used);

    if (whole.len == safe.len || columns == 0) {
        buf_put(out, whole.at, whole.len);
        return used;
    }
    whole = fitting(safe, columns - 1, &used);
    buf_put(out, whole.at, whole.len);
    buf_puts(out, "…");
    return used + 1;
}

void text_count(uint64_t n, char out[TEXT_SHORT_SIZE])
{
    char digits[TEXT_SHORT_SIZE];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void text_bytes(uint64_t bytes, char out[TEXT_SHORT_SIZE])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double n = (double)bytes;
    size_t unit = 0;

    /* 999.95 would print as 1000.0: step up a little early. */
    for (; n >= 999.95 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        n /= 1000;
    snprintf(out, TEXT_SHORT_SIZE, unit == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[unit]);
}

static void two_units(int64_t ms, int64_t big_ms, const char *big, int64_t small_ms, const char *small, char *out)
{
    int64_t rest = ms % big_ms / small_ms;

    if (rest > 0)
        snprintf(out, TEXT_SHORT_SIZE, "%lld %s %lld %s", (long long)(ms / big_ms), big, (long long)rest, small);
    else
        snprintf(out, TEXT_SHORT_SIZE, "%lld %s", (long long)(ms / big_ms), big);
}

void text_span(int64_t ms, char out[TEXT_SHORT_SIZE])
{
    if (ms < 0)
        ms = 0;
    if (ms < SECOND_MS)
        snprintf(out, TEXT_SHORT_SIZE, "%lld ms", (long long)ms);
    else if (ms < MINUTE_MS)
        snprintf(out, TEXT_SHORT_SIZE, "%lld s", (long long)(ms / SECOND_MS));
    else if (ms < HOUR_MS)
        snprintf(out, TEXT_SHORT_SIZE, "%lld min", (long long)(ms / MINUTE_MS));
    else if (ms < DAY_MS)
        two_units(ms, HOUR_MS, "h", MINUTE_MS, "min", out);
    else
        two_units(ms, DAY_MS, "d", HOUR_MS, "h", out);
}

void text_age(int64_t then_unix_ms, int64_t now_unix_ms, char out[TEXT_SHORT_SIZE])
{
    char span[TEXT_SHORT_SIZE];
    int64_t age_ms;

    if (then_unix_ms < 0 || __builtin_sub_overflow(now_unix_ms, then_unix_ms, &age_ms)) {
        snprintf(out, TEXT_SHORT_SIZE, "never");
        return;
    }
    text_span(age_ms < 0 ? -age_ms : age_ms, span);
    if (age_ms > -SECOND_MS && age_ms < SECOND_MS)
        snprintf(out, TEXT_SHORT_SIZE, "just now");
    else
        snprintf(out, TEXT_SHORT_SIZE, age_ms < 0 ? "in %.24s" : "%.24s ago", span);
}

static void cut_time(int64_t unix_ms, size_t from, size_t len, char *out)
{
    char text[TIME_TEXT_SIZE];

    if (unix_ms < 0 || unix_ms >= YEAR_10000) {
        snprintf(out, TEXT_SHORT_SIZE, "-");
        return;
    }
    time_format(unix_ms, text);
    snprintf(out, TEXT_SHORT_SIZE, "%.*s", (int)len, text + from);
}

void text_date(int64_t unix_ms, char out[TEXT_SHORT_SIZE])
{
    cut_time(unix_ms, 0, sizeof "2026-03-14" - 1, out);
}

void text_clock(int64_t unix_ms, char out[TEXT_SHORT_SIZE])
{
    cut_time(unix_ms, sizeof "2026-03-14T" - 1, sizeof "09:26:53" - 1, out);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(struct view a, struct view b)
{
    size_t row[DISTANCE_MAX + 1];

    if (a.len > DISTANCE_MAX || b.len > DISTANCE_MAX)
        return DISTANCE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.at[i - 1] != b.at[j - 1]);

            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}
