/* server/rpc/timers.h: a set of timers, ordered by time. Belongs to one thread. */
#ifndef RPC_TIMERS_H
#define RPC_TIMERS_H

#include <stddef.h>
#include <stdint.h>

#define TIMER_NEVER INT64_MAX

/* Embed it in the object that waits. A zeroed timer is not set. Clear it (set it to TIMER_NEVER) before you free it. */
struct timer {
    int64_t at_mono_ms;
    size_t place; /* 1 and up in the heap; 0: not set */
    void (*due)(struct timer *t);
};

/* A binary heap. Zeroed, it is empty. */
struct timers {
    struct timer **heap;
    size_t count, room;
};

/* Sets, moves or (TIMER_NEVER) clears the timer. */
void timers_set(struct timers *all, struct timer *t, int64_t at_mono_ms);

/* The nearest time; TIMER_NEVER if no timer is set. */
int64_t timers_next(const struct timers *all);

/* Clears each timer whose time has come and calls its `due`. Runs at most as many as were set at the start, so that a
 * timer which `due` sets again cannot keep the loop alive. */
void timers_run(struct timers *all, int64_t now_mono_ms);

void timers_deinit(struct timers *all);

#endif
