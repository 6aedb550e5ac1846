/* server/backup/copy.h: files copied with their sum. Private to this folder. */
#ifndef BACKUP_COPY_H
#define BACKUP_COPY_H

#include "backup/child.h"
#include "backup/manifest.h"

#include <sodium.h>

struct copy_job {
    const char *from; /* copy_env: a folder with data.mdb in it; else a file */
    const char *to;   /* a new file, 0600; NULL: only the sum is wanted (copy_file) */
    const char *name; /* in what is told */
};

struct copied {
    uint64_t bytes;
    unsigned char sha256[crypto_hash_sha256_BYTES];
};

/* Both in a child: `arg` is a struct copy_job, `result` a struct copied. Durable when they succeed; the name is not.
 * copy_env copies an LMDB environment, as of one moment, beside its writer, without the pages that hold nothing. */
bool copy_env(struct child *child, void *arg, void *result, struct error *err);
bool copy_file(struct child *child, void *arg, void *result, struct error *err);

#endif
