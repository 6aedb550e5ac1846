/* server/metrics/metrics.h: the metrics page, in Prometheus' text format.
 *
 * First all values are gathered, then they are rendered. No lock is held and no transaction is open while rendering.
 * All labels are bounded: connector, state, reason, collection, bucket, what waits, response class, method and status
 * code. Counters start at zero with the process or with the connector's poller. */
#ifndef METRICS_H
#define METRICS_H

#include "rpc/server.h"
#include "service/service.h"

#define METRICS_METHODS_MAX  64
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8" /* Prometheus' text format */

struct metrics_connector {
    char name[REGISTRY_NAME_MAX + 1];
    struct poller_snapshot now;
    uint64_t streams;
    bool has_store; /* otherwise the members below are 0, and not shown */
    uint64_t store_events, store_bytes, store_bytes_max, store_pruned;
};

struct metrics {
    const char *version;
    int64_t started_unix_ms, now_unix_ms;
    struct reload_facts reload;
    struct subscribers_totals streams;
    struct rpc_method_counts methods[METRICS_METHODS_MAX];
    size_t method_count;
    int64_t certificate_expiry_unix_s; /* 0: no TLS, and not shown */
    size_t connector_count;
    struct metrics_connector connectors[]; /* ordered by name */
};

/* The caller frees it with free(). Any thread. */
struct metrics *metrics_gather(const struct service *service, const struct rpc *rpc);

/* Appends the page to *out. */
void metrics_render(const struct metrics *m, struct buf *out);

#endif
