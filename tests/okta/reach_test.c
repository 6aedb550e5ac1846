/* Where a connection may go, looked at when it is made: curl's own name resolution and its connect() are played by this
 * program, so that names lead wherever a row says, and nothing leaves the machine. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS_MAX 1000

/* ---- the stand-ins ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char answers[256];   /* what every name leads to, with blanks between */
static char connected[256]; /* to where, likewise */

static struct addrinfo *make_info(const char *text, const char *port)
{
    struct addrinfo *info = mem_zero(sizeof *info);
    struct sockaddr_in *in = mem_zero(sizeof(struct sockaddr_in6));
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)in;
    uint16_t number = htons((uint16_t)strtoul(port != NULL ? port : "0", NULL, 10));

    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = number;
        info->ai_addrlen = sizeof *in;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = number;
        info->ai_addrlen = sizeof *in6;
    }
    info->ai_family = in->sin_family;
    info->ai_socktype = SOCK_STREAM;
    info->ai_protocol = IPPROTO_TCP;
    info->ai_addr = (struct sockaddr *)(void *)in;
    return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    struct addrinfo **end = out;
    char text[sizeof answers], *rest = text, *one;

    (void)hints;
    *out = NULL;
    if (strcmp(name, "none.okta.com") == 0)
        return EAI_NONAME;
    pthread_mutex_lock(&lock);
    memcpy(text, answers, sizeof text);
    pthread_mutex_unlock(&lock);
    while ((one = strsep(&rest, " ")) != NULL) {
        *end = make_info(one, service);
        end = &(*end)->ai_next;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;

        free(info->ai_addr);
        free(info);
        info = next;
    }
}

int connect(int fd, const struct sockaddr *at, socklen_t len)
{
    char text[INET6_ADDRSTRLEN] = "?";
    size_t before;

    if (at->sa_family != AF_INET && at->sa_family != AF_INET6)
        return (int)syscall(SYS_connect, fd, at, len);
    if (at->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at)->sin_addr, text, sizeof text);
    else
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, text, sizeof text);
    pthread_mutex_lock(&lock);
    before = strlen(connected);
    snprintf(connected + before, sizeof connected - before, "%s%s", before > 0 ? " " : "", text);
    pthread_mutex_unlock(&lock);
    errno = ENETUNREACH;
    return -1;
}

/* ---- one request ---- */

static struct okta_answer told;
static int tells;

static void on_told(struct okta_request *r, const struct okta_answer *answer)
{
    (void)r;
    told = *answer;
    tells++;
}

static void ask(const char *org, const char *proxy, const char *leads_to, bool allow_private)
{
    struct okta_options options = { .clock = &clock_system, .proxy = proxy, .allow_private = allow_private };
    struct okta_request r = { .path = VIEW("/api/v1/logs"), .priority = OKTA_PRIORITY_TAIL, .done = on_told };
    struct okta *okta;

    snprintf(answers, sizeof answers, "%s", leads_to);
    connected[0] = '\0';
    tells = 0;
    assert_true(okta_url_parse(view_of(org), true, &options.url, NULL));
    okta = okta_create(&options);
    okta_set_credential(okta, VIEW("00secret"));
    okta_send(okta, &r);
    for (int i = 0; i < ROUNDS_MAX && tells == 0; i++)
        okta_run(okta, 60000);
    assert_int_equal(tells, 1);
    okta_destroy(okta);
    assert_int_equal(told.verdict, OKTA_RETRY);
}

static const struct row {
    const char *name, *leads_to;
    bool allow_private;
    const char *want; /* connected to; "" nothing was */
    bool want_hint;   /* a way out is named, where there is one */
} rows[] = {
    { "the internet", "8.8.8.8", false, "8.8.8.8", false },
    { "the internet by IPv6", "2600:1f18::1", false, "2600:1f18::1", false },
    { "this machine", "127.0.0.1", false, "", false },
    { "this machine, with private ones allowed", "127.0.0.1", true, "", false },
    { "this machine by IPv6", "::1", false, "", false },
    { "this machine, mapped", "::ffff:127.0.0.1", false, "", false },
    { "no address", "0.0.0.0", false, "", false },
    { "a private network", "10.0.0.1", false, "", true },
    { "a private network, allowed", "10.0.0.1", true, "10.0.0.1", false },
    { "a private network, mapped", "::ffff:10.0.0.1", false, "", true },
    { "a unique local address", "fd12::1", false, "", true },
    { "a unique local address, allowed", "fd12::1", true, "fd12::1", false },
    { "a provider's shared address", "100.64.0.1", false, "", true },
    { "the metadata of a cloud", "169.254.169.254", false, "", false },
    { "the metadata of a cloud, with private ones allowed", "169.254.169.254", true, "", false },
    { "multicast, with private ones allowed", "224.0.0.1", true, "", false },
    { "one of two", "10.0.0.1 8.8.8.8", false, "8.8.8.8", false },
    { "the other of two", "8.8.8.8 10.0.0.1", false, "8.8.8.8", false },
    { "neither of two", "10.0.0.1 169.254.169.254", false, "", false },
};

static void a_name_leads_to(void **state)
{
    const struct row *row = *state;

    ask("acme", NULL, row->leads_to, row->allow_private);
    assert_string_equal(connected, row->want);
    assert_int_equal(told.is_address_refused, row->want[0] == '\0');
    if (told.is_address_refused) {
        if (strstr(told.message, "not asked: the org's name leads to ") != told.message)
            fail_msg("it says \"%s\"", told.message);
        assert_int_equal(strstr(told.message, "--allow-private-org") != NULL, row->want_hint);
    }
}

/* It is looked at each time that a connection is made, not when the org is configured. */
static void a_name_that_turns_is_refused(void **state)
{
    (void)state;
    ask("acme", NULL, "8.8.8.8", false);
    assert_false(told.is_address_refused);
    ask("acme", NULL, "10.0.0.1", false);
    assert_true(told.is_address_refused);
    assert_string_equal(connected, "");
}

static void a_name_that_is_not_there_is_not_called_refused(void **state)
{
    (void)state;
    ask("none", NULL, "10.0.0.1", false);
    assert_false(told.is_address_refused);
    assert_non_null(strstr(told.message, "DNS"));
}

/* ---- through a proxy ---- */

static const struct way_row {
    const char *name, *org, *proxy;
    const char *variable, *value; /* of the environment */
    const char *no_proxy;
    const char *want; /* connected to, when every name leads to 10.0.0.9 */
} ways[] = {
    { "a proxy is where the operator says", "acme", "http://10.1.1.1:3128", NULL, NULL, NULL, "10.1.1.1" },
    { "by name, too", "acme", "http://proxy.example:3128", NULL, NULL, NULL, "10.0.0.9" },
    { "an exception goes directly", "acme", "http://10.1.1.1:3128", NULL, NULL, "okta.com", "" },
    { "with a dot before it", "acme", "http://10.1.1.1:3128", NULL, NULL, "x.example, .okta.com", "" },
    { "whole", "acme", "http://10.1.1.1:3128", NULL, NULL, "ACME.okta.com.", "" },
    { "a star", "acme", "http://10.1.1.1:3128", NULL, NULL, "*", "" },
    { "another's exception", "acme", "http://10.1.1.1:3128", NULL, NULL, "me.okta.com,x,", "10.1.1.1" },
    { "of the environment", "acme", NULL, "https_proxy", "http://10.1.1.2:3128", NULL, "10.1.1.2" },
    { "in capitals", "acme", NULL, "HTTPS_PROXY", "http://10.1.1.2:3128", NULL, "10.1.1.2" },
    { "for everything", "acme", NULL, "ALL_PROXY", "socks5h://10.1.1.2:1080", NULL, "10.1.1.2" },
    { "without a scheme", "acme", NULL, "all_proxy", "10.1.1.2:3128", NULL, "10.1.1.2" },
    { "with an exception", "acme", NULL, "HTTPS_PROXY", "http://10.1.1.2:3128", "okta.com", "" },
    { "one for http is for nothing of ours", "acme", NULL, "http_proxy", "http://10.1.1.2:3128", NULL, "" },
    { "an emulator is not asked through one", "http://127.0.0.1:9", NULL, "ALL_PROXY", "http://10.1.1.2:3128", NULL,
      "127.0.0.1" },
    { "but for one that is named", "http://127.0.0.1:9", "http://10.1.1.1:3128", NULL, NULL, NULL, "10.1.1.1" },
};

static void the_way_is(void **state)
{
    const struct way_row *row = *state;

    if (row->variable != NULL)
        setenv(row->variable, row->value, 1);
    if (row->no_proxy != NULL)
        setenv("NO_PROXY", row->no_proxy, 1);
    ask(row->org, row->proxy, "10.0.0.9", false);
    if (row->variable != NULL)
        unsetenv(row->variable);
    unsetenv("NO_PROXY");
    assert_string_equal(connected, row->want);
    assert_int_equal(told.is_address_refused, row->want[0] == '\0');
}

/* Whoever may read our environment finds no password there, and it is used all the same. */
static void a_password_in_the_environment_is_taken_out(void **state)
{
    struct error err = { 0 };
    const char *value;

    (void)state;
    setenv("HTTPS_PROXY", "http://user:password@10.1.1.3:3128", 1);
    value = getenv("HTTPS_PROXY");
    assert_true(okta_global_init(&err));
    assert_string_equal(value, "");
    ask("acme", NULL, "10.0.0.9", false);
    assert_string_equal(connected, "10.1.1.3");
    assert_null(strstr(told.message, "password"));
}

int main(void)
{
    static const char *const variables[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY",
                                             "all_proxy",  "no_proxy",    "NO_PROXY" };
    static const struct CMUnitTest tests[] = { cmocka_unit_test(a_name_that_turns_is_refused),
                                               cmocka_unit_test(a_name_that_is_not_there_is_not_called_refused),
                                               cmocka_unit_test(a_password_in_the_environment_is_taken_out) };
    struct error err = { 0 };

    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    if (!okta_global_init(&err))
        return 1;
    return RUN_ROWS(a_name_leads_to, rows) + RUN_ROWS(the_way_is, ways) + cmocka_run_group_tests(tests, NULL, NULL);
}
