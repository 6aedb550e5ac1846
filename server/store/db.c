#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Each thread that reads holds a slot for the length of one read; a few more for mdb_stat and its like. */
#define READERS_MAX 512

/* A place takes 64 bytes, and what stands before them less than a page. */
#define LOCK_FILE_BYTES (READERS_MAX * 64 + 4096)

#define PAGE_BYTES         4096
#define NODE_HEADER_BYTES  8    /* of LMDB, and a 2-byte index each */
#define OVERFLOW_OVER      2020 /* a row larger than about half a page gets pages of its own */
#define LEAF_ROOM_PERCENT  133  /* pages split, so a tree that is not appended to is about three quarters full */
#define NODE_POINTER_BYTES 2

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

/* What a person can do about it; else LMDB's own words. */
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
        return "the disk is full, or it fails (input/output error)";
    case EROFS:
        return "the disk is read-only: mount it writable again";
    case EMFILE:
    case ENFILE:
        return "no file descriptor left: raise the limit (LimitNOFILE, ulimit -n)";
    case MDB_PANIC:
        return "the store is being opened again after its disk failed";
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

/* LMDB maps its lock file and writes a reader's place in it only when it is needed: on a disk that is full by then,
 * where the file has a hole, that is a SIGBUS. So it has no holes. Before LMDB opens it: closing it later would drop
 * LMDB's own locks on it. */
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

    /* MDB_NOTLS: a read belongs to its transaction, not to its thread. Memory is zeroed before it goes to disk (no
     * MDB_NOMEMINIT), so that no secret of the heap leaks into the file. */
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

/* LMDB takes the number of the last commit, then copies that commit's meta page, of which there are two in turn. A
 * reader that loses the processor in between can find the page overwritten by the commit after the next, before that
 * one is on disk and announced: the next reader would see less than this one. Then it begins again. */
#define BEGIN_TRIES 100

bool db_begin_read(MDB_env *env, MDB_txn **out, struct error *err)
{
    MDB_envinfo info;
    int rc;

    for (unsigned i = 0; i < BEGIN_TRIES; i++) {
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, out);
        if (rc != 0)
            return db_fail(err, rc, "begin to read");
        mdb_env_info(env, &info);
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

    /* Table 0 is LMDB's list of free pages: each value is a count, then as many page numbers. */
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
    return node + (value_len + 16 + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}
