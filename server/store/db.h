/* server/store/db.h: LMDB as we use it: an environment opened our way, and its return codes as our errors.
 *
 * Shared with registry/ and backup/, which are the only other folders that see lmdb.h. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/str.h"

#include <lmdb.h>

/* The reason of a RESOURCE_EXHAUSTED that means a full map or a full disk. */
#define DB_FULL_REASON "STORE_FULL"

/* The lock file in each store's folder. A process opens the environment for writing only while it holds this lock. */
#define STORE_LOCK_NAME "store.lock"

enum db_use {
    DB_WRITE,
    DB_LOOK,       /* read-only, beside a writer in another process */
    DB_LOOK_ALONE, /* read-only, without a writer: no lock file, nothing is created in the folder */
};

#define DB_TABLES_MAX 64 /* a store's tables, with room for later formats */

struct db_options {
    const char *dir;    /* must exist */
    uint64_t map_bytes; /* 0: the size recorded in the file */
    unsigned tables_max;
    enum db_use use;
};

/* FAILED_PRECONDITION: the files are not LMDB's, or of another version of LMDB. */
MUST_CHECK bool db_open(MDB_env **out, const struct db_options *options, struct error *err);

/* Fills the error from LMDB's return code and returns false. `doing` names the operation. */
bool db_fail(struct error *err, int rc, const char *doing);
/* The same for a write. LMDB reports a disk that fills up in the middle of a write as EIO, so here an EIO is
 * STORE_FULL and the text names both causes. */
bool db_fail_write(struct error *err, int rc, const char *doing);

MUST_CHECK bool db_begin_read(MDB_env *env, MDB_txn **out, struct error *err);
static inline void db_end_read(MDB_txn **txn)
{
    if (*txn != NULL)
        mdb_txn_abort(*txn);
    *txn = NULL;
}
#define AUTO_READ __attribute__((cleanup(db_end_read)))

/* Sets found to false and leaves *out alone if there is no such key. The view lives until the next write of the
 * transaction, or its end. */
MUST_CHECK bool db_get(MDB_txn *txn, MDB_dbi table, struct view key, struct view *out, bool *found, struct error *err);

/* Bytes of the pages in use: the highest page ever used, less LMDB's free list. */
MUST_CHECK bool db_used_bytes(MDB_env *env, MDB_txn *txn, uint64_t *bytes, struct error *err);

/* Estimates the bytes of page that a row takes. Good enough to steer retention; it is not an account: each transaction
 * starts again from db_used_bytes. */
uint64_t db_row_bytes(size_t key_len, size_t value_len);

static inline MDB_val db_val(struct view v)
{
    return (MDB_val){ v.len, (void *)(uintptr_t)v.at };
}

static inline struct view db_view(MDB_val v)
{
    return (struct view){ v.mv_data, v.mv_size };
}

#endif
