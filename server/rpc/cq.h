/* server/rpc/cq.h: a completion queue with its thread, its timers, and cq_post, by which other threads reach it. */
#ifndef RPC_CQ_H
#define RPC_CQ_H

#include "base/error.h"
#include "rpc/timers.h"

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Every tag is one of these, embedded in the object that it continues. `ok` is false if the operation failed. */
struct op {
    void (*done)(struct op *op, bool ok);
};

/* The object that an op or timer is embedded in. */
#define CONTAINER_OF(member_at, type, member) ((type *)(void *)((char *)(member_at)-offsetof(type, member)))

struct call;

struct cq {
    /* set before start, then read-only */
    grpc_completion_queue *raw;
    void (*woken)(struct cq *q, uint64_t topics);
    pthread_t thread;
    bool is_started;
    grpc_channel *post_channel;

    /* queue thread */
    struct timers timers;
    struct call *calls; /* those that have arrived here and still exist; maintained by call_lifecycle.c */

    /* any thread */
    _Atomic uint64_t topics; /* woken, and not yet passed to `woken` */
    struct op wake;

    /* any thread, under lock: on a call, the core allows one thread at a time to start a batch */
    pthread_mutex_t lock;
    grpc_call *post_call; /* only for the empty batches of cq_post; never sent. NULL: the queue is being destroyed */
};

/* `woken` runs on the queue's thread after cq_wake, once for several wakes. `moves_bytes`: the thread also polls, reads
 * and writes the sockets of the whole server. Exactly one queue does: with more, the core wakes a second thread at each
 * event, to poll for the next. */
struct cq *cq_create(bool moves_bytes, void (*woken)(struct cq *q, uint64_t topics));

/* Starts the thread. The name, at most 15 bytes, shows in ps. */
void cq_start(struct cq *q, const char *name);

/* Any thread: op->done will run on the queue's thread. False, and nothing happens, once the queue is being destroyed.
 */
bool cq_post(struct cq *q, struct op *op);

/* Any thread: `woken` will run on the queue's thread with this topic (0 to 63) in its mask. Coalesces. */
void cq_wake(struct cq *q, unsigned topic);

/* No server and no call may use the queue any more. Runs what has been posted, ends the thread, frees. */
void cq_destroy(struct cq *q);

/* For ThreadSanitizer, which cannot see inside the core that an op comes back on the queue's thread after the thread
 * that started it: announces the hand-over. Call it before a batch starts. Does nothing in other builds. */
void op_leaves(struct op *op);

#endif
