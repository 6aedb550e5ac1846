/* server/service/service.h: the methods of Connector and Directory. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "connectors/connector.h"
#include "connectors/connectors.h"
#include "rpc/call.h"

#define SERVICE_VERSION_MAX 32

/* An address that the server listens on. */
struct service_socket {
    char address[160]; /* as a client writes it */
    char path[108];    /* of a Unix socket; "": none */
    bool is_admin;
    char who[120]; /* a sentence that says who may connect */
};

/* The result of the last reload of the configuration. */
#define RELOAD_TEXT_MAX 512
struct reload_facts {
    int64_t at_unix_ms; /* of the last reload, successful or not; 0: there was none */
    bool is_successful; /* the last one; before that, the start */
    int64_t success_unix_ms;
    char error[RELOAD_TEXT_MAX];         /* "" when successful */
    char needs_restart[RELOAD_TEXT_MAX]; /* settings, with a comma between */
};

/* What the methods work on. app makes it before rpc_start; it is valid until rpc_destroy. */
struct service {
    struct connectors *connectors;
    const struct clock *clock;
    char version[SERVICE_VERSION_MAX];
    int64_t started_unix_ms;
    const struct service_socket *sockets; /* where we listen, for Diagnose; borrowed */
    size_t socket_count;
    struct subscribers *subscribers; /* the open streams, for Status */
    struct sync_runs *sync_runs;     /* the Syncs under way (sync.c) */
    /* Any thread. NULL: unknown. */
    void (*reload_facts)(void *ctx, struct reload_facts *out);
    void *ctx;
};

/* Every method of Connector and Directory, for rpc_options.methods; ended by a NULL path. */
extern const struct call_method service_methods[];

/* configure.c, sync.c, status.c */
void service_configure(void *service, struct call *c, const ProtobufCMessage *request);
void service_sync(void *service, struct call *c, const ProtobufCMessage *request);
void service_status(void *service, struct call *c, const ProtobufCMessage *request);
void service_delete(void *service, struct call *c, const ProtobufCMessage *request);
/* diagnose.c */
void service_diagnose(void *service, struct call *c, const ProtobufCMessage *request);
/* stream/stream_logins.c */
void service_stream_logins(void *service, struct call *c, const ProtobufCMessage *request);
/* directory.c */
void service_get_user(void *service, struct call *c, const ProtobufCMessage *request);
void service_list_users(void *service, struct call *c, const ProtobufCMessage *request);

struct sync_runs *sync_runs_create(void);
void sync_runs_destroy(struct sync_runs *r);

/* ---- subscribers.c: who reads which connector, for Status ---- */

struct subscribers *subscribers_create(void);
void subscribers_destroy(struct subscribers *s);

struct subscriber_snapshot {
    char peer[128];
    int64_t since_unix_ms;
    uint64_t sequence, events_sent, bytes_sent;
};
/* Copies the streams of one connector (by topic), at most `room`, and returns how many there are. Any thread. */
size_t subscribers_list(struct subscribers *s, unsigned topic, struct subscriber_snapshot *out, size_t room);

/* Totals of all streams since the start. Any thread. */
struct subscribers_totals {
    uint64_t opened, events_sent, bytes_sent;
};
struct subscribers_totals subscribers_totals(const struct subscribers *s);

/* A stream's own row: subscriber_join at its start, subscriber_leave at its end, subscriber_sent on its queue thread.
 */
struct subscriber;
struct subscriber *subscriber_join(struct subscribers *s, unsigned topic, const char *peer, int64_t now_unix_ms,
                                   uint64_t sequence);
void subscriber_sent(struct subscriber *one, uint64_t sequence, uint64_t events, uint64_t bytes);
void subscriber_leave(struct subscribers *s, struct subscriber *one);

#endif
