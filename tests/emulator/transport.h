/* tests/emulator/transport.h: the emulator behind okta.h, in-process: no socket, and time by hand. */
#ifndef EMULATOR_TRANSPORT_H
#define EMULATOR_TRANSPORT_H

#include "emulator.h"
#include "okta/okta.h"

/* A clock that stands still until told. */
struct hand_clock {
    int64_t mono_ms, unix_ms;
    struct clock clock; /* hand this out */
};
void hand_clock_init(struct hand_clock *h, int64_t unix_ms);
void hand_clock_advance(struct hand_clock *h, int64_t ms);

/* Answers take latency_ms of the hand clock's time; `run` never waits: it advances the clock by what it was asked to
 * wait, or to the next answer that is due, whichever is sooner. */
struct okta_transport *emulator_transport_create(struct emulator *e, struct hand_clock *clock, int64_t latency_ms);

/* What the next `count` answers suffer on the way. */
enum transport_fault {
    TRANSPORT_OK,
    TRANSPORT_TIMEOUT,
    TRANSPORT_RESET,     /* no byte of an answer */
    TRANSPORT_TRUNCATED, /* half a body */
    TRANSPORT_STALE,     /* a reused connection died */
};
void emulator_transport_fault(struct okta_transport *t, enum transport_fault fault, uint32_t count);

#endif
