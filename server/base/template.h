/* base/template.h: a text with gaps: manual pages and completions are written as such, around what the tables hold. */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include "base/str.h"

struct template_gap {
    const char *name; /* of the line "@NAME@", alone, which is where it goes; NULL ends the table */
    void (*fill)(struct buf *out);
};

/* Appends the text with every gap filled. INVALID_ARGUMENT when it has a gap that the table has not, or the other way
 * round. */
MUST_CHECK bool template_fill(struct view text, const struct template_gap *gaps, struct buf *out, struct error *err);

/* For programs that make a file at build time: fills argv[1]'s text and prints it. Returns the exit code. */
int template_main(int argc, char **argv, const struct template_gap *gaps);

#endif
