/* server/backup/child.h: work on LMDB's files in a child process.
 *
 * LMDB trusts what it maps: a damaged page, or a file that is cut while it is read, can end whoever reads it, or lead
 * it in circles. So what may be damaged is read in a child, which may die or be ended, and the parent says what
 * happened. The parent has no other threads; the child never returns. Private to this folder. */
#ifndef BACKUP_CHILD_H
#define BACKUP_CHILD_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CHILD_TEXT_MAX      ERROR_TEXT_MAX
#define CHILD_RESULT_MAX    (64u << 10)
#define CHILD_SILENCE_MAX_S 120 /* without a word from the child: it is stuck, as its disk may be */

struct child;

/* What the parent hears meanwhile. Each may be NULL. */
struct child_listener {
    void (*say)(void *ctx, const char *sentence);
    void (*moved)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *ctx;
};

/* In the child. `result` is zeroed; what is in it comes to the parent, with success or failure. */
typedef bool child_work(struct child *child, void *arg, void *result, struct error *err);

/* Runs it to its end. DATA_LOSS when the child died of what it read; DEADLINE_EXCEEDED when it got stuck. */
MUST_CHECK bool child_run(child_work *work, void *arg, void *result, size_t result_len,
                          const struct child_listener *listener, struct error *err);

/* In the child: a sentence for people; and a sign of life, as often as one likes. */
void child_say(struct child *child, const char *format, ...) PRINTF(2, 3);
void child_progress(struct child *child, const char *what, uint64_t done, uint64_t total);

#endif
