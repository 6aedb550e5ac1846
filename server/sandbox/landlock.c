/* server/sandbox/landlock.c: by the bare system calls, since the C library has no names for them.
 *
 * The numbers are the kernel's interface (Documentation/userspace-api/landlock.rst); the header of the kernel that we
 * are built on may be older than the one that we run on. */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION 1u
#define RULE_PATH      1
#define RULE_PORT      2

enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_CHAR = 1 << 6,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10,
    MAKE_BLOCK = 1 << 11,
    MAKE_SYM = 1 << 12,
    REFER = 1 << 13,     /* since ABI 2 */
    TRUNCATE = 1 << 14,  /* 3 */
    IOCTL_DEV = 1 << 15, /* 5 */
};
#define BIND_TCP       1u /* 4 */
#define SCOPE_ABSTRACT 1u /* 6 */
#define SCOPE_SIGNAL   2u /* 6 */

struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_attr {
    uint64_t access;
    int32_t parent_fd;
} __attribute__((packed));
struct port_attr {
    uint64_t access, port;
};

/* What a file that is no folder can be asked for. */
#define OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

static const uint64_t rights[] = {
    [SANDBOX_READ] = READ_FILE | READ_DIR,
    [SANDBOX_WRITE] =
        READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER,
    [SANDBOX_SOCKETS] = READ_DIR | MAKE_SOCK | REMOVE_FILE,
    [SANDBOX_DEVICE] = READ_FILE | WRITE_FILE,
};

static bool fail(struct error *err, const char *what, const char *path)
{
    return error_set(err, ERROR_FAILED_PRECONDITION, "sandbox: landlock: %s %s: %s", what, path, strerror(errno));
}

/* All that the kernel can keep from us. */
static struct ruleset_attr handled(int abi)
{
    struct ruleset_attr a = { .fs = (MAKE_SYM << 1) - 1 };

    if (abi >= 2)
        a.fs |= REFER;
    if (abi >= 3)
        a.fs |= TRUNCATE;
    if (abi >= 4)
        a.net = BIND_TCP;
    if (abi >= 5)
        a.fs |= IOCTL_DEV;
    if (abi >= 6)
        a.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    return a;
}

/* Older kernels take a shorter one. */
static size_t attr_size(int abi)
{
    return abi >= 6 ? sizeof(struct ruleset_attr) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

static bool add_path(int fd, const struct sandbox_rule *rule, uint64_t fs, struct error *err)
{
    struct path_attr a = { .access = rights[rule->right] & fs };
    struct stat st;
    bool ok;

    a.parent_fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (a.parent_fd < 0)
        return true; /* not there, or not for us anyway */
    if (fstat(a.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        a.access &= OF_FILES;
    ok = a.access == 0 || syscall(SYS_landlock_add_rule, fd, RULE_PATH, &a, 0) == 0 || fail(err, "allow", rule->path);
    close(a.parent_fd);
    return ok;
}

static bool add_rules(int fd, const struct sandbox *s, const struct ruleset_attr *all, struct error *err)
{
    for (size_t i = 0; i < s->rule_count; i++)
        if (!add_path(fd, &s->rules[i], all->fs, err))
            return false;
    for (size_t i = 0; i < s->port_count && all->net != 0; i++) {
        const struct port_attr a = { .access = BIND_TCP, .port = s->ports[i] };

        if (syscall(SYS_landlock_add_rule, fd, RULE_PORT, &a, 0) != 0)
            return fail(err, "allow", "a port");
    }
    return true;
}

bool landlock_enter(const struct sandbox *s, int *abi, struct error *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    struct ruleset_attr all;
    bool ok;
    int fd;

    *abi = 0;
    if (version < 1)
        return true; /* the kernel was built or started without it, or is older than 5.13 */
    all = handled((int)version);
    fd = (int)syscall(SYS_landlock_create_ruleset, &all, attr_size((int)version), 0);
    if (fd < 0)
        return fail(err, "make", "the rules");
    ok = add_rules(fd, s, &all, err) &&
         (syscall(SYS_landlock_restrict_self, fd, 0) == 0 || fail(err, "enter", "the rules"));
    close(fd);
    if (ok)
        *abi = (int)version;
    return ok;
}
