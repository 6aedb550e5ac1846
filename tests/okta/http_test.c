/* curl behind okta.h, against a server on loopback that misbehaves as told. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/okta/loopback.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#define BODY_MAX   (256u << 10)
#define HEADER_MAX (64u << 10)
#define ROUNDS_MAX 1000

#define OK(headers, body) "HTTP/1.1 200 OK\r\n" headers "\r\n" body

/* ---- answers too large to be written down here ---- */

static struct buf zipped = BUF(1u << 20), bomb = BUF(1u << 20), large = BUF(1u << 20), exact = BUF(1u << 20),
                  long_head = BUF(1u << 20), largest_head = BUF(1u << 20);

static void zip(struct buf *out, const void *at, size_t len)
{
    unsigned char *packed = mem_alloc(len + 1000);
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)at, .avail_in = (uInt)len, .next_out = packed };

    z.avail_out = (uInt)(len + 1000);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_printf(out, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n", z.total_out);
    buf_put(out, packed, z.total_out);
    deflateEnd(&z);
    free(packed);
}

static void fill(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_putc(out, 'x');
}

/* `bytes` of head as the transport counts them: lines with their ends, without the status line. */
static void make_head(struct buf *out, size_t bytes)
{
    size_t left = bytes - strlen("Content-Length: 2\r\n");

    buf_puts(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
    while (left > 0) {
        size_t line = left >= 2000 ? 1000 : left;

        buf_puts(out, "X: ");
        fill(out, line - 5);
        buf_puts(out, "\r\n");
        left -= line;
    }
    buf_puts(out, "\r\n[]");
}

static void make_answers(void)
{
    char *zeros = mem_zero(BODY_MAX + 1);

    zip(&zipped, "[\"packed\"]", 10);
    zip(&bomb, zeros, BODY_MAX + 1);
    free(zeros);
    buf_printf(&large, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BODY_MAX + 1);
    fill(&large, BODY_MAX + 1);
    buf_printf(&exact, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BODY_MAX);
    fill(&exact, BODY_MAX);
    make_head(&long_head, HEADER_MAX + 1);
    make_head(&largest_head, HEADER_MAX);
}

/* ---- pages ---- */

#define AT "/api/v1/logs?page="

#define PAGE(path, text, then)                                                                                         \
    {                                                                                                                  \
        path, text, sizeof(text) - 1, then, 0                                                                          \
    }

static struct loopback_page pages[] = {
    PAGE(AT "json", OK("Content-Type: application/json\r\nSet-Cookie: sid=1; Path=/\r\nContent-Length: 2\r\n", "[]"),
         LOOPBACK_KEEP),
    PAGE(AT "chunked", OK("Transfer-Encoding: chunked\r\n", "1\r\n[\r\n1\r\n]\r\n0\r\nLink: </x>; rel=next\r\n\r\n"),
         LOOPBACK_KEEP),
    PAGE(AT "hints", "HTTP/1.1 103 Early Hints\r\nLink: </early>; rel=next\r\n\r\n" OK("Content-Length: 2\r\n", "[]"),
         LOOPBACK_KEEP),
    PAGE(AT "folded", OK("Link: </a>; rel=self,\r\n  </b>; rel=next\r\nContent-Length: 2\r\n", "[]"), LOOPBACK_KEEP),
    PAGE(AT "redirect", "HTTP/1.1 302 Found\r\nLocation: /json\r\nContent-Length: 0\r\n\r\n", LOOPBACK_KEEP),
    PAGE(AT "401", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", LOOPBACK_KEEP),
    PAGE(AT "closed", "", LOOPBACK_CLOSE),
    PAGE(AT "reset", "", LOOPBACK_RESET),
    PAGE(AT "truncated", OK("Content-Length: 100\r\n", "[1,2"), LOOPBACK_CLOSE),
    PAGE(AT "chunked-truncated", OK("Transfer-Encoding: chunked\r\n", "5\r\n[1,2"), LOOPBACK_CLOSE),
    PAGE(AT "silent", "", LOOPBACK_STALL),
    PAGE(AT "stalled", OK("Content-Length: 100\r\n", "[1,2"), LOOPBACK_STALL),
    PAGE(AT "not-http", "hello\r\n\r\n", LOOPBACK_CLOSE),
    PAGE(AT "bad-gzip", OK("Content-Encoding: gzip\r\nContent-Length: 4\r\n", "nope"), LOOPBACK_CLOSE),
    { AT "once", OK("Content-Length: 2\r\n", "[]"), sizeof(OK("Content-Length: 2\r\n", "[]")) - 1, LOOPBACK_KEEP, 1 },
    { AT "gzip", NULL, 0, LOOPBACK_KEEP, 0 },
    { AT "bomb", NULL, 0, LOOPBACK_CLOSE, 0 },
    { AT "large", NULL, 0, LOOPBACK_CLOSE, 0 },
    { AT "exact", NULL, 0, LOOPBACK_KEEP, 0 },
    { AT "long-head", NULL, 0, LOOPBACK_CLOSE, 0 },
    { AT "largest-head", NULL, 0, LOOPBACK_KEEP, 0 },
    { NULL, NULL, 0, LOOPBACK_CLOSE, 0 },
};

static void set_page(const char *path, const struct buf *answer)
{
    for (struct loopback_page *p = pages; p->path != NULL; p++)
        if (strcmp(p->path, path) == 0) {
            p->bytes = answer->at;
            p->len = answer->len;
        }
}

/* ---- one exchange ---- */

static struct loopback *server;
static struct okta_transport *transport;
static int finished;

/* To the org that is at that port of loopback. */
static struct okta_transport *make_transport(int port)
{
    struct okta_options options = { .user_agent = "okta-test/1" };
    char text[64];

    snprintf(text, sizeof text, "http://127.0.0.1:%d", port);
    assert_true(okta_url_parse(view_of(text), true, &options.url, NULL));
    return okta_transport_curl(&options);
}

static void on_finished(void *ctx, struct okta_exchange *x)
{
    (void)ctx;
    (void)x;
    finished++;
}

static int set_up(void **state)
{
    (void)state;
    server = loopback_start(pages);
    transport = make_transport(loopback_port(server));
    transport->finished = on_finished;
    finished = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    transport->destroy(transport);
    loopback_stop(server);
    return 0;
}

static void begin_url(struct okta_exchange *x, const char *url)
{
    static const char *const headers[] = { "Accept: application/json", "Authorization: SSWS secret", NULL };

    *x = (struct okta_exchange){ .url = mem_strdup(url),
                                 .headers = headers,
                                 .connect_ms = 10000,
                                 .timeout_ms = 60000,
                                 .body_bytes_max = BODY_MAX,
                                 .header_bytes_max = HEADER_MAX };
}

static void begin(struct okta_exchange *x, const char *path)
{
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", loopback_port(server), path);
    begin_url(x, url);
}

static void finish(struct okta_exchange *x)
{
    int before = finished;

    transport->start(transport, x);
    for (int i = 0; i < ROUNDS_MAX && finished == before; i++)
        transport->run(transport, 60000);
    assert_int_equal(finished, before + 1);
}

static void release(struct okta_exchange *x)
{
    free(x->url);
    buf_deinit(&x->head);
    buf_deinit(&x->body);
}

static void fetch(struct okta_exchange *x, const char *path)
{
    begin(x, path);
    finish(x);
}

/* ---- what comes back ---- */

static const struct row {
    const char *name, *path;
    int want_status;
    const char *want_body; /* NULL: does not matter */
    const char *want_failure;
    bool want_body_full, want_head_full;
} rows[] = {
    { "a page", AT "json", 200, "[]", "", false, false },
    { "a page in chunks", AT "chunked", 200, "[]", "", false, false },
    { "a gzipped page", AT "gzip", 200, "[\"packed\"]", "", false, false },
    { "a redirect is not followed", AT "redirect", 302, "", "", false, false },
    { "a 401 is an answer", AT "401", 401, "", "", false, false },
    { "closed before an answer", AT "closed", 0, "", "Empty reply from server", false, false },
    { "reset before an answer", AT "reset", 0, "", "reset", false, false },
    { "a body cut short is no answer", AT "truncated", 200, NULL, "bytes remaining", false, false },
    { "a chunk cut short is no answer", AT "chunked-truncated", 200, NULL, "closed", false, false },
    { "what is not HTTP", AT "not-http", 0, "", "HTTP/0.9", false, false },
    { "what is not gzip", AT "bad-gzip", 200, "", "unencoding", false, false },
    { "a body as large as may be", AT "exact", 200, NULL, "", false, false },
    { "a body beyond the cap", AT "large", 200, NULL, "the answer's body is too large", true, false },
    { "a small body that unpacks beyond the cap", AT "bomb", 200, NULL, "the answer's body is too large", true, false },
    { "a header block as large as may be", AT "largest-head", 200, "[]", "", false, false },
    { "a header block beyond the cap", AT "long-head", 200, NULL, "the answer's header block is too large", false,
      true },
};

static void a_path_gives(void **state)
{
    const struct row *row = *state;
    struct okta_exchange x;

    set_up(NULL);
    fetch(&x, row->path);
    assert_int_equal(x.http_status, row->want_status);
    if (row->want_body != NULL)
        assert_string_equal(buf_cstr(&x.body), row->want_body);
    if (strstr(x.failure, row->want_failure) == NULL || (row->want_failure[0] == '\0') != (x.failure[0] == '\0'))
        fail_msg("failure is \"%s\", want \"%s\"", x.failure, row->want_failure);
    assert_int_equal(!buf_ok(&x.body), row->want_body_full);
    assert_int_equal(!buf_ok(&x.head), row->want_head_full);
    assert_true(x.body.len <= BODY_MAX && x.head.len <= HEADER_MAX);
    assert_false(x.timed_out);
    release(&x);
    tear_down(NULL);
}

static void the_head_is_the_final_answers_alone(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "hints");
    assert_string_equal(buf_cstr(&x.head), "Content-Length: 2\r\n");
    release(&x);
    fetch(&x, AT "chunked"); /* its trailer is not taken for a header */
    assert_string_equal(buf_cstr(&x.head), "Transfer-Encoding: chunked\r\n");
    release(&x);
}

static void a_line_that_goes_on_is_seen_as_such(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "folded");
    if (strstr(buf_cstr(&x.head), "rel=self,\r\n </b>") == NULL) /* or already put together by curl */
        assert_non_null(strstr(buf_cstr(&x.head), "rel=self, </b>; rel=next\r\n"));
    release(&x);
}

/* ---- what goes out ---- */

static void a_request_is_a_get_without_cookies(void **state)
{
    struct okta_exchange x;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fetch(&x, AT "json");
        assert_non_null(strstr(buf_cstr(&x.head), "Set-Cookie"));
        release(&x);
    }
    fetch(&x, AT "redirect");
    release(&x);
    assert_int_equal(loopback_requests(server), 3);
    for (size_t i = 0; i < 3; i++) {
        const char *head = loopback_request(server, i);

        assert_memory_equal(head, "GET /", 5);
        assert_null(strstr(head, "Cookie"));
        assert_non_null(strstr(head, "Authorization: SSWS secret\r\n"));
        assert_non_null(strstr(head, "User-Agent: okta-test/1\r\n"));
        assert_non_null(strstr(head, "gzip"));
        assert_null(strstr(head, "Upgrade")); /* HTTP/2 is agreed on by TLS or not at all */
    }
    assert_int_equal(loopback_connections(server), 1); /* kept */
}

static void a_path_goes_out_as_it_is(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, "/api/v1/logs?q=%2e%2E,(x)&d=/../"); /* nobody answers it */
    release(&x);
    assert_non_null(strstr(loopback_request(server, 0), "GET /api/v1/logs?q=%2e%2E,(x)&d=/../ HTTP/1.1\r\n"));
}

/* "%d" is the server's port. */
static const struct refusal {
    const char *name, *url;
} refusals[] = {
    { "http beyond loopback", "http://acme.okta.com/api/v1/logs" },
    { "http to a name that begins like loopback", "http://127.0.0.1.acme.example:%d/api/v1/logs" },
    { "another name for loopback", "http://localhost:%d/api/v1/logs" },
    { "another port", "http://127.0.0.1:%d1/api/v1/logs" },
    { "the org's address in a user name", "http://127.0.0.1:%d@acme.example/api/v1/logs" },
    { "TLS where there is none", "https://127.0.0.1:%d/api/v1/logs" },
    { "another protocol", "ftp://127.0.0.1:%d/api/v1/logs" },
    { "a file", "file:///etc/passwd" },
    { "a user name", "https://a:b@127.0.0.1:%d/api/v1/logs" },
    { "a path that is not on the list", "http://127.0.0.1:%d/api/v1/users/me" },
    { "one that can be got, but is not asked for", "http://127.0.0.1:%d/api/v1/groups" },
    { "dots in the path", "http://127.0.0.1:%d/api/v1/logs/../users" },
    { "an encoded path", "http://127.0.0.1:%d/api/v1/%%6cogs" },
    { "a GET of the token endpoint", "http://127.0.0.1:%d" OKTA_TOKEN_PATH },
};

static void put_port(char *to, size_t size, const char *url)
{
    const char *mark = strstr(url, "%d");

    if (mark == NULL)
        snprintf(to, size, "%s", url);
    else
        snprintf(to, size, "%.*s%d%s", (int)(mark - url), url, loopback_port(server), mark + 2);
}

static void a_url_is_refused_before_anything_is_sent(void **state)
{
    const struct refusal *row = *state;
    struct okta_exchange x;
    char url[128];

    set_up(NULL);
    put_port(url, sizeof url, row->url);
    begin_url(&x, url);
    finish(&x);
    assert_int_equal(x.http_status, 0);
    assert_true(x.failure[0] != '\0');
    assert_true(x.is_off_list);
    assert_int_equal(loopback_connections(server), 0);
    release(&x);
    tear_down(NULL);
}

/* ---- connections ---- */

/* The server closes a kept connection when the second request comes in, as load balancers do. */
static void a_kept_connection_that_died_costs_nothing(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "once");
    release(&x);
    fetch(&x, AT "once");
    if (x.failure[0] != '\0') {
        assert_true(x.was_stale_connection); /* then the client asks again */
        x.is_fresh_connection = true;
        finish(&x);
    }
    assert_int_equal(x.http_status, 200);
    assert_int_equal(loopback_connections(server), 2);
    release(&x);
}

static void a_connection_that_was_new_is_not_called_stale(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "closed");
    assert_false(x.was_stale_connection);
    release(&x);
}

static void a_fresh_connection_is_made_when_asked_for(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "json");
    release(&x);
    begin(&x, AT "json");
    x.is_fresh_connection = true;
    finish(&x);
    release(&x);
    assert_int_equal(loopback_connections(server), 2);
}

/* ---- time ---- */

static void time_runs_out_over_an_answer(const char *path)
{
    struct okta_exchange x;

    begin(&x, path);
    x.timeout_ms = 50;
    finish(&x);
    assert_true(x.timed_out);
    assert_non_null(strstr(x.failure, "timed out"));
    release(&x);
}

static void silence_and_a_stalled_body_time_out(void **state)
{
    (void)state;
    time_runs_out_over_an_answer(AT "silent");
    time_runs_out_over_an_answer(AT "stalled");
}

static void to_another_port(int port)
{
    transport->destroy(transport);
    transport = make_transport(port);
    transport->finished = on_finished;
}

static void nobody_there_is_not_called_a_page_too_large(void **state)
{
    struct okta_exchange x;

    (void)state;
    to_another_port(1);
    begin_url(&x, "http://127.0.0.1:1/api/v1/logs");
    finish(&x);
    assert_false(x.timed_out);
    assert_true(x.failure[0] != '\0');
    release(&x);
}

/* A listener whose queue is full answers no more connections. */
static void a_connection_that_times_out_is_not_called_a_page_too_large(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fds[8];
    struct okta_exchange x;
    char url[64];

    (void)state;
    for (int i = 0; i < 8; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&at, &len), 0);
    for (int i = 1; i < 8; i++)
        (void)!connect(fds[i], (struct sockaddr *)&at, sizeof at);
    to_another_port(ntohs(at.sin_port));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1/logs", ntohs(at.sin_port));
    begin_url(&x, url);
    x.connect_ms = 50;
    finish(&x);
    assert_false(x.timed_out);
    assert_non_null(strcasestr(x.failure, "time"));
    release(&x);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void after_a_time_out_kept_connections_are_not_trusted(void **state)
{
    struct okta_exchange x;

    (void)state;
    fetch(&x, AT "json");
    release(&x);
    begin(&x, AT "silent"); /* on the kept connection, or beside it */
    x.is_fresh_connection = true;
    x.timeout_ms = 50;
    finish(&x);
    release(&x);
    fetch(&x, AT "json");
    release(&x);
    assert_int_equal(loopback_connections(server), 3);
}

static void cancelled_is_never_finished(void **state)
{
    struct okta_exchange x;

    (void)state;
    begin(&x, AT "silent");
    transport->start(transport, &x);
    for (int i = 0; i < ROUNDS_MAX && loopback_requests(server) == 0; i++)
        transport->run(transport, 10);
    transport->cancel(transport, &x);
    transport->cancel(transport, &x); /* once more does no harm */
    transport->run(transport, 0);
    assert_int_equal(finished, 0);
    release(&x);
}

static void the_end_does_not_wait_for_answers(void **state)
{
    struct okta_exchange x;

    (void)state;
    begin(&x, AT "silent");
    transport->start(transport, &x);
    for (int i = 0; i < ROUNDS_MAX && loopback_requests(server) == 0; i++)
        transport->run(transport, 10);
    transport->destroy(transport);
    transport = make_transport(loopback_port(server));
    assert_int_equal(finished, 0);
    release(&x);
}

static void *wake(void *ctx)
{
    struct okta_transport *t = ctx;

    t->wake(t);
    return NULL;
}

/* If it did not, this would outlast the test's own limit. */
static void another_thread_ends_the_wait(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wake, transport), 0);
    transport->run(transport, 3600000);
    pthread_join(thread, NULL);
}

/* ---- the one POST ---- */

static void the_token_endpoint_is_posted_to(void **state)
{
    struct okta_exchange x;
    const char *request;

    (void)state;
    begin(&x, OKTA_TOKEN_PATH);
    x.post_body = "grant_type=client_credentials";
    finish(&x);
    request = loopback_request(server, 0);
    assert_ptr_equal(strstr(request, "POST " OKTA_TOKEN_PATH " HTTP/1.1\r\n"), request);
    assert_non_null(strstr(request, "Content-Length: 29\r\n"));
    release(&x);
}

static const struct post_row {
    const char *name, *path;
} posts[] = {
    { "users", "/api/v1/users" },
    { "with a query", OKTA_TOKEN_PATH "?x=/oauth2/v1/token" },
    { "in the query", "/api/v1/users?" OKTA_TOKEN_PATH },
    { "a path that ends so", "/x" OKTA_TOKEN_PATH },
    { "a path that begins so", OKTA_TOKEN_PATH "/x" },
    { "without its slash", "/oauth2/v1/token/" },
};

/* In a process of its own, since it ends that. */
static void a_post_elsewhere_ends_the_process(void **state)
{
    const struct post_row *row = *state;
    struct okta_exchange x;
    int status;
    pid_t pid;

    set_up(NULL);
    begin(&x, row->path);
    x.post_body = "grant_type=client_credentials";
    pid = fork();
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka has put itself in between */
        if (freopen("/dev/null", "w", stderr) != NULL)
            transport->start(transport, &x);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_int_equal(loopback_requests(server), 0);
    release(&x);
    tear_down(NULL);
}

static void many_at_once_all_come_back(void **state)
{
    struct okta_exchange x[OKTA_IN_FLIGHT_MAX];

    (void)state;
    for (int i = 0; i < OKTA_IN_FLIGHT_MAX; i++) {
        begin(&x[i], i % 2 == 0 ? AT "json" : AT "gzip");
        transport->start(transport, &x[i]);
    }
    for (int i = 0; i < ROUNDS_MAX && finished < OKTA_IN_FLIGHT_MAX; i++)
        transport->run(transport, 1000);
    assert_int_equal(finished, OKTA_IN_FLIGHT_MAX);
    for (int i = 0; i < OKTA_IN_FLIGHT_MAX; i++) {
        assert_string_equal(buf_cstr(&x[i].body), i % 2 == 0 ? "[]" : "[\"packed\"]");
        release(&x[i]);
    }
}

/* ---- with the client on top ---- */

static struct okta_answer told;
static int tells;

static void on_told(struct okta_request *r, const struct okta_answer *answer)
{
    (void)r;
    told = *answer;
    tells++;
}

static void the_client_makes_its_own_transport(void **state)
{
    struct okta_options options = { .clock = &clock_system, .user_agent = "okta-test/2" };
    struct okta_request r = { .path = VIEW(AT "json"), .priority = OKTA_PRIORITY_TAIL, .done = on_told };
    struct error err = { 0 };
    struct okta *okta;
    char url[64];

    (void)state;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", loopback_port(server));
    assert_true(okta_url_parse(view_of(url), true, &options.url, &err));
    okta = okta_create(&options);
    okta_set_credential(okta, VIEW("00secret"));
    tells = 0;
    okta_send(okta, &r);
    for (int i = 0; i < ROUNDS_MAX && tells == 0; i++)
        okta_run(okta, 60000);
    assert_int_equal(tells, 1);
    assert_int_equal(told.verdict, OKTA_DONE);
    assert_non_null(strstr(loopback_request(server, 0), "Authorization: SSWS 00secret\r\n"));
    assert_non_null(strstr(loopback_request(server, 0), "User-Agent: okta-test/2\r\n"));
    okta_destroy(okta);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_head_is_the_final_answers_alone),
        TEST(a_line_that_goes_on_is_seen_as_such),
        TEST(a_request_is_a_get_without_cookies),
        TEST(a_path_goes_out_as_it_is),
        TEST(a_kept_connection_that_died_costs_nothing),
        TEST(a_connection_that_was_new_is_not_called_stale),
        TEST(a_fresh_connection_is_made_when_asked_for),
        TEST(silence_and_a_stalled_body_time_out),
        TEST(nobody_there_is_not_called_a_page_too_large),
        TEST(a_connection_that_times_out_is_not_called_a_page_too_large),
        TEST(after_a_time_out_kept_connections_are_not_trusted),
        TEST(cancelled_is_never_finished),
        TEST(the_end_does_not_wait_for_answers),
        TEST(another_thread_ends_the_wait),
        TEST(the_token_endpoint_is_posted_to),
        TEST(many_at_once_all_come_back),
        TEST(the_client_makes_its_own_transport),
    };
    struct error err = { 0 };

    /* Loopback is reached whatever proxy the machine has. */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    if (!okta_global_init(&err))
        return 1;
    make_answers();
    set_page(AT "gzip", &zipped);
    set_page(AT "bomb", &bomb);
    set_page(AT "large", &large);
    set_page(AT "exact", &exact);
    set_page(AT "long-head", &long_head);
    set_page(AT "largest-head", &largest_head);
    return RUN_ROWS(a_path_gives, rows) + RUN_ROWS(a_post_elsewhere_ends_the_process, posts) +
           RUN_ROWS(a_url_is_refused_before_anything_is_sent, refusals) + cmocka_run_group_tests(tests, NULL, NULL);
}
