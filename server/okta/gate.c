#include "okta/gate.h"

#include "base/assert.h"
#include "okta/bucket.h"

#include <stdio.h>

#define FLOOR_PERCENT 10 /* of a bucket: what the tenant's other programs always find */

#define BACKOFF_TAIL_MAX_MS 30000  /* how late live events may be after an outage */
#define BACKOFF_MAX_MS      300000 /* everything else is in no hurry */

/* Nothing is kept for a tail that has not asked for so long. */
#define TAIL_GONE_MS 120000

/* After Okta complained of too many at once, one more is allowed for each so many answers without complaint. */
#define CALM_ANSWERS 20

static const char *const reasons[] = {
    [BUDGET_OPEN] = "",
    [BUDGET_PROBING] = "the first answer will tell this bucket's limit",
    [BUDGET_SPENT] = "our share of this bucket is used up until its window ends",
    [BUDGET_RESERVED] = "what is left of our share is kept for the login tail",
    [BUDGET_FLOOR] = "other programs have nearly used up this bucket",
};

static void block(struct gate_bucket *b, enum okta_priority lane, int64_t until_mono_ms, const char *reason)
{
    b->blocked_until_mono_ms = until_mono_ms;
    b->blocked_priority = lane;
    b->reason = reason;
}

void gate_init(struct gate *g, int share_percent)
{
    *g = (struct gate){ .in_flight_max = OKTA_IN_FLIGHT_MAX,
                        .share_percent = share_percent,
                        .yield_until_mono_ms = INT64_MIN,
                        .pause_until_mono_ms = INT64_MIN };
    for (size_t i = 0; i < OKTA_BUCKETS_MAX; i++)
        budget_init(&g->buckets[i].budget, share_percent, FLOOR_PERCENT);
    gate_begin_round(g);
}

void gate_want(struct gate *g, size_t bucket, enum okta_priority lane, int64_t now_mono_ms)
{
    struct gate_bucket *b = &g->buckets[bucket];

    b->is_used = true;
    if (lane == OKTA_PRIORITY_TAIL)
        b->tail_until_mono_ms = now_mono_ms + TAIL_GONE_MS;
}

void gate_begin_round(struct gate *g)
{
    for (size_t i = 0; i < OKTA_BUCKETS_MAX; i++)
        block(&g->buckets[i], OKTA_PRIORITY_TAIL, 0, "");
}

/* One place is kept for the tail: slow answers to others must not hold it up. */
bool gate_has_place(const struct gate *g, enum okta_priority lane)
{
    size_t max = g->in_flight_max;

    if (lane != OKTA_PRIORITY_TAIL && max > 1)
        max--;
    return g->in_flight < max;
}

/* Notes until when, if so. */
static bool is_held(const struct gate *g, struct gate_bucket *b, enum okta_priority lane, int64_t now_mono_ms)
{
    bool is_bucket = b->held_until_mono_ms > now_mono_ms;

    if (!is_bucket && g->held_until_mono_ms <= now_mono_ms)
        return false;
    block(b, lane, is_bucket ? b->held_until_mono_ms : g->held_until_mono_ms,
          is_bucket ? "Okta answered that the rate limit is used up"
                    : "Okta answered that too many requests came at once");
    return true;
}

static bool is_paused(const struct gate *g, struct gate_bucket *b, enum okta_priority lane, int64_t now_mono_ms)
{
    if (lane < OKTA_PRIORITY_BACKFILL || g->pause_until_mono_ms <= now_mono_ms)
        return false;
    block(b, lane, g->pause_until_mono_ms, "the org's log warns of its rate limits: what can wait makes room");
    return true;
}

void gate_set_share(struct gate *g, int share_percent)
{
    g->share_percent = share_percent;
    for (size_t i = 0; i < OKTA_BUCKETS_MAX; i++)
        g->buckets[i].budget.share_percent = share_percent;
}

static int32_t share_percent_of(const struct gate *g, enum okta_priority lane, int64_t now_mono_ms)
{
    bool is_halved = g->yield_until_mono_ms > now_mono_ms && lane != OKTA_PRIORITY_TAIL && g->share_percent > 1;

    return is_halved ? g->share_percent / 2 : g->share_percent;
}

/* Nobody notices when these come some seconds later; that they come in one burst is noticed. */
static bool is_paced(struct gate_bucket *b, enum okta_priority lane, int32_t reserve, int64_t now_mono_ms)
{
    int64_t wait_ms;

    if (lane < OKTA_PRIORITY_SYNC)
        return false;
    wait_ms = budget_pace_ms(&b->budget, reserve, b->paced_mono_ms, now_mono_ms);
    if (wait_ms == 0)
        return false;
    block(b, lane, now_mono_ms + wait_ms, "the rest of our share is spread over the rest of the window");
    return true;
}

/* An idle tail polls at an interval that takes half of our share; the others leave it that. */
static bool spend(struct gate_bucket *b, enum okta_priority lane, int64_t now_mono_ms)
{
    int64_t wait_ms, less_in_ms = INT64_MAX;
    int32_t reserve = 0;
    enum budget_state state;

    if (lane != OKTA_PRIORITY_TAIL && now_mono_ms < b->tail_until_mono_ms)
        reserve = budget_idle_reserve(&b->budget, now_mono_ms, &less_in_ms);
    if (is_paced(b, lane, reserve, now_mono_ms))
        return false;
    wait_ms = budget_take(&b->budget, reserve, now_mono_ms);
    if (wait_ms == 0 && lane >= OKTA_PRIORITY_SYNC)
        b->paced_mono_ms = now_mono_ms;
    if (wait_ms == 0)
        return true;
    state = budget_state(&b->budget, reserve);
    if (state == BUDGET_RESERVED && less_in_ms < wait_ms)
        wait_ms = less_in_ms;
    block(b, lane, now_mono_ms + wait_ms, reasons[state]);
    return false;
}

bool gate_take(struct gate *g, size_t bucket, enum okta_priority lane, int64_t now_mono_ms)
{
    struct gate_bucket *b = &g->buckets[bucket];

    bool is_taken;

    if (b->blocked_until_mono_ms != 0 || is_held(g, b, lane, now_mono_ms) || is_paused(g, b, lane, now_mono_ms))
        return false;
    /* The tail yields nothing: it takes half of our share at most anyway, and must not fall behind. */
    b->budget.share_percent = share_percent_of(g, lane, now_mono_ms);
    is_taken = spend(b, lane, now_mono_ms);
    b->budget.share_percent = g->share_percent;
    g->in_flight += is_taken;
    return is_taken;
}

void gate_yield(struct gate *g, int64_t until_mono_ms, int64_t now_mono_ms)
{
    if (until_mono_ms <= now_mono_ms)
        return;
    if (g->yield_until_mono_ms < until_mono_ms)
        g->yield_until_mono_ms = until_mono_ms;
    if (g->pause_until_mono_ms > now_mono_ms - (GATE_PAUSE_EVERY_MS - GATE_PAUSE_MAX_MS))
        return;
    g->pause_until_mono_ms =
        until_mono_ms - now_mono_ms < GATE_PAUSE_MAX_MS ? until_mono_ms : now_mono_ms + GATE_PAUSE_MAX_MS;
}

int64_t gate_due_mono_ms(const struct gate *g)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < OKTA_BUCKETS_MAX; i++) {
        int64_t until = g->buckets[i].blocked_until_mono_ms;

        if (until != 0 && until < due)
            due = until;
    }
    return due;
}

void gate_end(struct gate *g, size_t bucket, const struct headers *headers, int64_t now_mono_ms)
{
    struct budget *budget = &g->buckets[bucket].budget;
    struct budget_reading reading;

    ASSERT(g->in_flight > 0);
    g->in_flight--;
    if (headers != NULL && headers_reading(headers, &reading))
        budget_learn(budget, &reading, now_mono_ms);
    budget_end(budget);
}

/* After "too many at once": half as many, and none at all for some seconds; then slowly more. */
static void mind_concurrency(struct gate *g, const struct answer *a)
{
    if (a->wait == CLASSIFY_WAIT_CONCURRENCY) {
        g->in_flight_max = g->in_flight_max > 1 ? g->in_flight_max / 2 : 1;
        g->held_until_mono_ms = a->told.retry_mono_ms;
        g->calm_answers = 0;
    } else if (a->told.http_status != 0 && ++g->calm_answers >= CALM_ANSWERS) {
        g->in_flight_max += g->in_flight_max < OKTA_IN_FLIGHT_MAX;
        g->calm_answers = 0;
    }
}

void gate_judge(struct gate *g, size_t bucket, enum okta_priority lane, struct answer *a, int64_t now_mono_ms,
                uint64_t random)
{
    struct gate_bucket *b = &g->buckets[bucket];
    int64_t cap_ms = lane == OKTA_PRIORITY_TAIL ? BACKOFF_TAIL_MAX_MS : BACKOFF_MAX_MS;

    backoff_count(&b->backoff[lane], a);
    if (a->told.verdict == OKTA_RETRY)
        a->told.retry_mono_ms = now_mono_ms + backoff_wait_ms(&b->backoff[lane], a, cap_ms, random);
    if (a->wait == CLASSIFY_WAIT_WINDOW)
        b->held_until_mono_ms = a->told.retry_mono_ms;
    mind_concurrency(g, a);
}

size_t gate_buckets(const struct gate *g, int64_t now_mono_ms, struct okta_bucket out[OKTA_BUCKETS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < OKTA_BUCKETS_MAX; i++) {
        const struct gate_bucket *b = &g->buckets[i];
        bool is_over = now_mono_ms >= b->budget.reset_mono_ms;

        if (!b->is_used)
            continue;
        out[n] = (struct okta_bucket){
            .limit = b->budget.limit,
            .remaining = is_over ? b->budget.limit : b->budget.remaining,
            .spent = is_over ? 0 : b->budget.spent,
            .share_percent = share_percent_of(g, OKTA_PRIORITY_READ, now_mono_ms),
            .reset_unix_s = b->budget.reset_unix_s,
            .blocked_until_mono_ms = b->blocked_until_mono_ms,
            .blocked_priority = b->blocked_priority,
        };
        snprintf(out[n].name, sizeof out[n].name, "%s", bucket_name(i));
        snprintf(out[n].reason, sizeof out[n].reason, "%s", b->reason);
        n++;
    }
    return n;
}
