/* A deferred answer: a handler gives the ticket to another thread, which answers later.
 *
 * Two threads share a ticket. The queue's thread may find that the call is over (the caller left), and the thread that
 * holds the ticket may answer, both at the same moment. The rule that settles it: the holder always owns the ticket,
 * and the call only borrows a pointer to it. The lock protects `call`, the link between them.
 *
 *   the call ends first    ticket_detach clears `call`; the later answer finds NULL and frees the ticket
 *   the answer comes first it is posted to the queue, which owns the ticket from then on; ticket_on_posted runs on the
 *                          queue's thread, where the call cannot end meanwhile, and answers it
 *   both overlap           the ticket is posted, then detached while it is in the queue; ticket_on_posted finds NULL
 *                          and only frees it
 *
 * The corner: is the queue still there when the answer is posted? While `call` is set, the call is alive, and queues
 * are destroyed only after the last call is gone. So cq_post happens under the lock: `call` cannot be cleared in
 * between. */
#include "rpc/ticket.h"

#include "base/assert.h"
#include "base/mem.h"
#include "rpc/message.h"

#include <stdlib.h>

struct call_ticket {
    /* set at the start, then read-only */
    struct cq *q; /* valid while call is not NULL */

    /* any thread, under lock */
    pthread_mutex_t lock;
    struct call *call; /* NULL: it has ended */

    /* the holder's thread; once posted, the queue's */
    struct op posted;
    grpc_byte_buffer *answer;
    struct error err;
};

static void ticket_destroy(struct call_ticket *t)
{
    grpc_byte_buffer_destroy(t->answer);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void ticket_on_posted(struct op *op, bool ok)
{
    struct call_ticket *t = CONTAINER_OF(op, struct call_ticket, posted);
    grpc_byte_buffer *answer = t->answer;
    struct call *c;

    (void)ok;
    /* The thread that posted may still hold the lock. Taking it waits for that; only then may the ticket be freed. */
    pthread_mutex_lock(&t->lock);
    c = t->call;
    pthread_mutex_unlock(&t->lock);
    if (c != NULL) {
        t->answer = NULL;
        call_ticket_is_back(c, answer, answer == NULL ? &t->err : NULL);
    }
    ticket_destroy(t);
}

struct call_ticket *ticket_create(struct call *c, struct cq *q)
{
    struct call_ticket *t = mem_zero(sizeof *t);

    t->q = q;
    t->call = c;
    t->posted.done = ticket_on_posted;
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void ticket_detach(struct call_ticket *t)
{
    pthread_mutex_lock(&t->lock);
    t->call = NULL;
    pthread_mutex_unlock(&t->lock);
}

bool call_ticket_is_cancelled(const struct call_ticket *t)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&t->lock;
    bool is_cancelled;

    pthread_mutex_lock(lock);
    is_cancelled = t->call == NULL;
    pthread_mutex_unlock(lock);
    return is_cancelled;
}

/* Gives the ticket to its queue, or frees it if the call has ended. */
static void ticket_post(struct call_ticket *t)
{
    bool is_posted;

    pthread_mutex_lock(&t->lock);
    /* While the call exists, its queue does. */
    is_posted = t->call != NULL && cq_post(t->q, &t->posted);
    pthread_mutex_unlock(&t->lock);
    if (!is_posted)
        ticket_destroy(t);
}

void call_ticket_reply(struct call_ticket **ticket, const ProtobufCMessage *response)
{
    struct call_ticket *t = *ticket;
    struct buf bytes;

    *ticket = NULL;
    if (message_pack(response, &bytes, &t->err))
        t->answer = message_take(&bytes);
    ticket_post(t);
}

void call_ticket_fail(struct call_ticket **ticket, const struct error *err)
{
    struct call_ticket *t = *ticket;

    *ticket = NULL;
    t->err = *err;
    ticket_post(t);
}
