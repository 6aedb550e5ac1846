/* server/backup/backup.h: a copy of a data folder, taken while its server runs, and the way back.
 *
 * A backup is a folder: manifest.json, its sum, and a data.mdb for the registry and for each org's store, without the
 * pages that hold nothing. It has no seal key: what was sealed is in it and stays sealed.
 *
 * Everything is done from child processes (see child.h of this folder): the caller has no other threads. Memory is some
 * megabytes whatever the size. Nothing is left half: a folder under its final name is whole and durable. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "backup/verify.h"

struct backup_options {
    const char *data_dir;
    const char *dir;                      /* the backup's folder */
    const char *program;                  /* name and version, for the manifest */
    int64_t now_unix_ms;                  /* likewise */
    const struct verify_meaning *meaning; /* what is copied is verified too */
    const struct verify_listener *listener;
    const char *seal_key_file; /* restore: the key that sealed the credentials; NULL: they are not taken over */
};

struct backup_result {
    unsigned stores;
    uint64_t events, bytes, rows[STORE_ROW_KINDS_MAX];
    uint64_t problems;     /* found in it: then it was not made */
    unsigned connectors;   /* restore: */
    unsigned secrets_kept; /* credentials that were taken over */
    unsigned secrets_lost; /* and that were not, for want of the key */
};

/* Copies data_dir to `dir`, which must not be there; its parent must. Each store as of one moment of its own: what it
 * holds and where it stands agree. Meanwhile the server's store grows by what it would otherwise reuse. ALREADY_EXISTS;
 * NOT_FOUND: no data folder; RESOURCE_EXHAUSTED: no room; DATA_LOSS: what is there is damaged (the listener heard how).
 */
MUST_CHECK bool backup_make(const struct backup_options *options, struct backup_result *result, struct error *err);

/* Copies a backup to data_dir, which must be empty or not there, and not in use. It is verified first. Each store gets
 * a new epoch: whoever holds a place in the old one is told so. Positions are kept: collecting goes on from there. */
MUST_CHECK bool backup_restore(const struct backup_options *options, struct backup_result *result, struct error *err);

#endif
