#include "okta/inspect.h"

#include "base/assert.h"
#include "base/mem.h"
#include "okta/address.h"
#include "okta/reach.h"
#include "okta/trouble.h"

#include <curl/curl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SLICE_MS 100

#define SET(easy, option, value) ASSERT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

static bool is_over(const struct inspect_limit *limit, int64_t began_mono_ms)
{
    return clock_mono_ms(&clock_system) - began_mono_ms >= limit->timeout_ms ||
           (limit->is_over != NULL && limit->is_over(limit->ctx));
}

/* ---- which way ---- */

void inspect_way(const struct okta_options *o, struct inspect_way *out)
{
    struct reach r;

    *out = (struct inspect_way){ .from = INSPECT_DIRECT };
    reach_init(&r, o);
    if (r.is_excepted)
        out->from = INSPECT_EXCEPTED;
    if (r.proxy != NULL) {
        out->from = o->proxy != NULL && o->proxy[0] != '\0' ? INSPECT_CONFIGURED : INSPECT_ENVIRONMENT;
        snprintf(out->proxy, sizeof out->proxy, "%s", strchr(r.proxy, '@') == NULL ? r.proxy : "(cannot be read)");
        out->has_user = r.proxy_user != NULL;
    }
    reach_deinit(&r);
}

/* ---- names ---- */

/* What the looking-up thread and who waits for it share; the last of them frees it. */
struct lookup {
    pthread_mutex_t lock;
    unsigned refs;
    bool is_done;
    int failed; /* getaddrinfo's */
    struct addrinfo *found;
    char host[256];
};

static void lookup_unref(struct lookup *l)
{
    bool is_last;

    pthread_mutex_lock(&l->lock);
    is_last = --l->refs == 0;
    pthread_mutex_unlock(&l->lock);
    if (!is_last)
        return;
    if (l->found != NULL)
        freeaddrinfo(l->found);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void *look_up(void *arg)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct lookup *l = arg;
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(l->host, NULL, &hints, &found);

    pthread_mutex_lock(&l->lock);
    l->failed = failed;
    l->found = failed == 0 ? found : NULL;
    l->is_done = true;
    pthread_mutex_unlock(&l->lock);
    lookup_unref(l);
    return NULL;
}

static bool lookup_start(struct lookup *l)
{
    pthread_attr_t attr;
    pthread_t thread;
    bool ok;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    ok = pthread_create(&thread, &attr, look_up, l) == 0;
    pthread_attr_destroy(&attr);
    return ok;
}

static bool lookup_is_done(struct lookup *l)
{
    bool is_done;

    pthread_mutex_lock(&l->lock);
    is_done = l->is_done;
    pthread_mutex_unlock(&l->lock);
    return is_done;
}

static void put_address(const struct okta_options *o, const struct addrinfo *at, struct inspect_names *out)
{
    struct address a = address_of(at->ai_addr, at->ai_addrlen);
    bool is_loopback_org = strcmp(o->url.host, "127.0.0.1") == 0 || strcmp(o->url.host, "localhost") == 0;
    size_t len = strlen(out->addresses);
    char host[64];

    if (getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    snprintf(out->addresses + len, sizeof out->addresses - len, "%s%s", len > 0 ? ", " : "", host);
    if (!address_is_allowed(a.class, o->allow_private, is_loopback_org))
        snprintf(out->refused, sizeof out->refused, "%s is %s", host, a.what);
}

void inspect_names(const struct okta_options *o, const struct inspect_limit *limit, struct inspect_names *out)
{
    const struct timespec pause = { .tv_nsec = 10 * 1000000 };
    int64_t began = clock_mono_ms(&clock_system);
    struct lookup *l = mem_zero(sizeof *l);

    *out = (struct inspect_names){ .is_found = false };
    pthread_mutex_init(&l->lock, NULL);
    l->refs = 2;
    snprintf(l->host, sizeof l->host, "%s", o->url.host);
    if (!lookup_start(l)) {
        l->refs = 1;
        l->is_done = true;
        l->failed = EAI_MEMORY;
    }
    while (!lookup_is_done(l) && !is_over(limit, began))
        nanosleep(&pause, NULL);
    out->took_ms = clock_mono_ms(&clock_system) - began;
    out->timed_out = !lookup_is_done(l);
    if (out->timed_out)
        snprintf(out->failure, sizeof out->failure, "no answer within %lld ms", (long long)out->took_ms);
    else if (l->failed != 0)
        snprintf(out->failure, sizeof out->failure, "%s", gai_strerror(l->failed));
    else
        out->is_found = l->found != NULL;
    for (const struct addrinfo *at = out->is_found ? l->found : NULL; at != NULL; at = at->ai_next)
        put_address(o, at, out);
    lookup_unref(l);
}

/* ---- connection and TLS ---- */

static const char *environment(const char *first, const char *second)
{
    const char *value = first != NULL ? getenv(first) : NULL;

    if (value == NULL || value[0] == '\0')
        value = getenv(second);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static CURLcode add_ca(CURL *easy, void *context, void *file)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    bool ok = store != NULL && X509_STORE_load_file(store, file) == 1;

    (void)easy;
    ERR_clear_error();
    return ok ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* As http.c connects. */
static void set_tls(CURL *easy, const struct okta_options *o, struct inspect_tls *out)
{
    const char *file = environment("CURL_CA_BUNDLE", "SSL_CERT_FILE"), *path = environment(NULL, "SSL_CERT_DIR");
    bool has_more = o->ca_file != NULL && o->ca_file[0] != '\0';

    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_CERTINFO, 1L);
    if (file != NULL)
        SET(easy, CURLOPT_CAINFO, file);
    if (path != NULL)
        SET(easy, CURLOPT_CAPATH, path);
    if (has_more) {
        SET(easy, CURLOPT_SSL_CTX_FUNCTION, add_ca);
        SET(easy, CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)o->ca_file);
    }
    snprintf(out->ca, sizeof out->ca, "%s%s%s", file != NULL ? file : "the system's CAs", has_more ? " and " : "",
             has_more ? o->ca_file : "");
}

/* "Expire date:2026-12-01 10:00:00 GMT" and "Issuer:C = US, O = ..." of the first certificate. */
static void read_certificate(CURL *easy, struct inspect_tls *out)
{
    struct curl_certinfo *certs = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &certs) != CURLE_OK || certs == NULL || certs->num_of_certs < 1)
        return;
    for (const struct curl_slist *line = certs->certinfo[0]; line != NULL; line = line->next) {
        const char *value = strchr(line->data, ':');

        if (value == NULL)
            continue;
        if (strncmp(line->data, "Issuer:", 7) == 0)
            snprintf(out->issuer, sizeof out->issuer, "%s", value + 1);
        if (strncmp(line->data, "Expire date:", 12) == 0) {
            time_t at = curl_getdate(value + 1, NULL);

            out->expires_unix_s = at > 0 ? (int64_t)at : 0;
        }
    }
}

static bool is_certificate(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR;
}

static void read_failure(CURL *easy, CURLcode code, const char *text, const struct reach_try *way,
                         struct inspect_tls *out)
{
    long verified = 0, connect_status = 0;
    const char *hint;

    (void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    (void)curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
    hint = trouble_hint((int)code, verified, connect_status);
    /* curl quotes a proxy's address that it cannot read. */
    if (text[0] == '\0' || strchr(text, '@') != NULL || strstr(text, "proxy syntax") != NULL)
        text = curl_easy_strerror(code);
    if (way->refused[0] != '\0' && !way->has_tried)
        text = way->refused;
    snprintf(out->failure, sizeof out->failure, "%.110s%s%.80s", text, hint != NULL ? "; " : "",
             hint != NULL ? hint : "");
    out->is_certificate = is_certificate(code);
    out->is_proxy_failure =
        way->reach->proxy != NULL && (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_COULDNT_CONNECT ||
                                      code == CURLE_PROXY || connect_status >= 400);
}

/* Performs the handle; CURLE_OPERATION_TIMEDOUT when it is over before that. */
static CURLcode perform(CURLM *multi, const struct inspect_limit *limit, int64_t began)
{
    int running = 1, left;

    while (running > 0) {
        if (is_over(limit, began))
            return CURLE_OPERATION_TIMEDOUT;
        if (curl_multi_perform(multi, &running) != CURLM_OK ||
            (running > 0 && curl_multi_poll(multi, NULL, 0, SLICE_MS, NULL) != CURLM_OK))
            return CURLE_FAILED_INIT;
    }
    for (const CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL;)
        if (m->msg == CURLMSG_DONE)
            return m->data.result;
    return CURLE_FAILED_INIT;
}

void inspect_tls(const struct okta_options *o, const struct inspect_limit *limit, struct inspect_tls *out)
{
    int64_t began = clock_mono_ms(&clock_system);
    char text[CURL_ERROR_SIZE] = "";
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    struct reach reach;
    struct reach_try way;
    CURLcode code;

    ASSERT(multi != NULL && easy != NULL);
    *out = (struct inspect_tls){ .is_plain = strncmp(o->url.text, "http://", 7) == 0 };
    reach_init(&reach, o);
    SET(easy, CURLOPT_URL, o->url.text);
    SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_QUICK_EXIT, 1L);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)limit->timeout_ms);
    SET(easy, CURLOPT_ERRORBUFFER, text);
    set_tls(easy, o, out);
    reach_set(&reach, easy, &way);
    ASSERT(curl_multi_add_handle(multi, easy) == CURLM_OK);
    code = perform(multi, limit, began);
    out->took_ms = clock_mono_ms(&clock_system) - began;
    out->is_connected = code == CURLE_OK;
    if (out->is_connected)
        read_certificate(easy, out);
    else
        read_failure(easy, code, text, &way, out);
    (void)curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    (void)curl_multi_cleanup(multi);
    reach_deinit(&reach);
}
