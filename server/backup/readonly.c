#include "backup/readonly.h"
#include "base/mem.h"
#include "registry/registry_entry.h"
#include "registry/registry_env.h"
#include "store/bytes.h"
#include "store/meta.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_BYTES 4

/* Even a read-only opening creates LMDB's lock file if it is missing. If root created it, the server could not open its
 * own store later, so it gets the owner of the folder. */
static void readonly_give_lock(const char *dir, enum db_use use)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    struct stat of;

    buf_printf(&path, "%s/lock.mdb", dir);
    if (use == DB_LOOK && geteuid() == 0 && stat(dir, &of) == 0 && buf_ok(&path) &&
        lchown(buf_cstr(&path), of.st_uid, of.st_gid) != 0)
        return; /* it was not created: a read-only disk has none */
}

static bool readonly_open_env(MDB_env **out, const char *dir, enum db_use use, struct error *err)
{
    const struct db_options options = { .dir = dir, .tables_max = DB_TABLES_MAX, .use = use };

    if (!db_open(out, &options, err))
        return false;
    readonly_give_lock(dir, use);
    return true;
}

/* LMDB does not compare the length of its file with the pages that it should have: a file that is cut off opens fine,
 * and raises SIGBUS at the first missing page. Checking the length gives a clear message instead. */
static bool readonly_check_length(MDB_env *env, const char *dir, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    MDB_envinfo info;
    MDB_stat stat_of;
    struct stat file;
    uint64_t want;

    buf_printf(&path, "%s/data.mdb", dir);
    mdb_env_info(env, &info);
    mdb_env_stat(env, &stat_of);
    want = ((uint64_t)info.me_last_pgno + 1) * stat_of.ms_psize;
    if (!buf_ok(&path))
        return error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
    if (stat(buf_cstr(&path), &file) != 0)
        return error_set(err, ERROR_NOT_FOUND, "data.mdb cannot be examined: %s", strerror(errno));
    return (uint64_t)file.st_size >= want ||
           error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED", "data.mdb is cut off: it has %llu bytes, not %llu",
                        (unsigned long long)file.st_size, (unsigned long long)want);
}

bool readonly_store(struct store **out, const char *dir, enum db_use use, struct error *err)
{
    struct store *s = mem_zero(sizeof *s);

    s->lock_fd = -1;
    pthread_rwlock_init(&s->env_lock, NULL);
    if (readonly_open_env(&s->env, dir, use, err) && readonly_check_length(s->env, dir, err) && meta_look(s, err)) {
        *out = s;
        return true;
    }
    readonly_close(s);
    return false;
}

void readonly_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->env != NULL)
        mdb_env_close(s->env);
    sodium_memzero(s->hash_key, sizeof s->hash_key);
    pthread_rwlock_destroy(&s->env_lock);
    free(s);
}

bool readonly_facts(const struct snapshot *at, struct store_facts *out, struct error *err)
{
    struct store_facts facts = { .events = state_count(&at->state) };
    struct view epoch, count;
    bool found;

    if (!snapshot_get(at, TABLE_META, VIEW("epoch"), &epoch, &found, err))
        return false;
    if (!found || epoch.len * 2 >= sizeof facts.epoch)
        return error_set(err, ERROR_DATA_LOSS, "the store's epoch is missing or damaged");
    sodium_bin2hex(facts.epoch, sizeof facts.epoch, (const unsigned char *)epoch.at, epoch.len);
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++) {
        char key[16];

        snprintf(key, sizeof key, "rows.%u", kind);
        if (!snapshot_get(at, TABLE_META, view_of(key), &count, &found, err))
            return false;
        if (found && count.len != 8)
            return error_set(err, ERROR_DATA_LOSS, "the store's count of rows of kind %u is damaged", kind);
        facts.rows[kind] = found ? bytes_u64((const unsigned char *)count.at) : 0;
    }
    if (facts.events > 0) {
        facts.oldest = state_oldest(&at->state);
        facts.head = state_head(&at->state);
    }
    *out = facts;
    return true;
}

/* ---- the registry ---- */

struct readonly_listing {
    struct registry_entry *entries;
    size_t count;
};

static bool readonly_list_one(void *ctx, struct view name, struct view record, struct error *err)
{
    struct readonly_listing *list = ctx;

    if (list->count == REGISTRY_CONNECTORS_MAX)
        return error_set(err, ERROR_DATA_LOSS, "registry: more than %d entries", REGISTRY_CONNECTORS_MAX);
    if (!registry_entry_read(record, name, &list->entries[list->count], NULL, err))
        return false;
    if (!registry_org_id_is_valid(view_of(list->entries[list->count].org_id)))
        return error_set(err, ERROR_DATA_LOSS, "registry: the entry of " VIEW_FMT " is damaged", VIEW_ARG(name));
    list->count++;
    return true;
}

static bool readonly_open_registry_tables(struct registry *r, MDB_txn *txn, struct error *err)
{
    int rc = mdb_dbi_open(txn, "meta", 0, &r->meta);

    if (rc == 0)
        rc = mdb_dbi_open(txn, "connectors", 0, &r->connectors);
    return rc == 0 ||
           error_set(err, ERROR_DATA_LOSS, "registry: its tables are missing or damaged: %s", mdb_strerror(rc));
}

static bool readonly_check_registry_format(struct registry *r, MDB_txn *txn, struct error *err)
{
    struct view format;
    bool found;

    if (!db_get(txn, r->meta, VIEW("format"), &format, &found, err))
        return false;
    return (found && format.len == FORMAT_BYTES && bytes_u32((const unsigned char *)format.at) == 1) ||
           error_set(err, ERROR_FAILED_PRECONDITION,
                     "registry: damaged, or written by a newer version of this program");
}

bool readonly_registry(const char *dir, enum db_use use, struct registry_entry *entries, size_t *count,
                       struct error *err)
{
    struct registry r = { .env = NULL };
    struct readonly_listing list = { entries, 0 };
    AUTO_READ MDB_txn *txn = NULL;
    bool is_fine = readonly_open_env(&r.env, dir, use, err);

    is_fine = is_fine && readonly_check_length(r.env, dir, err) && db_begin_read(r.env, &txn, err) &&
              readonly_open_registry_tables(&r, txn, err) && readonly_check_registry_format(&r, txn, err) &&
              registry_each(&r, txn, readonly_list_one, &list, err);
    db_end_read(&txn);
    if (r.env != NULL)
        mdb_env_close(r.env);
    if (is_fine)
        *count = list.count;
    return is_fine;
}

/* ---- the registry's credentials ---- */

static bool readonly_check_key(struct registry *r, const char *key_file, struct error *err)
{
    AUTO_READ MDB_txn *txn = NULL;

    return seal_read(&r->seal, key_file, err) && db_begin_read(r->env, &txn, err) && registry_check_key(r, txn, err);
}

static bool readonly_keep_or_forget(struct registry *r, const char *key_file, struct readonly_listing *list,
                                    size_t *count, struct error *err)
{
    size_t secrets = 0;

    for (size_t i = 0; i < list->count; i++)
        secrets += list->entries[i].has_secret;
    if (secrets > 0 && key_file != NULL && !readonly_check_key(r, key_file, err))
        return false;
    for (size_t i = 0; i < list->count && key_file == NULL; i++)
        if (list->entries[i].has_secret && !registry_forget_secret(r, list->entries[i].name, err))
            return false;
    *count = secrets;
    return true;
}

bool readonly_secrets(const char *dir, const char *seal_key_file, size_t *count, struct error *err)
{
    AUTO_FREE struct registry_entry *entries = mem_array(REGISTRY_CONNECTORS_MAX, sizeof *entries);
    struct registry r = { .lock_fd = -1 };
    struct readonly_listing list = { entries, 0 };
    MDB_txn *txn;
    bool is_fine;

    pthread_mutex_init(&r.lock, NULL);
    is_fine = readonly_open_env(&r.env, dir, DB_WRITE, err) && registry_begin(&r, &txn, err) &&
              registry_end(txn,
                           readonly_open_registry_tables(&r, txn, err) &&
                               registry_each(&r, txn, readonly_list_one, &list, err),
                           err) &&
              readonly_keep_or_forget(&r, seal_key_file, &list, count, err);
    if (r.env != NULL)
        mdb_env_close(r.env);
    seal_wipe(&r.seal);
    pthread_mutex_destroy(&r.lock);
    return is_fine;
}
