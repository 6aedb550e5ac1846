/* server/connectors/connectors.h: the connectors of this process: found by name, configured, run, deleted.
 *
 * Each connector is a poller thread with a store. RPC threads see it through a reference, which keeps the store open
 * and the struct alive; what they read of its state is a snapshot. Any thread, unless it says otherwise. */
#ifndef CONNECTORS_H
#define CONNECTORS_H

#include "base/clock.h"
#include "base/error.h"
#include "registry/registry.h"

#define CONNECTORS_MAX REGISTRY_CONNECTORS_MAX

struct connectors;
struct connector;

struct connectors_options {
    struct registry *registry; /* borrowed until connectors_destroy */
    const struct clock *clock;
    uint64_t store_max_bytes; /* 0: STORE_BYTES_DEFAULT */
    int share_percent;        /* of Okta's buckets; 0: 50 */
    bool allow_loopback_http;
    bool allow_private_org;      /* allow_private of okta_options */
    const char *proxy, *ca_file; /* as in okta_options; borrowed until connectors_destroy */
    const char *data_dir;        /* the registry's, for Diagnose; borrowed likewise; NULL: not looked at */
    /* A commit or a change of state: something to read. Called on poller threads; never blocks. `topic` is the
     * connector's, 0 to CONNECTORS_MAX - 1, reused after a delete. */
    void (*changed)(void *ctx, unsigned topic);
    /* Fresh or not, for health. Called when it changes. `is_gone`: deleted. */
    void (*health)(void *ctx, const char *name, bool is_fresh, bool is_gone);
    /* For tests: what carries a client's requests, one call per client, destroyed with it. NULL: the network. */
    struct okta_transport *(*make_transport)(void *ctx);
    void *ctx;
};

/* Starts a poller for each active entry of the registry. One that cannot start is logged and shown as DEGRADED, and
 * does not keep the others from starting. */
MUST_CHECK bool connectors_create(struct connectors **out, const struct connectors_options *options, struct error *err);
void connectors_stop(struct connectors *cs);    /* begins: pollers finish their commit and end; probes give up */
void connectors_destroy(struct connectors *cs); /* joins, bounded; all references have been returned */

/* A reference, or NULL with NOT_FOUND / NO_SUCH_CONNECTOR; with an empty name the only one, else INVALID_ARGUMENT /
 * NAME_REQUIRED (none at all: NOT_FOUND). */
struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err);
/* References to all, ordered by name; returns how many. */
size_t connectors_all(struct connectors *cs, struct connector *out[CONNECTORS_MAX]);
void connector_release(struct connector *c); /* NULL is fine */

/* Another share_percent, 1 to 100, for those that run and those to come. */
void connectors_set_share(struct connectors *cs, int share_percent);

#endif
