/* server/connectors/delete.c: Delete stops a connector, wipes its credential, and keeps or removes its store.
 *
 *   1 the declaration ends, so that it cannot come back meanwhile; the name and the org are claimed
 *   2 the registry's entry is marked retired and its secret wiped, durably: after a crash the next start finds that
 *   3 the poller stops
 *   4 keep:  a RETIRED connector with the same store takes its place; its readers' streams end, and may resume there
 *   5 purge: the connector leaves the list and its readers' streams end; once they have let go, the store is closed and
 *            removed, then the entry
 *
 * When readers do not let go in time the connector stays as RETIRED, and Delete says so: it can be called again. */
#include "connectors/connectors_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct delete_job {
    char name[REGISTRY_NAME_MAX + 1];
    bool keep_data;
    delete_done *done;
    void *ctx;
};

#define REMAINS(result, ...)                                                                                           \
    (void)snprintf((result)->remaining[(result)->remaining_count++], sizeof(result)->remaining[0], __VA_ARGS__)

static void delete_list_remaining(struct delete_result *result, const char *org_url, struct declared *declared)
{
    char file[111];

    REMAINS(result, "Revoke the API token in the Okta Admin Console of %.120s: Security > API > Tokens.", org_url);
    REMAINS(result, "If an admin user was made for it, deactivate that user as well.");
    if (declared == NULL)
        return;
    declared_file(declared, file, sizeof file);
    REMAINS(
        result,
        "It was declared by file, flags or environment: take it out, or it comes back at the next start; and remove "
        "the token file %s.",
        file);
}

/* The entry as retired, with the secret wiped. */
static bool delete_retire_entry(struct connectors *cs, const char *name, struct registry_entry *entry,
                                struct error *err)
{
    if (!registry_get(cs->options.registry, name, entry, err))
        return false;
    entry->is_retired = true;
    entry->is_declared = false;
    entry->has_secret = false;
    entry->changed_unix_ms = clock_unix_ms(cs->options.clock);
    return registry_put(cs->options.registry, entry, VIEW_NONE, err) &&
           registry_forget_secret(cs->options.registry, name, err);
}

/* Lists a RETIRED connector with the store of `of`, in the place of `old` (which may be NULL). */
static bool delete_list_retired(struct connectors *cs, const struct registry_entry *entry, struct connector *of,
                                struct connector *old, struct error *err)
{
    struct connector *next = NULL;

    if (!connector_create(cs, entry, of, &next, err))
        return false;
    connector_recall(next, entry);
    connector_show(next, CONNECTOR_RETIRED, "deleted with its data kept: configure it again to collect");
    if (connectors_replace(cs, old, next, err))
        return true;
    connector_release(next);
    return false;
}

/* Waits until only our reference to `c` and its own hold on the store are left, or until the time is over. */
static bool delete_wait_for_readers(struct connectors *cs, struct connector *c, int64_t until)
{
    bool is_free = false;

    pthread_mutex_lock(&cs->lock);
    while (!(is_free = c->refs == 1 && c->holding->refs == 1) && connectors_mono_ms(cs) < until &&
           !atomic_load(&cs->is_stopping))
        connectors_wait(cs, WAIT_SLICE_MS);
    pthread_mutex_unlock(&cs->lock);
    return is_free;
}

/* Removes the connector from the list, then its data from disk. Takes the caller's reference. */
static bool delete_purge(struct connectors *cs, struct connector *c, const struct registry_entry *entry,
                         struct error *err)
{
    int64_t until = connectors_mono_ms(cs) + PURGE_WAIT_MS;

    if (!connectors_replace(cs, c, NULL, err)) {
        connector_release(c);
        return false;
    }
    if (!delete_wait_for_readers(cs, c, until)) {
        bool ok = delete_list_retired(cs, entry, c, NULL, err);

        connector_release(c);
        if (ok)
            error_reason(err, ERROR_UNAVAILABLE, "DELETED_DATA_IN_USE",
                         "\"%s\" was stopped and its credential wiped, but its data is still being read: it is kept as "
                         "RETIRED; delete it again",
                         entry->name);
        return false;
    }
    connector_release(c); /* closes the store */
    return registry_purge_store(cs->options.registry, entry->org_id, err) &&
           registry_remove(cs->options.registry, entry->name, err);
}

/* A declared connector that Okta never answered for: there is nothing on disk. */
static bool delete_placeholder(struct connectors *cs, struct connector *c, struct error *err)
{
    bool ok;

    connector_halt(c);
    ok = connectors_replace(cs, c, NULL, err);
    connector_release(c);
    return ok;
}

static bool delete_claimed(struct connectors *cs, const struct delete_job *d, struct delete_result *result,
                           struct error *err)
{
    struct connector *c = connectors_find(cs, view_of(d->name), err);
    struct registry_entry entry;
    bool ok;

    if (c == NULL)
        return false;
    delete_list_remaining(result, c->org_url, c->declared);
    if (c->org_id[0] == '\0')
        return delete_placeholder(cs, c, err);
    if (!delete_retire_entry(cs, d->name, &entry, err)) {
        connector_release(c);
        return false;
    }
    connector_halt(c);
    if (!d->keep_data) {
        result->purged = delete_purge(cs, c, &entry, err);
        return result->purged;
    }
    ok = delete_list_retired(cs, &entry, c, c, err);
    connector_release(c);
    return ok;
}

static bool delete_run(struct connectors *cs, const struct delete_job *d, struct delete_result *result,
                       struct error *err)
{
    const struct job_limit limit = { .deadline_mono_ms = connectors_mono_ms(cs) + CONFIGURE_DEADLINE_MS };
    struct connector *c = connectors_find(cs, view_of(d->name), err);
    struct claim claim;
    bool ok;

    if (c == NULL)
        return false;
    declared_end(cs, d->name);
    ok = claim_name(cs, &claim, d->name, &limit, err);
    if (ok) {
        ok = c->org_id[0] == '\0' || claim_org(cs, &claim, c->org_id, &limit, err);
        /* Let go of this reference first: delete_claimed takes one of its own, and waits for all others. */
        connector_release(c);
        ok = ok && delete_claimed(cs, d, result, err);
        claim_drop(cs, &claim);
    } else {
        connector_release(c);
    }
    return ok;
}

static void delete_job_run(struct connectors *cs, void *arg)
{
    struct delete_job *d = arg;
    struct delete_result result = { .purged = false };
    struct error err;
    bool ok = delete_run(cs, d, &result, &err);

    if (ok)
        log_info("connector.deleted", "name=%s purged=%s", d->name, result.purged ? "true" : "false");
    d->done(d->ctx, &result, ok ? NULL : &err);
    free(d);
}

void connectors_delete(struct connectors *cs, struct view name, bool keep_data, delete_done *done, void *ctx)
{
    const struct delete_result nothing = { .purged = false };
    struct delete_job *d;
    struct error err;

    if (name.len == 0 || name.len > REGISTRY_NAME_MAX) {
        if (name.len == 0)
            error_invalid(&err, "NAME_REQUIRED", "name", "name the connector that is to be deleted");
        else
            error_reason(&err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "there is no connector of that name");
        done(ctx, &nothing, &err);
        return;
    }
    d = mem_zero(sizeof *d);
    snprintf(d->name, sizeof d->name, VIEW_FMT, VIEW_ARG(name));
    d->keep_data = keep_data;
    d->done = done;
    d->ctx = ctx;
    if (!atomic_load(&cs->is_stopping) && job_start(cs, CONFIGURES_MAX, DELETES_MAX, delete_job_run, d))
        return;
    free(d);
    if (atomic_load(&cs->is_stopping))
        error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    else
        error_reason(&err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CHANGES",
                     "other connectors are being deleted: try again in a moment");
    done(ctx, &nothing, &err);
}
