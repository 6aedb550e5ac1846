/* tests/emulator/control.h: the endpoints whose path begins with "/__": what tests may do to the org, and ask of it.
 * They need no token and are not counted. */
#ifndef EMULATOR_CONTROL_H
#define EMULATOR_CONTROL_H

#include "emulator.h"

/* The truth, as one JSON object a line, made as it is read. */
struct truth_reader {
    const struct emulator *emulator;
    size_t at, end;
    bool logins_only;
    struct buf lines;
    size_t taken; /* of lines */
};

struct control_answer {
    int status;
    struct buf body;
    bool is_truth; /* what follows is read from `truth`, and the body is empty */
    struct truth_reader truth;
};

bool control_is_for(struct view target);
/* *out is initialised here; deinit it. */
void control_answer(struct emulator *e, const char *method, struct view target, struct view body, int64_t now_unix_ms,
                    struct control_answer *out);
void control_answer_deinit(struct control_answer *out);

/* Copies up to len bytes; 0 at the end. */
size_t truth_read(struct truth_reader *r, char *to, size_t len);

#endif
