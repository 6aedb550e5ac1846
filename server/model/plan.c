#include "model/plan.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_MS 60000
#define CALLS_MAX UINT64_C(100000000) /* keeps the arithmetic in 64 bits */

/* The history is read in windows of at most so many days: even an empty history costs a call for each. */
#define WINDOW_DAYS_MAX 15
#define DAY_MS          INT64_C(86400000)

bool plan_ms(uint64_t calls, const struct plan_pace *pace, int64_t *ms)
{
    int64_t a_window = pace->share - pace->kept, left = pace->left > 0 ? pace->left : 0;
    int64_t answers_ms, windows_ms = 0;

    if (pace->share <= 0)
        return false;
    if (calls > CALLS_MAX)
        calls = CALLS_MAX;
    answers_ms = (int64_t)calls * (pace->latency_ms > 0 && pace->latency_ms < WINDOW_MS ? pace->latency_ms : 0);
    if ((int64_t)calls > left)
        windows_ms = ((int64_t)calls - left) * WINDOW_MS / (a_window > 0 ? a_window : 1);
    *ms = answers_ms > windows_ms ? answers_ms : windows_ms;
    if (*ms > PLAN_MS_MAX)
        *ms = PLAN_MS_MAX;
    return true;
}

static uint64_t rounded_up(double calls)
{
    if (!(calls < (double)CALLS_MAX))
        return CALLS_MAX;
    return calls > 1 ? (uint64_t)(calls + 0.999999) : 1;
}

bool plan_calls_by_pages(uint64_t pages, int64_t done_ms, int64_t left_ms, uint64_t *calls)
{
    if (left_ms <= 0) {
        *calls = 0;
        return true;
    }
    if (pages == 0 || done_ms <= 0)
        return false;
    *calls = rounded_up((double)pages * (double)left_ms / (double)done_ms);
    return true;
}

bool plan_calls_by_events(uint64_t events, int64_t done_ms, uint32_t page_size, int64_t left_ms, uint64_t *calls)
{
    if (left_ms <= 0) {
        *calls = 0;
        return true;
    }
    if (done_ms <= 0 || page_size == 0)
        return false;
    *calls = rounded_up((double)events / (double)page_size * (double)left_ms / (double)done_ms +
                        (double)left_ms / (double)(WINDOW_DAYS_MAX * DAY_MS));
    return true;
}

void plan_init(struct sync_plan *p)
{
    memset(p, 0, sizeof *p);
}

void plan_add(struct sync_plan *p, const char *what, const char *bucket, bool is_known, uint64_t calls,
              const struct plan_pace *pace)
{
    struct plan_part *part;

    if (p->count == PLAN_PARTS_MAX || (is_known && calls == 0))
        return;
    part = &p->parts[p->count++];
    snprintf(part->what, sizeof part->what, "%s", what);
    snprintf(part->bucket, sizeof part->bucket, "%s", bucket);
    part->is_known = is_known && pace != NULL && plan_ms(calls, pace, &part->ms);
    part->calls_left = is_known ? calls : 0;
}

static int64_t bucket_ms(const struct sync_plan *p, const char *bucket)
{
    int64_t ms = 0;

    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->parts[i].bucket, bucket) == 0)
            ms += p->parts[i].ms;
    return ms;
}

/* Parts in different buckets run side by side; parts that share a bucket run one after the other. */
void plan_finish(struct sync_plan *p)
{
    p->is_known = true;
    p->ms = 0;
    for (size_t i = 0; i < p->count; i++)
        p->is_known &= p->parts[i].is_known;
    for (size_t i = 0; p->is_known && i < p->count; i++)
        if (bucket_ms(p, p->parts[i].bucket) > p->ms)
            p->ms = bucket_ms(p, p->parts[i].bucket);
}
