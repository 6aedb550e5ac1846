#include "json_text.h"

#define TEXT_BYTES_MAX 65536 /* of what is escaped; an error does not say more */

void json_text_put(struct view text, struct buf *out)
{
    AUTO_BUF struct buf clean = BUF(TEXT_BYTES_MAX);

    (void)utf8_clean(text, &clean);
    for (size_t i = 0; i < clean.len; i++) {
        char c = clean.at[i];

        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if ((unsigned char)c < 0x20)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_putc(out, c);
    }
}
