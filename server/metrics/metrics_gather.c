/* Copies everything that the page shows into one struct, on the HTTP server's thread. Each source is locked only while
 * it is copied. A connector is referenced from connectors_all until connector_release, so that a Delete meanwhile
 * cannot free it. */
#include "metrics/metrics.h"

#include "base/mem.h"
#include "store/journal.h"

#include <stdio.h>

static void metrics_gather_store(struct metrics_connector *to, struct store *store)
{
    struct journal_bounds bounds;
    struct store_usage usage;
    struct error ignored; /* a store that cannot be read has no metrics; the connector's state says why */

    if (store == NULL || !journal_bounds(store, &bounds, &ignored) || !store_usage(store, &usage, &ignored))
        return;
    to->has_store = true;
    to->store_events = bounds.count;
    to->store_pruned = bounds.pruned;
    to->store_bytes = usage.bytes;
    to->store_bytes_max = usage.max_bytes;
}

struct metrics *metrics_gather(const struct service *service, const struct rpc *rpc)
{
    struct connector *connectors[CONNECTORS_MAX];
    size_t count = connectors_all(service->connectors, connectors);
    struct metrics *m = mem_zero(sizeof *m + count * sizeof m->connectors[0]);

    m->version = service->version;
    m->started_unix_ms = service->started_unix_ms;
    m->now_unix_ms = clock_unix_ms(service->clock);
    if (service->reload_facts != NULL)
        service->reload_facts(service->ctx, &m->reload);
    m->streams = subscribers_totals(service->subscribers);
    m->method_count = rpc_counts(rpc, m->methods, METRICS_METHODS_MAX);
    if (m->method_count > METRICS_METHODS_MAX)
        m->method_count = METRICS_METHODS_MAX;
    m->certificate_expiry_unix_s = rpc_certificate_expiry_unix_s(rpc);
    m->connector_count = count;
    for (size_t i = 0; i < count; i++) {
        struct metrics_connector *to = &m->connectors[i];

        snprintf(to->name, sizeof to->name, "%s", connector_name(connectors[i]));
        connector_snapshot(connectors[i], &to->now);
        to->streams = subscribers_list(service->subscribers, connector_topic(connectors[i]), NULL, 0);
        metrics_gather_store(to, connector_store(connectors[i]));
        connector_release(connectors[i]);
    }
    return m;
}
