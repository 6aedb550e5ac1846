/* A store opens in this order:
 *
 *     folder -> lock -> environment -> tables
 *
 * and closes in the reverse order. The lock comes before LMDB, so that a second opening is refused: LMDB must not open
 * one environment twice in a process.
 *
 * A write transaction checks that the folder is still ours, measures the pages in use, then begins. The commit writes
 * the state, syncs the data, and writes the meta page, which makes the commit valid.
 *
 * How it fails: any failed write fails the whole transaction, and no reader ever saw it. If the meta page itself cannot
 * be written, LMDB no longer knows what is on the disk. It then answers every call, reads included, with MDB_PANIC. We
 * reopen the environment at once: reopening reads the meta pages back from the disk, and picks the last whole commit.
 * If the disk takes no writes we reopen it read-only, so that streams go on, and try for writing again before the next
 * write transaction. */
#include "store/store.h"
#include "base/assert.h"
#include "base/mem.h"
#include "store/files.h"
#include "store/meta.h"
#include "store/tables.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

/* Why room is kept back. LMDB is copy-on-write: a deletion first copies the pages it changes, and the old pages become
 * free only with a later commit. A map that is full to the last page could never be emptied again.
 *
 *     0 ......................... max_bytes ....... +1/8 ....... +1/4 = size of the map
 *                                 retention begins  rows end
 *
 * Above max_bytes retention by size begins. Rows may use the next eighth, for when retention lags behind. The last
 * eighth is for retention alone: txn_room refuses rows there, while deletions are never refused. */
#define MAP_EXTRA_PART  4
#define ROWS_EXTRA_PART 8

static bool store_path(struct buf *out, const char *dir, const char *name, struct error *err)
{
    buf_printf(out, "%s/%s", dir, name);
    return buf_ok(out) || error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
}

static bool store_prepare_dir(const struct store_options *options, struct error *err)
{
    AUTO_BUF struct buf data = BUF(PATH_MAX);
    AUTO_BUF struct buf parent = BUF(PATH_MAX);
    bool exists;

    if (!store_path(&data, options->dir, "data.mdb", err) || !store_path(&parent, options->dir, "..", err) ||
        !files_exists(buf_cstr(&data), &exists, err))
        return false;
    if (exists)
        return true;
    if (options->must_exist)
        return error_set(err, ERROR_NOT_FOUND, "there is no store");
    /* Without the parent's sync a crash could lose the new folder, with commits that were reported as durable. */
    return files_make_dir(options->dir, false, err) && files_sync_dir(buf_cstr(&parent), err);
}

static bool store_take_lock(struct store *s, const char *dir, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);

    return store_path(&path, dir, STORE_LOCK_NAME, err) && files_lock(&s->lock_fd, buf_cstr(&path), err);
}

static bool store_open_env(struct store *s, const char *dir, struct error *err)
{
    const struct db_options options = {
        .dir = dir,
        .map_bytes = s->max_bytes + s->max_bytes / MAP_EXTRA_PART,
        .tables_max = DB_TABLES_MAX,
    };

    return db_open(&s->env, &options, err);
}

static bool store_open_all(struct store *s, bool must_exist, struct error *err)
{
    return store_open_env(s, s->dir, err) && meta_open(s, must_exist, err);
}

bool store_open(struct store **out, const struct store_options *options, struct error *err)
{
    struct store *s = mem_zero(sizeof *s);

    ASSERT(options->max_bytes >= STORE_BYTES_MIN && options->max_bytes <= UINT64_MAX / 2);
    ASSERT(sodium_init() >= 0);
    s->lock_fd = -1;
    s->max_bytes = options->max_bytes;
    s->row_kinds = options->row_kinds;
    s->dir = mem_strdup(options->dir);
    pthread_rwlock_init(&s->env_lock, NULL);
    atomic_init(&s->is_writing, false);
    if (store_prepare_dir(options, err) && store_take_lock(s, options->dir, err) &&
        store_open_all(s, options->must_exist, err) && files_sync_dir(options->dir, err)) {
        *out = s;
        return true;
    }
    store_close(s);
    return error_wrap(err, "store %s", options->dir);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    ASSERT(!atomic_load(&s->is_writing));
    if (s->env != NULL)
        mdb_env_close(s->env);
    files_unlock(s->lock_fd);
    sodium_memzero(s->hash_key, sizeof s->hash_key);
    pthread_rwlock_destroy(&s->env_lock);
    free(s->dir);
    free(s);
}

const char *store_epoch(const struct store *s)
{
    return s->epoch;
}

const unsigned char *store_hash_key(const struct store *s)
{
    return s->hash_key;
}

/* ---- reopening after a failure ---- */

static bool store_open_env_readonly(struct store *s, struct error *err)
{
    const struct db_options options = { .dir = s->dir, .tables_max = DB_TABLES_MAX, .use = DB_LOOK };

    return db_open(&s->env, &options, err) && meta_look(s, err);
}

static void store_close_env(struct store *s)
{
    if (s->env != NULL)
        mdb_env_close(s->env);
    s->env = NULL;
}

/* Runs on the writing thread. The exclusive lock waits for the reads under way, which are short, and holds new ones
 * back while the environment is replaced. On failure the store is left open for reading if that is possible, and
 * is_broken makes the next store_begin try again. */
static bool store_reopen_env(struct store *s, struct error *err)
{
    struct error ignored;

    pthread_rwlock_wrlock(&s->env_lock);
    store_close_env(s);
    s->is_broken = !store_open_all(s, true, err);
    if (s->is_broken) {
        store_close_env(s);
        if (!store_open_env_readonly(s, &ignored))
            store_close_env(s);
    }
    pthread_rwlock_unlock(&s->env_lock);
    return !s->is_broken || error_wrap(err, "the store cannot be reopened for writing");
}

/* After a failed commit: whether LMDB has given the environment up. A panicked environment refuses even a read
 * transaction, which is a cheap and harmless way to ask. */
static bool store_has_panicked(struct store *s)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

    if (rc == 0)
        mdb_txn_abort(txn);
    return rc == MDB_PANIC;
}

static bool store_is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* An open file outlives its name. If the folder was removed or replaced, our commits would go to a file that vanishes
 * with the process, so each transaction compares the file behind the name with the one that is open. */
static bool store_check_folder(struct store *s, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    struct stat named, ours;
    mdb_filehandle_t fd;

    if (!store_path(&path, s->dir, "data.mdb", err))
        return false;
    if (mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &ours) == 0 && stat(buf_cstr(&path), &named) == 0 &&
        store_is_same_file(&named, &ours))
        return true;
    return error_set(
        err, ERROR_FAILED_PRECONDITION,
        "the folder %s was removed or replaced under the running server: put it back, or restart the server", s->dir);
}

/* ---- transactions ---- */

/* A failure leaves `out` holding what it has got; snapshot_end releases it. */

bool snapshot_begin(struct store *s, struct snapshot *out, struct error *err)
{
    out->store = s;
    pthread_rwlock_rdlock(&s->env_lock);
    out->has_lock = true;
    if (s->env == NULL)
        return error_set(err, ERROR_UNAVAILABLE, "the store cannot be reopened after its disk failed");
    if (!db_begin_read(s->env, &out->raw, err))
        return false;
    return meta_read_state(out->raw, s->tables[TABLE_META], &out->state, err);
}

bool snapshot_get(const struct snapshot *at, enum table table, struct view key, struct view *out, bool *found,
                  struct error *err)
{
    return db_get(at->raw, at->store->tables[table], key, out, found, err);
}

/* Measured just before the write transaction begins, as LMDB lets only read transactions walk its free list. Nothing
 * changes in between: this thread is the only writer. */
static bool store_measure(struct store *s, uint64_t *bytes, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;

    return snapshot_begin(s, &at, err) && db_used_bytes(s->env, at.raw, bytes, err);
}

static bool store_begin_txn(struct store_txn *txn, struct error *err)
{
    struct store *s = txn->at.store;
    int rc;

    if ((s->is_broken && !store_reopen_env(s, err)) || !store_check_folder(s, err) ||
        !store_measure(s, &txn->used_bytes, err))
        return false;
    rc = mdb_txn_begin(s->env, NULL, 0, &txn->at.raw);
    if (rc != 0)
        return db_fail_write(err, rc, "begin to write");
    return meta_read_state(txn->at.raw, s->tables[TABLE_META], &txn->at.state, err);
}

bool store_begin(struct store *s, struct store_txn **out, struct error *err)
{
    struct store_txn *txn = mem_zero(sizeof *txn);

    ASSERT(!atomic_exchange(&s->is_writing, true));
    txn->at.store = s;
    if (!store_begin_txn(txn, err)) {
        store_abort(&txn);
        return false;
    }
    *out = txn;
    return true;
}

void store_abort(struct store_txn **txn)
{
    struct store_txn *t = *txn;

    if (t == NULL)
        return;
    if (t->at.raw != NULL)
        mdb_txn_abort(t->at.raw);
    atomic_store(&t->at.store->is_writing, false);
    free(t);
    *txn = NULL;
}

static bool store_commit_txn(struct store_txn *t, struct error *err)
{
    MDB_txn *raw = t->at.raw;
    int rc;

    if (t->has_failed)
        return error_set(err, ERROR_INTERNAL, "commit: an earlier step of the same transaction failed");
    if (t->is_state_changed && !meta_write_state(raw, t->at.store->tables[TABLE_META], &t->at.state, err))
        return false;
    t->at.raw = NULL; /* mdb_txn_commit frees the transaction, even when it fails */
    rc = mdb_txn_commit(raw);
    if (rc == 0)
        return true;
    if (store_has_panicked(t->at.store) && !store_reopen_env(t->at.store, NULL))
        return db_fail_write(err, rc, "commit; the store is read-only until it can be reopened");
    return db_fail_write(err, rc, "commit");
}

bool store_commit(struct store_txn **txn, struct error *err)
{
    bool is_done = store_commit_txn(*txn, err);

    store_abort(txn); /* aborts what was not committed, and frees the transaction */
    return is_done;
}

void store_reap(struct store *s)
{
    if (s->env != NULL)
        (void)mdb_reader_check(s->env, NULL); /* a failure is harmless: the next call may clear them */
}

bool store_usage(struct store *s, struct store_usage *out, struct error *err)
{
    uint64_t bytes;

    if (!store_measure(s, &bytes, err))
        return false;
    *out = (struct store_usage){ .bytes = bytes, .max_bytes = s->max_bytes };
    return true;
}

/* ---- writes within a transaction ---- */

bool txn_fail(struct store_txn *txn, int rc, const char *doing, struct error *err)
{
    txn->has_failed = true;
    return db_fail_write(err, rc, doing);
}

bool txn_room(struct store_txn *txn, size_t key_len, size_t value_len, struct error *err)
{
    uint64_t max = txn->at.store->max_bytes;
    uint64_t bytes = db_row_bytes(key_len, value_len);

    if (txn->used_bytes + bytes > max + max / ROWS_EXTRA_PART) {
        txn->has_failed = true;
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, DB_FULL_REASON,
                            "the store is full: %llu MiB used, of a limit of %llu; raise the limit or keep less",
                            (unsigned long long)(txn->used_bytes >> 20), (unsigned long long)(max >> 20));
    }
    txn->used_bytes += bytes;
    return true;
}

void txn_gave_back(struct store_txn *txn, size_t key_len, size_t value_len)
{
    uint64_t bytes = db_row_bytes(key_len, value_len);

    txn->used_bytes -= bytes < txn->used_bytes ? bytes : txn->used_bytes;
}

bool txn_put(struct store_txn *txn, enum table table, struct view key, struct view value, struct error *err)
{
    MDB_val k = db_val(key), v = db_val(value);
    int rc = mdb_put(txn->at.raw, txn->at.store->tables[table], &k, &v, 0);

    return rc == 0 || txn_fail(txn, rc, "write", err);
}

bool txn_reserve(struct store_txn *txn, enum table table, struct view key, size_t len, unsigned flags,
                 unsigned char **out, struct error *err)
{
    MDB_val k = db_val(key), v = { len, NULL };
    int rc = mdb_put(txn->at.raw, txn->at.store->tables[table], &k, &v, flags | MDB_RESERVE);

    if (rc != 0)
        return txn_fail(txn, rc, "write", err);
    *out = v.mv_data;
    return true;
}

bool txn_delete(struct store_txn *txn, enum table table, struct view key, struct error *err)
{
    MDB_val k = db_val(key);
    int rc = mdb_del(txn->at.raw, txn->at.store->tables[table], &k, NULL);

    return rc == 0 || rc == MDB_NOTFOUND || txn_fail(txn, rc, "delete", err);
}
