#include "net/listener.h"

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
    enum net_role role;
    const char *path, *host;
    uint16_t port;
    bool is_tls;
} addresses[] = {
    { "a path is admin", VIEW("unix:/run/x.sock"), true, NET_ADMIN, "/run/x.sock", "", 0, false },
    { "a path with three slashes", VIEW("unix:///run/x.sock"), true, NET_ADMIN, "/run/x.sock", "", 0, false },
    { "a path for admins", VIEW("admin=unix:/run/x.sock"), true, NET_ADMIN, "/run/x.sock", "", 0, false },
    { "a path for readers", VIEW("reader=unix:/run/x.sock"), true, NET_READER, "/run/x.sock", "", 0, false },
    { "loopback is for readers", VIEW("127.0.0.1:50051"), true, NET_READER, "", "127.0.0.1", 50051, false },
    { "loopback, said to be", VIEW("reader=127.0.0.1:0"), true, NET_READER, "", "127.0.0.1", 0, false },
    { "loopback of IPv6", VIEW("[::1]:65535"), true, NET_READER, "", "::1", 65535, false },
    { "loopback by name", VIEW("localhost:1"), true, NET_READER, "", "127.0.0.1", 1, false },
    { "another address of loopback", VIEW("127.1.2.3:1"), true, NET_READER, "", "127.1.2.3", 1, false },
    { "loopback by TLS", VIEW("tls:127.0.0.1:1"), true, NET_READER, "", "127.0.0.1", 1, true },
    { "loopback for readers by TLS", VIEW("reader=tls:[::1]:1"), true, NET_READER, "", "::1", 1, true },
    { "admin over TCP is by TLS", VIEW("admin=127.0.0.1:50051"), true, NET_ADMIN, "", "127.0.0.1", 50051, true },
    { "admin over TCP, said to be", VIEW("admin=tls:127.0.0.1:1"), true, NET_ADMIN, "", "127.0.0.1", 1, true },
    { "every interface is by TLS", VIEW("0.0.0.0:50051"), true, NET_READER, "", "0.0.0.0", 50051, true },
    { "every interface of IPv6", VIEW("admin=[::]:50051"), true, NET_ADMIN, "", "::", 50051, true },
    { "an address of ours", VIEW("10.0.0.1:50051"), true, NET_READER, "", "10.0.0.1", 50051, true },
    { "loopback in IPv6's dress is none", VIEW("[::ffff:127.0.0.1]:1"), true, NET_READER, "", "::ffff:127.0.0.1", 1,
      true },
    { "the longest path", VIEW("unix:" PATH107), true, NET_ADMIN, PATH107, "", 0, false },
    { "a path too long", VIEW("unix:" PATH107 "a"), false, 0, "", "", 0, false },
    { "a relative path", VIEW("unix:x.sock"), false, 0, "", "", 0, false },
    { "no path", VIEW("unix:"), false, 0, "", "", 0, false },
    { "a folder", VIEW("unix:/run/"), false, 0, "", "", 0, false },
    { "a NUL in the path", VIEW("unix:/run/\0x"), false, 0, "", "", 0, false },
    { "TLS on a Unix socket", VIEW("tls:unix:/run/x.sock"), false, 0, "", "", 0, false },
    { "another role", VIEW("writer=unix:/run/x.sock"), false, 0, "", "", 0, false },
    { "no host", VIEW(":50051"), false, 0, "", "", 0, false },
    { "a host's name", VIEW("api.example.com:50051"), false, 0, "", "", 0, false },
    { "a name that begins like ours", VIEW("127.0.0.1.example.com:50051"), false, 0, "", "", 0, false },
    { "IPv6 without brackets", VIEW("::1:50051"), false, 0, "", "", 0, false },
    { "IPv4 in brackets", VIEW("[127.0.0.1]:50051"), false, 0, "", "", 0, false },
    { "an interface of IPv6", VIEW("[fe80::1%eth0]:50051"), false, 0, "", "", 0, false },
    { "a bracket alone", VIEW("[:50051"), false, 0, "", "", 0, false },
    { "empty brackets", VIEW("[]:50051"), false, 0, "", "", 0, false },
    { "a NUL in the host", VIEW("127.0.0.1\0:50051"), false, 0, "", "", 0, false },
    { "a host without end", VIEW("1111111111222222222233333333334444444444555555555566666666667777:1"), false, 0, "",
      "", 0, false },
    { "no port", VIEW("127.0.0.1:"), false, 0, "", "", 0, false },
    { "no colon", VIEW("127.0.0.1"), false, 0, "", "", 0, false },
    { "a port too large", VIEW("127.0.0.1:65536"), false, 0, "", "", 0, false },
    { "a port with more behind it", VIEW("127.0.0.1:80x"), false, 0, "", "", 0, false },
    { "nothing", VIEW(""), false, 0, "", "", 0, false },
};

static void an_address_is_read(void **state)
{
    const struct address *row = *state;
    struct net_address l = { 0 };
    struct error err = { 0 };

    assert_int_equal(net_address_parse(row->text, &l, &err), row->is_good);
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
    assert_int_equal(l.is_tls, row->is_tls);
}

/* ---- what belongs together ---- */

static const struct together {
    const char *name;
    const char *listen[2]; /* NULL: none */
    bool has_cert, has_key, has_ca, has_admin, has_reader;
    const char *want; /* a piece of the sentence; NULL: it may start */
} togethers[] = {
    { "no TLS at all", { "unix:/x", "127.0.0.1:1" }, false, false, false, false, false, NULL },
    { "all for an admin", { "admin=0.0.0.0:1" }, true, true, true, true, false, NULL },
    { "all for a reader", { "0.0.0.0:1", "unix:/x" }, true, true, true, false, true, NULL },
    { "an admin may read", { "0.0.0.0:1" }, true, true, true, true, false, NULL },
    { "beyond loopback without anything", { "0.0.0.0:1" }, false, false, false, false, false, "--tls-cert-file" },
    { "admin on loopback without anything",
      { "admin=127.0.0.1:1" },
      false,
      false,
      false,
      false,
      false,
      "--tls-cert-file" },
    { "no key", { "0.0.0.0:1" }, true, false, true, false, true, "--tls-key-file" },
    { "no CA: who may read must be known", { "0.0.0.0:1" }, true, true, false, false, true, "--tls-client-ca-file" },
    { "an admin address without admins", { "admin=0.0.0.0:1" }, true, true, true, false, true, "--tls-admin-san" },
    { "an address for nobody", { "0.0.0.0:1" }, true, true, true, false, false, "--tls-reader-san" },
    { "TLS without an address", { "unix:/x", "127.0.0.1:1" }, true, true, true, false, true, "no address" },
    { "a list without an address", { "unix:/x" }, false, false, false, true, false, "no address" },
};

static void what_is_given_belongs_together(void **state)
{
    const struct together *row = *state;
    struct net_address listen[2];
    struct net_tls tls = { .admin_count = row->has_admin, .reader_count = row->has_reader };
    struct error err = { 0 };
    size_t count = 0;

    for (; count < 2 && row->listen[count] != NULL; count++)
        assert_true(net_address_parse(view_of(row->listen[count]), &listen[count], &err));
    strcpy(tls.cert_file, row->has_cert ? "/c" : "");
    strcpy(tls.key_file, row->has_key ? "/k" : "");
    strcpy(tls.client_ca_file, row->has_ca ? "/a" : "");
    assert_int_equal(net_tls_check(&tls, listen, count, &err), row->want == NULL);
    if (row->want != NULL) {
        assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, row->want));
    }
}

/* ---- sockets ---- */

struct place {
    char folder[40], path[80];
    struct net_address where;
};

static void make_place(struct place *p, enum net_role role)
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
    enum net_role role;
    mode_t file, folder;
} modes[] = {
    { "admin", NET_ADMIN, 0600, 0700 },
    { "reader", NET_READER, 0666, 0755 },
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
    make_place(&p, NET_ADMIN);
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
    make_place(&p, NET_ADMIN);
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
    make_place(&p, NET_ADMIN);
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
    make_place(&p, NET_ADMIN);
    snprintf(p.where.path, sizeof p.where.path, "%s/a/b/s.sock", p.folder);
    assert_false(listener_open(&l, &p.where, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_int_equal(rmdir(p.folder), 0);
}

static void a_port_is_chosen_and_told(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "::1" };
    struct net_address where = { .role = NET_READER };
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
        assert_true(net_address_parse(view_of(l.address), &where, NULL));
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

    return RUN_ROWS(an_address_is_read, addresses) + RUN_ROWS(what_is_given_belongs_together, togethers) +
           RUN_ROWS(a_socket_has_the_mode_of_its_role, modes) + cmocka_run_group_tests(tests, NULL, NULL);
}
