/* Counters that rpc_stop can wait on. One mutex and one condition variable serve all three: changes are rare (a call's
 * arrival and end), and only the thread that shuts down ever waits. Waits are on the monotonic clock, so that a step of
 * the wall clock neither shortens nor prolongs the shutdown. */
#include "rpc/census.h"

#include "base/clock.h"

#include <time.h>

void census_add(struct census *s, size_t *count, int by)
{
    pthread_mutex_lock(&s->lock);
    *count += (size_t)by;
    if (*count == 0)
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void census_init(struct census *s)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&s->lock, NULL);
}

bool census_wait(struct census *s, const size_t *count, int64_t at_most_ms)
{
    int64_t until = clock_mono_ms(&clock_system) + at_most_ms;
    struct timespec at = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
    bool is_zero;
    int rc = 0;

    pthread_mutex_lock(&s->lock);
    while (*count > 0 && rc == 0)
        rc = pthread_cond_timedwait(&s->changed, &s->lock, &at);
    is_zero = *count == 0;
    pthread_mutex_unlock(&s->lock);
    return is_zero;
}

void census_deinit(struct census *s)
{
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}
