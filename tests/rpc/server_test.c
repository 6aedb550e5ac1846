/* Start and shutdown of a server, its caps, and who may connect. */
#include "google/rpc/status.pb-c.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "tests/rows.h"
#include "tests/rpc/fixture.h"

#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAMS       100
#define GRACE_MS      (60 * 1000)
#define MESSAGE_MAX   (1u << 20)
#define STREAMS_A_FEW 2

static void drained_streams_end_with_their_token(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    AUTO_BUF struct buf text = BUF(1024);
    static struct client_call calls[STREAMS];

    for (size_t i = 0; i < STREAMS; i++)
        client_ask(&f->client, &calls[i], TEST_FEED, "");
    fixture_feed(f, 3);
    for (size_t i = 0; i < STREAMS; i++) {
        for (int n = 0; n < 3; n++)
            assert_true(client_read(&calls[i], &message));
    }
    rpc_drain(f->rpc);
    for (size_t i = 0; i < STREAMS; i++) {
        assert_false(client_read(&calls[i], &message));
        assert_int_equal(client_status(&calls[i]), ERROR_UNAVAILABLE);
        assert_string_equal(client_text(&calls[i], &text), "the feed ends");
        assert_true(view_is(client_trailer(&calls[i], "okta-resume-token"), "3"));
        assert_true(client_trailer(&calls[i], "grpc-status-details-bin").len > 0);
        client_end(&calls[i]);
    }
    rpc_stop(f->rpc, GRACE_MS);
    assert_int_equal(fixture_count(f, &f->ended), STREAMS);
    assert_int_equal(fixture_count(f, &f->cancelled), 0);
}

static void a_stream_without_a_drain_callback_is_ended_for_it(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    client_ask(&f->client, &call, TEST_QUIET, "");
    client_headers(&call);
    rpc_drain(f->rpc);
    assert_int_equal(client_status(&call), ERROR_UNAVAILABLE);
    assert_string_equal(client_text(&call, &text), "the server is shutting down");
    assert_true(client_trailer(&call, "grpc-status-details-bin").len > 0);
    client_end(&call);
    rpc_stop(f->rpc, GRACE_MS);
    assert_int_equal(fixture_count(f, &f->ended), 1);
}

static void a_drained_server_accepts_no_call(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;
    struct client client;

    assert_int_equal(client_unary(&f->client, TEST_ECHO, "before", &answer), ERROR_OK);
    rpc_drain(f->rpc);
    client_ask(&f->client, &call, TEST_ECHO, "after");
    assert_int_equal(client_status(&call), ERROR_UNAVAILABLE);
    assert_string_equal(client_text(&call, &text), "the server is shutting down");
    client_end(&call);
    client_open(&client, f->reader);
    assert_int_equal(client_unary(&client, TEST_ECHO, "anew", &answer), ERROR_UNAVAILABLE);
    client_close(&client);
}

static void a_ticket_may_answer_while_draining(void **state)
{
    struct fixture *f = *state;
    Okta__Connector__V1__StatusRequest m = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;
    AUTO_BUF struct buf message = BUF(1024);
    struct client_call call;
    struct call_ticket *t;

    client_ask(&f->client, &call, TEST_LATER, "");
    t = fixture_ticket(f);
    rpc_drain(f->rpc);
    m.name = (char *)(uintptr_t) "in time";
    call_ticket_reply(&t, &m.base);
    assert_true(client_read(&call, &message));
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
    rpc_stop(f->rpc, GRACE_MS);
}

/* A ticket that is never answered, and a client that does not read: both are cancelled after the grace period. */
static void calls_that_do_not_end_are_cancelled(void **state)
{
    struct fixture *f = *state;
    struct client_call unanswered, unread;
    struct call_ticket *t;
    struct error err;

    client_ask(&f->client, &unanswered, TEST_LATER, "");
    t = fixture_ticket(f);
    client_ask(&f->client, &unread, TEST_FLOOD, "");
    fixture_await_started(f, 1);
    rpc_drain(f->rpc);
    rpc_stop(f->rpc, 1);
    assert_int_equal(fixture_count(f, &f->ended), 1);
    assert_int_not_equal(client_status(&unanswered), ERROR_OK);
    client_end(&unanswered);
    client_end(&unread);
    client_close(&f->client);
    rpc_destroy(f->rpc);
    f->rpc = NULL;
    error_set(&err, ERROR_UNAVAILABLE, "too late");
    call_ticket_fail(&t, &err); /* the ticket outlives even the server */
    client_open(&f->client, f->admin);
}

static void a_server_stops_without_a_drain_before(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_ask(&f->client, &call, TEST_FEED, "");
    fixture_await_started(f, 1);
    rpc_stop(f->rpc, GRACE_MS);
    assert_int_equal(client_status(&call), ERROR_UNAVAILABLE);
    client_end(&call);
}

static void a_new_server_replaces_a_stale_socket(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct rpc_options options;
    struct net_address listen[3];
    struct rpc *old = f->rpc;
    char path[80];

    rpc_drain(old); /* its socket files stay, and no process answers on them, as after kill -9 */
    client_close(&f->client);
    fixture_options(f, &options, listen);
    fixture_start(f, &options);
    rpc_destroy(old); /* leaves the files of the new one alone */
    snprintf(path, sizeof path, "%s/admin.sock", f->folder);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "hello", &answer), ERROR_OK);
}

static void an_address_in_use_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct rpc_options options;
    struct net_address listen[3];
    struct error err;
    struct rpc *second = NULL;

    fixture_options(f, &options, listen);
    assert_false(rpc_start(&second, &options, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_null(second);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "still there", &answer), ERROR_OK);
}

static void no_address_is_refused(void **state)
{
    struct fixture *f = *state;
    struct rpc_options options;
    struct net_address listen[3];
    struct error err;
    struct rpc *second = NULL;

    fixture_options(f, &options, listen);
    options.listen_count = 0;
    assert_false(rpc_start(&second, &options, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
}

static void restart(struct fixture *f, unsigned connections, unsigned streams)
{
    struct rpc_options options;
    struct net_address listen[3];

    client_close(&f->client);
    rpc_destroy(f->rpc);
    fixture_options(f, &options, listen);
    options.connections_per_uid_max = connections;
    options.streams_per_connection_max = streams;
    fixture_start(f, &options);
}

static void connections_of_one_user_are_capped(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client second, third;

    restart(f, 2, 0);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "one", &answer), ERROR_OK);
    client_open(&second, f->reader);
    assert_int_equal(client_unary(&second, TEST_ECHO, "two", &answer), ERROR_OK);
    client_open(&third, f->reader);
    assert_int_equal(client_unary(&third, TEST_ECHO, "three", &answer), ERROR_UNAVAILABLE);
    client_close(&third);
    client_open(&third, rpc_address(f->rpc, 2)); /* a TCP address is counted separately */
    assert_int_equal(client_unary(&third, TEST_ECHO, "by TCP", &answer), ERROR_OK);
    client_close(&third);
    client_close(&second);
}

/* Fifty connections one after the other, with a cap of two at a time. */
static void a_closed_connection_makes_room(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client client;

    restart(f, 2, 0);
    for (int i = 0; i < 50; i++) {
        int code = ERROR_UNAVAILABLE;

        for (int attempt = 0; attempt < 1000 && code == ERROR_UNAVAILABLE; attempt++) {
            client_open(&client, f->reader);
            code = client_unary(&client, TEST_ECHO, "hello", &answer); /* the previous one may not be closed yet */
            client_close(&client);
        }
        assert_int_equal(code, ERROR_OK);
    }
}

/* Over TCP any user of this machine, or any peer with a certificate, may call; so the cap is lower. */
static void over_tcp_a_connection_has_a_hundred_streams(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client_call calls[100], late;
    struct client client;

    client_open(&client, rpc_address(f->rpc, 2));
    assert_int_equal(client_unary(&client, TEST_ECHO, "settings are there", &answer), ERROR_OK);
    for (size_t i = 0; i < 100; i++) {
        client_ask(&client, &calls[i], TEST_QUIET, "");
        client_headers(&calls[i]);
    }
    client_begin(&client, &late, TEST_QUIET, VIEW_NONE, 100);
    assert_int_equal(client_status(&late), ERROR_DEADLINE_EXCEEDED);
    assert_int_equal(fixture_count(f, &f->started), 100);
    client_end(&late);
    for (size_t i = 0; i < 100; i++)
        client_end(&calls[i]);
    client_close(&client);
}

/* A stream beyond the cap waits for another to end, as HTTP/2 demands. */
static void streams_of_one_connection_are_capped(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client_call calls[STREAMS_A_FEW], late;

    restart(f, 0, STREAMS_A_FEW);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "settings are there", &answer), ERROR_OK);
    for (size_t i = 0; i < STREAMS_A_FEW; i++) {
        client_ask(&f->client, &calls[i], TEST_QUIET, "");
        client_headers(&calls[i]);
    }
    client_begin(&f->client, &late, TEST_QUIET, VIEW_NONE, 100);
    assert_int_equal(client_status(&late), ERROR_DEADLINE_EXCEEDED);
    assert_int_equal(fixture_count(f, &f->started), STREAMS_A_FEW);
    client_end(&late);
    for (size_t i = 0; i < STREAMS_A_FEW; i++)
        client_end(&calls[i]);
}

/* ---- real peers: only root can become another user ---- */

#define READER_UID 4300
#define READER_GID 4400
#define OTHER      4242
#define CANNOT     77

static const struct visitor {
    const char *name;
    bool is_reader_socket;
    uid_t uid;
    gid_t gid, further_group;
    bool want;
} visitors[] = {
    { "another user on a reader socket", true, OTHER, OTHER, OTHER, false },
    { "the reader on a reader socket", true, READER_UID, OTHER, OTHER, true },
    { "a member of the group, as its primary group", true, OTHER, READER_GID, OTHER, true },
    { "a member of the group, as a supplementary group", true, OTHER, OTHER, READER_GID, true },
    { "the reader on the admin socket", false, READER_UID, READER_GID, READER_GID, false },
};

/* In the forked child of a threaded program, so only system calls. 0 if the server sends its HTTP/2 settings. */
static int visit(const struct visitor *who, const struct sockaddr_un *at)
{
    const gid_t groups[] = { 5000, who->further_group };
    struct pollfd p = { .events = POLLIN };
    char byte;

    if (setgroups(2, groups) != 0 || setgid(who->gid) != 0 || setuid(who->uid) != 0)
        return CANNOT;
    p.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(p.fd, (const struct sockaddr *)at, sizeof *at) != 0)
        return 1;
    return poll(&p, 1, 60 * 1000) == 1 && read(p.fd, &byte, 1) == 1 ? 0 : 1;
}

static void the_kernel_says_who_connects(void **state)
{
    const struct visitor *row = *state;
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct rpc_options options;
    struct net_address listen[3];
    struct fixture *f;
    void *fixture;
    pid_t child;
    int status;

    if (geteuid() != 0)
        skip();
    fixture_setup(&fixture);
    f = fixture;
    client_close(&f->client);
    rpc_destroy(f->rpc);
    fixture_options(f, &options, listen);
    options.reader_uid = READER_UID;
    options.reader_gid = READER_GID;
    fixture_start(f, &options);
    /* As if an operator had opened up the modes of the files: the acceptor alone decides. */
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(chmod(listen[0].path, 0666), 0);
    memcpy(at.sun_path, listen[row->is_reader_socket].path, sizeof at.sun_path);
    child = fork();
    if (child == 0)
        _exit(visit(row, &at));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    fixture_teardown(&fixture);
    if (WEXITSTATUS(status) == CANNOT)
        skip(); /* root in a namespace that knows no other users */
    assert_int_equal(WEXITSTATUS(status) == 0, row->want);
}

/* ---- counts ---- */

static struct rpc_method_counts counts_of(struct fixture *f, const char *path)
{
    struct rpc_method_counts all[64];
    size_t count = rpc_counts(f->rpc, all, 64);

    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        if (path == NULL ? all[i].path == NULL : all[i].path != NULL && strcmp(all[i].path, path) == 0)
            return all[i];
    fail();
    return all[0];
}

static void calls_are_counted_by_method_and_status_on_all_addresses(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client reader;
    struct client_call call;

    client_open(&reader, f->reader);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "one", &answer), ERROR_OK);
    assert_int_equal(client_unary(&reader, TEST_ECHO, "two", &answer), ERROR_OK);
    assert_int_equal(client_unary(&reader, TEST_ADMIN, "no", &answer), ERROR_PERMISSION_DENIED);
    assert_int_equal(client_unary(&f->client, "/test.Test/None", "?", &answer), ERROR_UNIMPLEMENTED);
    client_ask(&f->client, &call, TEST_QUIET, "");
    client_headers(&call);
    assert_int_equal(counts_of(f, TEST_QUIET).started, 1);
    assert_int_equal(counts_of(f, TEST_QUIET).handled[ERROR_CANCELLED], 0);
    client_end(&call); /* leaves */
    fixture_await_ended(f, 1);
    client_close(&reader);
    rpc_stop(f->rpc, GRACE_MS);
    assert_int_equal(counts_of(f, TEST_ECHO).started, 2);
    assert_int_equal(counts_of(f, TEST_ECHO).handled[ERROR_OK], 2);
    assert_int_equal(counts_of(f, TEST_ADMIN).handled[ERROR_PERMISSION_DENIED], 1);
    assert_int_equal(counts_of(f, TEST_QUIET).handled[ERROR_CANCELLED], 1);
    assert_int_equal(counts_of(f, NULL).handled[ERROR_UNIMPLEMENTED], 1);
    assert_int_equal(counts_of(f, TEST_FEED).started, 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(drained_streams_end_with_their_token),
        WITH_SERVER(a_stream_without_a_drain_callback_is_ended_for_it),
        WITH_SERVER(a_drained_server_accepts_no_call),
        WITH_SERVER(a_ticket_may_answer_while_draining),
        WITH_SERVER(calls_that_do_not_end_are_cancelled),
        WITH_SERVER(a_server_stops_without_a_drain_before),
        WITH_SERVER(a_new_server_replaces_a_stale_socket),
        WITH_SERVER(an_address_in_use_is_refused),
        WITH_SERVER(no_address_is_refused),
        WITH_SERVER(connections_of_one_user_are_capped),
        WITH_SERVER(a_closed_connection_makes_room),
        WITH_SERVER(over_tcp_a_connection_has_a_hundred_streams),
        WITH_SERVER(streams_of_one_connection_are_capped),
        WITH_SERVER(calls_are_counted_by_method_and_status_on_all_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(the_kernel_says_who_connects, visitors);
}
