/* The registry opens in this order:
 *
 *     data folder -> its lock -> no restore under way? -> finish interrupted purges -> environment -> seal key
 *
 * The lock comes before anything that writes. The key comes last, because a new one may be created only if nothing is
 * sealed yet: a new key beside old secrets would hide that the right one is missing. */
#include "registry/registry.h"
#include "base/assert.h"
#include "base/mem.h"
#include "registry/registry_entry.h"
#include "registry/registry_env.h"
#include "store/bytes.h"
#include "store/files.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

#define MAP_BYTES     (UINT64_C(16) << 20) /* 64 records of at most 18 KB, many times over */
#define TABLES_MAX    8
#define FORMAT        1
#define FORMAT_BYTES  4
#define CHECK_OWNER   VIEW("seal check")
#define CHECK_CONTENT VIEW("the key fits")

bool registry_path(const struct registry *r, struct buf *out, const char *middle, const char *name, struct error *err)
{
    buf_puts(out, r->data_dir);
    buf_puts(out, middle);
    buf_puts(out, name);
    return buf_ok(out) || error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
}

/* If LMDB cannot write the meta page of a commit, it gives the environment up and answers every call with MDB_PANIC.
 * The environment is then reopened, by the next transaction that begins. */
static bool registry_open_env(struct registry *r, struct error *err);
static bool registry_open_tables(struct registry *r, struct error *err);

static bool registry_reopen_env(struct registry *r, struct error *err)
{
    if (r->env != NULL)
        mdb_env_close(r->env);
    r->env = NULL;
    if (registry_open_env(r, err) && registry_open_tables(r, err))
        return true;
    if (r->env != NULL)
        mdb_env_close(r->env);
    r->env = NULL;
    return error_wrap(err, "the registry cannot be reopened");
}

static bool registry_begin_txn(struct registry *r, unsigned flags, MDB_txn **txn, struct error *err)
{
    int rc = r->env != NULL ? mdb_txn_begin(r->env, NULL, flags, txn) : MDB_PANIC;

    if (rc == MDB_PANIC) {
        if (!registry_reopen_env(r, err))
            return false;
        rc = mdb_txn_begin(r->env, NULL, flags, txn);
    }
    return rc == 0 || db_fail_write(err, rc, "registry: begin");
}

bool registry_begin_read(struct registry *r, MDB_txn **txn, struct error *err)
{
    return registry_begin_txn(r, MDB_RDONLY, txn, err);
}

bool registry_begin(struct registry *r, MDB_txn **txn, struct error *err)
{
    /* The reader slot of a backup that was killed keeps old pages from being reused. A store clears such slots every
     * minute; the registry has no thread of its own, so each write does it. */
    if (r->env != NULL)
        (void)mdb_reader_check(r->env, NULL);
    return registry_begin_txn(r, 0, txn, err);
}

bool registry_end(MDB_txn *txn, bool is_fine, struct error *err)
{
    int rc;

    if (!is_fine) {
        mdb_txn_abort(txn);
        return false;
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 || db_fail_write(err, rc, "registry: commit");
}

bool registry_write(MDB_txn *txn, MDB_dbi table, struct view key, struct view value, struct error *err)
{
    MDB_val k = db_val(key), v = db_val(value);
    int rc = mdb_put(txn, table, &k, &v, 0);

    return rc == 0 || db_fail_write(err, rc, "registry: write");
}

bool registry_each(struct registry *r, MDB_txn *txn, registry_visit *visit, void *ctx, struct error *err)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    bool is_fine = true;
    int rc = mdb_cursor_open(txn, r->connectors, &cursor);

    if (rc != 0)
        return db_fail(err, rc, "registry: list");
    while (is_fine && (rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0)
        is_fine = visit(ctx, db_view(k), db_view(v), err);
    mdb_cursor_close(cursor);
    return is_fine && (rc == MDB_NOTFOUND || db_fail(err, rc, "registry: list"));
}

/* ---- opening ---- */

static bool registry_remove_leftover(void *ctx, const char *name, struct error *err)
{
    return strncmp(name, REGISTRY_PURGE_PREFIX, strlen(REGISTRY_PURGE_PREFIX)) != 0 ||
           files_remove_tree(ctx, name, err);
}

static bool registry_check_no_restore(struct registry *r, struct error *err)
{
    AUTO_BUF struct buf half = BUF(PATH_MAX);
    bool exists;

    if (!registry_path(r, &half, "/", REGISTRY_RESTORE_NAME, err) || !files_exists(buf_cstr(&half), &exists, err))
        return false;
    return !exists ||
           error_set(err, ERROR_FAILED_PRECONDITION,
                     "an earlier restore into it was interrupted: run the restore again, or empty the folder");
}

static bool registry_prepare_dirs(struct registry *r, struct error *err)
{
    AUTO_BUF struct buf lock = BUF(PATH_MAX);
    AUTO_BUF struct buf orgs = BUF(PATH_MAX);
    AUTO_BUF struct buf own = BUF(PATH_MAX);

    return registry_path(r, &lock, "/", "lock", err) && registry_path(r, &orgs, "/", "orgs", err) &&
           registry_path(r, &own, "/", "registry", err) && files_make_dir(r->data_dir, true, err) &&
           files_lock(&r->lock_fd, buf_cstr(&lock), err) && registry_check_no_restore(r, err) &&
           files_make_dir(buf_cstr(&orgs), false, err) && files_make_dir(buf_cstr(&own), false, err) &&
           files_sync_dir(r->data_dir, err) &&
           files_each(buf_cstr(&orgs), registry_remove_leftover, (void *)(uintptr_t)buf_cstr(&orgs), err);
}

static bool registry_open_env(struct registry *r, struct error *err)
{
    AUTO_BUF struct buf dir = BUF(PATH_MAX);
    struct db_options options = { .map_bytes = MAP_BYTES, .tables_max = TABLES_MAX };

    if (!registry_path(r, &dir, "/", "registry", err))
        return false;
    options.dir = buf_cstr(&dir);
    return db_open(&r->env, &options, err) && files_sync_dir(options.dir, err);
}

static bool registry_check_format(struct registry *r, MDB_txn *txn, struct error *err)
{
    unsigned char format[FORMAT_BYTES];
    struct view stored;
    bool found;

    if (!db_get(txn, r->meta, VIEW("format"), &stored, &found, err))
        return false;
    if (!found) {
        bytes_put_u32(format, FORMAT);
        return registry_write(txn, r->meta, VIEW("format"), (struct view){ (const char *)format, sizeof format }, err);
    }
    if (stored.len != FORMAT_BYTES || bytes_u32((const unsigned char *)stored.at) != FORMAT)
        return error_set(err, ERROR_FAILED_PRECONDITION, "registry: written by a newer version of this program");
    return true;
}

static bool registry_open_tables(struct registry *r, struct error *err)
{
    MDB_txn *txn;
    int rc;

    if (!registry_begin(r, &txn, err))
        return false;
    rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &r->meta);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "connectors", MDB_CREATE, &r->connectors);
    if (rc != 0)
        return registry_end(txn, db_fail_write(err, rc, "registry: open a table"), err);
    return registry_end(txn, registry_check_format(r, txn, err), err);
}

static bool registry_count_secret(void *ctx, struct view name, struct view record, struct error *err)
{
    unsigned *count = ctx;
    struct registry_entry entry;

    if (!registry_entry_read(record, name, &entry, NULL, err))
        return false;
    *count += entry.has_secret;
    return true;
}

static bool registry_load_key(struct registry *r, const char *key_file, bool has_secrets, struct error *err)
{
    AUTO_BUF struct buf own = BUF(PATH_MAX);
    bool exists;

    if (key_file != NULL)
        return seal_read(&r->seal, key_file, err);
    if (!registry_path(r, &own, "/", "seal.key", err) || !files_exists(buf_cstr(&own), &exists, err))
        return false;
    if (exists)
        return seal_read(&r->seal, buf_cstr(&own), err);
    if (has_secrets)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "SEAL_KEY_MISSING",
                            "%s is missing: the stored credentials were sealed with it, or with a key file named at "
                            "the start; put the file back, or name the key file",
                            buf_cstr(&own));
    return seal_make(&r->seal, buf_cstr(&own), err);
}

bool registry_check_key(struct registry *r, MDB_txn *txn, struct error *err)
{
    AUTO_BUF struct buf text = BUF(REGISTRY_SEALED_MAX);
    struct view stored;
    bool found;

    if (!db_get(txn, r->meta, CHECK_OWNER, &stored, &found, err))
        return false;
    if (found && seal_open(&r->seal, CHECK_OWNER, stored, &text) && view_eq(buf_view(&text), CHECK_CONTENT))
        return true;
    return error_reason(err, ERROR_FAILED_PRECONDITION, "SEAL_KEY_WRONG",
                        "the stored credentials were sealed with another key; name the right "
                        "key file, or use it to remove the connectors' credentials first");
}

/* While nothing is sealed any key will do; it is the right one from then on. A read error (no reason) is not mistaken
 * for a wrong key. */
static bool registry_check_or_set_key(struct registry *r, MDB_txn *txn, bool has_secrets, struct error *err)
{
    AUTO_BUF struct buf text = BUF(REGISTRY_SEALED_MAX);
    struct error wrong = { 0 };

    if (registry_check_key(r, txn, &wrong))
        return true;
    if (has_secrets || wrong.reason == NULL) {
        *err = wrong;
        return false;
    }
    seal_close(&r->seal, CHECK_OWNER, CHECK_CONTENT, &text);
    return registry_write(txn, r->meta, CHECK_OWNER, buf_view(&text), err);
}

static bool registry_open_seal(struct registry *r, const char *key_file, struct error *err)
{
    unsigned secrets = 0;
    MDB_txn *txn;

    if (!registry_begin(r, &txn, err))
        return false;
    return registry_end(txn,
                        registry_each(r, txn, registry_count_secret, &secrets, err) &&
                            registry_load_key(r, key_file, secrets > 0, err) &&
                            registry_check_or_set_key(r, txn, secrets > 0, err),
                        err);
}

bool registry_open(struct registry **out, const struct registry_options *options, struct error *err)
{
    struct registry *r = mem_zero(sizeof *r);

    ASSERT(sodium_init() >= 0);
    pthread_mutex_init(&r->lock, NULL);
    r->lock_fd = -1;
    r->data_dir = mem_strdup(options->data_dir);
    if (registry_prepare_dirs(r, err) && registry_open_env(r, err) && registry_open_tables(r, err) &&
        registry_open_seal(r, options->seal_key_file, err)) {
        *out = r;
        return true;
    }
    registry_close(r);
    return error_wrap(err, "data folder %s", options->data_dir);
}

void registry_close(struct registry *r)
{
    if (r == NULL)
        return;
    if (r->env != NULL)
        mdb_env_close(r->env);
    files_unlock(r->lock_fd);
    pthread_mutex_destroy(&r->lock);
    seal_wipe(&r->seal);
    free(r->data_dir);
    free(r);
}
