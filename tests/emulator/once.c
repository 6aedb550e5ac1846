#include "once.h"

#include "base/mem.h"
#include "random.h"

#define SLOTS  (1u << 17) /* more than a bench uses within the hour that one lives; 2 MB */
#define PROBES 64u

/* A hash stands for its text: with 100,000 of them in 64 bits, two meet once in a billion runs. */
struct once_slot {
    uint64_t hash;
    int64_t until_ms;
};

static uint64_t hash_text(uint64_t hash, struct view text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
    return random_mix(hash);
}

void once_deinit(struct once *o)
{
    free(o->slots);
    o->slots = NULL;
}

bool once_take(struct once *o, const char *purpose, struct view text, int64_t now_ms, int64_t until_ms)
{
    uint64_t hash = hash_text(hash_text(RANDOM_GOLDEN, view_of(purpose)), text);
    struct once_slot *free_slot = NULL;

    if (o->slots == NULL)
        o->slots = mem_array(SLOTS, sizeof *o->slots);
    for (uint64_t i = 0; i < PROBES; i++) {
        struct once_slot *slot = &o->slots[(hash + i) % SLOTS];

        if (slot->until_ms > now_ms && slot->hash == hash)
            return false;
        /* The first that is over; without one, what would be forgotten soonest. */
        if (free_slot == NULL || (free_slot->until_ms > now_ms && slot->until_ms < free_slot->until_ms))
            free_slot = slot;
    }
    *free_slot = (struct once_slot){ hash, until_ms };
    return true;
}
