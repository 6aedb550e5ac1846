/* client/rpc/knock.h: is anybody behind a Unix socket? gRPC does not tell why a connection fails in words that fit a
 * command line; a trial connection does. */
#ifndef CLIENT_RPC_KNOCK_H
#define CLIENT_RPC_KNOCK_H

#include "base/error.h"

#include <stdint.h>

/* Connects to the socket at `path` and hangs up. Waits at most timeout_ms (> 0), and only where the server's queue of
 * connections is full. Otherwise the error says what is wrong with the path, and what to do:
 *   INVALID_ARGUMENT   the path is too long for a socket, or leads to something else
 *   UNAVAILABLE        nothing is there, or nobody listens
 *   PERMISSION_DENIED  this user may not open it
 *   DEADLINE_EXCEEDED  somebody listens, but takes no connection */
MUST_CHECK bool knock(const char *path, int64_t timeout_ms, struct error *err);

#endif
