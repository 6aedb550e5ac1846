/* server/rpc/health.h: grpc.health.v1, from a small table that any thread may set.
 *
 * Its methods run on a queue and thread of their own and touch nothing but this table, so that an answer never waits
 * for a disk. */
#ifndef RPC_HEALTH_H
#define RPC_HEALTH_H

#include "rpc/cq.h"
#include "rpc/server.h"

#define HEALTH_NAMES_MAX      128
#define HEALTH_NAME_BYTES_MAX 200 /* "upstream/" and a connector's name are far shorter */

struct health;

/* Ends with a NULL path. Its service is the struct health. */
extern const struct call_method health_methods[];

struct health *health_create(void);
void health_destroy(struct health *h);

/* Any thread. Does nothing once draining. False if the table is full or the name is too long: then nothing is set. */
MUST_CHECK bool health_set(struct health *h, const char *service, enum rpc_health state);

/* Any thread. Sets every name to NOT_SERVING for good. */
void health_drain(struct health *h);

/* Sets the queue of the watchers, which is woken when a state changes. Call it before the first health_set. */
void health_wakes(struct health *h, struct cq *q);

#endif
