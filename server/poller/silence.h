/* server/poller/silence.h: does the log bring far fewer events than it usually does?
 *
 * A log that answers and stays empty is the quietest way to fail: a filter somewhere, an index that lags for hours, an
 * org that moved. What is usual is learned per hour of the week: the least of the same hour in the last weeks, so
 * that neither a single busy week nor a holiday among them makes an alarm; an hour speaks once it was seen in two
 * weeks. Time goes in bins of ten minutes. The alarm is raised when, over some span of whole bins that ends now, so few
 * events came that even at a third of what is usual less than one such span in a million would bring no more (events
 * taken as independent, which the third makes up for). Where little is usual nothing is that unlikely, so a small org
 * never has an alarm. It ends with the first bin that brings a third of what is usual.
 *
 * Only what was watched counts: hours and spans with a poll failing, or the process down, teach nothing and alarm
 * nobody. A value without pointers; time is an argument, and is Okta's. */
#ifndef SILENCE_H
#define SILENCE_H

#include "base/str.h"

#define SILENCE_BIN_MS INT64_C(600000)
#define SILENCE_BINS   36  /* the longest span: six hours */
#define SILENCE_HOURS  168 /* of a week, in UTC */
#define SILENCE_WEEKS  4
#define SILENCE_SPEAKS 2                    /* weeks until an hour is known */
#define SILENCE_EVENTS UINT32_C(1000000000) /* most in an hour: beyond counts as this */
#define SILENCE_GAP_MS INT64_C(120000)      /* nobody looked for so long: not watched */
#define SILENCE_CURSOR "silence"

struct silence {
    /* learned, and kept */
    uint32_t usual[SILENCE_HOURS][SILENCE_WEEKS]; /* events, newest first */
    uint8_t weeks[SILENCE_HOURS];                 /* of usual that are filled */

    /* since the start */
    int64_t passed_ms; /* when silence_pass was told last */
    int64_t bin;       /* the one that is open, counted from 1970; 0: none yet */
    bool is_watched;   /* the open bin, from its beginning on */
    uint32_t events;   /* in it */
    struct silence_bin {
        uint32_t events;
        bool is_watched;
    } bins[SILENCE_BINS]; /* closed ones, by their number; see span */
    int span;             /* of the closed bins, the newest so many are to be looked at */
    bool is_on;           /* the alarm */
    bool is_new;          /* something was learned that is not kept yet */
};

/* So many events came just now. */
void silence_count(struct silence *s, int64_t okta_ms, uint64_t events);

/* It is so late. `is_watching`: the log answers, and is read up to its head. True when the alarm went on or off. */
bool silence_pass(struct silence *s, int64_t okta_ms, bool is_watching);

bool silence_is_on(const struct silence *s);

/* Events that are usual in the bin; 0 where that is not known. */
double silence_usual(const struct silence *s, int64_t bin);

/* What was learned, as text of at most CURSOR_BYTES_MAX. Appends. */
void silence_encode(const struct silence *s, struct buf *out);
/* Into one of zeros. False, and nothing is learned, when it is not what silence_encode writes. */
MUST_CHECK bool silence_decode(struct silence *s, struct view text);

#endif
