/* server/backup/verify_store.h: the walk through one store. Private to this folder. */
#ifndef BACKUP_VERIFY_STORE_H
#define BACKUP_VERIFY_STORE_H

#include "backup/child.h"
#include "backup/readonly.h"
#include "backup/verify.h"

struct verify_job {
    const char *dir;
    const char *name; /* of what is walked, in sentences */
    enum db_use use;
    const struct verify_meaning *meaning; /* NULL: none */
};

struct verify_found {
    struct store_facts facts;
    uint64_t problems;
};

/* In a child: `arg` is a struct verify_job, `result` a struct verify_found. False: it could not even be opened. */
bool verify_store(struct child *child, void *arg, void *result, struct error *err);

#endif
