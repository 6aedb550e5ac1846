#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048
#define CLOSING        "\"}\n" /* always fits behind what is cut */
#define MARK           '\xff'  /* between pairs, while they are one string; in no UTF-8 text */

static atomic_int lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

static bool fits(const struct buf *line, size_t more)
{
    return line->len + more + strlen(CLOSING) <= LINE_BYTES_MAX;
}

/* The next character of v as JSON writes it; returns how many bytes of v it was. */
static size_t escape(struct view v, char out[8])
{
    unsigned char c = (unsigned char)v.at[0];
    size_t len = 1;

    if (c == '"' || c == '\\') {
        snprintf(out, 8, "\\%c", c);
    } else if (c < 0x20) {
        snprintf(out, 8, "\\u%04x", c);
    } else {
        while (len < v.len && len < 4 && ((unsigned char)v.at[len] & 0xc0) == 0x80)
            len++;
        snprintf(out, 8, "%.*s", (int)len, v.at);
    }
    return len;
}

/* A string, as much of it as fits. */
static void put_string(struct buf *line, struct view text)
{
    AUTO_BUF struct buf clean = BUF(LINE_BYTES_MAX * 3);
    char one[8];
    struct view v;

    utf8_clean(text, &clean);
    v = buf_view(&clean);
    buf_putc(line, '"');
    while (v.len > 0) {
        size_t len = escape(v, one);

        if (!fits(line, strlen(one)))
            break;
        buf_puts(line, one);
        v.at += len;
        v.len -= len;
    }
    buf_putc(line, '"');
}

/* The length of "key" where `at` starts with "key=", else 0. */
static size_t key_length(const char *at)
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && at[len] == '=' ? len : 0;
}

/* Marks where pairs begin, in the format: a value that contains " key=" must not make a member of its own. */
static size_t mark_pairs(const char *format, char marked[LINE_BYTES_MAX])
{
    size_t marks = 0;

    snprintf(marked, LINE_BYTES_MAX, "%s", format);
    for (char *at = marked; *at != '\0'; at++)
        if (*at == ' ' && key_length(at + 1) > 0) {
            *at = MARK;
            marks++;
        }
    return marks;
}

static size_t count_marks(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == MARK;
    return count;
}

static void put_pair(struct buf *line, struct view pair, size_t key)
{
    struct view name = key > 0 ? (struct view){ pair.at, key } : VIEW("text");
    size_t skip = key > 0 ? key + 1 : 0;

    if (!fits(line, name.len + strlen(",\"\":\"")))
        return;
    buf_putc(line, ',');
    put_string(line, name);
    buf_putc(line, ':');
    put_string(line, (struct view){ pair.at + skip, pair.len - skip });
}

/* More marks than the format had: a value holds that byte, and nobody knows where the pairs are. */
static void put_pairs(struct buf *line, const char *text, size_t marks)
{
    bool is_clear = count_marks(text) <= marks;

    while (*text != '\0') {
        const char *end = is_clear ? strchr(text, MARK) : NULL;
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

        put_pair(line, (struct view){ text, len }, is_clear ? key_length(text) : 0);
        text += len + (end != NULL);
    }
}

/* One write a line, so that threads do not mix; what cannot be written is nobody's to know. */
static void write_out(struct view line)
{
    while (line.len > 0) {
        ssize_t n = write(STDERR_FILENO, line.at, line.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line.at += n;
        line.len -= (size_t)n;
    }
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    AUTO_BUF struct buf line = BUF(LINE_BYTES_MAX);
    char marked[LINE_BYTES_MAX], pairs[LINE_BYTES_MAX], now[TIME_TEXT_SIZE];
    size_t marks;
    va_list args;

    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    marks = mark_pairs(format, marked);
    va_start(args, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* it is `format`, which the compiler has checked */
    vsnprintf(pairs, sizeof pairs, marked, args);
#pragma GCC diagnostic pop
    va_end(args);
    time_format(clock_unix_ms(&clock_system), now);
    buf_printf(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", now, names[level]);
    put_string(&line, view_of(event));
    put_pairs(&line, pairs, marks);
    buf_puts(&line, "}\n");
    write_out(buf_view(&line));
}
