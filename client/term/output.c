#include "client/term/output.h"

#include "client/term/interrupt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* Writes are of at most PIPE_BUF bytes: that much goes into a pipe that has room without blocking, so a signal is
 * always seen. */

#define GATHER_BYTES  (64u << 10) /* a pipe's usual room: larger writes gain nothing */
#define LAST_WAIT_MS  1000
#define PENDING_BYTES (48u << 20) /* one item at the most: a message of 8 MiB, its bytes escaped */

void output_init(struct output *o, int fd)
{
    *o = (struct output){ .fd = fd };
    buf_init(&o->pending, PENDING_BYTES);
}

void output_deinit(struct output *o)
{
    buf_deinit(&o->pending);
}

bool output_ok(const struct output *o)
{
    return !o->is_closed && o->broken_errno == 0;
}

static void fail(struct output *o, int number)
{
    if (number == EPIPE)
        o->is_closed = true;
    else
        o->broken_errno = number;
}

/* Waits until something can be written. After a signal only a little longer: waiting on a reader that does not read
 * would be refusing to end. */
static bool wait_for_room(struct output *o)
{
    struct pollfd fds[] = { { .fd = o->fd, .events = POLLOUT }, { .fd = interrupt_fd(), .events = POLLIN } };
    bool is_ending = interrupt_signal() != 0;
    int n = poll(fds, is_ending ? 1 : 2, is_ending ? LAST_WAIT_MS : -1);

    if (n == 0)
        o->is_closed = true;
    return n > 0 && fds[0].revents != 0;
}

void output_flush(struct output *o)
{
    struct view rest = buf_view(&o->pending);

    while (rest.len > 0 && output_ok(o)) {
        ssize_t n;

        if (!wait_for_room(o))
            continue;
        n = write(o->fd, rest.at, rest.len < PIPE_BUF ? rest.len : PIPE_BUF);
        if (n >= 0) {
            rest.at += n;
            rest.len -= (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            fail(o, errno);
        }
    }
    buf_reset(&o->pending);
}

static void gathered(struct output *o)
{
    if (!buf_ok(&o->pending))
        fail(o, EFBIG);
    if (o->pending.len >= GATHER_BYTES || !output_ok(o))
        output_flush(o);
}

void output_put(struct output *o, struct view bytes)
{
    buf_put(&o->pending, bytes.at, bytes.len);
    gathered(o);
}

void output_puts(struct output *o, const char *text)
{
    output_put(o, view_of(text));
}

void output_printf(struct output *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(&o->pending, format, args);
    va_end(args);
    gathered(o);
}
