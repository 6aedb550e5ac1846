/* tests/emulator/pause.h: connections that are to wait for a while, and the thread that wakes them. */
#ifndef EMULATOR_PAUSE_H
#define EMULATOR_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;
struct pauses;

struct pauses *pauses_create(void);
/* Wakes everybody, and from then on nobody waits. */
void pauses_stop(struct pauses *p);
void pauses_destroy(struct pauses *p);

/* Suspends the connection for so many milliseconds; from within its own callbacks. False when nobody waits any more. */
bool pauses_wait(struct pauses *p, struct MHD_Connection *connection, int64_t ms);

#endif
