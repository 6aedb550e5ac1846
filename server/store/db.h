/* server/store/db.h: LMDB as this folder uses it: an environment opened our way, and its answers as our errors. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/str.h"

#include <lmdb.h>

/* What a caller can tell apart: the map or the disk is full. */
#define DB_FULL_REASON "STORE_FULL"

/* In the folder of each store; whoever holds its lock may open the environment. */
#define STORE_LOCK_NAME "store.lock"

enum db_use {
    DB_WRITE,
    DB_LOOK,       /* reads only, beside a writer in another process */
    DB_LOOK_ALONE, /* reads only; nobody writes, and nothing is made in the folder */
};

#define DB_TABLES_MAX 64 /* of a store: its own, and room for those of later formats */

struct db_options {
    const char *dir;    /* is there */
    uint64_t map_bytes; /* 0: as the file says */
    unsigned tables_max;
    enum db_use use;
};

/* FAILED_PRECONDITION when the files are not LMDB's or not of its version. */
MUST_CHECK bool db_open(MDB_env **out, const struct db_options *options, struct error *err);

/* Fills the error from LMDB's answer and returns false. `doing` names the operation. */
bool db_fail(struct error *err, int rc, const char *doing);
/* Likewise for what writes: an EIO then is a full disk more often than not. */
bool db_fail_write(struct error *err, int rc, const char *doing);

MUST_CHECK bool db_begin_read(MDB_env *env, MDB_txn **out, struct error *err);
static inline void db_end_read(MDB_txn **txn)
{
    if (*txn != NULL)
        mdb_txn_abort(*txn);
    *txn = NULL;
}
#define AUTO_READ __attribute__((cleanup(db_end_read)))

/* found false, and *out left alone, when there is none. What *out shows lives until the next write or the end. */
MUST_CHECK bool db_get(MDB_txn *txn, MDB_dbi table, struct view key, struct view *out, bool *found, struct error *err);

/* Bytes of the pages in use: all that were ever used, less those on the free list. */
MUST_CHECK bool db_used_bytes(MDB_env *env, MDB_txn *txn, uint64_t *bytes, struct error *err);

/* What a row costs of a leaf page, or of pages of its own. About right: it steers, it does not account. */
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
