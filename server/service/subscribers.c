/* The open streams, for Status. Events and bytes are counted where they are sent. */
#include "base/mem.h"
#include "service/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct subscriber {
    struct subscriber *next, **link; /* under the lock */

    /* set before it is linked, then read-only */
    struct subscribers *all;
    unsigned topic;
    char peer[128];
    int64_t since_unix_ms;

    /* written by the stream's queue thread, read by any */
    _Atomic uint64_t sequence, events_sent, bytes_sent;
};

struct subscribers {
    pthread_mutex_t lock; /* protects the list's links: streams come and go on every queue thread */
    struct subscriber *first;

    /* any thread */
    _Atomic uint64_t opened, events, bytes; /* since the start, by streams that have ended too */
};

struct subscribers *subscribers_create(void)
{
    struct subscribers *s = mem_zero(sizeof *s);

    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void subscribers_destroy(struct subscribers *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct subscriber *subscriber_join(struct subscribers *s, unsigned topic, const char *peer, int64_t now_unix_ms,
                                   uint64_t sequence)
{
    struct subscriber *one = mem_zero(sizeof *one);

    one->all = s;
    one->topic = topic;
    atomic_fetch_add_explicit(&s->opened, 1, memory_order_relaxed);
    snprintf(one->peer, sizeof one->peer, "%s", peer);
    one->since_unix_ms = now_unix_ms;
    atomic_init(&one->sequence, sequence);
    pthread_mutex_lock(&s->lock);
    one->next = s->first;
    one->link = &s->first;
    if (one->next != NULL)
        one->next->link = &one->next;
    s->first = one;
    pthread_mutex_unlock(&s->lock);
    return one;
}

void subscriber_sent(struct subscriber *one, uint64_t sequence, uint64_t events, uint64_t bytes)
{
    atomic_store_explicit(&one->sequence, sequence, memory_order_relaxed);
    atomic_fetch_add_explicit(&one->events_sent, events, memory_order_relaxed);
    atomic_fetch_add_explicit(&one->bytes_sent, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&one->all->events, events, memory_order_relaxed);
    atomic_fetch_add_explicit(&one->all->bytes, bytes, memory_order_relaxed);
}

void subscriber_leave(struct subscribers *s, struct subscriber *one)
{
    pthread_mutex_lock(&s->lock);
    *one->link = one->next;
    if (one->next != NULL)
        one->next->link = one->link;
    pthread_mutex_unlock(&s->lock);
    free(one);
}

struct subscribers_totals subscribers_totals(const struct subscribers *s)
{
    return (struct subscribers_totals){
        .opened = atomic_load_explicit(&s->opened, memory_order_relaxed),
        .events_sent = atomic_load_explicit(&s->events, memory_order_relaxed),
        .bytes_sent = atomic_load_explicit(&s->bytes, memory_order_relaxed),
    };
}

size_t subscribers_list(struct subscribers *s, unsigned topic, struct subscriber_snapshot *out, size_t room)
{
    size_t count = 0;

    pthread_mutex_lock(&s->lock);
    for (struct subscriber *one = s->first; one != NULL; one = one->next) {
        if (one->topic != topic)
            continue;
        if (count < room) {
            snprintf(out[count].peer, sizeof out[count].peer, "%s", one->peer);
            out[count].since_unix_ms = one->since_unix_ms;
            out[count].sequence = atomic_load_explicit(&one->sequence, memory_order_relaxed);
            out[count].events_sent = atomic_load_explicit(&one->events_sent, memory_order_relaxed);
            out[count].bytes_sent = atomic_load_explicit(&one->bytes_sent, memory_order_relaxed);
        }
        count++;
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}
