#include "base/str.h"

#include "base/assert.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 64

struct view view_of(const char *text)
{
    return text == NULL ? VIEW_NONE : (struct view){ text, strlen(text) };
}

bool view_eq(struct view a, struct view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool view_eq_nocase(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (tolower((unsigned char)a.at[i]) != tolower((unsigned char)b.at[i]))
            return false;
    return true;
}

bool view_is(struct view v, const char *text)
{
    return view_eq(v, view_of(text));
}

bool view_starts(struct view v, const char *prefix)
{
    size_t len = strlen(prefix);

    return v.len >= len && memcmp(v.at, prefix, len) == 0;
}

bool view_ends(struct view v, const char *suffix)
{
    size_t len = strlen(suffix);

    return v.len >= len && memcmp(v.at + v.len - len, suffix, len) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct view view_trim(struct view v)
{
    while (v.len > 0 && is_space(v.at[0]))
        v.at++, v.len--;
    while (v.len > 0 && is_space(v.at[v.len - 1]))
        v.len--;
    return v;
}

char *view_dup(struct view v)
{
    char *copy = mem_alloc(v.len + 1);

    ASSERT(v.len == 0 || memchr(v.at, '\0', v.len) == NULL);
    if (v.len > 0)
        memcpy(copy, v.at, v.len);
    copy[v.len] = '\0';
    return copy;
}

bool view_u64(struct view v, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;

    if (v.len == 0)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        unsigned digit = (unsigned char)v.at[i] - (unsigned)'0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (n < min || n > max)
        return false;
    *out = n;
    return true;
}

bool view_i64(struct view v, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = v.len > 0 && v.at[0] == '-';
    uint64_t n;
    int64_t value;

    if (is_negative)
        v.at++, v.len--;
    if (!view_u64(v, 0, INT64_MAX, &n))
        return false;
    value = is_negative ? -(int64_t)n : (int64_t)n;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

void buf_init(struct buf *b, size_t cap)
{
    *b = (struct buf)BUF(cap);
}

void buf_deinit(struct buf *b)
{
    free(b->at);
    buf_init(b, b->cap);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->is_full = false;
}

bool buf_ok(const struct buf *b)
{
    return !b->is_full;
}

/* Room for len bytes and a NUL behind them. */
static bool reserve(struct buf *b, size_t len)
{
    size_t room;

    if (b->is_full || len > b->cap - b->len) {
        b->is_full = true;
        return false;
    }
    if (b->len + len + 1 <= b->room)
        return true;
    room = b->room > 0 ? b->room : BUF_FIRST_BYTES;
    while (room < b->len + len + 1)
        room = room < b->cap / 2 ? room * 2 : b->cap + 1;
    b->at = mem_grow(b->at, room);
    b->room = room;
    return true;
}

void *buf_extend(struct buf *b, size_t len)
{
    char *at;

    if (!reserve(b, len))
        return NULL;
    at = b->at + b->len;
    b->len += len;
    return at;
}

void buf_put(struct buf *b, const void *at, size_t len)
{
    void *to = buf_extend(b, len);

    if (to != NULL && len > 0)
        memcpy(to, at, len);
}

void buf_puts(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(len >= 0);
    if (!reserve(b, (size_t)len))
        return;
    vsnprintf(b->at + b->len, (size_t)len + 1, format, args);
    b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

struct view buf_view(const struct buf *b)
{
    return (struct view){ b->at, b->len };
}

const char *buf_cstr(struct buf *b)
{
    if (b->at == NULL)
        return "";
    b->at[b->len] = '\0';
    return b->at;
}

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool digits(struct view *v, size_t count, int64_t max, int64_t *out)
{
    uint64_t n;

    if (v->len < count || !view_u64((struct view){ v->at, count }, 0, (uint64_t)max, &n))
        return false;
    v->at += count;
    v->len -= count;
    *out = (int64_t)n;
    return true;
}

static bool literal(struct view *v, char c)
{
    if (v->len == 0 || v->at[0] != c)
        return false;
    v->at++;
    v->len--;
    return true;
}

static bool fraction(struct view *v, int64_t *ms)
{
    int64_t scale = 100;
    size_t count = 0;

    *ms = 0;
    if (!literal(v, '.'))
        return true;
    for (; v->len > 0 && v->at[0] >= '0' && v->at[0] <= '9'; v->at++, v->len--, count++) {
        *ms += (v->at[0] - '0') * scale;
        scale /= 10;
    }
    return count > 0 && count <= 9;
}

static bool offset(struct view *v, int64_t *minutes)
{
    bool is_west = v->len > 0 && v->at[0] == '-';
    int64_t h, m;

    *minutes = 0;
    if (literal(v, 'Z') || literal(v, 'z'))
        return true;
    if (!literal(v, '+') && !literal(v, '-'))
        return false;
    if (!digits(v, 2, 23, &h) || !literal(v, ':') || !digits(v, 2, 59, &m))
        return false;
    *minutes = is_west ? -(h * 60 + m) : h * 60 + m;
    return true;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

bool time_parse(struct view v, int64_t *unix_ms)
{
    int64_t year, month, day, h, m, s, ms, offset_minutes, at;

    if (!digits(&v, 4, 9999, &year) || !literal(&v, '-') || !digits(&v, 2, 12, &month) || !literal(&v, '-') ||
        !digits(&v, 2, 31, &day) || !(literal(&v, 'T') || literal(&v, 't')) || !digits(&v, 2, 23, &h) ||
        !literal(&v, ':') || !digits(&v, 2, 59, &m) || !literal(&v, ':') || !digits(&v, 2, 60, &s) ||
        !fraction(&v, &ms) || !offset(&v, &offset_minutes) || v.len > 0)
        return false;
    if (year < 1970 || month < 1 || day < 1 || day > days_in_month(year, month))
        return false;
    at = (((days_of(year, month, day) * 24 + h) * 60 + m - offset_minutes) * 60 + s) * 1000 + ms;
    if (at < 0)
        return false;
    *unix_ms = at;
    return true;
}

void time_format(int64_t unix_ms, char text[TIME_TEXT_SIZE])
{
    int64_t days, z, era, day_of_era, year_of_era, day_of_year, month_from_march, year, month, day, ms;

    ASSERT(unix_ms >= 0 && unix_ms < INT64_C(253402300800000));
    days = unix_ms / 86400000;
    ms = unix_ms % 86400000;
    z = days + 719468;
    era = z / 146097;
    day_of_era = z - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    month_from_march = (5 * day_of_year + 2) / 153;
    day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    snprintf(text, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u,
             (unsigned)month % 100u, (unsigned)day % 100u, (unsigned)(ms / 3600000) % 100u, (unsigned)(ms / 60000 % 60),
             (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000));
}

bool duration_parse(struct view v, int64_t *ms)
{
    static const struct {
        const char *suffix;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { "", 1000 } };
    const int64_t most = INT64_C(36525) * 86400000;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct view number = v;
        uint64_t n;

        if (!view_ends(v, units[i].suffix))
            continue;
        number.len -= strlen(units[i].suffix);
        if (!view_u64(number, 0, (uint64_t)(most / units[i].ms), &n))
            continue;
        *ms = (int64_t)n * units[i].ms;
        return true;
    }
    return false;
}

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

size_t utf8_clean(struct view in, struct buf *out)
{
    size_t replaced = 0;

    while (in.len > 0) {
        size_t len = in.at[0] == '\0' ? 0 : utf8_sequence(in);

        if (len > 0) {
            buf_put(out, in.at, len);
        } else {
            buf_put(out, "\xef\xbf\xbd", 3);
            replaced++;
            len = 1;
        }
        in.at += len;
        in.len -= len;
    }
    return replaced;
}

bool utf8_is_clean(struct view in)
{
    while (in.len > 0) {
        size_t len = in.at[0] == '\0' ? 0 : utf8_sequence(in);

        if (len == 0)
            return false;
        in.at += len;
        in.len -= len;
    }
    return true;
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
