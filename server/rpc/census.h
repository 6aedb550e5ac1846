/* server/rpc/census.h: how many calls and servers there still are. */
#ifndef RPC_CENSUS_H
#define RPC_CENSUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the end has to wait for. Any thread. */
struct census {
    pthread_mutex_t lock; /* protects the counts, for rpc_stop to wait on */
    pthread_cond_t changed;
    size_t calls;   /* that have arrived and are not gone */
    size_t structs; /* every struct call, those too that still wait for a client: none is left behind in a queue */
    size_t servers; /* that have not said that they are shut down */
    _Atomic bool is_draining;
};

void census_init(struct census *s);
void census_deinit(struct census *s);

/* `count` is one of the three, here and below. */
void census_add(struct census *s, size_t *count, int by);

/* True when the count became zero within so many milliseconds. */
bool census_wait(struct census *s, const size_t *count, int64_t at_most_ms);

#endif
