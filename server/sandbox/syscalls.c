/* server/sandbox/syscalls.c: three lists.
 *
 *   allowed   what the C library, the C core, curl, OpenSSL, LMDB and we call when all goes well
 *   refused   EPERM: what a library may try, and does without
 *   deadly    what nobody here calls but somebody else's code: the process ends, and the supervisor starts a clean one
 *   the rest  ENOSYS: what a kernel older than the caller would say, so that the caller does it the old way */
#include "sandbox/syscalls.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The sanitizers' own runtime stops threads, looks into them, and starts helpers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

static const int allowed[] = {
    /* bytes */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(sendfile),
    SCMP_SYS(copy_file_range),
    /* files */
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(creat),
    SCMP_SYS(stat),
    SCMP_SYS(stat64),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(lstat),
    SCMP_SYS(lstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(statfs64),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fstatfs64),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents),
    SCMP_SYS(getdents64),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(umask),
    SCMP_SYS(truncate),
    SCMP_SYS(truncate64),
    SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(syncfs),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    /* memory; mmap and mprotect have rules of their own */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mincore),
    SCMP_SYS(msync),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(membarrier),
    /* threads, signals to ourselves, time */
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getsid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(signalfd4),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getcpu),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(capget),
    SCMP_SYS(arch_prctl),
    /* waiting */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(_newselect),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd),
    SCMP_SYS(eventfd2),
    /* sockets; socket has rules of its own */
    SCMP_SYS(socketpair),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
};

/* No program, no other process, no other view of the system, no code in the kernel. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
};

/* Known, not needed, and not worth dying for. */
static const int refused[] = {
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(lchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(setrlimit),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(personality),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(setsid),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(tkill),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(seccomp),
};

/* What the sanitizers need above that. */
static const int sanitizers[] = {
    SCMP_SYS(ptrace),      SCMP_SYS(process_vm_readv),
    SCMP_SYS(wait4),       SCMP_SYS(prctl),
    SCMP_SYS(kill),        SCMP_SYS(tgkill),
    SCMP_SYS(personality), SCMP_SYS(clone),
    SCMP_SYS(clone3),      SCMP_SYS(mmap),
    SCMP_SYS(mprotect),    SCMP_SYS(setrlimit),
    SCMP_SYS(prlimit64),   SCMP_SYS(ioctl),
    SCMP_SYS(setpriority), SCMP_SYS(sched_setaffinity),
    SCMP_SYS(fork),
};

#define COUNT(list) (sizeof list / sizeof list[0])

static bool is_for_sanitizers(int call)
{
    for (size_t i = 0; i < COUNT(sanitizers) && IS_SANITIZED; i++)
        if (sanitizers[i] == call)
            return true;
    return false;
}

/* A call that this machine's kind of processor does not have is passed over. */
static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        if (action == SCMP_ACT_ALLOW || !is_for_sanitizers(calls[i]))
            rc = calls[i] < 0 ? 0 : seccomp_rule_add(f, action, calls[i], 0);
    return rc;
}

/* The call with that argument. */
struct part {
    int call;
    struct scmp_arg_cmp arg;
};

static int add_parts(scmp_filter_ctx f, const struct part *parts, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        if (parts[i].call >= 0 && !is_for_sanitizers(parts[i].call))
            rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, parts[i].call, 1, &parts[i].arg);
    return rc;
}

static int add_allowed_in_part(scmp_filter_ctx f)
{
    const struct part parts[] = {
        /* a thread, no process */
        { SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD) },
        /* abort() */
        { SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()) },
        { SCMP_SYS(kill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()) },
        { SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0) },
        { SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()) },
        { SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
        /* libraries are mapped to be read and executed, data to be read and written; never both */
        { SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
        { SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC) },
        { SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME) },
        { SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME) },
        { SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, 0x53564d41) }, /* PR_SET_VMA: a name for anonymous memory */
        { SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO) },
        { SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD) },
        { SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TIOCOUTQ) },
        { SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS) },
        { SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX) },
    };

    return add_parts(f, parts, COUNT(parts));
}

/* Streams and datagrams; raw ones need rights that nobody here has, and are refused before that is asked. */
static int add_sockets(scmp_filter_ctx f)
{
    static const unsigned families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
    int rc = 0;

    for (size_t i = 0; i < COUNT(families); i++)
        for (size_t j = 0; j < COUNT(types) && rc == 0; j++)
            rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, families[i]),
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, types[j]));
    /* The C library asks which kinds of addresses this machine has. */
    if (rc == 0)
        rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                              SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));
    return rc;
}

/* Where the other part can be said, it fails with EPERM; of socket, prctl and ioctl it cannot, and they fail with
 * ENOSYS. */
static int add_refused_in_part(scmp_filter_ctx f)
{
    const struct part parts[] = {
        { SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0) },
        { SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()) },
        { SCMP_SYS(kill), SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()) },
        { SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_NE, 0) },
        { SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC) },
        { SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE) },
    };
    int rc = 0;

    for (size_t i = 0; i < COUNT(parts) && rc == 0; i++)
        if (parts[i].call >= 0 && !is_for_sanitizers(parts[i].call))
            rc = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EPERM), parts[i].call, 1, &parts[i].arg);
    return rc;
}

static int fill(scmp_filter_ctx f)
{
    int rc = add_all(f, SCMP_ACT_ALLOW, allowed, COUNT(allowed));

    if (rc == 0 && IS_SANITIZED)
        rc = add_all(f, SCMP_ACT_ALLOW, sanitizers, COUNT(sanitizers));
    if (rc == 0)
        rc = add_allowed_in_part(f);
    if (rc == 0)
        rc = add_sockets(f);
    if (rc == 0)
        rc = add_refused_in_part(f);
    if (rc == 0)
        rc = add_all(f, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused));
    if (rc == 0)
        rc = add_all(f, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
    return rc;
}

static int load(scmp_filter_ctx f)
{
    int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

    if (rc == 0)
        rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: the calls of each batch are not at its end */
    /* Without it some kernels slow the whole process down, against a leak between processes that share memory. */
    if (rc == 0)
        (void)seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
    return rc == 0 ? seccomp_load(f) : rc;
}

bool syscalls_filter(bool *is_on, struct error *err)
{
    scmp_filter_ctx f;
    int rc;

    *is_on = false;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL)
        return true;
    f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (f == NULL)
        return error_set(err, ERROR_INTERNAL, "sandbox: seccomp: no filter can be made");
    rc = fill(f);
    if (rc == 0)
        rc = load(f);
    seccomp_release(f);
    *is_on = rc == 0;
    return rc == 0 || error_set(err, ERROR_FAILED_PRECONDITION, "sandbox: seccomp: %s", strerror(-rc));
}
