/* server/rpc/wire.h: walking over encoded protobuf without decoding it. */
#ifndef RPC_WIRE_H
#define RPC_WIRE_H

#include "base/str.h"

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct wire_field {
    uint32_t number;
    enum wire_type type;
    struct view bytes; /* of WIRE_BYTES: what is in it */
};

/* Takes the next field off *rest. False at the end, and when the rest is not protobuf (groups count as that): then
 * something is left in *rest. */
bool wire_next(struct view *rest, struct wire_field *out);

/* The first field of that number and type WIRE_BYTES; VIEW_NONE where there is none. */
struct view wire_find(struct view message, uint32_t number);

#endif
