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

/* What can happen to an answer on the way, or before it. What only a socket can show (bytes that come one by one) is
 * what a client sees of it: the answer comes late, or in part, or not before the request's time is up. */
enum transport_fault {
    TRANSPORT_OK,
    TRANSPORT_TIMEOUT,
    TRANSPORT_RESET,     /* no byte of an answer */
    TRANSPORT_TRUNCATED, /* half a body */
    TRANSPORT_STALE,     /* a reused connection died */
    TRANSPORT_RESET_BODY,
    TRANSPORT_GZIP, /* half a body, and no failure: it ended too early within its compression */
    TRANSPORT_STALL,
    TRANSPORT_DRIP,  /* whole, after as long as its bytes take */
    TRANSPORT_CLOSE, /* whole, and the next request on a kept connection finds it dead */
    TRANSPORT_HTML,
    TRANSPORT_GARBAGE,
    TRANSPORT_DEEP,
    TRANSPORT_HUGE,
    TRANSPORT_TYPE,
    TRANSPORT_DUPLICATE,
    TRANSPORT_UTF8,
    TRANSPORT_LIMIT, /* 500 E0000009 for more than 100 */
    TRANSPORT_500,
    TRANSPORT_502, /* a proxy's page, with Retry-After */
    TRANSPORT_503,
    TRANSPORT_504,
    TRANSPORT_429,
    TRANSPORT_CONCURRENCY,
    TRANSPORT_401, /* E0000011, once */
    TRANSPORT_403, /* E0000006, once */
    TRANSPORT_FAULTS,
};

/* What the next `count` answers suffer. Goes before a mixture. */
void emulator_transport_fault(struct okta_transport *t, enum transport_fault fault, uint32_t count);

#define TRANSPORT_BIT(fault) (UINT64_C(1) << (fault))
/* Every one; a client that believes a refusal after several in a row may want to be without the last two. */
#define TRANSPORT_ALL      ((TRANSPORT_BIT(TRANSPORT_FAULTS) - 1) & ~TRANSPORT_BIT(TRANSPORT_OK))
#define TRANSPORT_REFUSALS (TRANSPORT_BIT(TRANSPORT_401) | TRANSPORT_BIT(TRANSPORT_403))

/* From now on requests meet faults by chance: per_mille of them, of the kinds whose bits are set, each as likely as the
 * others. The same seed and requests give the same. per_mille 0 ends it. */
struct transport_mix {
    uint64_t seed;
    uint32_t per_mille;
    uint64_t kinds; /* 0: TRANSPORT_ALL */
};
void emulator_transport_mix(struct okta_transport *t, const struct transport_mix *mix);
/* How many requests have met this fault; of TRANSPORT_OK: how many have met none. */
uint64_t emulator_transport_count(const struct okta_transport *t, enum transport_fault fault);
/* When the last fault was met; 0: none was. */
int64_t emulator_transport_last_fault_mono_ms(const struct okta_transport *t);

#endif
