/* tests/emulator/query.h: the part of a URL behind the question mark, taken apart and put together again. */
#ifndef EMULATOR_QUERY_H
#define EMULATOR_QUERY_H

#include "base/str.h"

#define QUERY_PARAMS_MAX 32
#define QUERY_BYTES_MAX  16384 /* decoded */

struct param {
    struct view name, value; /* decoded */
};

struct query {
    struct param params[QUERY_PARAMS_MAX];
    size_t count;
    struct view doubled; /* the name of a parameter that came twice */
    struct buf text;
    struct buf segment; /* a path's, decoded */
};

void query_init(struct query *q);
void query_deinit(struct query *q);

/* False when the escapes make no sense, or there is too much. */
MUST_CHECK bool query_parse(struct query *q, struct view text);
bool query_get(const struct query *q, const char *name, struct view *value);
/* The value, or VIEW_NONE. */
struct view query_value(const struct query *q, const char *name);
/* The name of a parameter that is not among the words of `names`; none when all are. */
struct view query_unknown(const struct query *q, const char *names);

/* Of a path's segment, where '+' is itself. */
MUST_CHECK bool query_decode_segment(struct view segment, struct buf *out);
/* As Okta writes it in links: blanks as '+'. */
void query_escape(struct view value, struct buf *out);

#endif
