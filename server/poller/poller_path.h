/* server/poller/poller_path.h: the queries for the log, and the one change that the poller may make to a link of
 * Okta's. The queries for a collection's objects are in model/collection.h. */
#ifndef POLLER_PATH_H
#define POLLER_PATH_H

#include "base/str.h"

/* Each appends a whole path and query. Times are Unix milliseconds. `path` is the log's endpoint. */

/* The System Log in the order in which Okta stored it, without an end: "polling". */
void path_logs_polling(struct buf *out, const char *path, int64_t since_ms, uint32_t limit);
/* A finite part of it by published time, newest first. */
void path_logs_window(struct buf *out, const char *path, int64_t since_ms, int64_t until_ms, uint32_t limit);
/* The value of the parameter "limit"; `fallback` when there is none, or it is not a number from 1 to 10,000. */
uint32_t path_limit(struct view path, uint32_t fallback);

/* Appends path with the value of its "limit" replaced. A path without a limit stays as it is: adding a parameter to one
 * of Okta's links breaks it. */
void path_with_limit(struct buf *out, struct view path, uint32_t limit);

#endif
