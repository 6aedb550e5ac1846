/* server/metrics/metrics_http.h: GET /metrics, over HTTP on this machine.
 *
 * One thread of its own answers, a few connections at a time and each for seconds at most; everything but GET and HEAD
 * of /metrics is refused. */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include "rpc/server.h"

struct metrics_http;

/* `render` appends the page; on the server's thread, until metrics_http_stop returns. Logs where it listens. */
MUST_CHECK bool metrics_http_start(struct metrics_http **out, const struct rpc_listen *where,
                                   void (*render)(void *ctx, struct buf *out), void *ctx, struct error *err);
const char *metrics_http_address(const struct metrics_http *h); /* "127.0.0.1:43210", "unix:/path" */
void metrics_http_stop(struct metrics_http *h);                 /* waits for the thread; NULL is fine */

#endif
