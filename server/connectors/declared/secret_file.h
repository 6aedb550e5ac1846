/* server/connectors/declared/secret_file.h: a file with an API token or a private key, often a mounted secret.
 *
 * A tool that replaces it writes a new file and renames it, or redirects a symbolic link (Kubernetes does that with
 * "..data"). Both change the stamp, which follows links. */
#ifndef CONNECTORS_DECLARED_SECRET_FILE_H
#define CONNECTORS_DECLARED_SECRET_FILE_H

#include "base/str.h"

#include <sys/types.h>
#include <time.h>

#define SECRET_FILE_BYTES_MAX (16u << 10) /* a private key of 8192 bits takes 6.5 KiB */
#define SECRET_FILE_PATH_MAX  4095

/* Tells whether a file has changed without reading it. */
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

/* Appends the file's content, trimmed. `what` names the expected content in the error ("token"): FAILED_PRECONDITION,
 * reason TOKEN_INVALID. `out` reserves its room first, so that no copy stays behind; the caller wipes it. */
MUST_CHECK bool secret_file_read(const char *path, const char *what, struct buf *out, struct error *err);

/* Logs a warning when users other than the owner can read it. */
void secret_file_warn(const char *path);

#endif
