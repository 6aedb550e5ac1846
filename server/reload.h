/* server/reload.h: the configuration in force, and how it is changed while the server runs. */
#ifndef RELOAD_H
#define RELOAD_H

#include "config/config.h"
#include "connectors/connectors.h"
#include "rpc/server.h"
#include "service/service.h"

struct reload;

/* `started` is copied. */
struct reload *reload_create(const struct config *started, const struct clock *clock);
void reload_destroy(struct reload *r); /* NULL is fine */

/* What is in force, until the next reload. Main thread. Of settings that take a restart, what will be. */
const struct config *reload_config(const struct reload *r);

/* Puts `next` in force as far as that goes while the server runs: says in the log what changed, and what takes a
 * restart. With an error in `problems`, or one that is found now with what changed, nothing is applied, and that is
 * said. `next` is NULL when it could not be read at all; copied. Main thread. */
void reload_apply(struct reload *r, const struct config *next, struct config_problems *problems,
                  struct connectors *connectors, struct rpc *rpc);

/* For struct service. Any thread. */
void reload_facts(void *reload, struct reload_facts *out);

#endif
