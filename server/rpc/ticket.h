/* server/rpc/ticket.h: a deferred answer, which any thread may hold and give; see call.h. */
#ifndef RPC_TICKET_H
#define RPC_TICKET_H

#include "rpc/call.h"
#include "rpc/cq.h"

/* Queue thread. The answering thread owns the ticket. */
struct call_ticket *ticket_create(struct call *c, struct cq *q);

/* Queue thread: the call ends before the ticket was answered. */
void ticket_detach(struct call_ticket *t);

/* In call.c. On the queue's thread: the answer has arrived, and the call is still open. Takes the answer, which is NULL
 * if err is set. */
void call_ticket_is_back(struct call *c, grpc_byte_buffer *answer, const struct error *err);

#endif
