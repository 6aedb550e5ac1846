/* Health must be answered while everything else is stuck: a kubelet that gets no answer within its timeout restarts us,
 * and a restart does not cure a slow disk. Therefore its calls are on a queue of their own, whose thread touches
 * nothing but the table below. The lock is held for one look-up in at most HEALTH_NAMES_MAX names; other threads that
 * take it do no more than set a state.
 *
 * A watcher keeps the state that it sent last and compares when it is woken, so that wakes may coalesce and a change
 * back and forth may pass unseen. The protocol wants the current state, not the history. */
#include "rpc/health.h"

#include "base/mem.h"

#include "grpc/health/v1/health.pb-c.h"

#include <string.h>

#define HEALTH_TOPIC 0 /* the health queue has no other streams, so that any number does */

struct health_entry {
    char *name;
    enum rpc_health state;
};

struct health {
    struct cq *q; /* set before anything else */

    /* any thread, under lock: any thread sets a state, the health thread reads it */
    pthread_mutex_t lock;
    struct health_entry entries[HEALTH_NAMES_MAX];
    size_t count;
    bool is_draining;
};

struct health *health_create(void)
{
    struct health *h = mem_zero(sizeof *h);

    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void health_destroy(struct health *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->count; i++)
        free(h->entries[i].name);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void health_wakes(struct health *h, struct cq *q)
{
    h->q = q;
}

static struct health_entry *health_find(struct health *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (strcmp(h->entries[i].name, name) == 0)
            return &h->entries[i];
    }
    return NULL;
}

/* GONE removes the name; the last entry fills the gap, since the order does not matter. */
static bool health_set_locked(struct health *h, const char *name, enum rpc_health state)
{
    struct health_entry *e = health_find(h, name);

    if (state == RPC_HEALTH_GONE) {
        if (e == NULL)
            return true;
        free(e->name);
        *e = h->entries[--h->count];
        return true;
    }
    if (e == NULL) {
        if (h->count == HEALTH_NAMES_MAX || strlen(name) > HEALTH_NAME_BYTES_MAX)
            return false;
        e = &h->entries[h->count++];
        e->name = mem_strdup(name);
    }
    e->state = state;
    return true;
}

bool health_set(struct health *h, const char *service, enum rpc_health state)
{
    bool is_set;

    pthread_mutex_lock(&h->lock);
    is_set = h->is_draining || health_set_locked(h, service, state);
    pthread_mutex_unlock(&h->lock);
    if (h->q != NULL)
        cq_wake(h->q, HEALTH_TOPIC);
    return is_set;
}

void health_drain(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    h->is_draining = true;
    for (size_t i = 0; i < h->count; i++)
        h->entries[i].state = RPC_HEALTH_NOT_SERVING;
    pthread_mutex_unlock(&h->lock);
    if (h->q != NULL)
        cq_wake(h->q, HEALTH_TOPIC);
}

/* RPC_HEALTH_GONE for an unknown name. */
static enum rpc_health health_get(struct health *h, const char *name)
{
    enum rpc_health state;
    struct health_entry *e;

    pthread_mutex_lock(&h->lock);
    e = health_find(h, name);
    state = e != NULL ? e->state : RPC_HEALTH_GONE;
    pthread_mutex_unlock(&h->lock);
    return state;
}

/* ---- the methods ---- */

static Grpc__Health__V1__HealthCheckResponse health_response(enum rpc_health state)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    switch (state) {
    case RPC_HEALTH_UNKNOWN:
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__UNKNOWN;
        break;
    case RPC_HEALTH_SERVING:
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
        break;
    case RPC_HEALTH_NOT_SERVING:
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
        break;
    case RPC_HEALTH_GONE:
        response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
        break;
    }
    return response;
}

static void health_start_check(void *service, struct call *c, const ProtobufCMessage *request)
{
    const char *name = ((const Grpc__Health__V1__HealthCheckRequest *)request)->service;
    enum rpc_health state = health_get(service, name);
    Grpc__Health__V1__HealthCheckResponse response = health_response(state);
    struct error err;

    if (state == RPC_HEALTH_GONE) {
        error_reason(&err, ERROR_NOT_FOUND, "HEALTH_UNKNOWN", "there is no health status for \"%.*s\"",
                     HEALTH_NAME_BYTES_MAX, name);
        call_fail(c, &err);
        return;
    }
    call_reply(c, &response.base);
}

struct health_watcher {
    struct health *health;
    char *name;
    bool has_sent, is_ending;
    struct error why;
    enum rpc_health sent;
};

/* An unknown name is no error for Watch: the protocol sends SERVICE_UNKNOWN, and the state once there is one. */
static void health_watcher_ready(void *stream, struct call *c)
{
    struct health_watcher *w = stream;
    enum rpc_health state = health_get(w->health, w->name);

    if (!w->has_sent || state != w->sent) {
        Grpc__Health__V1__HealthCheckResponse response = health_response(state);

        call_write_message(c, &response.base);
        w->has_sent = true;
        w->sent = state;
    }
    if (w->is_ending)
        call_finish(c, &w->why);
}

static void health_watcher_drain(void *stream, struct call *c, const struct error *why)
{
    struct health_watcher *w = stream;

    (void)c;
    w->why = *why;
    w->is_ending = true; /* ready follows: it sends the last state first, then ends */
}

static void health_watcher_ended(void *stream)
{
    struct health_watcher *w = stream;

    free(w->name);
    free(w);
}

static void health_start_watch(void *service, struct call *c, const ProtobufCMessage *request)
{
    static const struct call_stream_ops ops = { .ready = health_watcher_ready,
                                                .drain = health_watcher_drain,
                                                .ended = health_watcher_ended };
    struct health_watcher *w;

    w = mem_zero(sizeof *w);
    w->health = service;
    w->name = mem_strdup(((const Grpc__Health__V1__HealthCheckRequest *)request)->service);
    call_topic(c, HEALTH_TOPIC);
    call_stream(c, &ops, w);
}

const struct call_method health_methods[] = {
    { "/grpc.health.v1.Health/Check", CALL_UNARY, NET_READER, true, &grpc__health__v1__health_check_request__descriptor,
      health_start_check },
    { "/grpc.health.v1.Health/Watch", CALL_SERVER_STREAM, NET_READER, true,
      &grpc__health__v1__health_check_request__descriptor, health_start_watch },
    { 0 },
};
