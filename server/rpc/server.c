/* The gRPC server: listeners, queues, methods, and the shutdown.
 *
 * The core does not tell on which port a call arrived. So there is one core server per listener and role, all on the
 * same completion queues: the server that a call arrives on tells its role. Over TLS one listener has several of them,
 * since the certificate decides the role. The acceptor accepts connections and hands them over (acceptor.h); those by
 * TLS go through the relay (relay.h). Each method waits for a call on each queue; health has a queue of its own.
 *
 * Shutdown, in order:
 *   rpc_drain    1 health says NOT_SERVING    2 new calls are refused   3 the acceptor stops
 *                4 every stream is asked to finish
 *   rpc_stop     5 wait for the calls         6 servers send GOAWAY     7 wait briefly for connections to close
 *                8 cancel the calls left      9 wait for them all, and for the last bytes over TLS
 *   rpc_destroy 10 free the servers          11 free the queues and their threads     12 remove the socket files
 *
 * GOAWAY is sent so late because after it the core itself rejects calls that are on their way, with CANCELLED, where a
 * client must see UNAVAILABLE to know that it may retry. */
#include "rpc/server.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/listener.h"
#include "rpc/acceptor.h"
#include "rpc/cq.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/relay.h"
#include "rpc/route.h"

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUES_MAX             16
#define QUEUES_UNASKED_MAX     4   /* reading the store and writing to sockets keeps no more of them busy */
#define CONNECTIONS_PER_UID    256 /* enough for a backend's replicas, and for one person's tools */
#define STREAMS_PER_CONNECTION 1024
#define STREAMS_OVER_TCP       100        /* RFC 9113's minimum; a call that never sends its request costs 13 kB */
#define RECEIVE_BYTES_MAX      (1u << 20) /* the core refuses more, but gives no reason; our own cap is lower */
#define CONNECTION_IDLE_MS     60000      /* without any call; this also closes a connection that stays silent */
#define HANDSHAKE_MS           10000
#define AGE_GRACE_MS           10000
#define AGE_MS_MAX             (INT64_C(7) * 24 * 3600 * 1000)
#define PING_EVERY_MS          10000               /* the shortest interval of a client's pings; more often is abuse */
#define MEMORY_BYTES_MAX       ((size_t)256 << 20) /* read from all clients together and not processed yet */
#define CLOSE_MS_MAX           250                 /* for clients to close after GOAWAY, once their calls are over */
#define RELAY_MS_MAX           500                 /* for the last bytes to leave over TLS */
#define GONE_MS_MAX            30000               /* after everything was cancelled; longer means a bug of ours */
#define CORE_WARN_EVERY_MS     60000

#define SERVERS_MAX (3 * NET_ADDRESSES_MAX)

enum { TABLE_OURS, TABLE_HEALTH, TABLE_REFLECTION, TABLES };

/* The core server of one listener and one role. */
struct role_server {
    size_t listener;
    enum net_role role;
    grpc_server *server;
    char peer[PEER_TEXT_MAX];
};

struct rpc {
    /* set before start, then read-only */
    struct listener listeners[NET_ADDRESSES_MAX];
    size_t listener_count;             /* how many are open */
    struct certificates *certificates; /* NULL: no TLS */
    struct relay *relay;               /* NULL: no TLS */
    const struct call_method *tables[TABLES];
    void *services[TABLES];
    struct cq *queues[QUEUES_MAX + 1]; /* the last is health's */
    size_t queue_count;                /* without health's */
    struct role_server servers[SERVERS_MAX];
    size_t server_count;
    int64_t connection_age_ms;            /* over TCP; 0: no limit */
    grpc_server_credentials *credentials; /* "insecure": TLS ends at the relay */
    struct route *routes;                 /* of all servers */
    size_t route_count;
    struct tally *tallies; /* one per method, in the order of a server's routes */
    size_t tally_count;
    struct health *health;
    struct reflection *reflection;
    bool has_core;

    /* main thread */
    struct acceptor *acceptor;
    bool is_stopped;
    struct shutting {
        struct op op;
        struct rpc *rpc;
    } shutting[SERVERS_MAX];
    struct draining {
        struct op op;
        struct cq *q;
    } draining[QUEUES_MAX + 1];

    /* any thread */
    struct census census;
};

/* ---- the start ---- */

/* The core's log lines go into our log. A peer can provoke some of them, so at most one a minute is a warning. */
static void rpc_on_core_log(gpr_log_func_args *args)
{
    static _Atomic int64_t said_mono_ms;
    int64_t now = clock_mono_ms(&clock_system);
    int64_t said = atomic_load(&said_mono_ms);

    if (args->severity == GPR_LOG_SEVERITY_ERROR && now - said >= CORE_WARN_EVERY_MS &&
        atomic_compare_exchange_strong(&said_mono_ms, &said, now))
        log_warn("grpc.core", "text=%s", args->message);
    else
        log_debug("grpc.core", "text=%s", args->message);
}

static bool rpc_open_listeners(struct rpc *r, const struct rpc_options *options, struct error *err)
{
    if (options->listen_count == 0 || options->listen_count > NET_ADDRESSES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "the server listens on 1 to %d addresses", NET_ADDRESSES_MAX);
    for (size_t i = 0; i < options->listen_count; i++) {
        struct listener *l = &r->listeners[i];

        if (!listener_open(l, &options->listen[i], err))
            return error_wrap(err, "listen");
        r->listener_count++;
    }
    return true;
}

static bool rpc_open_certificates(struct rpc *r, const struct rpc_options *options, struct error *err)
{
    static const struct net_tls none;
    const struct net_tls *tls = options->tls != NULL ? options->tls : &none;

    if (!net_tls_check(tls, options->listen, options->listen_count, err))
        return false;
    return tls->cert_file[0] == '\0' || certificates_open(&r->certificates, tls, err);
}

bool rpc_tls_files_check(const struct net_tls *tls, struct error *err)
{
    struct certificates *c = NULL;

    if (tls->cert_file[0] == '\0')
        return true;
    if (!certificates_open(&c, tls, err))
        return false;
    certificates_close(c);
    return true;
}

static void rpc_create_queues(struct rpc *r, unsigned threads)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (threads == 0)
        threads = cores < 1 ? 1 : cores > QUEUES_UNASKED_MAX ? QUEUES_UNASKED_MAX : (unsigned)cores;
    r->queue_count = threads < QUEUES_MAX ? threads : QUEUES_MAX;
    for (size_t i = 0; i <= r->queue_count; i++) {
        r->queues[i] = cq_create(i == r->queue_count, calls_woken);
        r->draining[i].q = r->queues[i];
    }
    health_wakes(r->health, r->queues[r->queue_count]);
}

static grpc_arg rpc_integer_arg(const char *key, unsigned value)
{
    return (grpc_arg){ GRPC_ARG_INTEGER, (char *)(uintptr_t)key, { .integer = (int)value } };
}

#define ARGS_MAX 16

/* A stream may last as long as a connection, and may begin just before the connection's end. So the core's grace period
 * is that long, plus a margin, and it is our own timer that ends each stream (lifecycle_limit_age). The core adds a
 * jitter of a tenth to the age by itself. */
static size_t rpc_put_age_args(const struct rpc *r, const struct net_address *where, grpc_arg *args)
{
    if (where->is_unix || r->connection_age_ms == 0)
        return 0;
    args[0] = rpc_integer_arg(GRPC_ARG_MAX_CONNECTION_AGE_MS, (unsigned)r->connection_age_ms);
    args[1] = rpc_integer_arg(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, (unsigned)(r->connection_age_ms + AGE_GRACE_MS));
    return 2;
}

static grpc_server *rpc_create_server(const struct rpc *r, const struct rpc_options *options,
                                      const struct net_address *where, grpc_resource_quota *quota)
{
    const unsigned most = where->is_unix ? STREAMS_PER_CONNECTION : STREAMS_OVER_TCP;
    const unsigned streams = options->streams_per_connection_max > 0 ? options->streams_per_connection_max : most;
    const int64_t idle_ms = options->idle_ms > 0 ? options->idle_ms : CONNECTION_IDLE_MS;
    grpc_arg args[ARGS_MAX] = {
        rpc_integer_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, RECEIVE_BYTES_MAX),
        rpc_integer_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams),
        rpc_integer_arg(GRPC_ARG_MAX_CONNECTION_IDLE_MS, (unsigned)idle_ms),
        rpc_integer_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_EVERY_MS),
        rpc_integer_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        /* The cap on messages counts them compressed: a megabyte of gzip may be a gigabyte. */
        rpc_integer_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1u << GRPC_COMPRESS_NONE),
        { GRPC_ARG_POINTER,
          (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
          { .pointer = { quota, grpc_resource_quota_arg_vtable() } } },
    };
    const size_t fixed = 7;
    const grpc_channel_args all = { fixed + rpc_put_age_args(r, where, args + fixed), args };
    grpc_server *server = grpc_server_create(&all, NULL);

    for (size_t i = 0; i <= r->queue_count; i++)
        grpc_server_register_completion_queue(server, r->queues[i]->raw, NULL);
    return server;
}

static void rpc_add_route(struct rpc *r, const struct role_server *e, const struct call_method *method, void *service)
{
    struct route *route = &r->routes[r->route_count++];

    *route = (struct route){ .method = method,
                             .service = service,
                             .server = e->server,
                             .role = e->role,
                             .is_tls = r->listeners[e->listener].where.is_tls,
                             .stream_ms = r->listeners[e->listener].where.is_unix ? 0 : r->connection_age_ms,
                             .peer = e->peer,
                             .census = &r->census,
                             .tally = &r->tallies[(r->route_count - 1) % r->tally_count] };
    if (method == NULL)
        return;
    route->handle =
        grpc_server_register_method(route->server, method->path, NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
    ASSERT(route->handle != NULL); /* fails only if two methods have the same path */
}

static size_t rpc_count_methods(const struct call_method *table)
{
    size_t count = 0;

    while (table[count].path != NULL)
        count++;
    return count;
}

static void rpc_create_routes(struct rpc *r)
{
    size_t each = 1;

    for (size_t t = 0; t < TABLES; t++)
        each += rpc_count_methods(r->tables[t]);
    r->routes = mem_array(each * r->server_count, sizeof *r->routes);
    r->tallies = mem_array(each, sizeof *r->tallies);
    r->tally_count = each;
    for (size_t i = 0; i < r->server_count; i++) {
        const struct role_server *e = &r->servers[i];

        for (size_t t = 0; t < TABLES; t++) {
            for (const struct call_method *m = r->tables[t]; m->path != NULL; m++)
                rpc_add_route(r, e, m, r->services[t]);
        }
        rpc_add_route(r, e, NULL, NULL);
    }
}

static void rpc_add_role_server(struct rpc *r, size_t listener, enum net_role role, grpc_server *server)
{
    const struct listener *l = &r->listeners[listener];
    struct role_server *e = &r->servers[r->server_count++];

    *e = (struct role_server){ .listener = listener, .role = role, .server = server };
    snprintf(e->peer, sizeof e->peer, "%s %s%s", net_role_name(role), l->where.is_tls ? "tls:" : "", l->address);
}

/* Over TLS, one server for each role up to the listener's: a certificate may give less than the address allows. */
static void rpc_create_servers(struct rpc *r, const struct rpc_options *options)
{
    grpc_resource_quota *quota = grpc_resource_quota_create("rpc");

    grpc_resource_quota_resize(quota, MEMORY_BYTES_MAX);
    for (size_t i = 0; i < r->listener_count; i++) {
        const struct net_address *where = &r->listeners[i].where;

        for (int role = where->is_tls ? NET_STRANGER : (int)where->role; role <= (int)where->role; role++)
            rpc_add_role_server(r, i, (enum net_role)role, rpc_create_server(r, options, where, quota));
    }
    grpc_resource_quota_unref(quota);
}

/* On the acceptor's thread, or the relay's: gives a connection to the core server of its listener and role. The role is
 * capped by the listener's: a certificate can lower it, never raise it. Takes the descriptor. */
static void rpc_add_channel(void *rpc, size_t listener, enum net_role role, int fd)
{
    struct rpc *r = rpc;
    const enum net_role most = r->listeners[listener].where.role;
    size_t i = 0;

    role = role < most ? role : most;
    while (r->servers[i].listener != listener || r->servers[i].role != role)
        i++;
    grpc_server_add_channel_from_fd(r->servers[i].server, fd, r->credentials);
}

static void rpc_on_accepted(void *rpc, size_t listener, int fd)
{
    struct rpc *r = rpc;
    const struct net_address *where = &r->listeners[listener].where;

    if (where->is_tls)
        relay_take(r->relay, listener, fd);
    else
        rpc_add_channel(r, listener, where->role, fd);
}

/* Lets a route wait for a call on each queue that may serve it. Unknown methods are refused on the first queue. */
static void rpc_arm_route(struct rpc *r, const struct route *route)
{
    if (route->method == NULL) {
        call_arm(route, r->queues[0]);
    } else if (route->method->on_own_queue) {
        call_arm(route, r->queues[r->queue_count]);
    } else {
        for (size_t i = 0; i < r->queue_count; i++)
            call_arm(route, r->queues[i]);
    }
}

static void rpc_start_serving(struct rpc *r, const struct rpc_options *options)
{
    const struct acceptor_options accept = {
        .reader_uid = options->reader_uid,
        .reader_gid = options->reader_gid,
        .connections_per_uid_max =
            options->connections_per_uid_max > 0 ? options->connections_per_uid_max : CONNECTIONS_PER_UID,
        .accepted = rpc_on_accepted,
        .ctx = r,
    };
    const struct relay_options relay = {
        .certificates = r->certificates,
        .handshake_ms = options->handshake_ms > 0 ? options->handshake_ms : HANDSHAKE_MS,
        .established = rpc_add_channel,
        .ctx = r,
    };
    char name[16];

    for (size_t i = 0; i < r->server_count; i++) {
        grpc_server_start(r->servers[i].server);
        census_add(&r->census, &r->census.servers, +1);
    }
    for (size_t i = 0; i < r->route_count; i++)
        rpc_arm_route(r, &r->routes[i]);
    for (size_t i = 0; i <= r->queue_count; i++) {
        snprintf(name, sizeof name, i < r->queue_count ? "rpc-%zu" : "rpc-health", i);
        cq_start(r->queues[i], name);
    }
    if (r->certificates != NULL)
        r->relay = relay_open(&relay);
    r->acceptor = acceptor_open(r->listeners, r->listener_count, &accept);
}

static void rpc_start_core(struct rpc *r, const struct rpc_options *options)
{
    const struct view descriptors = { (const char *)options->descriptors, options->descriptors_size };

    gpr_set_log_function(rpc_on_core_log);
    grpc_init();
    r->has_core = true;
    r->credentials = grpc_insecure_server_credentials_create();
    r->health = health_create();
    r->tables[TABLE_OURS] = options->methods;
    r->tables[TABLE_HEALTH] = health_methods;
    r->tables[TABLE_REFLECTION] = reflection_methods;
    r->reflection = reflection_create(descriptors, r->tables, TABLES);
    r->services[TABLE_OURS] = options->service;
    r->services[TABLE_HEALTH] = r->health;
    r->services[TABLE_REFLECTION] = r->reflection;
    rpc_create_queues(r, options->threads);
    r->connection_age_ms = options->connection_age_ms < AGE_MS_MAX ? options->connection_age_ms : AGE_MS_MAX;
    rpc_create_servers(r, options);
    rpc_create_routes(r);
    rpc_start_serving(r, options);
}

bool rpc_start(struct rpc **out, const struct rpc_options *options, struct error *err)
{
    struct rpc *r = mem_zero(sizeof *r);
    sigset_t all, before;

    census_init(&r->census);
    if (!rpc_open_certificates(r, options, err) || !rpc_open_listeners(r, options, err)) {
        rpc_destroy(r);
        return false;
    }
    /* Signals are for the main thread. New threads inherit the mask, the core's own threads as well. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rpc_start_core(r, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (size_t i = 0; i < r->listener_count; i++)
        log_info("listen", "role=%s tls=%s address=%s", net_role_name(r->listeners[i].where.role),
                 r->listeners[i].where.is_tls ? "true" : "false", r->listeners[i].address);
    *out = r;
    return true;
}

/* ---- while it runs ---- */

const char *rpc_address(const struct rpc *r, size_t index)
{
    return index < r->listener_count ? r->listeners[index].address : NULL;
}

bool rpc_reload_certificates(struct rpc *r, struct error *err)
{
    return r->certificates == NULL || certificates_reload(r->certificates, err);
}

int64_t rpc_certificate_expiry_unix_s(const struct rpc *r)
{
    return r->certificates == NULL ? 0 : certificates_expiry_unix_s(r->certificates);
}

void rpc_wake(struct rpc *r, unsigned topic)
{
    for (size_t i = 0; i < r->queue_count; i++)
        cq_wake(r->queues[i], topic);
}

void rpc_health_set(struct rpc *r, const char *service, enum rpc_health health)
{
    if (!health_set(r->health, service, health))
        log_warn("health", "text=the table of names is full, or the name is too long");
}

size_t rpc_counts(const struct rpc *r, struct rpc_method_counts *out, size_t room)
{
    for (size_t i = 0; i < r->tally_count && i < room; i++) {
        const struct call_method *method = r->routes[i].method; /* the routes of the first server come first */
        const struct tally *tally = &r->tallies[i];

        out[i].path = method != NULL ? method->path : NULL;
        out[i].kind = method != NULL ? method->kind : CALL_UNARY;
        out[i].started = atomic_load_explicit(&tally->started, memory_order_relaxed);
        for (int code = 0; code < RPC_CODES; code++)
            out[i].handled[code] = atomic_load_explicit(&tally->handled[code], memory_order_relaxed);
    }
    return r->tally_count;
}

/* ---- the shutdown ---- */

static void rpc_on_server_shut(struct op *op, bool ok)
{
    struct shutting *s = CONTAINER_OF(op, struct shutting, op);

    (void)ok;
    census_add(&s->rpc->census, &s->rpc->census.servers, -1);
}

static void rpc_on_drain(struct op *op, bool ok)
{
    (void)ok;
    calls_drain(CONTAINER_OF(op, struct draining, op)->q);
}

void rpc_set_readers(struct rpc *r, int64_t reader_uid, int64_t reader_gid)
{
    if (r->acceptor != NULL)
        acceptor_set_readers(r->acceptor, reader_uid, reader_gid);
}

void rpc_drain(struct rpc *r)
{
    /* 1: watchers of health see it before anything else ends. */
    health_drain(r->health);
    /* 2 */
    if (atomic_exchange(&r->census.is_draining, true))
        return;
    /* 3 */
    acceptor_close(r->acceptor);
    r->acceptor = NULL;
    if (r->relay != NULL)
        relay_drain(r->relay);
    /* 4 */
    for (size_t i = 0; i <= r->queue_count; i++) {
        r->draining[i].op.done = rpc_on_drain;
        ASSERT(cq_post(r->queues[i], &r->draining[i].op));
    }
}

static void rpc_shut_servers(struct rpc *r)
{
    for (size_t i = 0; i < r->server_count; i++) {
        r->shutting[i] = (struct shutting){ { rpc_on_server_shut }, r };
        op_leaves(&r->shutting[i].op);
        grpc_server_shutdown_and_notify(r->servers[i].server, r->queues[0]->raw, &r->shutting[i].op);
    }
}

void rpc_stop(struct rpc *r, int64_t grace_ms)
{
    if (r->is_stopped)
        return;
    r->is_stopped = true;
    rpc_drain(r);
    /* 5 */
    (void)census_wait(&r->census, &r->census.calls, grace_ms);
    /* 6 */
    rpc_shut_servers(r);
    /* 7: a connection that is cut before its client has read the last status would lose it. */
    (void)census_wait(&r->census, &r->census.servers, CLOSE_MS_MAX);
    /* 8 */
    for (size_t i = 0; i < r->server_count; i++)
        grpc_server_cancel_all_calls(r->servers[i].server);
    /* 9: a handler that does not return blocks its queue. Nothing could be freed then, so this is fatal. */
    ASSERT(census_wait(&r->census, &r->census.servers, GONE_MS_MAX));
    ASSERT(census_wait(&r->census, &r->census.structs, GONE_MS_MAX));
    relay_close(r->relay, RELAY_MS_MAX);
    r->relay = NULL;
}

void rpc_destroy(struct rpc *r)
{
    if (r == NULL)
        return;
    if (r->has_core)
        rpc_stop(r, 0);
    /* 10 */
    for (size_t i = 0; i < r->server_count; i++)
        grpc_server_destroy(r->servers[i].server);
    if (r->credentials != NULL)
        grpc_server_credentials_release(r->credentials);
    /* 11 */
    for (size_t i = 0; i <= r->queue_count && r->has_core; i++)
        cq_destroy(r->queues[i]);
    /* 12 */
    for (size_t i = 0; i < r->listener_count; i++) {
        listener_close(&r->listeners[i]);
        listener_remove(&r->listeners[i]);
    }
    free(r->routes);
    free(r->tallies);
    health_destroy(r->health);
    reflection_destroy(r->reflection);
    certificates_close(r->certificates);
    census_deinit(&r->census);
    /* The core stays initialised: grpc_shutdown may wait ten seconds for a polling thread that helped with a large
     * write. */
    free(r);
}
