/* server/sandbox/privileges.h: no_new_privs, and no capability. */
#ifndef SANDBOX_PRIVILEGES_H
#define SANDBOX_PRIVILEGES_H

#include "base/error.h"

/* Of the calling thread and those it makes. */
MUST_CHECK bool privileges_drop(bool keep_low_ports, struct error *err);

#endif
