/* server/backup/backup_parts.h: what making, restoring and verifying a backup share. Private to this folder. */
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

/* dir/name, for names of ours. INVALID_ARGUMENT when it is too long. */
MUST_CHECK bool path_join(struct path *out, const char *dir, const char *name, struct error *err);
/* Without slashes at its end; and the folder it lies in, and its name there. */
MUST_CHECK bool path_clean(struct path *out, const char *path, struct error *err);
void path_split(const struct path *path, struct path *parent, const char **name);

struct child_listener parts_listener(const struct verify_listener *to);

/* Each in a child. */
MUST_CHECK bool parts_copy(const char *from, const char *to, bool is_env, const char *name,
                           const struct verify_listener *to_tell, struct copied *out, struct error *err);
_Static_assert(sizeof(struct registry_entry) * REGISTRY_CONNECTORS_MAX + 16 <= CHILD_RESULT_MAX, "it comes back whole");
struct parts_registry {
    size_t count;
    struct registry_entry entries[REGISTRY_CONNECTORS_MAX];
};
MUST_CHECK bool parts_registry(const char *dir, enum db_use use, struct parts_registry *out, struct error *err);
MUST_CHECK bool parts_verify(const char *dir, const char *name, enum db_use use, const struct verify_meaning *meaning,
                             const struct verify_listener *listener, struct verify_found *out, struct error *err);

/* The same org was listed before: a store that was continued under another name. */
bool parts_is_repeated(const struct registry_entry *entries, size_t at);

/* verify_backup with what the manifest says. */
MUST_CHECK bool parts_verify_backup(const char *from, const struct verify_meaning *meaning,
                                    const struct verify_listener *listener, struct manifest *manifest,
                                    struct verify_result *result, struct error *err);

#endif
