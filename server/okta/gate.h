/* server/okta/gate.h: what may be sent now: every bucket's budget, the lanes' precedence, and how many at once.
 *
 * Pure: reads no clock, sends nothing. A round is one look at all that waits, lane by lane from the first; a request
 * that has to wait closes its bucket for the rest of the round, so that who is first stays first. */
#ifndef OKTA_GATE_H
#define OKTA_GATE_H

#include "okta/answer.h"
#include "okta/budget.h"
#include "okta/okta.h"

struct gate_bucket {
    struct budget budget;
    bool is_used;
    int64_t held_until_mono_ms; /* Okta said 429 */
    int64_t tail_until_mono_ms; /* the login tail asks here, and a part is kept for it */
    int64_t paced_mono_ms;      /* when somebody in no hurry last asked */
    struct backoff backoff[OKTA_PRIORITIES];

    /* why the first that waits does, as of the last round */
    int64_t blocked_until_mono_ms; /* 0: none waits */
    enum okta_priority blocked_priority;
    const char *reason;
};

struct gate {
    struct gate_bucket buckets[OKTA_BUCKETS_MAX];
    size_t in_flight;
    size_t in_flight_max;       /* less than OKTA_IN_FLIGHT_MAX after "too many at once" */
    int64_t held_until_mono_ms; /* likewise, everything */
    int calm_answers;           /* since then */
    int32_t share_percent;
    int64_t yield_until_mono_ms; /* half of our share only, but for the tail: others are short */
    int64_t pause_until_mono_ms; /* nothing that could be done tomorrow as well */
};

void gate_init(struct gate *g, int share_percent);
/* From now on; what was spent stays spent. */
void gate_set_share(struct gate *g, int share_percent);

/* Somebody wants to ask; before its first round. */
void gate_want(struct gate *g, size_t bucket, enum okta_priority lane, int64_t now_mono_ms);

void gate_begin_round(struct gate *g);

/* Whether one more of that lane may be under way at all. */
bool gate_has_place(const struct gate *g, enum okta_priority lane);

/* Takes one request's place and budget, to be given back by gate_end; false: it waits, and so does what comes behind
 * it. */
bool gate_take(struct gate *g, size_t bucket, enum okta_priority lane, int64_t now_mono_ms);

/* Others are short of requests: until then all but the tail take half of our share, and history and sweeps pause. Who
 * is told so again and again pauses GATE_PAUSE_MAX_MS of each GATE_PAUSE_EVERY_MS at most: something that never moves
 * is a silent stop. */
#define GATE_PAUSE_MAX_MS   300000
#define GATE_PAUSE_EVERY_MS 900000
void gate_yield(struct gate *g, int64_t until_mono_ms, int64_t now_mono_ms);

/* When a new round can help, if no answer comes before; INT64_MAX: nothing waits for time. */
int64_t gate_due_mono_ms(const struct gate *g);

/* A request that was taken is over. `headers`: NULL when there was no answer. */
void gate_end(struct gate *g, size_t bucket, const struct headers *headers, int64_t now_mono_ms);

/* Judges an answer beyond itself: may turn RETRY into SMALLER, says when to ask again, and holds back what would suffer
 * the same. `random` is any number. */
void gate_judge(struct gate *g, size_t bucket, enum okta_priority lane, struct answer *a, int64_t now_mono_ms,
                uint64_t random);

size_t gate_buckets(const struct gate *g, int64_t now_mono_ms, struct okta_bucket out[OKTA_BUCKETS_MAX]);

#endif
