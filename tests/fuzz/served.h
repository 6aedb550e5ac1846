/* tests/fuzz/served.h: the whole server in this process, on a Unix socket, with one connector that has synced a small
 * emulated org. Made at the first use, taken
 * down at the end of the process. */
#ifndef TESTS_FUZZ_SERVED_H
#define TESTS_FUZZ_SERVED_H

/* "/tmp/served-XXXXXX/admin.sock". */
const char *served_socket(void);

/* A login happens, and its connector is told to look. */
void served_login(void);

/* What must be true once an input's connections and calls are over: no call is left, no stream, no open read
 * transaction; health answers. Then the one connector is there again and no other. Bounded; ASSERTs. */
void served_settle(void);

#endif
