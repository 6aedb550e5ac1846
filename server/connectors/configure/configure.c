/* server/connectors/configure/configure.c: Configure: checks, probes, stores, starts.
 *
 *   1 check     name, org, credential and ranges, before anything else; wrong ones are answered at once
 *   2 claim     the name: a second Configure or Delete of it waits
 *   3 merge     with what is stored: org, credential and settings that were left out stay
 *   4 probe     the org's id, then what the credential can list (probe.c)
 *   5 claim     the org's id, and look at the registry again: whose is it
 *   6 store     the registry's entry, durably; from here on a crash leaves what the next start runs
 *   7 run       a running poller is told; else the store is opened, where it is not yet, and a poller started
 *
 * Until step 6 nothing has changed. A step that fails after it, for a connector that is new, takes the entry back. */
#include "connectors/connectors_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- 3: with what was there ---- */

/* What a request comes to. */
struct plan {
    const struct configure_request *request;
    struct declared *declared; /* whose file the secret is in */
    bool exists;               /* an entry of this name */
    bool has_new_credential;   /* to be stored */
    struct registry_entry was, entry;
    struct okta_url url;
    struct buf credential;
};

static bool merge_org(struct connectors *cs, struct plan *plan, struct error *err)
{
    struct view org = plan->request->org;

    if (org.len == 0 && !plan->exists)
        return error_invalid(err, "ORG_INVALID", "org",
                             "there is no connector \"%s\" yet: name its org, such as acme.okta.com", plan->entry.name);
    if (org.len == 0)
        org = view_of(plan->was.org_url);
    if (!okta_url_parse(org, cs->options.allow_loopback_http, &plan->url, err))
        return false;
    snprintf(plan->entry.org_url, sizeof plan->entry.org_url, "%s", plan->url.text);
    return true;
}

static bool refuse_declared(struct declared *declared, const char *name, struct error *err)
{
    char file[256];

    declared_file(declared, file, sizeof file);
    return error_reason(
        err, ERROR_FAILED_PRECONDITION, "CONNECTOR_DECLARED",
        "\"%s\" was declared by file, flags or environment: put the new secret into its file, %s; that is "
        "noticed within seconds",
        name, file);
}

static bool merge_credential(struct connectors *cs, struct plan *plan, struct error *err)
{
    struct declared *declared = declared_find(cs, plan->entry.name);

    if (plan->request->has_credential && declared != NULL && plan->declared == NULL && !plan->request->validate_only)
        return refuse_declared(declared, plan->entry.name, err);
    if (plan->request->has_credential) {
        plan->has_new_credential = plan->declared == NULL;
        return configure_credential(plan->request->credential, &plan->credential, err);
    }
    plan->declared = declared;
    if (declared != NULL)
        return declared_credential(declared, &plan->credential, err);
    if (!plan->exists || plan->was.is_retired || !plan->was.has_secret)
        return error_invalid(err, "TOKEN_INVALID", "api_token",
                             "no credential is stored for \"%s\": give an API token, or a service app's client id and "
                             "private key",
                             plan->entry.name);
    return registry_secret(cs->options.registry, plan->entry.name, &plan->credential, err);
}

static bool find_was(struct connectors *cs, struct plan *plan, struct error *err)
{
    struct error why;

    plan->exists = registry_get(cs->options.registry, plan->entry.name, &plan->was, &why);
    if (plan->exists || why.code == ERROR_NOT_FOUND)
        return true;
    *err = why;
    return false;
}

static bool merge(struct connectors *cs, struct plan *plan, struct configure_result *result, struct error *err)
{
    return find_was(cs, plan, err) && merge_org(cs, plan, err) && merge_credential(cs, plan, err) &&
           configure_settings(plan->request, plan->exists ? &plan->was : NULL, &plan->entry, result, err);
}

/* ---- 5: whose org is it ---- */

/* The entry that has the org under another name, if any. */
static bool find_other(struct connectors *cs, const struct plan *plan, struct registry_entry *other, size_t *count,
                       bool *found, struct error *err)
{
    AUTO_FREE struct registry_entry *entries = mem_array(REGISTRY_CONNECTORS_MAX, sizeof *entries);

    *found = false;
    if (!registry_list(cs->options.registry, entries, count, err))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (strcmp(entries[i].org_id, plan->entry.org_id) == 0 && strcmp(entries[i].name, plan->entry.name) != 0) {
            *other = entries[i];
            *found = true;
        }
    return true;
}

static bool check_ownership(struct connectors *cs, const struct plan *plan, struct registry_entry *other,
                            bool *takes_over, struct error *err)
{
    size_t count = 0;

    if (plan->exists && strcmp(plan->was.org_id, plan->entry.org_id) != 0)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "ORG_MISMATCH",
                            "\"%s\" belongs to the org %s, and %s is %s: choose another name, or delete \"%s\" first",
                            plan->entry.name, plan->was.org_id, plan->url.text, plan->entry.org_id, plan->entry.name);
    if (!find_other(cs, plan, other, &count, takes_over, err))
        return false;
    if (*takes_over && !other->is_retired)
        return error_reason(err, ERROR_ALREADY_EXISTS, "ORG_CONFIGURED",
                            "the org %s has a connector already, \"%s\": use that name, or delete it first",
                            plan->entry.org_id, other->name) ||
               error_fact(err, "connector", other->name);
    if (!plan->exists && !*takes_over && count >= REGISTRY_CONNECTORS_MAX)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "there are %d connectors already; delete one first", REGISTRY_CONNECTORS_MAX);
    return true;
}

/* ---- 6 and 7: store and run ---- */

static bool store_entry(struct connectors *cs, struct plan *plan, struct error *err)
{
    int64_t now = clock_unix_ms(cs->options.clock);
    struct view secret = plan->has_new_credential ? buf_view(&plan->credential) : VIEW_NONE;

    plan->entry.is_declared = plan->declared != NULL;
    plan->entry.has_secret = plan->declared == NULL;
    plan->entry.created_unix_ms = plan->exists ? plan->was.created_unix_ms : now;
    plan->entry.changed_unix_ms = now;
    plan->entry.credential_set_unix_ms = plan->has_new_credential ? now : plan->was.credential_set_unix_ms;
    if (!registry_put(cs->options.registry, &plan->entry, secret, err))
        return false;
    return !(plan->entry.is_declared && plan->exists && plan->was.has_secret) ||
           registry_forget_secret(cs->options.registry, plan->entry.name, err);
}

/* The connector that is listed now keeps running: tell its poller. `done` false: it has none. */
static bool change_running(struct connectors *cs, struct connector *c, const struct plan *plan, bool *done,
                           struct error *err)
{
    const struct poller_settings settings = { .collections = plan->entry.collections,
                                              .history_days = (int)plan->entry.history_days,
                                              .retention_days = (int)plan->entry.retention_days };
    bool ok = true;

    pthread_mutex_lock(&cs->lock);
    /* Who takes its secret from a file, and who does not, does not change while a poller runs. */
    *done = c->poller != NULL && c->declared == plan->declared;
    if (*done)
        ok = poller_reconfigure(c->poller, &plan->url, buf_view(&plan->credential), &settings, err);
    if (*done && ok)
        memcpy(c->org_url, plan->entry.org_url, sizeof c->org_url);
    pthread_mutex_unlock(&cs->lock);
    if (*done && ok)
        connector_show_credential(c, buf_view(&plan->credential),
                                  plan->declared != NULL ? declared_set_unix_ms(plan->declared)
                                                         : plan->entry.credential_set_unix_ms);
    return ok;
}

/* The same connector with another poller: its streams stay. Not for one that is retired, or has no store yet. */
static bool can_run_again(struct connector *c)
{
    struct poller_snapshot now;

    if (c == NULL || c->store == NULL)
        return false;
    connector_snapshot(c, &now);
    return now.state != CONNECTOR_RETIRED;
}

static bool run_again(struct connectors *cs, struct connector *c, const struct plan *plan, struct error *err)
{
    connector_halt(c);
    c->declared = plan->declared;
    pthread_mutex_lock(&cs->lock);
    memcpy(c->org_url, plan->entry.org_url, sizeof c->org_url);
    pthread_mutex_unlock(&cs->lock);
    return connector_run(c, &plan->entry, buf_view(&plan->credential), err);
}

static bool run_new(struct connectors *cs, struct connector *old, const struct plan *plan, struct error *err)
{
    struct connector *next = NULL;

    if (old != NULL)
        connector_halt(old);
    if (!connector_create(cs, &plan->entry, old, &next, err))
        return false;
    next->declared = plan->declared;
    if (connector_run(next, &plan->entry, buf_view(&plan->credential), err) && connectors_replace(cs, old, next, err))
        return true;
    connector_halt(next);
    connector_release(next);
    return false;
}

/* A declared connector was listed under this name before anybody knew its org; what it was waiting for is another. */
static void drop_placeholder(struct connectors *cs, const char *name)
{
    struct connector *c = connectors_get(cs, name);
    struct error ignored;

    if (c != NULL && !connectors_replace(cs, c, NULL, &ignored))
        log_error("connector.unlist_failed", "name=%s error=%s", name, ignored.text);
    connector_release(c);
}

static bool run(struct connectors *cs, const struct plan *plan, const struct registry_entry *retired, struct error *err)
{
    struct connector *c;
    struct error why;
    bool done = false, ok;

    if (retired != NULL)
        drop_placeholder(cs, plan->entry.name);
    c = connectors_get(cs, retired != NULL ? retired->name : plan->entry.name);
    ok = c == NULL || change_running(cs, c, plan, &done, &why);
    if (ok && !done)
        ok = can_run_again(c) ? run_again(cs, c, plan, &why) : run_new(cs, c, plan, &why);
    if (!ok && c != NULL) {
        connector_show(c, CONNECTOR_DEGRADED, why.text);
        connector_tell_health(c);
    }
    connector_release(c);
    if (!ok)
        *err = why;
    return ok;
}

static void undo(struct connectors *cs, const char *name)
{
    struct error err;

    if (!registry_remove(cs->options.registry, name, &err))
        log_error("connector.undo_failed", "name=%s error=%s", name, err.text);
}

static bool commit(struct connectors *cs, struct plan *plan, struct configure_result *result, struct error *err)
{
    struct registry_entry other;
    bool takes_over = false, is_new = !plan->exists;

    if (!check_ownership(cs, plan, &other, &takes_over, err))
        return false;
    if (plan->request->validate_only)
        return true;
    if (!store_entry(cs, plan, err) || (takes_over && !registry_remove(cs->options.registry, other.name, err)))
        return false;
    if (!run(cs, plan, takes_over ? &other : NULL, err)) {
        if (is_new && !takes_over)
            undo(cs, plan->entry.name);
        return false;
    }
    result->stored = true;
    result->created = is_new && !takes_over;
    log_info("connector.configured", "name=%s org=%s created=%s declared=%s", plan->entry.name, plan->entry.org_id,
             result->created ? "true" : "false", plan->entry.is_declared ? "true" : "false");
    return true;
}

/* ---- all of it ---- */

static bool probe_and_commit(struct connectors *cs, struct plan *plan, struct claim *claim, const struct wish *wish,
                             struct configure_result *result, struct error *err)
{
    const struct configure_request *r = plan->request;

    memcpy(result->org_url, plan->entry.org_url, sizeof result->org_url);
    if (!probe_run(cs, &plan->url, buf_view(&plan->credential), plan->entry.collections, wish, result, err))
        return false;
    memcpy(plan->entry.org_id, result->org_id, sizeof plan->entry.org_id);
    if (!r->validate_only && !probe_verdict(result, r->allow_partial, err))
        return false;
    return claim_org(cs, claim, plan->entry.org_id, wish, err) && commit(cs, plan, result, err);
}

bool configure_run(struct connectors *cs, const struct configure_request *request, struct declared *declared,
                   const struct wish *wish, struct configure_result *result, struct error *err)
{
    struct plan plan = { .request = request, .declared = declared, .credential = BUF(REGISTRY_SECRET_MAX) };
    struct claim claim;
    bool ok;

    memset(result, 0, sizeof *result);
    if (!configure_check(cs, request, err))
        return false;
    snprintf(plan.entry.name, sizeof plan.entry.name, VIEW_FMT, VIEW_ARG(request->name));
    memcpy(result->name, plan.entry.name, sizeof result->name);
    if (!claim_name(cs, &claim, plan.entry.name, wish, err))
        return false;
    ok = merge(cs, &plan, result, err) && probe_and_commit(cs, &plan, &claim, wish, result, err);
    claim_drop(cs, &claim);
    credential_wipe(&plan.credential);
    return ok;
}

/* ---- on a thread of its own ---- */

struct configuring {
    struct configure_request request; /* its views lie below */
    char *name, *org, *credential;
    int64_t deadline_mono_ms;
    configure_done *done;
    void *ctx;
};

static void configuring_free(struct configuring *g)
{
    if (g->credential != NULL)
        explicit_bzero(g->credential, g->request.credential.len);
    free(g->credential);
    free(g->org);
    free(g->name);
    free(g);
}

static struct configuring *configuring_create(struct connectors *cs, const struct configure_request *r,
                                              configure_done *done, void *ctx)
{
    struct configuring *g = mem_zero(sizeof *g);

    g->deadline_mono_ms = connectors_mono_ms(cs) + CONFIGURE_DEADLINE_MS;
    g->request = *r;
    g->name = mem_copy(r->name.at, r->name.len);
    g->org = mem_copy(r->org.at, r->org.len);
    g->credential = r->has_credential ? mem_copy(r->credential.at, r->credential.len) : NULL;
    g->request.name.at = g->name;
    g->request.org.at = g->org;
    g->request.credential = (struct view){ g->credential, g->credential != NULL ? r->credential.len : 0 };
    g->done = done;
    g->ctx = ctx;
    return g;
}

static void configuring_run(struct connectors *cs, void *arg)
{
    struct configuring *g = arg;
    const struct wish wish = { g->request.is_cancelled, g->ctx, g->deadline_mono_ms };
    struct configure_result *result = mem_zero(sizeof *result);
    struct error err;
    bool ok = configure_run(cs, &g->request, NULL, &wish, result, &err);

    g->done(g->ctx, result, ok ? NULL : &err);
    free(result);
    configuring_free(g);
}

void connectors_configure(struct connectors *cs, const struct configure_request *request, configure_done *done,
                          void *ctx)
{
    struct configure_result nothing = { .permission_count = 0 };
    struct configuring *g;
    struct error err;

    /* What is wrong by itself needs no thread. */
    if (!configure_check(cs, request, &err)) {
        done(ctx, &nothing, &err);
        return;
    }
    g = configuring_create(cs, request, done, ctx);
    if (!atomic_load(&cs->is_stopping) && job_start(cs, 0, CONFIGURES_MAX, configuring_run, g))
        return;
    configuring_free(g);
    if (atomic_load(&cs->is_stopping))
        error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    else
        error_reason(&err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES",
                     "%d orgs are being probed right now: try again in a minute", CONFIGURES_MAX);
    done(ctx, &nothing, &err);
}
