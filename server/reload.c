/* server/reload.c: SIGHUP, once the configuration has been read again:
 *
 *   1 check    what changed is held against this machine, as --check-config does; a mistake anywhere ends it here, and
 *              nothing has changed
 *   2 say      one line: what changed, and of that, what waits for a restart
 *   3 apply    log level, share, readers, grace time; then the connectors, by name: new ones are declared, changed ones
 *              changed, those that are gone withdrawn (they stop; their data stays)
 *
 * No connection and no stream is touched by it. */
#include "reload.h"

#include "base/log.h"
#include "base/mem.h"
#include "check.h"
#include "connectors/configure/configure.h"
#include "connectors/declared/declarations.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct reload {
    /* set at the start, then read-only */
    const struct clock *clock;
    struct config *started;

    /* main thread */
    struct config *now;

    pthread_mutex_t lock; /* of what is here */
    struct reload_facts facts;
};

struct reload *reload_create(const struct config *started, const struct clock *clock)
{
    struct reload *r = mem_zero(sizeof *r);

    r->clock = clock;
    r->started = mem_copy(started, sizeof *started);
    r->now = mem_copy(started, sizeof *started);
    pthread_mutex_init(&r->lock, NULL);
    r->facts.is_successful = true;
    r->facts.success_unix_ms = clock_unix_ms(clock);
    return r;
}

void reload_destroy(struct reload *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->started);
    free(r->now);
    free(r);
}

const struct config *reload_config(const struct reload *r)
{
    return r->now;
}

void reload_facts(void *reload, struct reload_facts *out)
{
    struct reload *r = reload;

    pthread_mutex_lock(&r->lock);
    *out = r->facts;
    pthread_mutex_unlock(&r->lock);
}

/* ---- connectors ---- */

/* With what holds for all filled in where it says nothing itself. */
static struct config_declared whole(const struct config *c, const struct config_declared *d)
{
    struct config_declared copy = *d;

    if (copy.history_days < 0)
        copy.history_days = c->history_days;
    if (copy.retention_days < 0)
        copy.retention_days = c->retention_days;
    return copy;
}

static const struct config_declared *find(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->declared_count; i++)
        if (strcmp(c->declared[i].name, name) == 0)
            return &c->declared[i];
    return NULL;
}

/* Whether `d`, of `next`, declares what is declared already. */
static bool is_as_before(const struct config *now, const struct config *next, const struct config_declared *d)
{
    const struct config_declared *before = find(now, d->name);
    struct config_declared was, is = whole(next, d);

    if (before == NULL)
        return false;
    was = whole(now, before);
    return config_declared_eq(&was, &is);
}

static void declare(const struct config *next, const struct config_declared *d, struct connectors *connectors)
{
    const struct config_declared all = whole(next, d);
    const struct declared_source source = { d->token_file, d->client_id, d->private_key_file, d->key_id };
    const struct configure_request settings = {
        .collections = all.collections,
        .history_days = all.history_days,
        .retention_days = all.retention_days,
    };
    struct error err;

    if (!connectors_redeclare(connectors, d->name, d->org, &source, &settings, &err))
        log_error("config.connector_failed", "name=%s error=%s", d->name, err.text);
}

static void apply_connectors(const struct config *now, const struct config *next, struct connectors *connectors)
{
    for (size_t i = 0; i < now->declared_count; i++)
        if (find(next, now->declared[i].name) == NULL) {
            log_info("config.connector_withdrawn", "name=%s data=kept", now->declared[i].name);
            connectors_undeclare(connectors, now->declared[i].name);
        }
    for (size_t i = 0; i < next->declared_count; i++) {
        const struct config_declared *d = &next->declared[i];

        if (is_as_before(now, next, d))
            continue;
        log_info("config.connector_declared", "name=%s new=%s", d->name, find(now, d->name) == NULL ? "true" : "false");
        declare(next, d, connectors);
    }
}

/* ---- the rest ---- */

static void check_changed(const struct config *now, const struct config *next, struct config_problems *problems)
{
    for (size_t i = 0; i < next->declared_count; i++)
        if (!is_as_before(now, next, &next->declared[i]))
            check_declared(next, &next->declared[i], problems);
}

static const char *first_error(const struct config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->all[i].is_warning)
            return problems->all[i].text;
    return "";
}

static void refuse(struct reload *r, const struct config_problems *problems)
{
    log_error("config.reload_failed", "applied=nothing problems=%zu first=%s", problems->errors, first_error(problems));
    pthread_mutex_lock(&r->lock);
    r->facts.at_unix_ms = clock_unix_ms(r->clock);
    r->facts.is_successful = false;
    snprintf(r->facts.error, sizeof r->facts.error, "%s", first_error(problems));
    pthread_mutex_unlock(&r->lock);
}

static void accept(struct reload *r, const struct config *next)
{
    AUTO_BUF struct buf live = BUF(RELOAD_TEXT_MAX);
    AUTO_BUF struct buf restart = BUF(RELOAD_TEXT_MAX);

    config_changes(r->now, next, true, &live);
    /* Against what runs: it is said again until the restart. */
    if (config_changes(r->started, next, false, &restart) > 0)
        log_warn("config.restart_needed", "settings=%s", buf_cstr(&restart));
    log_info("config.reloaded", "file=%s changed=%s restart_needed=%s", next->file[0] != '\0' ? next->file : "none",
             live.len > 0 ? buf_cstr(&live) : "nothing", restart.len > 0 ? buf_cstr(&restart) : "no");
    pthread_mutex_lock(&r->lock);
    r->facts.at_unix_ms = r->facts.success_unix_ms = clock_unix_ms(r->clock);
    r->facts.is_successful = true;
    r->facts.error[0] = '\0';
    snprintf(r->facts.needs_restart, sizeof r->facts.needs_restart, "%s", buf_cstr(&restart));
    pthread_mutex_unlock(&r->lock);
}

void reload_apply(struct reload *r, const struct config *next, struct config_problems *problems,
                  struct connectors *connectors, struct rpc *rpc)
{
    if (next != NULL)
        check_changed(r->now, next, problems);
    if (next == NULL || problems->errors > 0) {
        refuse(r, problems);
        return;
    }
    /* Told at the level that shows more of the two. */
    if (next->log_level < r->now->log_level)
        log_set_level(next->log_level);
    accept(r, next);
    connectors_set_share(connectors, next->org_share_percent);
    rpc_set_readers(rpc, next->reader_uid, next->reader_gid);
    apply_connectors(r->now, next, connectors);
    log_set_level(next->log_level);
    *r->now = *next;
}
