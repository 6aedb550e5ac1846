#include "client/term/interrupt.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t caught;
static int event_fd = -1;

static void on_signal(int number)
{
    const uint64_t one = 1;
    int saved = errno;
    ssize_t ignored;

    __atomic_store_n(&caught, number, __ATOMIC_RELEASE);
    ignored = write(event_fd, &one, sizeof one);
    (void)ignored;
    errno = saved;
}

bool interrupt_install(struct error *err)
{
    /* No SA_RESTART: a write that nobody reads must come back. */
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

    signal(SIGPIPE, SIG_IGN);
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0 || sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        return error_set(err, ERROR_INTERNAL, "cannot catch signals: %s", strerror(errno));
    return true;
}

int interrupt_signal(void)
{
    return __atomic_load_n(&caught, __ATOMIC_ACQUIRE);
}

int interrupt_fd(void)
{
    return event_fd;
}

static void mask(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

void interrupt_block(void)
{
    mask(SIG_BLOCK);
}

void interrupt_unblock(void)
{
    mask(SIG_UNBLOCK);
}

bool interrupt_wait(int fd, int64_t until_mono_ms)
{
    struct pollfd fds[] = { { .fd = event_fd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

    while (interrupt_signal() == 0) {
        int64_t left_ms = until_mono_ms - clock_mono_ms(&clock_system);

        if (left_ms <= 0)
            return false;
        if (poll(fds, 2, left_ms < INT_MAX ? (int)left_ms : INT_MAX) > 0 && fds[1].revents != 0)
            return true;
    }
    return false;
}
