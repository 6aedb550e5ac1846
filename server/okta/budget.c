#include "okta/budget.h"

#include "base/assert.h"

#define WINDOW_MS 60000

/* Half of the smallest limit that Okta has published (20 a minute, in free orgs): what we allow ourselves where replies
 * carry no rate-limit headers. */
#define UNKNOWN_SHARE 10

/* Okta's servers do not agree on the time to the second; two ends this close are one window's. Windows are a minute
 * apart, so no two are. */
#define SAME_WINDOW_S 5

/* A reply is at most a request's time-out late, so one this far behind comes from a clock that was set back. */
#define LATE_MAX_S 240

/* Our idea of a window's end is late by a reply's way to us. A window said to follow one that has longer than this to
 * go is a clock that was set forward. */
#define EARLY_MAX_MS 10000

#define IDLE_MIN_MS 5000
#define IDLE_MAX_MS 30000

static int32_t percent(int32_t whole, int32_t part)
{
    return (int32_t)((int64_t)whole * part / 100);
}

static int32_t at_least(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

void budget_init(struct budget *b, int32_t share_percent, int32_t floor_percent)
{
    ASSERT(share_percent >= 1 && share_percent <= 100 && floor_percent >= 0 && floor_percent < 100);
    *b = (struct budget){
        .share_percent = share_percent,
        .floor_percent = floor_percent,
        .reset_mono_ms = INT64_MIN,
        .is_guessed = true,
    };
}

int32_t budget_share(const struct budget *b)
{
    return b->limit > 0 ? at_least(percent(b->limit, b->share_percent), 1) : UNKNOWN_SHARE;
}

enum budget_state budget_state(const struct budget *b, int32_t reserve)
{
    if (b->limit == 0 && b->in_flight > 0)
        return BUDGET_PROBING;
    if (b->limit > 0 && b->remaining <= percent(b->limit, b->floor_percent))
        return BUDGET_FLOOR;
    if (b->spent >= budget_share(b))
        return BUDGET_SPENT;
    return b->spent + reserve >= budget_share(b) ? BUDGET_RESERVED : BUDGET_OPEN;
}

/* Okta's window opens with the first request after the last one ended, so ours does too. */
static void open_window(struct budget *b, int64_t now_mono_ms)
{
    b->remaining = at_least(b->limit - b->in_flight, 0);
    b->spent = b->in_flight; /* Okta may count them here */
    b->reset_mono_ms = now_mono_ms + WINDOW_MS;
    b->is_guessed = true;
}

int64_t budget_take(struct budget *b, int32_t reserve, int64_t now_mono_ms)
{
    if (now_mono_ms >= b->reset_mono_ms)
        open_window(b, now_mono_ms);
    if (budget_state(b, reserve) != BUDGET_OPEN)
        return b->reset_mono_ms - now_mono_ms;
    if (b->remaining > 0)
        b->remaining--;
    b->spent++;
    b->in_flight++;
    return 0;
}

void budget_end(struct budget *b)
{
    ASSERT(b->in_flight > 0);
    b->in_flight--;
}

enum place { PLACE_LATE, PLACE_SAME, PLACE_NEW, PLACE_OTHER_CLOCK };

static enum place place_of(const struct budget *b, const struct budget_reading *r, int64_t now_mono_ms)
{
    int64_t ahead_s = r->reset_unix_s - b->reset_unix_s;

    if (b->reset_unix_s == 0)
        return PLACE_NEW;
    if (ahead_s < -LATE_MAX_S)
        return PLACE_OTHER_CLOCK;
    if (ahead_s < -SAME_WINDOW_S)
        return PLACE_LATE;
    if (ahead_s <= SAME_WINDOW_S)
        return b->is_guessed ? PLACE_LATE : PLACE_SAME;
    return b->is_guessed || b->reset_mono_ms - now_mono_ms <= EARLY_MAX_MS ? PLACE_NEW : PLACE_OTHER_CLOCK;
}

void budget_learn(struct budget *b, const struct budget_reading *r, int64_t now_mono_ms)
{
    /* Both times are Okta's, so our wall clock may be wrong without harm. */
    int64_t left_ms = (r->reset_unix_s - r->date_unix_s) * 1000;
    /* Replies omit what was still on its way to Okta then: all of it, to be safe. */
    int32_t others = at_least(b->in_flight - 1, 0);
    int32_t remaining = at_least((r->remaining < r->limit ? r->remaining : r->limit) - others, 0);
    enum place place = place_of(b, r, now_mono_ms);

    if (r->limit <= 0 || r->limit > BUDGET_LIMIT_MAX || left_ms < 0 || left_ms > BUDGET_WAIT_MAX_MS ||
        place == PLACE_LATE)
        return;

    /* A window that was opened by our clock began after the last one's end, so every request counted since then is in
     * it. One that Okta opened before we expected it holds what is in flight: the request behind this reply, and maybe
     * the others. After a jump of Okta's clock we cannot tell, and forget nothing. */
    if (place == PLACE_NEW && !b->is_guessed)
        b->spent = b->in_flight;
    /* Replies come in any order: within a window the lowest count is true, and the earliest end, since each end is late
     * by that reply's way to us. */
    if (place != PLACE_SAME || remaining < b->remaining || b->limit == 0)
        b->remaining = remaining;
    if (place != PLACE_SAME || now_mono_ms + left_ms < b->reset_mono_ms)
        b->reset_mono_ms = now_mono_ms + left_ms;
    b->limit = r->limit;
    b->reset_unix_s = r->reset_unix_s;
    b->is_guessed = false;
}

/* Both of our rules leave so many. */
static int32_t left_of(const struct budget *b, int32_t share)
{
    int32_t ours = share - b->spent, anybodys = b->remaining - percent(b->limit, b->floor_percent);

    return ours < anybodys ? ours : anybodys;
}

int64_t budget_pace_ms(const struct budget *b, int32_t reserve, int64_t last_mono_ms, int64_t now_mono_ms)
{
    int32_t share = budget_share(b) - reserve, left = left_of(b, share);
    int64_t begun_mono_ms, gap_ms;

    if (b->limit == 0 || now_mono_ms >= b->reset_mono_ms || left <= 0 || left >= share - share / 2)
        return 0;
    /* The clock may have jumped, and the last request have been an hour ago. */
    begun_mono_ms = last_mono_ms > b->reset_mono_ms - WINDOW_MS ? last_mono_ms : b->reset_mono_ms - WINDOW_MS;
    if (begun_mono_ms > now_mono_ms)
        begun_mono_ms = now_mono_ms;
    gap_ms = (b->reset_mono_ms - begun_mono_ms) / (left + 1);
    return begun_mono_ms + gap_ms > now_mono_ms ? begun_mono_ms + gap_ms - now_mono_ms : 0;
}

int64_t budget_idle_interval_ms(const struct budget *b)
{
    int64_t interval_ms = 2 * WINDOW_MS / budget_share(b);

    if (interval_ms < IDLE_MIN_MS)
        return IDLE_MIN_MS;
    return interval_ms > IDLE_MAX_MS ? IDLE_MAX_MS : interval_ms;
}

int32_t budget_idle_reserve(const struct budget *b, int64_t now_mono_ms, int64_t *less_in_ms)
{
    int64_t interval_ms = budget_idle_interval_ms(b);
    int64_t left_ms = now_mono_ms < b->reset_mono_ms ? b->reset_mono_ms - now_mono_ms : WINDOW_MS;
    int64_t polls = (left_ms + interval_ms - 1) / interval_ms;
    int32_t half = budget_share(b) / 2;

    *less_in_ms = left_ms - (polls - 1) * interval_ms;
    return polls < half ? (int32_t)polls : half;
}
