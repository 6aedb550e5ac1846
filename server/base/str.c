#include "base/str.h"

#include "base/assert.h"
#include "base/mem.h"

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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool view_eq_nocase(struct view a, struct view b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
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

    return v.len >= len && (len == 0 || memcmp(v.at, prefix, len) == 0);
}

bool view_ends(struct view v, const char *suffix)
{
    size_t len = strlen(suffix);

    return v.len >= len && (len == 0 || memcmp(v.at + v.len - len, suffix, len) == 0);
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
    if (!view_u64(v, 0, (uint64_t)INT64_MAX + is_negative, &n))
        return false;
    value = is_negative && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
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
