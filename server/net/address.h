/* server/net/address.h: the addresses that the server listens on, and the settings of TLS, as values. Nothing here
 * opens a file or a socket. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "net/cert_name.h"
#include "net/role.h"

#include <stdint.h>

#define NET_ADDRESSES_MAX 8

/* An address as text: "unix:/path", "admin=unix:/path", "reader=127.0.0.1:0", "tls:[::1]:50051", "admin=0.0.0.0:8443".
 * Without a role a Unix path is admin and TCP is reader. A TCP host is an IP address or localhost; 0.0.0.0 or [::]
 * means every address of this machine. Plaintext TCP is for readers on loopback only: an address beyond loopback, the
 * admin role, and an address written with tls: are served by TLS, where a client needs a certificate (struct net_tls).
 */
struct net_address {
    enum net_role role; /* over TLS the highest role that a certificate can have here */
    bool is_unix, is_tls;
    char path[108]; /* of a Unix socket, absolute */
    char host[64];  /* an IP address, without brackets */
    uint16_t port;  /* 0: any */
};
MUST_CHECK bool net_address_parse(struct view text, struct net_address *out, struct error *err);

#define NET_PATH_MAX 1023

/* The settings of every TLS listener. "" for a file that was not given. */
struct net_tls {
    char cert_file[NET_PATH_MAX + 1],
        key_file[NET_PATH_MAX + 1]; /* PEM: the server's certificate with its chain; the key without a passphrase */
    char client_ca_file[NET_PATH_MAX + 1]; /* PEM: the CAs that sign clients' certificates */
    struct cert_name admins[CERT_NAMES_MAX], readers[CERT_NAMES_MAX];
    size_t admin_count, reader_count;
};

/* Checks that the settings fit together: each address that needs TLS has certificates, and some client could use it.
 * INVALID_ARGUMENT with a sentence otherwise. Opens no file. */
MUST_CHECK bool net_tls_check(const struct net_tls *tls, const struct net_address *listen, size_t listen_count,
                              struct error *err);

#endif
