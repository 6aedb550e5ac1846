/* server/net/role.h: the role of a caller. */
#ifndef NET_ROLE_H
#define NET_ROLE_H

/* What a caller may do. The listener decides it; over TLS, so do the names in the caller's certificate. */
enum net_role {
    NET_STRANGER = 0, /* nothing: a valid certificate, but not on our lists */
    NET_READER = 1,
    NET_ADMIN = 2,
};

const char *net_role_name(enum net_role role); /* "admin" */

#endif
