/* tests/okta/loopback.h: an HTTP/1.1 server on loopback that answers as it is told, byte by byte.
 *
 * Each connection has a thread. Everything is read off and written down, so that a test can look at what was really
 * sent. */
#ifndef TESTS_OKTA_LOOPBACK_H
#define TESTS_OKTA_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>

enum loopback_then {
    LOOPBACK_KEEP,  /* keeps the connection for the next request */
    LOOPBACK_CLOSE, /* closes it */
    LOOPBACK_RESET, /* with RST */
    LOOPBACK_STALL, /* says no more, until the other side goes away */
};

struct loopback_page {
    const char *path;
    const void *bytes; /* the whole answer, status line first */
    size_t len;
    enum loopback_then then;
    int requests_max; /* on one connection; the one after these is read and the connection closed; 0: any number */
};

struct loopback;

/* `pages` is borrowed, and ends with a NULL path. */
struct loopback *loopback_start(const struct loopback_page *pages);
void loopback_stop(struct loopback *l); /* when the clients have gone */
int loopback_port(const struct loopback *l);

/* The head of the request number `index` from 0, on whatever connection; "" when there was none. Valid until stop. */
const char *loopback_request(struct loopback *l, size_t index);
size_t loopback_requests(struct loopback *l);
size_t loopback_connections(struct loopback *l);

#endif
