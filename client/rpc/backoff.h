/* client/rpc/backoff.h: how long to wait before the next try: doubling, capped, and jittered, so that many clients of a
 * server that restarts do not come back in step. */
#ifndef CLIENT_RPC_BACKOFF_H
#define CLIENT_RPC_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000
#define BACKOFF_HINT_MAX 60000 /* ms; a server that asks for more is asked again all the same */

struct backoff {
    unsigned tries;
    int64_t hint_ms; /* the server's own word for the next; 0: none */
};

/* `random` is any 32 random bits. Between half and all of the step; where the server has said when to come back
 * (RetryInfo, which it spreads by itself), not before. */
int64_t backoff_next_ms(struct backoff *b, uint32_t random);
/* For the next wait alone. */
void backoff_hint(struct backoff *b, int64_t hint_ms);
void backoff_reset(struct backoff *b);

#endif
