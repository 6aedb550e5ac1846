#include "base/log.h"

#include "base/assert.h"
#include "base/json.h"
#include "base/str.h"
#include "tests/rows.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 2048

/* What `write` sends to stderr, behind the time stamp. */
static struct view capture(struct buf *out, void (*write_line)(void))
{
    static const char stamp[] = "{\"ts\":\"2026-01-01T00:00:00.000Z\",";
    int saved = dup(STDERR_FILENO), ends[2];
    char *at = buf_extend(out, 8192);
    ssize_t len;

    ASSERT(pipe2(ends, O_NONBLOCK) == 0);
    dup2(ends[1], STDERR_FILENO);
    write_line();
    dup2(saved, STDERR_FILENO);
    len = read(ends[0], at, 8192);
    close(saved);
    close(ends[0]);
    close(ends[1]);
    if (len <= 0)
        return VIEW_NONE;
    ASSERT((size_t)len > strlen(stamp) && memcmp(at, "{\"ts\":\"", 7) == 0);
    return (struct view){ at + strlen(stamp), (size_t)len - strlen(stamp) };
}

static void pairs(void)
{
    log_info("poll.page", "resource=%s records=%zu", "logs", (size_t)3);
}

static void blanks(void)
{
    log_warn("x", "text=%s n=%d", "no such file", 1);
}

static void quotes(void)
{
    log_error("x", "text=%s", "a \"b\" \\ \n\t\x01");
}

static void bad_bytes(void)
{
    log_info("x", "text=%s", "a\x80z");
}

static void forged(void)
{
    log_info("x", "user=%s n=%d", "eve level=error ts=0", 1);
}

static void forged_by_mark(void)
{
    log_info("x", "user=%s n=%d", "eve\xfflevel=error", 1);
}

static void no_key(void)
{
    log_info("x", "%s", "just text");
}

static void nothing_to_say(void)
{
    log_info("x", "%s", "");
}

static void below_the_level(void)
{
    log_debug("x", "n=%d", 1);
}

static void assert_is_json(struct view line)
{
    struct json_parser *p = json_parser_create(LINE_BYTES_MAX, 4);
    struct json v;

    assert_true(json_parse(p, line, &v, NULL));
    assert_int_equal(json_type(v), JSON_OBJECT);
    json_parser_destroy(p);
}

static const struct row {
    const char *name;
    void (*write_line)(void);
    const char *want;
} rows[] = {
    { "pairs become members", pairs,
      "\"level\":\"info\",\"event\":\"poll.page\",\"resource\":\"logs\",\"records\":\"3\"}\n" },
    { "a value may hold blanks", blanks,
      "\"level\":\"warn\",\"event\":\"x\",\"text\":\"no such file\",\"n\":\"1\"}\n" },
    { "quotes and controls are escaped", quotes,
      "\"level\":\"error\",\"event\":\"x\",\"text\":\"a \\\"b\\\" \\\\ \\u000a\\u0009\\u0001\"}\n" },
    { "bad bytes are replaced", bad_bytes, "\"level\":\"info\",\"event\":\"x\",\"text\":\"a\xef\xbf\xbdz\"}\n" },
    { "a value makes no members of its own", forged,
      "\"level\":\"info\",\"event\":\"x\",\"user\":\"eve level=error ts=0\",\"n\":\"1\"}\n" },
    { "not even with our own mark", forged_by_mark,
      "\"level\":\"info\",\"event\":\"x\",\"text\":\"user=eve\xef\xbf\xbdlevel=error\xef\xbf\xbdn=1\"}\n" },
    { "text without a key", no_key, "\"level\":\"info\",\"event\":\"x\",\"text\":\"just text\"}\n" },
    { "no pairs", nothing_to_say, "\"level\":\"info\",\"event\":\"x\"}\n" },
    { "below the level nothing is written", below_the_level, "" },
};

static void says(void **state)
{
    const struct row *row = *state;
    AUTO_BUF struct buf out = BUF(8192);
    struct view line = capture(&out, row->write_line);

    assert_int_equal(line.len, strlen(row->want));
    assert_memory_equal(line.len > 0 ? line.at : "", row->want, line.len);
}

static char long_text[8000];

static void long_value(void)
{
    log_info("x", "text=%s n=%d", long_text, 1);
}

/* Whole lines of valid JSON, whatever is cut: plain, escaped sixfold, and in the middle of characters. */
static const struct cut_row {
    const char *name, *unit;
} cut_rows[] = {
    { "plain text", "x" },   { "quotes", "\"" }, { "controls", "\x01" }, { "three-byte characters", "\xe2\x82\xac" },
    { "bad bytes", "\x80" },
};

static void cuts(void **state)
{
    const struct cut_row *row = *state;
    AUTO_BUF struct buf out = BUF(8192);
    struct view line;

    long_text[0] = '\0';
    while (strlen(long_text) + strlen(row->unit) < 4000)
        strcat(long_text, row->unit);
    line = capture(&out, long_value);
    assert_true(out.at[0] == '{');
    assert_true((size_t)(line.at - out.at) + line.len <= LINE_BYTES_MAX);
    assert_true((size_t)(line.at - out.at) + line.len > LINE_BYTES_MAX - 16);
    assert_true(view_ends(line, "\"}\n"));
    assert_is_json((struct view){ out.at, (size_t)(line.at - out.at) + line.len });
    assert_true(utf8_is_clean(line));
}

int main(void)
{
    return RUN_ROWS(says, rows) + RUN_ROWS(cuts, cut_rows);
}
