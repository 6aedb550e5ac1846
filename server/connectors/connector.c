/* server/connectors/connector.c: one connector: its store, its poller, its references.
 *
 *   connector_create -> connector_run, or connector_show and connector_recall for one that does not run -> listed ->
 *   connector_halt -> the last connector_release frees it
 *
 * Store and topic are in a struct holding, which a connector shares with the one that replaces it: streams of the old
 * one can still read while the new one collects. */
#include "connectors/connectors_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "version.h"

#include <stdio.h>
#include <string.h>

_Static_assert(CONNECTORS_MAX <= 64, "topics are bits of a uint64_t");

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

static bool holding_open_store(struct connectors *cs, const struct registry_entry *entry, struct store **out,
                               struct error *err)
{
    AUTO_BUF struct buf dir = BUF(1u << 14);
    struct store_options options = { .max_bytes = cs->options.store_max_bytes, .must_exist = entry->is_retired };

    if (!registry_store_dir(cs->options.registry, entry->org_id, &dir, err))
        return false;
    if (options.max_bytes == 0)
        options.max_bytes = STORE_BYTES_DEFAULT;
    for (size_t i = 0; collection_at(i) != NULL; i++)
        options.row_kinds |= UINT32_C(1) << collection_at(i)->store_number;
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
    /* A holding without a store is used only by the job that claimed its name, which is this one. */
    if (h->store == NULL && entry->org_id[0] != '\0' && !holding_open_store(cs, entry, &h->store, err)) {
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

static enum connector_reason connector_reason_without_poller(enum connector_state state)
{
    switch (state) {
    case CONNECTOR_STARTING:
        return REASON_NO_ANSWER_YET;
    case CONNECTOR_RECONNECT_REQUIRED:
        return REASON_NO_CREDENTIAL;
    case CONNECTOR_RETIRED:
        return REASON_RETIRED;
    default:
        return REASON_NOT_RUNNING;
    }
}

void connector_show(struct connector *c, enum connector_state state, const char *reason)
{
    int64_t now = clock_unix_ms(c->set->options.clock);

    pthread_mutex_lock(&c->set->lock);
    if (c->still.state != state) {
        c->still.state_since_unix_ms = now;
        c->still.state_changes++;
    }
    c->still.state = state;
    c->still.reason = connector_reason_without_poller(state);
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
    /* SYNCING counts as fresh: Okta has answered and is being read. A retired connector is neither fresh nor stale. */
    is_fresh = now.state == CONNECTOR_LIVE || now.state == CONNECTOR_SYNCING;
    if (now.state == CONNECTOR_RETIRED)
        c->set->options.health(c->set->options.ctx, c->name, false, true);
    else if (atomic_exchange(&c->told_health, is_fresh ? TOLD_FRESH : TOLD_STALE) !=
             (is_fresh ? TOLD_FRESH : TOLD_STALE))
        c->set->options.health(c->set->options.ctx, c->name, is_fresh, false);
}

static void connector_drop_transport(struct connector *c)
{
    if (c->transport != NULL)
        c->transport->destroy(c->transport);
    c->transport = NULL;
}

/* On the poller's thread. */
static void connector_poller_changed(void *ctx)
{
    struct connector *c = ctx;

    c->set->options.changed(c->set->options.ctx, c->holding->topic);
    connector_tell_health(c);
}

static bool connector_make_poller(struct connector *c, const struct registry_entry *entry, struct view credential,
                                  void (*tell_changed)(void *ctx), struct poller **out, struct error *err)
{
    struct connectors *cs = c->set;
    struct poller_options options = {
        .store = c->store,
        .clock = cs->options.clock,
        .collections = entry->collections,
        .history_days = (int)entry->history_days,
        .retention_days = (int)entry->retention_days,
        .share_percent = atomic_load(&cs->share_percent),
        .user_agent = VERSION_USER_AGENT,
        .proxy = cs->options.proxy,
        .ca_file = cs->options.ca_file,
        .allow_private = cs->options.allow_private_org,
        .changed = tell_changed,
        .fresh_token = c->declared != NULL ? declared_fresh_token : NULL,
        .ctx = c,
    };

    if (!okta_url_parse(view_of(entry->org_url), cs->options.allow_loopback_http, &options.url, err))
        return false;
    if (cs->options.make_transport != NULL)
        c->transport = cs->options.make_transport(cs->options.ctx);
    options.transport = c->transport;
    if (poller_create(out, &options, credential, err))
        return true;
    connector_drop_transport(c);
    return error_wrap(err, "connector %s", entry->name);
}

void connector_show_credential(struct connector *c, struct view credential, int64_t set_unix_ms)
{
    static const char *const kinds[] = { "none", "api_token", "service_app" };
    struct credential_facts now, was;

    credential_describe(credential, &now);
    now.set_unix_ms = set_unix_ms;
    now.is_from_file = c->declared != NULL;
    pthread_mutex_lock(&c->set->lock);
    was = c->credential;
    c->credential = now;
    pthread_mutex_unlock(&c->set->lock);
    if (strcmp(was.fingerprint, now.fingerprint) != 0)
        log_info("connector.credential", "name=%s kind=%s fingerprint=%s was=%s", c->name, kinds[now.kind],
                 now.fingerprint, was.fingerprint[0] != '\0' ? was.fingerprint : "none");
}

bool connector_run(struct connector *c, const struct registry_entry *entry, struct view credential, struct error *err)
{
    struct poller *p = NULL;

    if (!connector_make_poller(c, entry, credential, connector_poller_changed, &p, err))
        return false;
    connector_show_credential(c, credential,
                              c->declared != NULL ? declared_set_unix_ms(c->declared) : entry->credential_set_unix_ms);
    pthread_mutex_lock(&c->set->lock);
    c->poller = p;
    poller_set_share(p, atomic_load(&c->set->share_percent)); /* it may have changed meanwhile */
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
    if (!connector_make_poller(c, entry, VIEW_NONE, NULL, &p, &err)) {
        log_warn("connector.recall_failed", "name=%s error=%s", c->name, err.text);
        return;
    }
    poller_snapshot(p, &c->still);
    poller_destroy(p);
    connector_drop_transport(c);
}

void connector_halt(struct connector *c)
{
    struct poller *p;

    /* Only the job that claimed the name, or the end of the set, calls this: nobody else frees p. */
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
    connector_drop_transport(c);
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

void connector_credential(struct connector *c, struct credential_facts *out)
{
    pthread_mutex_lock(&c->set->lock);
    *out = c->credential;
    pthread_mutex_unlock(&c->set->lock);
}

/* With Okta's own codes, when its last error is known. */
static void connector_refused_by_okta(const struct poller_snapshot *now, struct error *err)
{
    char status[16];

    error_reason(err, ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED", "%s",
                 now->state_reason[0] != '\0' ? now->state_reason : "Okta refuses the credential");
    if (now->error_unix_ms <= 0)
        return;
    snprintf(status, sizeof status, "%d", now->error_http_status);
    error_fact(err, "okta_http_status", status);
    error_fact(err, "okta_error_code", now->error_code);
    error_fact(err, "okta_request_id", now->error_request_id);
}

bool connector_collects(const struct connector *c, const struct poller_snapshot *now, struct error *err)
{
    if (now->state == CONNECTOR_RETIRED)
        error_reason(err, ERROR_FAILED_PRECONDITION, "RETIRED",
                     "\"%s\" was deleted with its data kept: configure it again to collect", c->name);
    else if (now->state == CONNECTOR_RECONNECT_REQUIRED)
        connector_refused_by_okta(now, err);
    else
        return true;
    return error_fact(err, "connector", c->name);
}

bool connector_poll_now(struct connector *c, uint64_t *tail_rounds, struct error *err)
{
    struct poller_snapshot now;
    bool ok;

    connector_snapshot(c, &now);
    if (atomic_load(&c->set->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (!connector_collects(c, &now, err))
        return false;
    pthread_mutex_lock(&c->set->lock);
    if (c->poller != NULL)
        ok = poller_poll_now(c->poller, tail_rounds, err);
    else {
        error_reason(err, ERROR_UNAVAILABLE, "NOT_READY", "\"%s\" does not run yet: %s", c->name,
                     c->still.state_reason);
        ok = error_fact(err, "connector", c->name);
    }
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
