/* server/backup/verify.h: checks a data folder, beside its running server, or a backup.
 *
 * It walks every table of every store, and compares each table with the others and with the store's state. Each store
 * is walked in a child process, so the caller must have no other threads. One read transaction covers the whole walk;
 * meanwhile a live store cannot reuse pages, and grows. */
#ifndef BACKUP_VERIFY_H
#define BACKUP_VERIFY_H

#include "store/directory.h"
#include "store/journal.h"

/* Checks that need to know what the stored bytes mean: does a decoded event or row agree with its header, can a
 * position be read? Called in the child; each may be NULL. False: `err` says what is wrong. */
struct verify_meaning {
    /* The record has its event_type. Appends the event's uuid to `uuid`. */
    bool (*event)(void *ctx, const struct journal_record *record, struct buf *uuid, struct error *err);
    bool (*row)(void *ctx, unsigned kind, const struct directory_row *row, struct error *err);
    const char *(*row_name)(void *ctx, unsigned kind); /* "user"; never NULL */
    bool (*cursor)(void *ctx, struct view name, struct view value, struct error *err);
    void *ctx;
};

/* Callbacks while it runs; each may be NULL. */
struct verify_listener {
    void (*problem)(void *ctx, const char *sentence); /* where something is wrong, and what */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *ctx;
};

struct verify_result {
    unsigned stores;
    uint64_t events, rows[STORE_ROW_KINDS_MAX]; /* rows by kind */
    uint64_t problems;                          /* 0: no damage was found */
};

/* Both return true if the folder could be examined, whatever was found. NOT_FOUND: the folder is not one of ours. */
MUST_CHECK bool verify_data_dir(const char *data_dir, const struct verify_meaning *meaning,
                                const struct verify_listener *listener, struct verify_result *result,
                                struct error *err);
MUST_CHECK bool verify_backup(const char *from, const struct verify_meaning *meaning,
                              const struct verify_listener *listener, struct verify_result *result, struct error *err);

#endif
