/* server/backup/readonly.h: opens a store or the registry read-only: one of a running server, or one in a backup.
 *
 * Call these only in a child process (child.h), since the files may be damaged. Private to this folder. */
#ifndef BACKUP_READONLY_H
#define BACKUP_READONLY_H

#include "backup/manifest.h"
#include "store/tables.h"

/* Opens the store in DIR, for use with snapshot_begin. `use` is DB_LOOK for a data folder, DB_LOOK_ALONE for a backup,
 * and DB_WRITE for a copy that is being restored. */
MUST_CHECK bool readonly_store(struct store **out, const char *dir, enum db_use use, struct error *err);
void readonly_close(struct store *s);

/* Reads the store's epoch and counts. */
MUST_CHECK bool readonly_facts(const struct snapshot *at, struct store_facts *out, struct error *err);

/* Reads all entries of the registry in DIR; `entries` has room for REGISTRY_CONNECTORS_MAX. */
MUST_CHECK bool readonly_registry(const char *dir, enum db_use use, struct registry_entry *entries, size_t *count,
                                  struct error *err);

/* Prepares the credentials of a registry that is being restored; no other process has it open. Without `seal_key_file`
 * it removes every sealed credential. With it, it checks that the key is the one that sealed them, and keeps them
 * (FAILED_PRECONDITION / SEAL_KEY_WRONG). `count` is the number of credentials, either way. */
MUST_CHECK bool readonly_secrets(const char *dir, const char *seal_key_file, size_t *count, struct error *err);

#endif
