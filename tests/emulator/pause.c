#include "pause.h"

#include "base/clock.h"
#include "base/mem.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>

#define IDLE_MS 1000

struct pause {
    struct pause *next;
    struct MHD_Connection *connection; /* suspended, so that MHD keeps it */
    int64_t until_mono_ms;
};

struct pauses {
    pthread_t thread;
    /* Protects the list between MHD's thread, which adds, and ours, which takes away. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct pause *first;
    bool is_over;
};

/* Those whose time has come, taken off the list; *wait_ms is how long until the next. */
static struct pause *take_due(struct pauses *p, int64_t *wait_ms)
{
    int64_t now_ms = clock_mono_ms(&clock_system);
    struct pause *due = NULL, **at = &p->first;

    *wait_ms = IDLE_MS;
    while (*at != NULL) {
        struct pause *one = *at;

        if (!p->is_over && one->until_mono_ms > now_ms) {
            *wait_ms = one->until_mono_ms - now_ms < *wait_ms ? one->until_mono_ms - now_ms : *wait_ms;
            at = &one->next;
            continue;
        }
        *at = one->next;
        one->next = due;
        due = one;
    }
    return due;
}

static void wake(struct pause *due)
{
    while (due != NULL) {
        struct pause *next = due->next;

        MHD_resume_connection(due->connection);
        free(due);
        due = next;
    }
}

static void *run(void *arg)
{
    struct pauses *p = arg;
    bool is_over = false;

    while (!is_over) {
        struct pause *due;
        int64_t wait_ms;

        pthread_mutex_lock(&p->lock);
        due = take_due(p, &wait_ms);
        is_over = p->is_over && due == NULL; /* as of before the wait: afterwards there may be more to wake */
        if (due == NULL && !is_over) {
            int64_t end_ms = clock_mono_ms(&clock_system) + wait_ms;
            struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };

            pthread_cond_timedwait(&p->changed, &p->lock, &end);
        }
        pthread_mutex_unlock(&p->lock);
        wake(due); /* not under the lock: MHD has locks of its own */
    }
    return NULL;
}

struct pauses *pauses_create(void)
{
    struct pauses *p = mem_zero(sizeof *p);
    pthread_condattr_t attr;

    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&p->thread, NULL, run, p) != 0)
        abort(); /* out of memory */
    return p;
}

bool pauses_wait(struct pauses *p, struct MHD_Connection *connection, int64_t ms)
{
    struct pause *one;

    pthread_mutex_lock(&p->lock);
    if (p->is_over) {
        pthread_mutex_unlock(&p->lock);
        return false;
    }
    one = mem_zero(sizeof *one);
    one->connection = connection;
    one->until_mono_ms = clock_mono_ms(&clock_system) + ms;
    one->next = p->first;
    p->first = one;
    /* Under the lock, so that nobody wakes it before it sleeps. */
    MHD_suspend_connection(connection);
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return true;
}

void pauses_stop(struct pauses *p)
{
    pthread_mutex_lock(&p->lock);
    p->is_over = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
}

void pauses_destroy(struct pauses *p)
{
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
