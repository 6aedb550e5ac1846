/* server/store/row.h: one row of the directory as stored: a header with fixed offsets, the alias, then the encoded row
 * as it is sent.
 *
 * README.md lists the bytes. These are pure functions over bytes. Shared with backup/; no other folder includes it. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/directory.h"

#define ROW_VERSION      1
#define ROW_HEADER_BYTES 40
#define ROW_ALIAS_MAX    1024 /* bytes; Okta's logins have at most 100 characters */

size_t row_bytes(const struct directory_row *row);
void row_write(const struct directory_row *row, unsigned char *at);

/* Views point into `stored`; the id comes from the key. False if the bytes are too short, of another version, or
 * damaged.
 */
MUST_CHECK bool row_read(struct view stored, struct view id, struct directory_row *out);

/* The key in the table of aliases: at most 256 bytes of the alias, a NUL, and the id of at most DIRECTORY_ID_MAX bytes.
 * The view is over `at`. Aliases that agree in their first 256 bytes share a prefix: a lookup compares the whole alias
 * in the row. */
#define ROW_ALIAS_KEY_MAX (256 + 1 + DIRECTORY_ID_MAX)
struct view row_alias_key(struct view alias, struct view id, char at[ROW_ALIAS_KEY_MAX]);

#endif
