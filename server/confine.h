/* server/confine.h: what this server needs of the machine, from its configuration, and nothing more from then on. */
#ifndef CONFINE_H
#define CONFINE_H

#include "config/config.h"

/* Makes the folders that are written to, when they are missing, then enters the sandbox, and logs what is in force.
 * Before there are threads. With --sandbox=off it only says so. */
MUST_CHECK bool confine(const struct config *config, struct error *err);

#endif
