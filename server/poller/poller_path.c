#include "poller/poller_path.h"

#include <string.h>

#define LIMIT_MAX 10000

static void path_put_time(struct buf *out, const char *before, int64_t unix_ms)
{
    char text[TIME_TEXT_SIZE];

    time_format(unix_ms, text);
    buf_puts(out, before);
    url_encode(view_of(text), out);
}

void path_logs_polling(struct buf *out, const char *path, int64_t since_ms, uint32_t limit)
{
    buf_puts(out, path);
    path_put_time(out, "?since=", since_ms);
    buf_printf(out, "&limit=%u&sortOrder=ASCENDING", limit);
}

void path_logs_window(struct buf *out, const char *path, int64_t since_ms, int64_t until_ms, uint32_t limit)
{
    buf_puts(out, path);
    path_put_time(out, "?since=", since_ms);
    path_put_time(out, "&until=", until_ms);
    buf_printf(out, "&limit=%u&sortOrder=DESCENDING", limit);
}

/* The digits of the parameter "limit", as a part of path; empty when there is none. */
static struct view path_find_limit(struct view path)
{
    static const char name[] = "limit=";
    const size_t name_len = sizeof name - 1;

    for (size_t i = 1; i + name_len <= path.len; i++) {
        struct view value = { path.at + i + name_len, 0 };

        if ((path.at[i - 1] != '?' && path.at[i - 1] != '&') || memcmp(path.at + i, name, name_len) != 0)
            continue;
        while (i + name_len + value.len < path.len && value.at[value.len] != '&')
            value.len++;
        return value;
    }
    return VIEW_NONE;
}

uint32_t path_limit(struct view path, uint32_t fallback)
{
    uint64_t limit;

    return view_u64(path_find_limit(path), 1, LIMIT_MAX, &limit) ? (uint32_t)limit : fallback;
}

void path_with_limit(struct buf *out, struct view path, uint32_t limit)
{
    struct view value = path_find_limit(path);
    const char *end = path.at + path.len;

    if (value.len == 0) {
        buf_put(out, path.at, path.len);
        return;
    }
    buf_put(out, path.at, (size_t)(value.at - path.at));
    buf_printf(out, "%u", limit);
    buf_put(out, value.at + value.len, (size_t)(end - value.at) - value.len);
}
