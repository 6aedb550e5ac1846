/* tests/emulator/users_query.h: what a request for users asks for. */
#ifndef EMULATOR_USERS_QUERY_H
#define EMULATOR_USERS_QUERY_H

#include "inside.h"
#include "scim.h"

#define USERS_CURSOR_SIZE 96

enum sort_key { SORT_ID, SORT_CREATED, SORT_UPDATED, SORT_LOGIN };

struct users_query {
    bool has_search, has_filter;
    struct scim scim;
    struct view q;
    size_t limit;
    enum sort_key sort;
    bool is_descending;
    bool has_cursor;
    size_t after_index;
};

/* False: it was answered. */
bool users_query_read(struct emulator *e, const struct ask *ask, struct users_query *uq, struct emulator_response *out);

/* What `after` is in the next link, behind this user: for plain lists the id; for `search` the sort key besides,
 * hidden. */
void users_query_cursor(const struct emulator *e, const struct users_query *uq, size_t index,
                        char text[USERS_CURSOR_SIZE]);
bool users_query_is_time(struct view path);

#endif
