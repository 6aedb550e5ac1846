#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048

static enum log_level lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
    lowest = level;
}

static void put_json(struct buf *line, struct view text)
{
    AUTO_BUF struct buf clean = BUF(LINE_BYTES_MAX * 3);
    struct view v;

    utf8_clean(text, &clean);
    v = buf_view(&clean);
    buf_putc(line, '"');
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.at[i];

        if (c == '"' || c == '\\')
            buf_printf(line, "\\%c", c);
        else if (c < 0x20)
            buf_printf(line, "\\u%04x", c);
        else
            buf_putc(line, (char)c);
    }
    buf_putc(line, '"');
}

/* The length of "key" where `at` starts with "key=", else 0. */
static size_t key_length(const char *at)
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return len > 0 && at[len] == '=' ? len : 0;
}

static void put_pairs(struct buf *line, const char *text)
{
    while (*text != '\0') {
        size_t key = key_length(text);
        const char *value = text + (key > 0 ? key + 1 : 0);
        const char *end = value;

        while (*end != '\0' && !(*end == ' ' && key_length(end + 1) > 0))
            end++;
        buf_putc(line, ',');
        put_json(line, key > 0 ? (struct view){ text, key } : VIEW("text"));
        buf_putc(line, ':');
        put_json(line, (struct view){ value, (size_t)(end - value) });
        text = *end == ' ' ? end + 1 : end;
    }
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    AUTO_BUF struct buf line = BUF(LINE_BYTES_MAX * 8);
    char pairs[LINE_BYTES_MAX];
    char now[TIME_TEXT_SIZE];
    struct view out;
    va_list args;

    if (level < lowest)
        return;
    va_start(args, format);
    vsnprintf(pairs, sizeof pairs, format, args);
    va_end(args);
    time_format(clock_unix_ms(&clock_system), now);
    buf_printf(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", now, names[level]);
    put_json(&line, view_of(event));
    put_pairs(&line, pairs);
    buf_puts(&line, "}\n");
    /* One write a line, so that threads do not mix; what cannot be written is nobody's to know. */
    out = buf_view(&line);
    while (out.len > 0) {
        ssize_t n = write(STDERR_FILENO, out.at, out.len);

        if (n <= 0)
            return;
        out.at += n;
        out.len -= (size_t)n;
    }
}
