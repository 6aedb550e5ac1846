/* server/store/store.h: one connector's data, on LMDB.
 *
 * A store is one LMDB environment in a folder of its own. One thread writes, the connector's poller, between
 * store_begin and store_commit. Any thread reads. Each read opens and ends its own short read transaction: no pointer
 * into LMDB's memory outlives a call, and no transaction is open while a thread waits for the network.
 *
 * Durable before visible: a commit is synced to disk before any reader sees it, so a client never holds a position in
 * data that a crash can take back. README.md in this folder describes what is on disk. */
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
    const char *dir;    /* created, 0700, if it is missing; its parent must exist. Borrowed for the call */
    uint64_t max_bytes; /* of pages in use, at least STORE_BYTES_MIN; the map is a quarter larger and never resized */
    bool must_exist;    /* fail with NOT_FOUND instead of creating a store */
    uint32_t row_kinds; /* bit n: the caller stores rows of kind n. Kind 1, and kinds stored before, are implied */
};

/* FAILED_PRECONDITION: a newer format, files of another program, or another process has the store open for writing.
 * RESOURCE_EXHAUSTED: no space. The caller owns *out, and closes it once no thread uses it. */
MUST_CHECK bool store_open(struct store **out, const struct store_options *options, struct error *err);
void store_close(struct store *s); /* NULL is fine */

/* Identifies this store. Each new store and each restore gets a new random epoch. Any thread. */
const char *store_epoch(const struct store *s);

/* The key of the keyed hashes in event headers: random, created with the store, never sent anywhere. Any thread. */
const unsigned char *store_hash_key(const struct store *s);

/* ---- writing: the poller thread ---- */

/* Begins the only write transaction. UNAVAILABLE or RESOURCE_EXHAUSTED: try again later. FAILED_PRECONDITION: the
 * folder was removed or replaced under us. */
MUST_CHECK bool store_begin(struct store *s, struct store_txn **out, struct error *err);

/* Makes the whole transaction durable, then visible; or none of it. *txn is NULL afterwards either way.
 * RESOURCE_EXHAUSTED: the map or the disk is full. LMDB reports a disk that fills up in the middle of a write as EIO,
 * so for an EIO the text names both causes. */
MUST_CHECK bool store_commit(struct store_txn **txn, struct error *err);
void store_abort(struct store_txn **txn); /* *txn may be NULL */

/* Clears the reader slots of processes that died, which keep old pages from being reused. Call it from time to time, on
 * the poller thread. */
void store_reap(struct store *s);

/* ---- numbers: any thread ---- */

struct store_usage {
    uint64_t bytes;     /* of pages in use */
    uint64_t max_bytes; /* retention by size begins above it */
};
MUST_CHECK bool store_usage(struct store *s, struct store_usage *out, struct error *err);

#endif
