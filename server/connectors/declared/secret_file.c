#include "connectors/declared/secret_file.h"

#include "base/assert.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool secret_file_stamp(const char *path, struct secret_stamp *out)
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

bool secret_stamp_eq(const struct secret_stamp *a, const struct secret_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

int64_t secret_file_set_unix_ms(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 : 0;
}

/* Reads a small file to its end: one read may return less than there is. */
static ssize_t secret_file_read_all(int fd, char *at, size_t room)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < room && got > 0) {
        got = read(fd, at + len, room - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    return got < 0 ? -1 : (ssize_t)len;
}

static void secret_file_trim(struct buf *b)
{
    struct view v = view_trim(buf_view(b));

    if (v.len > 0)
        memmove(b->at, v.at, v.len);
    b->len = v.len;
}

/* A device or a pipe is refused: reading it could block for ever. */
bool secret_file_read(const char *path, const char *what, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t got = -1;
    char *at;

    if (fd < 0)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "SECRET_FILE_UNREADABLE",
                            "the %s file %s cannot be opened: %s", what, path, strerror(errno));
    ASSERT(out->len == 0);
    at = buf_extend(out, SECRET_FILE_BYTES_MAX + 1);
    ASSERT(at != NULL);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        got = secret_file_read_all(fd, at, SECRET_FILE_BYTES_MAX + 1);
    close(fd);
    if (got < 0 || got > (ssize_t)SECRET_FILE_BYTES_MAX)
        return error_reason(err, ERROR_FAILED_PRECONDITION, "SECRET_FILE_UNREADABLE",
                            "the %s file %s must be a plain file of at most %u bytes", what, path,
                            SECRET_FILE_BYTES_MAX);
    out->len = (size_t)got;
    secret_file_trim(out);
    return true;
}

void secret_file_warn(const char *path)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
        log_warn("secret_file.open_to_others", "mode=%03o advice=chmod 600 it path=%s", (unsigned)(st.st_mode & 0777),
                 path);
}
