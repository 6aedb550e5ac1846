#include "base/mailbox.h"

#include "base/assert.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct mailbox {
    /* set when made, then read-only */
    size_t capacity;
    void (*wake)(void *ctx);
    void *ctx;

    /* any thread, under lock */
    pthread_mutex_t lock;
    struct letter *first, *last;
    size_t count;
    bool is_closed;
};

struct mailbox *mailbox_create(size_t capacity, void (*wake)(void *ctx), void *ctx)
{
    struct mailbox *m = mem_zero(sizeof *m);

    ASSERT(capacity > 0);
    m->capacity = capacity;
    m->wake = wake;
    m->ctx = ctx;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void mailbox_destroy(struct mailbox *m)
{
    if (m == NULL)
        return;
    ASSERT(m->first == NULL);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* Under lock. */
static void put_last(struct mailbox *m, struct letter *letter)
{
    letter->next = NULL;
    if (m->first == NULL)
        m->first = letter;
    else
        m->last->next = letter;
    m->last = letter;
    m->count++;
}

bool mailbox_send(struct mailbox *m, struct letter **letter)
{
    bool is_taken, is_first;

    pthread_mutex_lock(&m->lock);
    is_taken = !m->is_closed && m->count < m->capacity;
    is_first = m->count == 0;
    if (is_taken)
        put_last(m, *letter);
    pthread_mutex_unlock(&m->lock);
    if (!is_taken)
        return false;
    *letter = NULL;
    if (is_first)
        m->wake(m->ctx);
    return true;
}

struct letter *mailbox_take(struct mailbox *m)
{
    struct letter *letter;

    pthread_mutex_lock(&m->lock);
    letter = m->first;
    if (letter != NULL) {
        m->first = letter->next;
        m->count--;
        letter->next = NULL;
    }
    pthread_mutex_unlock(&m->lock);
    return letter;
}

void mailbox_close(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    m->is_closed = true;
    pthread_mutex_unlock(&m->lock);
}
