/* base/mailbox.h: messages that change owner between threads.
 *
 * Bounded, first in first out, one wake-up however many messages: the receiver drains until empty. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "base/error.h"

#include <stddef.h>

/* Embed first in what is sent. */
struct letter {
    struct letter *next;
};

struct mailbox;

/* `wake` is called from the sender's thread, with no lock held, when the mailbox stops being empty. `capacity` > 0. */
struct mailbox *mailbox_create(size_t capacity, void (*wake)(void *ctx), void *ctx);
void mailbox_destroy(struct mailbox *m); /* ASSERTs that it is empty */

/* Any thread. Takes *letter and leaves NULL there; false, and nothing taken, when it is full or closed. */
MUST_CHECK bool mailbox_send(struct mailbox *m, struct letter **letter);

/* Receiver's thread. NULL when empty; the letter is yours. */
struct letter *mailbox_take(struct mailbox *m);

/* Receiver's thread. From now on sending fails; what is inside is still to be taken. */
void mailbox_close(struct mailbox *m);

#endif
