/* server/rpc/certificates.h: our certificate, its key and the client CAs, from files that may change while we run.
 *
 * The files are checked for changes when a connection arrives, at most once a second, and at least once a minute. A new
 * set replaces the old one only as a whole, and only if it can be used. Kubernetes updates a mounted secret by swapping
 * the symlink of its folder; that counts as a change of all three files. Open sessions keep the certificates that they
 * started with. */
#ifndef RPC_CERTIFICATES_H
#define RPC_CERTIFICATES_H

#include "rpc/server.h"

#include <openssl/ssl.h>

struct certificates;

/* Reads the files. FAILED_PRECONDITION, with the file and what to do, if they cannot be used: unreadable, not PEM,
 * expired, a key with a passphrase or of another certificate. Copies tls. */
MUST_CHECK bool certificates_open(struct certificates **out, const struct net_tls *tls, struct error *err);
void certificates_close(struct certificates *c); /* NULL is fine */

/* Any thread. On failure, the set in use stays. */
MUST_CHECK bool certificates_reload(struct certificates *c, struct error *err);

/* Always on the same thread: reloads if a file has changed, and logs the outcome. Warns once a day that the certificate
 * expires, from two weeks before. */
void certificates_look(struct certificates *c, int64_t now_mono_ms);

/* When the certificate in use expires. Any thread. */
int64_t certificates_expiry_unix_s(const struct certificates *c);

/* A new server-side session with the set in use now. SSL_free it. NULL: out of memory. Any thread. */
SSL *certificates_session(struct certificates *c);

/* After the handshake: the role that our lists give to the peer's verified certificate. Any thread. */
enum net_role certificates_role(const struct certificates *c, const SSL *session);

#endif
