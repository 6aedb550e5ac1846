/* server/store/tables.h: what the files of a store share: its tables, its transactions, and the limits on writing.
 *
 * README.md describes each table. Shared with backup/, which walks the same tables; no other folder includes
 * it. */
#ifndef STORE_TABLES_H
#define STORE_TABLES_H

#include "store/db.h"
#include "store/state.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

enum table {
    TABLE_META,
    TABLE_EVENTS,
    TABLE_HISTORY,
    TABLE_IDENTITY,
    TABLE_TYPES,
    TABLE_CURSORS,
    TABLE_CHANGES,
    TABLE_COUNT, /* tables of every store; two tables for each kind of rows follow, see table_rows */

    TABLE_ROWS = TABLE_COUNT,
    TABLE_ALIASES = TABLE_ROWS + STORE_ROW_KINDS_MAX,
    TABLES_MAX = TABLE_ALIASES + STORE_ROW_KINDS_MAX,
};

struct store {
    /* Each read holds it shared for its whole length. Only the writing thread takes it exclusively, to close and reopen
     * the environment after a failure: no reader may be inside LMDB while its map goes away. */
    pthread_rwlock_t env_lock;
    MDB_env *env; /* NULL: reopening failed; reads answer UNAVAILABLE */
    MDB_dbi tables[TABLES_MAX];
    uint32_t row_kinds; /* bit n: the two tables of kind n are open, or to be opened */

    /* the writing thread */
    bool is_broken; /* the environment must be reopened before the next write */

    /* set by store_open, then read-only */
    char *dir;
    uint64_t max_bytes;
    int lock_fd;
    char epoch[STORE_EPOCH_SIZE];
    unsigned char hash_key[STORE_HASH_KEY_SIZE];

    atomic_bool is_writing; /* catches a nested store_begin, which would deadlock on LMDB's writer mutex */
};

/* The rows of a kind, and their aliases. The kind's tables must be open: see row_kinds. */
static inline enum table table_rows(unsigned kind)
{
    return (enum table)(TABLE_ROWS + kind);
}

static inline enum table table_aliases(unsigned kind)
{
    return (enum table)(TABLE_ALIASES + kind);
}

/* What a transaction sees: the tables and the state of one commit. */
struct snapshot {
    struct store *store;
    MDB_txn *raw;
    struct state state;
    bool has_lock; /* it holds env_lock, shared */
};

struct store_txn {
    struct snapshot at;
    bool is_state_changed;
    bool has_failed;     /* a write failed: the transaction can only be aborted */
    uint64_t used_bytes; /* pages in use when the transaction began, plus an estimate of what it wrote since */
};

/* ---- reading ---- */

/* Fails with `out` half made: snapshot_end (AUTO_SNAPSHOT) is due either way. */
MUST_CHECK bool snapshot_begin(struct store *s, struct snapshot *out, struct error *err);
static inline void snapshot_end(struct snapshot *at)
{
    db_end_read(&at->raw);
    if (at->has_lock)
        pthread_rwlock_unlock(&at->store->env_lock);
    at->has_lock = false;
}
#define AUTO_SNAPSHOT __attribute__((cleanup(snapshot_end)))
#define SNAPSHOT_NONE ((struct snapshot){ .raw = NULL })

MUST_CHECK bool snapshot_get(const struct snapshot *at, enum table table, struct view key, struct view *out,
                             bool *found, struct error *err);

/* ---- writing: after any failure the transaction can only be aborted ---- */

/* Accounts for a row of this size before it is written. RESOURCE_EXHAUSTED / STORE_FULL beyond the limit for rows,
 * which lies below the size of the map. LMDB is copy-on-write: a deletion allocates new pages before it frees old ones,
 * so the gap keeps a full store able to run retention. */
MUST_CHECK bool txn_room(struct store_txn *txn, size_t key_len, size_t value_len, struct error *err);
/* The opposite: a row of this size was deleted. */
void txn_gave_back(struct store_txn *txn, size_t key_len, size_t value_len);

MUST_CHECK bool txn_put(struct store_txn *txn, enum table table, struct view key, struct view value, struct error *err);
/* Reserves a value of `len` bytes in the page. The caller fills *out before the next write. `flags`: MDB_APPEND or 0.
 */
MUST_CHECK bool txn_reserve(struct store_txn *txn, enum table table, struct view key, size_t len, unsigned flags,
                            unsigned char **out, struct error *err);
/* A key that is not there is no failure. */
MUST_CHECK bool txn_delete(struct store_txn *txn, enum table table, struct view key, struct error *err);

/* Marks the transaction as failed, fills the error from LMDB's code, returns false. */
bool txn_fail(struct store_txn *txn, int rc, const char *doing, struct error *err);

#endif
