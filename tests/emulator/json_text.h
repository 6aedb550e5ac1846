/* tests/emulator/json_text.h: any bytes as the inside of a JSON string. */
#ifndef EMULATOR_JSON_TEXT_H
#define EMULATOR_JSON_TEXT_H

#include "base/str.h"

void json_text_put(struct view text, struct buf *out);

#endif
