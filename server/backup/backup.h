/* server/backup/backup.h: backs up a data folder while its server runs, and restores it.
 *
 * A backup is a folder: manifest.json, its checksum, and a data.mdb without free pages for the registry and for each
 * org's store. The seal key is not in it: sealed credentials are copied, and stay sealed.
 *
 * The work is done in child processes (child.h), so the caller must have no other threads. It takes some megabytes of
 * memory, whatever the size of the data. Nothing is left half done: a folder under its final name is whole and durable.
 */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "backup/verify.h"

struct backup_options {
    const char *data_dir;
    const char *dir;                      /* the backup's folder */
    const char *program;                  /* name and version, for the manifest */
    int64_t now_unix_ms;                  /* for the manifest */
    const struct verify_meaning *meaning; /* used to verify each copy */
    const struct verify_listener *listener;
    const char *seal_key_file; /* restore only: the key that sealed the credentials; NULL: remove the credentials */
};

struct backup_result {
    unsigned stores;
    uint64_t events, bytes, rows[STORE_ROW_KINDS_MAX];
    uint64_t problems; /* that verifying found; if any, the call fails */
    unsigned connectors;
    unsigned secrets_kept; /* restore only: credentials that were kept */
    unsigned secrets_lost; /* restore only: credentials that were removed, as no key was given */
};

/* Copies data_dir to `dir`, which must not exist; its parent must. Each store is copied as of one commit, so its events
 * and the poller's positions agree. The stores' commits need not be of the same moment. While it is copied, a live
 * store grows, as it cannot reuse pages. ALREADY_EXISTS: `dir` exists. NOT_FOUND: data_dir is not a data folder.
 * RESOURCE_EXHAUSTED: no space. DATA_LOSS: the data is damaged, and the listener was told how. ABORTED: try again. */
MUST_CHECK bool backup_make(const struct backup_options *options, struct backup_result *result, struct error *err);

/* Verifies a backup, then copies it to data_dir, which must be empty or missing, and not in use. Each store gets a new
 * epoch: a client with a position in the old one is told that the store was rewound. The poller's positions are kept,
 * so collecting continues from them. */
MUST_CHECK bool backup_restore(const struct backup_options *options, struct backup_result *result, struct error *err);

#endif
