/* server/store/files.h: folders, locks and small secret files. Nothing here follows a symbolic link that somebody put
 * where we create or remove. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/str.h"

/* Makes the folder 0700; there already is fine. `with_parents`: and those above it that are missing. */
MUST_CHECK bool files_make_dir(const char *path, bool with_parents, struct error *err);

/* Whether there is such a file. Other failures to look (no right, a broken path) are errors. */
MUST_CHECK bool files_exists(const char *path, bool *exists, struct error *err);

/* Makes names that were created or renamed in the folder durable. */
MUST_CHECK bool files_sync_dir(const char *path, struct error *err);

/* An exclusive lock that ends with its holder, kill -9 included: a second opening of the same file is refused, within
 * this process too. FAILED_PRECONDITION names the holder's pid. *fd is the lock; files_unlock(-1) is fine. */
MUST_CHECK bool files_lock(int *fd, const char *path, struct error *err);
void files_unlock(int fd);

/* The file's content, which must fit in out's cap; the caller wipes it if it is secret. NOT_FOUND. */
MUST_CHECK bool files_read(const char *path, struct buf *out, struct error *err);

/* Writes a new file, 0600, whole and durable or not at all. ALREADY_EXISTS leaves the old one alone. */
MUST_CHECK bool files_create(const char *path, struct view content, struct error *err);

/* Removes dir/name and all below it; not there is fine. */
MUST_CHECK bool files_remove_tree(const char *dir, const char *name, struct error *err);

/* Calls visit with each name in the folder but "." and "..". */
typedef bool files_visit(void *ctx, const char *name, struct error *err);
MUST_CHECK bool files_each(const char *dir, files_visit *visit, void *ctx, struct error *err);

#endif
