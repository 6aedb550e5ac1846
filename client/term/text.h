/* client/term/text.h: what others wrote, made fit for a terminal; and numbers, times and sizes as people read them.
 *
 * User names, app labels and user agents are chosen by strangers. Here they lose the power to move the cursor, change
 * colours or reorder a line; nothing else about them changes. */
#ifndef CLIENT_TERM_TEXT_H
#define CLIENT_TERM_TEXT_H

#include "base/str.h"

/* Makes widths follow Unicode whatever the user's locale is. Once, before threads start. */
void text_init(void);

/* Appends `in` with everything that is not printable written out: "\n", "\x1b", "\u202e"; bytes that are not UTF-8 as
 * U+FFFD. Sets *columns, unless NULL, to the display columns that it takes. */
void text_safe(struct view in, struct buf *out, size_t *columns);

/* The longest start of safe text that takes at most `columns`, with "…" at its end when something was cut. Returns
 * the columns used. */
size_t text_clip(struct view safe, size_t columns, struct buf *out);

#define TEXT_SHORT_SIZE 32

void text_count(uint64_t n, char out[TEXT_SHORT_SIZE]);     /* 12,345 */
void text_bytes(uint64_t bytes, char out[TEXT_SHORT_SIZE]); /* 12.3 MB */
void text_span(int64_t ms, char out[TEXT_SHORT_SIZE]);      /* 3 s, 4 min, 2 h 5 min, 3 d 4 h */

/* "3 s ago", "in 5 s", "just now"; "never" when then_unix_ms is negative. */
void text_age(int64_t then_unix_ms, int64_t now_unix_ms, char out[TEXT_SHORT_SIZE]);

/* "2026-03-14", "09:26:53" in UTC; "-" for a time out of range. */
void text_date(int64_t unix_ms, char out[TEXT_SHORT_SIZE]);
void text_clock(int64_t unix_ms, char out[TEXT_SHORT_SIZE]);

/* How many letters must be added, dropped or changed to turn a into b; texts over 64 bytes count as far away. */
size_t text_distance(struct view a, struct view b);

#endif
