/* server/connectors/declared/secret_file.h: an API token or a private key in a file: a mounted secret, mostly.
 *
 * Whoever replaces one writes a new file and renames it, or turns a link (as Kubernetes does with "..data"): both
 * change the stamp, which follows links. */
#ifndef CONNECTORS_DECLARED_SECRET_FILE_H
#define CONNECTORS_DECLARED_SECRET_FILE_H

#include "base/str.h"

#include <sys/types.h>
#include <time.h>

#define SECRET_FILE_BYTES_MAX (16u << 10) /* a private key of 8192 bits takes 6.5 KiB */
#define SECRET_FILE_PATH_MAX  4095

/* What tells one content of a file from another without reading it. */
struct secret_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* False when there is no such file. */
MUST_CHECK bool secret_file_stamp(const char *path, struct secret_stamp *out);
bool secret_stamp_eq(const struct secret_stamp *a, const struct secret_stamp *b);

/* When the file was last written; 0 when there is none. */
int64_t secret_file_set_unix_ms(const char *path);

/* Appends what it holds, trimmed. `what` is what it ought to hold ("token"), for the error: FAILED_PRECONDITION, reason
 * TOKEN_INVALID. `out` gets its room at once; wipe it. */
MUST_CHECK bool secret_file_read(const char *path, const char *what, struct buf *out, struct error *err);

/* Logs when others than its owner can read it. */
void secret_file_warn(const char *path);

#endif
