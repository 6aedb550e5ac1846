#include "base/str.h"
#include "tests/rows.h"

#define DAY_MS   INT64_C(86400000)
#define NO_TIME  INT64_C(-1)
#define LAST_MS  INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define LEAP_DAY INT64_C(1709164800000)   /* 2024-02-29 */

static const struct read_row {
    const char *name, *text;
    int64_t want;
} read_rows[] = {
    { "the first moment", "1970-01-01T00:00:00.000Z", 0 },
    { "milliseconds", "2026-03-14T09:26:53.589Z", INT64_C(1773480413589) },
    { "no fraction", "1970-01-01T00:00:01Z", 1000 },
    { "one digit of fraction is tenths", "1970-01-01T00:00:00.5Z", 500 },
    { "nine digits are cut to three", "1970-01-01T00:00:00.123999999Z", 123 },
    { "ten digits", "1970-01-01T00:00:00.1234567890Z", NO_TIME },
    { "a dot without digits", "1970-01-01T00:00:00.Z", NO_TIME },
    { "east of Greenwich is earlier", "1970-01-01T02:00:00+01:30", 1800000 },
    { "west of Greenwich is later", "1970-01-01T00:00:00-05:00", 5 * 3600000 },
    { "minus zero", "1970-01-01T00:00:00-00:00", 0 },
    { "an offset before 1970", "1970-01-01T00:00:00+00:01", NO_TIME },
    { "an offset beyond 9999", "9999-12-31T23:59:59-00:01", NO_TIME },
    { "the last moment", "9999-12-31T23:59:59.999Z", LAST_MS },
    { "an offset without colon", "1970-01-01T00:00:00+0100", NO_TIME },
    { "an offset of 24 hours", "1970-01-02T00:00:00+24:00", NO_TIME },
    { "an offset of 60 minutes", "1970-01-02T00:00:00+00:60", NO_TIME },
    { "no zone", "1970-01-01T00:00:00", NO_TIME },
    { "small letters", "1970-01-01t00:00:00z", 0 },
    { "a blank for the T", "1970-01-01 00:00:00Z", NO_TIME },
    { "a leap day", "2024-02-29T00:00:00Z", LEAP_DAY },
    { "the day after it", "2024-03-01T00:00:00Z", LEAP_DAY + DAY_MS },
    { "no leap day in a common year", "2023-02-29T00:00:00Z", NO_TIME },
    { "no leap day in 2100", "2100-02-29T00:00:00Z", NO_TIME },
    { "the day after February 2100", "2100-03-01T00:00:00Z", INT64_C(4107542400000) },
    { "a leap day in 2000", "2000-02-29T00:00:00Z", INT64_C(951782400000) },
    { "a leap second is the next one", "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
    { "61 seconds", "2016-12-31T23:59:61Z", NO_TIME },
    { "the last leap second we could not write", "9999-12-31T23:59:60Z", NO_TIME },
    { "hour 24", "1970-01-01T24:00:00Z", NO_TIME },
    { "minute 60", "1970-01-01T00:60:00Z", NO_TIME },
    { "month 0", "1970-00-01T00:00:00Z", NO_TIME },
    { "month 13", "1970-13-01T00:00:00Z", NO_TIME },
    { "day 0", "1970-01-00T00:00:00Z", NO_TIME },
    { "31 April", "1970-04-31T00:00:00Z", NO_TIME },
    { "1969", "1969-12-31T23:59:59Z", NO_TIME },
    { "five digits of year", "10000-01-01T00:00:00Z", NO_TIME },
    { "a sign", "+970-01-01T00:00:00Z", NO_TIME },
    { "a blank in front", " 1970-01-01T00:00:00Z", NO_TIME },
    { "more behind", "1970-01-01T00:00:00Zx", NO_TIME },
    { "a date alone", "1970-01-01", NO_TIME },
    { "nothing", "", NO_TIME },
    { "null", "null", NO_TIME },
};

static void reads(void **state)
{
    const struct read_row *row = *state;
    int64_t at = NO_TIME;

    assert_int_equal(time_parse(view_of(row->text), &at), row->want != NO_TIME);
    assert_int_equal(at, row->want);
}

static const struct write_row {
    const char *name;
    int64_t unix_ms;
    const char *want;
} write_rows[] = {
    { "the first moment", 0, "1970-01-01T00:00:00.000Z" },
    { "milliseconds have three digits", 7, "1970-01-01T00:00:00.007Z" },
    { "a leap day", LEAP_DAY + DAY_MS - 1, "2024-02-29T23:59:59.999Z" },
    { "the day after it", LEAP_DAY + DAY_MS, "2024-03-01T00:00:00.000Z" },
    { "the last of a leap year", INT64_C(1735689599999), "2024-12-31T23:59:59.999Z" },
    { "the day after February 2100", INT64_C(4107542400000), "2100-03-01T00:00:00.000Z" },
    { "the last moment", LAST_MS, "9999-12-31T23:59:59.999Z" },
};

static void writes(void **state)
{
    const struct write_row *row = *state;
    char text[TIME_TEXT_SIZE];

    time_format(row->unix_ms, text);
    assert_string_equal(text, row->want);
}

static void every_day_reads_as_it_was_written(void **state)
{
    char text[TIME_TEXT_SIZE];
    int64_t back;

    (void)state;
    /* 400 years are the calendar's whole period; a step of a day and a bit visits each day and many hours. */
    for (int64_t at = 0; at < 400 * 366 * DAY_MS; at += DAY_MS - 1234567) {
        time_format(at, text);
        back = -1;
        assert_true(time_parse(view_of(text), &back));
        assert_int_equal(back, at);
    }
}

static const struct duration_row {
    const char *name, *text;
    int64_t want;
} duration_rows[] = {
    { "milliseconds", "250ms", 250 },
    { "seconds", "30s", 30000 },
    { "minutes", "15m", 900000 },
    { "hours", "2h", 7200000 },
    { "days", "7d", 7 * DAY_MS },
    { "a bare number is seconds", "12", 12000 },
    { "zero", "0", 0 },
    { "a hundred years", "36525d", 36525 * DAY_MS },
    { "a day more", "36526d", NO_TIME },
    { "more than 64 bits", "99999999999999999999d", NO_TIME },
    { "wraps around when multiplied", "213503982335d", NO_TIME },
    { "a minus", "-1s", NO_TIME },
    { "a fraction", "1.5h", NO_TIME },
    { "a unit alone", "ms", NO_TIME },
    { "an unknown unit", "3w", NO_TIME },
    { "a blank", "3 m", NO_TIME },
    { "nothing", "", NO_TIME },
};

static void durations(void **state)
{
    const struct duration_row *row = *state;
    int64_t ms = NO_TIME;

    assert_int_equal(duration_parse(view_of(row->text), &ms), row->want != NO_TIME);
    assert_int_equal(ms, row->want);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_day_reads_as_it_was_written) };

    return RUN_ROWS(reads, read_rows) + RUN_ROWS(writes, write_rows) + RUN_ROWS(durations, duration_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
