/* server/registry/registry.h: which connectors there are, in a small LMDB environment of its own, and their sealed
 * credentials.
 *
 * The data folder belongs to one process: registry_open takes an exclusive lock on DIR/lock. Connector data lies in
 * DIR/orgs/ORG_ID. Any thread; calls are short and serialised inside. */
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
    const char *data_dir;      /* made, 0700, with parents, when it is not there */
    const char *seal_key_file; /* 32 bytes, or 64 hexadecimal digits; NULL: DATA_DIR/seal.key, made 0600 */
};

/* FAILED_PRECONDITION: another process has the folder (its pid is named), or the key is not the one that sealed what is
 * there. */
MUST_CHECK bool registry_open(struct registry **out, const struct registry_options *options, struct error *err);
void registry_close(struct registry *r);
/* Whether the file holds a key that credentials can be sealed with. */
MUST_CHECK bool registry_seal_key_check(const char *path, struct error *err);

struct registry_entry {
    char name[REGISTRY_NAME_MAX + 1];
    char org_id[REGISTRY_ORG_ID_MAX + 1];
    char org_url[REGISTRY_URL_MAX + 1];
    bool is_retired;
    bool is_declared; /* by flags or environment: the credential is in a file, not here */
    bool has_secret;
    uint32_t collections; /* bit n: the API's Collection n */
    uint32_t history_days, retention_days;
    int64_t created_unix_ms, changed_unix_ms;
    int64_t history_from_unix_ms;   /* reserved; 0 */
    int64_t credential_set_unix_ms; /* 0: not known */
};

/* Puts or replaces by name. `secret`: none keeps the one that is there. */
MUST_CHECK bool registry_put(struct registry *r, const struct registry_entry *entry, struct view secret,
                             struct error *err);
/* NOT_FOUND / NO_SUCH_CONNECTOR. */
MUST_CHECK bool registry_get(struct registry *r, const char *name, struct registry_entry *out, struct error *err);
/* Opens the seal: appends the secret to `out`, which the caller wipes. NOT_FOUND when there is none. */
MUST_CHECK bool registry_secret(struct registry *r, const char *name, struct buf *out, struct error *err);
/* Wipes the credential, keeps the entry. */
MUST_CHECK bool registry_forget_secret(struct registry *r, const char *name, struct error *err);
MUST_CHECK bool registry_remove(struct registry *r, const char *name, struct error *err);

/* Ordered by name; `entries` has room for REGISTRY_CONNECTORS_MAX. */
MUST_CHECK bool registry_list(struct registry *r, struct registry_entry *entries, size_t *count, struct error *err);

/* 1 to REGISTRY_ORG_ID_MAX of [0-9A-Za-z_-]: what may name a folder. */
bool registry_org_id_is_valid(struct view org_id);
/* The folder of an org's store; `out` gets "DATA_DIR/orgs/ORG_ID". The org_id must be valid. */
MUST_CHECK bool registry_store_dir(struct registry *r, const char *org_id, struct buf *out, struct error *err);
/* Removes an org's store from disk: renamed first, so that a crash leaves nothing half there. The store is closed. */
MUST_CHECK bool registry_purge_store(struct registry *r, const char *org_id, struct error *err);

#endif
