/* client/term/terminal.h: the person in front of the program, if there is one. */
#ifndef CLIENT_TERM_TERMINAL_H
#define CLIENT_TERM_TERMINAL_H

#include "base/str.h"

bool terminal_is(int fd);

/* Columns of the terminal at fd; 0 when it is none. */
size_t terminal_columns(int fd);

/* Whether colours are wanted at fd: "always", "never", "auto" (a terminal, and neither NO_COLOR nor TERM=dumb). */
bool terminal_color(int fd, const char *when);

/* Asks on stderr and reads one line from the terminal at stdin into `answer`, trimmed. With is_hidden what is typed is
 * not shown, and the terminal is put back whatever happens. CANCELLED on Ctrl-C or at the end of input. */
MUST_CHECK bool terminal_ask(const char *question, bool is_hidden, struct buf *answer, struct error *err);

#endif
