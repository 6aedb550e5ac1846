/* A completion queue, its thread, and how other threads get work onto it.
 *
 * The core has no call "run this on the queue's thread" in its C interface (grpc_cq_begin_op and end_op are internal).
 * But a batch without ops completes at once, and its tag comes out of the queue like any other. So each queue keeps one
 * client call, on a lame channel that never connects, for the sake of such batches: cq_post starts one with the posted
 * op as its tag.
 *
 * The invariant: batches on post_call are started under the lock, since a core call takes them from one thread at a
 * time, and post_call is NULL once the queue is being destroyed. After that, cq_post returns false.
 *
 * Wakes coalesce: cq_wake sets a bit, and only the wake that finds the mask empty posts. cq_on_wake empties the mask
 * before any stream looks for work. The corner is a wake that arrives in between: it either lands in the mask that is
 * about to be taken, or finds it empty and posts again. None is lost, and `wake` is never posted twice at a time. */
#include "rpc/cq.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

void op_leaves(struct op *op)
{
#ifdef __SANITIZE_THREAD__
    __tsan_release(op);
#else
    (void)op;
#endif
}

static void cq_op_is_back(struct op *op)
{
#ifdef __SANITIZE_THREAD__
    __tsan_acquire(op);
#else
    (void)op;
#endif
}

static gpr_timespec cq_deadline(int64_t mono_ms)
{
    if (mono_ms == TIMER_NEVER)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return (gpr_timespec){ mono_ms / 1000, (int32_t)(mono_ms % 1000) * 1000000, GPR_CLOCK_MONOTONIC };
}

static void *cq_thread(void *arg)
{
    struct cq *q = arg;

    for (;;) {
        grpc_event ev = grpc_completion_queue_next(q->raw, cq_deadline(timers_next(&q->timers)), NULL);

        if (ev.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (ev.type == GRPC_OP_COMPLETE) {
            struct op *op = ev.tag;

            cq_op_is_back(op);
            op->done(op, ev.success != 0);
        }
        /* After an event as well: grpc_completion_queue_next never times out on a busy queue. */
        if (timers_next(&q->timers) != TIMER_NEVER)
            timers_run(&q->timers, clock_mono_ms(&clock_system));
    }
}

static void cq_on_wake(struct op *op, bool ok)
{
    struct cq *q = CONTAINER_OF(op, struct cq, wake);

    (void)ok;
    /* Emptied before any stream looks for work: a topic that is added from now on posts again. */
    q->woken(q, atomic_exchange(&q->topics, 0));
}

/* A call on a channel that never connects, for empty batches alone. */
static void cq_create_post_call(struct cq *q)
{
    grpc_slice method = grpc_slice_from_static_string("/kept");

    q->post_channel = grpc_lame_client_channel_create("kept", GRPC_STATUS_UNAVAILABLE, "never called");
    q->post_call = grpc_channel_create_call(q->post_channel, NULL, GRPC_PROPAGATE_DEFAULTS, q->raw, method, NULL,
                                            gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    ASSERT(q->post_call != NULL);
}

struct cq *cq_create(bool moves_bytes, void (*woken)(struct cq *q, uint64_t topics))
{
    struct cq *q = mem_zero(sizeof *q);

    grpc_completion_queue_attributes attributes = { GRPC_CQ_CURRENT_VERSION, GRPC_CQ_NEXT,
                                                    moves_bytes ? GRPC_CQ_DEFAULT_POLLING : GRPC_CQ_NON_POLLING, NULL };

    q->raw = grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&attributes), &attributes, NULL);
    q->woken = woken;
    q->wake.done = cq_on_wake;
    pthread_mutex_init(&q->lock, NULL);
    cq_create_post_call(q);
    return q;
}

void cq_start(struct cq *q, const char *name)
{
    /* Without the thread the server is of no use; the core also aborts if it cannot create a thread. */
    ASSERT(pthread_create(&q->thread, NULL, cq_thread, q) == 0);
    pthread_setname_np(q->thread, name);
    q->is_started = true;
}

bool cq_post(struct cq *q, struct op *op)
{
    bool is_posted = false;

    op_leaves(op);
    pthread_mutex_lock(&q->lock);
    if (q->post_call != NULL) {
        ASSERT(grpc_call_start_batch(q->post_call, NULL, 0, op, NULL) == GRPC_CALL_OK);
        is_posted = true;
    }
    pthread_mutex_unlock(&q->lock);
    return is_posted;
}

void cq_wake(struct cq *q, unsigned topic)
{
    ASSERT(topic < 64);
    if (atomic_fetch_or(&q->topics, UINT64_C(1) << topic) == 0)
        (void)cq_post(q, &q->wake); /* a queue that is being destroyed has no streams to wake */
}

/* First no more posts, then the shutdown: the core forbids new operations on a queue that is shutting down. What was
 * posted before still comes out; then GRPC_QUEUE_SHUTDOWN ends the thread. */
void cq_destroy(struct cq *q)
{
    grpc_call *post_call;

    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    post_call = q->post_call;
    q->post_call = NULL;
    pthread_mutex_unlock(&q->lock);
    grpc_call_unref(post_call);
    grpc_channel_destroy(q->post_channel);
    grpc_completion_queue_shutdown(q->raw);
    if (q->is_started)
        pthread_join(q->thread, NULL);
    grpc_completion_queue_destroy(q->raw);
    ASSERT(q->calls == NULL);
    timers_deinit(&q->timers);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
