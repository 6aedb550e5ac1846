/* What is left to do, from where the lanes stand and what the buckets show. */
#include "poller/poller_internal.h"

#include <string.h>

/* After so long, what was read since the start says nothing about the time before. */
#define FRESH_MS (60 * MINUTE_MS)

static const struct okta_bucket *bucket_of_lane(const struct poller *p, const struct lane *l)
{
    for (size_t i = 0; i < p->now.bucket_count; i++)
        if (strcmp(p->now.buckets[i].name, l->row->bucket) == 0)
            return &p->now.buckets[i];
    return NULL;
}

static bool pace_of(const struct poller *p, const struct lane *l, struct plan_pace *out)
{
    const struct okta_bucket *b = bucket_of_lane(p, l);
    const struct lane *tail = &p->lanes[LANE_TAIL];
    int64_t interval_ms = p->now.tail_interval_ms;

    if (b == NULL || b->limit <= 0)
        return false;
    *out = (struct plan_pace){ .share = (int32_t)((int64_t)b->limit * b->share_percent / 100),
                               .latency_ms = l->latency_ms };
    if (out->share < 1)
        out->share = 1;
    if (tail->is_on && interval_ms > 0 && strcmp(tail->row->bucket, l->row->bucket) == 0)
        out->kept = (int32_t)(MINUTE_MS / interval_ms);
    if (out->kept > out->share / 2)
        out->kept = out->share / 2;
    out->left = out->share - out->kept - b->spent;
    return true;
}

/* By what history has cost so far; before it has begun, by how much the tail found in the first minutes. */
static bool history_calls(struct poller *p, uint64_t *calls)
{
    const struct backfill_state *b = &p->backfill;
    int64_t target_ms = backfill_target_ms(p);

    if (b->has_begun && b->pages > 0)
        return plan_calls_by_pages((uint64_t)b->pages, p->tail.start_ms - b->reached_ms, b->reached_ms - target_ms,
                                   calls);
    if (p->now.tail_rounds == 0 || poller_okta_ms(p) - p->tail.start_ms > FRESH_MS)
        return false;
    return plan_calls_by_events(p->now.events_read, poller_okta_ms(p) - p->tail.start_ms,
                                p->lanes[LANE_BACKFILL].page_size, p->tail.start_ms - target_ms, calls);
}

void plan_show(struct poller *p)
{
    const struct lane *users = &p->lanes[LANE_USERS], *history = &p->lanes[LANE_BACKFILL];
    struct sync_plan *plan = &p->now.plan;
    struct plan_pace pace;
    uint64_t calls = 0;
    bool is_known;

    plan_init(plan);
    if (users->is_on && !p->users.is_complete)
        plan_add(plan, users->row->name, users->row->bucket, false, 0, NULL);
    if (backfill_is_running(p)) {
        is_known = history_calls(p, &calls);
        plan_add(plan, history->row->name, history->row->bucket, is_known, calls,
                 pace_of(p, history, &pace) ? &pace : NULL);
    }
    plan_finish(plan);
    p->now.plan_eta_unix_ms = plan->is_known && plan->count > 0 ? poller_unix_ms(p) + plan->ms : 0;
}
