/* Sync: polls now, and reports until everything chosen is there.
 *
 * The poller does the work; a call only watches it. Calls that watch at the same time belong to one run: the first call
 * names the run, and later ones join it until it is done. A run does not end when its callers leave.
 *
 * Done means: a tail poll that began after this call has reached the head, every chosen collection is complete, and,
 * with `history`, the history has ended (limited by size is an end too; the state says so). */
#include "base/mem.h"
#include "service/convert.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define SYNC_ID_SIZE 33   /* 32 hexadecimal digits and a NUL */
#define PACE_MS      100  /* at most 10 messages a second */
#define LOOK_MS      1000 /* how often to look without a wake-up, for changes that time alone brings */

struct run {
    const struct connector *of; /* compared only, never dereferenced: a topic may serve several connectors in turn */
    char id[SYNC_ID_SIZE];
    uint64_t tail_rounds; /* to be exceeded */
    bool with_history;
};

struct sync_runs {
    pthread_mutex_t lock;            /* protects the runs: calls begin on every queue thread */
    struct run runs[CONNECTORS_MAX]; /* by topic */
};

struct sync {
    /* set at the start, then read-only */
    struct service *service;
    struct connector *connector;
    char id[SYNC_ID_SIZE];
    bool joined, with_history;
    uint64_t tail_rounds;

    /* what was said */
    bool has_said_any, has_said_done;
    uint64_t version;
    int64_t said_mono_ms;
};

struct sync_runs *sync_runs_create(void)
{
    struct sync_runs *r = mem_zero(sizeof *r);

    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void sync_runs_destroy(struct sync_runs *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- when it is done ---- */

static bool history_has_ended(const struct poller_snapshot *p)
{
    return p->history == HISTORY_OFF || p->history == HISTORY_COMPLETE || p->history == HISTORY_LIMITED_BY_SIZE;
}

static bool is_done(const struct poller_snapshot *p, uint64_t tail_rounds, bool with_history)
{
    for (size_t i = 0; i < COLLECTION_IDS_MAX; i++)
        if (p->collections[i].is_chosen && !p->collections[i].is_complete)
            return false;
    if (p->collections[collection_log()->id].is_chosen && p->tail_rounds <= tail_rounds)
        return false;
    return !with_history || history_has_ended(p);
}

/* ---- runs ---- */

static void new_id(char id[SYNC_ID_SIZE])
{
    unsigned char random[(SYNC_ID_SIZE - 1) / 2] = { 0 };

    /* Never fails for 16 bytes once the kernel has entropy. After a failure ids would be zeros: less distinct, and
     * still valid. */
    if (getrandom(random, sizeof random, 0) < 0)
        memset(random, 0, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
}

/* Joins the run under way, or begins one. */
static void join_run(struct sync_runs *runs, struct sync *s, const struct poller_snapshot *now)
{
    struct run *run = &runs->runs[connector_topic(s->connector)];

    pthread_mutex_lock(&runs->lock);
    s->joined = run->of == s->connector && !is_done(now, run->tail_rounds, run->with_history);
    if (!s->joined) {
        run->of = s->connector;
        run->with_history = false;
        new_id(run->id);
    }
    run->with_history |= s->with_history;
    run->tail_rounds = s->tail_rounds;
    memcpy(s->id, run->id, sizeof s->id);
    pthread_mutex_unlock(&runs->lock);
}

/* ---- the stream ---- */

static bool sync_may_go_on(const struct sync *s, const struct poller_snapshot *now, struct error *err)
{
    const char *name = connector_name(s->connector);

    if (connector_is_deleted(s->connector)) {
        error_reason(err, ERROR_UNAVAILABLE, "CONNECTOR_DELETED", "\"%s\" was deleted or replaced meanwhile", name);
        return error_fact(err, "connector", name);
    }
    return connector_collects(s->connector, now, err);
}

static void sync_say(struct sync *s, struct call *c, const struct poller_snapshot *now, bool done)
{
    Okta__Connector__V1__SyncResponse response = OKTA__CONNECTOR__V1__SYNC_RESPONSE__INIT;
    AUTO_SCRATCH struct scratch scratch = { NULL };

    response.sync_id = s->id;
    response.joined = s->joined;
    response.collections = convert_collections(&scratch, now, &response.n_collections);
    response.tail_at_head = now->tail_rounds > s->tail_rounds;
    response.history = convert_history(&scratch, now);
    response.waits = convert_waits(&scratch, now, &response.n_waits);
    response.plan = done ? NULL : convert_plan(&scratch, now);
    response.done = done;
    s->has_said_any = true;
    s->has_said_done = done;
    s->version = now->version;
    s->said_mono_ms = clock_mono_ms(s->service->clock);
    call_write_message(c, &response.base);
}

static void sync_ready(void *at, struct call *c)
{
    struct sync *s = at;
    struct poller_snapshot now;
    struct error err;
    int64_t mono_ms = clock_mono_ms(s->service->clock);
    bool done;

    if (s->has_said_done) {
        call_finish(c, NULL);
        return;
    }
    connector_snapshot(s->connector, &now);
    if (!sync_may_go_on(s, &now, &err)) {
        call_finish(c, &err);
        return;
    }
    done = is_done(&now, s->tail_rounds, s->with_history);
    if (done || !s->has_said_any || (now.version != s->version && mono_ms - s->said_mono_ms >= PACE_MS))
        sync_say(s, c, &now, done);
    else if (now.version != s->version)
        call_timer(c, s->said_mono_ms + PACE_MS);
    else
        call_timer(c, mono_ms + LOOK_MS);
}

static void sync_drain(void *at, struct call *c, const struct error *why)
{
    struct error err = *why;

    (void)at;
    if (why->code == ERROR_UNAVAILABLE && strcmp(why->reason, "SHUTTING_DOWN") == 0)
        error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN",
                     "the server is shutting down; the sync goes on when it is back");
    call_finish(c, &err);
}

static void sync_ended(void *at)
{
    struct sync *s = at;

    connector_release(s->connector);
    free(s);
}

static const struct call_stream_ops sync_ops = { .ready = sync_ready, .drain = sync_drain, .ended = sync_ended };

void service_sync(void *at, struct call *c, const ProtobufCMessage *message)
{
    const Okta__Connector__V1__SyncRequest *request = (const Okta__Connector__V1__SyncRequest *)message;
    struct service *service = at;
    struct sync *s = mem_zero(sizeof *s);
    struct poller_snapshot now;
    struct error err;

    s->service = service;
    s->with_history = request->history;
    s->connector = connectors_find(service->connectors, view_of(request->name), &err);
    if (s->connector == NULL || !connector_poll_now(s->connector, &s->tail_rounds, &err)) {
        sync_ended(s);
        call_fail(c, &err);
        return;
    }
    connector_snapshot(s->connector, &now);
    join_run(service->sync_runs, s, &now);
    /* Subscribe before the first look, so that no change in between is missed. */
    call_topic(c, connector_topic(s->connector));
    call_stream(c, &sync_ops, s);
}
