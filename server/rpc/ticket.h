/* server/rpc/ticket.h: the part of a deferred call that any thread may hold; see call.h. */
#ifndef RPC_TICKET_H
#define RPC_TICKET_H

#include "rpc/call.h"
#include "rpc/cq.h"

/* Queue thread. The ticket is whoever answers it's. */
struct call_ticket *ticket_create(struct call *c, struct cq *q);

/* Queue thread: the call is over without the ticket. */
void ticket_detach(struct call_ticket *t);

/* call.c: the answer is there, on the queue's thread, and the call still is. Takes the answer; it is NULL with err. */
void call_ticket_is_back(struct call *c, grpc_byte_buffer *answer, const struct error *err);

#endif
