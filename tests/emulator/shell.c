/* One request: MHD tells the target (opened), then the head and pieces of a body (handle), and in the end that it is
 * over (completed). All of it, and the emulator, on MHD's one thread. */
#include "shell.h"

#include "base/mem.h"
#include "control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define UPLOAD_BYTES_MAX   (16u << 20) /* a hostile event */
#define CONNECTION_BYTES   (128u << 10)
#define CONNECTIONS_MAX    256
#define IDLE_S             120
#define READER_BLOCK_BYTES (64u << 10)
#define GZIP_LEVEL         1         /* a page of 2 MB in some 10 ms; the best level takes ten times that */
#define GZIP_WINDOW_BITS   (15 + 16) /* the largest window, in gzip's frame */
#define LISTEN_QUEUE       64

struct shell {
    struct emulator *emulator;
    const struct clock *clock;
    struct MHD_Daemon *daemon;
    int socket;
    uint16_t port;
    char url[64];
};

struct call {
    char *target;
    struct buf upload;
    bool is_begun;
};

/* A body on its way out. */
struct outgoing {
    char *at;
    size_t len;
    bool is_truth;
    struct truth_reader truth;
};

/* ---- bodies out ---- */

static ssize_t read_outgoing(void *cls, uint64_t at, char *to, size_t room)
{
    struct outgoing *o = cls;
    size_t len;

    if (o->is_truth) {
        len = truth_read(&o->truth, to, room);
    } else {
        len = at < o->len ? o->len - (size_t)at : 0;
        len = len < room ? len : room;
        if (len > 0)
            memcpy(to, o->at + at, len);
    }
    return len > 0 ? (ssize_t)len : MHD_CONTENT_READER_END_OF_STREAM;
}

static void free_outgoing(void *cls)
{
    struct outgoing *o = cls;

    if (o->is_truth)
        buf_deinit(&o->truth.lines);
    free(o->at);
    free(o);
}

static void gzip(struct outgoing *o)
{
    z_stream z = { .next_in = (Bytef *)o->at, .avail_in = (uInt)o->len };
    size_t room;
    char *to;

    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory */
    room = deflateBound(&z, o->len);
    to = mem_alloc(room);
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort(); /* deflateBound was wrong */
    free(o->at);
    o->at = to;
    o->len = z.total_out;
    deflateEnd(&z);
}

/* Chunked, as Okta does: the length is not told. */
static struct MHD_Response *make_response(struct outgoing *o)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READER_BLOCK_BYTES, read_outgoing, o, free_outgoing);
}

static void put_headers(struct MHD_Response *response, struct buf *head)
{
    char *line = head->at, *end;

    buf_putc(head, '\0');
    line = head->at;
    while ((end = strstr(line, "\r\n")) != NULL) {
        char *colon = strchr(line, ':');

        *end = '\0';
        *colon = '\0';
        MHD_add_response_header(response, line, colon + 2);
        line = end + 2;
    }
}

static enum MHD_Result send_off(struct MHD_Connection *connection, int status, struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);

    MHD_destroy_response(response);
    return result;
}

/* ---- answering ---- */

static struct view request_header(struct MHD_Connection *connection, const char *name)
{
    return view_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static bool wants_gzip(struct MHD_Connection *connection)
{
    const char *accepted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding");

    return accepted != NULL && strstr(accepted, "gzip") != NULL;
}

static enum MHD_Result answer_api(struct shell *s, struct MHD_Connection *connection, const char *method,
                                  const struct call *call)
{
    struct outgoing *o = mem_zero(sizeof *o);
    struct emulator_response answer;
    struct emulator_request request = {
        .method = method,
        .target = view_of(call->target),
        .authorization = request_header(connection, "Authorization"),
        .cookie = request_header(connection, "Cookie"),
        .content_type = request_header(connection, "Content-Type"),
        .accept = request_header(connection, "Accept"),
        .dpop = request_header(connection, "DPoP"),
        .body = buf_view(&call->upload),
        .now_unix_ms = clock_unix_ms(s->clock),
    };
    struct MHD_Response *response;
    bool is_gzip;

    emulator_response_init(&answer);
    emulator_answer(s->emulator, &request, &answer);
    o->at = mem_copy(answer.body.at, answer.body.len);
    o->len = answer.body.len;
    is_gzip = o->len > 0 && wants_gzip(connection);
    if (is_gzip)
        gzip(o);
    response = make_response(o);
    put_headers(response, &answer.head);
    if (is_gzip)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    emulator_response_deinit(&answer);
    return send_off(connection, answer.status, response);
}

static enum MHD_Result answer_control(struct shell *s, struct MHD_Connection *connection, const char *method,
                                      const struct call *call)
{
    struct outgoing *o = mem_zero(sizeof *o);
    struct control_answer answer;
    struct MHD_Response *response;

    control_answer(s->emulator, method, view_of(call->target), buf_view(&call->upload), clock_unix_ms(s->clock),
                   &answer);
    o->is_truth = answer.is_truth;
    if (answer.is_truth)
        o->truth = answer.truth; /* lines and all: they are the response's now */
    else
        o->at = mem_copy(answer.body.at, answer.body.len);
    o->len = answer.body.len;
    buf_deinit(&answer.body);
    response = make_response(o);
    MHD_add_response_header(response, "Content-Type", answer.is_truth ? "application/x-ndjson" : "application/json");
    return send_off(connection, answer.status, response);
}

/* ---- what MHD calls ---- */

static void *opened(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct call *call = mem_zero(sizeof *call);

    (void)cls;
    (void)connection;
    call->target = mem_strdup(uri);
    buf_init(&call->upload, UPLOAD_BYTES_MAX);
    return call;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_bytes, void **calls)
{
    struct shell *s = cls;
    struct call *call = *calls;

    (void)url;
    (void)version;
    if (!call->is_begun) { /* the head alone: a body may follow */
        call->is_begun = true;
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        buf_put(&call->upload, upload, *upload_bytes);
        *upload_bytes = 0;
        return buf_ok(&call->upload) ? MHD_YES : MHD_NO;
    }
    if (control_is_for(view_of(call->target)))
        return answer_control(s, connection, method, call);
    return answer_api(s, connection, method, call);
}

static void completed(void *cls, struct MHD_Connection *connection, void **calls, enum MHD_RequestTerminationCode code)
{
    struct call *call = *calls;

    (void)cls;
    (void)connection;
    (void)code;
    if (call == NULL)
        return;
    free(call->target);
    buf_deinit(&call->upload);
    free(call);
    *calls = NULL;
}

/* ---- begin and end ---- */

/* Our own, so that the address is known before the first request comes. */
static bool open_socket(struct shell *s, uint16_t port, struct error *err)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t len = sizeof address;
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->socket < 0 || setsockopt(s->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(s->socket, (struct sockaddr *)&address, sizeof address) != 0 || listen(s->socket, LISTEN_QUEUE) != 0 ||
        getsockname(s->socket, (struct sockaddr *)&address, &len) != 0)
        return error_set(err, ERROR_UNAVAILABLE, "listen on 127.0.0.1:%u: %s", (unsigned)port, strerror(errno));
    s->port = ntohs(address.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", (unsigned)s->port);
    return true;
}

static bool start_daemon(struct shell *s, struct error *err)
{
    /* Without a clock: the Date header is the emulator's. */
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_SUPPRESS_DATE_NO_CLOCK;

    s->daemon =
        MHD_start_daemon(flags, s->port, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, s->socket,
                         MHD_OPTION_URI_LOG_CALLBACK, opened, s, MHD_OPTION_NOTIFY_COMPLETED, completed, s,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    return s->daemon != NULL || error_set(err, ERROR_INTERNAL, "libmicrohttpd does not start");
}

bool shell_start(struct shell **out, struct emulator *e, const struct clock *clock, uint16_t port, struct error *err)
{
    struct shell *s = mem_zero(sizeof *s);

    s->emulator = e;
    s->clock = clock;
    s->socket = -1;
    if (!open_socket(s, port, err)) {
        shell_stop(s);
        return false;
    }
    emulator_set_base_url(e, s->url);
    if (!start_daemon(s, err)) {
        shell_stop(s);
        return false;
    }
    *out = s;
    return true;
}

const char *shell_url(const struct shell *s)
{
    return s->url;
}

uint16_t shell_port(const struct shell *s)
{
    return s->port;
}

void shell_stop(struct shell *s)
{
    if (s == NULL)
        return;
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon); /* closes the socket */
    else if (s->socket >= 0)
        close(s->socket);
    free(s);
}
