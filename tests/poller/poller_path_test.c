#include "poller/poller_path.h"

#include "rows.h"

#include <string.h>

/* ---- queries ---- */

#define T INT64_C(1773480413589) /* 2026-03-14T09:26:53.589Z */

static void polling(struct buf *out)
{
    path_logs_polling(out, "/api/v1/logs", T, 1000);
}

static void window(struct buf *out)
{
    path_logs_window(out, "/api/v1/logs", T - 86400000, T, 500);
}

static const struct query_row {
    const char *name;
    void (*make)(struct buf *out);
    const char *want;
} queries[] = {
    { "polling has no end and no filter", polling,
      "/api/v1/logs?since=2026-03-14T09%3A26%3A53.589Z&limit=1000&sortOrder=ASCENDING" },
    { "a window has both ends and goes backwards", window,
      "/api/v1/logs?since=2026-03-13T09%3A26%3A53.589Z&until=2026-03-14T09%3A26%3A53.589Z&limit=500"
      "&sortOrder=DESCENDING" },
};

static void query_is(void **state)
{
    const struct query_row *row = *state;
    AUTO_BUF struct buf out = BUF(1024);

    row->make(&out);
    assert_string_equal(buf_cstr(&out), row->want);
}

/* ---- limits in links ---- */

static const struct limit_row {
    const char *name, *path;
    uint32_t want;
    const char *with_7;
} limits[] = {
    { "in the middle", "/a?x=1&limit=1000&after=2", 1000, "/a?x=1&limit=7&after=2" },
    { "first", "/a?limit=200&after=2", 200, "/a?limit=7&after=2" },
    { "last", "/a?after=2&limit=5", 5, "/a?after=2&limit=7" },
    { "not there, so nothing is added", "/a?after=2", 100, "/a?after=2" },
    { "another parameter that ends so", "/a?sublimit=9", 100, "/a?sublimit=9" },
    { "no number", "/a?limit=x", 100, "/a?limit=7" },
    { "zero is no page size", "/a?limit=0", 100, "/a?limit=7" },
    { "without a value", "/a?limit=&after=2", 100, "/a?limit=&after=2" },
    { "empty", "", 100, "" },
};

static void limit_is_read_and_replaced(void **state)
{
    const struct limit_row *row = *state;
    AUTO_BUF struct buf out = BUF(256);

    assert_int_equal(path_limit(view_of(row->path), 100), row->want);
    path_with_limit(&out, view_of(row->path), 7);
    assert_string_equal(buf_cstr(&out), row->with_7);
}

int main(void)
{
    return RUN_ROWS(query_is, queries) + RUN_ROWS(limit_is_read_and_replaced, limits);
}
