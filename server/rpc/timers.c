/* A binary heap, nearest time first, with places counted from 1: the children of place p are 2p and 2p + 1.
 *
 * A timer knows its own place in the heap. So a call can move or clear its timers in O(log n), without a search, each
 * time that it writes or ends; and clearing a timer that is not set costs nothing. The invariant is the heap's order,
 * and heap[t->place - 1] == t for each timer that is set. */
#include "rpc/timers.h"

#include "base/mem.h"

#include <stdlib.h>

#define TIMERS_ROOM_FIRST 16

static void timers_place(struct timers *all, struct timer *t, size_t place)
{
    all->heap[place - 1] = t;
    t->place = place;
}

/* Moves the timer at a place up or down until the heap's order holds again. Only one of the two loops does something.
 */
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

/* The last timer fills the gap. It may belong above as well as below it, which is why timers_sift tries both. */
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
    /* At most as many as there were: a callback that sets its timer to the past again must not keep us here forever.
     * The heap is read anew each time, because `due` may set or clear any timer. */
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
