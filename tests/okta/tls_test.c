/* TLS and HTTP/2: curl behind okta.h, through nghttpx, to a server on loopback. Without nghttpx and openssl on the
 * machine there is nothing to test, and it says so. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/okta/loopback.h"
#include "tests/okta/tunnel.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define TRIES_MAX  200 /* of 50 ms: how long nghttpx may take to begin */

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"

static const struct loopback_page pages[] = {
    { "/api/v1/logs", OK, sizeof OK - 1, LOOPBACK_KEEP, 0 },
    { NULL, NULL, 0, LOOPBACK_CLOSE, 0 },
};

static struct loopback *server;
static char certificate[512], key[512];
static int finished;

static void on_finished(void *ctx, struct okta_exchange *x)
{
    (void)ctx;
    (void)x;
    finished++;
}

/* ---- other programs ---- */

static pid_t spawn(const char *const arguments[])
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
        if (freopen("/dev/null", "w", stderr) != NULL && freopen("/dev/null", "w", stdout) != NULL)
            execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static bool succeeds(const char *const arguments[])
{
    pid_t pid = spawn(arguments);
    int status;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_installed(const char *program)
{
    const char *const arguments[] = { "sh", "-c", "command -v \"$0\"", program, NULL };

    return succeeds(arguments);
}

static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof at;

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static bool make_certificate(void)
{
    const char *folder = getenv("TEST_TMPDIR");
    const char *const arguments[] = { "openssl",
                                      "req",
                                      "-x509",
                                      "-newkey",
                                      "ec",
                                      "-pkeyopt",
                                      "ec_paramgen_curve:P-256",
                                      "-nodes",
                                      "-keyout",
                                      key,
                                      "-out",
                                      certificate,
                                      "-subj",
                                      "/CN=localhost",
                                      "-addext",
                                      "subjectAltName=DNS:localhost",
                                      NULL };

    snprintf(certificate, sizeof certificate, "%s/okta_tls_test.pem", folder != NULL ? folder : "/tmp");
    snprintf(key, sizeof key, "%s/okta_tls_test.key", folder != NULL ? folder : "/tmp");
    return succeeds(arguments);
}

/* nghttpx in front of the server; `option` is one more argument. */
static pid_t start_front(int port, const char *option)
{
    char front[64], back[64];
    const char *const arguments[] = { "nghttpx", "--conf=/dev/null", "--workers=1", "-f", front, "-b", back, option,
                                      key,       certificate,        NULL };

    snprintf(front, sizeof front, "127.0.0.1,%d", port);
    snprintf(back, sizeof back, "127.0.0.1,%d", loopback_port(server));
    return spawn(arguments);
}

static void stop_front(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* ---- one exchange ---- */

static void fetch(struct okta_transport *t, struct okta_exchange *x, const char *host, int port)
{
    static const char *const headers[] = { "Accept: application/json", NULL };
    char url[128];

    snprintf(url, sizeof url, "https://%s:%d/api/v1/logs", host, port);
    *x = (struct okta_exchange){ .url = mem_strdup(url),
                                 .headers = headers,
                                 .connect_ms = 10000,
                                 .timeout_ms = 60000,
                                 .body_bytes_max = 4096,
                                 .header_bytes_max = 4096 };
    finished = 0;
    t->start(t, x);
    for (int i = 0; i < ROUNDS_MAX && finished == 0; i++)
        t->run(t, 60000);
    assert_int_equal(finished, 1);
}

static void release(struct okta_exchange *x)
{
    free(x->url);
    buf_deinit(&x->head);
    buf_deinit(&x->body);
}

/* How our own certificate comes to be trusted. */
enum trust { NOBODY, ENVIRONMENT, OPTION, OPTION_TWICE };

static struct okta_transport *make_transport(enum trust trust, const char *proxy, const char *host, int port)
{
    struct okta_options options = { .user_agent = "okta-test/1", .proxy = proxy };
    struct okta_transport *t;
    char text[64];

    if (trust == ENVIRONMENT || trust == OPTION_TWICE)
        setenv("SSL_CERT_FILE", certificate, 1);
    else
        unsetenv("SSL_CERT_FILE");
    snprintf(text, sizeof text, "https://%s:%d", host, port);
    assert_true(okta_url_parse(view_of(text), true, &options.url, NULL));
    options.ca_file = trust == OPTION || trust == OPTION_TWICE ? certificate : NULL;
    t = okta_transport_curl(&options);
    t->finished = on_finished;
    return t;
}

/* Until nghttpx listens, nobody is there to connect to. */
static void fetch_when_there(struct okta_transport *t, struct okta_exchange *x, const char *host, int port)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        fetch(t, x, host, port);
        if (strstr(x->failure, "connect") == NULL || strstr(x->failure, "certificate") != NULL)
            return;
        release(x);
        t->run(t, 50);
    }
    fail_msg("nghttpx does not listen");
}

static const struct row {
    const char *name, *option, *host;
    enum trust trust;
    int want_status;
    const char *want; /* in the request as the server saw it, or in the failure */
} rows[] = {
    { "TLS with HTTP/2, by a CA file from the environment", "--tls-min-proto-version=TLSv1.2", "localhost", ENVIRONMENT,
      200, "Via: 2 nghttpx" },
    { "TLS with HTTP/1.1 alone", "--npn-list=http/1.1", "localhost", ENVIRONMENT, 200, "Via: 1.1 nghttpx" },
    { "TLS 1.2 alone", "--tls-max-proto-version=TLSv1.2", "localhost", ENVIRONMENT, 200, "Via: 2 nghttpx" },
    { "a CA of our own, besides the system's", "--tls-min-proto-version=TLSv1.2", "localhost", OPTION, 200,
      "Via: 2 nghttpx" },
    { "one that is trusted already", "--tls-min-proto-version=TLSv1.2", "localhost", OPTION_TWICE, 200,
      "Via: 2 nghttpx" },
    { "a CA of our own, and another name", "--tls-min-proto-version=TLSv1.2", "127.0.0.1", OPTION, 0, "127.0.0.1" },
    { "a certificate of nobody we know", "--tls-min-proto-version=TLSv1.2", "localhost", NOBODY, 0, "certificate" },
    { "a certificate of another name", "--tls-min-proto-version=TLSv1.2", "127.0.0.1", ENVIRONMENT, 0, "127.0.0.1" },
};

static void tls(void **state)
{
    const struct row *row = *state;
    int port = free_port();
    struct okta_transport *t = make_transport(row->trust, NULL, row->host, port);
    pid_t front;
    struct okta_exchange x;

    server = loopback_start(pages);
    front = start_front(port, row->option);
    fetch_when_there(t, &x, row->host, port);
    if (x.http_status != row->want_status)
        fail_msg("status %d, failure \"%s\"", x.http_status, x.failure);
    if (row->want_status == 200) {
        assert_string_equal(buf_cstr(&x.body), "[]");
        assert_non_null(strcasestr(loopback_request(server, 0), row->want));
        assert_non_null(strcasestr(buf_cstr(&x.head), "content-type: application/json\r\n"));
    } else {
        if (strstr(x.failure, row->want) == NULL)
            fail_msg("failure is \"%s\", want \"%s\"", x.failure, row->want);
        assert_int_equal(loopback_requests(server), 0);
    }
    release(&x);
    t->destroy(t);
    stop_front(front);
    loopback_stop(server);
}

/* TLS goes through the proxy unbroken: it sees to whom, and nothing of what. */
static void a_tunnel_is_made_through_a_proxy(void **state)
{
    struct tunnel *tunnel = tunnel_start();
    int port = free_port();
    struct okta_transport *direct = make_transport(OPTION, NULL, "localhost", port), *t;
    struct okta_exchange x;
    const char *request;
    char proxy[64];
    pid_t front;

    (void)state;
    server = loopback_start(pages);
    front = start_front(port, "--tls-min-proto-version=TLSv1.2");
    fetch_when_there(direct, &x, "localhost", port);
    release(&x);
    direct->destroy(direct);

    snprintf(proxy, sizeof proxy, "http://user:password@127.0.0.1:%d", tunnel_port(tunnel));
    t = make_transport(OPTION, proxy, "localhost", port);
    fetch(t, &x, "localhost", port);
    if (x.http_status != 200)
        fail_msg("status %d, failure \"%s\"", x.http_status, x.failure);
    assert_string_equal(buf_cstr(&x.body), "[]");
    assert_null(strstr(buf_cstr(&x.head), "Connected")); /* the proxy's own answer is not Okta's */
    release(&x);
    t->destroy(t);
    stop_front(front);
    loopback_stop(server);

    request = tunnel_request(tunnel);
    assert_ptr_equal(strstr(request, "CONNECT localhost:"), request);
    assert_non_null(strstr(request, "Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"));
    assert_null(strstr(request, "Accept: application/json"));
    tunnel_stop(tunnel);
}

static void a_ca_file_is_looked_at_first(void **state)
{
    struct error err = { 0 };

    (void)state;
    assert_true(okta_ca_file_check(certificate, &err));
    assert_false(okta_ca_file_check(key, &err)); /* PEM, but no certificate */
    assert_non_null(strstr(err.text, "certificate"));
    assert_false(okta_ca_file_check("/nowhere/ca.pem", &err));
    assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(a_ca_file_is_looked_at_first),
                                               cmocka_unit_test(a_tunnel_is_made_through_a_proxy) };
    struct error err = { 0 };

    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1); /* nghttpx counts as a daemon */
    if (!is_installed("nghttpx") || !is_installed("openssl")) {
        printf("SKIPPED: TLS and HTTP/2 want the programs nghttpx (nghttp2-proxy) and openssl\n");
        return 0;
    }
    unsetenv("CURL_CA_BUNDLE"); /* which would go first */
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    if (!okta_global_init(&err) || !make_certificate())
        return 1;
    return RUN_ROWS(tls, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
