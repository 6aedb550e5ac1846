#include "tests/store/fixture.h"
#include "base/mem.h"
#include "store/bytes.h"
#include "store/entry.h"
#include "store/state.h"

#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Field 1, wire type 2, three bytes of length; field 1 (fixed64) with the sequence; then the number and the payload. */
#define SEQUENCE_AT 5
#define NUMBER_AT   13
#define ENCODED_MIN 17

int fixture_setup(void **state)
{
    struct fixture *f = mem_zero(sizeof *f);
    const char *parent = getenv("TEST_TMPDIR");

    snprintf(f->dir, sizeof f->dir, "%s/store.XXXXXX", parent != NULL ? parent : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->store_dir, sizeof f->store_dir, "%s/org", f->dir);
    fixture_open(f, STORE_BYTES_MIN);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_abort(&f->txn);
    store_close(f->store);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

void fixture_open(struct fixture *f, uint64_t max_bytes)
{
    const struct store_options options = { .dir = f->store_dir, .max_bytes = max_bytes };

    OK(store_open(&f->store, &options, err));
}

void fixture_reopen(struct fixture *f, uint64_t max_bytes)
{
    store_close(f->store);
    fixture_open(f, max_bytes);
}

void fixture_begin(struct fixture *f)
{
    OK(store_begin(f->store, &f->txn, err));
}

void fixture_commit(struct fixture *f)
{
    OK(store_commit(&f->txn, err));
}

void event_make(struct event *e, uint32_t number, int64_t published_ms, size_t extra)
{
    size_t len = ENCODED_MIN + extra;

    memset(e, 0, sizeof *e);
    assert_true(extra <= EVENT_EXTRA_MAX);
    /* Version 1, with the number in the middle of the time, so that events with neighbouring numbers are neighbours. */
    snprintf(e->uuid, sizeof e->uuid, "%08x-%04x-11f0-8000-0123456789ab", number * 2654435761u, number & 0xffff);
    memcpy(e->encoded, "\x0a", 1);
    e->encoded[1] = (char)(((len - 4) & 127) | 128);
    e->encoded[2] = (char)(((len - 4) >> 7 & 127) | 128);
    e->encoded[3] = (char)((len - 4) >> 14);
    e->encoded[4] = '\x09';
    bytes_put_u32((unsigned char *)e->encoded + NUMBER_AT, number);
    memset(e->encoded + ENCODED_MIN, 'x', extra);
    e->record = (struct journal_record){
        .published_ms = published_ms,
        .kind = 3,
        .result = 2,
        .source = JOURNAL_TAIL,
        .event_type = VIEW("user.session.start"),
        .uuid = view_of(e->uuid),
        .encoded = { e->encoded, len },
        .sequence_at = SEQUENCE_AT,
    };
}

static enum journal_fate put(struct fixture *f, uint32_t number, int64_t published_ms, bool is_history)
{
    bool is_own = f->txn == NULL;
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;

    event_make(&e, number, published_ms, 40);
    if (is_own)
        fixture_begin(f);
    if (is_history) {
        e.record.source = JOURNAL_BACKFILL;
        OK(journal_prepend(f->txn, &e.record, &fate, &sequence, err));
    } else {
        OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    }
    if (is_own)
        fixture_commit(f);
    return fate;
}

enum journal_fate fixture_append(struct fixture *f, uint32_t number, int64_t published_ms)
{
    return put(f, number, published_ms, false);
}

enum journal_fate fixture_prepend(struct fixture *f, uint32_t number, int64_t published_ms)
{
    return put(f, number, published_ms, true);
}

static bool add_number(void *ctx, const struct journal_record *record)
{
    const unsigned char *encoded = (const unsigned char *)record->encoded.at;

    assert_int_equal(bytes_u64(encoded + record->sequence_at), record->sequence);
    buf_printf(ctx, "%s%u", ((struct buf *)ctx)->len > 0 ? " " : "", bytes_u32(encoded + NUMBER_AT));
    return true;
}

const char *fixture_numbers(struct fixture *f)
{
    static char text[4096];
    AUTO_BUF struct buf out = BUF(sizeof text - 1);
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX };

    OK(journal_scan(f->store, &all, add_number, &out, err));
    assert_true(buf_ok(&out));
    snprintf(text, sizeof text, "%s", buf_cstr(&out));
    return text;
}

struct journal_bounds fixture_bounds(struct fixture *f)
{
    struct journal_bounds b;

    OK(journal_bounds(f->store, &b, err));
    return b;
}

/* ---- the tables themselves ---- */

struct tables {
    MDB_txn *txn;
    MDB_dbi meta, events, history, identity;
};

static MDB_dbi open_table(MDB_txn *txn, const char *name)
{
    MDB_dbi table;

    assert_int_equal(mdb_dbi_open(txn, name, 0, &table), 0);
    return table;
}

static uint64_t entries(MDB_txn *txn, MDB_dbi table)
{
    MDB_stat stat;

    assert_int_equal(mdb_stat(txn, table, &stat), 0);
    return stat.ms_entries;
}

static void check_event(const struct tables *t, uint64_t sequence)
{
    unsigned char key[8];
    bool is_history = sequence < JOURNAL_FIRST;
    MDB_val k = { sizeof key, key }, v, where;
    struct entry e;

    bytes_put_key(key, is_history ? ~sequence : sequence);
    assert_int_equal(mdb_get(t->txn, is_history ? t->history : t->events, &k, &v), 0);
    assert_true(entry_read((struct view){ v.mv_data, v.mv_size }, sequence, &e));
    k = (MDB_val){ IDENTITY_BYTES, e.identity.key };
    assert_int_equal(mdb_get(t->txn, t->identity, &k, &where), 0);
    assert_int_equal(where.mv_size, 8);
    assert_true(bytes_u64(where.mv_data) == sequence);
}

static struct state read_state(const struct tables *t)
{
    MDB_val k = { 5, (void *)(uintptr_t) "state" }, v;
    struct state state;

    assert_int_equal(mdb_get(t->txn, t->meta, &k, &v), 0);
    assert_true(state_read((struct view){ v.mv_data, v.mv_size }, &state));
    return state;
}

uint64_t fixture_check_tables(struct fixture *f)
{
    struct tables t;
    struct state state;
    uint64_t count;
    MDB_env *env;

    store_close(f->store);
    f->store = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 32);
    assert_int_equal(mdb_env_open(env, f->store_dir, MDB_RDONLY, 0), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &t.txn), 0);
    t.meta = open_table(t.txn, "meta");
    t.events = open_table(t.txn, "events");
    t.history = open_table(t.txn, "history");
    t.identity = open_table(t.txn, "identity");
    state = read_state(&t);
    count = state_count(&state);
    assert_true(entries(t.txn, t.events) + entries(t.txn, t.history) == count);
    assert_true(entries(t.txn, t.identity) == count);
    for (uint64_t s = state_oldest(&state); s <= state_head(&state); s++)
        check_event(&t, s);
    mdb_txn_abort(t.txn);
    mdb_env_close(env);
    return count;
}
