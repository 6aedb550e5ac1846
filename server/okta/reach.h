/* server/okta/reach.h: by which way an org is reached: directly, at an address that is looked at first, or through a
 * proxy.
 *
 * Which of the two is decided here, once a client, and told to curl in so many words: what curl connects to directly is
 * then known to be the org, whose address must not be one that only this machine or its network can reach. It is looked
 * at after name resolution, each time a socket is made: a name that turns to another address is refused as well. A
 * proxy's address is the operator's matter, and who may be reached through it is the proxy's. */
#ifndef OKTA_REACH_H
#define OKTA_REACH_H

#include "okta/okta.h"

#include <curl/curl.h>

struct reach {
    /* set at the beginning */
    bool allow_private, allow_loopback;
    bool is_excepted; /* there is a proxy, and NO_PROXY names the org */
    char *proxy;      /* without user and password; NULL: directly */
    char *proxy_user, *proxy_password;
};

/* What came of one transfer. Zeroed to begin with. */
struct reach_try {
    const struct reach *reach;
    bool has_tried;    /* a socket was made */
    char refused[160]; /* the address that was refused last, as a sentence; "" none was */
};

/* Takes over the proxies that the environment names, and wipes those with a password there. Before threads. */
void reach_take_environment(void);

void reach_init(struct reach *r, const struct okta_options *options);
void reach_deinit(struct reach *r);

/* `try` is filled in while the transfer lives. */
void reach_set(const struct reach *r, CURL *easy, struct reach_try *try);

#endif
