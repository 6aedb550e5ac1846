/* tests/emulator/random.h: numbers that look random and are a function of the seed and a place alone, so that any event
 * or user can be made at any time, in any order, and is always the same. */
#ifndef EMULATOR_RANDOM_H
#define EMULATOR_RANDOM_H

#include <stdint.h>

#define RANDOM_GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* What the numbers are for: streams never meet. */
enum random_stream {
    RANDOM_ORG = 1,
    RANDOM_ID,
    RANDOM_PUBLISHED,
    RANDOM_TYPE,
    RANDOM_CONTENT,
    RANDOM_UUID,
    RANDOM_LIVE,
    RANDOM_USER,
    RANDOM_SESSION,
    RANDOM_CURSOR,
    RANDOM_ERROR,
};

/* The finaliser of SplitMix64: each input bit changes half of the output's. */
static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline uint64_t random_at(uint64_t seed, enum random_stream stream, uint64_t place)
{
    return random_mix(random_mix(seed + (uint64_t)stream * RANDOM_GOLDEN) + place * RANDOM_GOLDEN);
}

/* Draws from one number, one after the other. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state += RANDOM_GOLDEN;
    return random_mix(d->state);
}

/* 0 to sides - 1. */
static inline uint32_t dice_roll(struct dice *d, uint32_t sides)
{
    return (uint32_t)((dice_next(d) >> 32) * sides >> 32);
}

/* Once in `times`. */
static inline int dice_once_in(struct dice *d, uint32_t times)
{
    return dice_roll(d, times) == 0;
}

#endif
