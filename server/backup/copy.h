/* server/backup/copy.h: copies files and computes their SHA-256. Private to this folder. */
#ifndef BACKUP_COPY_H
#define BACKUP_COPY_H

#include "backup/child.h"
#include "backup/manifest.h"

#include <sodium.h>

struct copy_job {
    const char *from; /* copy_env: a folder that contains data.mdb; copy_file: a file */
    const char *to;   /* a new file, 0600; NULL: only compute the sum (copy_file) */
    const char *name; /* for progress reports */
};

struct copied {
    uint64_t bytes;
    unsigned char sha256[crypto_hash_sha256_BYTES];
};

/* Both run in a child: `arg` is a struct copy_job, `result` a struct copied. On success the content is durable; its
 * name is durable only after the folder is synced. copy_env copies an LMDB environment as of one commit, beside its
 * writer, without free pages. */
bool copy_env(struct child *child, void *arg, void *result, struct error *err);
bool copy_file(struct child *child, void *arg, void *result, struct error *err);

#endif
