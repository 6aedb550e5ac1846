/* tests/emulator/shell.h: the emulator on a loopback port: HTTP/1.1 by libmicrohttpd, gzip when asked for, and the
 * __ endpoints that tests steer it by. */
#ifndef EMULATOR_SHELL_H
#define EMULATOR_SHELL_H

#include "base/clock.h"
#include "emulator.h"

struct shell;

/* Listens on 127.0.0.1:port (0: any that is free) and serves on one thread of its own, which is the only one to touch
 * the emulator until shell_stop. Sets the emulator's base url. */
MUST_CHECK bool shell_start(struct shell **out, struct emulator *e, const struct clock *clock, uint16_t port,
                            struct error *err);
const char *shell_url(const struct shell *s); /* "http://127.0.0.1:43210" */
uint16_t shell_port(const struct shell *s);
void shell_stop(struct shell *s); /* the emulator stays yours */

#endif
