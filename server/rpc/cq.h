/* server/rpc/cq.h: one thread, one completion queue, one way in from outside. */
#ifndef RPC_CQ_H
#define RPC_CQ_H

#include "base/error.h"
#include "rpc/timers.h"

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Every tag is one of these, embedded in what it continues. `ok` is false when what was asked for did not happen. */
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
    struct call *calls; /* those that have arrived here and are not gone; kept by call.c */

    /* any thread */
    _Atomic uint64_t topics; /* woken and not yet told */
    struct op wake;

    /* any thread, under lock: the core wants one batch at a time started on a call */
    pthread_mutex_t lock;
    grpc_call *post_call; /* never sent anywhere: an empty batch on it comes out of the queue at once. NULL: closed */
};

/* `woken` runs on the queue's thread, after cq_wake, once for several. `moves_bytes`: its thread reads and writes the
 * sockets of the whole server besides; one queue does, since with more of them each event wakes a second thread to
 * watch for the next. */
struct cq *cq_create(bool moves_bytes, void (*woken)(struct cq *q, uint64_t topics));

/* Starts the thread; the name is for ps. */
void cq_start(struct cq *q, const char *name);

/* Any thread: op->done runs on the queue's thread. False, and nothing happens, once the queue is being destroyed. */
bool cq_post(struct cq *q, struct op *op);

/* Any thread: `woken` runs on the queue's thread with this topic (0 to 63) in its mask. */
void cq_wake(struct cq *q, unsigned topic);

/* Nothing of a server or call may be on the queue any more. Runs what was posted, ends the thread, frees. */
void cq_destroy(struct cq *q);

/* ThreadSanitizer does not see inside the core that an op handed to it comes back on the queue's thread: call it
 * before a batch starts. */
void op_leaves(struct op *op);

#endif
