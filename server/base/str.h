/* base/str.h: bytes from outside (struct view), bytes that we build (struct buf), and text <-> numbers and times. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Borrowed bytes, not NUL-terminated, any content. `at` may be NULL when len is 0. */
struct view {
    const char *at;
    size_t len;
};

#define VIEW(literal) ((struct view){ (literal), sizeof(literal) - 1 })
#define VIEW_NONE     ((struct view){ NULL, 0 })
#define VIEW_FMT      "%.*s"
#define VIEW_ARG(v)   (int)((v).len < 1024 ? (v).len : 1024), (v).at != NULL ? (v).at : ""

struct view view_of(const char *text); /* of a NUL-terminated string; NULL gives none */
bool view_eq(struct view a, struct view b);
bool view_eq_nocase(struct view a, struct view b); /* ASCII */
bool view_is(struct view v, const char *text);
bool view_starts(struct view v, const char *prefix);
bool view_ends(struct view v, const char *suffix);
struct view view_trim(struct view v); /* without ASCII white space at both ends */
char *view_dup(struct view v);        /* a NUL-terminated copy, yours; ASSERTs that there is no NUL inside */

/* Decimal digits only, the whole view, within [min, max]. */
MUST_CHECK bool view_u64(struct view v, uint64_t min, uint64_t max, uint64_t *out);
MUST_CHECK bool view_i64(struct view v, int64_t min, int64_t max, int64_t *out); /* a leading "-" is allowed */

/* A buffer that grows up to its cap and remembers its first failure: append freely, ask buf_ok once. */
struct buf {
    char *at;
    size_t len, room, cap;
    bool is_full; /* something did not fit, and was left out whole */
};

#define BUF(cap_bytes)                                                                                                 \
    {                                                                                                                  \
        NULL, 0, 0, (cap_bytes), false                                                                                 \
    }

void buf_init(struct buf *b, size_t cap);
void buf_deinit(struct buf *b); /* frees; the buffer can be used again */
void buf_reset(struct buf *b);  /* empties, keeps the memory, forgets the failure */
bool buf_ok(const struct buf *b);
void buf_put(struct buf *b, const void *at, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF(2, 0);
static inline void buf_raise_cap(struct buf *b, size_t more) /* `more` bytes may be added than before */
{
    b->cap += more;
}
void *buf_extend(struct buf *b, size_t len); /* room for len more, already counted; NULL when over the cap */
struct view buf_view(const struct buf *b);
const char *buf_cstr(struct buf *b); /* NUL-terminated, valid until the next change; "" when empty */

#define AUTO_BUF  __attribute__((cleanup(buf_deinit)))
#define AUTO_FREE __attribute__((cleanup(str_free)))
static inline void str_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

/* RFC 3339 in UTC with milliseconds, "2026-03-14T09:26:53.589Z". Years 1970 to 9999. Reading accepts 0 to 9 digits of
 * fraction (cut to milliseconds) and "+hh:mm" offsets. */
#define TIME_TEXT_SIZE 25
MUST_CHECK bool time_parse(struct view v, int64_t *unix_ms);
void time_format(int64_t unix_ms, char text[TIME_TEXT_SIZE]);

/* "15m", "2h", "30s", "7d", "250ms" or a bare number of seconds -> milliseconds; not negative, at most 100 years. */
MUST_CHECK bool duration_parse(struct view v, int64_t *ms);

/* base64url without padding. Decoding refuses anything else; `out` is appended to. */
void base64url_encode(struct view in, struct buf *out);
MUST_CHECK bool base64url_decode(struct view in, struct buf *out);

/* Appends `in` as valid UTF-8 without U+0000: each byte that is not part of a valid sequence, and each NUL, becomes
 * U+FFFD. Returns how many were replaced. */
size_t utf8_clean(struct view in, struct buf *out);
bool utf8_is_clean(struct view in);

/* Percent-encodes everything but RFC 3986's unreserved characters. */
void url_encode(struct view in, struct buf *out);

/* Appends `in` as a JSON string, quotes included. What is no valid UTF-8 is not mended: clean it first. */
void json_quote(struct view in, struct buf *out);

#endif
