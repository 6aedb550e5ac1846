/* server/store/tables.h: what the files of a store share: its tables, its transactions, and who may write how much.
 *
 * README.md says what lies in each table. Private to this folder. */
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
    TABLE_COUNT, /* tables that every store has; behind them two for each kind of rows, see table_rows */

    TABLE_ROWS = TABLE_COUNT,
    TABLE_ALIASES = TABLE_ROWS + STORE_ROW_KINDS_MAX,
    TABLES_MAX = TABLE_ALIASES + STORE_ROW_KINDS_MAX,
};

struct store {
    /* Held by each read while it lasts; taken whole by the writing thread alone, to open the environment anew. */
    pthread_rwlock_t env_lock;
    MDB_env *env; /* NULL: it could not be opened again */
    MDB_dbi tables[TABLES_MAX];
    uint32_t row_kinds; /* bit n: the two tables of kind n are open, or to be opened */

    /* the writing thread's */
    bool is_broken; /* LMDB wants the environment to be opened anew before anything else is written */

    /* set by store_open, then read-only */
    char *dir;
    uint64_t max_bytes;
    int lock_fd;
    char epoch[STORE_EPOCH_SIZE];
    unsigned char hash_key[STORE_HASH_KEY_SIZE];

    atomic_bool is_writing; /* a second store_begin in the writing thread would wait for itself for ever */
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

/* What a transaction sees. */
struct snapshot {
    struct store *store;
    MDB_txn *raw;
    struct state state;
    bool has_lock; /* of the environment */
};

struct store_txn {
    struct snapshot at;
    bool is_state_changed;
    bool has_failed;     /* LMDB refused a write: none of it may be committed */
    uint64_t used_bytes; /* by pages when the transaction began; since then by rows */
};

/* ---- reading ---- */

MUST_CHECK bool snapshot_begin(struct store *s, struct snapshot *out, struct error *err);
static inline void snapshot_end(struct snapshot *at)
{
    db_end_read(&at->raw);
    if (at->has_lock)
        pthread_rwlock_unlock(&at->store->env_lock);
    at->has_lock = false;
}
#define AUTO_SNAPSHOT __attribute__((cleanup(snapshot_end)))
#define SNAPSHOT_NONE                                                                                                  \
    {                                                                                                                  \
        .raw = NULL                                                                                                    \
    }

MUST_CHECK bool snapshot_get(const struct snapshot *at, enum table table, struct view key, struct view *out,
                             bool *found, struct error *err);

/* ---- writing: each failure makes the transaction one that can only be aborted ---- */

/* RESOURCE_EXHAUSTED / STORE_FULL when a row of this size would go beyond what is left for rows: somewhat less than
 * the map, so that retention, which writes too, always has room to make room. */
MUST_CHECK bool txn_room(struct store_txn *txn, size_t key_len, size_t value_len, struct error *err);
void txn_gave_back(struct store_txn *txn, size_t key_len, size_t value_len);

MUST_CHECK bool txn_put(struct store_txn *txn, enum table table, struct view key, struct view value, struct error *err);
/* Room for a value of `len` bytes to be filled in before the next write. `flags`: MDB_APPEND or 0. */
MUST_CHECK bool txn_reserve(struct store_txn *txn, enum table table, struct view key, size_t len, unsigned flags,
                            unsigned char **out, struct error *err);
/* Not there is fine. */
MUST_CHECK bool txn_delete(struct store_txn *txn, enum table table, struct view key, struct error *err);

/* Marks the transaction, fills the error, returns false. */
bool txn_fail(struct store_txn *txn, int rc, const char *doing, struct error *err);

#endif
