/* client/cli/commands.h: the table of subcommands, and the options that all of them have. Help, manual page and
 * completions are made of it. */
#ifndef CLIENT_CLI_COMMANDS_H
#define CLIENT_CLI_COMMANDS_H

#include "client/cli/cli.h"

extern const struct command *const commands[]; /* ended by NULL */
extern const struct option global_options[];

#define PROGRAM_SUMMARY "reads Okta orgs through okta-connectord: login events and users"

/* NULL when there is none. */
const struct command *command_find(const char *name);

/* Says so, with the nearest that there is, and returns the exit code. */
int command_unknown(const char *name);

struct exit_meaning {
    const char *code, *text;
};
extern const struct exit_meaning exit_meanings[]; /* ended by NULL */

/* ---- help.c ---- */

void help_all(void);
void help_command(const struct command *c);

#endif
