/* base/clock.h: the two clocks, as something that a test can hold still. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*mono_ms)(void *self); /* never goes back: for comparing and waiting */
    int64_t (*unix_ms)(void *self); /* may jump: for storing and showing */
    void *self;
};

/* The machine's. Lives for ever; any thread. */
extern const struct clock clock_system;

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->self);
}

static inline int64_t clock_unix_ms(const struct clock *c)
{
    return c->unix_ms(c->self);
}

#endif
