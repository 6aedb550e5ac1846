/* server/registry/registry.h: the list of connectors and their sealed credentials, in a small LMDB environment of its
 * own.
 *
 * The data folder belongs to one process: registry_open takes an exclusive lock on DIR/lock. Each org's store is in
 * DIR/orgs/ORG_ID. Call from any thread: calls are short, and a mutex inside serialises them. */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "store/store.h"

struct registry;

#define REGISTRY_CONNECTORS_MAX 64
#define REGISTRY_NAME_MAX       63
#define REGISTRY_ORG_ID_MAX     64
#define REGISTRY_URL_MAX        512
#define REGISTRY_SECRET_MAX     16384 /* a service app with an RSA key of 8192 bits takes half */

struct registry_options {
    const char *data_dir;      /* created, 0700, with its parents, if it is missing */
    const char *seal_key_file; /* 32 bytes, or 64 hexadecimal digits; NULL: DATA_DIR/seal.key, created 0600 */
};

/* FAILED_PRECONDITION: another process has the folder (the message names its pid), a restore into it was interrupted,
 * or the credentials in it were sealed with another key. Finishes purges that a crash interrupted. */
MUST_CHECK bool registry_open(struct registry **out, const struct registry_options *options, struct error *err);
void registry_close(struct registry *r);
/* Whether the file contains a key that can seal credentials. */
MUST_CHECK bool registry_seal_key_check(const char *path, struct error *err);

struct registry_entry {
    char name[REGISTRY_NAME_MAX + 1];
    char org_id[REGISTRY_ORG_ID_MAX + 1];
    char org_url[REGISTRY_URL_MAX + 1];
    bool is_retired;
    bool is_declared; /* declared by flags or environment: the credential is in a file, not here */
    bool has_secret;
    uint32_t collections; /* bit n: the API's Collection n */
    uint32_t history_days, retention_days;
    int64_t created_unix_ms, changed_unix_ms;
    int64_t history_from_unix_ms;   /* reserved; 0 */
    int64_t credential_set_unix_ms; /* 0: unknown */
};

/* Inserts or replaces the entry of that name. An empty `secret` keeps the stored one. RESOURCE_EXHAUSTED /
 * TOO_MANY_CONNECTORS. */
MUST_CHECK bool registry_put(struct registry *r, const struct registry_entry *entry, struct view secret,
                             struct error *err);
/* NOT_FOUND / NO_SUCH_CONNECTOR. */
MUST_CHECK bool registry_get(struct registry *r, const char *name, struct registry_entry *out, struct error *err);
/* Opens the sealed credential: appends the secret to `out`, which the caller wipes. NOT_FOUND: none is stored.
 * DATA_LOSS: it does not open with our key. */
MUST_CHECK bool registry_secret(struct registry *r, const char *name, struct buf *out, struct error *err);
/* Removes the credential and keeps the entry. */
MUST_CHECK bool registry_forget_secret(struct registry *r, const char *name, struct error *err);
MUST_CHECK bool registry_remove(struct registry *r, const char *name, struct error *err);

/* All entries, ordered by name; `entries` has room for REGISTRY_CONNECTORS_MAX. */
MUST_CHECK bool registry_list(struct registry *r, struct registry_entry *entries, size_t *count, struct error *err);

/* 1 to REGISTRY_ORG_ID_MAX characters of [0-9A-Za-z_-]. The org id becomes the name of a folder, so nothing that could
 * be a path, or hidden, is valid. */
bool registry_org_id_is_valid(struct view org_id);
/* Appends the folder of an org's store, "DATA_DIR/orgs/ORG_ID", to `out`. INVALID_ARGUMENT: the org id is not valid. */
MUST_CHECK bool registry_store_dir(struct registry *r, const char *org_id, struct buf *out, struct error *err);
/* Removes an org's store from disk. The store must be closed. The folder is renamed first, so a crash never leaves part
 * of a store under the org's name. A store that is not there is no failure. */
MUST_CHECK bool registry_purge_store(struct registry *r, const char *org_id, struct error *err);

#endif
