/* server/backup/verify_store.h: verifies one store, by a walk through its tables. Private to this folder. */
#ifndef BACKUP_VERIFY_STORE_H
#define BACKUP_VERIFY_STORE_H

#include "backup/child.h"
#include "backup/readonly.h"
#include "backup/verify.h"

struct verify_job {
    const char *dir;
    const char *name; /* names the store in messages */
    enum db_use use;
    const struct verify_meaning *meaning; /* NULL: none */
};

struct verify_found {
    struct store_facts facts;
    uint64_t problems;
};

/* Runs in a child: `arg` is a struct verify_job, `result` a struct verify_found. False: the store could not be opened.
 */
bool verify_store(struct child *child, void *arg, void *result, struct error *err);

#endif
