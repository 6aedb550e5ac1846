/* server/store/directory.h: objects of Okta's as rows, by kind and Okta's id, and the line of their changes.
 *
 * A row is kept encoded, with the tag that it has in its List response (field 1). Writing a row whose bytes are the
 * same as before is no change. Every change gets a number of its own on one line per store, and an entry in `changes`.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "store/store.h"

#define DIRECTORY_ROW_MAX (256u << 10)
#define DIRECTORY_ID_MAX  200

/* Rows are of a kind, 1 to STORE_ROW_KINDS_MAX - 1: the store_number of their collection, on disk. The store must have
 * been opened with that kind. */

enum directory_facet { DIRECTORY_FACET_OBJECT = 1 << 0 }; /* which parts of a row are complete */

struct directory_row {
    struct view id;
    int64_t last_updated_ms; /* Okta's; 0 when unknown */
    uint32_t generation;     /* of the sweep that saw it last */
    uint32_t facets;         /* enum directory_facet, those that are complete */
    int64_t deleted_ms;      /* tombstone; 0 while it is there */
    uint64_t change;         /* set by the store */
    struct view alias;       /* a second key, such as a login in lower case; may be none */
    struct view encoded;     /* with tag and length */
};

/* Within the poller's transaction. Puts or replaces; `changed` tells whether anything but the generation is new. */
MUST_CHECK bool directory_put(struct store_txn *txn, unsigned kind, const struct directory_row *row, bool *changed,
                              struct error *err);

/* Any thread. `visit` sees the row within the call; found false when there is none. */
typedef bool directory_visit(void *ctx, const struct directory_row *row); /* true: go on */
MUST_CHECK bool directory_get(struct store *s, unsigned kind, struct view id, directory_visit *visit, void *ctx,
                              bool *found, struct error *err);
MUST_CHECK bool directory_get_alias(struct store *s, unsigned kind, struct view alias, directory_visit *visit,
                                    void *ctx, bool *found, struct error *err);

/* Rows with id > after (none: from the first), ascending by bytes, until the visitor says stop. */
MUST_CHECK bool directory_list(struct store *s, unsigned kind, struct view after, directory_visit *visit, void *ctx,
                               struct error *err);

/* Rows held without a tombstone. */
MUST_CHECK bool directory_count(struct store *s, unsigned kind, uint64_t *count, struct error *err);

/* Visits changes with number > after, ascending. */
typedef bool directory_change_visit(void *ctx, uint64_t change, unsigned kind, struct view id);
MUST_CHECK bool directory_changes(struct store *s, uint64_t after, directory_change_visit *visit, void *ctx,
                                  struct error *err);

#endif
