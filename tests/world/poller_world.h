/* tests/world/poller_world.h: a poller with a real store and a real client, an Okta org in the same process, and time
 * by hand. */
#ifndef WORLD_POLLER_WORLD_H
#define WORLD_POLLER_WORLD_H

#include "emulator/transport.h"
#include "poller/poller.h"
#include "store/store.h"

#define WORLD_TOKEN    "00emulatorTokenForTests"
#define WORLD_START_MS INT64_C(1773480000000) /* 2026-03-14T09:20:00Z */
#define WORLD_DAY_MS   INT64_C(86400000)

struct world {
    struct emulator *emulator;
    struct hand_clock clock;
    struct clock wrong_clock;
    int64_t clock_off_ms;
    struct okta_transport *transport;
    char dir[512];
    uint64_t store_max_bytes;
    struct store *store;
    struct poller *poller;
    struct poller_options options;
    struct poller_snapshot now; /* as of the last turn */
    uint64_t changed;           /* calls of the poller's `changed` */
    unsigned restarts;
    void (*on_changed)(struct world *w); /* each time, while the turn goes on */
    void *ctx;                           /* yours */
    const char *fresh_token;             /* what the poller gets when it asks for a newer token */
    unsigned fresh_asked;
};

struct world_options {
    struct emulator_options org; /* base_url, token and start are filled in */
    int history_days, retention_days;
    uint32_t collections; /* 0: all */
    int64_t latency_ms;
    int64_t clock_off_ms; /* the poller's wall clock is wrong by that */
    uint64_t store_max_bytes;
    /* Something between the poller and the org, which owns `inner` from then on. */
    struct okta_transport *(*wrap)(struct world *w, struct okta_transport *inner);
    void *ctx;
};

/* Everything is open, the poller has not had a turn. */
void world_open(struct world *w, const struct world_options *options);
void world_close(struct world *w);

/* As after a kill: the poller and what it knew are gone, the store is opened again. */
void world_restart(struct world *w);

void world_turn(struct world *w);
/* Turns until the predicate holds (true), or as much time has passed by the hand clock (false). */
typedef bool world_when(const struct world *w);
bool world_run(struct world *w, world_when *when, int64_t within_ms);
void world_pass(struct world *w, int64_t ms);

bool world_is_synced(const struct world *w); /* LIVE, and the history complete or off */
bool world_is_live(const struct world *w);
bool world_is_degraded(const struct world *w);
bool world_is_refused(const struct world *w);

/* ASSERTs that the store holds each catalogue event of the truth that was persisted from the tail's start on or
 * published since the history's target, once, and nothing else. */
void world_check_exactly_once(struct world *w);
/* Counts instead: events of the truth that are not stored, and stored ones beyond the truth. */
void world_compare(struct world *w, size_t *lost, size_t *doubled);
/* ASSERTs that as many were stored, be it that retention has removed some of them since. */
void world_check_nothing_is_lost(struct world *w);
/* ASSERTs that no transaction is committed while as much time passes. */
void world_check_nothing_is_written(struct world *w, int64_t ms);
size_t world_stored(struct world *w);

#endif
