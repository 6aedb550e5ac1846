/* server/token_file.h: an API token in a file: a mounted secret, mostly. */
#ifndef TOKEN_FILE_H
#define TOKEN_FILE_H

#include "base/str.h"

#include <sys/types.h>
#include <time.h>

#define TOKEN_FILE_BYTES_MAX 4096
#define TOKEN_FILE_PATH_MAX  4095

/* What tells one content of a file from another without reading it. */
struct token_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* False when there is no such file. */
MUST_CHECK bool token_file_stamp(const char *path, struct token_stamp *out);
bool token_stamp_eq(const struct token_stamp *a, const struct token_stamp *b);

/* Appends the token, trimmed and checked. FAILED_PRECONDITION or INVALID_ARGUMENT, reason TOKEN_INVALID. */
MUST_CHECK bool token_file_read(const char *path, struct buf *out, struct error *err);

/* Logs when others than its owner can read it. */
void token_file_warn(const char *path);

/* Zeroes what a token was in, then frees it. */
void token_wipe(struct buf *token);

#endif
