/* server/rpc/message.h: converts between protobuf-c messages and byte buffers, with limits. */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include "base/str.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#define MESSAGE_DEPTH_MAX 32 /* nested messages: protobuf-c recurses; none of our requests comes near */

/* Parses a request. RESOURCE_EXHAUSTED if it is larger than CALL_REQUEST_BYTES_MAX. INVALID_ARGUMENT if it is not a
 * valid message of that type, nests too deep, or holds a string that is not UTF-8 or contains U+0000: protobuf-c would
 * accept the former, and cut the string at the latter. Free *out with protobuf_c_message_free_unpacked. */
MUST_CHECK bool message_parse(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes, ProtobufCMessage **out,
                              struct error *err);

/* The same check on plain bytes, without parsing. */
MUST_CHECK bool message_check(const ProtobufCMessageDescriptor *type, struct view bytes, struct error *err);

/* Encodes a message. RESOURCE_EXHAUSTED if that takes more than CALL_RESPONSE_BYTES_MAX. On success, the caller owns
 * *out. */
MUST_CHECK bool message_pack(const ProtobufCMessage *m, struct buf *out, struct error *err);

/* Moves the bytes into a byte buffer without a copy. *bytes is left empty. */
grpc_byte_buffer *message_take(struct buf *bytes);

#endif
