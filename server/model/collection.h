/* server/model/collection.h: what the connector collects from an org: one table, read by everyone who speaks of
 * collections.
 *
 * A collection is a row of the table in collection_table.c, a file in record/ that converts one of its objects, and its
 * messages in the proto. Configure's probe, --collect, the poller's lanes, Status, the plan, metrics and verify read
 * the row; none of them names a collection. The table never changes while the process runs: any thread. */
#ifndef MODEL_COLLECTION_H
#define MODEL_COLLECTION_H

#include "base/str.h"

#define COLLECTION_IDS_MAX  16                 /* ids are 1 to 15: a set of them is a mask with room to spare */
#define COLLECTION_NAME_MAX 23                 /* bytes */
#define LANES_MAX           COLLECTION_IDS_MAX /* a lane a collection, and one more for the log: its history */

/* The API's number (enum Collection), which the registry keeps on disk too, as bit n of a mask: never renumber. */
typedef uint32_t collection_set;

enum collection_kind {
    COLLECTION_LOG,     /* events of the System Log: a tail, and a history below it. There is one such row */
    COLLECTION_OBJECTS, /* objects with an id: a full listing, then what changed */
};

struct collection {
    unsigned id;      /* 1 to COLLECTION_IDS_MAX - 1 */
    const char *name; /* "users": in --collect, Status, metrics and messages, and the name of its position on disk */
    enum collection_kind kind;
    unsigned parent; /* the collection whose objects are listed one by one to read this one; 0: it has none */

    /* How it is asked for. Source: https://developer.okta.com/docs/api/openapi/okta-management/management/tag/<tag>. */
    const char *path;         /* "/api/v1/users": the endpoint, and the rate-limit bucket of its listing */
    uint32_t page_size;       /* Okta's largest sensible `limit` */
    uint32_t page_size_min;   /* not halved below this when Okta finds a page too large */
    const char *list_all;     /* query of the full listing, see collection_query; NULL for the log */
    const char *list_changed; /* query of the objects that changed after a time; NULL for the log */
    int64_t refresh_ms;       /* between two listings of changes; 0 for the log */

    /* What a credential needs, and what to tell a person who lacks it. */
    const char *scope;   /* of a service app: "okta.users.read" */
    const char *role;    /* the admin role with the fewest rights that suffices: "Read-only Administrator" */
    const char *action;  /* completes "the token's owner may not ...": "list users" */
    const char *members; /* the plural noun of its objects, in messages: "users" */
    const char *member;  /* and the singular: "user" */
    bool is_never_empty; /* every org has at least one: an empty first listing is a missing right, not an empty org */

    unsigned store_number; /* of its rows in the store, on disk: never renumber. 0: it has no rows (the log) */
};

/* The table itself, in the order in which lanes ask: the log first, so that no login waits for anything. In an object
 * file of its own, so that a test can link another table. Everyone else calls the functions below. */
extern const struct collection collection_table[];
extern const size_t collection_table_count;

/* The row at `index`, 0 to the count less one; NULL beyond the end, so that a loop needs no count. */
const struct collection *collection_at(size_t index);
/* The row with this id, with this name, or with these store rows; NULL when there is none. */
const struct collection *collection_by_id(unsigned id);
const struct collection *collection_by_name(struct view name);
const struct collection *collection_by_store_number(unsigned number);
/* The row of kind COLLECTION_LOG. */
const struct collection *collection_log(void);

static inline collection_set collection_bit(const struct collection *c)
{
    return UINT32_C(1) << c->id;
}
/* Every collection of the table. */
collection_set collection_all(void);

/* Appends the names of the set, in the table's order, with `separator` between them. */
void collection_names(collection_set set, const char *separator, struct buf *out);

/* Appends path and query. In `query`, "{...}" is URL-encoded, "$since" stands for since_ms as Okta writes a time, and
 * "$limit" for the page size. */
void collection_query(const struct collection *c, const char *query, int64_t since_ms, uint32_t limit, struct buf *out);

#endif
