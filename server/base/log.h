/* base/log.h: one event, one JSON line on stderr.
 *
 * `log_info("poll.page", "resource=%s records=%zu", name, count)`: a stable name, then key=value pairs that become
 * members; a value goes to the next " key=" of the format and may hold anything, blanks and " key=" too.
 * error asks for a person, warn says we coped, info marks a change of state, never a request. No token, body or
 * personal data. Any thread; a line is written at once and whole. At most 2,048 bytes; longer is cut. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are not written. LOG_INFO until told. Any thread. */
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *event, const char *format, ...) PRINTF(3, 4);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
