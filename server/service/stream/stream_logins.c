/* StreamLogins: a stream is a cursor into the store, and nothing else.
 *
 * 1. The start is resolved to a place: the sequence to read after.
 * 2. Hello goes out at once.
 * 3. Each time the stream may write, it copies the next batch from the store, as it lies there, puts the token of the
 *    place behind it, and sends it. One message is in flight, so the reader's pace is ours and a slow reader costs one
 *    message of memory.
 * 4. At the head it says so once, then waits: a commit wakes it, or the timer for a progress mark.
 * 5. In between it looks whether there is something to notice, at the head each time, else once a second.
 *
 * It fails when retention overtakes the place: never a silent jump. It ends at the head as of the start without
 * `follow`, with the connector, or with the server; the last token is in the trailers. */
#include "base/assert.h"
#include "base/mem.h"
#include "service/reader.h"
#include "service/stream/stream.h"

#include <string.h>

/* A message costs 10-20 us and a byte almost nothing, so larger is faster; but each open stream may hold one message,
 * and a thousand slow readers are to cost no more than one HTTP/2 window each. So messages grow for who takes them
 * quickly, and shrink again for who does not. A larger record goes alone. */
#define BATCH_BYTES_MIN (64u << 10)
#define BATCH_BYTES_MAX (256u << 10)
#define QUICK_MS        20
#define LOOK_MS         1000

#define TAG_RESUME_TOKEN 0x12 /* field 2, bytes */

/* ---- what goes out ---- */

/* Retention may have overtaken the place. */
static bool is_whole(struct stream *s, const struct journal_batch *batch, struct error *err)
{
    struct journal_bounds bounds;

    if (batch->floor <= s->place.sequence)
        return true;
    return journal_bounds(connector_store(s->connector), &bounds, err) &&
           token_history_gone(&bounds, s->place.sequence, err);
}

static size_t next_batch_bytes(const struct stream *s)
{
    bool is_quick = clock_mono_ms(s->service->clock) - s->told_mono_ms <= QUICK_MS;

    if (!is_quick || s->batch_bytes == 0)
        return BATCH_BYTES_MIN;
    return s->batch_bytes < BATCH_BYTES_MAX ? s->batch_bytes * 2 : BATCH_BYTES_MAX;
}

/* Sends the next batch; `sent` tells whether there was one, `at_end` whether nothing more is there. */
static bool send_batch(struct stream *s, struct call *c, bool *sent, bool *at_end, struct error *err)
{
    struct buf bytes = BUF(s->batch_bytes = next_batch_bytes(s));
    const struct journal_want want = {
        .up_to = s->up_to,
        .since_ms = s->since_ms,
        .until_ms = s->until_ms,
        .count_max = s->limit < s->batch_events ? s->limit : s->batch_events,
        .takes = s->filter != NULL ? login_filter_takes : NULL,
        .ctx = s->filter,
    };
    struct journal_batch batch;
    char token[TOKEN_TEXT_SIZE];

    *sent = false;
    /* All of it at once: growing would copy what is there again and again. */
    (void)buf_extend(&bytes, s->batch_bytes);
    buf_reset(&bytes);
    if (!journal_copy(connector_store(s->connector), s->place.sequence, &want, &bytes, &batch, err) ||
        !is_whole(s, &batch, err)) {
        buf_deinit(&bytes);
        return false;
    }
    *at_end = batch.at_end;
    if (batch.last != s->place.sequence)
        s->place = (struct token_place){ batch.last, batch.last_tag };
    if (batch.count == 0) {
        buf_deinit(&bytes);
        return true;
    }
    stream_token(s, token);
    bytes.cap += 2 + sizeof token;
    buf_putc(&bytes, TAG_RESUME_TOKEN);
    buf_putc(&bytes, (char)(sizeof token - 1));
    buf_put(&bytes, token, sizeof token - 1);
    ASSERT(buf_ok(&bytes));
    if (s->limit != UINT64_MAX)
        s->limit -= batch.count;
    subscriber_sent(s->subscriber, s->place.sequence, batch.count, bytes.len);
    stream_told(s, c);
    call_write(c, &bytes);
    *sent = true;
    return true;
}

/* ---- the stream's life ---- */

static bool is_deleted(const struct stream *s, struct error *err)
{
    if (!connector_is_deleted(s->connector))
        return false;
    error_reason(err, ERROR_UNAVAILABLE, "CONNECTOR_DELETED", "connector \"%s\" was deleted while you were reading it",
                 connector_name(s->connector));
    error_fact(err, "connector", connector_name(s->connector));
    return true;
}

static bool is_progress_due(const struct stream *s)
{
    return clock_mono_ms(s->service->clock) - s->told_mono_ms >= s->progress_ms;
}

/* Tells what there is to notice, if anything; `told` says so. */
static bool notice(struct stream *s, struct call *c, bool *told, struct error *err)
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

/* Nothing to send: until a commit, a notice that is held back, or the next progress mark. */
static void wait_on(struct stream *s, struct call *c)
{
    int64_t at_mono_ms = s->told_mono_ms + s->progress_ms, notice_mono_ms = notices_due_mono_ms(&s->notices);

    call_timer(c, notice_mono_ms < at_mono_ms ? notice_mono_ms : at_mono_ms);
}

/* What is next, where no event is. */
static bool step_idle(struct stream *s, struct call *c, bool at_end, bool *over, struct error *err)
{
    if (!s->awaits_history && !at_end) {
        /* A long run of events that are left out: the reader hears that it moves, and the queue's other calls have
         * their turn. */
        if (is_progress_due(s))
            return stream_say_progress(s, c, err);
        call_timer(c, clock_mono_ms(s->service->clock));
        return true;
    }
    s->is_idle = true;
    if (at_end && !stream_follows(s)) {
        *over = true;
        return true;
    }
    if (is_progress_due(s) || (at_end && !s->has_told_head)) {
        s->has_told_head = s->has_told_head || at_end;
        return stream_say_progress(s, c, err);
    }
    wait_on(s, c);
    return true;
}

/* Does the one thing that is next. False with the error ends the stream; `over` ends it with OK. */
static bool step(struct stream *s, struct call *c, bool *over, struct error *err)
{
    bool sent = false, at_end = false;

    if (is_deleted(s, err))
        return false;
    if (!s->has_said_hello)
        return stream_say_hello(s, c, err);
    if (s->limit == 0) { /* all that was asked for is sent */
        *over = true;
        return true;
    }
    if (s->awaits_history && !stream_await_history(s, err))
        return false;
    if (!notice(s, c, &sent, err) || (!s->awaits_history && s->seeks_last && !sent && !stream_seek_last(s, err)))
        return false;
    if (!sent && !s->awaits_history && !s->seeks_last) {
        if (!send_batch(s, c, &sent, &at_end, err))
            return false;
        s->is_idle = s->is_idle && !sent;
    }
    return sent || step_idle(s, c, at_end, over, err);
}

/* The caller's time is up; or the server goes down: who follows hears that in the stream as well, but for who has not
 * heard hello, which comes first. */
static void end_draining(struct stream *s, struct call *c)
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

static void ready(void *at, struct call *c)
{
    struct stream *s = at;
    struct error err;
    bool over = false;

    if (s->is_draining)
        end_draining(s, c);
    else if (!step(s, c, &over, &err))
        stream_end(s, c, NULL, &err);
    else if (over)
        stream_end(s, c, NULL, NULL);
}

/* The call layer makes it ready next, as soon as nothing is being written. */
static void drain(void *at, struct call *c, const struct error *why)
{
    struct stream *s = at;

    (void)c;
    s->is_draining = true;
    s->is_late = why->code == ERROR_DEADLINE_EXCEEDED;
    s->is_aged = strcmp(why->reason, "CONNECTION_AGED") == 0;
}

static void ended(void *at)
{
    struct stream *s = at;

    subscriber_leave(s->service->subscribers, s->subscriber);
    connector_release(s->connector);
    login_filter_destroy(s->filter);
    free(s);
}

static const struct call_stream_ops stream_ops = { .ready = ready, .drain = drain, .ended = ended };

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
    /* The topic first, then the first read: a commit in between wakes a stream that has read already, which is
     * harmless. */
    call_topic(c, connector_topic(connector));
    call_stream(c, &stream_ops, s);
}
