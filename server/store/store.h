/* server/store/store.h: one connector's data, on LMDB.
 *
 * A store is one LMDB environment in a folder of its own. One thread writes (the connector's poller), through
 * store_begin .. store_commit; any thread reads. Each read opens and ends its own short read transaction: no memory of
 * LMDB's leaves a call, and none is open while somebody waits for a network. What is committed is durable; nothing is
 * visible before. README.md beside this file is the picture of what is on disk. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/error.h"
#include "base/str.h"

struct store;
struct store_txn;

#define STORE_BYTES_DEFAULT (UINT64_C(16) << 30)
#define STORE_BYTES_MIN     (UINT64_C(16) << 20)
#define STORE_EPOCH_SIZE    33 /* 32 hexadecimal digits and a NUL */
#define STORE_HASH_KEY_SIZE 32
#define STORE_ROW_KINDS_MAX 16 /* kinds of rows (directory.h) have the numbers 1 to 15 */

struct store_options {
    const char *dir;    /* made, 0700, when it is not there; its parent must exist. Borrowed for the call */
    uint64_t max_bytes; /* of pages in use; the map is a quarter larger, sparse, and never resized */
    bool must_exist;    /* NOT_FOUND rather than a new store */
    uint32_t row_kinds; /* bit n: rows of kind n will be kept. Kind 1 always is, and what is there already */
};

/* FAILED_PRECONDITION: a newer format, another program's files, or another process has it open for writing.
 * RESOURCE_EXHAUSTED: no space. The caller owns *out, and closes it when no thread uses it any more. */
MUST_CHECK bool store_open(struct store **out, const struct store_options *options, struct error *err);
void store_close(struct store *s); /* NULL is fine */

/* Tells this store from any other; a new one with each new store and each restore. Any thread. */
const char *store_epoch(const struct store *s);

/* The key of the keyed hashes in event headers: random, made with the store, never leaves it. Any thread. */
const unsigned char *store_hash_key(const struct store *s);

/* ---- writing: the poller thread ---- */

MUST_CHECK bool store_begin(struct store *s, struct store_txn **out, struct error *err);

/* Makes all of it durable and visible, or none of it. *txn is NULL afterwards either way. RESOURCE_EXHAUSTED when the
 * map or the disk is full (an EIO in the middle of a write is a full disk more often than not: the text says both). */
MUST_CHECK bool store_commit(struct store_txn **txn, struct error *err);
void store_abort(struct store_txn **txn); /* *txn may be NULL */

/* Ends dead readers' claims on old pages. Now and then, from the poller thread. */
void store_reap(struct store *s);

/* ---- numbers: any thread ---- */

struct store_usage {
    uint64_t bytes; /* of pages in use */
    uint64_t max_bytes;
};
MUST_CHECK bool store_usage(struct store *s, struct store_usage *out, struct error *err);

#endif
