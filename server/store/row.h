/* server/store/row.h: one row of the directory as it lies on disk: a header of fixed places, the alias, then the row as
 * it is sent. README.md has the table of the bytes. Pure functions. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/directory.h"

#define ROW_VERSION      1
#define ROW_HEADER_BYTES 40
#define ROW_ALIAS_MAX    1024 /* bytes; Okta's logins have at most 100 characters */

size_t row_bytes(const struct directory_row *row);
void row_write(const struct directory_row *row, unsigned char *at);

/* Views point into `stored`; the id is the key's. */
MUST_CHECK bool row_read(struct view stored, struct view id, struct directory_row *out);

/* The key in users_alias: the alias (its beginning, when it is long), a NUL, the id of at most DIRECTORY_ID_MAX bytes.
 * The view is over `at`. */
#define ROW_ALIAS_KEY_MAX (256 + 1 + DIRECTORY_ID_MAX)
struct view row_alias_key(struct view alias, struct view id, char at[ROW_ALIAS_KEY_MAX]);

#endif
