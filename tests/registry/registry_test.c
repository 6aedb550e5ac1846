#include "base/mem.h"
#include "registry/registry.h"
#include "store/store.h"
#include "tests/store/fixture.h"

#include <dirent.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN "00aVerySecretToken-xyzzy"

/* The fixture's folder, and the path of a data folder in it that does not exist yet. */
struct data {
    struct fixture *f;
    char dir[600], key_file[600];
    struct registry *r;
};

static bool open_with(struct data *d, const char *key_file, struct error *err)
{
    const struct registry_options options = { .data_dir = d->dir, .seal_key_file = key_file };

    return registry_open(&d->r, &options, err);
}

static void reopen(struct data *d)
{
    registry_close(d->r);
    d->r = NULL;
    OK(open_with(d, NULL, err));
}

static int setup(void **state)
{
    struct data *d = calloc(1, sizeof *d);

    fixture_setup((void **)&d->f);
    snprintf(d->dir, sizeof d->dir, "%s/some/where", d->f->dir);
    snprintf(d->key_file, sizeof d->key_file, "%s/key", d->f->dir);
    OK(open_with(d, NULL, err));
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct data *d = *state;

    registry_close(d->r);
    fixture_teardown((void **)&d->f);
    free(d);
    return 0;
}

static struct registry_entry entry_of(const char *name)
{
    struct registry_entry e = {
        .org_id = "00o1a2b3",
        .org_url = "https://acme.okta.com",
        .is_retired = true,
        .collections = 6,
        .history_days = 30,
        .retention_days = 90,
        .created_unix_ms = 1770000000001,
        .changed_unix_ms = 1770000000002,
        .history_from_unix_ms = 1770000000003,
        .credential_set_unix_ms = 1770000000004,
    };

    snprintf(e.name, sizeof e.name, "%s", name);
    return e;
}

static void put(struct data *d, const char *name, struct view secret)
{
    struct registry_entry e = entry_of(name);

    OK(registry_put(d->r, &e, secret, err));
}

static void has_secret(struct data *d, const char *name, const char *want)
{
    AUTO_BUF struct buf out = BUF(REGISTRY_SECRET_MAX);
    struct registry_entry e;
    struct error why;

    OK(registry_get(d->r, name, &e, err));
    assert_int_equal(e.has_secret, want != NULL);
    if (want == NULL) {
        FAILS(registry_secret(d->r, name, &out, err), ERROR_NOT_FOUND);
        return;
    }
    OK(registry_secret(d->r, name, &out, err));
    assert_string_equal(buf_cstr(&out), want);
}

static void write_file(const char *path, const void *at, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(at, 1, len, file), len);
    fclose(file);
}

/* ---- entries ---- */

static void an_entry_reads_back_as_written(void **state)
{
    struct data *d = *state;
    struct registry_entry want = entry_of("acme"), got;

    put(d, "acme", VIEW(TOKEN));
    reopen(d);
    OK(registry_get(d->r, "acme", &got, err));
    assert_string_equal(got.name, "acme");
    assert_string_equal(got.org_id, want.org_id);
    assert_string_equal(got.org_url, want.org_url);
    assert_true(got.is_retired && !got.is_declared && got.has_secret && got.collections == 6);
    assert_true(got.history_days == 30 && got.retention_days == 90);
    assert_true(got.created_unix_ms == want.created_unix_ms && got.changed_unix_ms == want.changed_unix_ms);
    assert_true(got.history_from_unix_ms == want.history_from_unix_ms);
    assert_true(got.credential_set_unix_ms == want.credential_set_unix_ms);
    has_secret(d, "acme", TOKEN);
}

static void a_put_without_a_secret_keeps_the_stored_one(void **state)
{
    struct data *d = *state;

    put(d, "acme", VIEW_NONE);
    has_secret(d, "acme", NULL);
    put(d, "acme", VIEW(TOKEN));
    put(d, "acme", VIEW_NONE);
    has_secret(d, "acme", TOKEN);
    put(d, "acme", VIEW("other"));
    has_secret(d, "acme", "other");
}

static void entries_are_listed_by_name_and_removed(void **state)
{
    struct data *d = *state;
    struct registry_entry entries[REGISTRY_CONNECTORS_MAX];
    struct error why;
    size_t count;

    OK(registry_list(d->r, entries, &count, err));
    assert_int_equal(count, 0);
    put(d, "beta", VIEW(TOKEN));
    put(d, "alpha", VIEW_NONE);
    OK(registry_list(d->r, entries, &count, err));
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].name, "alpha");
    assert_string_equal(entries[1].name, "beta");
    OK(registry_remove(d->r, "alpha", err));
    FAILS(registry_remove(d->r, "alpha", err), ERROR_NOT_FOUND);
    assert_string_equal(why.reason, "NO_SUCH_CONNECTOR");
    FAILS(registry_get(d->r, "alpha", &entries[0], err), ERROR_NOT_FOUND);
    assert_string_equal(why.reason, "NO_SUCH_CONNECTOR");
    OK(registry_list(d->r, entries, &count, err));
    assert_int_equal(count, 1);
}

static void there_are_at_most_64(void **state)
{
    struct data *d = *state;
    struct registry_entry e;
    struct error why;
    char name[32];

    for (int i = 0; i < REGISTRY_CONNECTORS_MAX; i++) {
        snprintf(name, sizeof name, "org-%d", i);
        put(d, name, VIEW_NONE);
    }
    e = entry_of("one-more");
    FAILS(registry_put(d->r, &e, VIEW_NONE, err), ERROR_RESOURCE_EXHAUSTED);
    put(d, "org-5", VIEW(TOKEN)); /* an existing one can still be changed */
}

static void a_secret_has_at_most_8_kib(void **state)
{
    static char bytes[REGISTRY_SECRET_MAX + 1];
    struct data *d = *state;
    struct registry_entry e = entry_of("acme");
    AUTO_BUF struct buf out = BUF(REGISTRY_SECRET_MAX);
    struct error why;

    memset(bytes, 's', sizeof bytes);
    FAILS(registry_put(d->r, &e, (struct view){ bytes, sizeof bytes }, err), ERROR_INVALID_ARGUMENT);
    OK(registry_put(d->r, &e, (struct view){ bytes, sizeof bytes - 1 }, err));
    OK(registry_secret(d->r, "acme", &out, err));
    assert_int_equal(out.len, REGISTRY_SECRET_MAX);
    e.name[0] = '\0';
    FAILS(registry_put(d->r, &e, VIEW_NONE, err), ERROR_INVALID_ARGUMENT);
}

static void forgetting_a_secret_keeps_the_entry(void **state)
{
    struct data *d = *state;
    struct error why;

    put(d, "acme", VIEW(TOKEN));
    OK(registry_forget_secret(d->r, "acme", err));
    has_secret(d, "acme", NULL);
    reopen(d);
    has_secret(d, "acme", NULL);
    FAILS(registry_forget_secret(d->r, "none", err), ERROR_NOT_FOUND);
}

/* ---- the seal ---- */

static void no_file_holds_the_secret(void **state)
{
    struct data *d = *state;
    static char bytes[1 << 20];
    char path[700];
    size_t len;
    FILE *file;

    put(d, "acme", VIEW(TOKEN));
    snprintf(path, sizeof path, "%s/registry/data.mdb", d->dir);
    file = fopen(path, "r");
    assert_non_null(file);
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(len > 8192 && len < sizeof bytes);
    assert_non_null(memmem(bytes, len, "acme.okta.com", 13)); /* this is the right file */
    assert_null(memmem(bytes, len, TOKEN + 2, 10));
}

/* Copies one record under another name, as an attacker with the file but without the key might. */
static void copy_record(struct data *d, const char *from, const char *to)
{
    MDB_val k = { strlen(from), (void *)(uintptr_t)from }, v, copy;
    AUTO_FREE void *bytes = NULL;
    char path[700];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    snprintf(path, sizeof path, "%s/registry", d->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 8);
    assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "connectors", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
    bytes = mem_copy(v.mv_data, v.mv_size);
    copy = (MDB_val){ v.mv_size, bytes };
    k = (MDB_val){ strlen(to), (void *)(uintptr_t)to };
    assert_int_equal(mdb_put(txn, dbi, &k, &copy, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_secret_does_not_open_under_another_name(void **state)
{
    struct data *d = *state;
    AUTO_BUF struct buf out = BUF(REGISTRY_SECRET_MAX);
    struct error why;

    put(d, "acme", VIEW(TOKEN));
    registry_close(d->r);
    copy_record(d, "acme", "evil");
    copy_record(d, "acme", "ac"); /* a prefix of the right name */
    OK(open_with(d, NULL, err));
    has_secret(d, "acme", TOKEN);
    FAILS(registry_secret(d->r, "evil", &out, err), ERROR_DATA_LOSS);
    FAILS(registry_secret(d->r, "ac", &out, err), ERROR_DATA_LOSS);
    assert_int_equal(out.len, 0);
}

static void a_new_key_is_readable_by_its_owner_alone(void **state)
{
    struct data *d = *state;
    char path[700];
    struct stat st;

    snprintf(path, sizeof path, "%s/seal.key", d->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(stat(d->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static const char key_a[] = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef\n";
static const char key_a_bytes[] = "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
                                  "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";

static const char key_long[4096];

static const struct key_row {
    const char *name, *content;
    size_t len;
    enum error_code want;
} key_rows[] = {
    { "64 digits", key_a, 64, ERROR_OK },
    { "64 digits and a line end", key_a, 65, ERROR_OK },
    { "the same as 32 bytes", key_a_bytes, 32, ERROR_OK },
    { "another key", "abcdefghijklmnopqrstuvwxyz012345", 32, ERROR_FAILED_PRECONDITION },
    { "too short", key_a_bytes, 31, ERROR_FAILED_PRECONDITION },
    { "not digits", "x123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64, ERROR_FAILED_PRECONDITION },
    { "empty", "", 0, ERROR_FAILED_PRECONDITION },
    { "far too long", key_long, sizeof key_long, ERROR_FAILED_PRECONDITION },
};

/* Seals with key_a, then opens with the row's key. */
static void key(void **state)
{
    const struct key_row *row = *state;
    struct error why = { 0 };
    struct data *d;

    setup((void **)&d);
    write_file(d->key_file, key_a, 64);
    registry_close(d->r);
    OK(open_with(d, d->key_file, err));
    put(d, "acme", VIEW(TOKEN));
    registry_close(d->r);
    d->r = NULL;
    write_file(d->key_file, row->content, row->len);
    if (row->want == ERROR_OK) {
        OK(open_with(d, d->key_file, err));
        has_secret(d, "acme", TOKEN);
    } else {
        FAILS(open_with(d, d->key_file, err), row->want);
        assert_non_null(strstr(why.text, "key"));
    }
    teardown((void **)&d);
}

static void a_missing_key_is_not_replaced_beside_secrets(void **state)
{
    struct data *d = *state;
    struct error why;
    char path[700];
    struct stat st;

    put(d, "acme", VIEW(TOKEN));
    registry_close(d->r);
    d->r = NULL;
    snprintf(path, sizeof path, "%s/seal.key", d->dir);
    assert_int_equal(unlink(path), 0);
    FAILS(open_with(d, NULL, err), ERROR_FAILED_PRECONDITION);
    assert_string_equal(why.reason, "SEAL_KEY_MISSING");
    assert_int_not_equal(stat(path, &st), 0);
}

static void without_secrets_any_key_will_do(void **state)
{
    struct data *d = *state;
    struct error why;

    put(d, "acme", VIEW(TOKEN));
    OK(registry_forget_secret(d->r, "acme", err));
    registry_close(d->r);
    write_file(d->key_file, key_a, 64);
    OK(open_with(d, d->key_file, err));
    put(d, "acme", VIEW("new"));
    registry_close(d->r);
    d->r = NULL;
    FAILS(open_with(d, NULL, err), ERROR_FAILED_PRECONDITION); /* from then on, that key is the right one */
    assert_string_equal(why.reason, "SEAL_KEY_WRONG");
}

static void a_missing_key_file_is_reported(void **state)
{
    struct data *d = *state;
    struct error why;

    registry_close(d->r);
    d->r = NULL;
    FAILS(open_with(d, d->key_file, err), ERROR_NOT_FOUND);
    assert_non_null(strstr(why.text, d->key_file));
}

/* ---- the folder ---- */

static void a_second_process_is_told_the_holders_pid(void **state)
{
    struct data *d = *state;
    char pid[32];
    int status;
    pid_t child;

    snprintf(pid, sizeof pid, "process %d has", (int)getpid());
    child = fork();
    if (child == 0) {
        struct error why = { 0 };
        bool is_open = open_with(d, NULL, &why);

        _exit(!is_open && why.code == ERROR_FAILED_PRECONDITION && strstr(why.text, pid) != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static const struct org_row {
    const char *name, *org_id;
    bool is_fine;
} org_rows[] = {
    { "an org id", "00o1a2b3C4_-", true },
    { "64 bytes", "0123456789012345678901234567890123456789012345678901234567890123", true },
    { "65 bytes", "01234567890123456789012345678901234567890123456789012345678901234", false },
    { "nothing", "", false },
    { "up", "..", false },
    { "a path", "a/b", false },
    { "hidden", ".purge-1", false },
    { "a blank", "a b", false },
};

static void org_id(void **state)
{
    const struct org_row *row = *state;
    AUTO_BUF struct buf out = BUF(2000);
    struct error why;
    struct data *d;

    setup((void **)&d);
    if (row->is_fine) {
        OK(registry_store_dir(d->r, row->org_id, &out, err));
        assert_true(view_starts(buf_view(&out), d->dir));
        assert_true(view_ends(buf_view(&out), row->org_id));
    } else {
        FAILS(registry_store_dir(d->r, row->org_id, &out, err), ERROR_INVALID_ARGUMENT);
        FAILS(registry_purge_store(d->r, row->org_id, err), ERROR_INVALID_ARGUMENT);
    }
    teardown((void **)&d);
}

static void open_store(struct data *d, const char *org, struct store **store)
{
    AUTO_BUF struct buf dir = BUF(2000);

    OK(registry_store_dir(d->r, org, &dir, err));
    OK(store_open(store, &(struct store_options){ .dir = buf_cstr(&dir), .max_bytes = STORE_BYTES_MIN }, err));
}

static unsigned names_in(struct data *d, const char *sub)
{
    unsigned count = 0;
    struct dirent *entry;
    char path[700];
    DIR *dir;

    snprintf(path, sizeof path, "%s/%s", d->dir, sub);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static void a_purge_removes_one_store_and_no_other(void **state)
{
    struct data *d = *state;
    struct store *one, *two;
    struct error why;

    open_store(d, "one", &one);
    open_store(d, "two", &two);
    assert_int_equal(names_in(d, "orgs"), 2);
    FAILS(registry_purge_store(d->r, "one", err), ERROR_FAILED_PRECONDITION); /* refused: it is open */
    store_close(one);
    OK(registry_purge_store(d->r, "one", err));
    assert_int_equal(names_in(d, "orgs"), 1);
    OK(registry_purge_store(d->r, "one", err)); /* again: it is gone already, which is the goal */
    open_store(d, "one", &one);
    assert_string_not_equal(store_epoch(one), store_epoch(two));
    store_close(one);
    store_close(two);
}

static void an_interrupted_purge_is_finished_at_the_next_opening(void **state)
{
    struct data *d = *state;
    char path[700], outside[700], inside[700];
    struct stat st;

    snprintf(path, sizeof path, "%s/orgs/.purge-00ff", d->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/orgs/.purge-00ff/deep", d->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/orgs/.purge-00ff/deep/data.mdb", d->dir);
    write_file(path, "x", 1);
    /* A symbolic link in it is removed, not followed. */
    snprintf(outside, sizeof outside, "%s/outside", d->f->dir);
    assert_int_equal(mkdir(outside, 0700), 0);
    snprintf(inside, sizeof inside, "%s/outside/file", d->f->dir);
    write_file(inside, "x", 1);
    snprintf(path, sizeof path, "%s/orgs/.purge-00ff/link", d->dir);
    assert_int_equal(symlink(outside, path), 0);
    snprintf(path, sizeof path, "%s/orgs/00okeep", d->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    reopen(d);
    assert_int_equal(names_in(d, "orgs"), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(stat(inside, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        ONE(an_entry_reads_back_as_written),
        ONE(a_put_without_a_secret_keeps_the_stored_one),
        ONE(entries_are_listed_by_name_and_removed),
        ONE(there_are_at_most_64),
        ONE(a_secret_has_at_most_8_kib),
        ONE(forgetting_a_secret_keeps_the_entry),
        ONE(no_file_holds_the_secret),
        ONE(a_secret_does_not_open_under_another_name),
        ONE(a_new_key_is_readable_by_its_owner_alone),
        ONE(a_missing_key_is_not_replaced_beside_secrets),
        ONE(without_secrets_any_key_will_do),
        ONE(a_missing_key_file_is_reported),
        ONE(a_second_process_is_told_the_holders_pid),
        ONE(a_purge_removes_one_store_and_no_other),
        ONE(an_interrupted_purge_is_finished_at_the_next_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(key, key_rows) + RUN_ROWS(org_id, org_rows);
}
