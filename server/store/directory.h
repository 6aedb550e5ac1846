/* server/store/directory.h: Okta's objects as rows, by kind and Okta's id, and the line of their changes.
 *
 * A row is stored encoded, with the tag that it has in its List response (field 1). Writing a row with the same bytes
 * as before is idempotent: it is not a change. Every change gets the next number on one line of changes for the whole
 * store, and an entry in table `changes`. */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "store/store.h"

#define DIRECTORY_ROW_MAX (256u << 10)
#define DIRECTORY_ID_MAX  200

/* Each row has a kind, 1 to STORE_ROW_KINDS_MAX - 1: the store_number of its collection, as it is on disk. The store
 * must have been opened with that kind. */

/* The parts of a row that are complete. */
enum directory_facet {
    DIRECTORY_FACET_OBJECT = 1 << 0,
};

struct directory_row {
    struct view id;
    int64_t last_updated_ms; /* Okta's last update; 0 if unknown */
    uint32_t generation;     /* the number of the sweep that last saw it */
    uint32_t facets;         /* bits of enum directory_facet */
    int64_t deleted_ms;      /* tombstone: when it was found deleted; 0 while it exists */
    uint64_t change;         /* set by the store: its latest number on the line of changes */
    struct view alias;       /* a second key, such as a login in lower case; may be empty */
    struct view encoded;     /* with tag and length */
};

/* Inserts or replaces a row, within the poller's transaction. `changed`: something other than the generation is new. */
MUST_CHECK bool directory_put(struct store_txn *txn, unsigned kind, const struct directory_row *row, bool *changed,
                              struct error *err);

/* Any thread. The row is valid only during `visit`; found is false, and nothing is visited, if there is none. Several
 * rows can have the same alias for a while: existing ones come before tombstones, then the latest change wins. */
typedef bool directory_visit(void *ctx, const struct directory_row *row); /* true: go on */
MUST_CHECK bool directory_get(struct store *s, unsigned kind, struct view id, directory_visit *visit, void *ctx,
                              bool *found, struct error *err);
MUST_CHECK bool directory_get_alias(struct store *s, unsigned kind, struct view alias, directory_visit *visit,
                                    void *ctx, bool *found, struct error *err);

/* Visits rows with id > after (empty: from the first), in ascending byte order, until the visitor returns false. */
MUST_CHECK bool directory_list(struct store *s, unsigned kind, struct view after, directory_visit *visit, void *ctx,
                               struct error *err);

/* The number of rows without a tombstone. */
MUST_CHECK bool directory_count(struct store *s, unsigned kind, uint64_t *count, struct error *err);

/* Visits changes with number > after, ascending, until the visitor returns false. A row appears once, at its latest
 * number. */
typedef bool directory_change_visit(void *ctx, uint64_t change, unsigned kind, struct view id);
MUST_CHECK bool directory_changes(struct store *s, uint64_t after, directory_change_visit *visit, void *ctx,
                                  struct error *err);

#endif
