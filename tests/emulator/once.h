/* tests/emulator/once.h: what may be used once only, such as a token's jti, remembered for as long as it could be used
 * again. */
#ifndef EMULATOR_ONCE_H
#define EMULATOR_ONCE_H

#include "base/str.h"

struct once {
    struct once_slot *slots; /* made with the first use */
};

void once_deinit(struct once *o);

/* False when this text was taken before, for the same purpose, and is still remembered. */
MUST_CHECK bool once_take(struct once *o, const char *purpose, struct view text, int64_t now_ms, int64_t until_ms);

#endif
