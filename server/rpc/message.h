/* server/rpc/message.h: protobuf-c message <-> byte buffer, size-capped. */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include "base/str.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#define MESSAGE_DEPTH_MAX 32 /* of messages in messages; protobuf-c recurses, and none of our requests nests deeper */

/* Parses a request. RESOURCE_EXHAUSTED when it is larger than CALL_REQUEST_BYTES_MAX; INVALID_ARGUMENT when it is not
 * that message, nests too deep or holds a string that is not UTF-8 or has U+0000 in it (protobuf-c would pass the one
 * on and cut at the other). Free *out with protobuf_c_message_free_unpacked. */
MUST_CHECK bool message_parse(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes, ProtobufCMessage **out,
                              struct error *err);

/* The same check on plain bytes. */
MUST_CHECK bool message_check(const ProtobufCMessageDescriptor *type, struct view bytes, struct error *err);

/* Encodes. RESOURCE_EXHAUSTED when that takes more than CALL_RESPONSE_BYTES_MAX. */
MUST_CHECK bool message_pack(const ProtobufCMessage *m, struct buf *out, struct error *err);

/* The bytes become the buffer's without a copy; *bytes is emptied. */
grpc_byte_buffer *message_take(struct buf *bytes);

#endif
