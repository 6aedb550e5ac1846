#include "rpc/listen.h"

#include "tests/rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- addresses ---- */

#define A10     "aaaaaaaaaa"
#define PATH107 "/" A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 "aaaaaa"

static const struct address {
    const char *name;
    struct view text;
    bool is_good;
    enum call_role role;
    const char *path, *host;
    uint16_t port;
} addresses[] = {
    { "a path is admin", VIEW("unix:/run/x.sock"), true, CALL_ADMIN, "/run/x.sock", "", 0 },
    { "a path with three slashes", VIEW("unix:///run/x.sock"), true, CALL_ADMIN, "/run/x.sock", "", 0 },
    { "a path for admins", VIEW("admin=unix:/run/x.sock"), true, CALL_ADMIN, "/run/x.sock", "", 0 },
    { "a path for readers", VIEW("reader=unix:/run/x.sock"), true, CALL_READER, "/run/x.sock", "", 0 },
    { "loopback is for readers", VIEW("127.0.0.1:50051"), true, CALL_READER, "", "127.0.0.1", 50051 },
    { "loopback, said to be", VIEW("reader=127.0.0.1:0"), true, CALL_READER, "", "127.0.0.1", 0 },
    { "loopback of IPv6", VIEW("[::1]:65535"), true, CALL_READER, "", "::1", 65535 },
    { "loopback by name", VIEW("localhost:1"), true, CALL_READER, "", "127.0.0.1", 1 },
    { "the longest path", VIEW("unix:" PATH107), true, CALL_ADMIN, PATH107, "", 0 },
    { "a path too long", VIEW("unix:" PATH107 "a"), false, 0, "", "", 0 },
    { "a relative path", VIEW("unix:x.sock"), false, 0, "", "", 0 },
    { "no path", VIEW("unix:"), false, 0, "", "", 0 },
    { "a folder", VIEW("unix:/run/"), false, 0, "", "", 0 },
    { "a NUL in the path", VIEW("unix:/run/\0x"), false, 0, "", "", 0 },
    { "admin over TCP", VIEW("admin=127.0.0.1:50051"), false, 0, "", "", 0 },
    { "another role", VIEW("writer=unix:/run/x.sock"), false, 0, "", "", 0 },
    { "every interface", VIEW("0.0.0.0:50051"), false, 0, "", "", 0 },
    { "every interface of IPv6", VIEW("[::]:50051"), false, 0, "", "", 0 },
    { "no host", VIEW(":50051"), false, 0, "", "", 0 },
    { "another machine", VIEW("10.0.0.1:50051"), false, 0, "", "", 0 },
    { "a name that begins like ours", VIEW("127.0.0.1.example.com:50051"), false, 0, "", "", 0 },
    { "no port", VIEW("127.0.0.1:"), false, 0, "", "", 0 },
    { "no colon", VIEW("127.0.0.1"), false, 0, "", "", 0 },
    { "a port too large", VIEW("127.0.0.1:65536"), false, 0, "", "", 0 },
    { "a port with more behind it", VIEW("127.0.0.1:80x"), false, 0, "", "", 0 },
    { "nothing", VIEW(""), false, 0, "", "", 0 },
};

static void an_address_is_read(void **state)
{
    const struct address *row = *state;
    struct rpc_listen l = { 0 };
    struct error err = { 0 };

    assert_int_equal(rpc_listen_parse(row->text, &l, &err), row->is_good);
    if (!row->is_good) {
        assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
        assert_true(strlen(err.text) > 20);
        return;
    }
    assert_int_equal(l.role, row->role);
    assert_int_equal(l.is_unix, row->path[0] != '\0');
    assert_string_equal(l.path, row->path);
    assert_string_equal(l.host, row->host);
    assert_int_equal(l.port, row->port);
}

/* ---- sockets ---- */

struct place {
    char folder[40], path[80];
    struct rpc_listen where;
};

static void make_place(struct place *p, enum call_role role)
{
    memset(p, 0, sizeof *p);
    snprintf(p->folder, sizeof p->folder, "/tmp/listen-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/run/s.sock", p->folder);
    p->where.role = role;
    p->where.is_unix = true;
    snprintf(p->where.path, sizeof p->where.path, "%s", p->path);
}

static void remove_place(struct place *p)
{
    char run[80];

    snprintf(run, sizeof run, "%s/run", p->folder);
    assert_int_equal(rmdir(run), 0); /* the socket is gone */
    assert_int_equal(rmdir(p->folder), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static const struct mode {
    const char *name;
    enum call_role role;
    mode_t file, folder;
} modes[] = {
    { "admin", CALL_ADMIN, 0600, 0700 },
    { "reader", CALL_READER, 0666, 0755 },
};

static void a_socket_has_the_mode_of_its_role(void **state)
{
    const struct mode *row = *state;
    struct listener l;
    struct place p;
    char run[80];

    make_place(&p, row->role);
    assert_true(listener_open(&l, &p.where, NULL));
    assert_int_equal(mode_of(p.path), row->file);
    snprintf(run, sizeof run, "%s/run", p.folder);
    assert_int_equal(mode_of(run), row->folder);
    assert_true(view_ends(view_of(l.address), "/run/s.sock"));
    listener_close(&l);
    listener_remove(&l);
    remove_place(&p);
}

static void a_stale_socket_is_replaced(void **state)
{
    struct listener dead, l;
    struct place p;

    (void)state;
    make_place(&p, CALL_ADMIN);
    assert_true(listener_open(&dead, &p.where, NULL));
    listener_close(&dead); /* its file stays */
    assert_true(listener_open(&l, &p.where, NULL));
    listener_remove(&dead); /* is not its own any more */
    assert_int_equal(access(p.path, F_OK), 0);
    listener_close(&l);
    listener_remove(&l);
    remove_place(&p);
}

static void a_live_socket_is_left_alone(void **state)
{
    struct listener l, second;
    struct error err;
    struct place p;

    (void)state;
    make_place(&p, CALL_ADMIN);
    assert_true(listener_open(&l, &p.where, NULL));
    assert_false(listener_open(&second, &p.where, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "another program"));
    assert_int_equal(access(p.path, F_OK), 0);
    listener_close(&l);
    listener_remove(&l);
    remove_place(&p);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct error err;
    struct listener l;
    struct place p;
    char run[80];
    int fd;

    (void)state;
    make_place(&p, CALL_ADMIN);
    snprintf(run, sizeof run, "%s/run", p.folder);
    assert_int_equal(mkdir(run, 0700), 0);
    fd = open(p.path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_false(listener_open(&l, &p.where, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_int_equal(unlink(p.path), 0);
    remove_place(&p);
}

static void folders_above_the_last_are_not_made(void **state)
{
    struct error err;
    struct listener l;
    struct place p;

    (void)state;
    make_place(&p, CALL_ADMIN);
    snprintf(p.where.path, sizeof p.where.path, "%s/a/b/s.sock", p.folder);
    assert_false(listener_open(&l, &p.where, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_int_equal(rmdir(p.folder), 0);
}

static void a_port_is_chosen_and_told(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "::1" };
    struct rpc_listen where = { .role = CALL_READER };
    struct listener l, second;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        where.port = 0;
        snprintf(where.host, sizeof where.host, "%s", hosts[i]);
        if (!listener_open(&l, &where, NULL)) {
            assert_int_equal(i, 1); /* a machine may be without IPv6 */
            continue;
        }
        assert_int_not_equal(l.where.port, 0);
        assert_true(rpc_listen_parse(view_of(l.address), &where, NULL));
        assert_int_equal(where.port, l.where.port);
        assert_false(listener_open(&second, &where, &err));
        assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
        listener_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stale_socket_is_replaced),
        cmocka_unit_test(a_live_socket_is_left_alone),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(folders_above_the_last_are_not_made),
        cmocka_unit_test(a_port_is_chosen_and_told),
    };

    return RUN_ROWS(an_address_is_read, addresses) + RUN_ROWS(a_socket_has_the_mode_of_its_role, modes) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
