/* Preloaded before a server (LD_PRELOAD): its stores' disk does what the file $BAD_DISK says, as it says it, from now
 * on:
 *
 *     fail N    writes and syncs fail with errno N
 *     slow N    each takes N milliseconds more
 *     stuck     they do not return while it says so; $BAD_DISK.stuck appears when the first one is
 *     reads     so do transactions that read
 *
 * No file: it is a disk like any other. Only files of the name data.mdb are meant. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES    1024
#define LOOK_EVERY_MS 5
#define LOOKS_MAX     24000   /* two minutes */
#define READ_ONLY     0x20000 /* MDB_RDONLY */

/* LMDB's, whose header is the server's. */
int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void pause_ms(long ms)
{
    const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&time, NULL);
}

/* Past our own functions, and the C library's. */
static void read_order(char order[32])
{
    const char *path = getenv("BAD_DISK");
    long fd, len = 0;

    order[0] = '\0';
    if (path == NULL || (fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC)) < 0)
        return;
    len = syscall(SYS_read, fd, order, 31);
    order[len > 0 ? len : 0] = '\0';
    syscall(SYS_close, fd);
}

static void tell_stuck(void)
{
    char path[PATH_BYTES];
    long fd;

    snprintf(path, sizeof path, "%s.stuck", getenv("BAD_DISK"));
    fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        syscall(SYS_close, fd);
}

static void be_stuck(const char *while_it_says)
{
    char order[32];

    for (int i = 0; i < LOOKS_MAX; i++) {
        read_order(order);
        if (strncmp(order, while_it_says, strlen(while_it_says)) != 0)
            return;
        tell_stuck();
        pause_ms(LOOK_EVERY_MS);
    }
}

static int is_store(int fd)
{
    char name[64], path[PATH_BYTES];
    ssize_t len;

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    len = readlink(name, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return strstr(path, "/data.mdb") != NULL;
}

/* Nonzero: the call fails with errno. */
static int obey(int fd)
{
    char order[32];

    if (!is_store(fd))
        return 0;
    read_order(order);
    if (strncmp(order, "stuck", 5) == 0)
        be_stuck("stuck");
    if (strncmp(order, "slow ", 5) == 0)
        pause_ms(atol(order + 5));
    if (strncmp(order, "fail ", 5) != 0)
        return 0;
    errno = atoi(order + 5);
    return 1;
}

ssize_t pwrite(int fd, const void *at, size_t len, off_t where)
{
    ssize_t (*next)(int, const void *, size_t, off_t);

    *(void **)&next = real("pwrite");
    return obey(fd) ? -1 : next(fd, at, len, where);
}

ssize_t writev(int fd, const struct iovec *at, int count)
{
    ssize_t (*next)(int, const struct iovec *, int);

    *(void **)&next = real("writev");
    return obey(fd) ? -1 : next(fd, at, count);
}

int fdatasync(int fd)
{
    int (*next)(int);

    *(void **)&next = real("fdatasync");
    return obey(fd) ? -1 : next(fd);
}

int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn)
{
    int (*next)(void *, void *, unsigned, void **);

    *(void **)&next = real("mdb_txn_begin");
    if ((flags & READ_ONLY) != 0)
        be_stuck("reads");
    return next(env, parent, flags, txn);
}
