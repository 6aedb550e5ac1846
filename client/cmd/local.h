/* client/cmd/local.h: what doctor sees of this host without the server's help. */
#ifndef CLIENT_CMD_LOCAL_H
#define CLIENT_CMD_LOCAL_H

#include "base/error.h"
#include "okta/connector/v1/connector.pb-c.h"

#include <stddef.h>

#define LOCAL_CHECKS_MAX 32

/* Checks of the server's own kind; begins as zeros. */
struct local {
    Okta__Connector__V1__Check checks[LOCAL_CHECKS_MAX];
    size_t count;
};

/* One more; beyond the most it is dropped. `remedy` may be NULL. All are copied. */
void local_add(struct local *l, const char *name, Okta__Connector__V1__CheckVerdict verdict, const char *remedy,
               const char *detail, ...) PRINTF(5, 6);
void local_deinit(struct local *l);

bool local_exists(const char *path);

/* Whether the program runs, its configuration is there, and its disk has room. */
void local_without_server(struct local *l);

#endif
