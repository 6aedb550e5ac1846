/* server/backup/readonly.h: a store, or the registry, opened to be looked at only: of a running server, or of a backup.
 *
 * For a child process (child.h), since what is looked at may be damaged. Private to this folder. */
#ifndef BACKUP_READONLY_H
#define BACKUP_READONLY_H

#include "backup/manifest.h"
#include "store/tables.h"

/* Opens DIR's store for snapshot_begin. `use`: DB_LOOK for a data folder, DB_LOOK_ALONE for a backup. */
MUST_CHECK bool readonly_store(struct store **out, const char *dir, enum db_use use, struct error *err);
void readonly_close(struct store *s);

/* What the snapshot's store says of itself. */
MUST_CHECK bool readonly_facts(const struct snapshot *at, struct store_facts *out, struct error *err);

/* All entries of DIR's registry; `entries` has room for REGISTRY_CONNECTORS_MAX. */
MUST_CHECK bool readonly_registry(const char *dir, enum db_use use, struct registry_entry *entries, size_t *count,
                                  struct error *err);

/* Opens DIR's registry, which nobody else has, and takes away every sealed credential; where `seal_key_file` is
 * given, instead sees that it is the key that sealed them (FAILED_PRECONDITION / SEAL_KEY_WRONG). `count`: of the
 * credentials. */
MUST_CHECK bool readonly_secrets(const char *dir, const char *seal_key_file, size_t *count, struct error *err);

#endif
