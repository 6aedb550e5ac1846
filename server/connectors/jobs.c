/* server/connectors/jobs.c: who works on the set: threads of their own, what they still wish for, and what they have
 * claimed.
 *
 * A job claims a name, later an org; the next job for either waits until the claim is dropped. */
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
        /* An ended thread only has to return: this join does not wait for anything that takes time. */
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

bool wish_lives(struct connectors *cs, const struct wish *wish, struct error *err)
{
    if (atomic_load(&cs->is_stopping))
        return error_reason(err, ERROR_UNAVAILABLE, "SHUTTING_DOWN", "the server is shutting down");
    if (wish->is_cancelled != NULL && wish->is_cancelled(wish->ctx))
        return error_reason(err, ERROR_CANCELLED, "CALLER_GONE", "nobody waits for it any more");
    if (connectors_mono_ms(cs) >= wish->deadline_mono_ms)
        return error_reason(err, ERROR_DEADLINE_EXCEEDED, "CONFIGURE_TIMED_OUT", "it took longer than %d s",
                            CONFIGURE_DEADLINE_MS / 1000);
    return true;
}

/* ---- claims ---- */

static bool is_claimed(struct connectors *cs, const struct claim *by, const char *name, const char *org_id)
{
    for (const struct claim *c = cs->claims; c != NULL; c = c->next)
        if (c != by &&
            ((name != NULL && strcmp(c->name, name) == 0) || (org_id != NULL && strcmp(c->org_id, org_id) == 0)))
            return true;
    return false;
}

static bool claim_wait(struct connectors *cs, struct claim *claim, const char *name, const char *org_id,
                       const struct wish *wish, struct error *err)
{
    bool lives;

    /* wish_lives may call out, and is never called under the lock. */
    while ((lives = wish_lives(cs, wish, err))) {
        pthread_mutex_lock(&cs->lock);
        if (!is_claimed(cs, claim, name, org_id))
            return true; /* locked */
        connectors_wait(cs, WAIT_SLICE_MS);
        pthread_mutex_unlock(&cs->lock);
    }
    return false;
}

bool claim_name(struct connectors *cs, struct claim *claim, const char *name, const struct wish *wish,
                struct error *err)
{
    memset(claim, 0, sizeof *claim);
    if (!claim_wait(cs, claim, name, NULL, wish, err))
        return error_wrap(err, "waiting for another change of \"%s\"", name);
    snprintf(claim->name, sizeof claim->name, "%s", name);
    claim->next = cs->claims;
    cs->claims = claim;
    pthread_mutex_unlock(&cs->lock);
    return true;
}

bool claim_org(struct connectors *cs, struct claim *claim, const char *org_id, const struct wish *wish,
               struct error *err)
{
    if (!claim_wait(cs, claim, NULL, org_id, wish, err))
        return error_wrap(err, "waiting for another change of the org %s", org_id);
    snprintf(claim->org_id, sizeof claim->org_id, "%s", org_id);
    pthread_mutex_unlock(&cs->lock);
    return true;
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
