#include "store/meta.h"
#include "store/bytes.h"

#include <sodium.h>
#include <stdio.h>

#define EPOCH_BYTES  16
#define FORMAT_BYTES 4

static const char *const names[TABLE_COUNT] = {
    [TABLE_META] = "meta",   [TABLE_EVENTS] = "events",   [TABLE_HISTORY] = "history", [TABLE_IDENTITY] = "identity",
    [TABLE_TYPES] = "types", [TABLE_CURSORS] = "cursors", [TABLE_CHANGES] = "changes",
};

#define KIND_NAME_BYTES 24

/* On disk. Kind 1, users, has had names of its own since the first format. */
static const char *meta_kind_name(unsigned kind, bool of_aliases, char at[KIND_NAME_BYTES])
{
    if (kind == 1)
        return of_aliases ? "users_alias" : "users";
    snprintf(at, KIND_NAME_BYTES, "rows.%u%s", kind, of_aliases ? "_alias" : "");
    return at;
}

/* Opens the two tables of a kind. MDB_NOTFOUND when they are not there and may not be made (`flags` 0). */
static int meta_open_kind(struct store *s, MDB_txn *txn, unsigned kind, unsigned flags)
{
    char name[KIND_NAME_BYTES];
    int rc = mdb_dbi_open(txn, meta_kind_name(kind, false, name), flags, &s->tables[table_rows(kind)]);

    if (rc == 0)
        rc = mdb_dbi_open(txn, meta_kind_name(kind, true, name), flags, &s->tables[table_aliases(kind)]);
    if (rc == 0)
        s->row_kinds |= UINT32_C(1) << kind;
    return rc;
}

static bool meta_put(MDB_txn *txn, MDB_dbi meta, const char *name, const void *at, size_t len, struct error *err)
{
    MDB_val k = db_val(view_of(name)), v = { len, (void *)(uintptr_t)at };
    int rc = mdb_put(txn, meta, &k, &v, 0);

    return rc == 0 || db_fail_write(err, rc, "write to table meta");
}

static bool meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, size_t len_min, struct view *out, struct error *err)
{
    bool found;

    if (!db_get(txn, meta, view_of(name), out, &found, err))
        return false;
    if (!found || out->len < len_min)
        return error_set(err, ERROR_DATA_LOSS, "the store's %s is missing or damaged", name);
    return true;
}

bool meta_read_state(MDB_txn *txn, MDB_dbi meta, struct state *out, struct error *err)
{
    struct view stored;

    if (!meta_get(txn, meta, "state", STATE_BYTES, &stored, err))
        return false;
    return state_read(stored, out) || error_set(err, ERROR_DATA_LOSS, "the store's state contradicts itself");
}

bool meta_write_state(MDB_txn *txn, MDB_dbi meta, const struct state *state, struct error *err)
{
    unsigned char bytes[STATE_BYTES];

    state_write(state, bytes);
    return meta_put(txn, meta, "state", bytes, sizeof bytes, err);
}

static bool meta_put_new(MDB_txn *txn, MDB_dbi meta, struct error *err)
{
    unsigned char format[FORMAT_BYTES], epoch[EPOCH_BYTES], hash_key[STORE_HASH_KEY_SIZE];
    struct state state;
    bool is_done;

    bytes_put_u32(format, META_FORMAT);
    randombytes_buf(epoch, sizeof epoch);
    randombytes_buf(hash_key, sizeof hash_key);
    state_init(&state);
    is_done = meta_put(txn, meta, "format", format, sizeof format, err) &&
              meta_put(txn, meta, "epoch", epoch, sizeof epoch, err) &&
              meta_put(txn, meta, "hash_key", hash_key, sizeof hash_key, err) &&
              meta_write_state(txn, meta, &state, err);
    sodium_memzero(hash_key, sizeof hash_key);
    return is_done;
}

static bool meta_check_format(MDB_txn *txn, MDB_dbi meta, struct error *err)
{
    struct view stored;
    uint32_t format;
    bool found;

    if (!db_get(txn, meta, VIEW("format"), &stored, &found, err))
        return false;
    if (!found || stored.len != FORMAT_BYTES)
        return error_set(err, ERROR_FAILED_PRECONDITION, "the files belong to another program");
    format = bytes_u32((const unsigned char *)stored.at);
    if (format > META_FORMAT)
        return error_set(err, ERROR_FAILED_PRECONDITION,
                         "written in format %u by a newer version of this program, which reads formats up to %d",
                         format, META_FORMAT);
    /* Migrations from older formats go here. Each runs in this transaction, so a crash leaves a store in the old format
     * or the new one, and never between them. */
    if (format != META_FORMAT)
        return error_set(err, ERROR_DATA_LOSS, "the store's format, %u, never existed: it is damaged", format);
    return true;
}

/* Reads the epoch and the hash key into `s`, and checks that the state can be read. */
static bool meta_read_self(struct store *s, MDB_txn *txn, struct error *err)
{
    MDB_dbi meta = s->tables[TABLE_META];
    struct view epoch, hash_key;
    struct state state;

    if (!meta_get(txn, meta, "epoch", EPOCH_BYTES, &epoch, err) ||
        !meta_get(txn, meta, "hash_key", STORE_HASH_KEY_SIZE, &hash_key, err) ||
        !meta_read_state(txn, meta, &state, err))
        return false;
    sodium_bin2hex(s->epoch, sizeof s->epoch, (const unsigned char *)epoch.at, EPOCH_BYTES);
    memcpy(s->hash_key, hash_key.at, sizeof s->hash_key);
    return true;
}

static bool meta_open_tables(struct store *s, MDB_txn *txn, struct error *err)
{
    for (int t = 0; t < TABLE_COUNT; t++) {
        int rc = mdb_dbi_open(txn, names[t], MDB_CREATE, &s->tables[t]);

        if (rc == MDB_INCOMPATIBLE)
            return error_set(err, ERROR_FAILED_PRECONDITION, "the files belong to another program");
        if (rc != 0)
            return db_fail_write(err, rc, "open a table");
    }
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++) {
        /* A kind that is not asked for is opened if it exists: an earlier or later version may have stored it. */
        bool is_wanted = kind == 1 || (s->row_kinds >> kind & 1) != 0;
        int rc = meta_open_kind(s, txn, kind, is_wanted ? MDB_CREATE : 0);

        if (rc != 0 && !(rc == MDB_NOTFOUND && !is_wanted))
            return db_fail_write(err, rc, "open a table");
    }
    return true;
}

static bool meta_is_empty(MDB_txn *txn, bool *out, struct error *err)
{
    MDB_dbi root;
    MDB_stat stat;
    int rc = mdb_dbi_open(txn, NULL, 0, &root);

    if (rc == 0)
        rc = mdb_stat(txn, root, &stat);
    if (rc != 0)
        return db_fail(err, rc, "list the tables");
    *out = stat.ms_entries == 0;
    return true;
}

static bool meta_open_in(struct store *s, MDB_txn *txn, bool must_exist, struct error *err)
{
    MDB_dbi meta;
    bool is_new = false;

    if (!meta_is_empty(txn, &is_new, err))
        return false;
    if (is_new && must_exist)
        return error_set(err, ERROR_NOT_FOUND, "there is no store");
    /* An environment with content but without our table belongs to another program: create nothing in it. */
    if (!is_new && mdb_dbi_open(txn, names[TABLE_META], 0, &meta) != 0)
        return error_set(err, ERROR_FAILED_PRECONDITION, "the files belong to another program");
    if (!is_new && !meta_check_format(txn, meta, err))
        return false;
    if (!meta_open_tables(s, txn, err) || (is_new && !meta_put_new(txn, s->tables[TABLE_META], err)))
        return false;
    return meta_read_self(s, txn, err);
}

bool meta_open(struct store *s, bool must_exist, struct error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

    if (rc != 0)
        return db_fail_write(err, rc, "begin");
    if (!meta_open_in(s, txn, must_exist, err)) {
        mdb_txn_abort(txn);
        return false;
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 || db_fail_write(err, rc, "commit");
}

static bool meta_look_in(struct store *s, MDB_txn *txn, struct error *err)
{
    for (int t = 0; t < TABLE_COUNT; t++) {
        int rc = mdb_dbi_open(txn, names[t], 0, &s->tables[t]);

        if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE)
            return error_set(err, ERROR_DATA_LOSS,
                             "table %s is missing: the store is damaged, or the files belong to another program",
                             names[t]);
        if (rc != 0)
            return db_fail(err, rc, "open a table");
    }
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++) {
        int rc = meta_open_kind(s, txn, kind, 0);
        char name[KIND_NAME_BYTES];

        if (kind == 1 && (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE))
            return error_set(err, ERROR_DATA_LOSS,
                             "table %s is missing: the store is damaged, or the files belong to another program",
                             meta_kind_name(kind, false, name));
        if (rc != 0 && rc != MDB_NOTFOUND)
            return db_fail(err, rc, "open a table");
    }
    return meta_check_format(txn, s->tables[TABLE_META], err) && meta_read_self(s, txn, err);
}

bool meta_look(struct store *s, struct error *err)
{
    MDB_txn *txn = NULL;
    int rc;

    if (!db_begin_read(s->env, &txn, err))
        return false;
    if (!meta_look_in(s, txn, err)) {
        mdb_txn_abort(txn);
        return false;
    }
    rc = mdb_txn_commit(txn); /* an abort would close the table handles that it opened */
    return rc == 0 || db_fail(err, rc, "open for reading");
}

bool meta_new_epoch(struct store *s, struct error *err)
{
    unsigned char epoch[EPOCH_BYTES];
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

    if (rc != 0)
        return db_fail_write(err, rc, "begin");
    randombytes_buf(epoch, sizeof epoch);
    if (!meta_put(txn, s->tables[TABLE_META], "epoch", epoch, sizeof epoch, err)) {
        mdb_txn_abort(txn);
        return false;
    }
    rc = mdb_txn_commit(txn);
    if (rc != 0)
        return db_fail_write(err, rc, "commit");
    sodium_bin2hex(s->epoch, sizeof s->epoch, epoch, sizeof epoch);
    return true;
}
