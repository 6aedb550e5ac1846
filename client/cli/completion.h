/* client/cli/completion.h: what a shell can complete, read from the tables of commands and options. */
#ifndef CLIENT_CLI_COMPLETION_H
#define CLIENT_CLI_COMPLETION_H

#include "client/cli/commands.h"

enum completes {
    COMPLETES_NOTHING,
    COMPLETES_CHOICE, /* one of the words of "a|b|c" */
    COMPLETES_FILE,
    COMPLETES_ADDRESS, /* unix:/path, /path or host:port */
    COMPLETES_NAME,    /* a connector's */
    COMPLETES_SERVICE, /* of health: upstream, or upstream/NAME */
    COMPLETES_COMMAND,
};

/* Of an option's value (not NULL). */
enum completes completes_value(const char *value);

/* Of a command's first operand; *words is what completes_value would have been told. */
enum completes completes_operand(const struct command *c, struct view *words);

/* Appends "a b c" for "a|b|c". */
void completion_words(struct view words, struct buf *out);

/* Appends the script for one shell. */
void completion_bash(struct buf *out);
void completion_zsh(struct buf *out);
void completion_fish(struct buf *out);

#endif
