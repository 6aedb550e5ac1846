/* server/store_command.h: the sub-commands that look after a data folder: backup, restore, verify.
 *
 *     okta-connectord backup  --data-dir DIR --to DIR
 *     okta-connectord restore --from DIR --data-dir DIR [--seal-key-file FILE]
 *     okta-connectord verify  --data-dir DIR | --from DIR
 *
 * What came of it on stdout, how far it is and what went wrong on stderr. Exit codes: 0 done, and all is well; 1 it
 * could not be done; 2 wrong usage; 3 something is damaged. */
#ifndef STORE_COMMAND_H
#define STORE_COMMAND_H

#include "base/error.h"

/* argv[1] is the sub-command's name. `env` is getenv, or a test's. Returns the exit code. */
int store_command(int argc, const char *const *argv, const char *(*env)(const char *name));

/* Whether there is such a sub-command. */
bool store_command_is(const char *name);

#endif
