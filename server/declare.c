/* server/declare.c: connectors declared by flags or environment: their token lies in a file.
 *
 * Each has a thread, so that one org that hangs keeps no other waiting:
 *
 *   known      the registry has this name with this org: it starts at once, Okta is asked later
 *   unknown    listed as STARTING, then as DEGRADED with the reason, until Okta has answered once
 *   watch      the file's stamp is looked at every few seconds; a changed token is tried before the old one goes
 *   refused    the poller asks for a fresh token itself (declared_fresh_token), with no delay
 *
 * It ends with the set, or when its connector is deleted. */
#include "connectors_internal.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define WATCH_MS     5000 /* between looks at the file */
#define RETRY_MIN_MS 5000 /* after a failure, doubled up to: */
#define RETRY_MAX_MS 60000
#define REFUSED_MS                                                                                                     \
    900000 /* with a dead token: hammering with it alarms the org's admins; a new one is seen at once                  \
            */

struct declared {
    struct declared *next; /* of the set's list; under its lock */

    /* set before its thread starts, then read-only */
    struct connectors *set;
    char name[REGISTRY_NAME_MAX + 1], token_file[TOKEN_FILE_PATH_MAX + 1];
    struct okta_url url;
    struct configure_request settings; /* without views */
    pthread_t thread;

    atomic_bool is_ended;

    /* under the set's lock */
    bool look_now;

    /* its thread */
    struct token_stamp tried; /* of the token that was tried last */
    bool is_settled;          /* what was tried last is at work, or was refused for good */
    bool is_running;          /* a poller of ours runs */
    int64_t retry_after_ms, retry_mono_ms;
};

/* ---- its token ---- */

bool declared_token(const struct declared *d, struct buf *out, struct error *err)
{
    return token_file_read(d->token_file, out, err);
}

const char *declared_file(const struct declared *d)
{
    return d->token_file;
}

bool declared_fresh_token(void *ctx, struct view used, struct buf *out)
{
    const struct connector *c = ctx;
    struct buf token = BUF(TOKEN_FILE_BYTES_MAX);
    struct error ignored;
    bool is_new = token_file_read(c->declared->token_file, &token, &ignored) && !view_eq(buf_view(&token), used);

    if (is_new)
        buf_put(out, token.at, token.len);
    token_wipe(&token);
    return is_new && buf_ok(out);
}

/* ---- the thread ---- */

static bool is_over(const struct declared *d)
{
    return atomic_load(&d->is_ended) || atomic_load(&d->set->is_stopping);
}

static bool wish_is_over(void *ctx)
{
    return atomic_load(&((const struct declared *)ctx)->is_ended);
}

/* What the row of a connector without poller says. */
static void show(struct declared *d, const char *reason)
{
    struct connector *c = connectors_get(d->set, d->name);
    bool is_ours;

    if (c == NULL)
        return;
    pthread_mutex_lock(&d->set->lock);
    is_ours = c->poller == NULL;
    pthread_mutex_unlock(&d->set->lock);
    if (is_ours) {
        connector_show(c, CONNECTOR_DEGRADED, reason);
        connector_tell_health(c);
        d->set->options.changed(d->set->options.ctx, c->holding->topic);
    }
    connector_release(c);
}

static void retry_later(struct declared *d, const struct error *err)
{
    bool was_refused = err->reason != NULL && strcmp(err->reason, "OKTA_TOKEN_REFUSED") == 0;

    d->retry_after_ms = d->retry_after_ms == 0 ? RETRY_MIN_MS : d->retry_after_ms * 2;
    if (d->retry_after_ms > RETRY_MAX_MS)
        d->retry_after_ms = RETRY_MAX_MS;
    d->retry_mono_ms = connectors_mono_ms(d->set) + (was_refused ? REFUSED_MS : d->retry_after_ms);
}

static bool configure_with(struct declared *d, struct view token, struct error *err)
{
    struct configure_request r = d->settings;
    struct configure_result *result = mem_zero(sizeof *result);
    const struct wish wish = { wish_is_over, d, connectors_mono_ms(d->set) + CONFIGURE_DEADLINE_MS };
    bool ok;

    r.name = view_of(d->name);
    r.org = view_of(d->url.text);
    r.token = token;
    r.has_token = true;
    r.is_declared = true;
    /* A pod must come up with what works; what does not is in Status. */
    r.allow_partial = true;
    ok = configure_run(d->set, &r, d, &wish, result, err);
    for (size_t i = 0; ok && i < result->permission_count; i++)
        if (result->permissions[i].verdict != PERMISSION_WORKS)
            log_warn("connector.permission", "name=%s endpoint=%s remedy=%s", d->name, result->permissions[i].endpoint,
                     result->permissions[i].remedy);
    free(result);
    return ok;
}

static void try_token(struct declared *d)
{
    struct buf token = BUF(TOKEN_FILE_BYTES_MAX);
    struct error err;
    bool ok = token_file_read(d->token_file, &token, &err) && configure_with(d, buf_view(&token), &err);

    token_wipe(&token);
    if (ok) {
        d->is_settled = d->is_running = true;
        d->retry_after_ms = 0;
        return;
    }
    if (is_over(d))
        return;
    log_warn("connector.declared_waits", "name=%s running=%s error=%s", d->name, d->is_running ? "true" : "false",
             err.text);
    show(d, err.text);
    retry_later(d, &err);
}

static void look(struct declared *d, bool was_asked)
{
    struct token_stamp now;
    bool is_changed = token_file_stamp(d->token_file, &now) && !token_stamp_eq(&now, &d->tried);

    if (is_changed) {
        d->tried = now;
        d->is_settled = false;
        token_file_warn(d->token_file);
    }
    if (is_changed || (!d->is_settled && (was_asked || connectors_mono_ms(d->set) >= d->retry_mono_ms)))
        try_token(d);
}

static void *declared_thread(void *arg)
{
    struct declared *d = arg;

    while (!is_over(d)) {
        bool was_asked;

        pthread_mutex_lock(&d->set->lock);
        was_asked = d->look_now;
        d->look_now = false;
        pthread_mutex_unlock(&d->set->lock);
        look(d, was_asked);
        pthread_mutex_lock(&d->set->lock);
        for (int64_t until = connectors_mono_ms(d->set) + WATCH_MS;
             !is_over(d) && !d->look_now && connectors_mono_ms(d->set) < until;)
            connectors_wait(d->set, until - connectors_mono_ms(d->set));
        pthread_mutex_unlock(&d->set->lock);
    }
    return NULL;
}

/* ---- the start ---- */

/* True when the registry knows this connector at this address: it runs from now on, with the settings of now. */
static bool start_known(struct declared *d, const struct registry_entry *was, struct view token)
{
    struct connectors *cs = d->set;
    struct registry_entry entry = *was;
    struct configure_result unused = { .warning_count = 0 };
    struct connector *old = connectors_get(cs, d->name), *next = NULL;
    struct error err;
    bool ok = configure_settings(&d->settings, was, &entry, &unused, &err) &&
              registry_put(cs->options.registry, &entry, VIEW_NONE, &err);

    if (ok && old != NULL)
        connector_halt(old);
    ok = ok && connector_create(cs, &entry, old, &next, &err);
    if (ok) {
        next->declared = d;
        ok = connector_run(next, &entry, token, &err) && connectors_replace(cs, old, next, &err);
        if (!ok) {
            connector_halt(next);
            connector_release(next);
        }
    }
    if (!ok)
        log_warn("connector.start_failed", "name=%s error=%s", d->name, err.text);
    connector_release(old);
    return ok;
}

static bool list_placeholder(struct declared *d, struct error *err)
{
    struct registry_entry entry = { .is_declared = true };
    struct connector *c = connectors_get(d->set, d->name), *next = NULL;

    if (c != NULL) { /* under another address, or with a token that was stored */
        connector_release(c);
        show(d, "Okta has not answered yet with what was declared");
        return true;
    }
    memcpy(entry.name, d->name, sizeof entry.name);
    memcpy(entry.org_url, d->url.text, sizeof entry.org_url);
    if (!connector_create(d->set, &entry, NULL, &next, err))
        return false;
    next->declared = d;
    connector_show(next, CONNECTOR_STARTING, "Okta has not answered yet");
    if (connectors_replace(d->set, NULL, next, err))
        return true;
    connector_release(next);
    return false;
}

static bool is_known(const struct declared *d, struct registry_entry *was)
{
    return registry_get(d->set->options.registry, d->name, was, NULL) && was->is_declared && !was->is_retired &&
           strcmp(was->org_url, d->url.text) == 0;
}

static bool start(struct declared *d, struct error *err)
{
    struct buf token = BUF(TOKEN_FILE_BYTES_MAX);
    struct registry_entry was;
    bool ok;

    /* The stamp first: what changes after it is seen. No file has no stamp, and reading says so. */
    if (!token_file_stamp(d->token_file, &d->tried))
        memset(&d->tried, 0, sizeof d->tried);
    ok = token_file_read(d->token_file, &token, err);
    if (ok) {
        token_file_warn(d->token_file);
        d->is_settled = d->is_running = is_known(d, &was) && start_known(d, &was, buf_view(&token));
    }
    token_wipe(&token);
    return ok && (d->is_running || list_placeholder(d, err));
}

static bool check_declaration(struct connectors *cs, struct declared *d, const char *org, struct error *err)
{
    size_t count = 0;

    pthread_mutex_lock(&cs->lock);
    for (const struct declared *at = cs->declared; at != NULL; at = at->next)
        count++;
    pthread_mutex_unlock(&cs->lock);
    if (count >= DECLARED_MAX)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "at most %d connectors can be declared", DECLARED_MAX);
    if (declared_find(cs, d->name) != NULL)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "NAME_INVALID", "\"%s\" is declared twice", d->name);
    return okta_url_parse(view_of(org), cs->options.allow_loopback_http, &d->url, err);
}

bool connectors_declare(struct connectors *cs, const char *name, const char *org, const char *token_file,
                        const struct configure_request *settings, struct error *err)
{
    struct declared *d = mem_zero(sizeof *d);

    d->set = cs;
    d->settings = *settings;
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->token_file, sizeof d->token_file, "%s", token_file);
    if (!configure_name_is_valid(view_of(name), err) || !check_declaration(cs, d, org, err) || !start(d, err)) {
        free(d);
        return error_wrap(err, "connector %s", name);
    }
    pthread_mutex_lock(&cs->lock);
    d->next = cs->declared;
    cs->declared = d;
    ASSERT(pthread_create(&d->thread, &cs->thread_attr, declared_thread, d) == 0);
    pthread_mutex_unlock(&cs->lock);
    return true;
}

/* ---- looking it up, and the end ---- */

struct declared *declared_find(struct connectors *cs, const char *name)
{
    struct declared *found = NULL;

    pthread_mutex_lock(&cs->lock);
    for (struct declared *d = cs->declared; d != NULL && found == NULL; d = d->next)
        if (!atomic_load(&d->is_ended) && strcmp(d->name, name) == 0)
            found = d;
    pthread_mutex_unlock(&cs->lock);
    return found;
}

void connectors_reread(struct connectors *cs)
{
    pthread_mutex_lock(&cs->lock);
    for (struct declared *d = cs->declared; d != NULL; d = d->next)
        d->look_now = true;
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
}

void declared_end(struct connectors *cs, const char *name)
{
    struct declared *d = declared_find(cs, name);

    if (d == NULL)
        return;
    atomic_store(&d->is_ended, true);
    pthread_mutex_lock(&cs->lock);
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
}

void declared_join_all(struct connectors *cs)
{
    for (struct declared *d = cs->declared; d != NULL; d = d->next)
        pthread_join(d->thread, NULL);
}

void declared_free_all(struct connectors *cs)
{
    struct declared *next;

    for (struct declared *d = cs->declared; d != NULL; d = next) {
        next = d->next;
        free(d);
    }
    cs->declared = NULL;
}
