/* server/connectors/jobs.c: jobs change the set of connectors. Each runs on a thread of its own, until its caller
 * cancels or its deadline passes.
 *
 * A job claims a name, and later an org; the next job for either waits until the claim is dropped. */
#include "connectors/connectors_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- waiting ---- */

int64_t connectors_mono_ms(struct connectors *cs)
{
    return clock_mono_ms(cs->options.clock);
}

void connectors_wait(struct connectors *cs, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&cs->moved, &cs->lock, &until);
}

static void *job_thread(void *arg)
{
    struct job *job = arg;
    struct connectors *cs = job->set;

    job->run(cs, job->arg);
    pthread_mutex_lock(&cs->lock);
    job->state = JOB_ENDED;
    pthread_mutex_unlock(&cs->lock);
    return NULL;
}

bool job_start(struct connectors *cs, size_t first, size_t count, void (*run)(struct connectors *, void *), void *arg)
{
    struct job *job = NULL;

    pthread_mutex_lock(&cs->lock);
    for (size_t i = first; i < first + count && job == NULL; i++)
        if (cs->jobs[i].state != JOB_RUNNING)
            job = &cs->jobs[i];
    if (job != NULL) {
        /* An ended job's thread only has to return, so this join takes no time. */
        if (job->state == JOB_ENDED)
            pthread_join(job->thread, NULL);
        *job = (struct job){ .state = JOB_RUNNING, .set = cs, .run = run, .arg = arg };
        if (pthread_create(&job->thread, &cs->thread_attr, job_thread, job) != 0) {
            job->state = JOB_FREE;
            job = NULL;
        }
    }
    pthread_mutex_unlock(&cs->lock);
    return job != NULL;
}

bool job_may_continue(struct connectors *cs, const struct job_limit *limit, struct error *err)
{
    if (atomic_load(&cs->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (limit->is_cancelled != NULL && limit->is_cancelled(limit->ctx))
        return error_reason(err, ERROR_CANCELLED, "CALLER_GONE", "the caller is gone");
    if (connectors_mono_ms(cs) >= limit->deadline_mono_ms)
        return error_reason(err, ERROR_DEADLINE_EXCEEDED, "CONFIGURE_TIMED_OUT", "it took longer than %d s",
                            CONFIGURE_DEADLINE_MS / 1000);
    return true;
}

/* ---- claims ---- */

static bool claim_is_taken(struct connectors *cs, const struct claim *by, const char *name, const char *org_id)
{
    for (const struct claim *c = cs->claims; c != NULL; c = c->next)
        if (c != by &&
            ((name != NULL && strcmp(c->name, name) == 0) || (org_id != NULL && strcmp(c->org_id, org_id) == 0)))
            return true;
    return false;
}

/* Waits a moment unless the name, or the org, is free; *is_free tells which. When it is free the claim has it. */
static void claim_try(struct connectors *cs, struct claim *claim, const char *name, const char *org_id, bool *is_free)
{
    pthread_mutex_lock(&cs->lock);
    *is_free = !claim_is_taken(cs, claim, name, org_id);
    if (!*is_free) {
        connectors_wait(cs, WAIT_SLICE_MS);
    } else if (name != NULL) {
        snprintf(claim->name, sizeof claim->name, "%s", name);
        claim->next = cs->claims;
        cs->claims = claim;
    } else {
        snprintf(claim->org_id, sizeof claim->org_id, "%s", org_id);
    }
    pthread_mutex_unlock(&cs->lock);
}

/* job_may_continue may call out, so it is never called under the lock. */
static bool claim_wait(struct connectors *cs, struct claim *claim, const char *name, const char *org_id,
                       const struct job_limit *limit, struct error *err)
{
    bool is_free = false;

    while (!is_free) {
        if (!job_may_continue(cs, limit, err))
            return false;
        claim_try(cs, claim, name, org_id, &is_free);
    }
    return true;
}

bool claim_name(struct connectors *cs, struct claim *claim, const char *name, const struct job_limit *limit,
                struct error *err)
{
    memset(claim, 0, sizeof *claim);
    return claim_wait(cs, claim, name, NULL, limit, err) ||
           error_wrap(err, "waiting for another change of \"%s\"", name);
}

bool claim_org(struct connectors *cs, struct claim *claim, const char *org_id, const struct job_limit *limit,
               struct error *err)
{
    return claim_wait(cs, claim, NULL, org_id, limit, err) ||
           error_wrap(err, "waiting for another change of the org %s", org_id);
}

void claim_drop(struct connectors *cs, struct claim *claim)
{
    pthread_mutex_lock(&cs->lock);
    for (struct claim **at = &cs->claims; *at != NULL; at = &(*at)->next)
        if (*at == claim) {
            *at = claim->next;
            break;
        }
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
}
