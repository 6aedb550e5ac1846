/* tests/world/storm.h: a poller whose org, and the way there, misbehave at random: what was lost, and how long it took
 * to go on once the weather was fair again. */
#ifndef WORLD_STORM_H
#define WORLD_STORM_H

#include "world/weather.h"

struct storm_options {
    uint64_t seed, requests;
    enum weather_kind only; /* this kind alone; WEATHER_CALM: all of them */
};

struct storm_figures {
    uint64_t requests, spoiled[WEATHER_KINDS], storms, restarts;
    uint64_t untrue;         /* times that a state was shown which was not so */
    int64_t recovery_max_ms; /* from the last spoiled answer to the tail's next good one */
    enum weather_kind recovery_kind;
    uint64_t slow_recoveries;    /* beyond one step of the tail's back-off, or what Okta asked for */
    uint64_t calls_a_minute_max; /* whatever happens */
    uint64_t violations;
    size_t lost, doubled;
};

void storm_run(const struct storm_options *options, struct storm_figures *out);

#endif
