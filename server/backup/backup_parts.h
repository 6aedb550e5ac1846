/* server/backup/backup_parts.h: what backup, restore and verify share: paths, and each kind of work run in a child
 * process. Private to this folder. */
#ifndef BACKUP_BACKUP_PARTS_H
#define BACKUP_BACKUP_PARTS_H

#include "backup/backup.h"
#include "backup/copy.h"
#include "backup/manifest.h"
#include "backup/verify_store.h"

#include <limits.h>

struct path {
    char at[PATH_MAX];
};

/* dir/name. INVALID_ARGUMENT: the path is too long. */
MUST_CHECK bool path_join(struct path *out, const char *dir, const char *name, struct error *err);
/* Removes trailing slashes. */
MUST_CHECK bool path_clean(struct path *out, const char *path, struct error *err);
/* The parent folder, and the name in it, which points into `path`. */
void path_split(const struct path *path, struct path *parent, const char **name);

struct child_listener parts_listener(const struct verify_listener *to);

/* Each of these runs in a child process. */

/* Copies and sums an LMDB environment (`is_env`) or a file. `to` NULL: only sums it. */
MUST_CHECK bool parts_copy(const char *from, const char *to, bool is_env, const char *name,
                           const struct verify_listener *to_tell, struct copied *out, struct error *err);
_Static_assert(sizeof(struct registry_entry) * REGISTRY_CONNECTORS_MAX + 16 <= CHILD_RESULT_MAX,
               "the child returns it whole");
struct parts_registry {
    size_t count;
    struct registry_entry entries[REGISTRY_CONNECTORS_MAX];
};
/* Lists the connectors of the registry in `dir`. */
MUST_CHECK bool parts_registry(const char *dir, enum db_use use, struct parts_registry *out, struct error *err);
/* Verifies the store in `dir`. True if it could be walked, whatever was found. */
MUST_CHECK bool parts_verify(const char *dir, const char *name, enum db_use use, const struct verify_meaning *meaning,
                             const struct verify_listener *listener, struct verify_found *out, struct error *err);

/* Whether the org of entry `at` was listed before: two connectors can share a store, if one continued another's under a
 * new name. */
bool parts_is_repeated(const struct registry_entry *entries, size_t at);

/* verify_backup, which also returns the manifest. */
MUST_CHECK bool parts_verify_backup(const char *from, const struct verify_meaning *meaning,
                                    const struct verify_listener *listener, struct manifest *manifest,
                                    struct verify_result *result, struct error *err);

#endif
