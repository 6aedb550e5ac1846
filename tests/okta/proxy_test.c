/* Proxies: what may be one, and what one gets to see. The server on loopback plays the proxy. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/okta/loopback.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 1000
#define USER       "us%20er"
#define PASSWORD   "pass%40word"
#define BASIC      "Proxy-Authorization: Basic dXMgZXI6cGFzc0B3b3Jk\r\n" /* "us er:pass@word" */
#define ORG        "http://127.0.0.1:9" /* the discard port: nobody is there but through the proxy */

#define OK     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
#define DENIED "HTTP/1.1 407 Denied\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"

static const struct loopback_page pages[] = {
    { ORG "/api/v1/logs", OK, sizeof OK - 1, LOOPBACK_KEEP, 0 },
    { "acme.okta.com:443", DENIED, sizeof DENIED - 1, LOOPBACK_CLOSE, 0 },
    { NULL, NULL, 0, LOOPBACK_CLOSE, 0 },
};

static struct loopback *server;
static struct okta_answer told;
static int tells;

static void on_told(struct okta_request *r, const struct okta_answer *answer)
{
    (void)r;
    told = *answer;
    tells++;
}

/* One request of a client with that proxy, from the options or, when `in_environment`, from there. */
static void ask(const char *org, const char *proxy, bool in_environment)
{
    struct okta_options options = { .clock = &clock_system, .proxy = in_environment ? NULL : proxy };
    struct okta_request r = { .path = VIEW("/api/v1/logs"), .priority = OKTA_PRIORITY_TAIL, .done = on_told };
    struct error err = { 0 };
    struct okta *okta;

    if (in_environment)
        setenv("https_proxy", proxy, 1);
    assert_true(okta_url_parse(view_of(org), true, &options.url, &err));
    okta = okta_create(&options);
    okta_set_credential(okta, VIEW("00secret"));
    tells = 0;
    okta_send(okta, &r);
    for (int i = 0; i < ROUNDS_MAX && tells == 0; i++)
        okta_run(okta, 60000);
    assert_int_equal(tells, 1);
    okta_destroy(okta);
    unsetenv("https_proxy");
}

static int set_up(void **state)
{
    (void)state;
    server = loopback_start(pages);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loopback_stop(server);
    return 0;
}

static const char *address(const char *before_host)
{
    static char text[128];

    snprintf(text, sizeof text, "http://%s127.0.0.1:%d", before_host, loopback_port(server));
    return text;
}

static void a_named_proxy_is_asked_with_its_credentials(void **state)
{
    const char *request;

    (void)state;
    ask(ORG, address(USER ":" PASSWORD "@"), false);
    assert_int_equal(told.verdict, OKTA_DONE);
    request = loopback_request(server, 0);
    assert_non_null(strstr(request, "GET " ORG "/api/v1/logs HTTP/1.1\r\n"));
    assert_non_null(strstr(request, BASIC));
}

static void one_without_credentials_is_shown_none(void **state)
{
    (void)state;
    ask(ORG, address(""), false);
    assert_int_equal(told.verdict, OKTA_DONE);
    assert_null(strstr(loopback_request(server, 0), "Proxy-Authorization"));
}

/* To an org over TLS it makes a tunnel, and sees neither token nor path. */
static const struct row {
    const char *name;
    bool in_environment;
} tunnels[] = { { "of the options", false }, { "of the environment", true } };

static void a_tunnel_of_a_proxy(void **state)
{
    const struct row *row = *state;
    const char *request;

    set_up(NULL);
    ask("acme", address(USER ":" PASSWORD "@"), row->in_environment);
    request = loopback_request(server, 0);
    assert_non_null(strstr(request, "CONNECT acme.okta.com:443 HTTP/1.1\r\n"));
    assert_non_null(strstr(request, BASIC));
    assert_null(strstr(request, "00secret"));
    assert_null(strstr(request, "/api/v1"));
    assert_int_equal(told.verdict, OKTA_RETRY);
    assert_non_null(strstr(told.message, "407"));
    assert_null(strstr(told.message, "pass"));
    tear_down(NULL);
}

static void no_proxy_is_heeded(void **state)
{
    char except[64];

    (void)state;
    snprintf(except, sizeof except, "127.0.0.1");
    setenv("no_proxy", except, 1);
    ask(ORG, address(""), false);
    unsetenv("no_proxy");
    assert_int_equal(loopback_requests(server), 0);
    assert_int_equal(told.verdict, OKTA_RETRY);
}

/* curl quotes it whole. */
static void an_environment_that_is_no_address_is_not_quoted(void **state)
{
    (void)state;
    ask("acme", "http://user:pass@word:[::1", true);
    assert_int_equal(told.verdict, OKTA_RETRY);
    assert_null(strstr(told.message, "pass"));
}

static void a_proxy_that_is_not_there_is_named_without_password(void **state)
{
    (void)state;
    ask("acme", "http://user:password@127.0.0.1:9", false);
    assert_int_equal(told.verdict, OKTA_RETRY);
    assert_non_null(strstr(told.message, "127.0.0.1"));
    assert_null(strstr(told.message, "password"));
}

/* ---- what may be one ---- */

static const struct check_row {
    const char *name, *text;
    const char *want; /* NULL: it is taken */
} checks[] = {
    { "host and port", "http://proxy.example:3128", NULL },
    { "with a slash", "http://proxy.example:3128/", NULL },
    { "with credentials", "http://user:password@proxy.example:3128", NULL },
    { "over TLS", "https://proxy.example", NULL },
    { "SOCKS", "socks5h://proxy.example:1080", NULL },
    { "an address of IPv6", "http://[::1]:3128", NULL },
    { "without a scheme", "user:password@proxy.example:3128", "cannot be read" },
    { "another scheme", "ftp://user:password@proxy.example", "scheme" },
    { "a path", "http://user:password@proxy.example/path", "behind" },
    { "a query", "http://user:password@proxy.example?x", "behind" },
    { "a port out of range", "http://user:password@proxy.example:99999", "cannot be read" },
    { "no host", "http://", "cannot be read" },
    { "a blank", "http://user:password@proxy example", "cannot be read" },
    { "words", "my password", "cannot be read" },
};

static void a_proxy(void **state)
{
    const struct check_row *row = *state;
    struct error err = { 0 };
    bool ok = okta_proxy_check(row->text, &err);

    assert_int_equal(ok, row->want == NULL);
    if (row->want == NULL)
        return;
    if (strstr(err.text, row->want) == NULL)
        fail_msg("it says \"%s\", want \"%s\"", err.text, row->want);
    assert_null(strstr(err.text, "password@proxy.example:9"));
    assert_null(strstr(err.text, "my password"));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
                                             "all_proxy",  "no_proxy",    "NO_PROXY" };
    static const struct CMUnitTest tests[] = {
        TEST(a_named_proxy_is_asked_with_its_credentials),
        TEST(one_without_credentials_is_shown_none),
        TEST(no_proxy_is_heeded),
        TEST(an_environment_that_is_no_address_is_not_quoted),
        TEST(a_proxy_that_is_not_there_is_named_without_password),
    };
    struct error err = { 0 };

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    if (!okta_global_init(&err))
        return 1;
    return RUN_ROWS(a_proxy, checks) + RUN_ROWS(a_tunnel_of_a_proxy, tunnels) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
