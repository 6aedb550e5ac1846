/* server/model/plan.h: what is still to be asked of Okta until everything chosen is here, and how long that takes.
 *
 * Pure: page counts and limits go in, calls and milliseconds come out. What nobody can know yet is said to be unknown:
 * Okta tells no totals, so how many users there are is known at the end of their listing and not before. */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "model/collection.h"

#define PLAN_PARTS_MAX LANES_MAX
#define PLAN_MS_MAX    INT64_C(31536000000) /* a year: all that is longer is as good as that */

struct plan_part {
    char what[COLLECTION_NAME_MAX + 1], bucket[48];
    bool is_known;
    uint64_t calls_left;
    int64_t ms;
};

struct sync_plan {
    struct plan_part parts[PLAN_PARTS_MAX];
    size_t count;  /* 0: nothing is left to do */
    bool is_known; /* of every part */
    int64_t ms;    /* until the last of them; 0 where that is not known */
};

/* How fast calls can go to a bucket. */
struct plan_pace {
    int32_t share;      /* of each window of a minute, that we may spend; 0: unknown yet */
    int32_t kept;       /* of that, for the login tail */
    int32_t left;       /* of that, in the window under way */
    int64_t latency_ms; /* of one call; they follow one another */
};

/* How long so many calls take: at least as long as their answers, and no faster than the windows let them. False: the
 * limit is not known. */
bool plan_ms(uint64_t calls, const struct plan_pace *pace, int64_t *ms);

/* Calls for left_ms of history, when `pages` were needed for done_ms of it; at least one, if anything is left. False:
 * nothing to judge by. */
bool plan_calls_by_pages(uint64_t pages, int64_t done_ms, int64_t left_ms, uint64_t *calls);
/* The same, when `events` lay in done_ms and page_size of them make a page. */
bool plan_calls_by_events(uint64_t events, int64_t done_ms, uint32_t page_size, int64_t left_ms, uint64_t *calls);

void plan_init(struct sync_plan *p);
/* pace NULL, or `is_known` false: unknown. */
void plan_add(struct sync_plan *p, const char *what, const char *bucket, bool is_known, uint64_t calls,
              const struct plan_pace *pace);
void plan_finish(struct sync_plan *p); /* sums up */

#endif
