/* server/okta/http.c: many GETs, and the one POST, on one curl multi handle.
 *
 * start makes an easy handle and hands it to the multi handle; run moves bytes, waits, and reports what is over;
 * cancel and the end take the handle out again. Connections, TLS sessions and names are kept by the multi handle. */
#include "base/assert.h"
#include "base/mem.h"
#include "okta/allowed.h"
#include "okta/okta.h"
#include "okta/reach.h"
#include "okta/trouble.h"
#include "okta/wiped.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define USER_AGENT_DEFAULT "okta-connector/1.0"

/* Okta's own SDK lets a connection live five minutes, which is how long its DNS entries hold. */
#define CONNECTION_LIFE_S 300L
/* Their load balancer closes idle connections without a word. */
#define CONNECTION_IDLE_S 60L

/* A path that has died is noticed by the kernel, too: see reach.c. */
#define KEEPALIVE_IDLE_S  30L
#define KEEPALIVE_EVERY_S 10L

struct transfer {
    struct http *http;
    struct okta_exchange *x;
    CURL *easy;
    struct curl_slist *headers;
    bool has_body_begun; /* what comes after are trailers, which are not for us */
    bool is_off_list;    /* it is not sent */
    const char *overflow;
    struct reach_try way;
    char error[CURL_ERROR_SIZE];
    struct transfer *next;
};

struct http {
    struct okta_transport transport; /* first */
    struct okta_url org;             /* nothing goes anywhere else */
    struct reach reach;
    CURLM *multi;
    struct transfer *transfers;
    bool distrusts_connections; /* a request timed out: the kept connections may be dead */
    char *user_agent;
    char *ca_file, *ca_path; /* from the environment; NULL: the system's */
    char *more_ca_file;      /* trusted besides those; NULL: none */
};

bool okta_global_init(struct error *err)
{
    CURLcode code = wiped_curl_init();

    reach_take_environment();
    if (code != CURLE_OK)
        return error_set(err, ERROR_INTERNAL, "curl: %s", curl_easy_strerror(code));
    return true;
}

/* ---- what comes in ---- */

/* One line a call, status lines and the empty last line among them. */
static size_t on_header(char *at, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    struct view line = view_trim((struct view){ at, size * count });

    if (t->has_body_begun)
        return size * count;
    if (view_starts(line, "HTTP/")) {
        buf_reset(&t->x->head); /* what was before belongs to a 1xx answer or to the proxy */
    } else if (line.len > 0) {
        /* A blank at the front, by which a line goes on, is kept. */
        if (at[0] == ' ' || at[0] == '\t')
            buf_putc(&t->x->head, ' ');
        buf_put(&t->x->head, line.at, line.len);
        buf_puts(&t->x->head, "\r\n");
    }
    if (buf_ok(&t->x->head))
        return size * count;
    t->overflow = "the answer's header block is too large";
    return 0;
}

static size_t on_body(char *at, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;

    t->has_body_begun = true;
    buf_put(&t->x->body, at, size * count);
    if (buf_ok(&t->x->body))
        return size * count;
    t->overflow = "the answer's body is too large";
    return 0;
}

/* ---- one transfer ---- */

#define SET(easy, option, value) ASSERT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* The one place where anything but TLS is spoken: an emulator on this machine. */
static bool is_loopback_http(const char *url)
{
    return strncmp(url, "http://127.0.0.1", 16) == 0 && strchr(":/", url[16]) != NULL;
}

static bool is_localhost_http(const char *url)
{
    return strncmp(url, "http://localhost", 16) == 0 && strchr(":/", url[16]) != NULL;
}

static void set_request(struct transfer *t)
{
    const struct okta_exchange *x = t->x;
    bool is_plain = is_loopback_http(x->url) || is_localhost_http(x->url);

    SET(t->easy, CURLOPT_URL, x->url);
    if (x->post_body != NULL) {
        SET(t->easy, CURLOPT_POSTFIELDS, x->post_body); /* not copied: the client keeps it, and wipes it */
        SET(t->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(x->post_body));
    } else {
        SET(t->easy, CURLOPT_HTTPGET, 1L);
    }
    SET(t->easy, CURLOPT_PATH_AS_IS, 1L);
    SET(t->easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(t->easy, CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
    SET(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(t->easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that curl can undo */
    SET(t->easy, CURLOPT_USERAGENT, t->http->user_agent);
    SET(t->easy, CURLOPT_HTTPHEADER, t->headers);
    SET(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(t->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* the proxy is not shown the token */
}

/* Adds the file's certificates to those that curl has already loaded. One that is there twice is no error. */
static CURLcode on_tls(CURL *easy, void *context, void *ctx)
{
    const struct transfer *t = ctx;
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    bool ok = store != NULL && X509_STORE_load_file(store, t->http->more_ca_file) == 1;

    (void)easy;
    ERR_clear_error();
    return ok ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

static void set_connection(struct transfer *t)
{
    const struct http *h = t->http;

    SET(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(t->easy, CURLOPT_PIPEWAIT, 1L); /* one HTTP/2 connection rather than four */
    SET(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (h->ca_file != NULL)
        SET(t->easy, CURLOPT_CAINFO, h->ca_file);
    if (h->ca_path != NULL)
        SET(t->easy, CURLOPT_CAPATH, h->ca_path);
    if (h->more_ca_file != NULL) {
        SET(t->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
        SET(t->easy, CURLOPT_SSL_CTX_DATA, t);
    }
    SET(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->x->connect_ms);
    SET(t->easy, CURLOPT_TIMEOUT_MS, (long)t->x->timeout_ms);
    SET(t->easy, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
    SET(t->easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
    SET(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(t->easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    SET(t->easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    SET(t->easy, CURLOPT_FRESH_CONNECT, t->x->is_fresh_connection || h->distrusts_connections ? 1L : 0L);
    SET(t->easy, CURLOPT_NOSIGNAL, 1L);
    SET(t->easy, CURLOPT_QUICK_EXIT, 1L); /* a dead resolver must not hold up the end */
}

static void set_callbacks(struct transfer *t)
{
    SET(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(t->easy, CURLOPT_HEADERDATA, t);
    SET(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(t->easy, CURLOPT_WRITEDATA, t);
    SET(t->easy, CURLOPT_ERRORBUFFER, t->error);
    SET(t->easy, CURLOPT_PRIVATE, t);
}

static void add_header(struct transfer *t, const char *line)
{
    struct curl_slist *more = curl_slist_append(t->headers, line);

    ASSERT(more != NULL);
    t->headers = more;
}

static void http_start(struct okta_transport *transport, struct okta_exchange *x)
{
    struct http *h = (struct http *)transport;
    struct transfer *t = mem_zero(sizeof *t);

    t->http = h;
    t->x = x;
    t->easy = curl_easy_init();
    ASSERT(t->easy != NULL);
    for (size_t i = 0; x->headers[i] != NULL; i++)
        add_header(t, x->headers[i]);
    x->http_status = 0;
    x->failure[0] = '\0';
    x->was_stale_connection = x->timed_out = x->is_off_list = x->is_address_refused = false;
    buf_deinit(&x->head);
    buf_init(&x->head, x->header_bytes_max);
    buf_deinit(&x->body);
    buf_init(&x->body, x->body_bytes_max);
    x->transfer = t;
    t->next = h->transfers;
    h->transfers = t;
    /* The last place before curl: from here on a request is on its way. */
    t->is_off_list = !allowed_url(&h->org, x->url, x->post_body != NULL);
    ASSERT(!t->is_off_list || x->post_body == NULL);
    if (t->is_off_list)
        return;
    set_request(t);
    set_connection(t);
    reach_set(&h->reach, t->easy, &t->way);
    set_callbacks(t);
    ASSERT(curl_multi_add_handle(h->multi, t->easy) == CURLM_OK);
}

static void transfer_end(struct transfer *t)
{
    struct transfer **at = &t->http->transfers;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->x->transfer = NULL;
    (void)curl_multi_remove_handle(t->http->multi, t->easy);
    curl_easy_cleanup(t->easy);
    for (struct curl_slist *line = t->headers; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data)); /* one of them is the token */
    curl_slist_free_all(t->headers);
    free(t);
}

static void http_cancel(struct okta_transport *transport, struct okta_exchange *x)
{
    (void)transport;
    if (x->transfer != NULL)
        transfer_end(x->transfer);
}

/* ---- what is over ---- */

/* No byte of an answer, and no connection was made for it: so it went out on one that was kept, and was dead. */
static bool was_stale(const struct transfer *t, CURLcode code)
{
    long new_connections = 0, header_bytes = 0;

    if (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING && code != CURLE_HTTP2 &&
        code != CURLE_HTTP2_STREAM)
        return false;
    (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &new_connections);
    (void)curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &header_bytes);
    return new_connections == 0 && header_bytes == 0;
}

/* Not one address was fit to be connected to. */
static bool read_refusal(const struct transfer *t)
{
    struct okta_exchange *x = t->x;

    x->is_address_refused = t->way.refused[0] != '\0' && !t->way.has_tried;
    if (x->is_address_refused)
        snprintf(x->failure, sizeof x->failure, "%s", t->way.refused);
    return x->is_address_refused;
}

static void read_failure(struct transfer *t, CURLcode code)
{
    struct okta_exchange *x = t->x;
    curl_off_t sent_after_us = 0;
    long verify_result = 0, connect_status = 0;
    const char *hint, *text = t->error[0] != '\0' ? t->error : curl_easy_strerror(code);

    /* curl quotes a proxy's address that it cannot read, with the password in it. */
    if (strchr(text, '@') != NULL || strstr(text, "proxy syntax") != NULL)
        text = curl_easy_strerror(code);
    if (t->overflow != NULL)
        text = t->overflow;
    (void)curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify_result);
    (void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    hint = trouble_hint((int)code, verify_result, connect_status);
    snprintf(x->failure, sizeof x->failure, "%.90s%s%.64s", text, hint != NULL ? "; " : "", hint != NULL ? hint : "");
    (void)curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_after_us);
    x->timed_out = code == CURLE_OPERATION_TIMEDOUT && sent_after_us > 0;
    x->was_stale_connection = was_stale(t, code);
}

static void finish(struct http *h, struct transfer *t, CURLcode code)
{
    struct okta_exchange *x = t->x;
    long status = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    x->http_status = (int)status;
    if (code != CURLE_OK && !read_refusal(t))
        read_failure(t, code);
    if (code == CURLE_OK)
        h->distrusts_connections = false;
    else if (code == CURLE_OPERATION_TIMEDOUT)
        h->distrusts_connections = true;
    transfer_end(t);
    h->transport.finished(h->transport.ctx, x);
}

static struct transfer *find_off_list(struct http *h)
{
    struct transfer *t = h->transfers;

    while (t != NULL && !t->is_off_list)
        t = t->next;
    return t;
}

static void finish_off_list(struct http *h, struct transfer *t)
{
    struct okta_exchange *x = t->x;

    x->is_off_list = true;
    snprintf(x->failure, sizeof x->failure, "it is not on the list of what this program asks Okta for");
    transfer_end(t);
    h->transport.finished(h->transport.ctx, x);
}

static bool finish_all(struct http *h)
{
    const CURLMsg *message;
    struct transfer *off;
    bool any = false;
    int left;

    while ((off = find_off_list(h)) != NULL) {
        finish_off_list(h, off);
        any = true;
    }
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(h, t, code);
        any = true;
    }
    return any;
}

static void http_run(struct okta_transport *transport, int64_t timeout_ms)
{
    struct http *h = (struct http *)transport;
    int running, wait_ms = timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX;

    ASSERT(curl_multi_perform(h->multi, &running) == CURLM_OK);
    if (finish_all(h))
        return;
    ASSERT(curl_multi_poll(h->multi, NULL, 0, wait_ms, NULL) == CURLM_OK);
    ASSERT(curl_multi_perform(h->multi, &running) == CURLM_OK);
    (void)finish_all(h);
}

static void http_wake(struct okta_transport *transport)
{
    (void)curl_multi_wakeup(((struct http *)transport)->multi);
}

static void http_destroy(struct okta_transport *transport)
{
    struct http *h = (struct http *)transport;

    while (h->transfers != NULL)
        transfer_end(h->transfers);
    if (h->multi != NULL)
        (void)curl_multi_cleanup(h->multi);
    free(h->user_agent);
    free(h->ca_file);
    free(h->ca_path);
    free(h->more_ca_file);
    reach_deinit(&h->reach);
    free(h);
}

/* As OpenSSL's programs and curl's do; the library itself does not look. */
static char *environment(const char *first, const char *second)
{
    const char *value = first != NULL ? getenv(first) : NULL;

    if (value == NULL || value[0] == '\0')
        value = getenv(second);
    return value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;
}

struct okta_transport *okta_transport_curl(const struct okta_options *options)
{
    struct http *h = mem_zero(sizeof *h);

    h->transport = (struct okta_transport){
        .start = http_start,
        .cancel = http_cancel,
        .run = http_run,
        .wake = http_wake,
        .destroy = http_destroy,
    };
    h->org = options->url;
    h->user_agent = mem_strdup(options->user_agent != NULL ? options->user_agent : USER_AGENT_DEFAULT);
    h->ca_file = environment("CURL_CA_BUNDLE", "SSL_CERT_FILE");
    h->ca_path = environment(NULL, "SSL_CERT_DIR");
    h->more_ca_file = options->ca_file != NULL && options->ca_file[0] != '\0' ? mem_strdup(options->ca_file) : NULL;
    reach_init(&h->reach, options);
    h->multi = curl_multi_init();
    ASSERT(h->multi != NULL);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)OKTA_IN_FLIGHT_MAX);
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)OKTA_IN_FLIGHT_MAX);
    return &h->transport;
}
