/* server/connectors/configure/configure.c: Configure checks, probes, stores and starts a connector.
 *
 *   1 parse     name, org, credential and ranges, once (configure_check.c); a mistake is answered at once
 *   2 claim     the name: a second Configure or Delete of the same name waits
 *   3 merge     with the stored entry: org, credential and settings that were left out stay as they were
 *   4 probe     the org's id, then what the credential can list (probe.c)
 *   5 claim     the org's id, and read the registry again: which connector owns it
 *   6 store     the registry's entry, durably; after a crash from here on, the next start runs the new entry
 *   7 run       the running poller takes the change; otherwise a poller is started, and the store opened if need be
 *
 * Nothing has changed before step 6. When a later step fails for a new connector, the entry is removed again. */
#include "connectors/connectors_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- 3: merge ---- */

/* A request, merged with the stored entry. */
struct merged {
    const struct configure_order *order;
    struct declared *declared; /* the credential comes from its file; NULL: from the request or the registry */
    bool exists;               /* there is an entry of this name, was */
    bool has_new_credential;   /* to be stored */
    struct registry_entry was, entry;
    struct okta_url url;
    struct buf credential;
};

static bool merge_org(struct connectors *cs, struct merged *m, struct error *err)
{
    if (!m->order->has_org && !m->exists)
        return error_invalid(err, "ORG_INVALID", "org",
                             "there is no connector \"%s\" yet: name its org, such as acme.okta.com", m->entry.name);
    if (m->order->has_org)
        m->url = m->order->url;
    else if (!okta_url_parse(view_of(m->was.org_url), cs->options.allow_loopback_http, &m->url, err))
        return false;
    snprintf(m->entry.org_url, sizeof m->entry.org_url, "%s", m->url.text);
    return true;
}

static bool merge_refuse_declared(struct declared *declared, const char *name, struct error *err)
{
    char file[256];

    declared_file(declared, file, sizeof file);
    return error_reason(
        err, ERROR_FAILED_PRECONDITION, "CONNECTOR_DECLARED",
        "\"%s\" was declared by file, flags or environment: put the new secret into its file, %s; that is "
        "noticed within seconds",
        name, file);
}

static bool merge_credential(struct connectors *cs, struct merged *m, struct error *err)
{
    struct declared *declared = declared_find(cs, m->entry.name);

    if (m->order->has_credential && declared != NULL && m->declared == NULL && !m->order->wanted.validate_only)
        return merge_refuse_declared(declared, m->entry.name, err);
    if (m->order->has_credential) {
        m->has_new_credential = m->declared == NULL;
        buf_put(&m->credential, m->order->credential.at, m->order->credential.len);
        return true;
    }
    m->declared = declared;
    if (declared != NULL)
        return declared_credential(declared, &m->credential, err);
    if (!m->exists || m->was.is_retired || !m->was.has_secret)
        return error_invalid(err, "TOKEN_INVALID", "api_token",
                             "no credential is stored for \"%s\": give an API token, or a service app's client id and "
                             "private key",
                             m->entry.name);
    return registry_secret(cs->options.registry, m->entry.name, &m->credential, err);
}

static bool merge_find_entry(struct connectors *cs, struct merged *m, struct error *err)
{
    struct error why;

    m->exists = registry_get(cs->options.registry, m->entry.name, &m->was, &why);
    if (m->exists || why.code == ERROR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

static bool configure_merge(struct connectors *cs, struct merged *m, struct configure_result *result, struct error *err)
{
    return merge_find_entry(cs, m, err) && merge_org(cs, m, err) && merge_credential(cs, m, err) &&
           configure_settings(&m->order->wanted, m->exists ? &m->was : NULL, &m->entry, result, err);
}

/* ---- 5: which connector owns the org ---- */

/* Looks for an entry that has the same org under another name. */
static bool configure_find_owner(struct connectors *cs, const struct merged *m, struct registry_entry *other,
                                 size_t *count, bool *found, struct error *err)
{
    AUTO_FREE struct registry_entry *entries = mem_array(REGISTRY_CONNECTORS_MAX, sizeof *entries);

    *found = false;
    if (!registry_list(cs->options.registry, entries, count, err))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(entries[i].org_id, m->entry.org_id) == 0 && strcmp(entries[i].name, m->entry.name) != 0) {
            *other = entries[i];
            *found = true;
        }
    return true;
}

static bool configure_check_owner(struct connectors *cs, const struct merged *m, struct registry_entry *other,
                                  bool *takes_over, struct error *err)
{
    size_t count = 0;

    if (m->exists && strcmp(m->was.org_id, m->entry.org_id) != 0)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "ORG_MISMATCH",
                            "\"%s\" belongs to the org %s, and %s is %s: choose another name, or delete \"%s\" first",
                            m->entry.name, m->was.org_id, m->url.text, m->entry.org_id, m->entry.name);
    if (!configure_find_owner(cs, m, other, &count, takes_over, err))
        return false;
    if (*takes_over && !other->is_retired) {
        error_reason(err, ERROR_ALREADY_EXISTS, "ORG_CONFIGURED",
                     "the org %s has a connector already, \"%s\": use that name, or delete it first", m->entry.org_id,
                     other->name);
        return error_fact(err, "connector", other->name);
    }
    if (!m->exists && !*takes_over && count >= REGISTRY_CONNECTORS_MAX)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "there are %d connectors already; delete one first", REGISTRY_CONNECTORS_MAX);
    return true;
}

/* ---- 6 and 7: store and run ---- */

static bool configure_store_entry(struct connectors *cs, struct merged *m, struct error *err)
{
    int64_t now = clock_unix_ms(cs->options.clock);
    struct view secret = m->has_new_credential ? buf_view(&m->credential) : VIEW_NONE;

    m->entry.is_declared = m->declared != NULL;
    m->entry.has_secret = m->declared == NULL;
    m->entry.created_unix_ms = m->exists ? m->was.created_unix_ms : now;
    m->entry.changed_unix_ms = now;
    m->entry.credential_set_unix_ms = m->has_new_credential ? now : m->was.credential_set_unix_ms;
    if (!registry_put(cs->options.registry, &m->entry, secret, err))
        return false;
    return !(m->entry.is_declared && m->exists && m->was.has_secret) ||
           registry_forget_secret(cs->options.registry, m->entry.name, err);
}

/* The listed connector keeps running, and its poller takes the change. `done` is false when it has no poller. */
static bool configure_change_running(struct connectors *cs, struct connector *c, const struct merged *m, bool *done,
                                     struct error *err)
{
    const struct poller_settings settings = { .collections = m->entry.collections,
                                              .history_days = (int)m->entry.history_days,
                                              .retention_days = (int)m->entry.retention_days };
    bool ok = true;

    pthread_mutex_lock(&cs->lock);
    /* Whether the credential comes from a file is fixed while a poller runs. */
    *done = c->poller != NULL && c->declared == m->declared;
    if (*done)
        ok = poller_reconfigure(c->poller, &m->url, buf_view(&m->credential), &settings, err);
    if (*done && ok)
        memcpy(c->org_url, m->entry.org_url, sizeof c->org_url);
    pthread_mutex_unlock(&cs->lock);
    if (*done && ok)
        connector_show_credential(c, buf_view(&m->credential),
                                  m->declared != NULL ? declared_set_unix_ms(m->declared)
                                                      : m->entry.credential_set_unix_ms);
    return ok;
}

/* Whether the listed connector can get another poller, so that its streams stay open: not when it is retired or has no
 * store yet. */
static bool configure_can_run_again(struct connector *c)
{
    struct poller_snapshot now;

    if (c == NULL || c->store == NULL)
        return false;
    connector_snapshot(c, &now);
    return now.state != CONNECTOR_RETIRED;
}

static bool configure_run_again(struct connectors *cs, struct connector *c, const struct merged *m, struct error *err)
{
    connector_halt(c);
    c->declared = m->declared;
    pthread_mutex_lock(&cs->lock);
    memcpy(c->org_url, m->entry.org_url, sizeof c->org_url);
    pthread_mutex_unlock(&cs->lock);
    return connector_run(c, &m->entry, buf_view(&m->credential), err);
}

static bool configure_run_new(struct connectors *cs, struct connector *old, const struct merged *m, struct error *err)
{
    struct connector *next = NULL;

    if (old != NULL)
        connector_halt(old);
    if (!connector_create(cs, &m->entry, old, &next, err))
        return false;
    next->declared = m->declared;
    if (connector_run(next, &m->entry, buf_view(&m->credential), err) && connectors_replace(cs, old, next, err))
        return true;
    connector_halt(next);
    connector_release(next);
    return false;
}

/* A declared connector was listed under this name before its org was known. The org now turns out to be that of a
 * retired connector, which takes the placeholder's place. */
static void configure_drop_placeholder(struct connectors *cs, const char *name)
{
    struct connector *c = connectors_get(cs, name);
    struct error ignored;

    if (c != NULL && !connectors_replace(cs, c, NULL, &ignored))
        log_error("connector.unlist_failed", "name=%s error=%s", name, ignored.text);
    connector_release(c);
}

static bool configure_start(struct connectors *cs, const struct merged *m, const struct registry_entry *retired,
                            struct error *err)
{
    struct connector *c;
    struct error why;
    bool done = false, ok;

    if (retired != NULL)
        configure_drop_placeholder(cs, m->entry.name);
    c = connectors_get(cs, retired != NULL ? retired->name : m->entry.name);
    ok = c == NULL || configure_change_running(cs, c, m, &done, &why);
    if (ok && !done)
        ok = configure_can_run_again(c) ? configure_run_again(cs, c, m, &why) : configure_run_new(cs, c, m, &why);
    if (!ok && c != NULL) {
        connector_show(c, CONNECTOR_DEGRADED, why.text);
        connector_tell_health(c);
    }
    connector_release(c);
    if (!ok)
        *err = why;
    return ok;
}

static void configure_undo(struct connectors *cs, const char *name)
{
    struct error err;

    if (!registry_remove(cs->options.registry, name, &err))
        log_error("connector.undo_failed", "name=%s error=%s", name, err.text);
}

static bool configure_commit(struct connectors *cs, struct merged *m, struct configure_result *result,
                             struct error *err)
{
    struct registry_entry other;
    bool takes_over = false, is_new = !m->exists;

    if (!configure_check_owner(cs, m, &other, &takes_over, err))
        return false;
    if (m->order->wanted.validate_only)
        return true;
    if (!configure_store_entry(cs, m, err) ||
        (takes_over && !registry_remove(cs->options.registry, other.name, err)))
        return false;
    if (!configure_start(cs, m, takes_over ? &other : NULL, err)) {
        if (is_new && !takes_over)
            configure_undo(cs, m->entry.name);
        return false;
    }
    result->stored = true;
    result->created = is_new && !takes_over;
    log_info("connector.configured", "name=%s org=%s created=%s declared=%s", m->entry.name, m->entry.org_id,
             result->created ? "true" : "false", m->entry.is_declared ? "true" : "false");
    return true;
}

/* ---- the whole ---- */

static bool configure_probe_and_commit(struct connectors *cs, struct merged *m, struct claim *claim,
                                       const struct job_limit *limit, struct configure_result *result,
                                       struct error *err)
{
    const struct configure_request *r = &m->order->wanted;

    memcpy(result->org_url, m->entry.org_url, sizeof result->org_url);
    if (!probe_run(cs, &m->url, buf_view(&m->credential), m->entry.collections, limit, result, err))
        return false;
    memcpy(m->entry.org_id, result->org_id, sizeof m->entry.org_id);
    if (!r->validate_only && !probe_verdict(result, r->allow_partial, err))
        return false;
    return claim_org(cs, claim, m->entry.org_id, limit, err) && configure_commit(cs, m, result, err);
}

bool configure_run(struct connectors *cs, const struct configure_order *order, struct declared *declared,
                   const struct job_limit *limit, struct configure_result *result, struct error *err)
{
    struct merged m = { .order = order, .declared = declared, .credential = BUF(REGISTRY_SECRET_MAX) };
    struct claim claim;
    bool ok;

    memset(result, 0, sizeof *result);
    memcpy(m.entry.name, order->name, sizeof m.entry.name);
    memcpy(result->name, order->name, sizeof result->name);
    if (!claim_name(cs, &claim, order->name, limit, err))
        return false;
    ok = configure_merge(cs, &m, result, err) && configure_probe_and_commit(cs, &m, &claim, limit, result, err);
    claim_drop(cs, &claim);
    credential_wipe(&m.credential);
    return ok;
}

/* ---- on a thread of its own ---- */

struct configure_job {
    struct configure_order order;
    int64_t deadline_mono_ms;
    configure_done *done;
    void *ctx;
};

static void configure_job_free(struct configure_job *job)
{
    configure_order_deinit(&job->order);
    free(job);
}

static void configure_job_run(struct connectors *cs, void *arg)
{
    struct configure_job *job = arg;
    const struct job_limit limit = { job->order.wanted.is_cancelled, job->ctx, job->deadline_mono_ms };
    struct configure_result *result = mem_zero(sizeof *result);
    struct error err;
    bool ok = configure_run(cs, &job->order, NULL, &limit, result, &err);

    job->done(job->ctx, result, ok ? NULL : &err);
    free(result);
    configure_job_free(job);
}

static bool configure_job_start(struct connectors *cs, struct configure_job *job, struct error *err)
{
    if (atomic_load(&cs->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (job_start(cs, 0, CONFIGURES_MAX, configure_job_run, job))
        return true;
    return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES",
                        "%d orgs are being probed right now: try again in a minute", CONFIGURES_MAX);
}

void connectors_configure(struct connectors *cs, const struct configure_request *request, configure_done *done,
                          void *ctx)
{
    struct configure_result nothing = { .permission_count = 0 };
    struct configure_job *job = mem_zero(sizeof *job);
    struct error err;

    job->deadline_mono_ms = connectors_mono_ms(cs) + CONFIGURE_DEADLINE_MS;
    job->done = done;
    job->ctx = ctx;
    /* A mistake in the request itself is answered without a thread. */
    if (configure_parse(cs, request, &job->order, &err) && configure_job_start(cs, job, &err))
        return;
    configure_job_free(job);
    done(ctx, &nothing, &err);
}
