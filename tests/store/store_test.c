#include "store/cursor.h"
#include "store/store.h"
#include "tests/store/fixture.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct store_options *options_of(const struct fixture *f, bool must_exist)
{
    static struct store_options options;

    options = (struct store_options){ .dir = f->store_dir, .max_bytes = STORE_BYTES_MIN, .must_exist = must_exist };
    return &options;
}

static unsigned mode_of(const char *dir, const char *name)
{
    char path[700];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void no_other_user_can_read_the_files(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mode_of(f->store_dir, "."), 0700);
    assert_int_equal(mode_of(f->store_dir, "data.mdb"), 0600);
    assert_int_equal(mode_of(f->store_dir, "lock.mdb"), 0600);
}

static void a_reopened_store_keeps_its_epoch_and_key(void **state)
{
    struct fixture *f = *state;
    char epoch[STORE_EPOCH_SIZE];
    unsigned char key[STORE_HASH_KEY_SIZE];

    memcpy(epoch, store_epoch(f->store), sizeof epoch);
    memcpy(key, store_hash_key(f->store), sizeof key);
    assert_int_equal(strlen(epoch), 32);
    fixture_reopen(f, STORE_BYTES_MIN * 2);
    assert_string_equal(store_epoch(f->store), epoch);
    assert_memory_equal(store_hash_key(f->store), key, sizeof key);
}

static void two_stores_differ(void **state)
{
    struct fixture *f = *state;
    struct fixture *other;

    fixture_setup((void **)&other);
    assert_string_not_equal(store_epoch(f->store), store_epoch(other->store));
    assert_memory_not_equal(store_hash_key(f->store), store_hash_key(other->store), STORE_HASH_KEY_SIZE);
    fixture_teardown((void **)&other);
}

static void a_second_opening_is_refused_with_its_reason(void **state)
{
    struct fixture *f = *state;
    struct store *second = NULL;
    struct error why;

    FAILS(store_open(&second, options_of(f, false), err), ERROR_FAILED_PRECONDITION);
    assert_null(second);
    assert_non_null(strstr(why.text, "this process"));
    assert_non_null(strstr(why.text, f->store_dir));
    fixture_append(f, 1, FIXTURE_T0_MS); /* the first one still works */
}

static void another_process_is_refused_and_told_the_holders_pid(void **state)
{
    struct fixture *f = *state;
    char pid[32];
    int status;
    pid_t child;

    snprintf(pid, sizeof pid, "process %d has it", (int)getpid());
    child = fork();
    if (child == 0) {
        struct store *second;
        struct error why = { 0 };
        bool is_open = store_open(&second, options_of(f, false), &why);

        _exit(!is_open && why.code == ERROR_FAILED_PRECONDITION && strstr(why.text, pid) != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void must_exist_creates_nothing(void **state)
{
    struct fixture *f = *state;
    struct store *none = NULL;
    struct error why;
    struct stat st;

    store_close(f->store);
    f->store = NULL;
    strcat(f->store_dir, "2");
    FAILS(store_open(&none, options_of(f, true), err), ERROR_NOT_FOUND);
    assert_int_not_equal(stat(f->store_dir, &st), 0);
    OK(store_open(&f->store, options_of(f, false), err));
    store_close(f->store);
    OK(store_open(&f->store, options_of(f, true), err));
}

/* ---- whose files these are ---- */

static void write_raw(const struct fixture *f, const char *table, const char *key, const void *value, size_t len)
{
    MDB_val k = { strlen(key), (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)value };
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 32);
    assert_int_equal(mdb_env_open(env, f->store_dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, table != NULL ? MDB_CREATE : 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct error why;

    store_close(f->store);
    f->store = NULL;
    write_raw(f, "meta", "format", "\x02\x00\x00\x00", 4);
    FAILS(store_open(&f->store, options_of(f, false), err), ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(why.text, "newer"));
}

static void use_empty_dir(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
    strcat(f->store_dir, "-other");
    assert_int_equal(mkdir(f->store_dir, 0700), 0);
}

static const struct foreign_row {
    const char *name, *table, *key;
} foreign_rows[] = {
    { "another table", "theirs", "key" },
    { "no table, but a key", NULL, "key" },
    { "a key with our table's name", NULL, "meta" },
    { "a table with our name and not our content", "meta", "key" },
};

static void another_programs_files_are_refused(void **state)
{
    const struct foreign_row *row = *state;
    struct fixture *f;
    struct error why;

    fixture_setup((void **)&f);
    use_empty_dir(f);
    write_raw(f, row->table, row->key, "value", 5);
    FAILS(store_open(&f->store, options_of(f, false), err), ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(why.text, "another program"));
    fixture_teardown((void **)&f);
}

static void files_that_are_not_lmdb_are_refused(void **state)
{
    struct fixture *f = *state;
    char path[700], rubbish[8192];
    struct error why;
    FILE *file;

    use_empty_dir(f);
    snprintf(path, sizeof path, "%s/data.mdb", f->store_dir);
    memset(rubbish, 'x', sizeof rubbish);
    file = fopen(path, "w");
    assert_int_equal(fwrite(rubbish, 1, sizeof rubbish, file), sizeof rubbish);
    fclose(file);
    FAILS(store_open(&f->store, options_of(f, false), err), ERROR_FAILED_PRECONDITION);
}

static void an_opening_that_died_half_way_can_be_repeated(void **state)
{
    struct fixture *f = *state;
    MDB_env *env;

    use_empty_dir(f);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, f->store_dir, 0, 0600), 0);
    mdb_env_close(env);
    OK(store_open(&f->store, options_of(f, false), err));
    fixture_append(f, 1, FIXTURE_T0_MS);
}

/* ---- a disk that fills in the middle of a write ---- */

/* A limit on file size looks to LMDB like a full disk: a short write, then an error. It runs in a process of its own,
 * which the limit ends with. */
static void fill_in_child(struct fixture *f)
{
    struct error why = { 0 };
    struct rlimit limit = { 300000, 300000 };
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;
    struct journal_bounds b;

    fixture_open(f, STORE_BYTES_MIN);
    fixture_append(f, 1, FIXTURE_T0_MS);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    fixture_begin(f);
    for (uint32_t i = 2; i < 300; i++) {
        event_make(&e, i, FIXTURE_T0_MS, 2000);
        OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    }
    assert_false(store_commit(&f->txn, &why));
    assert_null(f->txn);
    assert_int_equal(why.code, ERROR_RESOURCE_EXHAUSTED);
    assert_string_equal(why.reason, "STORE_FULL");
    assert_non_null(strstr(why.text, "commit"));
    /* Reading still works, and a write that fits succeeds. */
    b = fixture_bounds(f);
    assert_true(b.count == 1);
    fixture_append(f, 2, FIXTURE_T0_MS);
    b = fixture_bounds(f);
    assert_true(b.count == 2);
    store_close(f->store);
    _exit(0);
}

static void a_full_disk_fails_the_commit_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t child;

    store_close(f->store);
    f->store = NULL;
    child = fork();
    if (child == 0)
        fill_in_child(f);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_open(f, STORE_BYTES_MIN);
    assert_string_equal(fixture_numbers(f), "1 2");
    assert_int_equal(fixture_check_tables(f), 2);
}

/* ---- cursors ---- */

static void a_cursor_is_committed_with_the_data_it_covers(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf out = BUF(CURSOR_BYTES_MAX);
    bool found;

    OK(cursor_get(f->store, "tail", &out, &found, err));
    assert_false(found);
    fixture_begin(f);
    OK(cursor_put(f->txn, "tail", VIEW("one"), err));
    OK(cursor_put(f->txn, "users", VIEW("\0\1"), err));
    OK(cursor_get_in(f->txn, "tail", &out, &found, err));
    assert_true(found && view_is(buf_view(&out), "one"));
    fixture_commit(f);
    fixture_begin(f);
    OK(cursor_put(f->txn, "tail", VIEW("two"), err));
    store_abort(&f->txn);
    fixture_reopen(f, STORE_BYTES_MIN);
    buf_reset(&out);
    OK(cursor_get(f->store, "tail", &out, &found, err));
    assert_true(found && view_is(buf_view(&out), "one"));
    OK(cursor_get(f->store, "users", &out, &found, err));
    assert_true(found && out.len == 5);
}

static void a_cursor_has_at_most_16_kib(void **state)
{
    static const char value[CURSOR_BYTES_MAX + 1];
    struct fixture *f = *state;
    AUTO_BUF struct buf small = BUF(10);
    struct error why;
    bool found;

    fixture_begin(f);
    FAILS(cursor_put(f->txn, "tail", (struct view){ value, sizeof value }, err), ERROR_INVALID_ARGUMENT);
    OK(cursor_put(f->txn, "tail", (struct view){ value, sizeof value - 1 }, err));
    FAILS(cursor_get_in(f->txn, "tail", &small, &found, err), ERROR_INTERNAL);
    fixture_commit(f);
}

static void usage_grows_with_what_is_stored(void **state)
{
    struct fixture *f = *state;
    struct store_usage before, after;

    OK(store_usage(f->store, &before, err));
    fixture_begin(f);
    for (uint32_t i = 0; i < 2000; i++)
        fixture_append(f, i, FIXTURE_T0_MS);
    fixture_commit(f);
    store_reap(f->store);
    OK(store_usage(f->store, &after, err));
    assert_true(after.max_bytes == STORE_BYTES_MIN);
    assert_true(after.bytes > before.bytes + 2000 * 200 && after.bytes < before.bytes + 2000 * 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        ONE(no_other_user_can_read_the_files),
        ONE(a_reopened_store_keeps_its_epoch_and_key),
        ONE(two_stores_differ),
        ONE(a_second_opening_is_refused_with_its_reason),
        ONE(another_process_is_refused_and_told_the_holders_pid),
        ONE(must_exist_creates_nothing),
        ONE(a_newer_format_is_refused),
        ONE(files_that_are_not_lmdb_are_refused),
        ONE(an_opening_that_died_half_way_can_be_repeated),
        ONE(a_full_disk_fails_the_commit_and_nothing_else),
        ONE(a_cursor_is_committed_with_the_data_it_covers),
        ONE(a_cursor_has_at_most_16_kib),
        ONE(usage_grows_with_what_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(another_programs_files_are_refused, foreign_rows);
}
