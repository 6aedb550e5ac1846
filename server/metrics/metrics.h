/* server/metrics/metrics.h: what Prometheus is shown, in its text format.
 *
 * First everything is gathered as values, then it is written: no lock is held and no transaction is open meanwhile.
 * Labels are bounded: connector, state, reason, collection, bucket, what waits, answer class, method and code. Counters
 * begin with the process, or with the connector's poller. */
#ifndef METRICS_H
#define METRICS_H

#include "rpc/server.h"
#include "service/service.h"

#define METRICS_METHODS_MAX  64
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8" /* Prometheus' text format */

/* Of one connector. */
struct metrics_connector {
    char name[REGISTRY_NAME_MAX + 1];
    struct poller_snapshot now;
    uint64_t streams;
    bool has_store; /* else what follows is zeros, and not shown */
    uint64_t store_events, store_bytes, store_bytes_max, store_pruned;
};

struct metrics {
    const char *version;
    int64_t started_unix_ms, now_unix_ms;
    struct reload_facts reload;
    struct subscribers_totals streams;
    struct rpc_method_counts methods[METRICS_METHODS_MAX];
    size_t method_count;
    int64_t certificate_expiry_unix_s; /* of TLS; 0: there is none, and it is not shown */
    size_t connector_count;
    struct metrics_connector connectors[]; /* ordered by name */
};

/* The caller frees it with free(). Any thread. */
struct metrics *metrics_gather(const struct service *service, const struct rpc *rpc);

/* Appends. */
void metrics_render(const struct metrics *m, struct buf *out);

#endif
