/* One request: MHD tells the target (opened), then the head and pieces of a body (handle), and in the end that it is
 * over (completed). All of it, and the emulator, on MHD's one thread. An answer that is to come late is made at once
 * and kept, its connection sleeps meanwhile, and handle is called again. */
#include "shell.h"

#include "base/mem.h"
#include "control.h"
#include "outgoing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UPLOAD_BYTES_MAX (16u << 20) /* a hostile event */
#define CONNECTION_BYTES (128u << 10)
#define CONNECTIONS_MAX  256
#define IDLE_S           120
#define LISTEN_QUEUE     64

struct shell {
    struct emulator *emulator;
    const struct clock *clock;
    struct MHD_Daemon *daemon;
    struct pauses *pauses;
    int socket;
    uint16_t port;
    char url[64];
};

/* A connection, beyond its requests. */
struct line {
    bool is_dead; /* it broke after its last answer, unnoticed */
};

struct call {
    char *target;
    struct buf upload;
    bool is_begun;
    struct MHD_Response *late; /* made, and not sent yet */
    int late_status;
    bool is_broken; /* no answer at all */
};

/* ---- bodies out ---- */

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

static struct line *line_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info->socket_context;
}

/* The answer, or what is to become of one. */
static enum MHD_Result send_late(struct MHD_Connection *connection, struct call *call)
{
    struct MHD_Response *response = call->late;

    call->late = NULL;
    if (!call->is_broken)
        return send_off(connection, call->late_status, response);
    MHD_destroy_response(response);
    outgoing_break(connection);
    return MHD_NO;
}

static struct MHD_Response *make_response(struct shell *s, struct MHD_Connection *connection,
                                          struct emulator_response *answer)
{
    bool is_gzip = answer->body.len > 0 && wants_gzip(connection);
    struct outgoing *o = outgoing_create(answer->body, &answer->delivery, is_gzip);
    struct MHD_Response *response = outgoing_response(o, connection, s->pauses);

    put_headers(response, &answer->head);
    if (is_gzip)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    return response;
}

static enum MHD_Result answer_api(struct shell *s, struct MHD_Connection *connection, const char *method,
                                  struct call *call)
{
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
    int64_t delay_ms;

    emulator_response_init(&answer);
    emulator_answer(s->emulator, &request, &answer);
    call->late = make_response(s, connection, &answer);
    call->late_status = answer.status;
    call->is_broken = answer.delivery.how == EMULATOR_FAULT_RESET;
    line_of(connection)->is_dead = answer.delivery.how == EMULATOR_FAULT_CLOSE;
    delay_ms = answer.delivery.delay_ms;
    emulator_response_deinit(&answer);
    if (delay_ms > 0 && pauses_wait(s->pauses, connection, delay_ms))
        return MHD_YES;
    return send_late(connection, call);
}

static enum MHD_Result answer_control(struct shell *s, struct MHD_Connection *connection, const char *method,
                                      const struct call *call)
{
    static const struct emulator_delivery well = { .how = EMULATOR_FAULT_ANSWER };
    struct control_answer answer;
    struct MHD_Response *response;
    struct outgoing *o;

    control_answer(s->emulator, method, view_of(call->target), buf_view(&call->upload), clock_unix_ms(s->clock),
                   &answer);
    o = answer.is_truth ? outgoing_of_truth(&answer.truth) : outgoing_create(buf_view(&answer.body), &well, false);
    buf_deinit(&answer.body);
    response = outgoing_response(o, connection, s->pauses);
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
    if (call->late != NULL)
        return send_late(connection, call);
    if (line_of(connection)->is_dead) {
        outgoing_break(connection);
        return MHD_NO;
    }
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
    if (call->late != NULL)
        MHD_destroy_response(call->late);
    free(call->target);
    buf_deinit(&call->upload);
    free(call);
    *calls = NULL;
}

static void connected(void *cls, struct MHD_Connection *connection, void **line,
                      enum MHD_ConnectionNotificationCode code)
{
    (void)cls;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *line = mem_zero(sizeof(struct line));
    } else {
        free(*line);
        *line = NULL;
    }
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
    unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_ALLOW_SUSPEND_RESUME;

    s->daemon = MHD_start_daemon(flags, s->port, NULL, NULL, handle, s, MHD_OPTION_LISTEN_SOCKET, s->socket,
                                 MHD_OPTION_URI_LOG_CALLBACK, opened, s, MHD_OPTION_NOTIFY_COMPLETED, completed, s,
                                 MHD_OPTION_NOTIFY_CONNECTION, connected, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
    return s->daemon != NULL || error_set(err, ERROR_INTERNAL, "libmicrohttpd does not start");
}

bool shell_start(struct shell **out, struct emulator *e, const struct clock *clock, uint16_t port, struct error *err)
{
    struct shell *s = mem_zero(sizeof *s);

    s->emulator = e;
    s->clock = clock;
    s->socket = -1;
    s->pauses = pauses_create();
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
    pauses_stop(s->pauses);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon); /* closes the socket */
    else if (s->socket >= 0)
        close(s->socket);
    pauses_destroy(s->pauses);
    free(s);
}
