#include "rpc/wire.h"

#define VARINT_BYTES_MAX 10

/* Seven bits a byte, least significant first; the top bit says that more follow. 64 bits need ten bytes; an eleventh is
 * invalid. */
static bool wire_take_varint(struct view *rest, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->len && i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = (uint8_t)rest->at[i];

        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            rest->at += i + 1;
            rest->len -= i + 1;
            *out = value;
            return true;
        }
    }
    return false;
}

static bool wire_take_bytes(struct view *rest, uint64_t len, struct view *out)
{
    if (len > rest->len)
        return false;
    *out = (struct view){ rest->at, (size_t)len };
    rest->at += len;
    rest->len -= (size_t)len;
    return true;
}

bool wire_next(struct view *rest, struct wire_field *out)
{
    struct view at = *rest;
    uint64_t tag, value;
    bool is_read = false;

    if (!wire_take_varint(&at, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    out->number = (uint32_t)tag >> 3;
    out->type = (enum wire_type)(tag & 7);
    out->bytes = VIEW_NONE;
    switch (out->type) {
    case WIRE_VARINT:
        is_read = wire_take_varint(&at, &value);
        break;
    case WIRE_64:
        is_read = wire_take_bytes(&at, 8, &out->bytes);
        break;
    case WIRE_32:
        is_read = wire_take_bytes(&at, 4, &out->bytes);
        break;
    case WIRE_BYTES:
        is_read = wire_take_varint(&at, &value) && wire_take_bytes(&at, value, &out->bytes);
        break;
    }
    if (is_read)
        *rest = at;
    return is_read;
}

struct view wire_find(struct view message, uint32_t number)
{
    struct wire_field field;

    while (wire_next(&message, &field)) {
        if (field.number == number && field.type == WIRE_BYTES)
            return field.bytes;
    }
    return VIEW_NONE;
}
