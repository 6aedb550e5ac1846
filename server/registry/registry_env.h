/* server/registry/registry_env.h: what the files of the registry share: its environment and its transactions.
 *
 * Shared with backup/, which opens a registry read-only; no other folder includes it. */
#ifndef REGISTRY_REGISTRY_ENV_H
#define REGISTRY_REGISTRY_ENV_H

#include "registry/registry.h"
#include "registry/seal.h"
#include "store/db.h"

#include <pthread.h>

#define REGISTRY_SEALED_MAX (REGISTRY_SECRET_MAX + 512)

/* The prefix of a store's folder that is being removed. No org id begins with a dot. */
#define REGISTRY_PURGE_PREFIX ".purge-"

/* A folder in the data folder that exists while a restore is under way or was interrupted. */
#define REGISTRY_RESTORE_NAME ".restore"

struct registry {
    /* set by registry_open, then read-only */
    char *data_dir;
    int lock_fd;
    struct seal seal;
    MDB_env *env;
    MDB_dbi connectors, meta;

    /* Held by each call. LMDB alone would not need it, but reopening the environment after a failure must exclude all
     * other calls, and two purges of one store must not meet. */
    pthread_mutex_t lock;
};

/* Appends data_dir, then middle, then name. */
MUST_CHECK bool registry_path(const struct registry *r, struct buf *out, const char *middle, const char *name,
                              struct error *err);

/* Begins a read transaction. The caller holds `lock`. */
MUST_CHECK bool registry_begin_read(struct registry *r, MDB_txn **txn, struct error *err);

/* A write transaction; the caller holds `lock`. registry_end commits if `is_fine` and aborts otherwise, and returns
 * whether the transaction was committed. */
MUST_CHECK bool registry_begin(struct registry *r, MDB_txn **txn, struct error *err);
MUST_CHECK bool registry_end(MDB_txn *txn, bool is_fine, struct error *err);

MUST_CHECK bool registry_write(MDB_txn *txn, MDB_dbi table, struct view key, struct view value, struct error *err);

/* Checks that `seal` opens a known text that was sealed with the key of the credentials. So a wrong key is found at the
 * start and not at the first use of a credential. FAILED_PRECONDITION / SEAL_KEY_WRONG. */
MUST_CHECK bool registry_check_key(struct registry *r, MDB_txn *txn, struct error *err);

/* Calls visit with each connector's name and record. A visitor that returns false ends it, with its error. */
typedef bool registry_visit(void *ctx, struct view name, struct view record, struct error *err);
MUST_CHECK bool registry_each(struct registry *r, MDB_txn *txn, registry_visit *visit, void *ctx, struct error *err);

#endif
