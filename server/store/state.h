/* server/store/state.h: the few numbers that say where the lines of a store stand. One value in `meta`, read with every
 * transaction and written with every one that moves them. Pure functions over bytes. */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "base/str.h"

#define STATE_BYTES   88
#define STATE_NO_TIME INT64_MIN

struct state {
    uint64_t live_next;          /* the next sequence upwards */
    uint64_t history_next;       /* the next sequence downwards */
    uint64_t floor;              /* the highest that retention removed; 0: none */
    int64_t floor_published_ms;  /* the newest time that retention removed */
    uint64_t pruned;             /* how many it removed */
    uint64_t backfilled;         /* how many the back-fill stored */
    int64_t watermark_ms;        /* newest time on the live side */
    int64_t history_newest_ms;   /* newest and oldest time that the back-fill stored */
    int64_t history_oldest_ms;   /* INT64_MAX: none yet */
    int64_t history_disorder_ms; /* by how much the back-fill's order was ever wrong; 0 in all that we know of Okta */
    uint64_t change;             /* the last number on the directory's line */
};

void state_init(struct state *s); /* of a new store */
MUST_CHECK bool state_read(struct view stored, struct state *out);
void state_write(const struct state *s, unsigned char at[STATE_BYTES]);

/* The events held are the sequences oldest .. head without a hole; none when oldest > head. */
uint64_t state_oldest(const struct state *s);
uint64_t state_head(const struct state *s);
uint64_t state_count(const struct state *s);

#endif
