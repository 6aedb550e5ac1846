/* tests/world/day.h: a poller and an org through simulated hours, and what that cost and brought. */
#ifndef WORLD_DAY_H
#define WORLD_DAY_H

#include "world/poller_world.h"

struct day_options {
    int64_t ms; /* how long, after the first sync */
    int32_t logs_limit;
    int neighbour_percent, history_days;
    int64_t events_a_day;       /* also in the history */
    bool is_first_sync_counted; /* measure from the first request on, and do not wait for the history */
};

struct day_figures {
    uint64_t requests, answers_429;
    uint64_t over_share;                        /* windows in which we sent more than half of what the headers show */
    int64_t lag_p50_ms, lag_p99_ms, lag_max_ms; /* from Okta's storing of an event to ours */
    int64_t interval_ms;                        /* between polls */
    uint64_t logs_a_minute_max;                 /* calls in any 60 s */
    double users_a_minute;                      /* on average */
    uint64_t events;                            /* of which the lag was measured */
    double history_days;                        /* how far back-fill has come */
    uint64_t history_pages;                     /* calls it took */
    size_t lost, doubled;                       /* 0 where the history is not complete */
};

void day_run(const struct day_options *options, struct day_figures *out);

#endif
