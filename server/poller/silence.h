/* server/poller/silence.h: detects a log that brings far fewer events than usual.
 *
 * A log that answers and stays empty is the quietest way to fail: a filter somewhere, an index that lags for hours, an
 * org that has moved. The usual traffic is learned for each hour of the week, as the least of that hour in the last
 * weeks, so that neither one busy week nor one holiday causes an alarm. An hour counts once it was seen in two weeks.
 *
 * Time is divided into bins of ten minutes. The alarm is raised when, over some span of whole bins that ends now, so
 * few events came that, even at a third of the usual rate, fewer than one such span in a million would bring so few.
 * (The calculation takes events as independent; comparing with a third makes up for that.) In a small org no span is
 * that unlikely, so it never has an alarm. The alarm ends with the first bin that brings a third of the usual.
 *
 * Only time that was watched counts: while polls fail or the process is down, nothing is learned and nothing raises an
 * alarm. A struct silence is a value without pointers; time is an argument, on Okta's clock. */
#ifndef SILENCE_H
#define SILENCE_H

#include "base/str.h"

#define SILENCE_BIN_MS INT64_C(600000)
#define SILENCE_BINS   36  /* the longest span: six hours */
#define SILENCE_HOURS  168 /* of a week, in UTC */
#define SILENCE_WEEKS  4
#define SILENCE_SPEAKS 2                    /* weeks in which an hour must be seen before it counts */
#define SILENCE_EVENTS UINT32_C(1000000000) /* counted in an hour at most */
#define SILENCE_GAP_MS INT64_C(120000)      /* after a longer pause between polls, the time counts as not watched */
#define SILENCE_CURSOR "silence"

struct silence {
    /* learned, and stored */
    uint32_t usual[SILENCE_HOURS][SILENCE_WEEKS]; /* events, newest first */
    uint8_t weeks[SILENCE_HOURS];                 /* entries of usual that are filled */

    /* since the start */
    int64_t passed_ms; /* the time of the last silence_pass */
    int64_t bin;       /* number of the open bin, counted from 1970; 0: none yet */
    bool is_watched;   /* the open bin was watched from its beginning */
    uint32_t events;   /* in it */
    struct silence_bin {
        uint32_t events;
        bool is_watched;
    } bins[SILENCE_BINS]; /* closed bins, a ring by their number; see span */
    int span;             /* how many of the newest closed bins are valid */
    bool is_on;           /* the alarm */
    bool is_new;          /* something was learned that is not stored yet */
};

/* Counts events that have just come. */
void silence_count(struct silence *s, int64_t okta_ms, uint64_t events);

/* Advances the time. `is_watching`: the log answers and has been read to its head. True when the alarm was raised or
 * ended. */
bool silence_pass(struct silence *s, int64_t okta_ms, bool is_watching);

bool silence_is_on(const struct silence *s);

/* The usual number of events in a bin; 0 when it is unknown. */
double silence_usual(const struct silence *s, int64_t bin);

/* Appends what was learned, as text of at most CURSOR_BYTES_MAX. */
void silence_encode(const struct silence *s, struct buf *out);
/* Reads that text into a zeroed struct. False when silence_encode did not write it; then nothing is learned. */
MUST_CHECK bool silence_decode(struct silence *s, struct view text);

#endif
