#include "client/rpc/backoff.h"

int64_t backoff_next_ms(struct backoff *b, uint32_t random)
{
    int64_t step_ms = BACKOFF_FIRST_MS;

    for (unsigned i = 0; i < b->tries && step_ms < BACKOFF_MAX_MS; i++)
        step_ms *= 2;
    if (step_ms > BACKOFF_MAX_MS)
        step_ms = BACKOFF_MAX_MS;
    else
        b->tries++;
    step_ms = step_ms / 2 + (int64_t)(random % (uint32_t)(step_ms / 2 + 1));
    if (step_ms < b->hint_ms)
        step_ms = b->hint_ms;
    b->hint_ms = 0;
    return step_ms;
}

void backoff_hint(struct backoff *b, int64_t hint_ms)
{
    b->hint_ms = hint_ms < BACKOFF_HINT_MAX ? hint_ms : BACKOFF_HINT_MAX;
}

void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}
