/* StreamLogins: a stream is a cursor into the store, and has no buffer of its own.
 *
 * 1. The request's start is resolved to a place: the sequence after which to read.
 * 2. Hello goes out at once.
 * 3. Each time the stream may write, it copies the next batch from the store as it is, appends the token of the place
 * that the batch ends at, and sends it. One message is in flight, so the reader sets the pace (back-pressure), and a
 * slow reader costs one message of memory.
 * 4. At the head it sends one progress mark, then waits for a commit, or for the timer of the next mark.
 * 5. In between it looks for notices: at the head every time, elsewhere once a second.
 *
 * From history to live there is neither a hole nor a double: both are one line of sequences, the stream reads on after
 * the last one that it sent, and a commit wakes it. Nothing is handed over between two readers.
 *
 * It fails when retention overtakes the place: never a silent jump. It ends at the head that it found at its start
 * without `follow`, with the connector, or with the server; the last token is in the trailers. */
#include "base/assert.h"
#include "base/mem.h"
#include "service/reader.h"
#include "service/stream/stream.h"

#include <string.h>

/* A message costs 10-20 us and a byte almost nothing, so larger messages are faster. But each open stream may hold one,
 * and a thousand slow readers must not cost more than one HTTP/2 window each. So messages grow for a reader that takes
 * them quickly and shrink again for one that does not. A record that is larger goes alone. */
#define BATCH_BYTES_MIN (64u << 10)
#define BATCH_BYTES_MAX (256u << 10)
#define QUICK_MS        20
#define LOOK_MS         1000

#define TAG_RESUME_TOKEN 0x12 /* field 2, bytes */

/* ---- what goes out ---- */

/* False when retention has overtaken the place: events between it and the batch are gone. */
static bool stream_batch_is_whole(struct stream *s, const struct journal_batch *batch, struct error *err)
{
    struct journal_bounds bounds;

    if (batch->floor <= s->place.sequence)
        return true;
    return journal_bounds(connector_store(s->connector), &bounds, err) &&
           token_history_gone(&bounds, s->place.sequence, err);
}

static size_t stream_next_batch_bytes(const struct stream *s)
{
    bool is_quick = clock_mono_ms(s->service->clock) - s->told_mono_ms <= QUICK_MS;

    if (!is_quick || s->batch_bytes == 0)
        return BATCH_BYTES_MIN;
    return s->batch_bytes < BATCH_BYTES_MAX ? s->batch_bytes * 2 : BATCH_BYTES_MAX;
}

/* Copies the next batch into `bytes` and moves the place behind it. */
static bool stream_copy_batch(struct stream *s, struct buf *bytes, struct journal_batch *batch, struct error *err)
{
    const struct journal_want want = {
        .up_to = s->up_to,
        .since_ms = s->since_ms,
        .until_ms = s->until_ms,
        .count_max = s->limit < s->batch_events ? s->limit : s->batch_events,
        .takes = s->filter != NULL ? login_filter_takes : NULL,
        .ctx = s->filter,
    };

    if (!journal_copy(connector_store(s->connector), s->place.sequence, &want, bytes, batch, err) ||
        !stream_batch_is_whole(s, batch, err))
        return false;
    if (batch->last != s->place.sequence)
        s->place = (struct token_place){ batch->last, batch->last_tag };
    return true;
}

static void stream_append_token(const struct stream *s, struct buf *bytes)
{
    char token[TOKEN_TEXT_SIZE];

    stream_token(s, token);
    buf_raise_cap(bytes, 2 + sizeof token);
    buf_putc(bytes, TAG_RESUME_TOKEN);
    buf_putc(bytes, (char)(sizeof token - 1));
    buf_put(bytes, token, sizeof token - 1);
    ASSERT(buf_ok(bytes));
}

/* Sends the next batch. *sent: there was one. *at_end: nothing more is in the store. */
static bool stream_send_batch(struct stream *s, struct call *c, bool *sent, bool *at_end, struct error *err)
{
    struct journal_batch batch;
    struct buf bytes;

    *sent = false;
    s->batch_bytes = stream_next_batch_bytes(s);
    buf_init(&bytes, s->batch_bytes);
    /* Reserve all of it at once: growing step by step would copy the same bytes again and again. */
    (void)buf_extend(&bytes, s->batch_bytes);
    buf_reset(&bytes);
    if (!stream_copy_batch(s, &bytes, &batch, err)) {
        buf_deinit(&bytes);
        return false;
    }
    *at_end = batch.at_end;
    if (batch.count == 0) {
        buf_deinit(&bytes);
        return true;
    }
    stream_append_token(s, &bytes);
    if (s->limit != UINT64_MAX)
        s->limit -= batch.count;
    subscriber_sent(s->subscriber, s->place.sequence, batch.count, bytes.len);
    stream_told(s, c);
    call_write(c, &bytes);
    *sent = true;
    return true;
}

/* ---- the stream's life ---- */

static bool stream_is_deleted(const struct stream *s, struct error *err)
{
    if (!connector_is_deleted(s->connector))
        return false;
    error_reason(err, ERROR_UNAVAILABLE, "CONNECTOR_DELETED", "connector \"%s\" was deleted while you were reading it",
                 connector_name(s->connector));
    error_fact(err, "connector", connector_name(s->connector));
    return true;
}

static bool stream_is_progress_due(const struct stream *s)
{
    return clock_mono_ms(s->service->clock) - s->told_mono_ms >= s->progress_ms;
}

/* Sends a notice, if there is one to send; *told says so. */
static bool stream_notice(struct stream *s, struct call *c, bool *told, struct error *err)
{
    int64_t now_mono_ms = clock_mono_ms(s->service->clock);
    struct poller_snapshot now;
    struct journal_bounds bounds;
    struct notice n;
    uint64_t after;

    *told = false;
    if (!stream_follows(s) || (!s->is_idle && now_mono_ms - s->noticed_mono_ms < LOOK_MS))
        return true;
    s->noticed_mono_ms = now_mono_ms;
    connector_snapshot(s->connector, &now);
    *told = notices_next(&s->notices, &now, now_mono_ms, &n);
    if (!*told && !s->awaits_history && notices_wants_bounds(&s->notices, now_mono_ms)) {
        if (!journal_bounds(connector_store(s->connector), &bounds, err) ||
            !journal_count_after(connector_store(s->connector), s->place.sequence, &after, err))
            return false;
        *told = notices_ending(&s->notices, &bounds, after, now_mono_ms, &n);
    }
    if (*told)
        stream_say_notice(s, c, &n);
    return true;
}

/* Waits for a commit, for a notice that is held back, or for the next progress mark, whichever comes first. */
static void stream_wait(struct stream *s, struct call *c)
{
    int64_t at_mono_ms = s->told_mono_ms + s->progress_ms, notice_mono_ms = notices_due_mono_ms(&s->notices);

    call_timer(c, notice_mono_ms < at_mono_ms ? notice_mono_ms : at_mono_ms);
}

/* What one step of a stream came to. */
enum stream_step {
    STREAM_GOES_ON, /* it has sent one message, or waits */
    STREAM_IS_OVER, /* everything that was asked for has been sent */
    STREAM_FAILED,  /* the error says why */
};

static enum stream_step stream_step_of(bool ok)
{
    return ok ? STREAM_GOES_ON : STREAM_FAILED;
}

/* There is no event to send now. */
static enum stream_step stream_step_idle(struct stream *s, struct call *c, bool at_end, struct error *err)
{
    if (!s->awaits_history && !at_end) {
        /* A long run of events that the filter leaves out: tell the reader that the stream moves, and let the queue's
         * other calls have their turn. */
        if (stream_is_progress_due(s))
            return stream_step_of(stream_say_progress(s, c, err));
        call_timer(c, clock_mono_ms(s->service->clock));
        return STREAM_GOES_ON;
    }
    s->is_idle = true;
    if (at_end && !stream_follows(s))
        return STREAM_IS_OVER;
    if (stream_is_progress_due(s) || (at_end && !s->has_told_head)) {
        s->has_told_head = s->has_told_head || at_end;
        return stream_step_of(stream_say_progress(s, c, err));
    }
    stream_wait(s, c);
    return STREAM_GOES_ON;
}

/* Does the one thing that is next. */
static enum stream_step stream_step(struct stream *s, struct call *c, struct error *err)
{
    bool sent = false, at_end = false;

    if (stream_is_deleted(s, err))
        return STREAM_FAILED;
    if (!s->has_said_hello)
        return stream_step_of(stream_say_hello(s, c, err));
    if (s->limit == 0)
        return STREAM_IS_OVER;
    if (s->awaits_history && !stream_await_history(s, err))
        return STREAM_FAILED;
    if (!stream_notice(s, c, &sent, err))
        return STREAM_FAILED;
    if (sent)
        return STREAM_GOES_ON;
    if (!s->awaits_history && s->seeks_last && !stream_seek_last(s, err))
        return STREAM_FAILED;
    if (!s->awaits_history && !s->seeks_last) {
        if (!stream_send_batch(s, c, &sent, &at_end, err))
            return STREAM_FAILED;
        s->is_idle = s->is_idle && !sent;
    }
    return sent ? STREAM_GOES_ON : stream_step_idle(s, c, at_end, err);
}

/* Ends the stream before its time. On shutdown, followers that have had Hello also get a final Notice. */
static void stream_end_early(struct stream *s, struct call *c)
{
    struct notice last;
    struct error err;

    if (s->is_late) {
        error_reason(&err, ERROR_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
                     "the call's deadline has come: call again and resume with the token in okta-resume-token");
        stream_end(s, c, NULL, &err);
        return;
    }
    if (s->is_aged) {
        error_reason(&err, ERROR_UNAVAILABLE, "CONNECTION_AGED",
                     "this stream has lasted as long as one may over TCP (--max-connection-age): connect again and "
                     "resume with the token in okta-resume-token");
        stream_end(s, c, NULL, &err);
        return;
    }
    error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN",
                 "the server is shutting down: connect again and resume with the token in okta-resume-token");
    notices_draining(&last);
    stream_end(s, c, stream_follows(s) && s->has_said_hello ? &last : NULL, &err);
}

static void stream_ready(void *at, struct call *c)
{
    struct stream *s = at;
    struct error err;

    if (s->is_draining) {
        stream_end_early(s, c);
        return;
    }
    switch (stream_step(s, c, &err)) {
    case STREAM_GOES_ON:
        break;
    case STREAM_IS_OVER:
        stream_end(s, c, NULL, NULL);
        break;
    case STREAM_FAILED:
        stream_end(s, c, NULL, &err);
        break;
    }
}

/* Only notes why: the call layer calls stream_ready as soon as no write is in flight. */
static void stream_drain(void *at, struct call *c, const struct error *why)
{
    struct stream *s = at;

    (void)c;
    s->is_draining = true;
    s->is_late = why->code == ERROR_DEADLINE_EXCEEDED;
    s->is_aged = strcmp(why->reason, "CONNECTION_AGED") == 0;
}

static void stream_ended(void *at)
{
    struct stream *s = at;

    subscriber_leave(s->service->subscribers, s->subscriber);
    connector_release(s->connector);
    login_filter_destroy(s->filter);
    free(s);
}

static const struct call_stream_ops stream_ops = { .ready = stream_ready,
                                                   .drain = stream_drain,
                                                   .ended = stream_ended };

void service_stream_logins(void *service, struct call *c, const ProtobufCMessage *message)
{
    const request_type *request = (const request_type *)message;
    struct connector *connector = reader_connector(service, c, request->name);
    struct stream *s;
    struct error err;

    if (connector == NULL)
        return;
    s = mem_zero(sizeof *s);
    s->service = service;
    s->connector = connector;
    if (!stream_open(s, request, &err)) {
        connector_release(connector);
        login_filter_destroy(s->filter);
        free(s);
        call_fail(c, &err);
        return;
    }
    s->subscriber = subscriber_join(s->service->subscribers, connector_topic(connector), call_peer(c),
                                    clock_unix_ms(s->service->clock), s->place.sequence);
    /* Subscribe before the first read: a commit in between then wakes a stream that has read it already, which is
     * harmless. The other way round it could be missed. */
    call_topic(c, connector_topic(connector));
    call_stream(c, &stream_ops, s);
}
