/* Whatever bytes somebody sends to the socket. The first byte of the input says how:
 *
 *   1  HTTP/2's preface and an empty SETTINGS frame go before
 *   2  the input is frames: type, flags, stream, length (a byte each), and so much payload
 *   4  the connection is closed at once, and not read to its end
 *   8  sent in pieces of 7 bytes */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/served.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OUT_MAX    (1u << 16)
#define READS_MAX  200
#define READ_MS    200 /* for what comes at once; nothing depends on it */
#define PIECE      7
#define PREFACE    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define FRAMES_MAX 100

static int connect_to(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(fd >= 0 && strlen(path) < sizeof to.sun_path);
    memcpy(to.sun_path, path, strlen(path));
    ASSERT(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static void put_frames(struct view rest, struct buf *out)
{
    for (int i = 0; i < FRAMES_MAX && rest.len > 0; i++) {
        uint8_t type = fuzz_byte(&rest), flags = fuzz_byte(&rest), stream = fuzz_byte(&rest);
        size_t len = fuzz_byte(&rest);

        len = len < rest.len ? len : rest.len;
        buf_put(out, (char[]){ 0, 0, (char)len, (char)type, (char)flags, 0, 0, 0, (char)stream }, 9);
        if (len > 0)
            buf_put(out, rest.at, len);
        rest = (struct view){ rest.at + len, rest.len - len };
    }
}

/* The other end may have gone. */
static void send_all(int fd, struct view bytes, size_t piece)
{
    while (bytes.len > 0) {
        size_t len = bytes.len < piece ? bytes.len : piece;
        ssize_t sent = send(fd, bytes.at, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0)
            return;
        bytes = (struct view){ bytes.at + sent, bytes.len - (size_t)sent };
    }
}

/* We send no more: the server closes. */
static void read_to_the_end(int fd)
{
    char bytes[4096];
    struct pollfd p = { .fd = fd, .events = POLLIN };

    shutdown(fd, SHUT_WR);
    for (int i = 0; i < READS_MAX && poll(&p, 1, READ_MS) > 0; i++)
        if (recv(fd, bytes, sizeof bytes, 0) <= 0)
            return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf out = BUF(OUT_MAX);
    struct view rest = fuzz_view(data, size);
    uint8_t how = fuzz_byte(&rest);
    int fd = connect_to(served_socket());

    if (how & 1)
        buf_put(&out, PREFACE, sizeof PREFACE - 1);
    if (how & 2)
        put_frames(rest, &out);
    else if (rest.len > 0)
        buf_put(&out, rest.at, rest.len);
    send_all(fd, buf_view(&out), how & 8 ? PIECE : OUT_MAX);
    if (!(how & 4))
        read_to_the_end(fd);
    close(fd);
    served_settle();
    return 0;
}
