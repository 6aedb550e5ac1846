/* tests/rpc/client.h: a gRPC client on the C core, for one thread: every wait is bounded, and a wait that times out
 * fails the test.
 *
 * Messages here hold one string, as field 1: that is what the test methods take and give. */
#ifndef TESTS_RPC_CLIENT_H
#define TESTS_RPC_CLIENT_H

#include "base/str.h"

#include <grpc/grpc.h>

struct client {
    grpc_channel *channel;
    grpc_completion_queue *cq;
};

/* "unix:/path", "127.0.0.1:43210". Never retries by itself. `compress`: requests are sent with gzip. */
void client_open(struct client *c, const char *address);
void client_open_compressing(struct client *c, const char *address);
/* Over TLS, trusting the CA in the file; with a certificate and its key, or without (NULL). */
void client_open_tls(struct client *c, const char *address, const char *ca_file, const char *cert_file,
                     const char *key_file);
void client_close(struct client *c);

struct client_call {
    struct client *client;
    grpc_call *raw;
    grpc_metadata_array headers, trailers;
    grpc_status_code code;
    grpc_slice text;
    bool has_headers, is_over;
};

#define NO_DEADLINE INT64_MAX

/* Sends the request, and half-closes: no other follows. */
void client_begin(struct client *c, struct client_call *call, const char *path, struct view request, int64_t within_ms);
/* The same with a string as the request. */
void client_ask(struct client *c, struct client_call *call, const char *path, const char *text);
/* Sends nothing yet: for client_send. */
void client_begin_bidi(struct client *c, struct client_call *call, const char *path);
void client_send(struct client_call *call, struct view message);
void client_send_end(struct client_call *call);

/* Waits for the headers. */
void client_headers(struct client_call *call);
/* Waits for a message; false at the end of the stream. */
bool client_read(struct client_call *call, struct buf *message);
void client_cancel(struct client_call *call);

/* Waits for the status, and returns its code. */
int client_status(struct client_call *call);
/* After client_status. "" if there is none. */
const char *client_text(struct client_call *call, struct buf *room);
struct view client_trailer(const struct client_call *call, const char *key);
void client_end(struct client_call *call);

/* A unary call from beginning to end; the answer's string is in *answer. */
int client_unary(struct client *c, const char *path, const char *text, struct buf *answer);

/* A message that holds the text, appended; and the text in one. */
void text_encode(const char *text, struct buf *out);
struct view text_in(const struct buf *message);

#endif
