/* Happy path: libmicrohttpd accepts and parses on its own thread, and calls http_on_request; the route's page is
 * rendered into memory, whose ownership passes to the response.
 *
 * The page is complete before its status is sent. So a page that turns out too large is a clean 500, not a 200 that
 * breaks off. One thread answers everything: renders never run at the same time, and a slow one delays only other
 * requests here. */
#include "http/http.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/listener.h"

#include <microhttpd.h>
#include <string.h>

#define CONNECTIONS_MAX 8           /* scrapers; further ones wait in the backlog */
#define TIMEOUT_S       10          /* for a connection on which nothing moves */
#define MEMORY_MAX      (16u << 10) /* for a connection: a scraper's headers are small */
#define PATHS_BYTES_MAX 1024        /* the paths of all routes as text */

struct http {
    /* set before the thread starts, then read-only */
    const struct http_route *routes;
    size_t route_count;
    void *ctx;
    struct buf not_found; /* the text of a 404 */
    struct listener listener;
    struct MHD_Daemon *daemon;
};

/* Queues a response, and gives up our reference to it. NULL: libmicrohttpd could not make one; it closes the
 * connection. */
static enum MHD_Result http_reply(struct MHD_Connection *c, unsigned status, const char *type, struct MHD_Response *r)
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

/* The text must outlive the server: libmicrohttpd does not copy it. */
static enum MHD_Result http_refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
    return http_reply(c, status, "text/plain; charset=utf-8",
                      MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

/* For HEAD as well: libmicrohttpd leaves out the body, and needs the page for its Content-Length. */
static enum MHD_Result http_show_page(struct http *h, const struct http_route *route, struct MHD_Connection *c)
{
    struct buf page = BUF(HTTP_PAGE_BYTES_MAX);
    struct MHD_Response *r;

    route->render(h->ctx, &page);
    if (!buf_ok(&page)) {
        buf_deinit(&page);
        return http_refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page is larger than expected\n");
    }
    r = MHD_create_response_from_buffer(page.len, page.at, MHD_RESPMEM_MUST_FREE);
    if (r == NULL)
        buf_deinit(&page);
    return http_reply(c, MHD_HTTP_OK, route->content_type, r);
}

/* libmicrohttpd calls this once when the headers are there, then for each piece of the body, then once at its end. */
static enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
                                       const char *version, const char *body, size_t *body_bytes, void **request)
{
    static int seen;
    struct http *h = ctx;

    (void)version;
    (void)body;
    /* libmicrohttpd keeps a connection open for the next request only if the response is queued at a later call. */
    if (*request == NULL) {
        *request = &seen;
        return MHD_YES;
    }
    if (*body_bytes > 0) {
        *body_bytes = 0; /* consumed, and ignored */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return http_refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET it\n");
    for (size_t i = 0; i < h->route_count; i++) {
        if (strcmp(url, h->routes[i].path) == 0)
            return http_show_page(h, &h->routes[i], c);
    }
    return http_refuse(c, MHD_HTTP_NOT_FOUND, buf_cstr(&h->not_found));
}

static void http_list_paths(const struct http *h, const char *separator, struct buf *out)
{
    for (size_t i = 0; i < h->route_count; i++)
        buf_printf(out, "%s%s", i > 0 ? separator : "", h->routes[i].path);
}

static void http_log_start(const struct http *h)
{
    AUTO_BUF struct buf paths = BUF(PATHS_BYTES_MAX);

    http_list_paths(h, ",", &paths);
    log_info("listen.http", "address=%s path=%s", h->listener.address, buf_cstr(&paths));
}

bool http_start(struct http **out, const struct net_address *where, const struct http_route *routes, size_t route_count,
                void *ctx, struct error *err)
{
    struct http *h = mem_zero(sizeof *h);

    ASSERT(route_count >= 1 && route_count <= HTTP_ROUTES_MAX);
    h->routes = routes;
    h->route_count = route_count;
    h->ctx = ctx;
    if (!listener_open(&h->listener, where, err)) {
        free(h);
        return error_wrap(err, "http");
    }
    h->not_found = (struct buf)BUF(PATHS_BYTES_MAX);
    buf_puts(&h->not_found, "there is ");
    http_list_paths(h, ", ", &h->not_found);
    buf_puts(&h->not_found, " here, and nothing else\n");
    ASSERT(buf_ok(&h->not_found)); /* the paths are literals */
    h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, http_on_request, h,
                                 MHD_OPTION_LISTEN_SOCKET, h->listener.fd, MHD_OPTION_CONNECTION_LIMIT,
                                 (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
    if (h->daemon == NULL) {
        http_stop(h);
        return error_set(err, ERROR_UNKNOWN, "http: libmicrohttpd cannot start its thread");
    }
    http_log_start(h);
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
        h->listener.fd = -1; /* MHD_stop_daemon closes it */
        MHD_stop_daemon(h->daemon);
    }
    listener_close(&h->listener);
    listener_remove(&h->listener);
    buf_deinit(&h->not_found);
    free(h);
}
