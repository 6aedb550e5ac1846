/* The registry's entries by name. Secrets are sealed in registry_put and opened in registry_secret, and nowhere else:
 * in between they exist only as sealed bytes. */
#include "base/assert.h"
#include "registry/registry_entry.h"
#include "registry/registry_env.h"

#define RECORD_MAX (REGISTRY_SEALED_MAX + REGISTRY_URL_MAX + 1024)

static bool registry_no_such_connector(struct view name, struct error *err)
{
    return error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "there is no connector \"" VIEW_FMT "\"",
                        VIEW_ARG(name));
}

/* Reads one entry and, unless `sealed` is NULL, its sealed secret. */
static bool registry_find(struct registry *r, MDB_txn *txn, struct view name, struct registry_entry *out,
                          struct buf *sealed, bool *found, struct error *err)
{
    struct view stored;

    *found = false;
    if (name.len == 0 || name.len > REGISTRY_NAME_MAX)
        return true;
    if (!db_get(txn, r->connectors, name, &stored, found, err))
        return false;
    return !*found || registry_entry_read(stored, name, out, sealed, err);
}

static bool registry_put_entry(struct registry *r, MDB_txn *txn, const struct registry_entry *entry, struct view sealed,
                               struct error *err)
{
    AUTO_BUF struct buf record = BUF(RECORD_MAX);

    registry_entry_write(entry, sealed, &record);
    if (!buf_ok(&record))
        return error_set(err, ERROR_INVALID_ARGUMENT, "registry: the entry of %s is too large", entry->name);
    return registry_write(txn, r->connectors, view_of(entry->name), buf_view(&record), err);
}

static bool registry_check_room(struct registry *r, MDB_txn *txn, struct error *err)
{
    MDB_stat stat;
    int rc = mdb_stat(txn, r->connectors, &stat);

    if (rc != 0)
        return db_fail(err, rc, "registry: count");
    return stat.ms_entries < REGISTRY_CONNECTORS_MAX ||
           error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                        "there are %d connectors already, which is the maximum", REGISTRY_CONNECTORS_MAX);
}

static bool registry_put_in_txn(struct registry *r, MDB_txn *txn, const struct registry_entry *entry,
                                struct view secret, struct error *err)
{
    AUTO_BUF struct buf sealed = BUF(REGISTRY_SEALED_MAX);
    struct registry_entry old;
    struct view name = view_of(entry->name);
    bool found;

    /* Reads the old sealed secret, which is written back as it is unless a new one was given. */
    if (!registry_find(r, txn, name, &old, &sealed, &found, err) || (!found && !registry_check_room(r, txn, err)))
        return false;
    if (secret.len > 0) {
        buf_reset(&sealed);
        seal_close(&r->seal, name, secret, &sealed);
    }
    ASSERT(buf_ok(&sealed));
    return registry_put_entry(r, txn, entry, buf_view(&sealed), err);
}

bool registry_put(struct registry *r, const struct registry_entry *entry, struct view secret, struct error *err)
{
    bool is_done = false;
    MDB_txn *txn;

    if (entry->name[0] == '\0' || secret.len > REGISTRY_SECRET_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT,
                         "registry: an entry needs a name, and a secret has at most %d bytes", REGISTRY_SECRET_MAX);
    pthread_mutex_lock(&r->lock);
    if (registry_begin(r, &txn, err))
        is_done = registry_end(txn, registry_put_in_txn(r, txn, entry, secret, err), err);
    pthread_mutex_unlock(&r->lock);
    return is_done;
}

/* Reads one entry in a transaction of its own. NOT_FOUND if there is none. */
static bool registry_read_one(struct registry *r, struct view name, struct registry_entry *out, struct buf *sealed,
                              struct error *err)
{
    AUTO_READ MDB_txn *txn = NULL;
    bool found, is_fine;

    pthread_mutex_lock(&r->lock);
    is_fine = registry_begin_read(r, &txn, err) && registry_find(r, txn, name, out, sealed, &found, err);
    db_end_read(&txn);
    pthread_mutex_unlock(&r->lock);
    return is_fine && (found || registry_no_such_connector(name, err));
}

bool registry_get(struct registry *r, const char *name, struct registry_entry *out, struct error *err)
{
    return registry_read_one(r, view_of(name), out, NULL, err);
}

bool registry_secret(struct registry *r, const char *name, struct buf *out, struct error *err)
{
    AUTO_BUF struct buf sealed = BUF(REGISTRY_SEALED_MAX);
    struct registry_entry entry;

    if (!registry_read_one(r, view_of(name), &entry, &sealed, err))
        return false;
    if (!entry.has_secret)
        return error_set(err, ERROR_NOT_FOUND, "connector \"%s\" has no stored credential", name);
    return seal_open(&r->seal, view_of(name), buf_view(&sealed), out) ||
           error_set(err, ERROR_DATA_LOSS, "the credential of connector \"%s\" does not open with the seal key", name);
}

static bool registry_forget_in_txn(struct registry *r, MDB_txn *txn, struct view name, struct error *err)
{
    struct registry_entry entry;
    bool found;

    return registry_find(r, txn, name, &entry, NULL, &found, err) && (found || registry_no_such_connector(name, err)) &&
           registry_put_entry(r, txn, &entry, VIEW_NONE, err);
}

static bool registry_remove_in_txn(struct registry *r, MDB_txn *txn, struct view name, struct error *err)
{
    struct registry_entry entry;
    MDB_val k = db_val(name);
    bool found;
    int rc;

    if (!registry_find(r, txn, name, &entry, NULL, &found, err))
        return false;
    if (!found)
        return registry_no_such_connector(name, err);
    rc = mdb_del(txn, r->connectors, &k, NULL);
    return rc == 0 || db_fail_write(err, rc, "registry: remove");
}

/* A change to one connector, within a transaction. */
typedef bool registry_change_in_txn(struct registry *r, MDB_txn *txn, struct view name, struct error *err);

static bool registry_change(struct registry *r, registry_change_in_txn *how, const char *name, struct error *err)
{
    bool is_done = false;
    MDB_txn *txn;

    pthread_mutex_lock(&r->lock);
    if (registry_begin(r, &txn, err))
        is_done = registry_end(txn, how(r, txn, view_of(name), err), err);
    pthread_mutex_unlock(&r->lock);
    return is_done;
}

bool registry_forget_secret(struct registry *r, const char *name, struct error *err)
{
    return registry_change(r, registry_forget_in_txn, name, err);
}

bool registry_remove(struct registry *r, const char *name, struct error *err)
{
    return registry_change(r, registry_remove_in_txn, name, err);
}

struct registry_listing {
    struct registry_entry *entries;
    size_t count;
};

static bool registry_list_one(void *ctx, struct view name, struct view record, struct error *err)
{
    struct registry_listing *list = ctx;

    if (list->count == REGISTRY_CONNECTORS_MAX)
        return error_set(err, ERROR_DATA_LOSS, "registry: more than %d entries", REGISTRY_CONNECTORS_MAX);
    return registry_entry_read(record, name, &list->entries[list->count++], NULL, err);
}

bool registry_list(struct registry *r, struct registry_entry *entries, size_t *count, struct error *err)
{
    struct registry_listing list = { entries, 0 };
    AUTO_READ MDB_txn *txn = NULL;
    bool is_fine;

    pthread_mutex_lock(&r->lock);
    is_fine = registry_begin_read(r, &txn, err) && registry_each(r, txn, registry_list_one, &list, err);
    db_end_read(&txn);
    pthread_mutex_unlock(&r->lock);
    if (is_fine)
        *count = list.count;
    return is_fine;
}
