/* server/poller/poller_path.h: the queries that the poller asks, as paths, and what it may change in a link of Okta's.
 */
#ifndef POLLER_PATH_H
#define POLLER_PATH_H

#include "base/str.h"

#define PATH_LOGS  "/api/v1/logs"
#define PATH_USERS "/api/v1/users"

/* Each appends a whole path and query. Times are Unix milliseconds. */

/* The System Log in the order in which Okta stored it, without an end: "polling". */
void path_logs_polling(struct buf *out, int64_t since_ms, uint32_t limit);
/* A finite part of it by published time, newest first. */
void path_logs_window(struct buf *out, int64_t since_ms, int64_t until_ms, uint32_t limit);
/* All users in all states, in an order that updates do not change. */
void path_users_all(struct buf *out, uint32_t limit);
/* Users changed after since_ms, in all states, oldest change first. */
void path_users_changed(struct buf *out, int64_t since_ms, uint32_t limit);

/* The value of the parameter "limit"; otherwise `fallback` (none there, or not a number from 1 to 10,000). */
uint32_t path_limit(struct view path, uint32_t fallback);

/* Appends path with the value of its "limit" replaced; a path without one stays as it is: a link must not be added
 * to. */
void path_with_limit(struct buf *out, struct view path, uint32_t limit);

#endif
