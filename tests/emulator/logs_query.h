/* tests/emulator/logs_query.h: what a request for log events asks for. */
#ifndef EMULATOR_LOGS_QUERY_H
#define EMULATOR_LOGS_QUERY_H

#include "inside.h"
#include "scim.h"

#define LOGS_CURSOR_SIZE 48
#define LOGS_NO_LIMIT_MS INT64_MAX
#define LOGS_WORDS_MAX   10 /* of q */

struct logs_query {
    bool is_polling, is_descending;
    int64_t since_ms, until_ms;
    size_t limit;
    bool has_cursor;
    size_t place;         /* polling: the next in the order of persistence */
    int64_t after_ms;     /* bounded: the last one delivered, its time */
    uint32_t after_index; /* and its index */
    bool has_filter;
    struct scim filter;
    struct view words[LOGS_WORDS_MAX];
    size_t words_count;
};

/* False: it was answered. */
bool logs_query_read(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out);

/* What `after` is in the next link. Polling: the place of the next event in the order of persistence. Bounded: time and
 * index of the last one that was looked at. */
void logs_polling_cursor(const struct emulator *e, const struct ask *ask, size_t place, char text[LOGS_CURSOR_SIZE]);
void logs_bounded_cursor(const struct emulator *e, const struct ask *ask, int64_t ms, uint32_t index,
                         char text[LOGS_CURSOR_SIZE]);

#endif
