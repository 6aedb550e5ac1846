/* server/connectors/declare.c: connectors declared by flags or environment: their secret lies in a file.
 *
 * Each has a thread, so that one org that hangs keeps no other waiting:
 *
 *   known      the registry has this name with this org: it starts at once, Okta is asked later
 *   unknown    listed as STARTING, then as DEGRADED with the reason, until Okta has answered once
 *   watch      the file's stamp is looked at every few seconds; a changed secret is tried before the old one goes
 *   refused    the poller asks for a fresh one itself (declared_fresh_token), with no delay
 *
 * It ends with the set, or when its connector is deleted. */
#include "connectors/connectors_internal.h"

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
    char name[REGISTRY_NAME_MAX + 1], file[SECRET_FILE_PATH_MAX + 1];
    char *client_id, *key_id; /* of a service app, whose private key the file holds; NULL: it holds a credential */
    struct okta_url url;
    struct configure_request settings; /* without views */
    pthread_t thread;

    atomic_bool is_ended;

    /* under the set's lock */
    bool look_now;

    /* its thread */
    struct secret_stamp tried; /* of the secret that was tried last */
    bool is_settled;           /* what was tried last is at work, or was refused for good */
    bool is_running;           /* a poller of ours runs */
    int64_t retry_after_ms, retry_mono_ms;
};

/* ---- its credential ---- */

/* Appends the text of the credential that the file's content makes. */
static bool compose(const struct declared *d, struct view content, struct buf *text, struct error *err)
{
    if (d->client_id == NULL) {
        buf_put(text, content.at, content.len);
        return true; /* it has the room */
    }
    if (content.len == 0)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "it is empty");
    return credential_of_app(view_of(d->client_id), content, view_of(d->key_id), text) ||
           error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "it is too large for a private key");
}

bool declared_credential(const struct declared *d, struct buf *out, struct error *err)
{
    const char *what = d->client_id != NULL ? "private key" : "token";
    struct buf content = BUF(SECRET_FILE_BYTES_MAX + 1), text = BUF(2 * SECRET_FILE_BYTES_MAX);
    bool ok = secret_file_read(d->file, what, &content, err);

    if (ok && (!compose(d, buf_view(&content), &text, err) || !configure_credential(buf_view(&text), out, err)))
        ok = error_wrap(err, "the %s file %s", what, d->file);
    credential_wipe(&text);
    credential_wipe(&content);
    return ok;
}

const char *declared_file(const struct declared *d)
{
    return d->file;
}

int64_t declared_set_unix_ms(const struct declared *d)
{
    return secret_file_set_unix_ms(d->file);
}

bool declared_fresh_token(void *ctx, struct view used, struct buf *out)
{
    struct connector *c = ctx;
    struct buf fresh = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct error ignored;
    bool is_new = declared_credential(c->declared, &fresh, &ignored) && !view_eq(buf_view(&fresh), used);

    if (is_new) {
        buf_put(out, fresh.at, fresh.len);
        connector_show_credential(c, buf_view(&fresh), declared_set_unix_ms(c->declared));
    }
    credential_wipe(&fresh);
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

static bool configure_with(struct declared *d, struct view credential, struct error *err)
{
    struct configure_request r = d->settings;
    struct configure_result *result = mem_zero(sizeof *result);
    const struct wish wish = { wish_is_over, d, connectors_mono_ms(d->set) + CONFIGURE_DEADLINE_MS };
    bool ok;

    r.name = view_of(d->name);
    r.org = view_of(d->url.text);
    r.credential = credential;
    r.has_credential = true;
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

static void try_credential(struct declared *d)
{
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct error err;
    bool ok = declared_credential(d, &credential, &err) && configure_with(d, buf_view(&credential), &err);

    credential_wipe(&credential);
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
    struct secret_stamp now;
    bool is_changed = secret_file_stamp(d->file, &now) && !secret_stamp_eq(&now, &d->tried);

    if (is_changed) {
        d->tried = now;
        d->is_settled = false;
        secret_file_warn(d->file);
    }
    if (is_changed || (!d->is_settled && (was_asked || connectors_mono_ms(d->set) >= d->retry_mono_ms)))
        try_credential(d);
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
static bool start_known(struct declared *d, const struct registry_entry *was, struct view credential)
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
        ok = connector_run(next, &entry, credential, &err) && connectors_replace(cs, old, next, &err);
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

    if (c != NULL) { /* under another address, or with a credential that was stored */
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
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct registry_entry was;
    bool ok;

    /* The stamp first: what changes after it is seen. No file has no stamp, and reading says so. */
    if (!secret_file_stamp(d->file, &d->tried))
        memset(&d->tried, 0, sizeof d->tried);
    ok = declared_credential(d, &credential, err);
    if (ok) {
        secret_file_warn(d->file);
        d->is_settled = d->is_running = is_known(d, &was) && start_known(d, &was, buf_view(&credential));
    }
    credential_wipe(&credential);
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

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool take_source(struct declared *d, const struct declared_source *source, struct error *err)
{
    bool is_app = is_given(source->client_id);

    if (is_given(source->token_file) == is_app || is_given(source->private_key_file) != is_app ||
        (is_given(source->key_id) && !is_app))
        return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID",
                            "give either a token file, or a client id and a private key file");
    snprintf(d->file, sizeof d->file, "%s", is_app ? source->private_key_file : source->token_file);
    if (is_app) {
        d->client_id = mem_strdup(source->client_id);
        d->key_id = mem_strdup(is_given(source->key_id) ? source->key_id : "");
    }
    return true;
}

static void declared_free(struct declared *d)
{
    free(d->client_id);
    free(d->key_id);
    free(d);
}

bool connectors_declare(struct connectors *cs, const char *name, const char *org, const struct declared_source *source,
                        const struct configure_request *settings, struct error *err)
{
    struct declared *d = mem_zero(sizeof *d);

    d->set = cs;
    d->settings = *settings;
    snprintf(d->name, sizeof d->name, "%s", name);
    if (!configure_name_is_valid(view_of(name), err) || !take_source(d, source, err) ||
        !check_declaration(cs, d, org, err) || !start(d, err)) {
        declared_free(d);
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
        declared_free(d);
    }
    cs->declared = NULL;
}
