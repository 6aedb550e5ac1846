#include "client/term/terminal.h"

#include "client/term/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define COLUMNS_MIN 20 /* a terminal that claims less is not asked to hold a table */

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

size_t terminal_columns(int fd)
{
    struct winsize size;

    if (!terminal_is(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS_MIN)
        return 80;
    return size.ws_col;
}

bool terminal_color(int fd, const char *when)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    return terminal_is(fd) && (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

/* One line, a byte at a time: what is behind it belongs to whoever reads next. */
static bool read_line(struct buf *answer, struct error *err)
{
    for (;;) {
        char c;
        ssize_t n;

        interrupt_wait(STDIN_FILENO, INT64_MAX);
        if (interrupt_signal() != 0)
            return error_set(err, ERROR_CANCELLED, "interrupted");
        n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 && answer->len == 0)
            return error_set(err, ERROR_CANCELLED, "no answer was given");
        if (n <= 0 || c == '\n' || c == '\r')
            return true;
        buf_putc(answer, c);
        if (!buf_ok(answer))
            return error_set(err, ERROR_INVALID_ARGUMENT, "the answer is longer than %zu bytes", answer->cap);
    }
}

static void trim(struct buf *b)
{
    struct view inner = view_trim(buf_view(b));

    if (inner.len > 0)
        memmove(b->at, inner.at, inner.len);
    b->len = inner.len;
}

bool terminal_ask(const char *question, bool is_hidden, struct buf *answer, struct error *err)
{
    struct termios shown, hidden;
    bool is_changed = false, ok;

    if (is_hidden) {
        if (tcgetattr(STDIN_FILENO, &shown) != 0)
            return error_set(err, ERROR_FAILED_PRECONDITION, "stdin is not a terminal");
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        is_changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
        if (!is_changed)
            return error_set(err, ERROR_FAILED_PRECONDITION, "cannot hide what is typed");
    }
    /* Only now: what is typed as soon as it is seen must be neither shown nor flushed. */
    fputs(question, stderr);
    ok = read_line(answer, err);
    if (is_changed) {
        tcsetattr(STDIN_FILENO, TCSANOW, &shown);
        fputs("\n", stderr);
    }
    if (ok)
        trim(answer);
    return ok;
}
