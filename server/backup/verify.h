/* server/backup/verify.h: is what lies on disk whole? Of a data folder, beside its running server, or of a backup.
 *
 * Walks every table of every store, and compares each with the others and with the numbers that the store keeps of
 * itself. Each folder is walked in a child process and in one read transaction (a server's store grows meanwhile by
 * what it would otherwise reuse): the caller has no other threads. */
#ifndef BACKUP_VERIFY_H
#define BACKUP_VERIFY_H

#include "store/directory.h"
#include "store/journal.h"

/* What only those know who wrote the bytes: an event and a user, decoded, agree with their headers; a position can be
 * read. Called in the child; each may be NULL. False, with what is wrong. */
struct verify_meaning {
    /* The record has its event_type; `uuid` gets the event's. */
    bool (*event)(void *ctx, const struct journal_record *record, struct buf *uuid, struct error *err);
    bool (*row)(void *ctx, unsigned kind, const struct directory_row *row, struct error *err);
    const char *(*row_name)(void *ctx, unsigned kind); /* "user"; never NULL */
    bool (*cursor)(void *ctx, struct view name, struct view value, struct error *err);
    void *ctx;
};

/* What the caller hears meanwhile; each may be NULL. */
struct verify_listener {
    void (*problem)(void *ctx, const char *sentence); /* what is wrong, and where */
    void (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *ctx;
};

struct verify_result {
    unsigned stores;
    uint64_t events, rows[STORE_ROW_KINDS_MAX]; /* rows by kind */
    uint64_t problems;                          /* 0: all is well */
};

/* True when it could be looked at, whatever was found. NOT_FOUND: there is nothing of ours. */
MUST_CHECK bool verify_data_dir(const char *data_dir, const struct verify_meaning *meaning,
                                const struct verify_listener *listener, struct verify_result *result,
                                struct error *err);
MUST_CHECK bool verify_backup(const char *from, const struct verify_meaning *meaning,
                              const struct verify_listener *listener, struct verify_result *result, struct error *err);

#endif
