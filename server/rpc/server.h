/* server/rpc/server.h: the gRPC server: listeners, queues, methods, health, and the shutdown. */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "net/address.h"
#include "rpc/call.h"

struct rpc;

/* Checks the TLS files as rpc_start would. FAILED_PRECONDITION with the file and what to do. True if no file is named.
 */
MUST_CHECK bool rpc_tls_files_check(const struct net_tls *tls, struct error *err);

struct rpc_options {
    const struct net_address *listen;
    size_t listen_count;
    unsigned threads;                    /* queues for calls; 0: one a core, at most 4. Health has one more */
    int64_t reader_uid, reader_gid;      /* who may use reader Unix sockets, besides our own uid and root; -1: none */
    const struct net_tls *tls;           /* copied; NULL: none */
    unsigned connections_per_uid_max;    /* also per address over TCP; 0: 256 */
    unsigned streams_per_connection_max; /* 0: 1024; over TCP 100 */
    int64_t idle_ms;                     /* a connection without calls is closed after it; 0: 60000 */
    int64_t handshake_ms;                /* the longest TLS handshake; 0: 10000 */
    int64_t connection_age_ms; /* the longest connection over TCP, and stream on it; at most 7 days. 0: no limit */
    const struct call_method *methods; /* ends with a NULL path; borrowed until rpc_destroy, as is service */
    void *service;
    const unsigned char *descriptors; /* a google.protobuf.FileDescriptorSet, for reflection; borrowed */
    size_t descriptors_size;
};

/* Binds each address, logs a "listen" event with its role and address, and starts the threads. A stale Unix socket (no
 * process answers on it) is removed; any other file is left alone, and is an error. Besides the methods, serves
 * grpc.health.v1 and grpc.reflection.v1 and v1alpha. */
MUST_CHECK bool rpc_start(struct rpc **out, const struct rpc_options *options, struct error *err);

/* Any thread: reloads certificate, key and client CAs. If they cannot be used, says why, and those in use stay. Open
 * connections stay in any case. A change of a file is also noticed without this call, within seconds if connections
 * arrive. True without TLS. */
MUST_CHECK bool rpc_reload_certificates(struct rpc *r, struct error *err);

/* When the certificate in use expires; 0 without TLS. Any thread. */
int64_t rpc_certificate_expiry_unix_s(const struct rpc *r);

/* An address that it listens on, as a client writes it: "unix:/path", "127.0.0.1:43210". NULL after the last. */
const char *rpc_address(const struct rpc *r, size_t index);

/* Any thread: calls ready on each open stream with this topic. Coalesces. */
void rpc_wake(struct rpc *r, unsigned topic);

/* Sets who may use reader Unix sockets from now on, as in rpc_options. Open connections stay. On the thread that calls
 * rpc_drain. */
void rpc_set_readers(struct rpc *r, int64_t reader_uid, int64_t reader_gid);

/* ---- health: any thread; never blocks ---- */
enum rpc_health { RPC_HEALTH_UNKNOWN = 0, RPC_HEALTH_SERVING = 1, RPC_HEALTH_NOT_SERVING = 2, RPC_HEALTH_GONE = 3 };
/* Names: "", a service's full name, "upstream", "upstream/NAME"; at most 128. GONE forgets the name. */
void rpc_health_set(struct rpc *r, const char *service, enum rpc_health health);

/* ---- counts: any thread ---- */

#define RPC_CODES 17 /* gRPC's, 0 to 16 */

struct rpc_method_counts {
    const char *path; /* as in call_method; NULL: calls of unknown methods */
    enum call_kind kind;
    uint64_t started, handled[RPC_CODES]; /* by status; CANCELLED if the caller left first */
};
/* Copies the counts of the first `room` methods, and returns how many methods there are. */
size_t rpc_counts(const struct rpc *r, struct rpc_method_counts *out, size_t room);

/* ---- shutdown, in steps ---- */

/* 1. Sets every health name to NOT_SERVING, refuses new calls with UNAVAILABLE, stops accepting connections, and calls
 *    drain on every stream. Returns at once. */
void rpc_drain(struct rpc *r);
/* 2. Waits at most grace_ms for the open calls, sends GOAWAY, cancels the calls that are left, and waits for those. */
void rpc_stop(struct rpc *r, int64_t grace_ms);
/* 3. Frees everything, removes the Unix sockets, and leaves no thread behind. Does step 2 with no grace if it is
 * missing. */
void rpc_destroy(struct rpc *r);

#endif
