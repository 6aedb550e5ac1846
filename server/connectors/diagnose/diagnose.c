/* server/connectors/diagnose/diagnose.c: Diagnose checks everything that a connector needs, one thing after the other,
 * on a thread of its own.
 *
 *   the disk
 *   for each connector: DNS, proxy and TLS (inspect.h, which sends no request); then, if the org can be reached and no
 *   rate limit is short, what its credential can do (probe.c, on a client of its own, since the poller's belongs to the
 *   poller's thread); then what its poller and its store report
 *
 * A check that cannot be made, because an earlier one failed or the time is over, is SKIPPED with that reason. */
#include "connectors/configure/probe.h"
#include "connectors/connectors_internal.h"
#include "connectors/diagnose/diagnose_verdict.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DIAGNOSE_DEADLINE_MS 60000
#define NAMES_TIMEOUT_MS     5000
#define CONNECT_TIMEOUT_MS   10000

struct diagnose_job {
    struct connectors *set;
    struct connector *only; /* a reference; NULL: all */
    struct job_limit limit;
    diagnose_done *done;
    struct diagnosis *out;
};

static struct check *diagnose_next(struct diagnose_job *d, const char *connector)
{
    struct diagnosis *all = d->out;
    struct check *c = &all->checks[all->count < DIAGNOSE_CHECKS_MAX ? all->count++ : DIAGNOSE_CHECKS_MAX - 1];

    memset(c, 0, sizeof *c);
    snprintf(c->connector, sizeof c->connector, "%s", connector);
    return c;
}

static bool diagnose_is_over(void *arg)
{
    struct diagnose_job *d = arg;
    struct error ignored;

    return !job_may_continue(d->set, &d->limit, &ignored);
}

/* ---- the disk ---- */

static void diagnose_look_at_disk(struct diagnose_job *d)
{
    const char *dir = d->set->options.data_dir;
    struct check *c = diagnose_next(d, "");
    struct disk_facts f = { .may_write = access(dir != NULL ? dir : "", W_OK) == 0 };
    struct statvfs v;
    struct statfs s;

    if (dir == NULL || statvfs(dir, &v) != 0 || statfs(dir, &s) != 0) {
        check_set(c, "disk", CHECK_SKIPPED, "the data folder cannot be looked at");
        return;
    }
    f.free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    f.total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    f.free_inodes = v.f_favail;
    f.total_inodes = v.f_files;
    f.is_readonly = (v.f_flag & ST_RDONLY) != 0;
    f.type = (long)s.f_type;
    diagnose_disk(&f, dir, c);
}

/* ---- the way to the org ---- */

/* True when the org can be reached. */
static bool diagnose_look_at_way(struct diagnose_job *d, const char *name, const struct okta_url *url)
{
    const struct connectors_options *o = &d->set->options;
    const struct okta_options options = {
        .url = *url, .proxy = o->proxy, .ca_file = o->ca_file, .allow_private = o->allow_private_org
    };
    struct inspect_limit limit = { NAMES_TIMEOUT_MS, diagnose_is_over, d };
    struct inspect_way way;
    struct inspect_names names;
    struct inspect_tls tls;

    inspect_way(&options, &way);
    inspect_names(&options, &limit, &names);
    diagnose_names(&names, &way, url->host, diagnose_next(d, name));
    if (!names.is_found && way.proxy[0] == '\0') {
        check_set(diagnose_next(d, name), "tls", CHECK_SKIPPED, "the name is not known");
        return false;
    }
    limit.timeout_ms = CONNECT_TIMEOUT_MS;
    inspect_tls(&options, &limit, &tls);
    diagnose_proxy(&way, &tls, diagnose_next(d, name));
    diagnose_tls(&tls, clock_unix_ms(o->clock) / 1000, diagnose_next(d, name));
    return tls.is_connected;
}

/* ---- the credential ---- */

static bool diagnose_read_credential(struct diagnose_job *d, const char *name, struct buf *out, struct error *err)
{
    struct declared *declared = declared_find(d->set, name);

    return declared != NULL ? declared_credential(declared, out, err)
                            : registry_secret(d->set->options.registry, name, out, err);
}

static void diagnose_look_at_credential(struct diagnose_job *d, struct connector *c,
                                        const struct credential_facts *facts)
{
    struct declared *declared = declared_find(d->set, c->name);
    char file[SECRET_FILE_PATH_MAX + 1] = "";
    struct stat st;
    int mode;

    if (declared != NULL)
        declared_file(declared, file, sizeof file);
    mode = file[0] != '\0' && stat(file, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
    diagnose_credential(facts, file, mode, clock_unix_ms(d->set->options.clock), diagnose_next(d, c->name));
}

/* The chosen collections whose rate limits are not short. */
static collection_set diagnose_askable(const struct poller_snapshot *s)
{
    collection_set may = 0;
    const struct collection *c;

    for (size_t i = 0; (c = probe_subject(i)) != NULL; i++)
        if (s->collections[c->id].is_chosen && !diagnose_is_short(s, view_of(c->path)))
            may |= collection_bit(c);
    return may;
}

static void diagnose_skip_short(struct diagnose_job *d, const char *name, const struct poller_snapshot *s,
                                collection_set asked)
{
    const struct collection *c;

    for (size_t i = 0; (c = probe_subject(i)) != NULL; i++)
        if (s->collections[c->id].is_chosen && (asked & collection_bit(c)) == 0)
            check_set(diagnose_next(d, name), "scope", CHECK_SKIPPED,
                      "GET %s: its rate limit is nearly used up, and nothing of it is spent on this", c->path);
}

static void diagnose_skip_okta(struct diagnose_job *d, const char *name, const char *why)
{
    check_set(diagnose_next(d, name), "clock", CHECK_SKIPPED, "%s", why);
    check_set(diagnose_next(d, name), "scope", CHECK_SKIPPED, "%s", why);
}

static void diagnose_look_at_okta(struct diagnose_job *d, struct connector *c, const struct okta_url *url,
                                  const struct poller_snapshot *s, const struct credential_facts *facts)
{
    struct configure_result *r = mem_zero(sizeof *r);
    struct buf credential = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    uint32_t collections = diagnose_askable(s);
    struct error err;

    if (!diagnose_read_credential(d, c->name, &credential, &err)) {
        diagnose_skip_okta(d, c->name, "there is no credential that could be tried");
    } else {
        bool ok = probe_run(d->set, url, buf_view(&credential), collections, &d->limit, r, &err);

        for (size_t i = 0; i < r->permission_count; i++)
            diagnose_permission(&r->permissions[i], diagnose_next(d, c->name));
        if (!ok)
            check_set(diagnose_next(d, c->name), "scope", CHECK_SKIPPED, "%s", err.text);
        else
            diagnose_skip_short(d, c->name, s, collections);
        if (r->okta_date_unix_s > 0)
            diagnose_clock(r->date_seen_unix_ms - r->okta_date_unix_s * 1000 - 500,
                           facts->kind == CREDENTIAL_SERVICE_APP, diagnose_next(d, c->name));
        else
            check_set(diagnose_next(d, c->name), "clock", CHECK_SKIPPED, "Okta did not say what time it is");
    }
    credential_wipe(&credential);
    free(r);
}

/* ---- one connector ---- */

static void diagnose_look_at_store(struct diagnose_job *d, struct connector *c, const struct poller_snapshot *s)
{
    struct store *store = connector_store(c);
    struct check *check = diagnose_next(d, c->name);
    struct store_usage usage;
    struct error err;

    if (store == NULL) {
        check_set(check, "store", s->reason == REASON_STORE_FAILED ? CHECK_FAIL : CHECK_SKIPPED,
                  "no store is open: %.300s", s->state_reason);
    } else if (!store_usage(store, &usage, &err)) {
        check_set(check, "store", CHECK_FAIL, "the store cannot be read: %.300s", err.text);
        check_remedy(check, "look at the disk above; a store that is damaged is restored from a backup");
    } else {
        diagnose_store(&usage, s, check);
    }
}

static void diagnose_look_at(struct diagnose_job *d, struct connector *c)
{
    struct poller_snapshot s;
    struct credential_facts facts;
    char text[REGISTRY_URL_MAX + 1];
    struct okta_url url;
    struct error err;

    connector_snapshot(c, &s);
    connector_credential(c, &facts);
    connector_org_url(c, text);
    if (diagnose_is_over(d)) {
        check_set(diagnose_next(d, c->name), "dns", CHECK_SKIPPED, "the time was over: diagnose this connector alone");
    } else if (!okta_url_parse(view_of(text), d->set->options.allow_loopback_http, &url, &err)) {
        check_set(diagnose_next(d, c->name), "org", CHECK_FAIL, "%s", err.text);
    } else {
        bool is_reachable = diagnose_look_at_way(d, c->name, &url);

        diagnose_look_at_credential(d, c, &facts);
        if (s.state == CONNECTOR_RETIRED)
            diagnose_skip_okta(d, c->name, "it is retired, and has no credential");
        else if (!is_reachable)
            diagnose_skip_okta(d, c->name, "the org cannot be reached");
        else
            diagnose_look_at_okta(d, c, &url, &s, &facts);
    }
    diagnose_limits(&s, clock_unix_ms(d->set->options.clock), diagnose_next(d, c->name));
    diagnose_tail(&s, clock_unix_ms(d->set->options.clock), diagnose_next(d, c->name));
    diagnose_look_at_store(d, c, &s);
}

/* ---- on a thread of its own ---- */

static void diagnose_job_run(struct connectors *cs, void *arg)
{
    struct diagnose_job *d = arg;
    struct connector *all[CONNECTORS_MAX];
    size_t count = 1;

    all[0] = d->only;
    if (d->only == NULL)
        count = connectors_all(cs, all);
    diagnose_look_at_disk(d);
    for (size_t i = 0; i < count; i++) {
        diagnose_look_at(d, all[i]);
        connector_release(all[i]);
    }
    d->done(d->limit.ctx, d->out, NULL);
    free(d->out);
    free(d);
}

void connectors_diagnose(struct connectors *cs, struct view name, bool (*is_cancelled)(void *ctx), diagnose_done *done,
                         void *ctx)
{
    struct diagnose_job *d;
    struct connector *only = NULL;
    struct error err;

    if (name.len > 0 && (only = connectors_find(cs, name, &err)) == NULL) {
        done(ctx, NULL, &err);
        return;
    }
    d = mem_zero(sizeof *d);
    d->set = cs;
    d->only = only;
    d->limit = (struct job_limit){ is_cancelled, ctx, connectors_mono_ms(cs) + DIAGNOSE_DEADLINE_MS };
    d->done = done;
    d->out = mem_zero(sizeof *d->out);
    if (!atomic_load(&cs->is_stopping) &&
        job_start(cs, CONFIGURES_MAX + DELETES_MAX, DIAGNOSES_MAX, diagnose_job_run, d))
        return;
    connector_release(only);
    free(d->out);
    free(d);
    if (atomic_load(&cs->is_stopping))
        error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    else
        error_reason(&err, ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES", "%d diagnoses are under way", DIAGNOSES_MAX);
    done(ctx, NULL, &err);
}
