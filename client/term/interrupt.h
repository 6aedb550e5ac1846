/* client/term/interrupt.h: Ctrl-C and SIGTERM, as a fact to look at and a descriptor to wait for.
 *
 * The first signal is noted; a second one ends the process the default way, should we hang. */
#ifndef CLIENT_TERM_INTERRUPT_H
#define CLIENT_TERM_INTERRUPT_H

#include "base/error.h"

#include <stdint.h>

/* Installs the handlers and ignores SIGPIPE. Once, from main, before threads start. */
MUST_CHECK bool interrupt_install(struct error *err);

/* SIGINT or SIGTERM when it came, else 0. Any thread. */
int interrupt_signal(void);

/* Readable for ever once a signal came; -1 before interrupt_install. For poll only. */
int interrupt_fd(void);

/* Signals go to the main thread alone: around what starts threads. */
void interrupt_block(void);
void interrupt_unblock(void);

/* Waits until fd (-1: none) is readable, until_mono_ms has come, or a signal came. True when fd is readable. */
bool interrupt_wait(int fd, int64_t until_mono_ms);

#endif
