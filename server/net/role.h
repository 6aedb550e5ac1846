/* server/net/role.h: what a caller may do. */
#ifndef NET_ROLE_H
#define NET_ROLE_H

/* What a caller may do: by the listener that the call came by, and over TLS also by the names in his certificate. */
enum net_role {
    NET_STRANGER = 0, /* nothing: a certificate that is good, but not on our lists */
    NET_READER = 1,
    NET_ADMIN = 2,
};

const char *net_role_name(enum net_role role); /* "admin" */

#endif
