/* open -> hello -> messages ... -> end.
 *
 * When following, an end that may pass (the server restarts, the connection breaks, nothing is heard) closes the
 * session; after a back-off a new one is opened and the stream asked for again: from the token if there is one, else
 * from where it was asked for at first. */
#include "client/cmd/reader.h"

#include "client/term/interrupt.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define QUIET_TRIES 4    /* less than a second and a half */
#define STEADY_MS   5000 /* a connection that held so long was a good one: the next back-off starts anew */

static int64_t now_mono_ms(void)
{
    return clock_mono_ms(&clock_system);
}

static bool is_over(const struct reader *r)
{
    return interrupt_signal() != 0 || !output_ok(&r->cli->out) || now_mono_ms() >= r->until_mono_ms ||
           (r->request->limit > 0 && r->events >= r->request->limit);
}

/* A stream that waits for the whole history must be asked for in the same way until it has begun: a token cannot
 * carry that wish along. */
static bool can_resume(const struct reader *r)
{
    return r->token != NULL && (!r->request->require_complete_history || r->events > 0);
}

static void open_stream(struct reader *r)
{
    Okta__Connector__V1__StreamLoginsRequest request = *r->request;

    if (can_resume(r)) {
        request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
        request.resume_token = r->token;
        request.require_complete_history = false;
        if (request.limit > 0)
            request.limit -= r->events;
    }
    r->stream = stream_open(r->cli->session, &method_stream_logins, &request.base, 0);
    r->opened_mono_ms = r->heard_mono_ms = now_mono_ms();
}

static void disconnect(struct reader *r)
{
    stream_close(&r->stream);
    if (r->disconnected != NULL)
        r->disconnected(r->ctx);
    session_close(r->cli->session);
    r->cli->session = NULL;
}

static void wait_a_little(struct reader *r)
{
    uint32_t random = 0;
    int64_t until_mono_ms;

    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
        random = (uint32_t)now_mono_ms();
    until_mono_ms = now_mono_ms() + backoff_next_ms(&r->backoff, random);
    interrupt_wait(-1, until_mono_ms < r->until_mono_ms ? until_mono_ms : r->until_mono_ms);
}

/* Says once that the connection is lost, and closes it. */
static void lose(struct reader *r, const struct error *why)
{
    char text[ERROR_TEXT_MAX + 64];

    if (r->events > 0 && now_mono_ms() - r->opened_mono_ms >= STEADY_MS)
        backoff_reset(&r->backoff);
    backoff_hint(&r->backoff, why->retry_ms);
    disconnect(r);
    /* A server that is just starting is no news. */
    if (r->is_lost || is_over(r) || (r->token == NULL && r->backoff.tries < QUIET_TRIES))
        return;
    r->is_lost = true;
    snprintf(text, sizeof text,
             r->token != NULL ? "connection lost (%s): trying again, to go on at the same place"
                              : "nothing yet (%s): trying again",
             why->text);
    r->note(r->ctx, text);
}

/* A new session and a new stream; false with an error that may pass or not. */
static bool reopen(struct reader *r, struct error *err)
{
    wait_a_little(r);
    if (is_over(r))
        return error_set(err, ERROR_UNAVAILABLE, "over");
    if (!cli_connect(r->cli, err))
        return false;
    open_stream(r);
    return true;
}

static void handle(struct reader *r, const Okta__Connector__V1__StreamLoginsResponse *m)
{
    if (r->is_lost) {
        r->is_lost = false;
        r->note(r->ctx, r->token != NULL ? "connected again" : "connected");
    }
    r->message(r->ctx, m);
    if (!output_ok(&r->cli->out))
        return;
    r->events += m->n_logins;
    if (m->resume_token[0] != '\0') {
        free(r->token);
        r->token = mem_strdup(m->resume_token);
    }
    r->heard_mono_ms = now_mono_ms();
}

/* Waits for the next thing to do. */
static bool wait_on(struct reader *r, struct error *err)
{
    int64_t silent_mono_ms = r->heard_mono_ms + r->silence_ms, next_mono_ms = r->until_mono_ms;

    if (r->tick != NULL) {
        int64_t tick_mono_ms = r->tick(r->ctx, r->cli->session);

        if (tick_mono_ms < next_mono_ms)
            next_mono_ms = tick_mono_ms;
    }
    if (silent_mono_ms < next_mono_ms)
        next_mono_ms = silent_mono_ms;
    /* Nothing in the queue, and late: only then it was silence, and not us who did not listen. */
    if (session_wait(r->cli->session, next_mono_ms) || now_mono_ms() < silent_mono_ms || interrupt_signal() != 0)
        return true;
    return error_set(err, ERROR_DEADLINE_EXCEEDED, "nothing heard for %lld s", (long long)(r->silence_ms / 1000));
}

/* One step of an open stream. False when it has ended, with OK or an error in *err. */
static bool step(struct reader *r, struct error *err)
{
    ProtobufCMessage *message;

    switch (stream_take(r->stream, &message, err)) {
    case STREAM_MESSAGE:
        handle(r, (const void *)message);
        protobuf_c_message_free_unpacked(message, NULL);
        return true;
    case STREAM_WAITING:
        return wait_on(r, err);
    case STREAM_ENDED:
        break;
    }
    if (err->code == ERROR_OK && r->request->follow)
        return error_set(err, ERROR_UNAVAILABLE, "the server ended the stream");
    return false;
}

static bool may_go_on(const struct reader *r, const struct error *err)
{
    return r->request->follow && reason_is_passing(err);
}

bool reader_run(struct reader *r, struct error *err)
{
    open_stream(r);
    while (!is_over(r)) {
        if (r->stream == NULL) {
            if (!reopen(r, err) && !is_over(r) && !may_go_on(r, err))
                return false;
            continue;
        }
        if (step(r, err))
            continue;
        if (err->code == ERROR_OK)
            return true;
        if (is_over(r))
            return true;
        if (!may_go_on(r, err))
            return false;
        lose(r, err);
    }
    return true;
}

void reader_deinit(struct reader *r)
{
    stream_close(&r->stream);
    free(r->token);
}
