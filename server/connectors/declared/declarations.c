/* server/connectors/declared/declarations.c: the connectors that the configuration declares, at the start and when it
 * is read again.
 *
 *   known      the registry has this name with this org: the connector starts at once, and Okta is asked later
 *   unknown    the connector is listed as STARTING, then as DEGRADED with the reason, until Okta has answered once
 *   reload     declared, changed or withdrawn while the server runs: its thread asks Okta first (declared_thread.c) */
#include "connectors/declared/declared.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- the start ---- */

/* Starts a connector that the registry knows, with the settings of this declaration. */
static bool declared_start_known(struct declared *d, const struct registry_entry *was, struct view credential)
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

static bool declared_list_placeholder(struct declared *d, struct error *err)
{
    struct registry_entry entry = { .is_declared = true };
    struct connector *c = connectors_get(d->set, d->name), *next = NULL;

    if (c != NULL) { /* with another address, or with a stored credential */
        connector_release(c);
        declared_show(d, "Okta has not answered yet with what was declared");
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

static bool declared_is_known(const struct declared *d, struct registry_entry *was)
{
    return registry_get(d->set->options.registry, d->name, was, NULL) && was->is_declared && !was->is_retired &&
           strcmp(was->org_url, d->url.text) == 0;
}

static bool declared_start(struct declared *d, struct error *err)
{
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct registry_entry was;
    bool ok;

    /* Take the stamp before reading: a change after it is noticed then. Without a file there is no stamp, and reading
     * fails with a message that says so. */
    if (!secret_file_stamp(d->source.file, &d->tried))
        memset(&d->tried, 0, sizeof d->tried);
    ok = declared_credential(d, &credential, err);
    if (ok) {
        secret_file_warn(d->source.file);
        d->is_settled = d->is_running =
            declared_is_known(d, &was) && declared_start_known(d, &was, buf_view(&credential));
    }
    credential_wipe(&credential);
    return ok && (d->is_running || declared_list_placeholder(d, err));
}

/* The declaration of that name, unless it has ended. The caller holds the lock. */
static struct declared *declared_find_locked(struct connectors *cs, const char *name)
{
    struct declared *d = cs->declared;

    while (d != NULL && (atomic_load(&d->is_ended) || strcmp(d->name, name) != 0))
        d = d->next;
    return d;
}

static bool declared_has_room(struct connectors *cs, struct error *err)
{
    size_t ever = 0, at_once = 0;

    pthread_mutex_lock(&cs->lock);
    for (const struct declared *at = cs->declared; at != NULL; at = at->next) {
        ever++;
        at_once += !atomic_load(&at->is_ended) && !at->is_withdrawn;
    }
    pthread_mutex_unlock(&cs->lock);
    if (at_once >= DECLARED_MAX)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "at most %d connectors can be declared", DECLARED_MAX);
    if (ever >= DECLARED_EVER_MAX)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS",
                            "%d names were declared since the start: restart the server to declare more",
                            DECLARED_EVER_MAX);
    return true;
}

static bool source_has(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* Fills a struct source, to be freed also after a failure. */
static bool source_fill(struct source *out, const struct declared_source *given, struct error *err)
{
    bool is_app = source_has(given->client_id);

    if (source_has(given->token_file) == is_app || source_has(given->private_key_file) != is_app ||
        (source_has(given->key_id) && !is_app))
        return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID",
                            "give either a token file, or a client id and a private key file");
    out->file = mem_strdup(is_app ? given->private_key_file : given->token_file);
    if (strlen(out->file) > SECRET_FILE_PATH_MAX)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "SECRET_FILE_UNREADABLE",
                            "the secret file's path is longer than %d bytes", SECRET_FILE_PATH_MAX);
    if (is_app) {
        out->client_id = mem_strdup(given->client_id);
        out->key_id = mem_strdup(source_has(given->key_id) ? given->key_id : "");
    }
    return true;
}

static void declared_free(struct declared *d)
{
    source_free(&d->source);
    free(d);
}

/* A declaration that is not listed and has no thread yet; NULL with an error. */
static struct declared *declared_create(struct connectors *cs, const char *name, const char *org,
                                        const struct declared_source *source, const struct configure_request *settings,
                                        struct error *err)
{
    struct declared *d = mem_zero(sizeof *d);

    d->set = cs;
    d->settings = *settings;
    snprintf(d->name, sizeof d->name, "%s", name);
    if (configure_name_is_valid(view_of(name), err) && source_fill(&d->source, source, err) &&
        okta_url_parse(view_of(org), cs->options.allow_loopback_http, &d->url, err))
        return d;
    declared_free(d);
    return NULL;
}

static void declared_start_thread(struct declared *d)
{
    struct connectors *cs = d->set;

    pthread_mutex_lock(&cs->lock);
    d->next = cs->declared;
    cs->declared = d;
    ASSERT(pthread_create(&d->thread, &cs->thread_attr, declared_thread, d) == 0);
    pthread_mutex_unlock(&cs->lock);
}

static bool declared_exists(struct connectors *cs, const char *name)
{
    bool is_there;

    pthread_mutex_lock(&cs->lock);
    is_there = declared_find_locked(cs, name) != NULL;
    pthread_mutex_unlock(&cs->lock);
    return is_there;
}

bool connectors_declare(struct connectors *cs, const char *name, const char *org, const struct declared_source *source,
                        const struct configure_request *settings, struct error *err)
{
    struct declared *d = declared_create(cs, name, org, source, settings, err);

    if (d != NULL && declared_exists(cs, name))
        (void)error_reason(err, ERROR_INVALID_ARGUMENT, "NAME_INVALID", "\"%s\" is declared twice", name);
    else if (d != NULL && declared_has_room(cs, err) && declared_start(d, err)) {
        declared_start_thread(d);
        return true;
    }
    if (d != NULL)
        declared_free(d);
    return error_wrap(err, "connector %s", name);
}

/* ---- reload ---- */

/* Replaces the declaration of the same name by `from`. False when there is none. */
static bool declared_replace(struct connectors *cs, struct declared *from)
{
    struct declared *d;
    struct source was;

    pthread_mutex_lock(&cs->lock);
    d = declared_find_locked(cs, from->name);
    if (d != NULL) {
        was = d->source;
        d->source = from->source;
        from->source = was;
        d->url = from->url;
        d->settings = from->settings;
        d->is_withdrawn = false;
        d->is_changed = d->look_now = true;
        pthread_cond_broadcast(&cs->moved);
    }
    pthread_mutex_unlock(&cs->lock);
    return d != NULL;
}

bool connectors_redeclare(struct connectors *cs, const char *name, const char *org,
                          const struct declared_source *source, const struct configure_request *settings,
                          struct error *err)
{
    struct declared *d = declared_create(cs, name, org, source, settings, err);

    if (d != NULL && declared_replace(cs, d)) {
        declared_free(d);
        return true;
    }
    if (d != NULL && declared_has_room(cs, err) && declared_list_placeholder(d, err)) {
        declared_start_thread(d);
        return true;
    }
    if (d != NULL)
        declared_free(d);
    return error_wrap(err, "connector %s", name);
}

void connectors_undeclare(struct connectors *cs, const char *name)
{
    struct declared *d;

    pthread_mutex_lock(&cs->lock);
    d = declared_find_locked(cs, name);
    if (d != NULL) {
        d->is_withdrawn = d->look_now = true;
        pthread_cond_broadcast(&cs->moved);
    }
    pthread_mutex_unlock(&cs->lock);
}

bool connectors_check_declared(const char *name, const struct declared_source *source, struct error *err)
{
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct source s = { NULL };
    bool ok = configure_name_is_valid(view_of(name), err) && source_fill(&s, source, err) &&
              source_credential(&s, &credential, err);

    credential_wipe(&credential);
    source_free(&s);
    return ok || error_wrap(err, "connector %s", name);
}

/* ---- look-up, and the end ---- */

struct declared *declared_find(struct connectors *cs, const char *name)
{
    struct declared *found;

    pthread_mutex_lock(&cs->lock);
    found = declared_find_locked(cs, name);
    if (found != NULL && found->is_withdrawn)
        found = NULL;
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
    struct declared *d;

    pthread_mutex_lock(&cs->lock);
    d = declared_find_locked(cs, name);
    if (d != NULL) {
        atomic_store(&d->is_ended, true);
        pthread_cond_broadcast(&cs->moved);
    }
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
