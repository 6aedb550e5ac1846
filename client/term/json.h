/* client/term/json.h: a message as JSON: protobuf's own mapping, with the field names of the .proto files.
 *
 * https://protobuf.dev/programming-guides/json/: 64-bit integers as strings, enums by name, bytes as base64, times as
 * RFC 3339, durations as "1.5s", wrappers and Struct as what they hold; fields at their default are left out. */
#ifndef CLIENT_TERM_JSON_H
#define CLIENT_TERM_JSON_H

#include "base/str.h"

#include <protobuf-c/protobuf-c.h>

enum json_layout { JSON_ONE_LINE, JSON_INDENTED };

/* Appends one JSON value, without a newline at its end. Control characters and invisible marks inside strings are
 * written as \u escapes, so that a terminal shows them and does not obey them. */
void json_message(const ProtobufCMessage *message, enum json_layout layout, struct buf *out);

#endif
