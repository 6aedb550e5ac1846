/* tests/world/connectors_world.h: a whole set of connectors under test: a data folder, some orgs, a clock that can
 * skip. Waits are for facts, woken by what the set tells, and bounded. */
#ifndef WORLD_CONNECTORS_WORLD_H
#define WORLD_CONNECTORS_WORLD_H

#include "connectors/configure/configure.h"
#include "connectors/connectors.h"
#include "connectors/delete.h"
#include "world/orgs.h"

#include <stdatomic.h>

#define ACME_PORT 21001
#define BETA_PORT 21002
#define ACME_ID   "00oacme"
#define BETA_ID   "00obeta"
#define ACME_URL  "http://127.0.0.1:21001"
#define BETA_URL  "http://127.0.0.1:21002"

struct world;

/* Two orgs, an empty data folder, connectors running. */
struct world *world_create(void);
void world_destroy(struct world *w);
/* Stops the connectors and starts them again on the same folder, as after a restart; what happens in between is up to
 * the caller. */
void world_stop(struct world *w);
void world_start(struct world *w);

struct connectors *world_connectors(struct world *w);
struct orgs *world_orgs(struct world *w);
struct registry *world_registry(struct world *w);
const char *world_dir(struct world *w);
/* The monotonic clock goes forward by that much. */
void world_skip_ms(struct world *w, int64_t ms);

/* True once check(w, ctx) is; false when it is not after a long while. */
bool world_wait(struct world *w, bool (*check)(struct world *w, const void *ctx), const void *ctx);

/* A Configure or Delete: begun, then waited for. */
struct answer {
    struct world *world;
    bool is_there, ok;
    struct configure_result configured;
    struct delete_result deleted;
    struct error err;
    atomic_bool is_cancelled;
};
struct configure_request request_of(const char *name, const char *org, const char *token);
void world_configure_begin(struct world *w, struct answer *a, const struct configure_request *r);
void world_delete_begin(struct world *w, struct answer *a, const char *name, bool keep_data);
/* ASSERTs that it comes. */
void world_answered(struct answer *a);
/* Both at once. */
struct answer *world_configure(struct world *w, const struct configure_request *r);
struct answer *world_delete(struct world *w, const char *name, bool keep_data);

/* Of the connector of that name; what health was told last. */
enum connector_state world_state(struct world *w, const char *name);
bool world_wait_state(struct world *w, const char *name, enum connector_state state);
bool world_wait_logins(struct world *w, const char *name, uint64_t at_least);
bool world_exists(struct world *w, const char *name);
/* What health was told of it last: 'f'resh, 's'tale, 'g'one, or 0. */
char world_health(struct world *w, const char *name);
bool world_wait_health(struct world *w, const char *name, char what);

/* Fail the test with what went wrong instead. */
void assert_taken(const struct answer *a);
void assert_refused(const struct answer *a, enum error_code code, const char *reason);
struct registry_entry world_entry(struct world *w, const char *name);
bool world_is_stored(struct world *w, const char *name);

/* A file in the data folder's neighbourhood; returns its path, valid until the next call. */
const char *world_write(struct world *w, const char *file, const char *content, int mode);

#endif
