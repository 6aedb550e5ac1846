/* The plan: how many calls are left until everything chosen is here, from the lanes' positions and the buckets' limits.
 */
#include "poller/poller_internal.h"

#include <string.h>

/* Once the tail has run for this long, how busy it was says little about the time before it. */
#define FRESH_MS (60 * MINUTE_MS)

static const struct okta_bucket *plan_bucket(const struct poller *p, const struct lane *l)
{
    for (size_t i = 0; i < p->now.bucket_count; i++)
        if (strcmp(p->now.buckets[i].name, l->collection->path) == 0)
            return &p->now.buckets[i];
    return NULL;
}

static bool plan_pace_of_lane(const struct poller *p, const struct lane *l, struct plan_pace *out)
{
    const struct okta_bucket *b = plan_bucket(p, l);
    const struct lane *tail = p->tail_of_log;
    int64_t interval_ms = p->now.tail_interval_ms;

    if (b == NULL || b->limit <= 0)
        return false;
    *out = (struct plan_pace){ .share = (int32_t)((int64_t)b->limit * b->share_percent / 100),
                               .latency_ms = l->latency_ms };
    if (out->share < 1)
        out->share = 1;
    if (tail->is_on && interval_ms > 0 && strcmp(tail->collection->path, l->collection->path) == 0)
        out->kept = (int32_t)(MINUTE_MS / interval_ms);
    if (out->kept > out->share / 2)
        out->kept = out->share / 2;
    out->left = out->share - out->kept - b->spent;
    return true;
}

/* Extrapolates from the pages that the history has cost so far; before it has begun, from the events that the tail
 * found in its first minutes. */
static bool plan_history_calls(struct poller *p, uint64_t *calls)
{
    const struct history_state *b = &p->history;
    int64_t target_ms = history_target_ms(p);

    if (b->has_begun && b->pages > 0)
        return plan_calls_by_pages((uint64_t)b->pages, p->tail.start_ms - b->reached_ms, b->reached_ms - target_ms,
                                   calls);
    if (p->now.tail_rounds == 0 || poller_okta_ms(p) - p->tail.start_ms > FRESH_MS)
        return false;
    return plan_calls_by_events(p->now.events_read, poller_okta_ms(p) - p->tail.start_ms, p->history_of_log->page_size,
                                p->tail.start_ms - target_ms, calls);
}

void plan_show(struct poller *p)
{
    const struct lane *history = p->history_of_log;
    struct sync_plan *plan = &p->now.plan;
    struct plan_pace pace;
    uint64_t calls = 0;
    bool is_known;

    plan_init(plan);
    /* Okta tells no totals: the calls of a first listing are not known before its end. */
    EACH_LANE(p, l)
    if (l->kind == &listing_lane && l->is_on && !l->listing.is_complete)
        plan_add(plan, l->name, l->collection->path, false, 0, NULL);
    if (history_is_running(p)) {
        is_known = plan_history_calls(p, &calls);
        plan_add(plan, history->name, history->collection->path, is_known, calls,
                 plan_pace_of_lane(p, history, &pace) ? &pace : NULL);
    }
    plan_finish(plan);
    p->now.plan_eta_unix_ms = plan->is_known && plan->count > 0 ? poller_unix_ms(p) + plan->ms : 0;
}
