/* A Ctrl-C must end a wait in the completion queue, and nothing in a signal handler may touch gRPC. So a small thread
 * polls the interrupt's descriptor and starts an empty batch on a call that is kept for this alone: its tag comes out
 * of the queue at once. */
#include "client/rpc/session_call.h"

#include "client/rpc/knock.h"
#include "client/rpc/reply.h"
#include "client/term/interrupt.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EXPLAIN_MS        2000
#define EXPLAIN_BYTES_MAX 4096

struct session {
    struct tls tls;
    grpc_channel *channel;
    grpc_completion_queue *queue;
    grpc_call *wake_call; /* never sent; the interrupt's way into the queue */
    struct op wake;
    pthread_t watcher;
    bool has_watcher;
    int stop_fd; /* ends the watcher */
};

/* ---- the library ---- */

static void swallow_log(gpr_log_func_args *args)
{
    (void)args;
}

static void stop_library(void)
{
    grpc_shutdown_blocking();
}

static void start_library(void)
{
    /* Its own lines about broken connections would land in the middle of a table; we tell them ourselves. */
    if (getenv("GRPC_VERBOSITY") == NULL)
        gpr_set_log_function(swallow_log);
    interrupt_block();
    grpc_init();
    interrupt_unblock();
    atexit(stop_library);
}

/* ---- open ---- */

static bool is_unix(const char *address)
{
    return view_starts(view_of(address), "unix:");
}

static gpr_timespec deadline_at(int64_t mono_ms)
{
    int64_t left_ms;

    if (mono_ms == INT64_MAX)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    left_ms = mono_ms - clock_mono_ms(&clock_system);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(left_ms > 0 ? left_ms : 0, GPR_TIMESPAN));
}

static gpr_timespec deadline_in(int64_t timeout_ms)
{
    return deadline_at(timeout_ms > 0 ? clock_mono_ms(&clock_system) + timeout_ms : INT64_MAX);
}

/* Takes the credentials; `name` is what the server's certificate must bear, NULL for the address. */
static grpc_channel *make_channel(const char *address, grpc_channel_credentials *credentials, const char *name)
{
    /* http_proxy is for the web. A channel of its own each time: a shared one would bring its back-off along. A call is
     * never repeated behind our back. No keepalive: while a pager holds our output nobody reads its answers. */
    grpc_arg args[] = {
        { GRPC_ARG_INTEGER, (char *)GRPC_ARG_ENABLE_HTTP_PROXY, { .integer = 0 } },
        { GRPC_ARG_INTEGER, (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, { .integer = 1 } },
        { GRPC_ARG_INTEGER, (char *)GRPC_ARG_ENABLE_RETRIES, { .integer = 0 } },
        { GRPC_ARG_INTEGER,
          (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
          { .integer = (int)SESSION_RESPONSE_BYTES_MAX } },
        { GRPC_ARG_STRING, (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, { .string = (char *)(uintptr_t)name } },
    };
    const grpc_channel_args all = { sizeof args / sizeof args[0] - (name == NULL), args };
    grpc_channel *channel = grpc_channel_create(address, credentials, &all);

    grpc_channel_credentials_release(credentials);
    return channel;
}

grpc_call *session_make_call(struct session *s, const char *path, int64_t timeout_ms)
{
    return grpc_channel_create_call(s->channel, NULL, 0, s->queue, grpc_slice_from_static_string(path), NULL,
                                    deadline_in(timeout_ms), NULL);
}

/* The watcher thread: one interrupt, one tag. */
static void *watch(void *session)
{
    struct session *s = session;
    struct pollfd fds[] = { { .fd = s->stop_fd, .events = POLLIN }, { .fd = interrupt_fd(), .events = POLLIN } };

    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        continue;
    if (fds[1].revents != 0 && fds[0].revents == 0)
        ASSERT(grpc_call_start_batch(s->wake_call, NULL, 0, &s->wake, NULL) == GRPC_CALL_OK);
    return NULL;
}

static bool start_watcher(struct session *s, struct error *err)
{
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->wake_call = session_make_call(s, "/wake", 0);
    if (s->stop_fd < 0)
        return error_set(err, ERROR_INTERNAL, "eventfd: %s", strerror(errno));
    interrupt_block();
    s->has_watcher = pthread_create(&s->watcher, NULL, watch, s) == 0;
    interrupt_unblock();
    return s->has_watcher || error_set(err, ERROR_INTERNAL, "cannot start a thread");
}

static bool interrupted(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "interrupted");
}

/* gRPC does not tell why a connection failed, but a call on it does. */
static bool explain(struct session *s, struct error *err)
{
    AUTO_BUF struct buf text = BUF(EXPLAIN_BYTES_MAX);
    struct reply_status status;
    struct op tried = { false };
    grpc_op ops[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA }, { .op = GRPC_OP_RECV_STATUS_ON_CLIENT } };
    grpc_call *call = session_make_call(s, "/grpc.health.v1.Health/Check", EXPLAIN_MS);

    reply_status_init(&status);
    ops[1].data.recv_status_on_client.trailing_metadata = &status.trailers;
    ops[1].data.recv_status_on_client.status = &status.code;
    ops[1].data.recv_status_on_client.status_details = &status.text;
    ASSERT(grpc_call_start_batch(call, ops, 2, &tried, NULL) == GRPC_CALL_OK);
    while (!tried.is_done)
        session_wait(s, INT64_MAX); /* bounded by the call's deadline */
    utf8_clean((struct view){ (const char *)GRPC_SLICE_START_PTR(status.text), GRPC_SLICE_LENGTH(status.text) }, &text);
    reply_status_deinit(&status);
    grpc_call_unref(call);
    return tls_explain(&s->tls, buf_cstr(&text), err);
}

/* Waits until the channel is connected. */
static bool connect_channel(struct session *s, int64_t timeout_ms, struct error *err)
{
    int64_t until_mono_ms = clock_mono_ms(&clock_system) + timeout_ms;
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(s->channel, 1);

    while (state != GRPC_CHANNEL_READY) {
        struct op changed = { false };

        if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN)
            return explain(s, err);
        grpc_channel_watch_connectivity_state(s->channel, state, deadline_at(until_mono_ms), s->queue, &changed);
        /* Bounded by the watch's own deadline; after a signal as well, since its tag must come out. */
        while (!changed.is_done)
            session_wait(s, INT64_MAX);
        if (interrupt_signal() != 0)
            return interrupted(err);
        state = grpc_channel_check_connectivity_state(s->channel, 1);
        if (clock_mono_ms(&clock_system) >= until_mono_ms && state != GRPC_CHANNEL_READY)
            return error_set(err, ERROR_DEADLINE_EXCEEDED, "no answer within %lld ms", (long long)timeout_ms);
    }
    return true;
}

bool session_open(struct session **out, const char *address, const struct tls *tls, int64_t timeout_ms,
                  struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    grpc_channel_credentials *credentials = NULL;
    struct session *s;

    if (is_unix(address) && !knock(address + strlen("unix:"), timeout_ms, err))
        return error_wrap(err, "cannot reach the server at %s", address);
    pthread_once(&once, start_library);
    if (tls == NULL || !tls->is_on)
        credentials = grpc_insecure_credentials_create();
    else if (!tls_credentials(tls, &credentials, err))
        return false;
    s = mem_zero(sizeof *s);
    s->stop_fd = -1;
    s->queue = grpc_completion_queue_create_for_next(NULL);
    interrupt_block();
    s->tls = tls != NULL ? *tls : (struct tls){ .is_on = false };
    s->channel = make_channel(address, credentials, s->tls.server_name);
    interrupt_unblock();
    if (start_watcher(s, err) && connect_channel(s, timeout_ms, err)) {
        *out = s;
        return true;
    }
    session_close(s);
    return err->code == ERROR_CANCELLED ? false : error_wrap(err, "cannot reach the server at %s", address);
}

void session_close(struct session *s)
{
    const uint64_t one = 1;

    if (s == NULL)
        return;
    if (s->has_watcher) {
        ASSERT(write(s->stop_fd, &one, sizeof one) == sizeof one);
        pthread_join(s->watcher, NULL);
    }
    if (s->stop_fd >= 0)
        close(s->stop_fd);
    if (s->wake_call != NULL)
        grpc_call_unref(s->wake_call);
    grpc_channel_destroy(s->channel);
    grpc_completion_queue_shutdown(s->queue);
    while (grpc_completion_queue_next(s->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(s->queue);
    free(s);
}

bool session_wait(struct session *s, int64_t until_mono_ms)
{
    grpc_event event = grpc_completion_queue_next(s->queue, deadline_at(until_mono_ms), NULL);
    struct op *op = event.tag;

    if (event.type != GRPC_OP_COMPLETE)
        return false;
    op->is_done = true;
    return op != &s->wake;
}
