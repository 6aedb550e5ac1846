/* server/check.h: a configuration held against this machine, for --check-config and before a reload. */
#ifndef CHECK_H
#define CHECK_H

#include "config/config.h"

/* One declared connector: its name, and whether a credential can be made of its files. */
void check_declared(const struct config *c, const struct config_declared *d, struct config_problems *problems);

/* All that can be known without starting: the files that it names, folders, sockets. Makes and changes nothing. */
void check_config(const struct config *c, struct config_problems *problems);

#endif
