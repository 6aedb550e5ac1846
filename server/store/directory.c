/* A row is written in these steps, all in one transaction:
 *
 *     1. compare it with the stored row; if nothing is new, at most its generation is updated
 *     2. remove the old row's alias and its entry in `changes`
 *     3. take the next number on the line of changes
 *     4. write the row, its alias, its entry in `changes`, and the count of rows
 *
 * Invariant: `changes` holds exactly one entry for each row, at the row's latest number. So the table cannot outgrow
 * the rows, and a reader that goes on from number N meets each row that changed since exactly once. */
#include "store/directory.h"
#include "base/assert.h"
#include "store/bytes.h"
#include "store/row.h"
#include "store/tables.h"

#include <stdio.h>
#include <string.h>

/* A key in the alias table is the alias (at most its first 256 bytes), a NUL, and the id. The id makes the key unique:
 * two rows can have the same alias for a while, as when a login moves from a deleted user to a new one. */
#define ALIAS_SAME_MAX  1000 /* rows examined for one alias */
#define CHANGE_BYTES    8
#define COUNT_BYTES     8
#define COUNT_KEY_BYTES 16

struct directory_alias_key {
    char at[ROW_ALIAS_KEY_MAX];
    size_t prefix_len, len; /* with the NUL; and with the id */
};

static struct view directory_alias_key(struct directory_alias_key *key, struct view alias, struct view id)
{
    struct view whole = row_alias_key(alias, id, key->at);

    key->len = whole.len;
    key->prefix_len = whole.len - id.len;
    return whole;
}

static bool directory_damaged(struct view id, struct error *err)
{
    return error_set(err, ERROR_DATA_LOSS, "row " VIEW_FMT " is damaged", VIEW_ARG(id));
}

/* ---- writing ---- */

static bool directory_check_row(const struct directory_row *row, struct error *err)
{
    if (row->id.len == 0 || row->id.len > DIRECTORY_ID_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "an id has 1 to %d bytes, not %zu", DIRECTORY_ID_MAX,
                         row->id.len);
    if (row->alias.len > ROW_ALIAS_MAX || row->encoded.len > DIRECTORY_ROW_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "row " VIEW_FMT " is too large", VIEW_ARG(row->id));
    return true;
}

static bool directory_is_same(const struct directory_row *a, const struct directory_row *b)
{
    return a->last_updated_ms == b->last_updated_ms && a->facets == b->facets && a->deleted_ms == b->deleted_ms &&
           view_eq(a->alias, b->alias) && view_eq(a->encoded, b->encoded);
}

static bool directory_put_row(struct store_txn *txn, enum table table, const struct directory_row *row,
                              struct error *err)
{
    unsigned char *at;

    if (!txn_reserve(txn, table, row->id, row_bytes(row), 0, &at, err))
        return false;
    row_write(row, at);
    return true;
}

static bool directory_put_alias(struct store_txn *txn, enum table table, const struct directory_row *row,
                                struct error *err)
{
    struct directory_alias_key key;

    return row->alias.len == 0 || txn_put(txn, table, directory_alias_key(&key, row->alias, row->id), VIEW_NONE, err);
}

static bool directory_put_change(struct store_txn *txn, unsigned kind, const struct directory_row *row,
                                 struct error *err)
{
    unsigned char key[CHANGE_BYTES], *at;

    bytes_put_key(key, row->change);
    if (!txn_reserve(txn, TABLE_CHANGES, (struct view){ (const char *)key, sizeof key }, 1 + row->id.len, MDB_APPEND,
                     &at, err))
        return false;
    at[0] = (unsigned char)kind;
    memcpy(at + 1, row->id.at, row->id.len);
    return true;
}

static struct view directory_count_key(unsigned kind, char at[COUNT_KEY_BYTES])
{
    int len = snprintf(at, COUNT_KEY_BYTES, "rows.%u", kind);

    return (struct view){ at, (size_t)len };
}

static bool directory_read_count(const struct snapshot *at, unsigned kind, uint64_t *count, struct error *err)
{
    char key[COUNT_KEY_BYTES];
    struct view stored;
    bool found;

    *count = 0;
    if (!snapshot_get(at, TABLE_META, directory_count_key(kind, key), &stored, &found, err))
        return false;
    if (found && stored.len != COUNT_BYTES)
        return error_set(err, ERROR_DATA_LOSS, "the count of rows is damaged");
    if (found)
        *count = bytes_u64((const unsigned char *)stored.at);
    return true;
}

static bool directory_move_count(struct store_txn *txn, unsigned kind, int by, struct error *err)
{
    char key[COUNT_KEY_BYTES];
    unsigned char bytes[COUNT_BYTES];
    uint64_t count;

    if (by == 0)
        return true;
    if (!directory_read_count(&txn->at, kind, &count, err))
        return false;
    bytes_put_u64(bytes, by > 0 ? count + 1 : count - 1);
    return txn_put(txn, TABLE_META, directory_count_key(kind, key), (struct view){ (const char *)bytes, sizeof bytes },
                   err);
}

/* Removes the old row's entries in other tables. Its views point into a page and die with the first write, so both keys
 * are built before. */
static bool directory_remove_links(struct store_txn *txn, enum table alias_table, const struct directory_row *old,
                                   struct error *err)
{
    unsigned char change[CHANGE_BYTES];
    struct directory_alias_key key;
    struct view alias = old->alias.len > 0 ? directory_alias_key(&key, old->alias, old->id) : VIEW_NONE;

    bytes_put_key(change, old->change);
    txn_gave_back(txn, old->id.len, row_bytes(old));
    return (alias.len == 0 || txn_delete(txn, alias_table, alias, err)) &&
           txn_delete(txn, TABLE_CHANGES, (struct view){ (const char *)change, sizeof change }, err);
}

static bool directory_replace(struct store_txn *txn, unsigned kind, const struct directory_row *old,
                              const struct directory_row *row, struct error *err)
{
    enum table rows = table_rows(kind), aliases = table_aliases(kind);
    struct directory_row next = *row;
    int was_there = old != NULL && old->deleted_ms == 0;
    int is_there = row->deleted_ms == 0;

    if (!txn_room(txn, row->id.len, row_bytes(row), err) ||
        (old == NULL && !txn_room(txn, row->alias.len + row->id.len, CHANGE_BYTES + row->id.len, err)) ||
        (old != NULL && !directory_remove_links(txn, aliases, old, err)))
        return false;
    next.change = ++txn->at.state.change;
    txn->is_state_changed = true;
    return directory_put_row(txn, rows, &next, err) && directory_put_alias(txn, aliases, &next, err) &&
           directory_put_change(txn, kind, &next, err) && directory_move_count(txn, kind, is_there - was_there, err);
}

/* Stamps an unchanged row with the sweep that saw it. Rows that a whole sweep did not stamp are gone from Okta. */
static bool directory_set_generation(struct store_txn *txn, enum table table, const struct directory_row *row,
                                     uint64_t change, struct error *err)
{
    struct directory_row next = *row;

    next.change = change;
    return directory_put_row(txn, table, &next, err);
}

bool directory_put(struct store_txn *txn, unsigned kind, const struct directory_row *row, bool *changed,
                   struct error *err)
{
    enum table table = table_rows(kind);
    struct directory_row old;
    struct view stored;
    bool found;

    if (!directory_check_row(row, err) || !snapshot_get(&txn->at, table, row->id, &stored, &found, err))
        return false;
    if (found && !row_read(stored, row->id, &old))
        return directory_damaged(row->id, err);
    *changed = !found || !directory_is_same(&old, row);
    if (*changed)
        return directory_replace(txn, kind, found ? &old : NULL, row, err);
    if (old.generation == row->generation)
        return true;
    return directory_set_generation(txn, table, row, old.change, err);
}

/* ---- reading ---- */

bool directory_get(struct store *s, unsigned kind, struct view id, directory_visit *visit, void *ctx, bool *found,
                   struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct directory_row row;
    struct view stored;

    *found = false;
    if (id.len == 0 || id.len > DIRECTORY_ID_MAX)
        return true;
    if (!snapshot_begin(s, &at, err) || !snapshot_get(&at, table_rows(kind), id, &stored, found, err))
        return false;
    if (!*found)
        return true;
    if (!row_read(stored, id, &row))
        return directory_damaged(id, err);
    (void)visit(ctx, &row);
    return true;
}

/* Which of two rows with the same alias a lookup returns: one that exists rather than a tombstone, then the one that
 * changed last. */
static bool directory_is_better_match(const struct directory_row *a, const struct directory_row *b)
{
    if ((a->deleted_ms == 0) != (b->deleted_ms == 0))
        return a->deleted_ms == 0;
    return a->change > b->change;
}

static bool directory_consider_match(const struct snapshot *at, enum table rows, struct view id, struct view alias,
                                     struct directory_row *best, bool *found, struct error *err)
{
    struct directory_row row;
    struct view stored;
    bool is_there;

    if (!snapshot_get(at, rows, id, &stored, &is_there, err))
        return false;
    if (!is_there || !row_read(stored, id, &row))
        return directory_damaged(id, err);
    if (view_eq(row.alias, alias) && (!*found || directory_is_better_match(&row, best))) {
        *best = row;
        *found = true;
    }
    return true;
}

static bool directory_find_alias(const struct snapshot *at, enum table rows, enum table aliases, struct view alias,
                                 struct directory_row *best, bool *found, struct error *err)
{
    struct directory_alias_key prefix;
    MDB_val k = db_val(directory_alias_key(&prefix, alias, VIEW_NONE)), v;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(at->raw, at->store->tables[aliases], &cursor);
    bool is_fine = true;

    if (rc != 0)
        return db_fail(err, rc, "look up");
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    for (int i = 0; i < ALIAS_SAME_MAX && rc == 0 && is_fine; i++) {
        struct view key = db_view(k);

        if (key.len <= prefix.prefix_len || memcmp(key.at, prefix.at, prefix.prefix_len) != 0)
            break;
        key = (struct view){ key.at + prefix.prefix_len, key.len - prefix.prefix_len };
        is_fine = directory_consider_match(at, rows, key, alias, best, found, err);
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return is_fine && (rc == 0 || rc == MDB_NOTFOUND || db_fail(err, rc, "look up"));
}

bool directory_get_alias(struct store *s, unsigned kind, struct view alias, directory_visit *visit, void *ctx,
                         bool *found, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct directory_row best;

    *found = false;
    if (alias.len == 0 || alias.len > ROW_ALIAS_MAX)
        return true;
    if (!snapshot_begin(s, &at, err) ||
        !directory_find_alias(&at, table_rows(kind), table_aliases(kind), alias, &best, found, err))
        return false;
    if (*found)
        (void)visit(ctx, &best);
    return true;
}

/* Walks a table in ascending order from behind the key `after`. The visitor returns false to stop; it clears is_fine if
 * it stops because it failed, with the error set. */
typedef bool each_visit(void *ctx, struct view key, struct view value, bool *is_fine, struct error *err);

static bool directory_each(const struct snapshot *at, enum table table, struct view after, each_visit *visit, void *ctx,
                           struct error *err)
{
    MDB_val k = db_val(after), v;
    MDB_cursor *cursor;
    bool is_fine = true;
    int rc = mdb_cursor_open(at->raw, at->store->tables[table], &cursor);

    if (rc != 0)
        return db_fail(err, rc, "list");
    rc = mdb_cursor_get(cursor, &k, &v, after.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && after.len > 0 && view_eq(db_view(k), after))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    while (rc == 0 && visit(ctx, db_view(k), db_view(v), &is_fine, err))
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    mdb_cursor_close(cursor);
    return is_fine && (rc == 0 || rc == MDB_NOTFOUND || db_fail(err, rc, "list"));
}

struct directory_row_visitor {
    directory_visit *visit;
    void *ctx;
};

static bool directory_visit_row(void *ctx, struct view key, struct view value, bool *is_fine, struct error *err)
{
    struct directory_row_visitor *to = ctx;
    struct directory_row row;

    *is_fine = row_read(value, key, &row) || directory_damaged(key, err);
    return *is_fine && to->visit(to->ctx, &row);
}

bool directory_list(struct store *s, unsigned kind, struct view after, directory_visit *visit, void *ctx,
                    struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct directory_row_visitor to = { visit, ctx };

    if (after.len > DIRECTORY_ID_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "an id has at most %d bytes", DIRECTORY_ID_MAX);
    return snapshot_begin(s, &at, err) && directory_each(&at, table_rows(kind), after, directory_visit_row, &to, err);
}

bool directory_count(struct store *s, unsigned kind, uint64_t *count, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;

    return snapshot_begin(s, &at, err) && directory_read_count(&at, kind, count, err);
}

struct directory_change_visitor {
    directory_change_visit *visit;
    void *ctx;
};

static bool directory_visit_change_entry(void *ctx, struct view key, struct view value, bool *is_fine,
                                         struct error *err)
{
    struct directory_change_visitor *to = ctx;
    uint64_t change;

    *is_fine = key.len == CHANGE_BYTES && value.len > 1;
    if (!*is_fine)
        return error_set(err, ERROR_DATA_LOSS, "an entry of table changes is damaged");
    change = bytes_key((const unsigned char *)key.at);
    return to->visit(to->ctx, change, (unsigned char)value.at[0], (struct view){ value.at + 1, value.len - 1 });
}

bool directory_changes(struct store *s, uint64_t after, directory_change_visit *visit, void *ctx, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct directory_change_visitor to = { visit, ctx };
    unsigned char key[CHANGE_BYTES];

    bytes_put_key(key, after);
    return snapshot_begin(s, &at, err) &&
           directory_each(&at, TABLE_CHANGES, (struct view){ (const char *)key, sizeof key },
                          directory_visit_change_entry, &to, err);
}
