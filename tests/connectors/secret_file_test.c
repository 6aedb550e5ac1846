#include "rows.h"

#include "connectors/declared/secret_file.h"

#include "base/assert.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static const char *path_of(const char *name)
{
    static char paths[4][512];
    static unsigned at;
    char *path = paths[at++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text, size_t len)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ASSERT(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    close(fd);
}

static int setup(void **state)
{
    const char *tmp = getenv("TEST_TMPDIR");

    (void)state;
    snprintf(dir, sizeof dir, "%s/secrets.XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* ---- what it holds ---- */

static void it_is_read_without_the_white_space_around_it(void **state)
{
    AUTO_BUF struct buf out = BUF(SECRET_FILE_BYTES_MAX + 1);

    (void)state;
    put("token", " \r\n00abc def\n\n", 13);
    assert_true(secret_file_read(path_of("token"), "token", &out, NULL));
    assert_string_equal(buf_cstr(&out), "00abc def");
}

static void an_empty_one_is_empty(void **state)
{
    AUTO_BUF struct buf out = BUF(SECRET_FILE_BYTES_MAX + 1);

    (void)state;
    put("token", "\n\n", 2);
    assert_true(secret_file_read(path_of("token"), "token", &out, NULL));
    assert_int_equal(out.len, 0);
}

static void it_has_a_size(void **state)
{
    static char large[SECRET_FILE_BYTES_MAX + 1];
    AUTO_BUF struct buf out = BUF(SECRET_FILE_BYTES_MAX + 1);
    AUTO_BUF struct buf more = BUF(SECRET_FILE_BYTES_MAX + 1);
    struct error err;

    (void)state;
    memset(large, 'a', sizeof large);
    put("token", large, sizeof large - 1);
    assert_true(secret_file_read(path_of("token"), "token", &out, &err));
    assert_int_equal(out.len, SECRET_FILE_BYTES_MAX);
    put("token", large, sizeof large);
    assert_false(secret_file_read(path_of("token"), "token", &more, &err));
    assert_string_equal(err.reason, "SECRET_FILE_UNREADABLE");
    assert_non_null(strstr(err.text, "at most 16384 bytes"));
}

static const struct other {
    const char *name, *path, *says;
} others[] = {
    { "no file", "nowhere", "the private key file" },
    { "a folder", "folder", "plain file" },
    { "a pipe that nobody writes to", "pipe", "plain file" },
};

static void is_not_read(void **state)
{
    const struct other *row = *state;
    AUTO_BUF struct buf out = BUF(SECRET_FILE_BYTES_MAX + 1);
    struct error err;

    ASSERT(setup(NULL) == 0 && mkdir(path_of("folder"), 0700) == 0 && mkfifo(path_of("pipe"), 0600) == 0);
    assert_false(secret_file_read(path_of(row->path), "private key", &out, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, row->says));
    assert_non_null(strstr(err.text, row->path));
    ASSERT(teardown(NULL) == 0);
}

/* ---- when it changes ---- */

static void nothing(void)
{
}

static void write_in_place(void)
{
    put("token", "00new-and-longer", 16);
}

static void rename_over(void)
{
    put("next", "00old", 5); /* not even the size differs */
    ASSERT(rename(path_of("next"), path_of("token")) == 0);
}

/* What Kubernetes does with a mounted secret: the file is a link through "..data", which is turned. */
static void mount(void)
{
    ASSERT(mkdir(path_of("..one"), 0700) == 0 && mkdir(path_of("..two"), 0700) == 0);
    put("..one/token", "00old", 5);
    put("..two/token", "00new", 5);
    ASSERT(symlink("..one", path_of("..data")) == 0 && unlink(path_of("token")) == 0 &&
           symlink("..data/token", path_of("token")) == 0);
}

static void turn_the_link(void)
{
    ASSERT(symlink("..two", path_of("..next")) == 0 && rename(path_of("..next"), path_of("..data")) == 0);
}

static const struct change {
    const char *name;
    void (*prepare)(void), (*change)(void);
    bool is_seen;
} changes[] = {
    { "nothing happened", nothing, nothing, false },
    { "written in place", nothing, write_in_place, true },
    { "another file renamed over it", nothing, rename_over, true },
    { "nothing happened to a mounted secret", mount, nothing, false },
    { "a mounted secret was turned to another", mount, turn_the_link, true },
};

static void is_seen(void **state)
{
    const struct change *row = *state;
    struct secret_stamp before, after;

    ASSERT(setup(NULL) == 0);
    put("token", "00old", 5);
    row->prepare();
    assert_true(secret_file_stamp(path_of("token"), &before));
    row->change();
    assert_true(secret_file_stamp(path_of("token"), &after));
    assert_int_equal(secret_stamp_eq(&before, &after), !row->is_seen);
    assert_true(secret_file_set_unix_ms(path_of("token")) > 0);
    ASSERT(teardown(NULL) == 0);
}

static void one_that_is_gone_has_no_stamp(void **state)
{
    struct secret_stamp stamp;

    (void)state;
    assert_false(secret_file_stamp(path_of("token"), &stamp));
    assert_true(secret_file_set_unix_ms(path_of("token")) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_read_without_the_white_space_around_it),
        TEST(an_empty_one_is_empty),
        TEST(it_has_a_size),
        TEST(one_that_is_gone_has_no_stamp),
    };

    return RUN_ROWS(is_not_read, others) + RUN_ROWS(is_seen, changes) + cmocka_run_group_tests(tests, NULL, NULL);
}
