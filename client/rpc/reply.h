/* client/rpc/reply.h: what comes back from a call, made into a message or an error. */
#ifndef CLIENT_RPC_REPLY_H
#define CLIENT_RPC_REPLY_H

#include "base/error.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

/* Where gRPC puts the end of a call. */
struct reply_status {
    grpc_status_code code;
    grpc_slice text;
    grpc_metadata_array trailers;
};

void reply_status_init(struct reply_status *s);
void reply_status_deinit(struct reply_status *s);

/* True for OK. Otherwise fills err: the code, the server's sentence, and of its details the reason, the fields, when to
 * ask again, and its help (as the fact "help"). All of it is the server's word, and cut where it is too long. */
MUST_CHECK bool reply_status_check(const struct reply_status *s, struct error *err);

/* Takes *bytes and leaves NULL. DATA_LOSS when they are no such message. */
MUST_CHECK bool reply_decode(grpc_byte_buffer **bytes, const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
                             struct error *err);

grpc_byte_buffer *reply_encode(const ProtobufCMessage *message);

#endif
