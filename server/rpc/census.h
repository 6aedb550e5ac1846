/* server/rpc/census.h: counts the calls and servers that still exist, so that the shutdown can wait for them. */
#ifndef RPC_CENSUS_H
#define RPC_CENSUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any thread. */
struct census {
    pthread_mutex_t lock;     /* protects the three counts */
    pthread_cond_t changed;   /* signalled when a count becomes zero */
    size_t calls;             /* have arrived, and are not freed yet */
    size_t structs;           /* every struct call, the armed ones included: at zero, no queue holds a pointer to one */
    size_t servers;           /* have not reported that their shutdown is complete */
    _Atomic bool is_draining; /* new calls are refused */
};

void census_init(struct census *s);
void census_deinit(struct census *s);

/* `count` points to one of the three, here and below. */
void census_add(struct census *s, size_t *count, int by);

/* Waits at most so long for the count to become zero; returns whether it did. */
bool census_wait(struct census *s, const size_t *count, int64_t at_most_ms);

#endif
