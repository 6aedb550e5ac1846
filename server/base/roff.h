/* base/roff.h: text in the language of manual pages, with the macros of man(7). */
#ifndef BASE_ROFF_H
#define BASE_ROFF_H

#include "base/str.h"

/* Appends text that roff shows as it is: hyphens that can be copied, straight quotes, no line taken for a request. A
 * line's end is a space, an empty line a new paragraph. */
void roff_text(struct view text, struct buf *out);

/* Appends one entry of a list: what it is called (bold), its value (italics; NULL: none), and what it means. */
void roff_item(const char *name, const char *value, const char *text, struct buf *out);

/* Appends a heading within a section. */
void roff_heading(const char *text, struct buf *out);

#endif
