#include "client/backoff.h"

int64_t backoff_next_ms(struct backoff *b, uint32_t random)
{
    int64_t step_ms = BACKOFF_FIRST_MS;

    for (unsigned i = 0; i < b->tries && step_ms < BACKOFF_MAX_MS; i++)
        step_ms *= 2;
    if (step_ms > BACKOFF_MAX_MS)
        step_ms = BACKOFF_MAX_MS;
    else
        b->tries++;
    return step_ms / 2 + (int64_t)(random % (uint32_t)(step_ms / 2 + 1));
}

void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}
