/* server/rpc/server.h: ports, queues, methods, and their end. The only folder that includes gRPC's headers. */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "net/address.h"
#include "rpc/call.h"

struct rpc;

/* Whether the files can be used, as rpc_start would find; FAILED_PRECONDITION with the file and what to do. True where
 * none is named. */
MUST_CHECK bool rpc_tls_files_check(const struct net_tls *tls, struct error *err);

struct rpc_options {
    const struct net_address *listen;
    size_t listen_count;
    unsigned threads;                 /* queues for calls; 0: one a core, at most 4. Health has one more of its own */
    int64_t reader_uid, reader_gid;   /* may use reader Unix sockets besides our own uid and root; -1: nobody more */
    const struct net_tls *tls;        /* copied; NULL: none */
    unsigned connections_per_uid_max; /* and per address over TCP; 0: 256 */
    unsigned streams_per_connection_max; /* 0: 1024, over TCP 100 */
    int64_t idle_ms;                     /* after which a connection without calls is closed; 0: 60000 */
    int64_t handshake_ms;                /* that TLS may take; 0: 10000 */
    int64_t connection_age_ms;           /* over TCP, also of a stream; at most 7 days. 0: no limit */
    const struct call_method *methods;   /* borrowed until rpc_destroy, like service; ended by a NULL path */
    void *service;
    const unsigned char *descriptors; /* a google.protobuf.FileDescriptorSet, for reflection; borrowed */
    size_t descriptors_size;
};

/* Binds every address (a stale Unix socket, one that nobody answers, is removed; a file that is no socket never is),
 * logs one "listen" event each with role and address, and starts the threads. grpc.health.v1 and grpc.reflection.v1 and
 * v1alpha are served besides the methods. */
MUST_CHECK bool rpc_start(struct rpc **out, const struct rpc_options *options, struct error *err);

/* Any thread: reads the certificates, key and client CAs anew. What cannot be used is refused with a sentence, and what
 * was in use stays; connections that are open stay in any case. Done besides within seconds when a file changes. True
 * without TLS. */
MUST_CHECK bool rpc_reload_certificates(struct rpc *r, struct error *err);

/* When the certificate in use ends; 0 without TLS. Any thread. */
int64_t rpc_certificate_expiry_unix_s(const struct rpc *r);

/* Where it listens, as a client writes it: "unix:/path", "127.0.0.1:43210". NULL beyond the last. */
const char *rpc_address(const struct rpc *r, size_t index);

/* Any thread: every open stream with this topic gets ready. Coalesces. */
void rpc_wake(struct rpc *r, unsigned topic);

/* Who may use reader Unix sockets from now on, as in rpc_options. Who is in stays. The thread that drains, before. */
void rpc_set_readers(struct rpc *r, int64_t reader_uid, int64_t reader_gid);

/* ---- health: any thread; never blocks ---- */
enum rpc_health { RPC_HEALTH_UNKNOWN = 0, RPC_HEALTH_SERVING = 1, RPC_HEALTH_NOT_SERVING = 2, RPC_HEALTH_GONE = 3 };
/* "", a service's full name, "upstream", "upstream/NAME" (at most 128 names). GONE: the name is no longer known. */
void rpc_health_set(struct rpc *r, const char *service, enum rpc_health health);

/* ---- counts: any thread ---- */

#define RPC_CODES 17 /* gRPC's, 0 to 16 */

struct rpc_method_counts {
    const char *path; /* as in call_method; NULL: all that no method claims */
    enum call_kind kind;
    uint64_t started, handled[RPC_CODES]; /* by status; a caller who left first counts as CANCELLED */
};
/* Of every method; returns how many there are, of which at most `room` were copied. */
size_t rpc_counts(const struct rpc *r, struct rpc_method_counts *out, size_t room);

/* ---- the end, in steps ---- */

/* 1. Every health name NOT_SERVING; no new connection; new calls UNAVAILABLE; drain on every stream. Returns at
 *    once. */
void rpc_drain(struct rpc *r);
/* 2. Waits until no call is left, at most grace_ms; then says GOAWAY, cancels the rest, and waits until they are gone.
 */
void rpc_stop(struct rpc *r, int64_t grace_ms);
/* 3. Frees; removes the Unix sockets. No thread of rpc is left. */
void rpc_destroy(struct rpc *r);

#endif
