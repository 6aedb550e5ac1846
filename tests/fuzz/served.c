#include "tests/fuzz/served.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "connectors/configure/configure.h"
#include "connectors/connectors.h"
#include "connectors/delete.h"
#include "descriptors.h"
#include "rpc/server.h"
#include "service/service.h"
#include "store/journal.h"
#include "tests/fuzz/readers.h"
#include "tests/rpc/client.h"
#include "tests/world/orgs.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME        "acme"
#define PORT        21001
#define LOGINS      30
#define WAIT_MS     20000 /* for what comes soon; a machine may be busy */
#define METHODS_MAX 64

static struct {
    char folder[64], socket[96], address[112];
    struct orgs *orgs;
    struct registry *registry;
    struct connectors *connectors;
    struct service service;
    struct rpc *rpc;
    struct client client;
} served;

/* ---- waiting ---- */

static bool wait_for(bool (*is_so)(void))
{
    const struct timespec slice = { .tv_nsec = 200000 };

    for (int64_t until = clock_mono_ms(&clock_system) + WAIT_MS; clock_mono_ms(&clock_system) < until;) {
        if (is_so())
            return true;
        nanosleep(&slice, NULL);
    }
    return is_so();
}

static atomic_bool is_done;

static bool has_been_done(void)
{
    return atomic_load(&is_done);
}

static void configured(void *ctx, const struct configure_result *result, const struct error *err)
{
    (void)ctx;
    (void)result;
    (void)err; /* a Delete whose caller has left may still be under way */
    atomic_store(&is_done, true);
}

static void deleted(void *ctx, const struct delete_result *result, const struct error *err)
{
    (void)ctx;
    (void)result;
    (void)err; /* somebody else may have been quicker */
    atomic_store(&is_done, true);
}

/* ---- the connector ---- */

static struct connector *find(void)
{
    return connectors_find(served.connectors, VIEW(NAME), NULL);
}

static bool is_synced(void)
{
    struct connector *c = find();
    struct poller_snapshot now = { .state = 0 };
    struct journal_bounds bounds = { .count = 0 };

    if (c != NULL)
        connector_snapshot(c, &now);
    if (now.state == CONNECTOR_LIVE && connector_store(c) != NULL)
        ASSERT(journal_bounds(connector_store(c), &bounds, NULL));
    connector_release(c);
    return bounds.count >= LOGINS;
}

static void configure(void)
{
    const struct configure_request request = {
        .name = VIEW(NAME),
        .org = VIEW("http://127.0.0.1:21001"),
        .credential = VIEW(ORG_TOKEN),
        .has_credential = true,
        .history_days = -1,
        .retention_days = -1,
    };

    atomic_store(&is_done, false);
    connectors_configure(served.connectors, &request, configured, NULL);
    ASSERT(wait_for(has_been_done));
}

/* There, and not what a Delete has left of it. */
static bool is_active(void)
{
    struct connector *c = find();
    struct poller_snapshot now = { .state = CONNECTOR_RETIRED };

    if (c != NULL)
        connector_snapshot(c, &now);
    connector_release(c);
    return now.state != CONNECTOR_RETIRED;
}

static bool is_synced_at_last(void)
{
    if (is_synced())
        return true;
    if (!is_active())
        configure();
    return false;
}

static void delete (const char *name)
{
    atomic_store(&is_done, false);
    connectors_delete(served.connectors, view_of(name), false, deleted, NULL);
    ASSERT(wait_for(has_been_done));
}

/* What an input has configured goes; what it has deleted comes again. */
static void restore(void)
{
    struct connector *all[CONNECTORS_MAX];
    char others[CONNECTORS_MAX][REGISTRY_NAME_MAX + 1];
    size_t count = connectors_all(served.connectors, all), n = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(connector_name(all[i]), NAME) != 0)
            snprintf(others[n++], sizeof others[0], "%s", connector_name(all[i]));
        connector_release(all[i]);
    }
    for (size_t i = 0; i < n; i++)
        delete (others[i]);
    ASSERT(wait_for(is_synced_at_last));
}

/* ---- the start ---- */

static void changed(void *ctx, unsigned topic)
{
    (void)ctx;
    if (served.rpc != NULL)
        rpc_wake(served.rpc, topic);
}

static void health(void *ctx, const char *name, bool is_fresh, bool is_gone)
{
    (void)ctx, (void)name, (void)is_fresh, (void)is_gone;
}

static struct okta_transport *make_transport(void *ctx)
{
    (void)ctx;
    return orgs_transport(served.orgs);
}

static void start_connectors(void)
{
    char data[96];
    const struct registry_options registry = { .data_dir = data };
    struct connectors_options options = {
        .clock = &clock_system,
        .store_max_bytes = STORE_BYTES_MIN,
        .allow_loopback_http = true,
        .allow_private_org = true,
        .changed = changed,
        .health = health,
        .make_transport = make_transport,
    };

    served.orgs = orgs_create();
    orgs_add(served.orgs, PORT, "00oacme");
    for (int i = 0; i < LOGINS; i++)
        orgs_add_login(served.orgs, PORT);
    snprintf(data, sizeof data, "%s/data", served.folder);
    ASSERT(registry_open(&served.registry, &registry, NULL));
    options.registry = served.registry;
    ASSERT(connectors_create(&served.connectors, &options, NULL));
}

static void start_rpc(void)
{
    struct net_address listen;
    struct rpc_options options = {
        .listen = &listen,
        .listen_count = 1,
        .threads = 2,
        .reader_uid = -1,
        .reader_gid = -1,
        .methods = service_methods,
        .service = &served.service,
        .descriptors = descriptors,
        .descriptors_size = descriptors_size,
    };

    served.service = (struct service){ .connectors = served.connectors,
                                       .clock = &clock_system,
                                       .version = "test",
                                       .started_unix_ms = 5000,
                                       .subscribers = subscribers_create(),
                                       .sync_runs = sync_runs_create() };
    snprintf(served.socket, sizeof served.socket, "%s/admin.sock", served.folder);
    snprintf(served.address, sizeof served.address, "unix:%s", served.socket);
    ASSERT(net_address_parse(view_of(served.address), &listen, NULL));
    ASSERT(rpc_start(&served.rpc, &options, NULL));
    rpc_health_set(served.rpc, "", RPC_HEALTH_SERVING);
}

/* At the end of the process, in the order of the server's own: it must come to an end after all that, too. */
static void stop(void)
{
    char command[96];

    client_close(&served.client);
    rpc_drain(served.rpc);
    connectors_stop(served.connectors);
    rpc_stop(served.rpc, 0);
    connectors_destroy(served.connectors);
    rpc_destroy(served.rpc);
    sync_runs_destroy(served.service.sync_runs);
    subscribers_destroy(served.service.subscribers);
    registry_close(served.registry);
    orgs_destroy(served.orgs);
    snprintf(command, sizeof command, "rm -rf '%s'", served.folder);
    (void)!system(command);
}

static void start(void)
{
    if (served.rpc != NULL)
        return;
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    snprintf(served.folder, sizeof served.folder, "/tmp/served-XXXXXX"); /* a socket's path is short */
    ASSERT(mkdtemp(served.folder) != NULL);
    start_connectors();
    start_rpc();
    restore();
    client_open(&served.client, served.address);
    atexit(stop);
}

const char *served_socket(void)
{
    start();
    return served.socket;
}

void served_login(void)
{
    struct connector *c;
    uint64_t rounds;

    start();
    c = find();
    orgs_add_login(served.orgs, PORT);
    if (c != NULL)
        (void)!connector_poll_now(c, &rounds, NULL);
    connector_release(c);
}

/* ---- the end of an input ---- */

/* Every call that came has gone. */
static bool has_no_call(void)
{
    struct rpc_method_counts counts[METHODS_MAX];
    size_t n = rpc_counts(served.rpc, counts, METHODS_MAX);
    uint64_t started = 0, handled = 0;

    ASSERT(n <= METHODS_MAX);
    for (size_t i = 0; i < n; i++) {
        for (size_t code = 0; code < RPC_CODES; code++)
            handled += counts[i].handled[code];
        started += counts[i].started;
    }
    return started == handled;
}

static bool has_no_stream(void)
{
    for (unsigned topic = 0; topic < CONNECTORS_MAX; topic++)
        if (subscribers_list(served.service.subscribers, topic, NULL, 0) > 0)
            return false;
    return true;
}

static bool has_no_reader(void)
{
    char folder[160];

    snprintf(folder, sizeof folder, "%s/data/orgs/00oacme", served.folder);
    return access(folder, F_OK) != 0 || readers_open(folder) == 0;
}

static void check_health(void)
{
    struct client_call call;
    AUTO_BUF struct buf message = BUF(64);

    client_begin(&served.client, &call, "/grpc.health.v1.Health/Check", VIEW_NONE, WAIT_MS);
    ASSERT(client_read(&call, &message));
    ASSERT(client_status(&call) == ERROR_OK && view_eq(buf_view(&message), VIEW("\x08\x01"))); /* SERVING */
    client_end(&call);
}

void served_settle(void)
{
    start();
    check_health();
    ASSERT(wait_for(has_no_call) && wait_for(has_no_stream) && wait_for(has_no_reader));
    restore();
}
