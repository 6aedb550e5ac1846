/* Disks that fail: full before or in the middle of a write, broken, read-only, gone; and what is left afterwards. This
 * file defines pwrite, writev and fdatasync, which take precedence over the C library's, for LMDB too. */
#include "base/mem.h"
#include "registry/registry.h"
#include "tests/store/fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT 50 /* events stored before the disk fails */

/* ---- the disk ---- */

enum fault {
    FAULT_NONE,
    FAULT_WRITE, /* of data: fails at once */
    FAULT_SHORT, /* of data: half of it */
    FAULT_SYNC,
    FAULT_META, /* of the meta page, which makes a commit valid */
};

#define META_BYTES_MAX 512 /* LMDB writes the meta page in part; every other write is at least a page */

static struct {
    enum fault fault;
    int why;
    bool is_read_only; /* nothing can be opened for writing */
} disk;

static bool is_data(int fd)
{
    char name[64], path[PATH_MAX];
    ssize_t len;

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    len = readlink(name, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return strstr(path, "/data.mdb") != NULL;
}

static ssize_t refuse(void)
{
    errno = disk.why;
    return -1;
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t where)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    bool is_meta = len < META_BYTES_MAX;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    if (disk.fault == FAULT_NONE || !is_data(fd))
        return real(fd, at, len, where);
    if ((disk.fault == FAULT_META && is_meta) || (disk.fault == FAULT_WRITE && !is_meta))
        return refuse();
    return real(fd, at, disk.fault == FAULT_SHORT && !is_meta ? len / 2 : len, where);
}

ssize_t writev(int fd, const struct iovec *at, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "writev");
    if (disk.fault == FAULT_WRITE && is_data(fd))
        return refuse();
    return real(fd, at, disk.fault == FAULT_SHORT && is_data(fd) ? (count + 1) / 2 : count) -
           (disk.fault == FAULT_SHORT && count == 1 ? 1 : 0);
}

int fdatasync(int fd)
{
    static int (*real)(int);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    return disk.fault == FAULT_SYNC && is_data(fd) ? (int)refuse() : real(fd);
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    mode_t mode = 0;

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "open");
    if ((flags & O_CREAT) != 0) {
        va_list args;

        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    if (disk.is_read_only && (flags & O_ACCMODE) != O_RDONLY && strstr(path, ".mdb") != NULL) {
        errno = EROFS;
        return -1;
    }
    return real(path, flags, mode);
}

/* ---- a store on that disk ---- */

static const struct disk_row {
    const char *name;
    enum fault fault;
    int why;
    enum error_code code;
    const char *reason, *text;
} rows[] = {
    { "full, at once", FAULT_WRITE, ENOSPC, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "no space left" },
    { "full, in the middle of a write", FAULT_SHORT, 0, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL",
      "the disk is full, or" },
    { "over its quota", FAULT_WRITE, EDQUOT, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "no space left" },
    { "beyond the file size limit", FAULT_WRITE, EFBIG, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "no space left" },
    { "broken in writing", FAULT_WRITE, EIO, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "or it fails" },
    { "read-only", FAULT_WRITE, EROFS, ERROR_FAILED_PRECONDITION, NULL, "the disk is read-only" },
    { "broken in syncing", FAULT_SYNC, EIO, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "or it fails" },
    { "full in syncing", FAULT_SYNC, ENOSPC, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "no space left" },
    { "broken at the last page", FAULT_META, EIO, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "or it fails" },
    { "full at the last page", FAULT_META, ENOSPC, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "no space left" },
    { "read-only at the last page", FAULT_META, EROFS, ERROR_FAILED_PRECONDITION, NULL, "the disk is read-only" },
};

static bool append_many(struct fixture *f, uint32_t from, uint32_t count, struct error *err)
{
    for (uint32_t i = from; i < from + count; i++) {
        enum journal_fate fate;
        uint64_t sequence;
        struct event e;

        event_make(&e, i, FIXTURE_T0_MS + i, 2000);
        if (!journal_append(f->txn, &e.record, false, &fate, &sequence, err))
            return false;
    }
    return true;
}

/* Some events, in one transaction. */
static bool store_some(struct fixture *f, uint32_t from, struct error *err)
{
    bool is_done = store_begin(f->store, &f->txn, err) && append_many(f, from, KEPT, err) && store_commit(&f->txn, err);

    store_abort(&f->txn);
    return is_done;
}

static void a_disk_that_fails_loses_nothing_that_was_stored(void **state)
{
    const struct disk_row *row = *state;
    struct fixture *f;
    struct error why = { 0 };
    void *fixture;

    fixture_setup(&fixture);
    f = fixture;
    OK(store_some(f, 0, err));
    disk.fault = row->fault;
    disk.why = row->why;
    disk.is_read_only = row->why == EROFS;
    for (int i = 0; i < 3; i++) { /* however often it is tried */
        assert_false(store_some(f, KEPT, &why));
        assert_string_equal(error_code_name(why.code), error_code_name(row->code));
        assert_true((why.reason == NULL) == (row->reason == NULL));
        if (strstr(why.text, row->text) == NULL)
            fail_msg("not \"%s\": %s", row->text, why.text);
        assert_int_equal(fixture_bounds(f).count, KEPT); /* reading goes on */
    }
    /* When the disk works again, writing continues without a restart. */
    memset(&disk, 0, sizeof disk);
    OK(store_some(f, KEPT, err));
    assert_int_equal(fixture_bounds(f).count, 2 * KEPT);
    assert_int_equal(fixture_check_tables(f), 2 * KEPT);
    fixture_teardown(&fixture);
}

/* ---- the registry on that disk ---- */

static void the_registry_survives_it_too(void **state)
{
    const struct disk_row *row = *state;
    struct registry_entry entry = { .name = "acme", .org_id = "00o1", .org_url = "https://acme.okta.com" };
    struct registry_entry found;
    struct error why = { 0 };
    struct fixture *f;
    struct registry *r;
    void *fixture;

    fixture_setup(&fixture);
    f = fixture;
    OK(registry_open(&r, &(struct registry_options){ .data_dir = f->dir }, err));
    OK(registry_put(r, &entry, VIEW("00aTokenNotReal"), err));
    disk.fault = row->fault;
    disk.why = row->why;
    entry.retention_days = 7;
    assert_false(registry_put(r, &entry, VIEW_NONE, &why));
    assert_string_equal(error_code_name(why.code), error_code_name(row->code));
    assert_non_null(strstr(why.text, row->text));
    OK(registry_get(r, "acme", &found, err));
    assert_int_equal(found.retention_days, 0);
    memset(&disk, 0, sizeof disk);
    OK(registry_put(r, &entry, VIEW_NONE, err));
    OK(registry_get(r, "acme", &found, err));
    assert_true(found.retention_days == 7 && found.has_secret);
    registry_close(r);
    fixture_teardown(&fixture);
}

/* ---- a folder that is gone ---- */

static void a_folder_that_is_removed_under_us_is_reported(void **state)
{
    struct fixture *f = *state;
    char aside[700];
    struct error why;

    OK(store_some(f, 0, err));
    snprintf(aside, sizeof aside, "%s.aside", f->store_dir);
    assert_int_equal(rename(f->store_dir, aside), 0);
    FAILS(store_some(f, KEPT, err), ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(why.text, "removed or replaced"));
    assert_int_equal(fixture_bounds(f).count, KEPT);
    /* Another folder under the same name is not ours. */
    assert_int_equal(mkdir(f->store_dir, 0700), 0);
    FAILS(store_some(f, KEPT, err), ERROR_FAILED_PRECONDITION);
    assert_int_equal(rmdir(f->store_dir), 0);
    assert_int_equal(rename(aside, f->store_dir), 0);
    OK(store_some(f, KEPT, err));
    assert_int_equal(fixture_check_tables(f), 2 * KEPT);
}

/* ---- a disk that is really full ---- */

/* A mounted disk without a free byte: touching a page of a sparse mapped file for the first time raises SIGBUS there.
 */
static void readers_need_no_disk_space(void **state)
{
    struct fixture *f = *state;
    char path[700], *ballast = mem_zero(1 << 20);
    struct error why = { 0 };
    ssize_t put;
    int fd, status;
    pid_t child;

    snprintf(path, sizeof path, "%s/disk", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    if (mount("tmpfs", path, "tmpfs", 0, "size=3m") != 0) {
        free(ballast);
        print_message("SKIPPED: a file system of our own needs root outside a sandbox\n");
        skip();
    }
    store_close(f->store);
    f->store = NULL;
    snprintf(f->store_dir, sizeof f->store_dir, "%s/disk/org", f->dir);
    child = fork();
    if (child == 0) {
        fixture_open(f, STORE_BYTES_MIN);
        OK(store_some(f, 0, err));
        strcat(path, "/ballast");
        fd = open(path, O_WRONLY | O_CREAT, 0600);
        while ((put = write(fd, ballast, 1 << 20)) > 0 || (put = write(fd, ballast, 4096)) > 0)
            continue;
        close(fd);
        assert_false(store_some(f, KEPT, &why));
        assert_string_equal(why.reason, "STORE_FULL");
        assert_int_equal(fixture_bounds(f).count, KEPT);
        fixture_reopen(f, STORE_BYTES_MIN); /* a restart */
        assert_int_equal(fixture_bounds(f).count, KEPT);
        assert_int_equal(unlink(path), 0);
        OK(store_some(f, KEPT, err));
        _exit(fixture_check_tables(f) == 2 * KEPT ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    snprintf(path, sizeof path, "%s/disk", f->dir);
    umount2(path, MNT_DETACH);
    free(ballast);
    assert_int_equal(status, 0);
}

/* Reader slots are in the lock file: all of its pages are allocated from the start. */
static void the_lock_file_is_not_sparse(void **state)
{
    struct fixture *f = *state;
    char path[700];
    struct stat st;

    snprintf(path, sizeof path, "%s/lock.mdb", f->store_dir);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 512 * 64 && (int64_t)st.st_blocks * 512 >= st.st_size);
}

/* ---- a lock whose holder was killed ---- */

static void a_lock_names_its_holder_and_ends_when_that_is_killed(void **state)
{
    struct fixture *f = *state;
    const struct registry_options options = { .data_dir = f->dir };
    struct registry *r;
    struct error why;
    int ready[2], status;
    char byte, who[64];
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        OK(registry_open(&r, &options, err));
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    FAILS(registry_open(&r, &options, err), ERROR_FAILED_PRECONDITION);
    snprintf(who, sizeof who, "process %d has it open", (int)child);
    assert_non_null(strstr(why.text, who));
    assert_non_null(strstr(why.text, f->dir));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    OK(registry_open(&r, &options, err));
    registry_close(r);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_that_is_removed_under_us_is_reported, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(readers_need_no_disk_space, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_lock_file_is_not_sparse, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_lock_names_its_holder_and_ends_when_that_is_killed, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(a_disk_that_fails_loses_nothing_that_was_stored, rows) +
           RUN_ROWS(the_registry_survives_it_too, rows);
}
