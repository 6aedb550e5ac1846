/* client/rpc/tls.h: a server that is reached by TLS: whom to trust there, and who we are. */
#ifndef CLIENT_RPC_TLS_H
#define CLIENT_RPC_TLS_H

#include "base/error.h"

struct grpc_channel_credentials;

/* Files are in PEM. NULL where nothing was given; borrowed. */
struct tls {
    bool is_on;
    const char *ca_file;              /* who vouches for the server; NULL: the system's CAs */
    const char *cert_file, *key_file; /* our own, both or none */
    const char *server_name;          /* that its certificate must bear; NULL: the address that is called */
};

/* From the environment where a flag gave nothing, but for servers on Unix sockets, which need no TLS: there it is an
 * error to ask for it by a flag. INVALID_ARGUMENT with a sentence. */
MUST_CHECK bool tls_complete(struct tls *t, bool is_unix, struct error *err);

/* Reads the files. The caller releases *out. */
MUST_CHECK bool tls_credentials(const struct tls *t, struct grpc_channel_credentials **out, struct error *err);

/* gRPC's text about a connection that failed -> UNAVAILABLE, in words: what is wrong, and what to do. */
bool tls_explain(const struct tls *t, const char *text, struct error *err);

#endif
