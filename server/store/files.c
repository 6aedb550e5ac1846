#include "store/files.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_DEPTH_MAX 8  /* our folders are two deep; a deeper tree is not ours, and is left alone */
#define PID_TEXT_MAX   20 /* digits */

static bool fail(struct error *err, const char *doing, const char *path)
{
    int why = errno;
    enum error_code code = ERROR_FAILED_PRECONDITION;

    if (why == ENOSPC || why == EDQUOT)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, "STORE_FULL", "%s %s: %s", doing, path, strerror(why));
    if (why == ENOENT)
        code = ERROR_NOT_FOUND;
    if (why == EEXIST)
        code = ERROR_ALREADY_EXISTS;
    return error_set(err, code, "%s %s: %s", doing, path, strerror(why));
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool make_one(const char *path, struct error *err)
{
    if (mkdir(path, 0700) == 0)
        return true;
    if (errno == EEXIST && is_dir(path))
        return true;
    return fail(err, "make folder", path);
}

bool files_make_dir(const char *path, bool with_parents, struct error *err)
{
    AUTO_FREE char *part = mem_strdup(path);

    if (with_parents) {
        for (char *at = part + 1; part[0] != '\0' && (at = strchr(at, '/')) != NULL; at++) {
            *at = '\0';
            if (!is_dir(part) && !make_one(part, err))
                return false;
            *at = '/';
        }
    }
    return make_one(path, err);
}

bool files_exists(const char *path, bool *exists, struct error *err)
{
    struct stat st;
    bool is_there = lstat(path, &st) == 0;

    if (!is_there && errno != ENOENT)
        return fail(err, "look at", path);
    *exists = is_there;
    return true;
}

bool files_sync_dir(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_done = fd >= 0 && fsync(fd) == 0;

    if (!is_done)
        (void)fail(err, "sync folder", path);
    if (fd >= 0)
        close(fd);
    return is_done;
}

static bool locked_by(const char *path, int fd, struct error *err)
{
    char text[PID_TEXT_MAX + 1] = "";
    ssize_t len = pread(fd, text, PID_TEXT_MAX, 0);
    struct view pid = view_trim((struct view){ text, len > 0 ? (size_t)len : 0 });
    uint64_t number;

    if (!view_u64(pid, 1, INT_MAX, &number))
        return error_set(err, ERROR_FAILED_PRECONDITION, "%s: another process has it open", path);
    if (number == (uint64_t)getpid())
        return error_set(err, ERROR_FAILED_PRECONDITION, "%s: this process (%d) has it open already", path,
                         (int)getpid());
    return error_set(err, ERROR_FAILED_PRECONDITION, "%s: process %d has it open", path, (int)number);
}

/* flock and not a POSIX record lock: flock belongs to the open file, so a second opening within this process conflicts
 * too, and closing some other descriptor of the file does not drop the lock. */
bool files_lock(int *fd, const char *path, struct error *err)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    char pid[PID_TEXT_MAX + 2];
    int len = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

    if (lock < 0)
        return fail(err, "open lock", path);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        (void)(errno == EWOULDBLOCK ? locked_by(path, lock, err) : fail(err, "lock", path));
        close(lock);
        return false;
    }
    /* The pid is only for messages. The lock holds without it, so a full disk must not keep us from starting. */
    if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)len, 0) != len)
        errno = 0;
    *fd = lock;
    return true;
}

void files_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

bool files_read(const char *path, struct buf *out, struct error *err)
{
    size_t max = out->cap - out->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    char *at;

    if (fd < 0)
        return fail(err, "read", path);
    at = mem_zero(max + 1); /* one byte more than is allowed shows that there is more */
    got = read(fd, at, max + 1);
    if (got < 0)
        (void)fail(err, "read", path);
    else if ((size_t)got > max)
        (void)error_set(err, ERROR_FAILED_PRECONDITION, "read %s: longer than %zu bytes", path, max);
    else
        buf_put(out, at, (size_t)got);
    close(fd);
    explicit_bzero(at, max + 1);
    free(at);
    return got >= 0 && (size_t)got <= max;
}

static bool write_new(const char *path, struct view content, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    ssize_t put;
    bool is_done;

    if (fd < 0)
        return fail(err, "create", path);
    put = write(fd, content.at, content.len);
    if (put >= 0 && (size_t)put != content.len)
        errno = ENOSPC; /* a short write to a regular file sets no errno; a full disk is its usual cause */
    is_done = put >= 0 && (size_t)put == content.len && fsync(fd) == 0;
    if (!is_done)
        (void)fail(err, "write", path);
    close(fd);
    return is_done;
}

/* The file is written and synced under another name, then linked to its own: link() fails if the name exists, where
 * rename() would replace the file. The temporary name can be fixed: the caller holds the folder's lock, so a leftover
 * belongs to a process that died. */
bool files_create(const char *path, struct view content, struct error *err)
{
    AUTO_BUF struct buf half = BUF(PATH_MAX);
    AUTO_BUF struct buf dir = BUF(PATH_MAX);
    const char *slash = strrchr(path, '/');
    bool is_done;

    buf_printf(&half, "%s.new", path);
    buf_put(&dir, slash != NULL ? path : ".", slash != NULL ? (size_t)(slash - path) : 1);
    if (!buf_ok(&half) || !buf_ok(&dir))
        return error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
    (void)unlink(buf_cstr(&half));
    if (!write_new(buf_cstr(&half), content, err))
        return false;
    is_done = link(buf_cstr(&half), path) == 0;
    if (!is_done)
        (void)fail(err, "create", path);
    (void)unlink(buf_cstr(&half));
    return is_done && files_sync_dir(buf_cstr(&dir), err);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool remove_at(int parent, const char *name, unsigned depth, struct error *err);

static bool empty_dir(int fd, const char *name, unsigned depth, struct error *err)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    bool is_fine = true;

    if (dir == NULL) {
        close(fd);
        return fail(err, "list", name);
    }
    while (is_fine && (entry = readdir(dir)) != NULL)
        is_fine = is_dots(entry->d_name) || remove_at(dirfd(dir), entry->d_name, depth + 1, err);
    closedir(dir);
    return is_fine;
}

/* Works relative to open folders and with O_NOFOLLOW: a folder that is swapped for a symbolic link meanwhile cannot
 * lead the removal out of the tree. unlinkat comes first, as it removes a link instead of following it; on a folder it
 * fails with EISDIR, or EPERM by POSIX. */
static bool remove_at(int parent, const char *name, unsigned depth, struct error *err)
{
    int fd;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return fail(err, "remove", name);
    if (depth >= TREE_DEPTH_MAX)
        return error_set(err, ERROR_FAILED_PRECONDITION, "remove %s: folders too deep to be ours", name);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fail(err, "remove", name);
    if (!empty_dir(fd, name, depth, err))
        return false;
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || fail(err, "remove", name);
}

bool files_remove_tree(const char *dir, const char *name, struct error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_done;

    if (fd < 0)
        return fail(err, "open", dir);
    is_done = remove_at(fd, name, 0, err);
    close(fd);
    return is_done;
}

bool files_each(const char *path, files_visit *visit, void *ctx, struct error *err)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    bool is_fine = true;

    if (dir == NULL)
        return fail(err, "list", path);
    while (is_fine && (entry = readdir(dir)) != NULL)
        is_fine = is_dots(entry->d_name) || visit(ctx, entry->d_name, err);
    closedir(dir);
    return is_fine;
}
