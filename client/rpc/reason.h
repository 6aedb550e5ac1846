/* client/rpc/reason.h: what a failure means for whoever called the program: an exit code and a next step. */
#ifndef CLIENT_RPC_REASON_H
#define CLIENT_RPC_REASON_H

#include "base/error.h"
#include "base/str.h"

/* Documented in `okta-connector help exit-codes`. */
enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_UNREACHABLE = 4,
    EXIT_HISTORY = 5,
    EXIT_OKTA = 6,
    EXIT_DENIED = 7,
    EXIT_NOT_SERVING = 8, /* of probe alone */
    EXIT_TIMED_OUT = 9,   /* of probe alone; elsewhere that is EXIT_UNREACHABLE */
    EXIT_SIGNAL = 128,    /* plus the signal's number */
};

/* The literal that is equal to `reason`, for struct error; NULL when it is none that we know. */
const char *reason_known(struct view reason);
/* The reasons that this program has words of its own for, one by one; NULL behind the last. */
const char *reason_at(size_t i);

enum exit_code reason_exit(const struct error *err);

/* What to do next, as a sentence; NULL where the error's text says it all. */
const char *reason_advice(const struct error *err);

/* A stream that ended so may be taken up again. */
bool reason_is_passing(const struct error *err);

#endif
