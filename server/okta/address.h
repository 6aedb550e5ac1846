/* server/okta/address.h: what lies behind an IP address: the internet, or something that only we can reach.
 *
 * An org's name comes from whoever configures, and what it resolves to from whoever runs its DNS: either could make
 * this program a way into the network that it stands in. A pure function on IANA's special-purpose registries. */
#ifndef OKTA_ADDRESS_H
#define OKTA_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

enum address_class {
    ADDRESS_PUBLIC,
    ADDRESS_PRIVATE,  /* a network's own: an org may be there when the operator says so */
    ADDRESS_LOOPBACK, /* this machine: only the emulator is there */
    ADDRESS_NEVER,    /* link-local, a cloud's metadata, multicast, nobody's: no org is there */
};

struct address {
    enum address_class class;
    const char *what; /* "a private address (10.0.0.0/8)", for a sentence; "" when public */
};

/* `len` bytes are at `at`. An IPv4 address in IPv6's clothes (mapped, NAT64, 6to4) is looked at as what it is. What is
 * neither is ADDRESS_NEVER. */
struct address address_of(const struct sockaddr *at, socklen_t len);

/* Whether an org may be reached there. */
bool address_is_allowed(enum address_class class, bool allow_private, bool allow_loopback);

#endif
