/* client/term/output.h: a way out for bytes that says when nobody reads them any more.
 *
 * Written at once when flushed, else when enough has gathered. After a failure everything is dropped and output_ok is
 * false: the writer of a long list looks at it between items. */
#ifndef CLIENT_TERM_OUTPUT_H
#define CLIENT_TERM_OUTPUT_H

#include "base/str.h"

struct output {
    int fd;
    struct buf pending;
    bool is_closed;   /* the reader went away: end quietly */
    int broken_errno; /* it cannot be written for another reason; 0: it can */
};

void output_init(struct output *o, int fd);
void output_deinit(struct output *o); /* does not flush and does not close */

void output_put(struct output *o, struct view bytes);
void output_puts(struct output *o, const char *text);
void output_printf(struct output *o, const char *format, ...) PRINTF(2, 3);
void output_flush(struct output *o);
bool output_ok(const struct output *o);

#endif
