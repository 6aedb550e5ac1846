/* server/http/http.h: GET /metrics, over HTTP on this machine.
 *
 * One thread of its own answers, a few connections at a time and each for seconds at most; everything but GET and HEAD
 * of /metrics is refused. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/str.h"
#include "net/address.h"

#define HTTP_PAGE_BYTES_MAX (8u << 20) /* 64 connectors with all their buckets take some 1.5 MB of metrics */

struct http;

/* `render` appends the page; on the server's thread, until http_stop returns. Logs where it listens. */
MUST_CHECK bool http_start(struct http **out, const struct net_address *where,
                           void (*render)(void *ctx, struct buf *out), void *ctx, struct error *err);
const char *http_address(const struct http *h); /* "127.0.0.1:43210", "unix:/path" */
void http_stop(struct http *h);                 /* waits for the thread; NULL is fine */

#endif
