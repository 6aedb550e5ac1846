/* tests/okta/tunnel.h: a proxy on loopback that makes one tunnel, wherever on loopback it is asked to. */
#ifndef TESTS_OKTA_TUNNEL_H
#define TESTS_OKTA_TUNNEL_H

struct tunnel;

struct tunnel *tunnel_start(void);
int tunnel_port(const struct tunnel *t);

/* What it was asked, head alone; when the client has gone. Valid until tunnel_stop. */
const char *tunnel_request(struct tunnel *t);
void tunnel_stop(struct tunnel *t);

#endif
