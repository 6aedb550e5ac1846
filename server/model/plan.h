/* server/model/plan.h: the plan: how many calls to Okta are left until everything chosen is here, and how long they
 * take.
 *
 * Pure functions: page counts and limits go in, calls and milliseconds come out. Okta tells no totals, so the number of
 * users is known only at the end of their listing; until then the plan says that it is unknown. */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/collection.h"

#define PLAN_PARTS_MAX LANES_MAX
#define PLAN_MS_MAX    INT64_C(31536000000) /* a year; longer estimates are cut to this */

struct plan_part {
    char what[COLLECTION_NAME_MAX + 1], bucket[48];
    bool is_known;
    uint64_t calls_left;
    int64_t ms;
};

struct sync_plan {
    struct plan_part parts[PLAN_PARTS_MAX];
    size_t count;  /* 0: nothing is left to do */
    bool is_known; /* every part is known */
    int64_t ms;    /* until the last part is done; 0 when that is unknown */
};

/* How fast a bucket lets calls through. */
struct plan_pace {
    int32_t share;      /* calls that we may spend in a window of a minute; 0: unknown yet */
    int32_t kept;       /* of these, kept for the tail */
    int32_t left;       /* of these, left in the current window */
    int64_t latency_ms; /* of one call; calls of a lane follow one another */
};

/* How long so many calls take: at least as long as their answers take, and as long as the windows need to let them
 * through. False when the limit is unknown. */
bool plan_ms(uint64_t calls, const struct plan_pace *pace, int64_t *ms);

/* Estimates the calls for left_ms of history when `pages` were needed for done_ms of it: at least one, if anything is
 * left. False when there is no basis for an estimate. */
bool plan_calls_by_pages(uint64_t pages, int64_t done_ms, int64_t left_ms, uint64_t *calls);
/* The same from the number of events in done_ms, with page_size events a page. */
bool plan_calls_by_events(uint64_t events, int64_t done_ms, uint32_t page_size, int64_t left_ms, uint64_t *calls);

void plan_init(struct sync_plan *p);
/* With pace NULL or `is_known` false the part's length is unknown. */
void plan_add(struct sync_plan *p, const char *what, const char *bucket, bool is_known, uint64_t calls,
              const struct plan_pace *pace);
void plan_finish(struct sync_plan *p); /* computes the total; call it last */

#endif
