/* server/connectors/connectors.c: the set of connectors.
 *
 *   create   every entry of the registry becomes a listed connector; those that can run get a poller
 *   find     takes a reference; release returns it; the last release frees the connector
 *   change   a job (configure.c, declarations.c, delete.c) claims a name and an org, and lists what it has made
 *   stop     jobs see is_stopping and give up; pollers begin to end
 *   destroy  joins jobs, declarations and pollers; by then every reference has been released
 *
 * An entry that cannot run is listed too, and its snapshot says why. */
#include "connectors/connectors_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- the list ---- */

/* Index at which the name stands, or would be inserted. The caller holds the lock. */
static size_t list_place_of(const struct connectors *cs, const char *name)
{
    size_t at = 0;

    while (at < cs->listed_count && strcmp(cs->listed[at]->name, name) < 0)
        at++;
    return at;
}

static struct connector *list_find(struct connectors *cs, const char *name)
{
    size_t at = list_place_of(cs, name);

    if (at == cs->listed_count || strcmp(cs->listed[at]->name, name) != 0)
        return NULL;
    cs->listed[at]->refs++;
    return cs->listed[at];
}

struct connector *connectors_get(struct connectors *cs, const char *name)
{
    struct connector *c;

    pthread_mutex_lock(&cs->lock);
    c = list_find(cs, name);
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
        c = list_find(cs, text);
    }
    pthread_mutex_unlock(&cs->lock);
    if (c != NULL)
        return c;
    if (name.len == 0 && count > 1)
        error_invalid(err, "NAME_REQUIRED", "name", "there are %zu connectors: name the one you mean", count);
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

static void list_remove(struct connectors *cs, struct connector *c)
{
    size_t at = list_place_of(cs, c->name);

    ASSERT(at < cs->listed_count && cs->listed[at] == c);
    cs->listed_count--;
    memmove(&cs->listed[at], &cs->listed[at + 1], (cs->listed_count - at) * sizeof(struct connector *));
    atomic_store(&c->is_deleted, true);
}

static void list_insert(struct connectors *cs, struct connector *c)
{
    size_t at = list_place_of(cs, c->name);

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
        list_remove(cs, old);
    if (!is_full && next != NULL)
        list_insert(cs, next);
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

void connectors_set_share(struct connectors *cs, int share_percent)
{
    atomic_store(&cs->share_percent, share_percent);
    pthread_mutex_lock(&cs->lock);
    for (size_t i = 0; i < cs->listed_count; i++)
        if (cs->listed[i]->poller != NULL)
            poller_set_share(cs->listed[i]->poller, share_percent);
    pthread_mutex_unlock(&cs->lock);
}

/* ---- the start ---- */

/* An entry that cannot run: its snapshot says why, and what to do. */
static void start_show_waiting(struct connector *c, const struct registry_entry *entry)
{
    connector_recall(c, entry);
    if (entry->is_retired)
        connector_show(c, CONNECTOR_RETIRED, "deleted with its data kept: configure it again to collect");
    else if (entry->is_declared)
        connector_show(c, CONNECTOR_DEGRADED, NOT_DECLARED_ANY_MORE);
    else
        connector_show(c, CONNECTOR_RECONNECT_REQUIRED, "no credential is stored: configure it with a new one");
}

static bool run_with_stored_credential(struct connector *c, const struct registry_entry *entry, struct error *err)
{
    struct buf credential = BUF(REGISTRY_SECRET_MAX);
    bool ok = registry_secret(c->set->options.registry, entry->name, &credential, err) &&
              connector_run(c, entry, buf_view(&credential), err);

    credential_wipe(&credential);
    return ok;
}

/* Lists an entry whose store could not be opened, so that Status can say why. */
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
        ok = run_with_stored_credential(c, entry, &err);
    else if (ok)
        start_show_waiting(c, entry);
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

static bool connectors_start_all(struct connectors *cs, struct error *err)
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
    atomic_init(&cs->share_percent, options->share_percent);
    pthread_mutex_init(&cs->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&cs->moved, &attr);
    pthread_condattr_destroy(&attr);
    pthread_attr_init(&cs->thread_attr);
    pthread_attr_setstacksize(&cs->thread_attr, THREAD_STACK_BYTES);
    if (connectors_start_all(cs, err)) {
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

static void connectors_join_jobs(struct connectors *cs)
{
    /* No job starts any more. A running one still writes its state, under the lock. */
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
    connectors_join_jobs(cs);
    declared_join_all(cs);
    /* A job may have listed a connector after connectors_stop: stop all of them before joining any. */
    connectors_stop(cs);
    for (size_t i = 0; i < cs->listed_count; i++) {
        connector_halt(cs->listed[i]);
        connector_release(cs->listed[i]);
    }
    declared_free_all(cs);
    ASSERT(cs->topics == 0); /* else a reference was never released */
    pthread_attr_destroy(&cs->thread_attr);
    pthread_cond_destroy(&cs->moved);
    pthread_mutex_destroy(&cs->lock);
    free(cs);
}
