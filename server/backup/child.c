/* The parent forks, then reads messages from a pipe until the last one; the child works, and sends them. All messages
 * have one size. The last one says how the work ended, and the result follows it. A pipe that ends early means that the
 * child died, and its exit status says of what. */
#include "backup/child.h"
#include "base/assert.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_EVERY_MS 200 /* reports in between are dropped */

enum child_message_kind { CHILD_MESSAGE_SAY, CHILD_MESSAGE_PROGRESS, CHILD_MESSAGE_DONE, CHILD_MESSAGE_FAILED };

struct child_message {
    enum child_message_kind kind;
    uint64_t done, total;
    struct error err; /* its reason is a literal; after a fork, that pointer is valid in the parent too */
    char text[CHILD_TEXT_MAX];
};

struct child {
    int fd;
    int64_t progress_mono_ms;
};

static int64_t child_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the child ---- */

static void child_send(struct child *child, const void *at, size_t len)
{
    while (len > 0) {
        ssize_t put = write(child->fd, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            _exit(1); /* the parent is gone */
        at = (const char *)at + put;
        len -= (size_t)put;
    }
}

void child_say(struct child *child, const char *format, ...)
{
    struct child_message m = { .kind = CHILD_MESSAGE_SAY };
    va_list args;

    va_start(args, format);
    vsnprintf(m.text, sizeof m.text, format, args);
    va_end(args);
    child_send(child, &m, sizeof m);
}

void child_progress(struct child *child, const char *what, uint64_t done, uint64_t total)
{
    struct child_message m = { .kind = CHILD_MESSAGE_PROGRESS, .done = done, .total = total };

    if (child_now_ms() - child->progress_mono_ms < PROGRESS_EVERY_MS)
        return;
    child->progress_mono_ms = child_now_ms();
    snprintf(m.text, sizeof m.text, "%s", what);
    child_send(child, &m, sizeof m);
}

static void child_main(int fd, child_work *work, void *arg, size_t result_len)
{
    static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
    unsigned char *result = mem_zero(CHILD_RESULT_MAX);
    struct child_message m = { .kind = CHILD_MESSAGE_FAILED };
    struct child child = { .fd = fd };

    /* The child dies with its parent. A crash is expected here, so the handlers that would report one are removed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        signal(fatal[i], SIG_DFL);
    if (work(&child, arg, result, &m.err))
        m.kind = CHILD_MESSAGE_DONE;
    child_send(&child, &m, sizeof m);
    child_send(&child, result, result_len);
    _exit(0);
}

/* ---- the parent ---- */

/* Reads exactly `len` bytes. False: the child is gone, or (is_stuck) sent nothing for too long. */
static bool child_receive(int fd, void *at, size_t len, bool *is_stuck)
{
    struct pollfd waiting = { .fd = fd, .events = POLLIN };

    for (size_t got = 0; got < len;) {
        ssize_t n;
        int ready = poll(&waiting, 1, CHILD_SILENCE_MAX_S * 1000);

        if (ready < 0 && errno == EINTR)
            continue;
        *is_stuck = ready == 0;
        if (ready <= 0)
            return false;
        n = read(fd, (char *)at + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

/* Passes messages on until the child's last one, which stays in *m. False if the child ends without one. The child may
 * have run wild, so its text is terminated here. */
static bool child_listen(int fd, const struct child_listener *to, struct child_message *m, bool *is_stuck)
{
    while (child_receive(fd, m, sizeof *m, is_stuck)) {
        m->text[sizeof m->text - 1] = '\0';
        if (m->kind == CHILD_MESSAGE_DONE || m->kind == CHILD_MESSAGE_FAILED)
            return true;
        if (m->kind == CHILD_MESSAGE_SAY && to != NULL && to->say != NULL)
            to->say(to->ctx, m->text);
        if (m->kind == CHILD_MESSAGE_PROGRESS && to != NULL && to->progress != NULL)
            to->progress(to->ctx, m->text, m->done, m->total);
    }
    return false;
}

static void child_reap(pid_t pid, int *status)
{
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        continue;
}

static bool child_report_death(bool is_stuck, int status, struct error *err)
{
    if (is_stuck)
        return error_set(err, ERROR_DEADLINE_EXCEEDED,
                         "no progress for %d s: the disk does not answer, or damaged pages lead in circles",
                         CHILD_SILENCE_MAX_S);
    if (WIFSIGNALED(status))
        return error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                            "its pages are damaged or cut off: reading them ended the process with signal %d (%s)",
                            WTERMSIG(status), strsignal(WTERMSIG(status)));
    return error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                        "its pages are damaged: reading them ended the process with exit status %d",
                        WEXITSTATUS(status));
}

bool child_run(child_work *work, void *arg, void *result, size_t result_len, const struct child_listener *listener,
               struct error *err)
{
    bool is_stuck = false, is_over;
    struct child_message m;
    int fds[2], status = 0;
    pid_t pid;

    ASSERT(result_len > 0 && result_len <= CHILD_RESULT_MAX);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        child_main(fds[1], work, arg, result_len);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "fork: %s", strerror(errno));
    }
    is_over = child_listen(fds[0], listener, &m, &is_stuck) && child_receive(fds[0], result, result_len, &is_stuck);
    if (!is_over)
        kill(pid, SIGKILL);
    close(fds[0]);
    child_reap(pid, &status);
    if (!is_over)
        return child_report_death(is_stuck, status, err);
    if (m.kind == CHILD_MESSAGE_DONE)
        return true;
    if (err != NULL)
        *err = m.err;
    return false;
}
