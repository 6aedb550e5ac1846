/* server/registry/registry_env.h: what the files of the registry share. Private to this folder. */
#ifndef REGISTRY_REGISTRY_ENV_H
#define REGISTRY_REGISTRY_ENV_H

#include "registry/registry.h"
#include "registry/seal.h"
#include "store/db.h"

#include <pthread.h>

#define REGISTRY_SEALED_MAX (REGISTRY_SECRET_MAX + 512)

/* Before the name of a store's folder that is being removed; no org id begins so. */
#define REGISTRY_PURGE_PREFIX ".purge-"

/* In the data folder, while a restore into it has not come to its end. */
#define REGISTRY_RESTORE_NAME ".restore"

struct registry {
    /* set by registry_open, then read-only */
    char *data_dir;
    int lock_fd;
    struct seal seal;
    MDB_env *env;
    MDB_dbi connectors, meta;

    /* Held by each call: LMDB needs none, but a put reads, seals and writes as one, and so does a purge. */
    pthread_mutex_t lock;
};

/* Appends data_dir, then middle, then name. */
MUST_CHECK bool registry_path(const struct registry *r, struct buf *out, const char *middle, const char *name,
                              struct error *err);

/* A read; the lock is held. */
MUST_CHECK bool registry_begin_read(struct registry *r, MDB_txn **txn, struct error *err);

/* A write transaction. `end` commits what went well, ends it either way, and returns whether it is done. */
MUST_CHECK bool registry_begin(struct registry *r, MDB_txn **txn, struct error *err);
MUST_CHECK bool registry_end(MDB_txn *txn, bool is_fine, struct error *err);

MUST_CHECK bool registry_write(MDB_txn *txn, MDB_dbi table, struct view key, struct view value, struct error *err);

/* A known text, sealed with the key of the secrets, shows a wrong key at the start and not at the first use.
 * FAILED_PRECONDITION / SEAL_KEY_WRONG. */
MUST_CHECK bool registry_check_key(struct registry *r, MDB_txn *txn, struct error *err);

/* Calls visit with each connector's name and record; false with the error ends it. */
typedef bool registry_visit(void *ctx, struct view name, struct view record, struct error *err);
MUST_CHECK bool registry_each(struct registry *r, MDB_txn *txn, registry_visit *visit, void *ctx, struct error *err);

#endif
