#include "poller/silence.h"

#include "rows.h"

#include <string.h>

#define START_MS  INT64_C(1773619200000) /* 2026-03-16T00:00:00Z, a Monday */
#define MINUTE_MS 60000
#define HOUR_MS   (60 * MINUTE_MS)
#define WEEK_MS   (168 * (int64_t)HOUR_MS)

struct org {
    struct silence s;
    int64_t now_ms;
    uint64_t random;
    unsigned alarms;
    double carry;
};

static double fraction(struct org *o)
{
    o->random ^= o->random << 13;
    o->random ^= o->random >> 7;
    o->random ^= o->random << 17;
    return (double)(o->random >> 11) / 9007199254740992.0;
}

/* By inversion; small means only. */
static unsigned poisson(struct org *o, double mean)
{
    double p = 2.718281828459045, at = 1, limit = 1;
    unsigned n = 0;

    for (double left = mean; left > 0; left -= 1)
        limit *= left >= 1 ? 1 / p : 1 - left + left * left / 2; /* e^-mean, near enough */
    for (at = fraction(o); at > limit && n < 10000; n++)
        at *= fraction(o);
    return n;
}

/* Office hours of weekdays, a tenth at night and at the weekend. */
static double office(const struct org *o, double an_hour)
{
    int64_t hours = (o->now_ms - START_MS) / HOUR_MS;
    bool is_busy = hours / 24 % 7 < 5 && hours % 24 >= 8 && hours % 24 < 18;

    return is_busy ? an_hour : an_hour / 10;
}

static void open_org(struct org *o, uint64_t seed)
{
    memset(o, 0, sizeof *o);
    o->now_ms = START_MS;
    o->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* Polls once a minute for a while. */
static void live(struct org *o, int64_t for_ms, double an_hour, bool is_watching)
{
    for (int64_t end_ms = o->now_ms + for_ms; o->now_ms < end_ms; o->now_ms += MINUTE_MS) {
        bool was_on = silence_is_on(&o->s);

        silence_pass(&o->s, o->now_ms, is_watching);
        if (is_watching)
            silence_count(&o->s, o->now_ms, poisson(o, office(o, an_hour) / 60));
        o->alarms += !was_on && silence_is_on(&o->s);
    }
}

static const struct row {
    const char *name;
    double usual; /* events in a busy hour */
    double later; /* then, from Tuesday noon on */
    int weeks;
    int64_t for_ms;
    bool want;
} rows[] = {
    { "nothing more comes", 1000, 0, 3, HOUR_MS, true },
    { "a twentieth comes", 1000, 50, 3, 2 * HOUR_MS, true },
    { "half comes", 1000, 500, 3, 6 * HOUR_MS, false },
    { "as much as ever", 1000, 1000, 3, 72 * HOUR_MS, false },
    { "three times as much", 1000, 3000, 3, 24 * HOUR_MS, false },
    { "nothing more, for a medium org", 60, 0, 3, 5 * HOUR_MS, true },
    { "nothing more, for a small org", 2, 0, 3, 168 * HOUR_MS, false },
    { "nothing more, in the second week: too new to tell", 1000, 0, 1, 24 * HOUR_MS, false },
    { "an org that never had any", 0, 0, 3, 168 * HOUR_MS, false },
};

static void is_silent(void **state)
{
    const struct row *row = *state;
    struct org o;

    open_org(&o, 1);
    live(&o, row->weeks * WEEK_MS + 36 * (int64_t)HOUR_MS, row->usual, true);
    assert_int_equal(o.alarms, 0);
    live(&o, row->for_ms, row->later, true);
    assert_int_equal(o.alarms > 0, row->want);
}

static void it_speaks_again_within_two_bins_and_stays_so(void **state)
{
    struct org o;

    (void)state;
    open_org(&o, 2);
    live(&o, 3 * WEEK_MS + 36 * (int64_t)HOUR_MS, 1000, true);
    live(&o, 3 * HOUR_MS, 0, true);
    assert_true(silence_is_on(&o.s));
    live(&o, 20 * MINUTE_MS + MINUTE_MS, 1000, true);
    assert_false(silence_is_on(&o.s));
    live(&o, 24 * HOUR_MS, 1000, true);
    assert_int_equal(o.alarms, 1);
}

static void nobody_gets_used_to_silence(void **state)
{
    struct org o;
    int64_t bin;

    (void)state;
    open_org(&o, 3);
    live(&o, 3 * WEEK_MS + 36 * (int64_t)HOUR_MS, 1000, true);
    bin = (o.now_ms + 2 * (int64_t)HOUR_MS) / SILENCE_BIN_MS;
    assert_true(silence_usual(&o.s, bin) > 100);
    live(&o, 4 * HOUR_MS, 0, true);
    assert_true(silence_usual(&o.s, bin) > 100);
}

static void an_outage_is_no_silence(void **state)
{
    struct org o;

    (void)state;
    open_org(&o, 4);
    live(&o, 3 * WEEK_MS + 36 * (int64_t)HOUR_MS, 1000, true);
    live(&o, 5 * HOUR_MS, 1000, false); /* polls fail */
    live(&o, HOUR_MS, 1000, true);
    o.now_ms += 5 * (int64_t)HOUR_MS; /* the process is down, or the clock jumped */
    live(&o, HOUR_MS, 1000, true);
    o.now_ms -= 3 * (int64_t)HOUR_MS;
    live(&o, HOUR_MS, 1000, true);
    o.now_ms += 15 * MINUTE_MS; /* asleep for less than two bins */
    live(&o, HOUR_MS, 1000, true);
    assert_int_equal(o.alarms, 0);
}

/* Whatever the rate: a process as random as people are makes no alarm in ten weeks. */
static void ordinary_traffic_makes_no_alarm(void **state)
{
    static const double rates[] = { 0.5, 3, 10, 30, 100, 300 };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct org o;

        open_org(&o, 10 + i);
        live(&o, 10 * WEEK_MS, rates[i], true);
        assert_int_equal(o.alarms, 0);
    }
}

static void what_was_learned_is_kept(void **state)
{
    AUTO_BUF struct buf text = BUF(16u << 10), again = BUF(16u << 10);
    struct silence s = { .bin = 0 };
    struct org o;

    (void)state;
    open_org(&o, 5);
    live(&o, 5 * WEEK_MS, 100000, true);
    assert_true(o.s.is_new);
    silence_encode(&o.s, &text);
    assert_true(buf_ok(&text));
    assert_true(silence_decode(&s, buf_view(&text)));
    silence_encode(&s, &again);
    assert_true(view_eq(buf_view(&text), buf_view(&again)));
    o.s = s;
    live(&o, 36 * (int64_t)HOUR_MS, 100000, true);
    live(&o, HOUR_MS, 0, true);
    assert_true(silence_is_on(&o.s));
}

static void the_most_fits_into_a_cursor(void **state)
{
    AUTO_BUF struct buf text = BUF(16u << 10);
    struct silence s = { .bin = 0 };

    (void)state;
    for (int hour = 0; hour < SILENCE_HOURS; hour++) {
        s.weeks[hour] = SILENCE_WEEKS;
        for (int i = 0; i < SILENCE_WEEKS; i++)
            s.usual[hour][i] = SILENCE_EVENTS;
    }
    silence_encode(&s, &text);
    assert_true(buf_ok(&text));
}

static const struct bad {
    const char *name, *text;
} bads[] = {
    { "nothing", "" },         { "another version", "2\n" },       { "too few hours", "1\n1 2\n\n" },
    { "no number", "1\nx\n" }, { "five weeks", "1\n1 2 3 4 5\n" }, { "too large a number", "1\n1000000001\n" },
};

static void is_not_read(void **state)
{
    const struct bad *row = *state;
    AUTO_BUF struct buf text = BUF(1000);
    struct silence s = { .bin = 5 };

    buf_puts(&text, row->text);
    for (int i = 0; i < SILENCE_HOURS - 1 && strlen(row->text) > 3; i++)
        if (strcmp(row->name, "too few hours") != 0)
            buf_putc(&text, '\n');
    assert_false(silence_decode(&s, buf_view(&text)));
    assert_int_equal(s.bin, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_speaks_again_within_two_bins_and_stays_so),
        cmocka_unit_test(nobody_gets_used_to_silence),
        cmocka_unit_test(an_outage_is_no_silence),
        cmocka_unit_test(ordinary_traffic_makes_no_alarm),
        cmocka_unit_test(what_was_learned_is_kept),
        cmocka_unit_test(the_most_fits_into_a_cursor),
    };

    return RUN_ROWS(is_silent, rows) + cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(is_not_read, bads);
}
