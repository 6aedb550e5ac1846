/* The HTTP server: which requests it answers and how, the cap on a page, its Unix socket, and its end. */
#include "http/http.h"

#include "rows.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define METRICS_TYPE    "text/plain; version=0.0.4; charset=utf-8"
#define CONNECTIONS_MAX 12 /* more than the server serves at a time */

/* ctx: how many bytes to put before the first line; NULL: none. */
static void render_metrics(void *ctx, struct buf *out)
{
    size_t bytes = ctx != NULL ? *(const size_t *)ctx : 0;
    void *at = bytes > 0 ? buf_extend(out, bytes) : NULL;

    if (at != NULL)
        memset(at, 'x', bytes);
    buf_puts(out, "some_metric 1\n");
}

static void render_other(void *ctx, struct buf *out)
{
    (void)ctx;
    buf_puts(out, "another page\n");
}

static const struct http_route routes[] = { { "/metrics", METRICS_TYPE, render_metrics },
                                            { "/other", "text/html", render_other } };

static struct http *start_server(const char *address, size_t route_count, void *ctx)
{
    struct net_address where;
    struct http *h;
    struct error err;

    log_set_level(LOG_ERROR);
    assert_true(net_address_parse(view_of(address), &where, &err));
    assert_true(http_start(&h, &where, routes, route_count, ctx, &err));
    return h;
}

/* Connects to "127.0.0.1:PORT" or "unix:PATH". */
static int dial(const char *address)
{
    struct sockaddr_un u = { .sun_family = AF_UNIX };
    struct sockaddr_in t = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0);

    if (is_unix) {
        snprintf(u.sun_path, sizeof u.sun_path, "%s", address + 5);
        assert_int_equal(connect(fd, (struct sockaddr *)&u, sizeof u), 0);
    } else {
        t.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
        assert_int_equal(connect(fd, (struct sockaddr *)&t, sizeof t), 0);
    }
    return fd;
}

/* Sends the bytes and reads until the server closes the connection. */
static void ask(const char *address, const char *request, struct buf *answer)
{
    int fd = dial(address);
    char part[4096];
    ssize_t got;

    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    while ((got = read(fd, part, sizeof part)) > 0)
        buf_put(answer, part, (size_t)got);
    close(fd);
}

static bool has(struct buf *answer, const char *text)
{
    return strstr(buf_cstr(answer), text) != NULL;
}

#define END  " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define KEEP " HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct request {
    const char *name, *request, *status, *want, *want_not;
    size_t routes;
} requests[] = {
    { "GET", "GET /metrics" END, " 200 ", "\r\n\r\nsome_metric 1\n", NULL, 1 },
    { "GET has the route's content type", "GET /metrics" END, " 200 ", "Content-Type: " METRICS_TYPE "\r\n", NULL, 1 },
    { "GET with a query", "GET /metrics?x=1" END, " 200 ", "some_metric 1\n", NULL, 1 },
    { "HEAD has no body", "HEAD /metrics" END, " 200 ", "Content-Length: 14\r\n", "some_metric", 1 },
    { "another path", "GET /" END, " 404 ", "\r\n\r\nthere is /metrics here, and nothing else\n", "some_metric", 1 },
    { "a path below", "GET /metrics/x" END, " 404 ", NULL, "some_metric", 1 },
    { "the start of a path", "GET /metric" END, " 404 ", NULL, "some_metric", 1 },
    { "a route that this server does not have", "GET /other" END, " 404 ", NULL, "another page", 1 },
    { "POST", "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", " 405 ",
      "Allow: GET, HEAD\r\n", "some_metric", 1 },
    { "POST to another path", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", " 405 ",
      "Allow: GET, HEAD\r\n", NULL, 1 },
    { "DELETE", "DELETE /metrics" END, " 405 ", "Allow: GET, HEAD\r\n", "some_metric", 1 },
    { "the second route", "GET /other" END, " 200 ", "Content-Type: text/html\r\n", "some_metric", 2 },
    { "the first of two routes", "GET /metrics" END, " 200 ", "some_metric 1\n", "another page", 2 },
    { "404 names all routes", "GET /" END, " 404 ", "there is /metrics, /other here, and nothing else\n", NULL, 2 },
    { "two requests on one connection", "GET /other" KEEP "GET /metrics" END, " 200 ", "some_metric 1\n", NULL, 2 },
};

static void is_answered(void **state)
{
    const struct request *row = *state;
    AUTO_BUF struct buf answer = BUF(65536);
    struct http *h = start_server("127.0.0.1:0", row->routes, NULL);

    ask(http_address(h), row->request, &answer);
    http_stop(h);
    assert_true(has(&answer, row->status));
    assert_true(row->want == NULL || has(&answer, row->want));
    assert_false(row->want_not != NULL && has(&answer, row->want_not));
}

static const struct page {
    const char *name;
    size_t bytes; /* beyond "some_metric 1\n" */
    const char *status;
    bool shows;
} pages[] = {
    { "a page of the maximum size", HTTP_PAGE_BYTES_MAX - 14, " 200 ", true },
    { "one byte more", HTTP_PAGE_BYTES_MAX - 13, " 500 ", false },
    { "a single piece beyond the maximum", HTTP_PAGE_BYTES_MAX + 1, " 500 ", false },
};

static void page_is_capped(void **state)
{
    const struct page *row = *state;
    AUTO_BUF struct buf answer = BUF(HTTP_PAGE_BYTES_MAX + 65536);
    size_t bytes = row->bytes;
    struct http *h = start_server("127.0.0.1:0", 1, &bytes);

    ask(http_address(h), "GET /metrics" END, &answer);
    http_stop(h);
    assert_non_null(memmem(answer.at, answer.len < 64 ? answer.len : 64, row->status, strlen(row->status)));
    assert_int_equal(memmem(answer.at, answer.len, "some_metric 1\n", 14) != NULL, row->shows);
}

static void a_unix_socket_is_for_us_alone_and_goes_with_the_server(void **state)
{
    AUTO_BUF struct buf answer = BUF(65536);
    char folder[] = "/tmp/httpXXXXXX", address[64];
    struct http *h;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/http.sock", folder);
    h = start_server(address, 1, NULL);
    assert_int_equal(stat(address + 5, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    ask(address, "GET /metrics" END, &answer);
    assert_true(has(&answer, "some_metric"));
    http_stop(h);
    assert_int_not_equal(stat(address + 5, &st), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void an_address_in_use_is_refused(void **state)
{
    struct http *one = start_server("127.0.0.1:0", 1, NULL), *two;
    struct net_address where;
    struct error err;

    (void)state;
    assert_true(net_address_parse(view_of(http_address(one)), &where, &err));
    assert_false(http_start(&two, &where, routes, 1, NULL, &err));
    http_stop(one);
}

/* More connections than it serves at a time, and none sends a byte. */
static void silent_connections_do_not_hold_up_the_end(void **state)
{
    struct http *h = start_server("127.0.0.1:0", 1, NULL);
    int fds[CONNECTIONS_MAX];

    (void)state;
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        fds[i] = dial(http_address(h));
    http_stop(h);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        close(fds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unix_socket_is_for_us_alone_and_goes_with_the_server),
        cmocka_unit_test(an_address_in_use_is_refused),
        cmocka_unit_test(silent_connections_do_not_hold_up_the_end),
    };

    return RUN_ROWS(is_answered, requests) + RUN_ROWS(page_is_capped, pages) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
