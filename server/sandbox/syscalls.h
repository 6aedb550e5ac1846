/* server/sandbox/syscalls.h: the system calls that the process makes, and what becomes of the others. */
#ifndef SANDBOX_SYSCALLS_H
#define SANDBOX_SYSCALLS_H

#include "base/error.h"

/* For every thread. *is_on becomes false where the kernel has no filters, which is no failure. no_new_privs is set
 * before. */
MUST_CHECK bool syscalls_filter(bool *is_on, struct error *err);

#endif
