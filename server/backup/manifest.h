/* server/backup/manifest.h: the description of a backup: DIR/manifest.json, and its checksum in
 * DIR/manifest.json.sha256, in the form of sha256sum. Private to this folder. */
#ifndef BACKUP_MANIFEST_H
#define BACKUP_MANIFEST_H

#include "registry/registry.h"

#include <sodium.h>

#define MANIFEST_FORMAT    1
#define MANIFEST_FILES_MAX (1 + REGISTRY_CONNECTORS_MAX)
#define MANIFEST_PATH_MAX  (sizeof "orgs//data.mdb" + REGISTRY_ORG_ID_MAX)

/* A store's epoch and counts, as its own tables state them. */
struct store_facts {
    char epoch[STORE_EPOCH_SIZE];
    uint64_t events, oldest, head;      /* all 0 if it holds no events */
    uint64_t rows[STORE_ROW_KINDS_MAX]; /* by kind, without tombstones */
};

/* Adds the counts of rows to `sums`, for each kind. */
void store_facts_add_rows(const struct store_facts *f, uint64_t sums[STORE_ROW_KINDS_MAX]);

struct manifest_file {
    char path[MANIFEST_PATH_MAX]; /* relative to the backup: "registry/data.mdb", "orgs/ORG_ID/data.mdb" */
    uint64_t bytes;
    unsigned char sha256[crypto_hash_sha256_BYTES];
    bool is_store;
    struct store_facts facts; /* if it is a store */
};

struct manifest {
    char program[64]; /* name and version of the program that made it */
    int64_t made_unix_ms;
    size_t count;
    struct manifest_file files[MANIFEST_FILES_MAX]; /* the registry first */
};

/* Writes both files durably. */
MUST_CHECK bool manifest_write(const struct manifest *m, const char *dir, struct error *err);
/* NOT_FOUND: the folder is not a backup. DATA_LOSS: the manifest is damaged. FAILED_PRECONDITION: a newer program made
 * it. */
MUST_CHECK bool manifest_read(struct manifest *out, const char *dir, struct error *err);

#endif
