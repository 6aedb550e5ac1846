/* server/app.c: builds every object and takes it down again; the one file that knows them all.
 *
 *   start   registry -> connectors (their pollers run) -> rpc (the first call can come) -> declared connectors
 *   then    a poller commits      -> changed -> rpc_wake: the streams of that connector read on
 *           a connector gets fresh -> health  -> rpc_health_set
 *   stop    app_stop, step by step
 *
 * Pollers run before there is an rpc to wake: what they say of health is kept, and told when it is there. */
#include "app.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/configure/configure.h"
#include "connectors/connectors.h"
#include "connectors/declared/declarations.h"
#include "descriptors.h"
#include "http/http.h"
#include "metrics/metrics.h"
#include "registry/registry.h"
#include "reload.h"
#include "service/service.h"
#include "version.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* One more than can be listed: a name that replaces another may be told before the other is gone. */
#define UPSTREAMS_MAX (2 * CONNECTORS_MAX)

struct upstream {
    char name[REGISTRY_NAME_MAX + 1]; /* "": free */
    bool is_fresh;
};

struct app {
    /* set before threads, then read-only */
    const struct config *config; /* of the start: a copy, in reload */
    struct reload *reload;
    struct registry *registry;
    struct connectors *connectors;
    struct service service;
    struct service_socket sockets[NET_ADDRESSES_MAX];

    _Atomic(struct rpc *) rpc; /* NULL before it runs */
    struct http *http;         /* main thread; NULL: none is wanted */

    /* Guards the table, and that health is told in the order in which it changed: pollers tell it, each on its own
     * thread. */
    pthread_mutex_t lock;
    struct upstream upstreams[UPSTREAMS_MAX];
};

/* ---- what pollers tell ---- */

static void changed(void *ctx, unsigned topic)
{
    struct app *a = ctx;
    struct rpc *rpc = atomic_load(&a->rpc);

    if (rpc != NULL)
        rpc_wake(rpc, topic);
}

/* Whether there is a connector, and all are fresh. */
static bool all_fresh(const struct app *a)
{
    bool any = false;

    for (size_t i = 0; i < UPSTREAMS_MAX; i++) {
        if (a->upstreams[i].name[0] == '\0')
            continue;
        if (!a->upstreams[i].is_fresh)
            return false;
        any = true;
    }
    return any;
}

static enum rpc_health health_of(bool is_fresh)
{
    return is_fresh ? RPC_HEALTH_SERVING : RPC_HEALTH_NOT_SERVING;
}

static void tell(const struct app *a, struct rpc *rpc, const struct upstream *u, bool is_gone)
{
    char service[sizeof "upstream/" + REGISTRY_NAME_MAX];

    snprintf(service, sizeof service, "upstream/%s", u->name);
    rpc_health_set(rpc, service, is_gone ? RPC_HEALTH_GONE : health_of(u->is_fresh));
    rpc_health_set(rpc, "upstream", health_of(all_fresh(a)));
}

static struct upstream *find_upstream(struct app *a, const char *name)
{
    for (size_t i = 0; i < UPSTREAMS_MAX; i++)
        if (strcmp(a->upstreams[i].name, name) == 0)
            return &a->upstreams[i];
    return NULL;
}

static void health(void *ctx, const char *name, bool is_fresh, bool is_gone)
{
    struct app *a = ctx;
    struct rpc *rpc = atomic_load(&a->rpc);
    struct upstream *u, gone = { .is_fresh = false };

    snprintf(gone.name, sizeof gone.name, "%s", name);
    pthread_mutex_lock(&a->lock);
    u = find_upstream(a, name);
    if (u == NULL && !is_gone)
        u = find_upstream(a, "");
    if (u != NULL) {
        *u = (struct upstream){ .is_fresh = is_fresh };
        if (!is_gone)
            memcpy(u->name, gone.name, sizeof u->name);
        if (rpc != NULL)
            tell(a, rpc, is_gone ? &gone : u, is_gone);
    }
    pthread_mutex_unlock(&a->lock);
}

static void tell_all(struct app *a, struct rpc *rpc)
{
    pthread_mutex_lock(&a->lock);
    atomic_store(&a->rpc, rpc);
    rpc_health_set(rpc, "upstream", health_of(all_fresh(a)));
    for (size_t i = 0; i < UPSTREAMS_MAX; i++)
        if (a->upstreams[i].name[0] != '\0')
            tell(a, rpc, &a->upstreams[i], false);
    pthread_mutex_unlock(&a->lock);
    rpc_health_set(rpc, "okta.connector.v1.Connector", RPC_HEALTH_SERVING);
    rpc_health_set(rpc, "okta.connector.v1.Directory", RPC_HEALTH_SERVING);
    rpc_health_set(rpc, "", RPC_HEALTH_SERVING);
}

/* ---- the start ---- */

static bool open_registry(struct app *a, struct error *err)
{
    const struct registry_options options = {
        .data_dir = a->config->data_dir,
        .seal_key_file = a->config->seal_key_file[0] != '\0' ? a->config->seal_key_file : NULL,
    };

    return registry_open(&a->registry, &options, err);
}

static bool start_connectors(struct app *a, struct error *err)
{
    const struct connectors_options options = {
        .registry = a->registry,
        .clock = &clock_system,
        .store_max_bytes = a->config->store_max_bytes,
        .share_percent = a->config->org_share_percent,
        .allow_loopback_http = a->config->allow_http_loopback_org,
        .allow_private_org = a->config->allow_private_org,
        .proxy = a->config->proxy,
        .ca_file = a->config->ca_file,
        .data_dir = a->config->data_dir,
        .changed = changed,
        .health = health,
        .ctx = a,
    };

    return connectors_create(&a->connectors, &options, err);
}

/* The folder of the default sockets. Others may pass through it: who may connect is each socket's own matter. */
static bool make_socket_dir(const struct config *config, struct error *err)
{
    char dir[sizeof config->listen[0].path];
    char *slash;

    if (!config->listens_by_default)
        return true;
    memcpy(dir, config->listen[0].path, sizeof dir);
    slash = strrchr(dir, '/');
    if (slash != NULL)
        *slash = '\0';
    if (mkdir(dir, 0755) == 0) {
        if (chmod(dir, 0755) == 0)
            return true;
    } else if (errno == EEXIST) {
        return true;
    }
    return error_set(err, ERROR_FAILED_PRECONDITION, "the folder %s for the sockets cannot be made (%s): use --listen",
                     dir, strerror(errno));
}

static void describe_readers(const struct config *c, struct service_socket *s)
{
    int n = snprintf(s->who, sizeof s->who, "our own user and root");

    if (c->reader_uid >= 0)
        n += snprintf(s->who + n, sizeof s->who - (size_t)n, ", uid %lld", (long long)c->reader_uid);
    if (c->reader_gid >= 0)
        snprintf(s->who + n, sizeof s->who - (size_t)n, ", group %lld", (long long)c->reader_gid);
}

static void describe_sockets(struct app *a)
{
    const struct config *c = a->config;

    for (size_t i = 0; i < c->listen_count; i++) {
        const struct net_address *l = &c->listen[i];
        struct service_socket *s = &a->sockets[i];

        s->is_admin = l->role == NET_ADMIN;
        if (l->is_unix) {
            snprintf(s->path, sizeof s->path, "%s", l->path);
            snprintf(s->address, sizeof s->address, "unix:%s", l->path);
        } else {
            snprintf(s->address, sizeof s->address, "%s:%u", l->host, (unsigned)l->port);
        }
        if (l->is_unix && !s->is_admin)
            describe_readers(c, s);
        else
            snprintf(s->who, sizeof s->who, "%s",
                     l->is_unix ? "our own user and root"
                                : "whoever reaches it, and has a certificate where one is asked for");
    }
    a->service.sockets = a->sockets;
    a->service.socket_count = c->listen_count;
}

static bool start_rpc(struct app *a, struct error *err)
{
    const struct rpc_options options = {
        .listen = a->config->listen,
        .listen_count = a->config->listen_count,
        .threads = a->config->threads,
        .reader_uid = a->config->reader_uid,
        .reader_gid = a->config->reader_gid,
        .tls = &a->config->tls,
        .connection_age_ms = a->config->connection_age_ms,
        .methods = service_methods,
        .service = &a->service,
        .descriptors = descriptors,
        .descriptors_size = descriptors_size,
    };
    struct rpc *rpc = NULL;

    a->service.connectors = a->connectors;
    a->service.clock = &clock_system;
    a->service.started_unix_ms = clock_unix_ms(&clock_system);
    snprintf(a->service.version, sizeof a->service.version, "%s", VERSION_TEXT);
    describe_sockets(a);
    a->service.reload_facts = reload_facts;
    a->service.ctx = a->reload;
    a->service.subscribers = subscribers_create();
    a->service.sync_runs = sync_runs_create();
    if (!make_socket_dir(a->config, err) || !rpc_start(&rpc, &options, err))
        return false;
    tell_all(a, rpc);
    return true;
}

/* On the HTTP server's thread. That starts after rpc and stops before it, so that a->rpc is set. */
static void render_metrics(void *ctx, struct buf *out)
{
    struct app *a = ctx;
    AUTO_FREE struct metrics *m = metrics_gather(&a->service, atomic_load(&a->rpc));

    metrics_render(m, out);
}

static const struct http_route http_routes[] = {
    { "/metrics", METRICS_CONTENT_TYPE, render_metrics },
};

static bool start_http(struct app *a, struct error *err)
{
    return !a->config->has_http ||
           http_start(&a->http, &a->config->http, http_routes, sizeof http_routes / sizeof http_routes[0], a, err);
}

static bool declare_all(struct app *a, struct error *err)
{
    const struct config *c = a->config;

    for (size_t i = 0; i < c->declared_count; i++) {
        const struct config_declared *d = &c->declared[i];
        const struct declared_source source = { d->token_file, d->client_id, d->private_key_file, d->key_id };
        const struct configure_request settings = {
            .collections = d->collections,
            .history_days = d->history_days >= 0 ? d->history_days : c->history_days,
            .retention_days = d->retention_days >= 0 ? d->retention_days : c->retention_days,
        };

        if (!connectors_declare(a->connectors, d->name, d->org, &source, &settings, err))
            return false;
    }
    return true;
}

bool app_start(struct app **out, const struct config *config, struct error *err)
{
    struct app *a = mem_zero(sizeof *a);

    a->reload = reload_create(config, &clock_system);
    a->config = reload_config(a->reload);
    pthread_mutex_init(&a->lock, NULL);
    if (okta_global_init(err) && open_registry(a, err) && start_connectors(a, err) && declare_all(a, err) &&
        start_rpc(a, err) && start_http(a, err)) {
        *out = a;
        return true;
    }
    app_stop(a);
    return false;
}

void app_reload(struct app *a, const struct config *next, struct config_problems *problems)
{
    struct error err;

    reload_apply(a->reload, next, problems, a->connectors, atomic_load(&a->rpc));
    /* Also beside a configuration that is no good: secrets and certificates have files of their own. */
    connectors_reread(a->connectors);
    if (!rpc_reload_certificates(atomic_load(&a->rpc), &err))
        log_warn("tls.refused", "error=%s text=the certificate in use stays", err.text);
}

/* ---- the end ---- */

void app_stop(struct app *a)
{
    struct rpc *rpc;

    if (a == NULL)
        return;
    rpc = atomic_load(&a->rpc);
    /* 0. Nobody looks at what is being taken down. */
    http_stop(a->http);
    /* 1. Health says NOT_SERVING; no new connection or call; streams are told to end, and their clients where to go on
     *    from. Before the pollers: a reader gets what is committed until then. */
    if (rpc != NULL)
        rpc_drain(rpc);
    /* 2. Pollers finish their commit, probes give up: calls that wait for them are answered UNAVAILABLE. */
    if (a->connectors != NULL)
        connectors_stop(a->connectors);
    /* 3. Streams end within the grace time, then are cancelled. No call is left, so no reference to a connector. */
    if (rpc != NULL)
        rpc_stop(rpc, reload_config(a->reload)->drain_ms);
    /* 4. Probes and pollers are joined: nobody wakes a stream or answers a ticket any more. The stores close. */
    if (a->connectors != NULL)
        connectors_destroy(a->connectors);
    /* 5. The servers, their queues and threads; the Unix sockets go. */
    if (rpc != NULL)
        rpc_destroy(rpc);
    sync_runs_destroy(a->service.sync_runs);
    subscribers_destroy(a->service.subscribers);
    /* 6. The data folder is free for the next process. */
    if (a->registry != NULL)
        registry_close(a->registry);
    reload_destroy(a->reload);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
