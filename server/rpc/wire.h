/* server/rpc/wire.h: iterates over the fields of an encoded protobuf message, without decoding it. */
#ifndef RPC_WIRE_H
#define RPC_WIRE_H

#include "base/str.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    struct view bytes; /* the content of WIRE_BYTES, WIRE_32 and WIRE_64 */
};

/* Takes the next field off the front of *rest. False at the end, and if the rest is not valid protobuf: then *rest is
 * not empty. Groups, which proto3 does not have, count as invalid. */
bool wire_next(struct view *rest, struct wire_field *out);

/* The first field with that number and type WIRE_BYTES; VIEW_NONE if there is none. */
struct view wire_find(struct view message, uint32_t number);

#endif
