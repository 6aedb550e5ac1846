/* TLS: roles by certificate, refused handshakes, and what one connection may cost. */
#include "tests/rows.h"
#include "tests/rpc/tls_world.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 20)
#define SOON_MS     300 /* of a time-out that is waited for */
#define GRACE_MS    (60 * 1000)

/* ---- roles ---- */

#define OK     ERROR_OK
#define DENIED ERROR_PERMISSION_DENIED
#define UNABLE ERROR_UNAVAILABLE /* the handshake fails */

static const struct visitor {
    const char *name;
    const char *certificate; /* its names; NULL: none is shown */
    const char *issuer;      /* "ours", "foreign" */
    int64_t until_s;
    size_t address;
    enum error_code echo, admin; /* what a reader's method and an admin's answer */
} visitors[] = {
    { "admin at the admin's", "URI:spiffe://example.org/admin/ann", "ours", 60, TLS_ADMIN, OK, OK },
    { "admin at the reader's", "URI:spiffe://example.org/admin/ann", "ours", 60, TLS_READER, OK, DENIED },
    { "reader at the admin's", "DNS:a.readers.example.org", "ours", 60, TLS_ADMIN, OK, DENIED },
    { "reader at the reader's", "DNS:a.readers.example.org", "ours", 60, TLS_READER, OK, DENIED },
    { "both names at the admin's", "DNS:a.readers.example.org,URI:spiffe://example.org/admin/a", "ours", 60, TLS_ADMIN,
      OK, OK },
    { "an unlisted name at the admin's", "DNS:b.example.org", "ours", 60, TLS_ADMIN, DENIED, DENIED },
    { "an unlisted name at the reader's", "DNS:b.example.org", "ours", 60, TLS_READER, DENIED, DENIED },
    { "no names at all", "", "ours", 60, TLS_ADMIN, DENIED, DENIED },
    { "a certificate's own asterisk", "DNS:*.readers.example.org", "ours", 60, TLS_READER, DENIED, DENIED },
    { "no certificate at the admin's", NULL, "ours", 60, TLS_ADMIN, UNABLE, UNABLE },
    { "no certificate at the reader's", NULL, "ours", 60, TLS_READER, UNABLE, UNABLE },
    { "a foreign CA of the same name", "URI:spiffe://example.org/admin/ann", "foreign", 60, TLS_ADMIN, UNABLE, UNABLE },
    { "a foreign CA at the reader's", "DNS:a.readers.example.org", "foreign", 60, TLS_READER, UNABLE, UNABLE },
    { "expired at the admin's", "URI:spiffe://example.org/admin/ann", "ours", -60, TLS_ADMIN, UNABLE, UNABLE },
    { "expired at the reader's", "DNS:a.readers.example.org", "ours", -60, TLS_READER, UNABLE, UNABLE },
};

static void ask(struct client *c, const char *path, enum error_code want)
{
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    client_ask(c, &call, path, "");
    while (client_read(&call, &text))
        buf_reset(&text);
    assert_int_equal(client_status(&call), want);
    if (want == DENIED) {
        assert_true(strlen(client_text(&call, &text)) > 40);
        assert_non_null(strstr(client_text(&call, &text), "--tls-admin-san"));
        assert_true(client_trailer(&call, "grpc-status-details-bin").len > 0);
    }
    client_end(&call);
}

static void a_certificate_decides(void **state)
{
    const struct visitor *row = *state;
    struct tls_world *w = tls_world_create();
    struct client c;

    if (row->certificate != NULL)
        tls_issue(w, row->issuer[0] == 'o' ? w->ca : w->foreign, "visitor",
                  row->certificate[0] != '\0' ? row->certificate : NULL, row->until_s);
    tls_world_start(w);
    tls_open(w, &c, row->address, row->certificate != NULL ? "visitor" : NULL);
    ask(&c, TEST_ECHO, row->echo);
    ask(&c, TEST_ADMIN, row->admin);
    ask(&c, "/grpc.health.v1.Health/Check", row->echo);
    client_close(&c);
    tls_world_destroy(w);
}

static void the_peer_text_has_role_and_address(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(1024);
    struct client c;

    (void)state;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_ADMIN, "reader");
    assert_int_equal(client_unary(&c, TEST_WHO, "", &answer), OK);
    assert_true(view_starts(buf_view(&answer), "1 reader tls:127.0.0.1:"));
    client_close(&c);
    tls_world_destroy(w);
}

static void plaintext_gets_no_answer(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(1024);
    struct client c;

    (void)state;
    tls_world_start(w);
    client_open(&c, rpc_address(w->f->rpc, TLS_READER));
    assert_int_equal(client_unary(&c, TEST_ECHO, "", &answer), UNABLE);
    client_close(&c);
    client_open(&c, rpc_address(w->f->rpc, TLS_PLAIN)); /* beside it, loopback without TLS is as ever */
    assert_int_equal(client_unary(&c, TEST_ECHO, "", &answer), OK);
    client_close(&c);
    tls_world_destroy(w);
}

/* ---- by hand ---- */

static const struct shake {
    const char *name;
    int version;
    const char *protocols;
    bool want;
} shakes[] = {
    { "TLS 1.3 and HTTP/2", TLS1_3_VERSION, "\x02h2", true },
    { "TLS 1.2 and HTTP/2", TLS1_2_VERSION, "\x02h2", true },
    { "HTTP/2 among others", TLS1_3_VERSION, "\x08http/1.1\x02h2", true },
    { "TLS 1.1", TLS1_1_VERSION, "\x02h2", false },
    { "HTTP/1.1 alone", TLS1_3_VERSION, "\x08http/1.1", false },
    { "no ALPN", TLS1_3_VERSION, NULL, false },
};

/* The server's first words in HTTP/2 are its settings. */
static bool is_greeted(SSL *session)
{
    char frame[9];

    return SSL_connect(session) == 1 && SSL_read(session, frame, sizeof frame) == sizeof frame && frame[3] == 4;
}

static void a_handshake_is_modern_or_fails(void **state)
{
    const struct shake *row = *state;
    struct tls_world *w = tls_world_create();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char cert[128], key[128];
    SSL *session;
    int fd;

    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, row->version);
    SSL_CTX_set_max_proto_version(context, row->version);
    assert_int_equal(SSL_CTX_use_certificate_file(context, tls_path(w, "reader.pem", cert), SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, tls_path(w, "reader.key", key), SSL_FILETYPE_PEM), 1);
    session = SSL_new(context);
    if (row->protocols != NULL)
        SSL_set_alpn_protos(session, (const unsigned char *)row->protocols, (unsigned)strlen(row->protocols));
    fd = tls_connect(w, TLS_READER);
    SSL_set_fd(session, fd);
    assert_int_equal(is_greeted(session), row->want);
    SSL_free(session);
    SSL_CTX_free(context);
    close(fd);
    tls_world_destroy(w);
}

/* ---- time limits ---- */

static bool is_closed(int fd)
{
    char bytes[512];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        ;
    return got == 0 || errno == ECONNRESET; /* not EAGAIN: that is the test's own patience */
}

static const struct silent {
    const char *name;
    size_t address;
    const char *words;
    size_t len;
} silents[] = {
    { "nothing, over TLS", TLS_READER, "", 0 },
    { "half a ClientHello, over TLS", TLS_READER, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11 },
    { "no TLS at all", TLS_READER, "GET / HTTP/1.1\r\n\r\n", 18 },
    { "nothing, without TLS", TLS_PLAIN, "", 0 },
    { "half a preface, without TLS", TLS_PLAIN, "PRI * HTTP/2", 12 },
    { "a preface and settings, without TLS", TLS_PLAIN, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33 },
};

static void a_connection_without_a_complete_preface_is_closed(void **state)
{
    const struct silent *row = *state;
    struct tls_world *w = tls_world_create();
    int fd;

    w->options.idle_ms = SOON_MS;
    w->options.handshake_ms = SOON_MS;
    tls_world_start(w);
    fd = tls_connect(w, row->address);
    assert_int_equal(send(fd, row->words, row->len, 0), row->len);
    assert_true(is_closed(fd));
    close(fd);
    tls_world_destroy(w);
}

static void idle_time_after_the_handshake_is_bounded(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(1024);
    struct client c;

    (void)state;
    w->options.idle_ms = SOON_MS;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    assert_int_equal(client_unary(&c, TEST_ECHO, "", &answer), OK);
    for (int i = 0; i < 600 && grpc_channel_check_connectivity_state(c.channel, 0) == GRPC_CHANNEL_READY; i++)
        (void)grpc_completion_queue_pluck(
            c.cq, &answer, gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(100, GPR_TIMESPAN)), NULL);
    assert_int_not_equal(grpc_channel_check_connectivity_state(c.channel, 0), GRPC_CHANNEL_READY);
    client_close(&c);
    tls_world_destroy(w);
}

/* ---- caps ---- */

static void connections_of_one_address_are_capped(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(1024);
    struct client c, other;
    int silent, late;

    (void)state;
    w->options.connections_per_uid_max = 2;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    assert_int_equal(client_unary(&c, TEST_ECHO, "one", &answer), OK);
    silent = tls_connect(w, TLS_READER); /* also one that has shown nothing yet */
    late = tls_connect(w, TLS_READER);
    assert_true(is_closed(late));
    tls_open(w, &other, TLS_ADMIN, "reader"); /* the address is the same on every listener */
    assert_int_equal(client_unary(&other, TEST_ECHO, "three", &answer), UNABLE);
    client_close(&other);
    close(silent);
    for (int i = 0, code = UNABLE; code == UNABLE; i++) { /* its place is free as soon as it is seen to be gone */
        assert_true(i < 1000);
        tls_open(w, &other, TLS_ADMIN, "reader");
        code = client_unary(&other, TEST_ECHO, "two", &answer);
        client_close(&other);
    }
    assert_int_equal(client_unary(&c, TEST_ECHO, "still there", &answer), OK);
    client_close(&c);
    close(late);
    tls_world_destroy(w);
}

static void streams_of_one_connection_are_capped(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(1024);
    struct client_call first, late;
    struct client c;

    (void)state;
    w->options.streams_per_connection_max = 1;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    assert_int_equal(client_unary(&c, TEST_ECHO, "settings are there", &answer), OK);
    client_ask(&c, &first, TEST_QUIET, "");
    client_headers(&first);
    client_begin(&c, &late, TEST_QUIET, VIEW_NONE, 100);
    assert_int_equal(client_status(&late), ERROR_DEADLINE_EXCEEDED);
    client_end(&late);
    client_end(&first);
    client_close(&c);
    tls_world_destroy(w);
}

/* ---- bytes ---- */

static void large_messages_arrive_whole(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf text = BUF(MESSAGE_MAX);
    AUTO_BUF struct buf answer = BUF(MESSAGE_MAX);
    struct client c;

    (void)state;
    for (unsigned i = 0; text.len < 200 * 1024; i++)
        buf_printf(&text, "%u,", i * 2654435761u);
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    for (int i = 0; i < 20; i++) {
        buf_reset(&answer);
        assert_int_equal(client_unary(&c, TEST_ECHO, buf_cstr(&text), &answer), OK);
        assert_true(view_eq(buf_view(&answer), buf_view(&text)));
    }
    client_close(&c);
    tls_world_destroy(w);
}

/* A client that does not read costs at most the buffers on the way; a second client is served meanwhile. */
static void a_slow_reader_costs_a_window(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(MESSAGE_MAX);
    struct client_call flood;
    struct client c, other;
    uint32_t before, after;

    (void)state;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    tls_open(w, &other, TLS_READER, "reader");
    client_ask(&c, &flood, TEST_FLOOD, "");
    client_headers(&flood);
    fixture_await_started(w->f, 1);
    do {
        before = atomic_load(&w->f->most_flooded);
        for (int i = 0; i < 50; i++)
            assert_int_equal(client_unary(&other, TEST_ECHO, "hello", &answer), OK);
        after = atomic_load(&w->f->most_flooded);
    } while (after != before); /* ends: it is full */
    assert_true(after < 32 * 1024);
    for (int i = 0; i < 500; i++) /* and what was held back comes */
        assert_true(client_read(&flood, &answer));
    client_cancel(&flood);
    client_end(&flood);
    client_close(&other);
    client_close(&c);
    tls_world_destroy(w);
}

/* ---- the shutdown ---- */

static void a_drained_stream_ends_with_its_token(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    struct client_call call;
    struct client c;

    (void)state;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "reader");
    client_ask(&c, &call, TEST_FEED, "");
    fixture_feed(w->f, 1);
    assert_true(client_read(&call, &message));
    rpc_drain(w->f->rpc);
    rpc_stop(w->f->rpc, GRACE_MS);
    assert_false(client_read(&call, &message));
    assert_int_equal(client_status(&call), UNABLE);
    assert_true(view_is(client_trailer(&call, "okta-resume-token"), "1"));
    client_end(&call);
    client_close(&c);
    tls_world_destroy(w);
}

static const struct aged {
    const char *name;
    size_t address;
    bool want;
} ageds[] = {
    { "over TLS", TLS_READER, true },
    { "over plain loopback", TLS_PLAIN, true },
    { "on a Unix socket there is none", 3, false },
};

static void a_stream_over_tcp_has_a_maximum_age(void **state)
{
    const struct aged *row = *state;
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;
    struct client c;

    w->options.connection_age_ms = SOON_MS;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    if (row->address == TLS_READER)
        tls_open(w, &c, TLS_READER, "reader");
    else
        client_open(&c, rpc_address(w->f->rpc, row->address));
    client_begin(&c, &call, TEST_QUIET, VIEW_NONE, row->want ? NO_DEADLINE : 5 * SOON_MS);
    client_headers(&call);
    assert_int_equal(client_status(&call), row->want ? UNABLE : ERROR_DEADLINE_EXCEEDED);
    assert_int_equal(strstr(client_text(&call, &text), "--max-connection-age") != NULL, row->want);
    client_end(&call);
    /* A client that calls again is served: connections are not refused. */
    assert_int_equal(client_unary(&c, TEST_ECHO, "again", &message), OK);
    client_close(&c);
    tls_world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_peer_text_has_role_and_address),
        cmocka_unit_test(plaintext_gets_no_answer),
        cmocka_unit_test(idle_time_after_the_handshake_is_bounded),
        cmocka_unit_test(connections_of_one_address_are_capped),
        cmocka_unit_test(streams_of_one_connection_are_capped),
        cmocka_unit_test(large_messages_arrive_whole),
        cmocka_unit_test(a_slow_reader_costs_a_window),
        cmocka_unit_test(a_drained_stream_ends_with_its_token),
    };

    signal(SIGPIPE, SIG_IGN);
    return RUN_ROWS(a_certificate_decides, visitors) + RUN_ROWS(a_handshake_is_modern_or_fails, shakes) +
           RUN_ROWS(a_connection_without_a_complete_preface_is_closed, silents) +
           RUN_ROWS(a_stream_over_tcp_has_a_maximum_age, ageds) + cmocka_run_group_tests(tests, NULL, NULL);
}
