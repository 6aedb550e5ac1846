/* client/cli/args.h: a command line against a table of options.
 *
 * "--name value", "--name=value", "-n value", "-nvalue"; "--" ends the options; "-" is an operand. What is unknown is
 * answered with the nearest name that exists. Everything is borrowed from argv. */
#ifndef CLIENT_CLI_ARGS_H
#define CLIENT_CLI_ARGS_H

#include "base/str.h"

struct option {
    const char *name; /* without "--"; NULL ends a table */
    char letter;      /* '\0': none */
    /* What the help calls the value, and by which shells complete it: FILE, ADDR, SERVICE, or the words that it can be
     * as "table|json|jsonl"; others say nothing to them. NULL: a flag. */
    const char *value;
    const char *help;
};

#define ARGS_TABLES_MAX   2
#define ARGS_OPTIONS_MAX  16 /* a table */
#define ARGS_OPERANDS_MAX 4

struct args {
    const struct option *tables[ARGS_TABLES_MAX];
    const char *values[ARGS_TABLES_MAX][ARGS_OPTIONS_MAX]; /* NULL: not given; "" for a flag that was */
    size_t table_count;
    const char *operands[ARGS_OPERANDS_MAX];
    size_t operand_count;
};

/* From here on these options are known as well. Names must differ between tables. */
void args_learn(struct args *a, const struct option *table);

/* Parses argv[*at] and on; with stop_at_operand only to the first operand. *at is left at what was not parsed.
 * INVALID_ARGUMENT, in words. */
MUST_CHECK bool args_parse(struct args *a, int argc, char *const *argv, int *at, bool stop_at_operand,
                           struct error *err);

/* The words of "a|b|c", one after the other; false when there are no more. */
bool args_word(struct view *rest, struct view *word);

/* The name must be in a table. */
bool args_has(const struct args *a, const char *name);
const char *args_value(const struct args *a, const char *name); /* NULL when it was not given */

/* Numbers, times and words (which of them: *index) that options have as values. *out is untouched when the option was
 * not given; INVALID_ARGUMENT names the option and its range. */
MUST_CHECK bool args_number(const struct args *a, const char *name, uint64_t min, uint64_t max, uint64_t *out,
                            struct error *err);
MUST_CHECK bool args_choice(const struct args *a, const char *name, size_t *index, struct error *err);
MUST_CHECK bool args_duration(const struct args *a, const char *name, int64_t *ms, struct error *err);

#endif
