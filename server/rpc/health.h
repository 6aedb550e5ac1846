/* server/rpc/health.h: grpc.health.v1, from a small table that anybody may set.
 *
 * Its methods live on a queue and thread of their own and touch nothing but this table, so that an answer never waits
 * for a disk. */
#ifndef RPC_HEALTH_H
#define RPC_HEALTH_H

#include "rpc/cq.h"
#include "rpc/server.h"

#define HEALTH_NAMES_MAX      128
#define HEALTH_NAME_BYTES_MAX 200 /* "upstream/" and a connector's name are far shorter */

struct health;

/* Ended by a NULL path; its service is the struct health. */
extern const struct call_method health_methods[];

struct health *health_create(void);
void health_destroy(struct health *h);

/* Any thread. Does nothing once draining. False when the table is full or the name too long: then nothing is set. */
MUST_CHECK bool health_set(struct health *h, const char *service, enum rpc_health state);

/* Any thread. Every name is NOT_SERVING, and stays so. */
void health_drain(struct health *h);

/* The queue of its watchers, to be woken when something changes. Before anything is set. */
void health_wakes(struct health *h, struct cq *q);

#endif
