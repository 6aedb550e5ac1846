/* server/rpc/timers.h: moments at which something is due, nearest first. One thread. */
#ifndef RPC_TIMERS_H
#define RPC_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER INT64_MAX

/* Embed in what waits; zeroed, it waits for nothing. Clear it (TIMER_NEVER) before freeing. */
struct timer {
    int64_t at_mono_ms;
    size_t place; /* 1 and up in the heap; 0: not set */
    void (*due)(struct timer *t);
};

/* A binary heap; zeroed, it is empty. */
struct timers {
    struct timer **heap;
    size_t count, room;
};

/* Replaces an earlier time. */
void timers_set(struct timers *all, struct timer *t, int64_t at_mono_ms);

/* The nearest moment; TIMER_NEVER when there is none. */
int64_t timers_next(const struct timers *all);

/* Takes out those at or before now and calls their due. What due sets anew is not run before the next call. */
void timers_run(struct timers *all, int64_t now_mono_ms);

void timers_deinit(struct timers *all);

#endif
