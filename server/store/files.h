/* server/store/files.h: folders, locks and small secret files. A symbolic link planted where we create or remove
 * something is never followed.
 *
 * Shared with registry/ and backup/; no other folder includes it. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/str.h"

/* Makes the folder, 0700. A folder that exists is no failure. `with_parents` also makes the missing ones above it. */
MUST_CHECK bool files_make_dir(const char *path, bool with_parents, struct error *err);

/* Whether there is such a file. A failure to find out (no permission, a broken path) is an error. */
MUST_CHECK bool files_exists(const char *path, bool *exists, struct error *err);

/* Makes names that were created, renamed or removed in the folder durable. Syncing a file does not do that. */
MUST_CHECK bool files_sync_dir(const char *path, struct error *err);

/* Takes an exclusive lock, creating the file if needed. The kernel drops it when its holder dies, kill -9 included. A
 * second opening of the same file is refused, within this process too. FAILED_PRECONDITION names the holder's pid. *fd
 * is the lock; files_unlock releases it, and ignores -1. */
MUST_CHECK bool files_lock(int *fd, const char *path, struct error *err);
void files_unlock(int fd);

/* The file's content, which must fit in out's cap; the caller wipes it if it is secret. NOT_FOUND. */
MUST_CHECK bool files_read(const char *path, struct buf *out, struct error *err);

/* Writes a new file, 0600: whole and durable, or not at all. ALREADY_EXISTS leaves the existing file alone. */
MUST_CHECK bool files_create(const char *path, struct view content, struct error *err);

/* Removes dir/name and everything below it. A name that is not there is no failure. */
MUST_CHECK bool files_remove_tree(const char *dir, const char *name, struct error *err);

/* Calls visit with each name in the folder except "." and "..". A visitor that returns false ends it, with its error.
 */
typedef bool files_visit(void *ctx, const char *name, struct error *err);
MUST_CHECK bool files_each(const char *dir, files_visit *visit, void *ctx, struct error *err);

#endif
