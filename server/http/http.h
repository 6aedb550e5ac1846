/* server/http/http.h: an HTTP server with a fixed table of routes. Each route is a page that is rendered per request.
 *
 * One thread of its own answers GET and HEAD, for a few connections at a time, each for seconds at most. Other methods
 * get 405, other paths 404. What the pages hold is the caller's concern: a route has a path, a content type and a
 * function. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/str.h"
#include "net/address.h"

#define HTTP_PAGE_BYTES_MAX (8u << 20) /* a rendered page; the largest known is some 1.5 MB */
#define HTTP_ROUTES_MAX     16

struct http;

struct http_route {
    const char *path;         /* "/metrics": compared with the request's path, without its query */
    const char *content_type; /* of the page */
    /* Appends the page. On the server's thread, one request at a time. If *out fails or grows beyond
     * HTTP_PAGE_BYTES_MAX, the request gets 500. */
    void (*render)(void *ctx, struct buf *out);
};

/* Listens and starts the thread. The routes, at most HTTP_ROUTES_MAX, and ctx are borrowed until http_stop returns; ctx
 * goes to each render. Logs the address and the paths. */
MUST_CHECK bool http_start(struct http **out, const struct net_address *where, const struct http_route *routes,
                           size_t route_count, void *ctx, struct error *err);
const char *http_address(const struct http *h); /* "127.0.0.1:43210", "unix:/path" */
void http_stop(struct http *h);                 /* waits for the thread; NULL is fine */

#endif
