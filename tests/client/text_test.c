#include "client/term/text.h"

#include "tests/rows.h"

#include <string.h>

static const struct safe_row {
    const char *name, *in;
    size_t len; /* 0: strlen */
    const char *want;
    size_t columns;
} safe_rows[] = {
    { "plain text stays", "ada@acme.example", 0, "ada@acme.example", 16 },
    { "letters beyond ASCII stay", "Åsa Öberg", 0, "Åsa Öberg", 9 },
    { "wide letters take two columns", "日本", 0, "日本", 4 },
    { "a combining accent takes none", "e\xcc\x81", 0, "e\xcc\x81", 1 },
    { "an escape sequence is spelled out", "\033[31mred\033[0m", 0, "\\x1b[31mred\\x1b[0m", 18 },
    { "a carriage return cannot overwrite", "good\rbad", 0, "good\\rbad", 9 },
    { "a line feed cannot make a row", "a\nb\tc", 0, "a\\nb\\tc", 7 },
    { "a bell is silent", "\a", 0, "\\x07", 4 },
    { "a NUL does not end it", "a\0b", 3,
      "a\xef\xbf\xbd"
      "b",
      3 },
    { "delete is spelled out", "\x7f", 0, "\\x7f", 4 },
    { "an 8-bit control sequence is spelled out",
      "\xc2\x9b"
      "31m",
      0, "\\x9b31m", 7 },
    { "text is not turned round",
      "a\xe2\x80\xae"
      "b",
      0, "a\\u202eb", 8 },
    { "an isolate is not begun", "\xe2\x81\xa6x", 0, "\\u2066x", 7 },
    { "nothing invisible hides",
      "a\xe2\x80\x8b"
      "b",
      0, "a\\u200bb", 8 },
    { "a tag character beyond the 16 bits", "\xf3\xa0\x81\x81", 0, "\\U000e0041", 10 },
    { "what is no UTF-8 is replaced", "\xff", 0, "\xef\xbf\xbd", 1 },
    { "nothing", "", 0, "", 0 },
};

static void is_safe(void **state)
{
    const struct safe_row *row = *state;
    struct buf out = BUF(4096);
    size_t columns = 99;

    text_safe((struct view){ row->in, row->len > 0 ? row->len : strlen(row->in) }, &out, &columns);
    assert_string_equal(buf_cstr(&out), row->want);
    assert_int_equal(columns, row->columns);
    buf_deinit(&out);
}

static const struct clip_row {
    const char *name, *in;
    size_t columns;
    const char *want;
    size_t used;
} clip_rows[] = {
    { "what fits stays", "abc", 3, "abc", 3 },
    { "what does not ends in dots", "abcd", 3, "ab…", 3 },
    { "a wide letter is not halved", "日本", 3, "日…", 3 },
    { "a wide letter that does not fit leaves a gap", "日本", 2, "…", 1 },
    { "one column is the dots", "abc", 1, "…", 1 },
    { "no column is nothing", "abc", 0, "", 0 },
    { "an accent stays with its letter", "e\xcc\x81x", 2, "e\xcc\x81x", 2 },
};

static void is_clipped(void **state)
{
    const struct clip_row *row = *state;
    struct buf out = BUF(4096);

    assert_int_equal(text_clip(view_of(row->in), row->columns, &out), row->used);
    assert_string_equal(buf_cstr(&out), row->want);
    buf_deinit(&out);
}

static const struct age_row {
    const char *name;
    int64_t then_ms, now_ms;
    const char *want;
} age_rows[] = {
    { "absent", -1, 1000, "never" },
    { "now", 1000, 1000, "just now" },
    { "under a second", 1000, 1999, "just now" },
    { "seconds", 0, 3000, "3 s ago" },
    { "59.999 seconds are not a minute", 0, 59999, "59 s ago" },
    { "minutes", 0, 60000, "1 min ago" },
    { "hours", 0, 3600000, "1 h ago" },
    { "hours and minutes", 0, 7500000, "2 h 5 min ago" },
    { "days", 0, 86400000, "1 d ago" },
    { "days and hours", 0, 86400000 * INT64_C(3) + 4 * 3600000, "3 d 4 h ago" },
    { "to come", 6000, 1000, "in 5 s" },
    { "further than a number can hold", INT64_MAX, INT64_MIN, "never" },
};

static void is_aged(void **state)
{
    const struct age_row *row = *state;
    char out[TEXT_SHORT_SIZE];

    text_age(row->then_ms, row->now_ms, out);
    assert_string_equal(out, row->want);
}

static const struct bytes_row {
    const char *name;
    uint64_t bytes;
    const char *want;
} bytes_rows[] = {
    { "none", 0, "0 B" },
    { "below a thousand", 999, "999 B" },
    { "a thousand", 1000, "1.0 kB" },
    { "nearly the next unit", 999960, "1.0 MB" },
    { "three digits need no fraction", 123456789, "123 MB" },
    { "the most", UINT64_MAX, "18.4 EB" },
};

static void is_sized(void **state)
{
    const struct bytes_row *row = *state;
    char out[TEXT_SHORT_SIZE];

    text_bytes(row->bytes, out);
    assert_string_equal(out, row->want);
}

static const struct count_row {
    const char *name;
    uint64_t n;
    const char *want;
} count_rows[] = {
    { "0", 0, "0" },
    { "999", 999, "999" },
    { "1000", 1000, "1,000" },
    { "1234567", 1234567, "1,234,567" },
    { "the most", UINT64_MAX, "18,446,744,073,709,551,615" },
};

static void is_counted(void **state)
{
    const struct count_row *row = *state;
    char out[TEXT_SHORT_SIZE];

    text_count(row->n, out);
    assert_string_equal(out, row->want);
}

static const struct time_row {
    const char *name;
    int64_t unix_ms;
    const char *date, *clock;
} time_rows[] = {
    { "a time", INT64_C(1773480413589), "2026-03-14", "09:26:53" },
    { "the last of the years", INT64_C(253402300799999), "9999-12-31", "23:59:59" },
    { "beyond", INT64_C(253402300800000), "-", "-" },
    { "absent", -1, "-", "-" },
};

static void is_dated(void **state)
{
    const struct time_row *row = *state;
    char date[TEXT_SHORT_SIZE], clock[TEXT_SHORT_SIZE];

    text_date(row->unix_ms, date);
    text_clock(row->unix_ms, clock);
    assert_string_equal(date, row->date);
    assert_string_equal(clock, row->clock);
}

static const struct distance_row {
    const char *name, *a, *b;
    size_t want;
} distance_rows[] = {
    { "equal", "follow", "follow", 0 },         { "one left out", "folow", "follow", 1 },
    { "one too many", "followw", "follow", 1 }, { "one changed", "fallow", "follow", 1 },
    { "two turned", "fololw", "follow", 2 },    { "nothing in common", "abc", "xyz", 3 },
    { "from nothing", "", "abc", 3 },
};

static void is_distant(void **state)
{
    const struct distance_row *row = *state;

    assert_int_equal(text_distance(view_of(row->a), view_of(row->b)), row->want);
}

int main(void)
{
    text_init();
    return RUN_ROWS(is_safe, safe_rows) + RUN_ROWS(is_clipped, clip_rows) + RUN_ROWS(is_aged, age_rows) +
           RUN_ROWS(is_sized, bytes_rows) + RUN_ROWS(is_counted, count_rows) + RUN_ROWS(is_dated, time_rows) +
           RUN_ROWS(is_distant, distance_rows);
}
