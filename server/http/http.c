#include "http/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/listener.h"

#include <microhttpd.h>
#include <string.h>

#define CONNECTIONS_MAX 8           /* scrapers; one more waits in the backlog */
#define TIMEOUT_S       10          /* of a connection on which nothing moves */
#define MEMORY_MAX      (16u << 10) /* of a connection: a scraper's headers are small */

struct http {
    /* set before the thread, then read-only */
    void (*render)(void *ctx, struct buf *out);
    void *ctx;
    struct listener listener;
    struct MHD_Daemon *daemon;
};

static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type, struct MHD_Response *r)
{
    enum MHD_Result sent;

    if (r == NULL)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    sent = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return sent;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
    return reply(c, status, "text/plain; charset=utf-8",
                 MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result show(struct http *h, struct MHD_Connection *c)
{
    struct buf page = BUF(HTTP_PAGE_BYTES_MAX);
    struct MHD_Response *r;

    h->render(h->ctx, &page);
    if (!buf_ok(&page)) {
        buf_deinit(&page);
        return refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "the metrics are larger than expected\n");
    }
    r = MHD_create_response_from_buffer(page.len, page.at, MHD_RESPMEM_MUST_FREE);
    if (r == NULL)
        buf_deinit(&page);
    return reply(c, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", r);
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *body, size_t *body_bytes, void **request)
{
    static int seen;

    (void)version;
    (void)body;
    /* First for the headers alone: only at the second call may a kept connection be answered. */
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*body_bytes > 0) {
        *body_bytes = 0; /* not looked at */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET it\n");
    if (strcmp(url, "/metrics") != 0)
        return refuse(c, MHD_HTTP_NOT_FOUND, "there is /metrics here, and nothing else\n");
    return show(ctx, c);
}

bool http_start(struct http **out, const struct net_address *where, void (*render)(void *ctx, struct buf *out),
                void *ctx, struct error *err)
{
    struct http *h = mem_zero(sizeof *h);

    h->render = render;
    h->ctx = ctx;
    if (!listener_open(&h->listener, where, err)) {
        free(h);
        return error_wrap(err, "http");
    }
    h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, answer, h,
                                 MHD_OPTION_LISTEN_SOCKET, h->listener.fd, MHD_OPTION_CONNECTION_LIMIT,
                                 (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    if (h->daemon == NULL) {
        http_stop(h);
        return error_set(err, ERROR_UNKNOWN, "http: the server for metrics cannot be started");
    }
    log_info("listen.http", "address=%s path=/metrics", h->listener.address);
    *out = h;
    return true;
}

const char *http_address(const struct http *h)
{
    return h->listener.address;
}

void http_stop(struct http *h)
{
    if (h == NULL)
        return;
    if (h->daemon != NULL) {
        h->listener.fd = -1; /* it closes it */
        MHD_stop_daemon(h->daemon);
    }
    listener_close(&h->listener);
    listener_remove(&h->listener);
    free(h);
}
