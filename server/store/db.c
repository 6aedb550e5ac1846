#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A read transaction holds one reader slot for its length. We have far fewer threads than this; the rest is for backups
 * and for slots of dead processes that have not been cleared yet. */
#define READERS_MAX 512

/* A reader slot takes 64 bytes (a cache line); the header before the slots takes less than a page. */
#define LOCK_FILE_BYTES (READERS_MAX * 64 + 4096)

#define PAGE_BYTES         4096
#define NODE_HEADER_BYTES  8    /* LMDB's header of each row in a page */
#define NODE_POINTER_BYTES 2    /* and its entry in the page's index */
#define OVERFLOW_OVER      2020 /* a row larger than about half a page goes to overflow pages of its own */
#define LEAF_ROOM_PERCENT  133  /* page splits leave a tree with random keys about three quarters full */

static enum error_code db_code_of(int rc)
{
    switch (rc) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case MDB_TXN_FULL:
    case MDB_READERS_FULL:
    case EMFILE:
    case ENFILE:
        return ERROR_RESOURCE_EXHAUSTED;
    case MDB_PANIC:
        return ERROR_UNAVAILABLE;
    case ENOENT:
        return ERROR_NOT_FOUND;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return ERROR_DATA_LOSS;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_FAILED_PRECONDITION;
    default:
        return ERROR_INTERNAL;
    }
}

static bool db_is_full(int rc)
{
    return rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT || rc == EFBIG;
}

/* The cause, and what a person can do about it. NULL: LMDB's own text says it best. */
static const char *db_text_of(int rc)
{
    switch (rc) {
    case MDB_MAP_FULL:
        return "the store's map is full; raise its size limit or keep less";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "no space left on the disk";
    case EIO:
        return "the disk is full, or it fails (input/output error)"; /* db_fail_write only */
    case EROFS:
        return "the disk is read-only: mount it writable again";
    case EMFILE:
    case ENFILE:
        return "no file descriptor left: raise the limit (LimitNOFILE, ulimit -n)";
    case MDB_PANIC:
        return "the store is being reopened after its disk failed";
    default:
        return NULL;
    }
}

bool db_fail(struct error *err, int rc, const char *doing)
{
    const char *text = rc != EIO && db_text_of(rc) != NULL ? db_text_of(rc) : mdb_strerror(rc);

    if (db_is_full(rc))
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, DB_FULL_REASON, "%s: %s", doing, text);
    return error_set(err, rc == EIO ? ERROR_DATA_LOSS : db_code_of(rc), "%s: %s", doing, text);
}

bool db_fail_write(struct error *err, int rc, const char *doing)
{
    if (rc == EIO)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, DB_FULL_REASON, "%s: %s", doing, db_text_of(rc));
    return db_fail(err, rc, doing);
}

static unsigned db_flags_of(enum db_use use)
{
    return MDB_NOTLS | (use != DB_WRITE ? MDB_RDONLY : 0) | (use == DB_LOOK_ALONE ? MDB_NOLOCK : 0);
}

/* Allocates the whole lock file. LMDB creates it sparse, maps it, and first touches a reader slot when a thread takes
 * it. If the disk is full by then, the page fault cannot be served and the process gets SIGBUS, for a mere read. A file
 * without holes cannot fault.
 *
 * This must run before LMDB opens the file: POSIX record locks belong to the process, and closing any descriptor of a
 * file drops all of the process's locks on it, LMDB's included. */
static int db_fill_lock_file(const char *dir)
{
    char path[PATH_MAX];
    int fd, rc;

    if (snprintf(path, sizeof path, "%s/lock.mdb", dir) >= (int)sizeof path)
        return ENAMETOOLONG;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    rc = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
    close(fd);
    return rc;
}

bool db_open(MDB_env **out, const struct db_options *options, struct error *err)
{
    MDB_env *env = NULL;
    int rc = mdb_env_create(&env);

    /* MDB_NOTLS ties a reader slot to its transaction instead of its thread. We do not set MDB_NOMEMINIT: LMDB then
     * zeroes page buffers, so no secret from the heap ends up in the file. */
    if (rc == 0 && options->map_bytes > 0)
        rc = mdb_env_set_mapsize(env, options->map_bytes / PAGE_BYTES * PAGE_BYTES);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(env, options->tables_max);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(env, READERS_MAX);
    if (rc == 0 && options->use == DB_WRITE)
        rc = db_fill_lock_file(options->dir);
    if (rc == 0)
        rc = mdb_env_open(env, options->dir, db_flags_of(options->use), 0600);
    if (rc == 0 && options->use != DB_LOOK_ALONE)
        rc = mdb_reader_check(env, NULL);
    if (rc == 0) {
        *out = env;
        return true;
    }
    mdb_env_close(env);
    return options->use == DB_WRITE ? db_fail_write(err, rc, "open") : db_fail(err, rc, "open");
}

/* Our rule is "durable before visible": a reader sees a commit only after its sync. LMDB has one gap in that.
 *
 * LMDB keeps two meta pages, used in turn: commit N is in page N % 2. The writer writes the page, syncs it, and only
 * then announces N to readers. A new reader takes the announced number N, then copies meta page N % 2. If it loses the
 * processor between the two steps, commit N + 2 can overwrite that page before it is synced and announced. This reader
 * would see N + 2, while the next one still sees N + 1: time would run backwards, and after a crash N + 2 may never
 * have existed.
 *
 * So we look again after the copy. mdb_env_info reads the newest number in the meta pages themselves, announced or not.
 * If that is N or N + 1, page N % 2 still holds N, and our copy is good. From N + 2 on the copy may be of the later
 * commit, so the reader begins again with the number announced by now. Each retry means that the writer committed twice
 * within our few instructions, so a few tries are plenty; the bound only keeps a bug from looping. */
#define BEGIN_TRIES 100

bool db_begin_read(MDB_env *env, MDB_txn **out, struct error *err)
{
    MDB_envinfo info;
    int rc;

    for (unsigned i = 0; i < BEGIN_TRIES; i++) {
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, out);
        if (rc != 0)
            return db_fail(err, rc, "begin to read");
        mdb_env_info(env, &info); /* after the copy: the order matters */
        if (info.me_last_txnid < mdb_txn_id(*out) + 2)
            return true;
        mdb_txn_abort(*out);
        *out = NULL;
    }
    return db_fail(err, MDB_BAD_TXN, "begin to read");
}

bool db_get(MDB_txn *txn, MDB_dbi table, struct view key, struct view *out, bool *found, struct error *err)
{
    MDB_val k = db_val(key), v;
    int rc = mdb_get(txn, table, &k, &v);

    if (rc != 0 && rc != MDB_NOTFOUND)
        return db_fail(err, rc, "look up");
    *found = rc == 0;
    if (*found)
        *out = db_view(v);
    return true;
}

bool db_used_bytes(MDB_env *env, MDB_txn *txn, uint64_t *bytes, struct error *err)
{
    MDB_cursor *cursor;
    MDB_envinfo info;
    MDB_stat stat;
    MDB_val key, pages;
    uint64_t used, free_pages = 0;
    int rc;

    /* Table 0 is LMDB's free list: each value is a count, followed by that many page numbers. */
    rc = mdb_cursor_open(txn, 0, &cursor);
    if (rc != 0)
        return db_fail(err, rc, "measure");
    while ((rc = mdb_cursor_get(cursor, &key, &pages, MDB_NEXT)) == 0) {
        size_t count;

        memcpy(&count, pages.mv_data, sizeof count);
        free_pages += count;
    }
    mdb_cursor_close(cursor);
    if (rc != MDB_NOTFOUND)
        return db_fail(err, rc, "measure");
    mdb_env_info(env, &info);
    mdb_env_stat(env, &stat);
    used = (uint64_t)info.me_last_pgno + 1;
    *bytes = (used > free_pages ? used - free_pages : 0) * stat.ms_psize;
    return true;
}

uint64_t db_row_bytes(size_t key_len, size_t value_len)
{
    uint64_t node = NODE_HEADER_BYTES + NODE_POINTER_BYTES + key_len;

    if (node + value_len <= OVERFLOW_OVER)
        return (node + value_len) * LEAF_ROOM_PERCENT / 100;
    /* The first overflow page begins with a header of 16 bytes. */
    return node + (value_len + 16 + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}
