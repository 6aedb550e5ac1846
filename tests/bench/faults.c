/* Every kind of fault, at random, for as many requests as are asked for. */
#include "world/storm.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUESTS 100000
#define SEED     3

int main(int argc, char **argv)
{
    const struct storm_options options = { SEED, argc > 1 ? strtoull(argv[1], NULL, 10) : REQUESTS, WEATHER_CALM };
    struct storm_figures f;
    uint64_t spoiled = 0;
    unsigned kinds = 0;

    storm_run(&options, &f);
    for (int i = 1; i < WEATHER_KINDS; i++) {
        spoiled += f.spoiled[i];
        kinds += f.spoiled[i] > 0;
    }
    printf("bench faults case=in-process lost=%zu doubled=%zu untrue_states=%llu recovery_max_s=%.1f requests=%llu "
           "faults=%llu kinds=%u restarts=%llu calls_per_min_max=%llu\n",
           f.lost, f.doubled, (unsigned long long)f.untrue, (double)f.recovery_max_ms / 1000,
           (unsigned long long)f.requests, (unsigned long long)spoiled, kinds, (unsigned long long)f.restarts,
           (unsigned long long)f.calls_a_minute_max);
    if (f.slow_recoveries > 0)
        fprintf(stderr, "faults: %llu recoveries took too long, the longest after %s\n",
                (unsigned long long)f.slow_recoveries, weather_name(f.recovery_kind));
    return f.lost == 0 && f.doubled == 0 && f.untrue == 0 && f.slow_recoveries == 0 && f.violations == 0 ? 0 : 1;
}
