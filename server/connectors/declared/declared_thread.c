/* server/connectors/declared/declared_thread.c: the thread of one declared connector, whose secret is in a file. Each
 * declaration has a thread of its own, so that one org that hangs does not delay the others:
 *
 *   watch      it compares the file's stamp every few seconds; a changed secret is tried before the old one is dropped
 *   refused    the poller asks for a newer secret by itself (declared_fresh_token), without a delay
 *   changed    a changed declaration is tried before the old one is dropped, like a changed secret
 *   withdrawn  the poller ends; the connector stays listed and says why. It may be declared again
 *
 * The thread ends with the set, or when its connector is deleted. */
#include "connectors/declared/declared.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define WATCH_MS     5000 /* between looks at the file */
#define RETRY_MIN_MS 5000 /* after a failure, doubled up to: */
#define RETRY_MAX_MS 60000
/* With a dead credential: trying it more often would alarm the org's admins. A new one is noticed at once. */
#define REFUSED_MS 900000

/* ---- its credential ---- */

void source_free(struct source *s)
{
    free(s->file);
    free(s->client_id);
    free(s->key_id);
}

/* A copy, to be freed. */
static struct source declared_copy_source(struct declared *d)
{
    struct source copy;

    pthread_mutex_lock(&d->set->lock);
    copy = (struct source){ mem_strdup(d->source.file), mem_strdup(d->source.client_id), mem_strdup(d->source.key_id) };
    pthread_mutex_unlock(&d->set->lock);
    return copy;
}

/* Appends the credential as text: the file's content, or a service app's document with the key from the file. */
static bool source_compose(const struct source *s, struct view content, struct buf *text, struct error *err)
{
    if (s->client_id == NULL) {
        buf_put(text, content.at, content.len);
        return true; /* text has room for any file that secret_file_read accepts */
    }
    if (content.len == 0)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "it is empty");
    if (credential_of_app(view_of(s->client_id), content, view_of(s->key_id), text))
        return true;
    return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "it is too large for a private key");
}

bool source_credential(const struct source *s, struct buf *out, struct error *err)
{
    const char *what = s->client_id != NULL ? "private key" : "token";
    struct buf content = BUF(SECRET_FILE_BYTES_MAX + 1), text = BUF(2 * SECRET_FILE_BYTES_MAX);
    bool ok = secret_file_read(s->file, what, &content, err);

    if (ok && (!source_compose(s, buf_view(&content), &text, err) || !configure_credential(buf_view(&text), out, err)))
        ok = error_wrap(err, "the %s file %s", what, s->file);
    credential_wipe(&text);
    credential_wipe(&content);
    return ok;
}

bool declared_credential(struct declared *d, struct buf *out, struct error *err)
{
    struct source s = declared_copy_source(d);
    bool ok = source_credential(&s, out, err);

    source_free(&s);
    return ok;
}

void declared_file(struct declared *d, char *out, size_t size)
{
    pthread_mutex_lock(&d->set->lock);
    snprintf(out, size, "%s", d->source.file);
    pthread_mutex_unlock(&d->set->lock);
}

int64_t declared_set_unix_ms(struct declared *d)
{
    char file[SECRET_FILE_PATH_MAX + 1];

    declared_file(d, file, sizeof file);
    return secret_file_set_unix_ms(file);
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

static bool declared_is_over(const struct declared *d)
{
    return atomic_load(&d->is_ended) || atomic_load(&d->set->is_stopping);
}

static bool declared_is_ended(void *ctx)
{
    return atomic_load(&((const struct declared *)ctx)->is_ended);
}

void declared_show(struct declared *d, const char *reason)
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

static void declared_retry_later(struct declared *d, const struct error *err)
{
    bool was_refused = err->reason != NULL && strcmp(err->reason, "OKTA_TOKEN_REFUSED") == 0;

    d->retry_after_ms = d->retry_after_ms == 0 ? RETRY_MIN_MS : d->retry_after_ms * 2;
    if (d->retry_after_ms > RETRY_MAX_MS)
        d->retry_after_ms = RETRY_MAX_MS;
    d->retry_mono_ms = connectors_mono_ms(d->set) + (was_refused ? REFUSED_MS : d->retry_after_ms);
}

/* Copies the declaration, since a reload may change it meanwhile. */
static void declared_copy(struct declared *d, struct okta_url *url, struct configure_request *settings)
{
    pthread_mutex_lock(&d->set->lock);
    *url = d->url;
    *settings = d->settings;
    pthread_mutex_unlock(&d->set->lock);
}

static bool declared_configure(struct declared *d, struct view credential, struct error *err)
{
    struct configure_order *order = mem_zero(sizeof *order);
    struct configure_result *result = mem_zero(sizeof *result);
    const struct job_limit limit = { declared_is_ended, d, connectors_mono_ms(d->set) + CONFIGURE_DEADLINE_MS };
    bool ok;

    declared_copy(d, &order->url, &order->wanted);
    memcpy(order->name, d->name, sizeof order->name);
    order->has_org = order->has_credential = true;
    buf_init(&order->credential, REGISTRY_SECRET_MAX);
    buf_put(&order->credential, credential.at, credential.len);
    order->wanted.is_declared = true;
    /* A pod must come up with what works. Status says what does not. */
    order->wanted.allow_partial = true;
    ok = configure_run(d->set, order, d, &limit, result, err);
    configure_order_deinit(order);
    free(order);
    for (size_t i = 0; ok && i < result->permission_count; i++)
        if (result->permissions[i].verdict != PERMISSION_WORKS)
            log_warn("connector.permission", "name=%s endpoint=%s remedy=%s", d->name, result->permissions[i].endpoint,
                     result->permissions[i].remedy);
    free(result);
    return ok;
}

static void declared_try_credential(struct declared *d)
{
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct error err;
    bool ok = declared_credential(d, &credential, &err) && declared_configure(d, buf_view(&credential), &err);

    credential_wipe(&credential);
    if (ok) {
        d->is_settled = d->is_running = true;
        d->retry_after_ms = 0;
        return;
    }
    if (declared_is_over(d))
        return;
    log_warn("connector.declared_waits", "name=%s running=%s error=%s", d->name, d->is_running ? "true" : "false",
             err.text);
    declared_show(d, err.text);
    declared_retry_later(d, &err);
}

static void declared_look(struct declared *d, bool was_asked)
{
    char file[SECRET_FILE_PATH_MAX + 1];
    struct secret_stamp now;
    bool is_changed;

    declared_file(d, file, sizeof file);
    is_changed = secret_file_stamp(file, &now) && !secret_stamp_eq(&now, &d->tried);
    if (is_changed) {
        d->tried = now;
        d->is_settled = false;
        secret_file_warn(file);
    }
    if (is_changed || (!d->is_settled && (was_asked || connectors_mono_ms(d->set) >= d->retry_mono_ms)))
        declared_try_credential(d);
}

/* Stops the connector. It stays listed with its data; one without data is removed from the list. */
static void declared_stop_connector(struct declared *d, struct connector *c)
{
    struct error err;

    connector_halt(c);
    if (c->org_id[0] == '\0') {
        if (!connectors_replace(d->set, c, NULL, &err))
            log_error("connector.unlist_failed", "name=%s error=%s", d->name, err.text);
        return;
    }
    connector_show(c, CONNECTOR_DEGRADED, NOT_DECLARED_ANY_MORE);
    connector_tell_health(c);
    d->set->options.changed(d->set->options.ctx, c->holding->topic);
}

static void declared_go_dormant(struct declared *d)
{
    const struct job_limit limit = { declared_is_ended, d, connectors_mono_ms(d->set) + CONFIGURE_DEADLINE_MS };
    struct connector *c;
    struct claim claim;
    struct error err;

    if (!claim_name(d->set, &claim, d->name, &limit, &err))
        return; /* tried again at the next look */
    c = connectors_get(d->set, d->name);
    if (c != NULL && c->declared == d)
        declared_stop_connector(d, c);
    connector_release(c);
    claim_drop(d->set, &claim);
    d->is_dormant = true;
    d->is_running = false;
    log_info("connector.undeclared", "name=%s data=kept", d->name);
}

/* Takes what a reload has changed since the last look. True: look at the secret; `now`: even if its file is the same.
 */
static bool declared_take_changes(struct declared *d, bool *now)
{
    bool is_changed, is_withdrawn;

    pthread_mutex_lock(&d->set->lock);
    *now = d->look_now;
    is_changed = d->is_changed;
    is_withdrawn = d->is_withdrawn;
    d->look_now = d->is_changed = false;
    pthread_mutex_unlock(&d->set->lock);
    if (is_withdrawn && !d->is_dormant)
        declared_go_dormant(d);
    if (is_withdrawn)
        return false;
    if (is_changed || d->is_dormant) {
        d->is_dormant = d->is_settled = false;
        d->retry_after_ms = d->retry_mono_ms = 0;
    }
    return true;
}

void *declared_thread(void *arg)
{
    struct declared *d = arg;

    while (!declared_is_over(d)) {
        bool now;

        if (declared_take_changes(d, &now))
            declared_look(d, now);
        pthread_mutex_lock(&d->set->lock);
        for (int64_t until = connectors_mono_ms(d->set) + WATCH_MS;
             !declared_is_over(d) && !d->look_now && connectors_mono_ms(d->set) < until;)
            connectors_wait(d->set, until - connectors_mono_ms(d->set));
        pthread_mutex_unlock(&d->set->lock);
    }
    return NULL;
}
