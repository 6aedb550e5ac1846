/* client/backoff.h: how long to wait before the next try: doubling, capped, and jittered, so that many clients of a
 * server that restarts do not come back in step. */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000

struct backoff {
    unsigned tries;
};

/* `random` is any 32 random bits. Between half and all of the step. */
int64_t backoff_next_ms(struct backoff *b, uint32_t random);
void backoff_reset(struct backoff *b);

#endif
