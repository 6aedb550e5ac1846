/* server/sandbox/landlock.h: the files that the process may touch, held to by the kernel. */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include "sandbox/sandbox.h"

/* *abi becomes what of Landlock is in force, 0 where the kernel has none, which is no failure. no_new_privs is set
 * before. */
MUST_CHECK bool landlock_enter(const struct sandbox *s, int *abi, struct error *err);

#endif
