#include "okta/reach.h"

#include "base/assert.h"
#include "base/mem.h"
#include "okta/address.h"
#include "okta/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

/* A path that has died (a laptop that slept, a NAT that forgot) is noticed by the kernel in this time, not only by the
 * time-out of one request after the other on the same connection. */
#define UNACKED_MS 20000

#define SET(easy, option, value) ASSERT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* ---- the environment ---- */

/* As curl looks for the proxy of an https URL: the first that is there. */
static const char *const variables[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };

#define VARIABLES (sizeof variables / sizeof variables[0])

/* What was wiped in the environment. Set before threads, then read-only. */
static char *taken[VARIABLES];

static bool is_set(const char *value)
{
    return value != NULL && value[0] != '\0';
}

void reach_take_environment(void)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        char *value = getenv(variables[i]);

        if (!is_set(value) || strchr(value, '@') == NULL)
            continue;
        if (taken[i] != NULL)
            explicit_bzero(taken[i], strlen(taken[i]));
        free(taken[i]);
        taken[i] = mem_strdup(value);
        explicit_bzero(value, strlen(value));
    }
}

static const char *proxy_of_environment(void)
{
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = getenv(variables[i]);

        if (is_set(value))
            return value;
        if (taken[i] != NULL)
            return taken[i];
    }
    return NULL;
}

/* "acme.okta.com", "okta.com" and ".okta.com" all name acme.okta.com. */
static bool is_named(struct view host, struct view name)
{
    if (name.len > 0 && name.at[0] == '.')
        name = (struct view){ name.at + 1, name.len - 1 };
    if (name.len > 0 && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > host.len)
        return false;
    return view_eq_nocase((struct view){ host.at + host.len - name.len, name.len }, name) &&
           (name.len == host.len || host.at[host.len - name.len - 1] == '.');
}

/* NO_PROXY as curl reads it: names with commas or blanks between, or a star. */
static bool is_excepted(const char *host)
{
    const char *at = getenv("no_proxy");

    if (!is_set(at))
        at = getenv("NO_PROXY");
    if (!is_set(at))
        return false;
    if (strcmp(at, "*") == 0)
        return true;
    while (*at != '\0') {
        size_t len = strcspn(at, ", \t");

        if (is_named(view_of(host), (struct view){ at, len }))
            return true;
        at += len;
        at += strspn(at, ", \t");
    }
    return false;
}

/* ---- the way ---- */

static bool is_loopback_host(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0;
}

/* Takes the credentials out, so that no message of curl's can quote them. */
static void take_proxy(struct reach *r, const char *text)
{
    size_t size = sizeof "http://" + strlen(text);
    AUTO_FREE char *whole = mem_alloc(size);
    struct proxy parts;

    snprintf(whole, size, "%s%s", strstr(text, "://") == NULL ? "http://" : "", text); /* as curl completes it */
    if (proxy_split(whole, &parts, NULL)) {
        r->proxy = parts.address;
        r->proxy_user = parts.user;
        r->proxy_password = parts.password;
    } else {
        r->proxy = mem_strdup(text); /* curl says what is wrong with it, at each request */
    }
    explicit_bzero(whole, size);
}

void reach_init(struct reach *r, const struct okta_options *options)
{
    const char *proxy = options->proxy;

    *r = (struct reach){ .allow_private = options->allow_private,
                         .allow_loopback = is_loopback_host(options->url.host) };
    if (!is_set(proxy) && !r->allow_loopback) /* the environment's is not for an emulator */
        proxy = proxy_of_environment();
    r->is_excepted = is_set(proxy) && is_excepted(options->url.host);
    if (is_set(proxy) && !r->is_excepted)
        take_proxy(r, proxy);
}

void reach_deinit(struct reach *r)
{
    free(r->proxy);
    free(r->proxy_user);
    if (r->proxy_password != NULL)
        explicit_bzero(r->proxy_password, strlen(r->proxy_password));
    free(r->proxy_password);
}

/* ---- a socket ---- */

static bool may_connect(struct reach_try *try, const struct sockaddr *at, socklen_t len)
{
    struct address a = address_of(at, len);
    char host[INET6_ADDRSTRLEN] = "";

    if (try->reach->proxy != NULL || address_is_allowed(a.class, try->reach->allow_private, try->reach->allow_loopback))
        return true;
    if (at->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)at)->sin_addr, host, sizeof host);
    else if (at->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, host, sizeof host);
    snprintf(try->refused, sizeof try->refused, "the org's name leads to %s, %s%s", host, a.what,
             a.class == ADDRESS_PRIVATE ? "; is the org there? --allow-private-org" : "");
    return false;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct reach_try *try = ctx;

    (void)purpose;
    if (!may_connect(try, &a->addr, (socklen_t)a->addrlen))
        return CURL_SOCKET_BAD;
    try->has_tried = true;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int on_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    unsigned unacked_ms = UNACKED_MS;

    (void)ctx;
    (void)purpose;
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof unacked_ms);
    return CURL_SOCKOPT_OK;
}

void reach_set(const struct reach *r, CURL *easy, struct reach_try *try)
{
    *try = (struct reach_try){ .reach = r };
    SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(easy, CURLOPT_OPENSOCKETDATA, try);
    SET(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
    /* Both set, curl asks the environment neither for a proxy nor for exceptions. */
    SET(easy, CURLOPT_PROXY, r->proxy != NULL ? r->proxy : "");
    SET(easy, CURLOPT_NOPROXY, "");
    SET(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (r->proxy_user != NULL)
        SET(easy, CURLOPT_PROXYUSERNAME, r->proxy_user);
    if (r->proxy_password != NULL)
        SET(easy, CURLOPT_PROXYPASSWORD, r->proxy_password);
}
