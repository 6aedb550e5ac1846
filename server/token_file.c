#include "token_file.h"

#include "base/assert.h"
#include "base/log.h"
#include "okta/okta.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void token_wipe(struct buf *token)
{
    if (token->at != NULL)
        explicit_bzero(token->at, token->room);
    buf_deinit(token);
}

bool token_file_stamp(const char *path, struct token_stamp *out)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    memset(out, 0, sizeof *out);
    out->device = st.st_dev;
    out->inode = st.st_ino;
    out->size = st.st_size;
    out->modified = st.st_mtim;
    out->changed = st.st_ctim;
    return true;
}

bool token_stamp_eq(const struct token_stamp *a, const struct token_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Appends what the file holds. Not a device or a pipe: those would keep us waiting. */
static bool read_file(const char *path, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t got = -1;
    char *at;

    if (fd < 0)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "TOKEN_INVALID", "the token file %s cannot be opened: %s",
                            path, strerror(errno));
    at = buf_extend(out, TOKEN_FILE_BYTES_MAX + 1);
    ASSERT(at != NULL);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        got = read(fd, at, TOKEN_FILE_BYTES_MAX + 1);
    close(fd);
    if (got < 0 || got > TOKEN_FILE_BYTES_MAX)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "TOKEN_INVALID",
                            "the token file %s must be a plain file of at most %d bytes", path, TOKEN_FILE_BYTES_MAX);
    out->len = out->len - (TOKEN_FILE_BYTES_MAX + 1) + (size_t)got;
    return true;
}

bool token_file_read(const char *path, struct buf *out, struct error *err)
{
    struct buf content = BUF(TOKEN_FILE_BYTES_MAX + 1);
    struct view token = VIEW_NONE;
    bool ok = read_file(path, &content, err);

    if (ok && !okta_token_check(buf_view(&content), &token, err))
        ok = error_wrap(err, "the token file %s", path);
    if (ok)
        buf_put(out, token.at, token.len);
    token_wipe(&content);
    return ok;
}

void token_file_warn(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        log_warn("token_file.open_to_others", "mode=%03o advice=chmod 600 it path=%s", (unsigned)(st.st_mode & 0777),
                 path);
}
