/* server/sandbox/sandbox.h: takes from the process what it does not need: whoever gets to run code in it finds little
 * to do.
 *
 * Entered once, on the main thread, before there are others; every later thread inherits it, and nothing gives it back.
 *
 *   - no_new_privs, and no capability is left: no way to more rights, root or not.
 *   - seccomp: a list of system calls. What starts programs, traces, mounts, loads code into the kernel, or leaves the
 *     namespaces ends the process; what is refused otherwise fails with EPERM; what the list does not know fails with
 *     ENOSYS, as on an older kernel, so that a newer C library falls back instead of breaking. No memory is writable
 * and executable, or becomes executable; no socket but of IP, Unix and the routing tables'.
 *   - Landlock, where the kernel has it: only the files beneath the folders that are named; no TCP port is bound but
 *     those named; no signal to other processes. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SANDBOX_RULES_MAX 128

enum sandbox_right {
    SANDBOX_READ,    /* open files, list folders */
    SANDBOX_WRITE,   /* and make, change and remove both */
    SANDBOX_SOCKETS, /* make and remove Unix sockets, list the folder */
    SANDBOX_DEVICE,  /* read and write a device that is there, such as /dev/null */
};

struct sandbox {
    struct sandbox_rule {
        enum sandbox_right right;
        char *path;
    } rules[SANDBOX_RULES_MAX];
    size_t rule_count;
    uint16_t ports[SANDBOX_RULES_MAX]; /* that may be bound */
    size_t port_count;
    bool keeps_low_ports; /* CAP_NET_BIND_SERVICE stays, where it is: a port below 1024 is among them */
};

/* The folder and all beneath it, or the one file. One that is not there is passed over. More than SANDBOX_RULES_MAX is
 * our own mistake (ASSERT). */
void sandbox_allow(struct sandbox *s, enum sandbox_right right, const char *path);
/* The same for the folder of the file, so that one that takes its place can be opened; and, where links lead elsewhere,
 * for that folder, too. Of a file in "/", the file alone. */
void sandbox_allow_folder_of(struct sandbox *s, enum sandbox_right right, const char *file);
/* 0: any that is free. */
void sandbox_allow_port(struct sandbox *s, uint16_t port);
/* What libraries read: name resolution, certificates, time zones, themselves. */
void sandbox_allow_system(struct sandbox *s);

/* What is in force. */
struct sandbox_state {
    bool is_root;     /* user id 0 all the same: whose files it may open and change is root's */
    bool has_seccomp; /* false: the kernel has none */
    int landlock_abi; /* 0: the kernel has none */
};

/* Fails when the kernel has what is wanted and refuses it: better not to start. */
MUST_CHECK bool sandbox_enter(const struct sandbox *s, struct sandbox_state *out, struct error *err);
void sandbox_deinit(struct sandbox *s);

#endif
