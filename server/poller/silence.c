#include "poller/silence.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BINS_AN_HOUR 6
#define HOUR_MS      (BINS_AN_HOUR * SILENCE_BIN_MS)
#define FEWER        3.0  /* the alarm compares with a third of the usual traffic */
#define UNLIKELY     1e-6 /* tested some 5,000 times a day, on overlapping spans */
#define EPOCH_WEEK_HRS                                                                                                 \
    72 /* 1970 began on a Thursday; here weeks begin on a Monday, for people who read the stored table */
#define FORMAT "1\n"

/* ---- what is usual ---- */

static unsigned hour_of(int64_t bin)
{
    return (unsigned)((bin / BINS_AN_HOUR + EPOCH_WEEK_HRS) % SILENCE_HOURS);
}

double silence_usual(const struct silence *s, int64_t bin)
{
    unsigned hour = hour_of(bin);
    uint32_t least = UINT32_MAX;

    if (s->weeks[hour] < SILENCE_SPEAKS)
        return 0;
    for (unsigned i = 0; i < s->weeks[hour]; i++)
        if (s->usual[hour][i] < least)
            least = s->usual[hour][i];
    return (double)least / BINS_AN_HOUR;
}

static struct silence_bin *silence_closed(struct silence *s, int64_t bin)
{
    return &s->bins[bin % SILENCE_BINS];
}

/* Learns the hour that ends with this bin, if all of it was watched. Nothing is learned during an alarm, or silence
 * would become the usual. */
static void silence_learn(struct silence *s, int64_t last)
{
    unsigned hour = hour_of(last);
    uint64_t events = 0;

    if ((last + 1) % BINS_AN_HOUR != 0 || s->is_on)
        return;
    for (int i = 0; i < BINS_AN_HOUR; i++) {
        if (!silence_closed(s, last - i)->is_watched)
            return;
        events += silence_closed(s, last - i)->events;
    }
    memmove(&s->usual[hour][1], &s->usual[hour][0], sizeof s->usual[hour] - sizeof s->usual[hour][0]);
    s->usual[hour][0] = (uint32_t)(events < SILENCE_EVENTS ? events : SILENCE_EVENTS);
    if (s->weeks[hour] < SILENCE_WEEKS)
        s->weeks[hour]++;
    s->is_new = true;
}

/* ---- how unlikely ---- */

/* Whether at most k events of a Poisson process with this mean are less likely than UNLIKELY. */
static bool is_unlikely(uint64_t k, double mean)
{
    double term, sum = 0;
    int sign;

    if ((double)k >= mean)
        return false;
    term = exp((double)k * log(mean) - mean - lgamma_r((double)k + 1, &sign));
    /* Sum downwards from k: each term is the one before times i / mean, which is below 1. */
    for (uint64_t i = k; term > UNLIKELY * 1e-6; i--) {
        sum += term;
        if (i == 0)
            break;
        term *= (double)i / mean;
    }
    return sum < UNLIKELY;
}

static bool is_too_few(struct silence *s, int64_t last)
{
    uint64_t events = 0;
    double usual = 0;

    for (int i = 0; i < s->span; i++) {
        events += silence_closed(s, last - i)->events;
        usual += silence_usual(s, last - i);
        if (is_unlikely(events, usual / FEWER))
            return true;
    }
    return false;
}

static bool speaks_again(struct silence *s, int64_t last)
{
    const struct silence_bin *b = silence_closed(s, last);

    return b->is_watched && b->events > 0 && b->events >= silence_usual(s, last) / FEWER;
}

/* ---- time ---- */

static void silence_judge(struct silence *s, int64_t last)
{
    if (s->is_on && speaks_again(s, last)) {
        s->is_on = false;
        s->span = 0; /* start again: the silence up to here has been reported */
    } else if (!s->is_on && is_too_few(s, last)) {
        s->is_on = true;
    }
}

static void close_bin(struct silence *s)
{
    struct silence_bin *b = silence_closed(s, s->bin);

    b->events = s->events;
    b->is_watched = s->is_watched;
    if (!s->is_watched)
        s->span = 0;
    else if (s->span < SILENCE_BINS)
        s->span++;
    silence_judge(s, s->bin);
    silence_learn(s, s->bin);
    s->events = 0;
}

/* The process slept, or Okta's clock jumped: the time in between was not watched. */
static void begin_anew(struct silence *s, int64_t bin)
{
    memset(s->bins, 0, sizeof s->bins);
    s->span = 0;
    s->events = 0;
    s->is_watched = false; /* it is watched from now on, not from its beginning */
    s->bin = bin;
}

bool silence_pass(struct silence *s, int64_t okta_ms, bool is_watching)
{
    int64_t bin = okta_ms / SILENCE_BIN_MS;
    bool was_on = s->is_on;

    if (okta_ms < SILENCE_BIN_MS)
        return false;
    is_watching = is_watching && okta_ms - s->passed_ms <= SILENCE_GAP_MS;
    s->passed_ms = okta_ms;
    if (bin < s->bin || bin > s->bin + 1) {
        begin_anew(s, bin);
    } else if (bin > s->bin) {
        s->is_watched = s->is_watched && is_watching;
        close_bin(s);
        s->bin = bin;
        s->is_watched = is_watching;
    } else if (!is_watching) {
        s->is_watched = false;
    }
    return s->is_on != was_on;
}

void silence_count(struct silence *s, int64_t okta_ms, uint64_t events)
{
    uint64_t sum = s->events + (events < SILENCE_EVENTS ? events : SILENCE_EVENTS);

    if (okta_ms / SILENCE_BIN_MS == s->bin)
        s->events = (uint32_t)(sum < SILENCE_EVENTS ? sum : SILENCE_EVENTS);
}

bool silence_is_on(const struct silence *s)
{
    return s->is_on;
}

/* ---- what is kept ---- */

/* One line for each hour of the week: its weeks, newest first. */
void silence_encode(const struct silence *s, struct buf *out)
{
    buf_puts(out, FORMAT);
    for (int hour = 0; hour < SILENCE_HOURS; hour++) {
        for (unsigned i = 0; i < s->weeks[hour]; i++)
            buf_printf(out, "%s%" PRIu32, i > 0 ? " " : "", s->usual[hour][i]);
        buf_putc(out, '\n');
    }
}

static bool read_hour(struct view line, uint32_t usual[SILENCE_WEEKS], uint8_t *weeks)
{
    *weeks = 0;
    while (line.len > 0) {
        const char *blank = memchr(line.at, ' ', line.len);
        size_t len = blank != NULL ? (size_t)(blank - line.at) : line.len;
        uint64_t number;

        if (*weeks == SILENCE_WEEKS || !view_u64((struct view){ line.at, len }, 0, SILENCE_EVENTS, &number))
            return false;
        usual[(*weeks)++] = (uint32_t)number;
        line.at += len + (blank != NULL);
        line.len -= len + (blank != NULL);
    }
    return true;
}

bool silence_decode(struct silence *s, struct view text)
{
    struct silence read = { .bin = 0 };

    if (!view_starts(text, FORMAT))
        return false;
    text.at += sizeof FORMAT - 1;
    text.len -= sizeof FORMAT - 1;
    for (int hour = 0; hour < SILENCE_HOURS; hour++) {
        const char *end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
        struct view line = { text.at, end != NULL ? (size_t)(end - text.at) : 0 };

        if (end == NULL || !read_hour(line, read.usual[hour], &read.weeks[hour]))
            return false;
        text.at += line.len + 1;
        text.len -= line.len + 1;
    }
    if (text.len > 0)
        return false;
    *s = read;
    return true;
}
