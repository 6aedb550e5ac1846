/* tests/rpc/tls_world.h: a server whose admin and reader addresses on loopback are served by TLS, and its clients. */
#ifndef TESTS_RPC_TLS_WORLD_H
#define TESTS_RPC_TLS_WORLD_H

#include "tests/rpc/fixture.h"
#include "tests/rpc/pki.h"

#define TLS_ADMIN  0
#define TLS_READER 1
#define TLS_PLAIN  2 /* loopback without TLS */

struct tls_world {
    struct fixture *f;
    struct pki_ca *ca, *foreign;
    char folder[40];
    struct net_tls tls;
    struct rpc_options options;
    struct net_address listen[4]; /* the last is the fixture's admin socket */
};

/* Makes certificates; the server's is valid for a month. Nothing runs yet: change `options`, then start. */
struct tls_world *tls_world_create(void);
void tls_world_start(struct tls_world *w);
void tls_world_destroy(struct tls_world *w);

/* A file in the folder. */
const char *tls_path(struct tls_world *w, const char *name, char out[128]);

/* A client's certificate, as NAME.pem and NAME.key in the folder. */
void tls_issue(struct tls_world *w, struct pki_ca *ca, const char *name, const char *names, int64_t until_s);

/* A client with the certificate NAME (NULL: with none), at an address. */
void tls_open(struct tls_world *w, struct client *c, size_t address, const char *name);

/* A new certificate for the server, written into place. */
void tls_renew(struct tls_world *w, int64_t from_s, int64_t until_s);

/* When the server's certificate expires, as a client sees it in the handshake, which stops there; 0: no answer. */
int64_t tls_seen_expiry_unix_s(struct tls_world *w);

/* A connection without gRPC: TCP, then TLS as far as requested. */
int tls_connect(struct tls_world *w, size_t address);

#endif
