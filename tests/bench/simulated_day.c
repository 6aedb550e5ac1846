/* A simulated day, and how history fares beside a small limit: each figure beside its limit. */
#include "world/day.h"

#include <stdio.h>

#define DAY_MS INT64_C(86400000)

static int check(const char *what, bool ok)
{
    if (!ok)
        fprintf(stderr, "simulated-day: %s\n", what);
    return ok ? 0 : 1;
}

/* A Workforce org's log bucket, of which the header shows 120, and other programs use half. */
static int one_day(void)
{
    static const struct day_options options = { DAY_MS, 120, 50, 7, 50000, false };
    struct day_figures f;

    day_run(&options, &f);
    printf("bench simulated-day answers_429=%llu over_share=%llu lag_p99_s=%.1f idle_calls_per_min=%llu "
           "users_calls_per_min=%.3f lag_p50_s=%.1f lag_max_s=%.1f interval_s=%.1f events=%llu requests=%llu "
           "history_pages=%llu lost=%zu doubled=%zu\n",
           (unsigned long long)f.answers_429, (unsigned long long)f.over_share, (double)f.lag_p99_ms / 1000,
           (unsigned long long)f.logs_a_minute_max, f.users_a_minute, (double)f.lag_p50_ms / 1000,
           (double)f.lag_max_ms / 1000, (double)f.interval_ms / 1000, (unsigned long long)f.events,
           (unsigned long long)f.requests, (unsigned long long)f.history_pages, f.lost, f.doubled);
    return check("answers 429", f.answers_429 == 0) + check("over our share", f.over_share == 0) +
           check("the tail lags", f.events > 0 && f.lag_p99_ms <= 2 * f.interval_ms) +
           check("too many calls to the log", f.logs_a_minute_max <= 13) +
           check("too many calls to the users", f.users_a_minute <= 0.2) + check("lost", f.lost == 0) +
           check("doubled", f.doubled == 0);
}

/* An Enterprise org's: 50 a minute, of which a token is shown 25. */
static int enterprise(void)
{
    static const struct day_options options = { DAY_MS / 12, 25, 50, 30, 50000, true };
    struct day_figures f;

    day_run(&options, &f);
    printf("bench simulated-day-enterprise answers_429=%llu over_share=%llu lag_p99_s=%.1f history_days_per_hour=%.2f "
           "history_pages=%llu interval_s=%.1f requests=%llu\n",
           (unsigned long long)f.answers_429, (unsigned long long)f.over_share, (double)f.lag_p99_ms / 1000,
           f.history_days / 2.5, (unsigned long long)f.history_pages, (double)f.interval_ms / 1000,
           (unsigned long long)f.requests);
    return check("answers 429", f.answers_429 == 0) + check("over our share", f.over_share == 0) +
           check("history does not move", f.history_days >= 2);
}

/* An org in which nothing happens: what thirty days of it cost. */
static int quiet(void)
{
    static const struct day_options options = { DAY_MS / 24, 120, 0, 30, 20, true };
    struct day_figures f;

    day_run(&options, &f);
    printf("bench simulated-day-quiet history_days=%.0f history_pages=%llu lost=%zu doubled=%zu\n", f.history_days,
           (unsigned long long)f.history_pages, f.lost, f.doubled);
    return check("a quiet history costs too much", f.history_pages <= 6) + check("lost", f.lost == 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return one_day() + enterprise() + quiet() == 0 ? 0 : 1;
}
