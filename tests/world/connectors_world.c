#include "rows.h"

#include "world/connectors_world.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "connectors/configure/configure.h"
#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "connectors/delete.h"
#include "model/snapshot.h"
#include "registry/registry.h"
#include "store/journal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS     30000 /* for a fact that is to come true: generous, machines are busy */
#define SLICE_MS    20    /* between looks, when nothing tells */
#define NAMES_MAX   (CONNECTORS_MAX + 8)
#define ANSWERS_MAX 32

struct told {
    char name[REGISTRY_NAME_MAX + 1];
    char what;
};

struct world {
    char dir[256], path[512];
    struct orgs *orgs;
    struct registry *registry;
    struct connectors *connectors;
    struct clock clock;
    _Atomic int64_t skipped_ms;

    pthread_mutex_t lock; /* guards what follows: the set tells it on its own threads */
    pthread_cond_t moved;
    struct told told[NAMES_MAX];
    struct answer *answers[ANSWERS_MAX];
    size_t answer_count;
};

/* ---- what the set tells ---- */

static void changed(void *ctx, unsigned topic)
{
    struct world *w = ctx;

    ASSERT(topic < CONNECTORS_MAX);
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

static struct told *find_told(struct world *w, const char *name)
{
    for (size_t i = 0; i < NAMES_MAX; i++)
        if (w->told[i].name[0] == '\0' || strcmp(w->told[i].name, name) == 0)
            return &w->told[i];
    ASSERT(!"more names than a test has");
    return NULL;
}

static void health(void *ctx, const char *name, bool is_fresh, bool is_gone)
{
    struct world *w = ctx;
    struct told *t;

    pthread_mutex_lock(&w->lock);
    t = find_told(w, name);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->what = is_gone ? 'g' : is_fresh ? 'f' : 's';
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
}

char world_health(struct world *w, const char *name)
{
    char what;

    pthread_mutex_lock(&w->lock);
    what = find_told(w, name)->what;
    pthread_mutex_unlock(&w->lock);
    return what;
}

static struct okta_transport *make_transport(void *ctx)
{
    return orgs_transport(((struct world *)ctx)->orgs);
}

static int64_t mono_ms(void *self)
{
    struct world *w = self;

    return clock_mono_ms(&clock_system) + atomic_load(&w->skipped_ms);
}

static int64_t unix_ms(void *self)
{
    (void)self;
    return clock_unix_ms(&clock_system);
}

void world_skip_ms(struct world *w, int64_t ms)
{
    atomic_fetch_add(&w->skipped_ms, ms);
}

/* ---- life ---- */

void world_start(struct world *w)
{
    char data[300];
    struct error err;
    const struct registry_options registry = { .data_dir = data };
    struct connectors_options options = {
        .clock = &w->clock,
        .store_max_bytes = UINT64_C(64) << 20,
        .allow_loopback_http = true,
        .changed = changed,
        .health = health,
        .make_transport = make_transport,
        .ctx = w,
    };

    snprintf(data, sizeof data, "%s/data", w->dir);
    memset(w->told, 0, sizeof w->told);
    if (!registry_open(&w->registry, &registry, &err)) {
        fprintf(stderr, "%s\n", err.text);
        ASSERT(!"the registry opens");
    }
    options.registry = w->registry;
    ASSERT(connectors_create(&w->connectors, &options, &err));
}

void world_stop(struct world *w)
{
    connectors_stop(w->connectors);
    connectors_destroy(w->connectors);
    w->connectors = NULL;
    registry_close(w->registry);
    w->registry = NULL;
}

struct world *world_create(void)
{
    struct world *w = mem_zero(sizeof *w);
    const char *tmp = getenv("TEST_TMPDIR");

    snprintf(w->dir, sizeof w->dir, "%s/connectors.XXXXXX", tmp != NULL ? tmp : "/tmp");
    ASSERT(mkdtemp(w->dir) != NULL);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->moved, NULL);
    w->clock = (struct clock){ mono_ms, unix_ms, w };
    w->orgs = orgs_create();
    orgs_add(w->orgs, ACME_PORT, ACME_ID);
    orgs_add(w->orgs, BETA_PORT, BETA_ID);
    world_start(w);
    return w;
}

void world_destroy(struct world *w)
{
    char command[300];

    if (w->connectors != NULL)
        world_stop(w);
    orgs_destroy(w->orgs);
    for (size_t i = 0; i < w->answer_count; i++)
        free(w->answers[i]);
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    ASSERT(system(command) == 0);
    pthread_cond_destroy(&w->moved);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct connectors *world_connectors(struct world *w)
{
    return w->connectors;
}

struct orgs *world_orgs(struct world *w)
{
    return w->orgs;
}

struct registry *world_registry(struct world *w)
{
    return w->registry;
}

const char *world_dir(struct world *w)
{
    return w->dir;
}

/* ---- waiting ---- */

bool world_wait(struct world *w, bool (*check)(struct world *w, const void *ctx), const void *ctx)
{
    int64_t until = clock_mono_ms(&clock_system) + WAIT_MS;

    for (;;) {
        struct timespec slice;

        if (check(w, ctx))
            return true;
        if (clock_mono_ms(&clock_system) > until)
            return false;
        clock_gettime(CLOCK_REALTIME, &slice);
        slice.tv_nsec += SLICE_MS * 1000000;
        if (slice.tv_nsec >= 1000000000) {
            slice.tv_sec++;
            slice.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&w->lock);
        pthread_cond_timedwait(&w->moved, &w->lock, &slice);
        pthread_mutex_unlock(&w->lock);
    }
}

/* ---- Configure and Delete ---- */

struct configure_request request_of(const char *name, const char *org, const char *token)
{
    return (struct configure_request){
        .name = view_of(name),
        .org = view_of(org),
        .credential = view_of(token),
        .has_credential = token != NULL,
        .history_days = -1,
        .retention_days = -1,
    };
}

static void answered(struct answer *a, const struct error *err)
{
    pthread_mutex_lock(&a->world->lock);
    ASSERT(!a->is_there);
    a->ok = err == NULL;
    if (err != NULL)
        a->err = *err;
    a->is_there = true;
    pthread_cond_broadcast(&a->world->moved);
    pthread_mutex_unlock(&a->world->lock);
}

static void configured(void *ctx, const struct configure_result *result, const struct error *err)
{
    struct answer *a = ctx;

    a->configured = *result;
    answered(a, err);
}

static void deleted(void *ctx, const struct delete_result *result, const struct error *err)
{
    struct answer *a = ctx;

    a->deleted = *result;
    answered(a, err);
}

static bool is_cancelled(void *ctx)
{
    return atomic_load(&((struct answer *)ctx)->is_cancelled);
}

static void begin(struct world *w, struct answer *a)
{
    memset(a, 0, sizeof *a);
    a->world = w;
}

void world_configure_begin(struct world *w, struct answer *a, const struct configure_request *r)
{
    struct configure_request copy = *r;

    begin(w, a);
    copy.is_cancelled = is_cancelled;
    connectors_configure(w->connectors, &copy, configured, a);
}

void world_delete_begin(struct world *w, struct answer *a, const char *name, bool keep_data)
{
    begin(w, a);
    connectors_delete(w->connectors, view_of(name), keep_data, deleted, a);
}

static bool has_answer(struct world *w, const void *ctx)
{
    const struct answer *a = ctx;
    bool is_there;

    pthread_mutex_lock(&w->lock);
    is_there = a->is_there;
    pthread_mutex_unlock(&w->lock);
    return is_there;
}

void world_answered(struct answer *a)
{
    ASSERT(world_wait(a->world, has_answer, a));
}

static struct answer *new_answer(struct world *w)
{
    ASSERT(w->answer_count < ANSWERS_MAX);
    return w->answers[w->answer_count++] = mem_zero(sizeof(struct answer));
}

struct answer *world_configure(struct world *w, const struct configure_request *r)
{
    struct answer *a = new_answer(w);

    world_configure_begin(w, a, r);
    world_answered(a);
    return a;
}

struct answer *world_delete(struct world *w, const char *name, bool keep_data)
{
    struct answer *a = new_answer(w);

    world_delete_begin(w, a, name, keep_data);
    world_answered(a);
    return a;
}

/* ---- how things stand ---- */

void assert_taken(const struct answer *a)
{
    if (!a->ok)
        fail_msg("%s %s: %s", error_code_name(a->err.code), a->err.reason != NULL ? a->err.reason : "-", a->err.text);
}

void assert_refused(const struct answer *a, enum error_code code, const char *reason)
{
    assert_false(a->ok);
    if (a->err.code != code || a->err.reason == NULL || strcmp(a->err.reason, reason) != 0)
        fail_msg("want %s %s, got %s %s: %s", error_code_name(code), reason, error_code_name(a->err.code),
                 a->err.reason != NULL ? a->err.reason : "-", a->err.text);
}

struct registry_entry world_entry(struct world *w, const char *name)
{
    struct registry_entry entry;
    struct error err;

    if (!registry_get(w->registry, name, &entry, &err))
        fail_msg("%s", err.text);
    return entry;
}

bool world_is_stored(struct world *w, const char *name)
{
    struct registry_entry entry;

    return registry_get(w->registry, name, &entry, NULL);
}

bool world_exists(struct world *w, const char *name)
{
    struct connector *c = connectors_find(w->connectors, view_of(name), NULL);

    connector_release(c);
    return c != NULL;
}

enum connector_state world_state(struct world *w, const char *name)
{
    struct connector *c = connectors_find(w->connectors, view_of(name), NULL);
    struct poller_snapshot now = { .state = 0 };

    if (c != NULL)
        connector_snapshot(c, &now);
    connector_release(c);
    return now.state;
}

struct wanted {
    const char *name;
    enum connector_state state;
    uint64_t logins;
    char health;
};

static bool has_state(struct world *w, const void *ctx)
{
    const struct wanted *wanted = ctx;

    return world_state(w, wanted->name) == wanted->state;
}

static bool has_health(struct world *w, const void *ctx)
{
    const struct wanted *wanted = ctx;

    return world_health(w, wanted->name) == wanted->health;
}

bool world_wait_health(struct world *w, const char *name, char what)
{
    const struct wanted wanted = { .name = name, .health = what };

    return world_wait(w, has_health, &wanted);
}

bool world_wait_state(struct world *w, const char *name, enum connector_state state)
{
    const struct wanted wanted = { .name = name, .state = state };

    return world_wait(w, has_state, &wanted);
}

static bool has_logins(struct world *w, const void *ctx)
{
    const struct wanted *wanted = ctx;
    struct connector *c = connectors_find(w->connectors, view_of(wanted->name), NULL);
    struct journal_bounds bounds = { .count = 0 };
    bool ok = c != NULL && connector_store(c) != NULL && journal_bounds(connector_store(c), &bounds, NULL);

    connector_release(c);
    return ok && bounds.count >= wanted->logins;
}

bool world_wait_logins(struct world *w, const char *name, uint64_t at_least)
{
    const struct wanted wanted = { .name = name, .logins = at_least };

    return world_wait(w, has_logins, &wanted);
}

const char *world_write(struct world *w, const char *file, const char *content, int mode)
{
    FILE *f;

    snprintf(w->path, sizeof w->path, "%s/%s", w->dir, file);
    (void)unlink(w->path); /* a new inode, as tools that replace files make */
    f = fopen(w->path, "w");
    ASSERT(f != NULL);
    fputs(content, f);
    fclose(f);
    ASSERT(chmod(w->path, (mode_t)mode) == 0);
    return w->path;
}
