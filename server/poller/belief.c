#include "poller/belief.h"

#define REFUSALS_MAX 1000 /* further refusals add nothing */

void belief_forget(struct belief *b)
{
    *b = (struct belief){ 0 };
}

bool belief_refused(struct belief *b, unsigned endpoint, int endpoints_needed, int64_t now_mono_ms)
{
    if (b->refusals == 0)
        b->since_mono_ms = now_mono_ms;
    if (b->refusals < REFUSALS_MAX)
        b->refusals++;
    b->endpoints |= 1u << (endpoint & 31);
    return b->refusals >= BELIEF_REFUSALS && now_mono_ms - b->since_mono_ms >= BELIEF_MS &&
           __builtin_popcount(b->endpoints) >= endpoints_needed;
}
