/* server/connectors/delete.h: Delete. */
#ifndef CONNECTORS_DELETE_H
#define CONNECTORS_DELETE_H

#include "base/error.h"
#include "base/str.h"

struct connectors;

/* Stops and forgets. `done` called once, from any thread; err is NULL on success. */
struct delete_result {
    bool purged;
    char remaining[4][256]; /* sentences */
    size_t remaining_count;
};
typedef void delete_done(void *ctx, const struct delete_result *result, const struct error *err);
void connectors_delete(struct connectors *cs, struct view name, bool keep_data, delete_done *done, void *ctx);

#endif
