/* tests/emulator/kinds.h: the event types that the emulated org makes, and which types are sign-ins. */
#ifndef EMULATOR_KINDS_H
#define EMULATOR_KINDS_H

#include "base/str.h"

#include <stdint.h>

/* How it can end. */
enum outcome_shape { OUTCOME_SESSION, OUTCOME_SUCCESS, OUTCOME_MOSTLY, OUTCOME_POLICY, OUTCOME_FAILURE };

/* What it was done to. */
enum target_shape {
    TARGET_NONE,
    TARGET_SESSION, /* null on Classic Engine, AuthenticatorEnrollment and AppInstance on Identity Engine */
    TARGET_SSO,
    TARGET_FACTOR,
    TARGET_VERIFY,
    TARGET_POLICY,
    TARGET_ACCESS_TOKEN,
    TARGET_ID_TOKEN,
    TARGET_USER,
    TARGET_GROUP_MEMBER,
    TARGET_APP_MEMBER,
    TARGET_APP,
};

struct kind {
    const char *event_type;
    uint32_t weight; /* how often, among the logins or among the others; 0: only on request */
    bool is_login;
    enum outcome_shape outcome;
    enum target_shape target;
    const char *severity, *display;
    const char *legacy; /* NULL: none */
};

extern const struct kind kinds[];
extern const size_t kinds_count;

/* Whether a type is a sign-in, a sign-out, a use of an app or a decision about one of these. */
bool kinds_is_login(struct view event_type);

#endif
