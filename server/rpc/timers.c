#include "rpc/timers.h"

#include "base/mem.h"

#include <stdlib.h>

#define TIMERS_ROOM_FIRST 16

static void timers_place(struct timers *all, struct timer *t, size_t place)
{
    all->heap[place - 1] = t;
    t->place = place;
}

/* Moves the timer of a place up, and then down, to where it belongs. */
static void timers_sift(struct timers *all, size_t place)
{
    struct timer *t = all->heap[place - 1];

    while (place > 1 && all->heap[place / 2 - 1]->at_mono_ms > t->at_mono_ms) {
        timers_place(all, all->heap[place / 2 - 1], place);
        place /= 2;
    }
    for (;;) {
        size_t child = place * 2;

        if (child < all->count && all->heap[child]->at_mono_ms < all->heap[child - 1]->at_mono_ms)
            child++;
        if (child > all->count || all->heap[child - 1]->at_mono_ms >= t->at_mono_ms)
            break;
        timers_place(all, all->heap[child - 1], place);
        place = child;
    }
    timers_place(all, t, place);
}

static void timers_remove(struct timers *all, struct timer *t)
{
    size_t place = t->place;
    struct timer *last = all->heap[--all->count];

    t->place = 0;
    if (last != t) {
        timers_place(all, last, place);
        timers_sift(all, place);
    }
}

static void timers_insert(struct timers *all, struct timer *t)
{
    if (all->count == all->room) {
        all->room = all->room > 0 ? all->room * 2 : TIMERS_ROOM_FIRST;
        all->heap = mem_grow(all->heap, all->room * sizeof *all->heap);
    }
    timers_place(all, t, ++all->count);
}

void timers_set(struct timers *all, struct timer *t, int64_t at_mono_ms)
{
    t->at_mono_ms = at_mono_ms;
    if (at_mono_ms == TIMER_NEVER) {
        if (t->place > 0)
            timers_remove(all, t);
        return;
    }
    if (t->place == 0)
        timers_insert(all, t);
    timers_sift(all, t->place);
}

int64_t timers_next(const struct timers *all)
{
    return all->count > 0 ? all->heap[0]->at_mono_ms : TIMER_NEVER;
}

void timers_run(struct timers *all, int64_t now_mono_ms)
{
    /* A timer that is set again to the past must not keep us here. */
    for (size_t left = all->count; left > 0 && timers_next(all) <= now_mono_ms; left--) {
        struct timer *t = all->heap[0];

        timers_remove(all, t);
        t->due(t);
    }
}

void timers_deinit(struct timers *all)
{
    free(all->heap);
    *all = (struct timers){ 0 };
}
