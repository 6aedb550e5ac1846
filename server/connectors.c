/* server/connectors.c: the set of connectors: who is listed, who holds a reference, who may change what.
 *
 *   create   every entry of the registry becomes a listed connector; those that can run get a poller
 *   find     gives a reference; release gives it back; the last one frees
 *   change   a job (configure.c, declare.c, delete.c) claims a name and an org, and lists what it made
 *   stop     jobs see is_stopping and give up; pollers are told
 *   destroy  jobs, declarations and pollers are joined; then nobody holds a reference any more
 *
 * An entry that cannot run is listed all the same, and shows why. */
#include "connectors_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "version.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

_Static_assert(CONNECTORS_MAX <= 64, "topics are bits of a uint64_t");

/* ---- waiting and jobs ---- */

int64_t connectors_mono_ms(struct connectors *cs)
{
    return clock_mono_ms(cs->options.clock);
}

void connectors_wait(struct connectors *cs, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&cs->moved, &cs->lock, &until);
}

static void *job_thread(void *arg)
{
    struct job *job = arg;
    struct connectors *cs = job->set;

    job->run(cs, job->arg);
    pthread_mutex_lock(&cs->lock);
    job->state = JOB_ENDED;
    pthread_mutex_unlock(&cs->lock);
    return NULL;
}

bool job_start(struct connectors *cs, size_t first, size_t count, void (*run)(struct connectors *, void *), void *arg)
{
    struct job *job = NULL;

    pthread_mutex_lock(&cs->lock);
    for (size_t i = first; i < first + count && job == NULL; i++)
        if (cs->jobs[i].state != JOB_RUNNING)
            job = &cs->jobs[i];
    if (job != NULL) {
        /* An ended thread only has to return: this join does not wait for anything that takes time. */
        if (job->state == JOB_ENDED)
            pthread_join(job->thread, NULL);
        *job = (struct job){ .state = JOB_RUNNING, .set = cs, .run = run, .arg = arg };
        if (pthread_create(&job->thread, &cs->thread_attr, job_thread, job) != 0) {
            job->state = JOB_FREE;
            job = NULL;
        }
    }
    pthread_mutex_unlock(&cs->lock);
    return job != NULL;
}

bool wish_lives(struct connectors *cs, const struct wish *wish, struct error *err)
{
    if (atomic_load(&cs->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (wish->is_cancelled != NULL && wish->is_cancelled(wish->ctx))
        return error_set(err, ERROR_CANCELLED, "nobody waits for it any more");
    if (connectors_mono_ms(cs) >= wish->deadline_mono_ms)
        return error_set(err, ERROR_DEADLINE_EXCEEDED, "it took longer than %d s", CONFIGURE_DEADLINE_MS / 1000);
    return true;
}

/* ---- claims ---- */

static bool is_claimed(struct connectors *cs, const struct claim *by, const char *name, const char *org_id)
{
    for (const struct claim *c = cs->claims; c != NULL; c = c->next)
        if (c != by &&
            ((name != NULL && strcmp(c->name, name) == 0) || (org_id != NULL && strcmp(c->org_id, org_id) == 0)))
            return true;
    return false;
}

static bool claim_wait(struct connectors *cs, struct claim *claim, const char *name, const char *org_id,
                       const struct wish *wish, struct error *err)
{
    bool lives;

    /* wish_lives may call out, and is never called under the lock. */
    while ((lives = wish_lives(cs, wish, err))) {
        pthread_mutex_lock(&cs->lock);
        if (!is_claimed(cs, claim, name, org_id))
            return true; /* locked */
        connectors_wait(cs, WAIT_SLICE_MS);
        pthread_mutex_unlock(&cs->lock);
    }
    return false;
}

bool claim_name(struct connectors *cs, struct claim *claim, const char *name, const struct wish *wish,
                struct error *err)
{
    memset(claim, 0, sizeof *claim);
    if (!claim_wait(cs, claim, name, NULL, wish, err))
        return error_wrap(err, "waiting for another change of \"%s\"", name);
    snprintf(claim->name, sizeof claim->name, "%s", name);
    claim->next = cs->claims;
    cs->claims = claim;
    pthread_mutex_unlock(&cs->lock);
    return true;
}

bool claim_org(struct connectors *cs, struct claim *claim, const char *org_id, const struct wish *wish,
               struct error *err)
{
    if (!claim_wait(cs, claim, NULL, org_id, wish, err))
        return error_wrap(err, "waiting for another change of the org %s", org_id);
    snprintf(claim->org_id, sizeof claim->org_id, "%s", org_id);
    pthread_mutex_unlock(&cs->lock);
    return true;
}

void claim_drop(struct connectors *cs, struct claim *claim)
{
    pthread_mutex_lock(&cs->lock);
    for (struct claim **at = &cs->claims; *at != NULL; at = &(*at)->next)
        if (*at == claim) {
            *at = claim->next;
            break;
        }
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
}

/* ---- holdings ---- */

static struct holding *holding_create(struct connectors *cs)
{
    struct holding *h = NULL;

    pthread_mutex_lock(&cs->lock);
    for (unsigned topic = 0; topic < CONNECTORS_MAX && h == NULL; topic++)
        if ((cs->topics >> topic & 1) == 0) {
            cs->topics |= UINT64_C(1) << topic;
            h = mem_zero(sizeof *h);
            h->refs = 1;
            h->topic = topic;
        }
    pthread_mutex_unlock(&cs->lock);
    return h;
}

static void holding_release(struct connectors *cs, struct holding *h)
{
    bool was_last;

    pthread_mutex_lock(&cs->lock);
    was_last = --h->refs == 0;
    if (was_last)
        cs->topics &= ~(UINT64_C(1) << h->topic);
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
    if (was_last) {
        store_close(h->store);
        free(h);
    }
}

static bool open_store(struct connectors *cs, const struct registry_entry *entry, struct store **out, struct error *err)
{
    AUTO_BUF struct buf dir = BUF(1u << 14);
    struct store_options options = { .max_bytes = cs->options.store_max_bytes, .must_exist = entry->is_retired };

    if (!registry_store_dir(cs->options.registry, entry->org_id, &dir, err))
        return false;
    if (options.max_bytes == 0)
        options.max_bytes = STORE_BYTES_DEFAULT;
    options.dir = buf_cstr(&dir);
    return store_open(out, &options, err);
}

static struct holding *holding_share(struct connectors *cs, struct connector *of)
{
    pthread_mutex_lock(&cs->lock);
    of->holding->refs++;
    pthread_mutex_unlock(&cs->lock);
    return of->holding;
}

/* ---- one connector ---- */

static void connector_free(struct connector *c)
{
    ASSERT(c->poller == NULL);
    holding_release(c->set, c->holding);
    free(c);
}

bool connector_create(struct connectors *cs, const struct registry_entry *entry, struct connector *share,
                      struct connector **out, struct error *err)
{
    struct holding *h = share != NULL ? holding_share(cs, share) : holding_create(cs);
    struct connector *c;

    if (h == NULL)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "there are %d connectors already; delete one first", CONNECTORS_MAX);
    /* Nobody else uses a holding without store but whoever claimed its name: us. */
    if (h->store == NULL && entry->org_id[0] != '\0' && !open_store(cs, entry, &h->store, err)) {
        holding_release(cs, h);
        return error_wrap(err, "connector %s", entry->name);
    }
    c = mem_zero(sizeof *c);
    c->set = cs;
    c->refs = 1;
    c->holding = h;
    c->store = h->store;
    snprintf(c->name, sizeof c->name, "%s", entry->name);
    snprintf(c->org_id, sizeof c->org_id, "%s", entry->org_id);
    snprintf(c->org_url, sizeof c->org_url, "%s", entry->org_url);
    connector_show(c, CONNECTOR_STARTING, "not started yet");
    *out = c;
    return true;
}

void connector_show(struct connector *c, enum connector_state state, const char *reason)
{
    int64_t now = clock_unix_ms(c->set->options.clock);

    pthread_mutex_lock(&c->set->lock);
    if (c->still.state != state)
        c->still.state_since_unix_ms = now;
    c->still.state = state;
    snprintf(c->still.state_reason, sizeof c->still.state_reason, "%s", reason);
    c->still.version++;
    pthread_mutex_unlock(&c->set->lock);
}

void connector_tell_health(struct connector *c)
{
    struct poller_snapshot now;
    bool is_fresh;

    if (c->set->options.health == NULL || connector_is_deleted(c))
        return;
    connector_snapshot(c, &now);
    /* SYNCING: Okta has answered, and is being read. Kept data has nobody to be fresh. */
    is_fresh = now.state == CONNECTOR_LIVE || now.state == CONNECTOR_SYNCING;
    if (now.state == CONNECTOR_RETIRED)
        c->set->options.health(c->set->options.ctx, c->name, false, true);
    else if (atomic_exchange(&c->told_health, is_fresh ? TOLD_FRESH : TOLD_STALE) !=
             (is_fresh ? TOLD_FRESH : TOLD_STALE))
        c->set->options.health(c->set->options.ctx, c->name, is_fresh, false);
}

static void drop_transport(struct connector *c)
{
    if (c->transport != NULL)
        c->transport->destroy(c->transport);
    c->transport = NULL;
}

/* On the poller's thread. */
static void poller_changed(void *ctx)
{
    struct connector *c = ctx;

    c->set->options.changed(c->set->options.ctx, c->holding->topic);
    connector_tell_health(c);
}

static bool make_poller(struct connector *c, const struct registry_entry *entry, struct view token,
                        void (*tell_changed)(void *ctx), struct poller **out, struct error *err)
{
    struct connectors *cs = c->set;
    struct poller_options options = {
        .store = c->store,
        .clock = cs->options.clock,
        .collections = entry->collections,
        .history_days = (int)entry->history_days,
        .retention_days = (int)entry->retention_days,
        .share_percent = cs->options.share_percent,
        .user_agent = VERSION_USER_AGENT,
        .changed = tell_changed,
        .fresh_token = c->declared != NULL ? declared_fresh_token : NULL,
        .ctx = c,
    };

    if (!okta_url_parse(view_of(entry->org_url), cs->options.allow_loopback_http, &options.url, err))
        return false;
    if (cs->options.make_transport != NULL)
        c->transport = cs->options.make_transport(cs->options.ctx);
    options.transport = c->transport;
    if (poller_create(out, &options, token, err))
        return true;
    drop_transport(c);
    return error_wrap(err, "connector %s", entry->name);
}

bool connector_run(struct connector *c, const struct registry_entry *entry, struct view token, struct error *err)
{
    struct poller *p = NULL;

    if (!make_poller(c, entry, token, poller_changed, &p, err))
        return false;
    pthread_mutex_lock(&c->set->lock);
    c->poller = p;
    pthread_mutex_unlock(&c->set->lock);
    poller_start(p);
    return true;
}

void connector_recall(struct connector *c, const struct registry_entry *entry)
{
    struct poller *p = NULL;
    struct error err;

    if (c->store == NULL)
        return;
    if (!make_poller(c, entry, VIEW_NONE, NULL, &p, &err)) {
        log_warn("connector.recall_failed", "name=%s error=%s", c->name, err.text);
        return;
    }
    poller_snapshot(p, &c->still);
    poller_destroy(p);
    drop_transport(c);
}

void connector_halt(struct connector *c)
{
    struct poller *p;

    /* Only the job that claimed the name, or the end of the set, comes here: p stays ours. */
    pthread_mutex_lock(&c->set->lock);
    p = c->poller;
    pthread_mutex_unlock(&c->set->lock);
    if (p == NULL)
        return;
    poller_stop(p);
    poller_join(p);
    pthread_mutex_lock(&c->set->lock);
    poller_snapshot(p, &c->still);
    c->poller = NULL;
    pthread_mutex_unlock(&c->set->lock);
    poller_destroy(p);
    drop_transport(c);
}

const char *connector_name(const struct connector *c)
{
    return c->name;
}

const char *connector_org_id(const struct connector *c)
{
    return c->org_id;
}

void connector_org_url(struct connector *c, char out[REGISTRY_URL_MAX + 1])
{
    pthread_mutex_lock(&c->set->lock);
    memcpy(out, c->org_url, sizeof c->org_url);
    pthread_mutex_unlock(&c->set->lock);
}

struct store *connector_store(const struct connector *c)
{
    return c->store;
}

unsigned connector_topic(const struct connector *c)
{
    return c->holding->topic;
}

bool connector_is_deleted(const struct connector *c)
{
    return atomic_load(&c->is_deleted);
}

void connector_snapshot(struct connector *c, struct poller_snapshot *out)
{
    pthread_mutex_lock(&c->set->lock);
    if (c->poller != NULL)
        poller_snapshot(c->poller, out);
    else
        *out = c->still;
    pthread_mutex_unlock(&c->set->lock);
}

/* Why a connector cannot poll; true when it can. */
static bool may_poll(const struct connector *c, const struct poller_snapshot *now, struct error *err)
{
    if (now->state == CONNECTOR_RETIRED)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "RETIRED",
                            "\"%s\" was deleted with its data kept: configure it again to collect", c->name);
    if (now->state == CONNECTOR_RECONNECT_REQUIRED)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED", "%s", now->state_reason);
    return true;
}

bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err)
{
    struct poller_snapshot now;
    bool ok;

    connector_snapshot(c, &now);
    if (atomic_load(&c->set->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (!may_poll(c, &now, err))
        return false;
    pthread_mutex_lock(&c->set->lock);
    if (c->poller != NULL)
        ok = poller_poll_now(c->poller, tail_rounds, err);
    else
        ok = error_reason(err, ERROR_UNAVAILABLE, "NOT_READY", "\"%s\" does not run yet: %s", c->name,
                          c->still.state_reason);
    pthread_mutex_unlock(&c->set->lock);
    return ok;
}

void connector_release(struct connector *c)
{
    struct connectors *cs;
    bool was_last;

    if (c == NULL)
        return;
    cs = c->set;
    pthread_mutex_lock(&cs->lock);
    was_last = --c->refs == 0;
    pthread_mutex_unlock(&cs->lock);
    if (was_last)
        connector_free(c);
}

/* ---- the list ---- */

/* Where the name stands or would stand. The lock is held. */
static size_t place_of(const struct connectors *cs, const char *name)
{
    size_t at = 0;

    while (at < cs->listed_count && strcmp(cs->listed[at]->name, name) < 0)
        at++;
    return at;
}

static struct connector *listed_ref(struct connectors *cs, const char *name)
{
    size_t at = place_of(cs, name);

    if (at == cs->listed_count || strcmp(cs->listed[at]->name, name) != 0)
        return NULL;
    cs->listed[at]->refs++;
    return cs->listed[at];
}

struct connector *connectors_get(struct connectors *cs, const char *name)
{
    struct connector *c;

    pthread_mutex_lock(&cs->lock);
    c = listed_ref(cs, name);
    pthread_mutex_unlock(&cs->lock);
    return c;
}

struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err)
{
    char text[REGISTRY_NAME_MAX + 1];
    struct connector *c = NULL;
    size_t count;

    snprintf(text, sizeof text, VIEW_FMT, VIEW_ARG(name));
    pthread_mutex_lock(&cs->lock);
    count = cs->listed_count;
    if (name.len == 0 && count == 1) {
        c = cs->listed[0];
        c->refs++;
    } else if (name.len > 0 && view_is(name, text)) {
        c = listed_ref(cs, text);
    }
    pthread_mutex_unlock(&cs->lock);
    if (c != NULL)
        return c;
    if (name.len == 0 && count > 1)
        error_reason(err, ERROR_INVALID_ARGUMENT, "NAME_REQUIRED", "there are %zu connectors: name the one you mean",
                     count);
    else if (name.len == 0)
        error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "there is no connector yet: configure one first");
    else
        error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "there is no connector of that name");
    return NULL;
}

size_t connectors_all(struct connectors *cs, struct connector *out[CONNECTORS_MAX])
{
    size_t count;

    pthread_mutex_lock(&cs->lock);
    count = cs->listed_count;
    for (size_t i = 0; i < count; i++) {
        out[i] = cs->listed[i];
        out[i]->refs++;
    }
    pthread_mutex_unlock(&cs->lock);
    return count;
}

static void unlist(struct connectors *cs, struct connector *c)
{
    size_t at = place_of(cs, c->name);

    ASSERT(at < cs->listed_count && cs->listed[at] == c);
    cs->listed_count--;
    memmove(&cs->listed[at], &cs->listed[at + 1], (cs->listed_count - at) * sizeof(struct connector *));
    atomic_store(&c->is_deleted, true);
}

static void list(struct connectors *cs, struct connector *c)
{
    size_t at = place_of(cs, c->name);

    ASSERT(cs->listed_count < CONNECTORS_MAX);
    memmove(&cs->listed[at + 1], &cs->listed[at], (cs->listed_count - at) * sizeof(struct connector *));
    cs->listed[at] = c;
    cs->listed_count++;
}

bool connectors_replace(struct connectors *cs, struct connector *old, struct connector *next, struct error *err)
{
    bool is_full, is_renamed = old != NULL && (next == NULL || strcmp(old->name, next->name) != 0);

    pthread_mutex_lock(&cs->lock);
    is_full = old == NULL && next != NULL && cs->listed_count == CONNECTORS_MAX;
    if (!is_full && old != NULL)
        unlist(cs, old);
    if (!is_full && next != NULL)
        list(cs, next);
    pthread_mutex_unlock(&cs->lock);
    if (is_full)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "there are %d connectors already; delete one first", CONNECTORS_MAX);
    if (is_renamed && cs->options.health != NULL)
        cs->options.health(cs->options.ctx, old->name, false, true);
    if (next != NULL)
        connector_tell_health(next);
    if (old != NULL) {
        cs->options.changed(cs->options.ctx, old->holding->topic);
        connector_release(old);
    }
    return true;
}

/* ---- the start ---- */

/* Without a poller yet: why, and what to do. */
static void show_waiting(struct connector *c, const struct registry_entry *entry)
{
    connector_recall(c, entry);
    if (entry->is_retired)
        connector_show(c, CONNECTOR_RETIRED, "deleted with its data kept: configure it again to collect");
    else if (entry->is_declared)
        connector_show(c, CONNECTOR_DEGRADED,
                       "it was declared by flags or environment that are not given any more: give them (--org, "
                       "--token-file), configure it with a token, or delete it");
    else
        connector_show(c, CONNECTOR_RECONNECT_REQUIRED, "no credential is stored: configure it with a new token");
}

static bool run_with_stored_token(struct connector *c, const struct registry_entry *entry, struct error *err)
{
    AUTO_BUF struct buf token = BUF(REGISTRY_SECRET_MAX);
    bool ok = registry_secret(c->set->options.registry, entry->name, &token, err) &&
              connector_run(c, entry, buf_view(&token), err);

    token_wipe(&token);
    return ok;
}

/* Shown without a store, since that could not be opened. */
static struct connector *start_without_store(struct connectors *cs, const struct registry_entry *entry)
{
    struct registry_entry bare = *entry;
    struct connector *c = NULL;
    struct error ignored;

    bare.org_id[0] = '\0';
    if (!connector_create(cs, &bare, NULL, &c, &ignored))
        return NULL;
    snprintf(c->org_id, sizeof c->org_id, "%s", entry->org_id);
    return c;
}

static void start_entry(struct connectors *cs, const struct registry_entry *entry)
{
    struct connector *c = NULL;
    struct error err;
    bool ok = connector_create(cs, entry, NULL, &c, &err);

    if (!ok && entry->is_retired && err.code == ERROR_NOT_FOUND) {
        /* A purge was interrupted between the folder and the entry. */
        if (!registry_remove(cs->options.registry, entry->name, &err))
            log_warn("connector.purge_failed", "name=%s error=%s", entry->name, err.text);
        return;
    }
    if (!ok)
        c = start_without_store(cs, entry);
    if (c == NULL) {
        log_error("connector.start_failed", "name=%s error=%s", entry->name, err.text);
        return;
    }
    if (ok && !entry->is_retired && entry->has_secret)
        ok = run_with_stored_token(c, entry, &err);
    else if (ok)
        show_waiting(c, entry);
    if (!ok) {
        log_error("connector.start_failed", "name=%s error=%s", entry->name, err.text);
        connector_show(c, entry->is_retired ? CONNECTOR_RETIRED : CONNECTOR_DEGRADED, err.text);
    }
    if (!connectors_replace(cs, NULL, c, &err))
        ASSERT(!"the registry holds no more than we list");
}

/* A crash between storing a retired org's new name and removing its old one leaves both: the retired one goes. */
static bool is_left_over(const struct registry_entry *entries, size_t count, size_t at)
{
    for (size_t i = 0; i < count && entries[at].is_retired; i++)
        if (i != at && strcmp(entries[i].org_id, entries[at].org_id) == 0 && !entries[i].is_retired)
            return true;
    return false;
}

static bool start_all(struct connectors *cs, struct error *err)
{
    AUTO_FREE struct registry_entry *entries = mem_array(REGISTRY_CONNECTORS_MAX, sizeof *entries);
    size_t count = 0;

    if (!registry_list(cs->options.registry, entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_left_over(entries, count, i))
            start_entry(cs, &entries[i]);
        else if (!registry_remove(cs->options.registry, entries[i].name, err))
            return false;
    }
    return true;
}

bool connectors_create(struct connectors **out, const struct connectors_options *options, struct error *err)
{
    struct connectors *cs = mem_zero(sizeof *cs);
    pthread_condattr_t attr;

    cs->options = *options;
    pthread_mutex_init(&cs->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cs->moved, &attr);
    pthread_condattr_destroy(&attr);
    pthread_attr_init(&cs->thread_attr);
    pthread_attr_setstacksize(&cs->thread_attr, THREAD_STACK_BYTES);
    if (start_all(cs, err)) {
        *out = cs;
        return true;
    }
    connectors_stop(cs);
    connectors_destroy(cs);
    return false;
}

/* ---- the end ---- */

void connectors_stop(struct connectors *cs)
{
    atomic_store(&cs->is_stopping, true);
    pthread_mutex_lock(&cs->lock);
    pthread_cond_broadcast(&cs->moved);
    for (size_t i = 0; i < cs->listed_count; i++)
        if (cs->listed[i]->poller != NULL)
            poller_stop(cs->listed[i]->poller);
    pthread_mutex_unlock(&cs->lock);
}

static void join_jobs(struct connectors *cs)
{
    /* No job starts any more; one that runs still writes its state, under the lock. */
    for (size_t i = 0; i < JOBS_MAX; i++) {
        bool is_used;

        pthread_mutex_lock(&cs->lock);
        is_used = cs->jobs[i].state != JOB_FREE;
        pthread_mutex_unlock(&cs->lock);
        if (is_used)
            pthread_join(cs->jobs[i].thread, NULL);
    }
}

void connectors_destroy(struct connectors *cs)
{
    if (cs == NULL)
        return;
    ASSERT(atomic_load(&cs->is_stopping));
    join_jobs(cs);
    declared_join_all(cs);
    /* A job may have listed one after connectors_stop went through the list: tell all before waiting for any. */
    connectors_stop(cs);
    for (size_t i = 0; i < cs->listed_count; i++) {
        connector_halt(cs->listed[i]);
        connector_release(cs->listed[i]);
    }
    declared_free_all(cs);
    ASSERT(cs->topics == 0); /* else somebody still holds a reference */
    pthread_attr_destroy(&cs->thread_attr);
    pthread_cond_destroy(&cs->moved);
    pthread_mutex_destroy(&cs->lock);
    free(cs);
}
