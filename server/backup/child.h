/* server/backup/child.h: runs work on LMDB's files in a child process.
 *
 * LMDB trusts the pages it maps. A damaged page can crash its reader or lead it in circles, and a file that is cut off
 * while it is mapped raises SIGBUS. So files that may be damaged are read in a child process. The child may die or
 * hang; the parent survives, kills it if need be, and reports what happened.
 *
 * The child is a fork without exec: it works on the parent's memory as it was. The parent must have no other threads,
 * as a lock that another thread held would stay locked in the child. The child never returns from child_run. Private to
 * this folder. */
#ifndef BACKUP_CHILD_H
#define BACKUP_CHILD_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CHILD_TEXT_MAX      ERROR_TEXT_MAX
#define CHILD_RESULT_MAX    (64u << 10)
#define CHILD_SILENCE_MAX_S 120 /* a child without a sign of life for that long is stuck, and is killed */

struct child;

/* Callbacks in the parent while the child works. Each may be NULL. */
struct child_listener {
    void (*say)(void *ctx, const char *sentence);
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *ctx;
};

/* The work, run in the child. `result` is zeroed at the start, and is copied to the parent after success and failure.
 */
typedef bool child_work(struct child *child, void *arg, void *result, struct error *err);

/* Runs the work to its end and returns its outcome. DATA_LOSS: the child died of what it read. DEADLINE_EXCEEDED: it
 * got stuck. */
MUST_CHECK bool child_run(child_work *work, void *arg, void *result, size_t result_len,
                          const struct child_listener *listener, struct error *err);

/* In the child: sends a sentence for people. */
void child_say(struct child *child, const char *format, ...) PRINTF(2, 3);
/* In the child: reports progress, which is also the sign of life. It is cheap: call it as often as you like. */
void child_progress(struct child *child, const char *what, uint64_t done, uint64_t total);

#endif
