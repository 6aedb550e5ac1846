/* server/rpc/certificates.h: our certificate, its key and the CAs of clients, as files that change while we run.
 *
 * They are looked at again when somebody connects, at most once a second, and once a minute in any case; only a whole
 * new set that can be used takes the place of the old one. A folder whose symlink is swapped, as Kubernetes does with
 * a mounted secret, is a change of all three. Sessions under way keep what they began with. */
#ifndef RPC_CERTIFICATES_H
#define RPC_CERTIFICATES_H

#include "rpc/server.h"

#include <openssl/ssl.h>

struct certificates;

/* Reads the files. FAILED_PRECONDITION, with the file and what to do, when they cannot be used: unreadable, no PEM, a
 * key of another certificate, with a passphrase, expired. Copies tls. */
MUST_CHECK bool certificates_open(struct certificates **out, const struct net_tls *tls, struct error *err);
void certificates_close(struct certificates *c); /* NULL is fine */

/* Any thread. On failure what was in use stays. */
MUST_CHECK bool certificates_reload(struct certificates *c, struct error *err);

/* One thread, the same each time: reloads when a file has changed, and logs what came of it; warns of the end, two
 * weeks ahead, once a day. */
void certificates_look(struct certificates *c, int64_t now_mono_ms);

/* When the one in use ends. Any thread. */
int64_t certificates_expiry_unix_s(const struct certificates *c);

/* A new session of the server's side, with what is in use now; SSL_free it. NULL: out of memory. Any thread. */
SSL *certificates_session(struct certificates *c);

/* After the handshake: what the peer's verified certificate is good for, by our lists. Any thread. */
enum net_role certificates_role(const struct certificates *c, const SSL *session);

#endif
