#include "sandbox/sandbox.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/landlock.h"
#include "sandbox/privileges.h"
#include "sandbox/syscalls.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- rules ---- */

void sandbox_allow(struct sandbox *s, enum sandbox_right right, const char *path)
{
    if (path[0] == '\0')
        return;
    for (size_t i = 0; i < s->rule_count; i++)
        if (s->rules[i].right == right && strcmp(s->rules[i].path, path) == 0)
            return;
    ASSERT(s->rule_count < SANDBOX_RULES_MAX);
    s->rules[s->rule_count++] = (struct sandbox_rule){ right, mem_strdup(path) };
}

static void allow_parent(struct sandbox *s, enum sandbox_right right, const char *file)
{
    AUTO_FREE char *folder = mem_strdup(file);
    char *slash = strrchr(folder, '/');

    if (slash == NULL) {
        sandbox_allow(s, right, ".");
    } else if (slash == folder) {
        sandbox_allow(s, right, file); /* not the whole tree for its sake */
    } else {
        *slash = '\0';
        sandbox_allow(s, right, folder);
    }
}

void sandbox_allow_folder_of(struct sandbox *s, enum sandbox_right right, const char *file)
{
    char real[PATH_MAX];

    if (file[0] == '\0')
        return;
    allow_parent(s, right, file);
    if (realpath(file, real) != NULL)
        allow_parent(s, right, real);
}

void sandbox_allow_port(struct sandbox *s, uint16_t port)
{
    ASSERT(s->port_count < SANDBOX_RULES_MAX);
    s->ports[s->port_count++] = port;
    s->keeps_low_ports |= port > 0 && port < 1024;
}

void sandbox_allow_system(struct sandbox *s)
{
    static const char *const read[] = {
        "/etc",          /* resolv.conf, hosts, nsswitch.conf, ssl/: replaced by renaming, so the folder */
        "/usr",          /* libraries for name resolution come when it is needed; certificates, time zones */
        "/lib",          /* likewise, where it is no link */
        "/lib64",        /* likewise */
        "/proc/self",    /* our own memory and descriptors, for the metrics */
        "/proc/sys",     /* what the C library and the C core look up */
        "/proc/meminfo", /* likewise */
        "/proc/cpuinfo",
        "/proc/stat",
        "/sys/devices/system/cpu",
        "/sys/fs/cgroup",
        "/run/systemd/resolve", /* where resolv.conf may lead */
        "/run/resolvconf",
        "/run/NetworkManager",
        "/dev/urandom",
        "/dev/random",
    };

    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
        sandbox_allow(s, SANDBOX_READ, read[i]);
    sandbox_allow_folder_of(s, SANDBOX_READ, "/etc/resolv.conf");
    sandbox_allow_folder_of(s, SANDBOX_READ, "/etc/hosts");
    sandbox_allow_folder_of(s, SANDBOX_READ, "/etc/localtime");
    sandbox_allow(s, SANDBOX_DEVICE, "/dev/null");
}

void sandbox_deinit(struct sandbox *s)
{
    for (size_t i = 0; i < s->rule_count; i++)
        free(s->rules[i].path);
    s->rule_count = s->port_count = 0;
}

/* ---- the door, which opens to one side ---- */

bool sandbox_enter(const struct sandbox *s, struct sandbox_state *out, struct error *err)
{
    *out = (struct sandbox_state){ .is_root = geteuid() == 0 };
    /* Files first: to name them takes system calls that are not on the list. */
    return privileges_drop(s->keeps_low_ports, err) && landlock_enter(s, &out->landlock_abi, err) &&
           syscalls_filter(&out->has_seccomp, err);
}
