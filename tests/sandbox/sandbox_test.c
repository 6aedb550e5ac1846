/* The sandbox, entered by a process of its own for each row, which then tries what the row says. */
#include "sandbox/sandbox.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

#define KILLED 1000 /* want: SIGSYS */

static char base[64]; /* holds data/, read/, sockets/, other/ with a file each */
static uint16_t open_port, shut_port;
static int landlock;

/* ---- what is tried: 0, or the errno ---- */

static int outcome(long rc)
{
    return rc < 0 ? errno : 0;
}

static const char *at(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%.40s", base, name);
    return path;
}

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int read_data(void)
{
    return try_open(at("data/file"), O_RDONLY);
}

static int write_data(void)
{
    int fd = open(at("data/new"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0 || ftruncate(fd, 0) != 0 || close(fd) != 0 ? errno : 0;
}

static int rename_data(void)
{
    char from[128];

    snprintf(from, sizeof from, "%s", at("data/file"));
    return outcome(rename(from, at("data/renamed"))) != 0 ? errno : outcome(rename(at("data/renamed"), from));
}

static int make_folder(void)
{
    return outcome(mkdir(at("data/sub"), 0700));
}

static int read_read(void)
{
    return try_open(at("read/file"), O_RDONLY);
}

static int read_replaced(void)
{
    return try_open(at("read/..later/file"), O_RDONLY);
}

static int write_read(void)
{
    return try_open(at("read/file"), O_WRONLY);
}

static int make_in_read(void)
{
    return try_open(at("read/new"), O_WRONLY | O_CREAT);
}

static int unlink_read(void)
{
    return outcome(unlink(at("read/file")));
}

static int read_other(void)
{
    return try_open(at("other/file"), O_RDONLY);
}

static int list_other(void)
{
    return try_open(at("other"), O_RDONLY | O_DIRECTORY);
}

static int read_other_by_link(void)
{
    return try_open(at("data/link"), O_RDONLY);
}

static int move_out(void)
{
    char from[128];

    snprintf(from, sizeof from, "%s", at("data/file"));
    return outcome(rename(from, at("other/moved")));
}

static int read_resolv_conf(void)
{
    return try_open("/etc/hosts", O_RDONLY);
}

static int write_beside(void)
{
    return try_open(at("new"), O_WRONLY | O_CREAT);
}

static int read_root_home(void)
{
    return try_open("/root", O_RDONLY | O_DIRECTORY);
}

static int read_another_process(void)
{
    return try_open("/proc/1/status", O_RDONLY);
}

static int read_memory_of_ourselves(void)
{
    return try_open("/proc/self/status", O_RDONLY);
}

static int write_null(void)
{
    return try_open("/dev/null", O_RDWR);
}

static int bind_unix(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%.100s", path);
    return fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0 ? errno : 0;
}

static int make_socket(void)
{
    return bind_unix(at("sockets/s")) != 0 ? errno : outcome(unlink(at("sockets/s")));
}

static int make_socket_elsewhere(void)
{
    return bind_unix(at("other/s"));
}

static int make_file_among_sockets(void)
{
    return try_open(at("sockets/file"), O_WRONLY | O_CREAT);
}

static int bind_tcp(uint16_t port)
{
    const struct sockaddr_in a = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0 ? errno : 0;
}

static int bind_open_port(void)
{
    return bind_tcp(open_port);
}

static int bind_shut_port(void)
{
    return bind_tcp(shut_port);
}

static int connect_tcp(void)
{
    const struct sockaddr_in a = { .sin_family = AF_INET,
                                   .sin_port = htons(9),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, (const struct sockaddr *)&a, sizeof a) == 0 || errno == ECONNREFUSED ? 0 : errno;
}

static int resolve(void)
{
    struct addrinfo *found = NULL;

    if (getaddrinfo("localhost", "443", NULL, &found) != 0)
        return ENOENT;
    freeaddrinfo(found);
    return 0;
}

static int socket_of(int family, int type, int protocol)
{
    return outcome(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int socket_packet(void)
{
    return socket_of(AF_PACKET, SOCK_RAW, 0);
}

static int socket_raw(void)
{
    return socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int socket_vsock(void)
{
    return socket_of(AF_VSOCK, SOCK_STREAM, 0);
}

static int socket_routes(void)
{
    return socket_of(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int socket_audit(void)
{
    return socket_of(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static void *nothing(void *ctx)
{
    return ctx;
}

static int thread(void)
{
    pthread_t t;
    int rc = pthread_create(&t, NULL, nothing, NULL);

    return rc != 0 ? rc : pthread_join(t, NULL);
}

/* Seen from a thread that is made later, the sandbox is the same. */
static void *exec_there(void *ctx)
{
    static char *const none[] = { NULL };

    (void)execve("/bin/true", none, none);
    return ctx;
}

static int thread_execs(void)
{
    pthread_t t;

    return pthread_create(&t, NULL, exec_there, NULL) != 0 || pthread_join(t, NULL) != 0 ? EAGAIN : 0;
}

static int exec(void)
{
    static char *const none[] = { NULL };

    return outcome(execve("/bin/true", none, none));
}

static int exec_fd(void)
{
    static char *const none[] = { NULL };

    return outcome(syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0));
}

static int fork_it(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static int fork_bare(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static int trace(void)
{
    return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int read_parent(void)
{
    char byte;
    struct iovec near = { &byte, 1 }, far = { base, 1 };

    return outcome(process_vm_readv(getppid(), &near, 1, &far, 1, 0));
}

static int mount_it(void)
{
    return outcome(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int unshare_it(void)
{
    return outcome(unshare(CLONE_NEWUSER));
}

static int chroot_it(void)
{
    return outcome(chroot("/"));
}

static int bpf_it(void)
{
    return outcome(syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, NULL, 0));
}

static int load_module(void)
{
    return outcome(syscall(SYS_finit_module, -1, "", 0));
}

static int fault_handler(void)
{
    return outcome(syscall(SYS_userfaultfd, 0));
}

static int io_ring(void)
{
    return outcome(syscall(SYS_io_uring_setup, 1, NULL));
}

static int newer_than_the_list(void)
{
    return outcome(syscall(4000));
}

static int keys(void)
{
    return outcome(syscall(SYS_keyctl, 0, -1, 0));
}

static int another_user(void)
{
    return outcome(setuid(12345));
}

static int capabilities_again(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct data[2] = { { 1, 1, 0 }, { 0, 0, 0 } };

    return outcome(syscall(SYS_capset, &header, data));
}

static int dumpable_again(void)
{
    return outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int signal_parent(void)
{
    return outcome(kill(getppid(), 0));
}

static int signal_ourselves(void)
{
    return outcome(kill(getpid(), 0));
}

static int give_away(void)
{
    return outcome(chown(at("data/file"), 12345, 12345));
}

static int make_device(void)
{
    return outcome(mknod(at("data/device"), S_IFCHR | 0600, 0));
}

static int make_link(void)
{
    return outcome(symlink("/etc/passwd", at("data/l")));
}

static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static int make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? EBADF : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int type_into_terminal(void)
{
    return outcome(ioctl(0, TIOCSTI, "x"));
}

static int limits_of_parent(void)
{
    return outcome(syscall(SYS_prlimit64, getppid(), 7, NULL, NULL));
}

/* ---- rows ---- */

static const struct row {
    const char *name;
    int (*attempt)(void);
    int want;           /* 0, errno, KILLED */
    int needs_landlock; /* which the kernel must have at least */
    bool not_sanitized; /* their runtime needs it */
} rows[] = {
    { "a file of our data", read_data, 0, 0, false },
    { "a new one", write_data, 0, 0, false },
    { "rename and remove one", rename_data, 0, 0, false },
    { "a new folder", make_folder, 0, 0, false },
    { "a file to be read", read_read, 0, 0, false },
    { "one that came later, in its place", read_replaced, 0, 0, false },
    { "write to a file to be read", write_read, EACCES, 1, false },
    { "make one there", make_in_read, EACCES, 1, false },
    { "remove one there", unlink_read, EACCES, 1, false },
    { "a file of somebody else", read_other, EACCES, 1, false },
    { "a folder of somebody else", list_other, EACCES, 1, false },
    { "a file of somebody else, by a link of ours", read_other_by_link, EACCES, 1, false },
    { "move our data out", move_out, EACCES, 2, false },
    { "what names are resolved by", read_resolv_conf, 0, 0, false },
    { "a file beside ours", write_beside, EACCES, 1, false },
    { "root's home", read_root_home, EACCES, 1, false },
    { "what another process does", read_another_process, EACCES, 1, false },
    { "what we do ourselves", read_memory_of_ourselves, 0, 0, false },
    { "nothing", write_null, 0, 0, false },
    { "a socket among the sockets", make_socket, 0, 0, false },
    { "a socket elsewhere", make_socket_elsewhere, EACCES, 1, false },
    { "a file among the sockets", make_file_among_sockets, EACCES, 1, false },
    { "the port that is ours", bind_open_port, 0, 0, false },
    { "another port", bind_shut_port, EACCES, 4, false },
    { "a connection out", connect_tcp, 0, 0, false },
    { "a name", resolve, 0, 0, false },
    { "a socket of packets", socket_packet, ENOSYS, 0, false },
    { "a raw socket", socket_raw, ENOSYS, 0, false },
    { "a socket to the host", socket_vsock, ENOSYS, 0, false },
    { "the routing tables", socket_routes, 0, 0, false },
    { "the audit log", socket_audit, ENOSYS, 0, false },
    { "a thread", thread, 0, 0, false },
    { "a program", exec, KILLED, 0, false },
    { "a program, by descriptor", exec_fd, KILLED, 0, false },
    { "a program, from another thread", thread_execs, KILLED, 0, false },
    { "a process", fork_it, EPERM, 0, true },
    { "a process, by the bare call", fork_bare, EPERM, 0, true },
    { "trace our parent", trace, KILLED, 0, true },
    { "read our parent's memory", read_parent, KILLED, 0, true },
    { "mount", mount_it, KILLED, 0, false },
    { "a namespace", unshare_it, KILLED, 0, false },
    { "another root", chroot_it, KILLED, 0, false },
    { "a program in the kernel", bpf_it, KILLED, 0, false },
    { "a module in the kernel", load_module, KILLED, 0, false },
    { "page faults in our hands", fault_handler, KILLED, 0, false },
    { "an io_uring, which goes around filters", io_ring, ENOSYS, 0, false },
    { "a call that is newer than the list", newer_than_the_list, ENOSYS, 0, false },
    { "the kernel's keys", keys, EPERM, 0, false },
    { "another user", another_user, EPERM, 0, false },
    { "capabilities again", capabilities_again, EPERM, 0, false },
    { "core dumps again", dumpable_again, ENOSYS, 0, true },
    { "a signal to our parent", signal_parent, EPERM, 0, true },
    { "a signal to ourselves", signal_ourselves, 0, 0, false },
    { "a file for another user", give_away, EPERM, 0, false },
    { "a device", make_device, EPERM, 0, false },
    { "a link", make_link, EPERM, 0, false },
    { "memory to write and execute", map_code, EPERM, 0, true },
    { "what was written, to be executed", make_code, EPERM, 0, true },
    { "words in the terminal's mouth", type_into_terminal, ENOSYS, 0, true },
    { "limits of our parent", limits_of_parent, EPERM, 0, true },
};

static bool enter(struct sandbox_state *state)
{
    struct sandbox s = { .rule_count = 0 };
    struct error err = { 0 };

    sandbox_allow(&s, SANDBOX_WRITE, at("data"));
    sandbox_allow_folder_of(&s, SANDBOX_READ, at("read/file"));
    sandbox_allow(&s, SANDBOX_SOCKETS, at("sockets"));
    sandbox_allow(&s, SANDBOX_READ, at("not-there"));
    sandbox_allow_port(&s, open_port);
    sandbox_allow_system(&s);
    if (!sandbox_enter(&s, state, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    sandbox_deinit(&s);
    return true;
}

/* The exit status of a process in the sandbox; KILLED when it died of a call. */
static int inside(int (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct sandbox_state state;

        signal(SIGSYS, SIG_DFL);
        _exit(enter(&state) ? attempt() : 255);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    return WEXITSTATUS(status);
}

static void it_gets(void **state)
{
    const struct row *row = *state;

    if ((row->not_sanitized && IS_SANITIZED) || landlock < row->needs_landlock)
        skip();
    assert_int_equal(inside(row->attempt), row->want);
}

/* ---- what is in force ---- */

/* As the kernel tells it, read where it can still be read. */
static void the_kernel_says_so(void **state)
{
    char path[64], line[256];
    int pipes[2], seen = 0;
    struct sandbox_state in;
    FILE *f;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    if (pid == 0) {
        bool ok = enter(&in) && in.has_seccomp && in.landlock_abi == landlock && in.is_root == (geteuid() == 0);

        if (write(pipes[1], ok ? "y" : "n", 1) == 1)
            (void)pause();
        _exit(0);
    }
    assert_int_equal(read(pipes[0], line, 1), 1);
    assert_int_equal(line[0], 'y');
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        seen += strcmp(line, "NoNewPrivs:\t1\n") == 0 || strcmp(line, "Seccomp:\t2\n") == 0;
        seen += (strncmp(line, "CapEff:", 7) == 0 || strncmp(line, "CapPrm:", 7) == 0 ||
                 strncmp(line, "CapInh:", 7) == 0 || strncmp(line, "CapAmb:", 7) == 0) &&
                strcmp(line + 7, "\t0000000000000000\n") == 0;
    }
    fclose(f);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(seen, 6);
}

/* A filter of capset alone, as systemd's do it; then nothing is left to be given up. */
static bool refuse_capset(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = 4, .filter = code };
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_capset, &header, none) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Who has no capability, and may not ask to have none, has none to give up. */
static void it_is_entered_where_capset_is_refused(void **state)
{
    struct sandbox_state in;
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(refuse_capset() && enter(&in) && in.has_seccomp ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- set-up ---- */

static void make(const char *folder, const char *file)
{
    char path[128];
    int fd;

    assert_int_equal(mkdir(at(folder), 0700), 0);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    fd = open(at(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void fresh(void)
{
    snprintf(base, sizeof base, "/tmp/ocsbXXXXXX");
    assert_non_null(mkdtemp(base));
    make("data", "file");
    make("read", "file");
    make("read/..later", "file");
    make("sockets", "unused");
    make("other", "file");
    assert_int_equal(symlink("../other/file", at("data/link")), 0);
    open_port = free_port();
    shut_port = free_port();
}

static int clear(void)
{
    char command[96];

    snprintf(command, sizeof command, "rm -rf %s", base);
    return system(command);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(the_kernel_says_so),
                                               cmocka_unit_test(it_is_entered_where_capset_is_refused) };
    int failed;

    landlock = (int)syscall(444, NULL, 0, 1);
    if (landlock < 0)
        landlock = 0;
    fresh();
    failed = RUN_ROWS(it_gets, rows) + cmocka_run_group_tests(tests, NULL, NULL);
    return clear() != 0 ? 1 : failed;
}
