/* server/store/state.h: the counters and bounds of a store: next sequences, floor, watermark.
 *
 * They are one value in table `meta`. Every transaction reads them at its start, and writes them if it changed them, so
 * they always agree with the tables of the same commit. Pure functions over bytes. */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "base/str.h"

#define STATE_BYTES   88
#define STATE_NO_TIME INT64_MIN

struct state {
    uint64_t live_next;         /* the next live sequence, counting up */
    uint64_t history_next;      /* the next sequence of history, counting down */
    uint64_t floor;             /* the highest sequence that retention removed; 0: none */
    int64_t floor_published_ms; /* the newest publication time that retention removed */
    uint64_t pruned;            /* events that retention removed */
    uint64_t backfilled;        /* events that the back-fill stored */
    int64_t watermark_ms;       /* the newest publication time on the live side */
    int64_t history_newest_ms;  /* the newest and oldest publication time that the back-fill stored */
    int64_t history_oldest_ms;  /* INT64_MAX: none yet */
    int64_t
        history_disorder_ms; /* the largest step out of order in the back-fill; 0 in all that we have seen of Okta */
    uint64_t change;         /* the last number assigned on the directory's line of changes */
};

void state_init(struct state *s); /* for a new store */
/* False if the bytes are too short or the numbers contradict each other. */
MUST_CHECK bool state_read(struct view stored, struct state *out);
void state_write(const struct state *s, unsigned char at[STATE_BYTES]);

/* The store holds every sequence from oldest to head, without a gap; nothing if oldest > head. The count is therefore
 * arithmetic. */
uint64_t state_oldest(const struct state *s);
uint64_t state_head(const struct state *s);
uint64_t state_count(const struct state *s);

#endif
