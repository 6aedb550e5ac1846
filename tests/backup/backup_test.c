/* Backups of a folder whose writer keeps writing are restored and compared with what was written. Damage in a backup
 * and in a live store is found. */
#include "backup/backup.h"
#include "base/mem.h"
#include "registry/registry.h"
#include "store/bytes.h"
#include "store/directory.h"
#include "tests/store/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BACKUPS 20 /* a fork is slow under these sanitizers */
#else
#define BACKUPS 100
#endif
#define RESTORES        20 /* backups that are restored; each is verified */
#define PER_TXN         20
#define TXNS_PER_BACKUP 10 /* written during each backup: the writer neither stops nor runs away */
#define ORG             "00o1"
#define NUMBER_AT       13
#define HISTORY         UINT32_C(0x80000000) /* events with numbers from here on are back-filled */

struct world {
    struct fixture *f; /* its store is DATA_DIR/orgs/00o1 */
    char data[600], backup[600], restored[600];
    unsigned problems;
    char problem[1024]; /* the last one reported */
};

static void put_user(struct fixture *f, unsigned number)
{
    char id[32], login[64];
    struct directory_row row = { .facets = 1, .encoded = VIEW("\x0a\x03usr") };
    bool changed;

    snprintf(id, sizeof id, "00u%u", number);
    snprintf(login, sizeof login, "user%u@acme.example", number);
    row.id = view_of(id);
    row.alias = view_of(login);
    OK(directory_put(f->txn, 1 /* users */, &row, &changed, err));
}

static int setup(void **state)
{
    const struct registry_entry entry = { .name = "acme", .org_id = ORG, .org_url = "https://acme.okta.com" };
    struct world *w = mem_zero(sizeof *w);
    struct registry *r;

    /* This makes some two thousand syncs. Use a folder in memory if possible, as no test here is about power failure.
     */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TEST_TMPDIR", "/dev/shm", 1);
    fixture_setup((void **)&w->f);
    store_close(w->f->store);
    w->f->store = NULL;
    snprintf(w->data, sizeof w->data, "%s/data", w->f->dir);
    snprintf(w->backup, sizeof w->backup, "%s/backup", w->f->dir);
    snprintf(w->restored, sizeof w->restored, "%s/restored", w->f->dir);
    snprintf(w->f->store_dir, sizeof w->f->store_dir, "%s/data/orgs/" ORG, w->f->dir);
    OK(registry_open(&r, &(struct registry_options){ .data_dir = w->data }, err));
    OK(registry_put(r, &entry, VIEW("00aTokenNotReal"), err));
    registry_close(r);
    fixture_open(w->f, STORE_BYTES_MIN);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    void *f = w->f;

    fixture_teardown(&f);
    free(w);
    return 0;
}

static void hear(void *ctx, const char *sentence)
{
    struct world *w = ctx;

    w->problems++;
    snprintf(w->problem, sizeof w->problem, "%s", sentence);
}

static struct verify_listener listener(struct world *w)
{
    w->problems = 0;
    return (struct verify_listener){ hear, NULL, w };
}

static bool make(struct world *w, struct backup_result *result, struct error *err)
{
    const struct verify_listener to = listener(w);
    const struct backup_options options = {
        .data_dir = w->data, .dir = w->backup, .program = "a test", .now_unix_ms = 1000, .listener = &to
    };

    return backup_make(&options, result, err);
}

static bool restore(struct world *w, struct backup_result *result, struct error *err)
{
    const struct verify_listener to = listener(w);
    const struct backup_options options = { .data_dir = w->restored, .dir = w->backup, .listener = &to };

    return backup_restore(&options, result, err);
}

static void remove_tree(const char *path)
{
    char command[700];

    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* ---- a writer that keeps writing ---- */

static void write_some(struct fixture *f, uint32_t *number)
{
    fixture_begin(f);
    for (uint32_t i = 0; i < PER_TXN; i++, (*number)++) {
        if (i % 5 == 4)
            fixture_prepend(f, HISTORY + *number / 5, FIXTURE_T0_MS - *number);
        else
            fixture_append(f, *number, FIXTURE_T0_MS + *number);
        if (i == 0)
            put_user(f, *number % 500);
    }
    fixture_commit(f);
}

struct writer {
    pid_t child;
    int wishes, reports;
};

static void write_on_wishes(struct world *w, int wishes, int reports)
{
    uint32_t number = 0;
    char wish;

    fixture_open(w->f, STORE_BYTES_MIN * 8);
    while (read(wishes, &wish, 1) == 1)
        for (int i = 0; i < TXNS_PER_BACKUP; i++) {
            write_some(w->f, &number);
            if (write(reports, &number, sizeof number) != sizeof number)
                _exit(1);
        }
    _exit(0);
}

static struct writer start_writer(struct world *w)
{
    int wishes[2], reports[2];
    struct writer writer;

    assert_int_equal(pipe(wishes), 0);
    assert_int_equal(pipe(reports), 0);
    writer = (struct writer){ fork(), wishes[1], reports[0] };
    if (writer.child == 0) {
        close(wishes[1]);
        close(reports[0]);
        write_on_wishes(w, wishes[0], reports[1]);
    }
    close(wishes[0]);
    close(reports[1]);
    return writer;
}

/* Lets the writer go on, waits until it has begun, and returns the last number that it reported as committed. */
static uint32_t committed(const struct writer *writer)
{
    struct pollfd waiting = { .fd = writer->reports, .events = POLLIN };
    int reports = writer->reports;
    uint32_t number = 0;

    assert_int_equal(write(writer->wishes, "", 1), 1);

    do
        assert_int_equal(read(reports, &number, sizeof number), sizeof number);
    while (poll(&waiting, 1, 0) > 0);
    return number;
}

struct numbers {
    uint32_t live, history; /* how many */
    bool is_prefix;
};

static bool look_at(void *ctx, const struct journal_record *r)
{
    struct numbers *n = ctx;
    uint32_t number = bytes_u32((const unsigned char *)r->encoded.at + NUMBER_AT);

    if (number >= HISTORY) {
        n->history++; /* history ascends in sequence and descends in number */
        n->is_prefix &= n->live == 0;
    } else {
        n->is_prefix &= number == n->live / 4 * 5 + n->live % 4; /* every fifth number is in history */
        n->live++;
    }
    return true;
}

/* The restored store holds exactly what was committed up to some moment, which is not before number `at_least`. */
static void check_restored(struct world *w, uint32_t at_least)
{
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX };
    char dir[700];
    struct store_options options = { .dir = dir, .max_bytes = STORE_BYTES_MIN * 8, .must_exist = true };
    struct numbers n = { .is_prefix = true };
    struct store *s;

    snprintf(dir, sizeof dir, "%s/orgs/" ORG, w->restored);
    OK(store_open(&s, &options, err));
    OK(journal_scan(s, &all, look_at, &n, err));
    assert_true(n.is_prefix);
    assert_int_equal((n.live + n.history) % PER_TXN, 0);
    assert_int_equal(n.live, n.history * 4);
    assert_true(n.live + n.history >= at_least);
    store_close(s);
}

static void a_hundred_backups_beside_a_writer_are_whole(void **state)
{
    struct world *w = *state;
    struct backup_result result;
    struct verify_result found;
    const struct verify_listener to = listener(w);
    struct writer writer;
    int status;

    store_close(w->f->store);
    w->f->store = NULL;
    writer = start_writer(w);
    for (unsigned i = 0; i < BACKUPS; i++) {
        uint32_t before = committed(&writer);

        OK(make(w, &result, err));
        assert_true(result.events >= before && result.stores == 1 && w->problems == 0);
        if (i % (BACKUPS / RESTORES) == 0) {
            OK(restore(w, &result, err));
            check_restored(w, before);
            OK(verify_data_dir(w->restored, NULL, &to, &found, err));
            assert_int_equal(found.problems, 0);
            remove_tree(w->restored);
        }
        remove_tree(w->backup);
    }
    OK(verify_data_dir(w->data, NULL, &to, &found, err));
    assert_int_equal(found.problems, 0);
    close(writer.wishes);
    kill(writer.child, SIGKILL);
    assert_int_equal(waitpid(writer.child, &status, 0), writer.child);
    close(writer.reports);
}

/* ---- epochs ---- */

static void each_restore_has_a_new_epoch(void **state)
{
    struct world *w = *state;
    char epochs[3][STORE_EPOCH_SIZE], dir[700];
    struct store_options options = { .dir = dir, .max_bytes = STORE_BYTES_MIN, .must_exist = true };
    struct backup_result result;

    memcpy(epochs[0], store_epoch(w->f->store), STORE_EPOCH_SIZE);
    OK(make(w, &result, err));
    for (int i = 1; i < 3; i++) {
        struct store *s;

        OK(restore(w, &result, err));
        snprintf(dir, sizeof dir, "%s/orgs/" ORG, w->restored);
        OK(store_open(&s, &options, err));
        memcpy(epochs[i], store_epoch(s), STORE_EPOCH_SIZE);
        assert_memory_equal(store_hash_key(s), store_hash_key(w->f->store), STORE_HASH_KEY_SIZE);
        store_close(s);
        remove_tree(w->restored);
    }
    assert_string_not_equal(epochs[0], epochs[1]);
    assert_string_not_equal(epochs[0], epochs[2]);
    assert_string_not_equal(epochs[1], epochs[2]);
}

static void an_interrupted_restore_keeps_the_server_away_and_can_be_repeated(void **state)
{
    struct world *w = *state;
    struct backup_result result;
    struct registry *r;
    struct error why;
    char half[700];

    OK(make(w, &result, err));
    OK(restore(w, &result, err));
    snprintf(half, sizeof half, "%s/.restore", w->restored);
    assert_int_equal(mkdir(half, 0700), 0); /* as if the restore had died before its last step */
    FAILS(registry_open(&r, &(struct registry_options){ .data_dir = w->restored }, err), ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(why.text, "was interrupted"));
    OK(restore(w, &result, err));
    OK(registry_open(&r, &(struct registry_options){ .data_dir = w->restored }, err));
    registry_close(r);
}

static void the_partial_folder_of_a_dead_process_is_taken_over(void **state)
{
    struct world *w = *state;
    struct backup_result result;
    struct error why;
    char partial[700], inside[800];
    int fd;

    snprintf(partial, sizeof partial, "%s.partial", w->backup);
    snprintf(inside, sizeof inside, "%s/orgs", partial);
    assert_int_equal(mkdir(partial, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    OK(make(w, &result, err));
    FAILS(make(w, &result, err), ERROR_ALREADY_EXISTS);
    fd = open(w->backup, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0 && access(partial, F_OK) != 0);
    close(fd);
}

/* ---- what a failed backup says ---- */

/* Each prepares a reason for backup_make to fail. */
typedef void obstacle(struct world *w);

static void partial_is_locked(struct world *w)
{
    char partial[700];
    int fd;

    snprintf(partial, sizeof partial, "%s.partial", w->backup);
    assert_int_equal(mkdir(partial, 0700), 0);
    fd = open(partial, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* the descriptor lives as long as the process */
}

/* A tree deeper than any of ours is never removed. */
static void partial_cannot_be_removed(struct world *w)
{
    char path[800];
    size_t len = (size_t)snprintf(path, sizeof path, "%s.partial", w->backup);

    assert_int_equal(mkdir(path, 0700), 0);
    for (int depth = 0; depth < 12; depth++) {
        len += (size_t)snprintf(path + len, sizeof path - len, "/d");
        assert_int_equal(mkdir(path, 0700), 0);
    }
}

static void registry_has_no_table(struct world *w)
{
    char dir[700];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi connectors;

    snprintf(dir, sizeof dir, "%s/registry", w->data);
    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 8);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "connectors", 0, &connectors), 0);
    assert_int_equal(mdb_drop(txn, connectors, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* A copy may not grow beyond one page, which it sees as it sees a full disk. */
static void files_may_not_grow(struct world *w)
{
    struct rlimit limit;

    (void)w;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void files_may_grow_again(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static const struct failure_row {
    const char *name;
    obstacle *arrange;
    const char *cause, *detail; /* both are in the error */
} failures[] = {
    { "another backup is under way", partial_is_locked, "is under way", "backup.partial is locked" },
    { "what is left over cannot be removed", partial_cannot_be_removed, "could not be removed either (remove",
      "folders too deep" },
    { "a table is missing, in LMDB's words", registry_has_no_table, "registry: its tables are missing or damaged",
      "MDB_NOTFOUND" },
    { "a file may not grow, in the system's words", files_may_not_grow, "no space left on the disk", "File too large" },
};

static void a_failed_backup_names_its_cause(void **state)
{
    const struct failure_row *row = *state;
    struct backup_result result;
    struct error why = { 0 };
    bool is_made;
    void *world;

    setup(&world);
    row->arrange(world);
    is_made = make(world, &result, &why);
    files_may_grow_again();
    assert_false(is_made);
    if (strstr(why.text, row->cause) == NULL || strstr(why.text, row->detail) == NULL)
        fail_msg("%s", why.text);
    teardown(&world);
}

/* ---- damage in a live store ---- */

/* Changes a table of the store as no program of ours would. */
typedef void harm(MDB_txn *txn);

static MDB_dbi table(MDB_txn *txn, const char *name)
{
    MDB_dbi t;

    assert_int_equal(mdb_dbi_open(txn, name, 0, &t), 0);
    return t;
}

static void change_first(MDB_txn *txn, const char *name, size_t at, unsigned char by)
{
    unsigned char copy[8192];
    MDB_cursor *cursor;
    MDB_val k, v;

    assert_int_equal(mdb_cursor_open(txn, table(txn, name), &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &k, &v, MDB_FIRST), 0);
    assert_true(v.mv_size <= sizeof copy && at < v.mv_size);
    memcpy(copy, v.mv_data, v.mv_size);
    copy[at] ^= by;
    v.mv_data = copy;
    assert_int_equal(mdb_cursor_put(cursor, &k, &v, MDB_CURRENT), 0);
    mdb_cursor_close(cursor);
}

static void delete_first(MDB_txn *txn, const char *name)
{
    MDB_cursor *cursor;
    MDB_val k, v;

    assert_int_equal(mdb_cursor_open(txn, table(txn, name), &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &k, &v, MDB_FIRST), 0);
    assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
}

static void put_raw(MDB_txn *txn, const char *name, const char *key, size_t key_len, const char *value, size_t len)
{
    MDB_val k = { key_len, (void *)(uintptr_t)key }, v = { len, (void *)(uintptr_t)value };

    assert_int_equal(mdb_put(txn, table(txn, name), &k, &v, 0), 0);
}

static void change_state(MDB_txn *txn, int word, uint64_t by)
{
    MDB_val k = { 5, (void *)(uintptr_t) "state" }, v;
    unsigned char copy[88];

    assert_int_equal(mdb_get(txn, table(txn, "meta"), &k, &v), 0);
    memcpy(copy, v.mv_data, sizeof copy);
    bytes_put_u64(copy + word * 8, bytes_u64(copy + word * 8) + by);
    put_raw(txn, "meta", "state", 5, (const char *)copy, sizeof copy);
}

static void header_version(MDB_txn *txn)
{
    change_first(txn, "events", 0, 7);
}
static void watermark(MDB_txn *txn)
{
    change_first(txn, "events", 16 + 7, 0x40);
}
static void identity_bytes(MDB_txn *txn)
{
    change_first(txn, "events", 30, 1);
}
static void own_number(MDB_txn *txn)
{
    change_first(txn, "events", 104 + 5, 1);
}
static void frame(MDB_txn *txn)
{
    change_first(txn, "events", 104 + 1, 1);
}
static void type_number(MDB_txn *txn)
{
    change_first(txn, "events", 44, 0x7f);
}
static void history_mark(MDB_txn *txn)
{
    change_first(txn, "history", 16 + 7, 0x80);
}
static void event_gone(MDB_txn *txn)
{
    delete_first(txn, "events");
}
static void history_gone(MDB_txn *txn)
{
    delete_first(txn, "history");
}
static void identity_gone(MDB_txn *txn)
{
    delete_first(txn, "identity");
}
static void identity_elsewhere(MDB_txn *txn)
{
    change_first(txn, "identity", 0, 1);
}
static void identity_too_many(MDB_txn *txn)
{
    put_raw(txn, "identity",
            "\x03"
            "0123456789abcdef",
            17, "12345678", 8);
}
static void type_gone(MDB_txn *txn)
{
    delete_first(txn, "types");
}
static void user_header(MDB_txn *txn)
{
    change_first(txn, "users", 0, 7);
}
static void user_change(MDB_txn *txn)
{
    change_first(txn, "users", 32, 3);
}
static void user_gone(MDB_txn *txn)
{
    delete_first(txn, "users");
}
static void alias_gone(MDB_txn *txn)
{
    delete_first(txn, "users_alias");
}
static void change_gone(MDB_txn *txn)
{
    delete_first(txn, "changes");
}
static void count_wrong(MDB_txn *txn)
{
    put_raw(txn, "meta", "rows.1", 6, "\x63\0\0\0\0\0\0\0", 8);
}
static void epoch_short(MDB_txn *txn)
{
    put_raw(txn, "meta", "epoch", 5, "short", 5);
}
static void format_new(MDB_txn *txn)
{
    put_raw(txn, "meta", "format", 6, "\x09\0\0\0", 4);
}
static void head_wrong(MDB_txn *txn)
{
    change_state(txn, 0, 1);
}
static void history_wrong(MDB_txn *txn)
{
    change_state(txn, 1, (uint64_t)-1);
}
static void pruned_wrong(MDB_txn *txn)
{
    change_state(txn, 4, 1);
}
static void backfilled_wrong(MDB_txn *txn)
{
    change_state(txn, 5, 1);
}
static void state_mark(MDB_txn *txn)
{
    change_state(txn, 6, 1);
}

static const struct harm_row {
    const char *name;
    harm *harm;
    const char *told;
} harms[] = {
    { "an event's header", header_version, "event 1000000000000: its header is damaged" },
    { "a watermark", watermark, "watermark is lower than the one before" },
    { "an identity in an event", identity_bytes, "its identity is not in the table" },
    { "an event's own number", own_number, "another sequence" },
    { "an event's length", frame, "its encoding is damaged" },
    { "an event type's number", type_number, "event type" },
    { "a watermark of history", history_mark, "watermark" },
    { "an event is gone", event_gone, "1000000000000 is missing" },
    { "an event of history is gone", history_gone, "999999999999 is missing" },
    { "an identity is gone", identity_gone, "its identity is not in the table" },
    { "an identity points elsewhere", identity_elsewhere, "points to another event" },
    { "an identity of no event", identity_too_many, "is not its event" },
    { "an event type is gone", type_gone, "types" },
    { "a user's header", user_header, "its header is damaged" },
    { "a user's change", user_change, "not on the line of changes" },
    { "a user is gone", user_gone, "entries for" },
    { "an alias is gone", alias_gone, "not found under its alias" },
    { "a change is gone", change_gone, "not on the line of changes" },
    { "the count of users", count_wrong, "the stored count says 99" },
    { "the epoch", epoch_short, "epoch" },
    { "the format", format_new, "newer version" },
    { "the head", head_wrong, "1000000000016 is missing" },
    { "the end of history", history_wrong, "is missing" },
    { "the count of what was removed", pruned_wrong, "events removed" },
    { "the count of what was back-filled", backfilled_wrong, "back-filled" },
    { "the state's watermark", state_mark, "watermark" },
};

struct told {
    struct world *w;
    const char *want;
    bool is_there;
};

static void hear_all(void *ctx, const char *sentence)
{
    struct told *t = ctx;

    hear(t->w, sentence);
    t->is_there |= strstr(sentence, t->want) != NULL;
}

static void with_store_open(struct world *w, harm *change)
{
    MDB_env *env;
    MDB_txn *txn;

    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, 32);
    assert_int_equal(mdb_env_open(env, w->f->store_dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    change(txn);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void verify_reports_the_damage(void **state)
{
    const struct harm_row *row = *state;
    struct verify_result found;
    struct told told = { .want = row->told };
    const struct verify_listener to = { hear_all, NULL, &told };
    struct backup_result result;
    struct error why;
    uint32_t number = 0;
    void *world;

    setup(&world);
    told.w = world;
    write_some(told.w->f, &number);
    store_close(told.w->f->store);
    told.w->f->store = NULL;
    OK(verify_data_dir(told.w->data, NULL, &to, &found, err));
    assert_int_equal(found.problems, 0);
    assert_int_equal(found.events, PER_TXN);
    with_store_open(told.w, row->harm);
    OK(verify_data_dir(told.w->data, NULL, &to, &found, err));
    if (found.problems == 0 || !told.is_there)
        fail_msg("%llu problems, the last: %s", (unsigned long long)found.problems, told.w->problem);
    /* A damaged store is not turned into a backup. */
    assert_false(make(told.w, &result, &why));
    assert_int_not_equal(access(told.w->backup, F_OK), 0);
    teardown(&world);
}

/* Overwritten pages, and a file that is cut off: whatever LMDB does with them, we survive and report it. */
static void pages_of_garbage_are_reported(void **state)
{
    struct world *w = *state;
    const struct verify_listener to = listener(w);
    struct verify_result found;
    char path[800], garbage[4096];
    unsigned told = 0, rounds = 0;
    uint32_t number = 0;
    off_t size;
    int fd;

    for (int i = 0; i < 20; i++)
        write_some(w->f, &number);
    store_close(w->f->store);
    w->f->store = NULL;
    snprintf(path, sizeof path, "%s/data.mdb", w->f->store_dir);
    memset(garbage, 0xa5, sizeof garbage);
    fd = open(path, O_RDWR);
    size = lseek(fd, 0, SEEK_END);
    for (off_t at = 2 * 4096; at < size; at += 7 * 4096, rounds++) {
        char was[4096];

        assert_int_equal(pread(fd, was, sizeof was, at), sizeof was);
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, at), sizeof garbage);
        OK(verify_data_dir(w->data, NULL, &to, &found, err));
        told += found.problems > 0;
        assert_int_equal(pwrite(fd, was, sizeof was, at), sizeof was);
    }
    /* The rounds without a problem hit free pages. */
    assert_true(rounds > 3 && told > 0);
    OK(verify_data_dir(w->data, NULL, &to, &found, err));
    assert_int_equal(found.problems, 0);
    assert_int_equal(ftruncate(fd, size / 8 * 4), 0);
    close(fd);
    w->problems = 0;
    OK(verify_data_dir(w->data, NULL, &to, &found, err));
    assert_int_equal(found.problems, 1);
    assert_non_null(strstr(w->problem, "cut off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hundred_backups_beside_a_writer_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(each_restore_has_a_new_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interrupted_restore_keeps_the_server_away_and_can_be_repeated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_partial_folder_of_a_dead_process_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_of_garbage_are_reported, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(a_failed_backup_names_its_cause, failures) +
           RUN_ROWS(verify_reports_the_damage, harms);
}
