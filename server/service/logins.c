/* StreamLogins: a stream is a cursor into the store, and nothing else.
 *
 * 1. The start is resolved to a place: the sequence to read after.
 * 2. Hello goes out at once.
 * 3. Each time the stream may write, it copies the next batch from the store, as it lies there, puts the token of the
 *    place behind it, and sends it. One message is in flight, so the reader's pace is ours and a slow reader costs one
 *    message of memory.
 * 4. At the head it says so once, then waits: a commit wakes it, or the timer for a progress mark.
 *
 * It fails when retention overtakes the place: never a silent jump. It ends at the head as of the start without
 * `follow`, with the connector, or with the server; the last token is in the trailers. */
#include "base/assert.h"
#include "base/mem.h"
#include "service/reader.h"
#include "service/token.h"

#include "okta/connector/v1/connector.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A message costs 10-20 us and a byte almost nothing, so larger is faster; but each open stream may hold one message,
 * and a thousand slow readers are to cost no more than one HTTP/2 window each. So messages grow for who takes them
 * quickly, and shrink again for who does not. A larger record goes alone. */
#define BATCH_BYTES_MIN (64u << 10)
#define BATCH_BYTES_MAX (256u << 10)
#define QUICK_MS        20

#define BATCH_EVENTS_DEFAULT 10000
#define BATCH_EVENTS_MAX     10000
#define LAST_MAX             1000000
#define PROGRESS_DEFAULT_MS  15000
#define PROGRESS_MIN_MS      1000
#define PROGRESS_MAX_MS      300000

#define TAG_RESUME_TOKEN 0x12 /* field 2, bytes */

struct stream {
    /* set at the start, then read-only */
    struct service *service;
    struct connector *connector;
    struct subscriber *subscriber;
    int start;        /* the request's start_case */
    uint32_t last;    /* of a start with the last so many */
    uint64_t up_to;   /* UINT64_MAX when following */
    int64_t since_ms; /* JOURNAL_NO_TIME: everything */
    int64_t progress_ms;
    uint32_t batch_events;

    /* where it stands */
    struct token_place place;
    bool has_said_hello, awaits_history, has_told_head;
    int64_t told_mono_ms; /* when the last message went out */
    size_t batch_bytes;   /* of the last batch, at the most */
};

/* ---- the start ---- */

typedef Okta__Connector__V1__StreamLoginsRequest request_type;

static bool start_invalid(struct error *err, const char *what)
{
    return error_reason(err, ERROR_INVALID_ARGUMENT, "START_INVALID", "%s", what);
}

static bool timestamp_ms(const Google__Protobuf__Timestamp *t, int64_t *ms)
{
    if (t->seconds < 0 || t->seconds > INT64_C(253402300799) || t->nanos < 0 || t->nanos > 999999999)
        return false;
    *ms = t->seconds * 1000 + t->nanos / 1000000;
    return true;
}

/* What the request's start asks for, checked; the place itself is found by find_place. */
static bool read_start(struct stream *s, const request_type *request, struct error *err)
{
    s->start = request->start_case;
    switch (s->start) {
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN:
        if (request->require_complete_history)
            return start_invalid(err,
                                 "require_complete_history does not go with resume_token: a token says exactly where "
                                 "to go on");
        return token_resolve(connector_store(s->connector), view_of(request->resume_token), &s->place, err);
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST:
        s->last = request->last;
        if (s->last > LAST_MAX)
            return error_reason(err, ERROR_INVALID_ARGUMENT, "START_INVALID",
                                "last is %u: at most %d; use from_beginning", s->last, LAST_MAX);
        return true;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE:
        return timestamp_ms(request->since, &s->since_ms) ||
               start_invalid(err, "since is not a time between 1970 and 9999");
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING:
        return request->from_beginning || start_invalid(err, "from_beginning must be true where it is given");
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_NOW:
        return request->from_now || start_invalid(err, "from_now must be true where it is given");
    default:
        s->start = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_NOW;
        return true;
    }
}

static bool find_place(struct stream *s, const struct journal_bounds *bounds, struct error *err)
{
    struct store *store = connector_store(s->connector);
    bool found;

    switch (s->start) {
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN:
        return true;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST:
        if (!journal_place_last(store, s->last, &s->place.sequence, err))
            return false;
        break;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE:
        if (!journal_place_since(store, s->since_ms, &s->place.sequence, err))
            return false;
        break;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING:
        s->place.sequence = bounds->floor;
        break;
    default:
        s->place.sequence = bounds->head >= JOURNAL_FIRST ? bounds->head : JOURNAL_FIRST - 1;
    }
    /* Where retention has emptied the store, there is nothing to start before. */
    if (s->place.sequence < bounds->floor)
        s->place.sequence = bounds->floor;
    return journal_tag(store, s->place.sequence, &found, &s->place.tag, err);
}

static bool progress_interval(const request_type *request, int64_t *ms, struct error *err)
{
    const Google__Protobuf__Duration *d = request->progress_interval;

    *ms = PROGRESS_DEFAULT_MS;
    if (d == NULL)
        return true;
    if (d->seconds >= 0 && d->seconds <= PROGRESS_MAX_MS / 1000 && d->nanos >= 0 && d->nanos <= 999999999) {
        *ms = d->seconds * 1000 + d->nanos / 1000000;
        if (*ms >= PROGRESS_MIN_MS && *ms <= PROGRESS_MAX_MS)
            return true;
    }
    return error_reason(err, ERROR_INVALID_ARGUMENT, "PROGRESS_INTERVAL_INVALID",
                        "progress_interval must be between 1 s and 5 min");
}

enum history { HISTORY_IS_THERE, HISTORY_IS_COMING, HISTORY_NEVER_COMES };

static enum history history_of(const struct poller_snapshot *now)
{
    if (now->history == HISTORY_COMPLETE || now->history == HISTORY_OFF)
        return HISTORY_IS_THERE;
    if (now->history == HISTORY_LIMITED_BY_SIZE || now->state == CONNECTOR_RETIRED)
        return HISTORY_NEVER_COMES;
    return HISTORY_IS_COMING;
}

static bool history_incomplete(enum history history, struct error *err)
{
    return error_reason(
        err, ERROR_FAILED_PRECONDITION, "HISTORY_INCOMPLETE",
        history == HISTORY_NEVER_COMES
            ? "the history will never be complete: its back-fill was stopped by the store's size or by "
              "retiring the connector; start without require_complete_history"
            : "the back-fill of history has not finished: run Sync with history first, or use follow to "
              "wait for it here");
}

static bool open_at_start(struct stream *s, const request_type *request, struct error *err)
{
    struct poller_snapshot now;
    struct journal_bounds bounds;
    enum history history;

    s->since_ms = JOURNAL_NO_TIME;
    if (request->max_batch > BATCH_EVENTS_MAX)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "MAX_BATCH_INVALID", "max_batch is %u: at most %d",
                            request->max_batch, BATCH_EVENTS_MAX);
    s->batch_events = request->max_batch > 0 ? request->max_batch : BATCH_EVENTS_DEFAULT;
    if (!progress_interval(request, &s->progress_ms, err) || !read_start(s, request, err) ||
        !journal_bounds(connector_store(s->connector), &bounds, err))
        return false;
    s->up_to = request->follow ? UINT64_MAX : bounds.head;
    if (request->require_complete_history) {
        connector_snapshot(s->connector, &now);
        history = history_of(&now);
        if (history == HISTORY_NEVER_COMES || (history == HISTORY_IS_COMING && !request->follow))
            return history_incomplete(history, err);
        s->awaits_history = history == HISTORY_IS_COMING;
    }
    if (!s->awaits_history)
        return find_place(s, &bounds, err);
    /* Until the history is there, its token is that of the very beginning: nothing has been delivered. */
    s->place = (struct token_place){ bounds.floor, 0 };
    return true;
}

/* ---- what goes out ---- */

static void token_of(const struct stream *s, char text[TOKEN_TEXT_SIZE])
{
    token_format(store_epoch(connector_store(s->connector)), s->place, text);
}

static void finish(struct stream *s, struct call *c, const struct error *err)
{
    char token[TOKEN_TEXT_SIZE];

    token_of(s, token);
    call_trailer(c, "okta-resume-token", token);
    call_finish(c, err);
}

static void told(struct stream *s, struct call *c)
{
    s->told_mono_ms = clock_mono_ms(s->service->clock);
    call_timer(c, s->told_mono_ms + s->progress_ms);
}

static Google__Protobuf__Timestamp timestamp(int64_t unix_ms)
{
    Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    t.seconds = unix_ms / 1000;
    t.nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return t;
}

static bool say_hello(struct stream *s, struct call *c, struct error *err)
{
    Okta__Connector__V1__StreamLoginsResponse response = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__INIT;
    Okta__Connector__V1__Hello hello = OKTA__CONNECTOR__V1__HELLO__INIT;
    struct poller_snapshot now;
    struct journal_bounds bounds;
    char token[TOKEN_TEXT_SIZE];

    if (!journal_bounds(connector_store(s->connector), &bounds, err))
        return false;
    connector_snapshot(s->connector, &now);
    hello.version = s->service->version;
    hello.name = (char *)connector_name(s->connector);
    hello.org_id = (char *)connector_org_id(s->connector);
    hello.epoch = (char *)store_epoch(connector_store(s->connector));
    hello.oldest_sequence = bounds.oldest;
    hello.head_sequence = bounds.head;
    hello.history_complete = history_of(&now) == HISTORY_IS_THERE;
    token_of(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_HELLO;
    response.hello = &hello;
    s->has_said_hello = true;
    told(s, c);
    call_write_message(c, &response.base);
    return true;
}

static bool say_progress(struct stream *s, struct call *c, struct error *err)
{
    Okta__Connector__V1__StreamLoginsResponse response = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__INIT;
    Okta__Connector__V1__Progress progress = OKTA__CONNECTOR__V1__PROGRESS__INIT;
    Okta__Connector__V1__HistoryStatus history = OKTA__CONNECTOR__V1__HISTORY_STATUS__INIT;
    Google__Protobuf__Timestamp published, poll, reached, target;
    struct poller_snapshot now;
    struct journal_bounds bounds;
    char token[TOKEN_TEXT_SIZE];

    if (!journal_bounds(connector_store(s->connector), &bounds, err))
        return false;
    connector_snapshot(s->connector, &now);
    progress.head_sequence = bounds.head;
    if (bounds.watermark_ms != JOURNAL_NO_TIME) {
        published = timestamp(bounds.watermark_ms);
        progress.head_published = &published;
    }
    if (now.tail_success_unix_ms > 0) {
        poll = timestamp(now.tail_success_unix_ms);
        progress.last_poll = &poll;
    }
    progress.state = (Okta__Connector__V1__ConnectorState)now.state;
    progress.at_head = s->place.sequence >= bounds.head;
    history.state = (Okta__Connector__V1__HistoryState)now.history;
    if (now.history_reached_ms > 0) {
        reached = timestamp(now.history_reached_ms);
        history.reached = &reached;
    }
    if (now.history_target_ms > 0) {
        target = timestamp(now.history_target_ms);
        history.target = &target;
    }
    history.logins_stored = now.history_stored;
    progress.history = &history;
    token_of(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_PROGRESS;
    response.progress = &progress;
    told(s, c);
    call_write_message(c, &response.base);
    return true;
}

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
    struct journal_batch batch;
    char token[TOKEN_TEXT_SIZE];

    *sent = false;
    /* All of it at once: growing would copy what is there again and again. */
    (void)buf_extend(&bytes, s->batch_bytes);
    buf_reset(&bytes);
    if (!journal_copy(connector_store(s->connector), s->place.sequence, s->up_to, s->since_ms, s->batch_events, &bytes,
                      &batch, err) ||
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
    token_of(s, token);
    bytes.cap += 2 + sizeof token;
    buf_putc(&bytes, TAG_RESUME_TOKEN);
    buf_putc(&bytes, (char)(sizeof token - 1));
    buf_put(&bytes, token, sizeof token - 1);
    ASSERT(buf_ok(&bytes));
    subscriber_sent(s->subscriber, s->place.sequence, batch.count, bytes.len);
    told(s, c);
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
    return true;
}

/* Asks whether the back-fill is done; when it is, finds the place where the stream starts. */
static bool await_history(struct stream *s, struct error *err)
{
    struct poller_snapshot now;
    struct journal_bounds bounds;

    connector_snapshot(s->connector, &now);
    if (history_of(&now) == HISTORY_NEVER_COMES)
        return history_incomplete(HISTORY_NEVER_COMES, err);
    if (history_of(&now) == HISTORY_IS_COMING)
        return true;
    s->awaits_history = false;
    return journal_bounds(connector_store(s->connector), &bounds, err) && find_place(s, &bounds, err);
}

static bool is_progress_due(const struct stream *s)
{
    return clock_mono_ms(s->service->clock) - s->told_mono_ms >= s->progress_ms;
}

/* Does the one thing that is next. False with the error ends the stream; `over` ends it with OK. */
static bool step(struct stream *s, struct call *c, bool *over, struct error *err)
{
    bool sent = false, at_end = false;

    if (is_deleted(s, err))
        return false;
    if (!s->has_said_hello)
        return say_hello(s, c, err);
    if (s->awaits_history && !await_history(s, err))
        return false;
    if (!s->awaits_history && !send_batch(s, c, &sent, &at_end, err))
        return false;
    if (sent)
        return true;
    if (!s->awaits_history && !at_end) {
        /* A long run of events that `since` leaves out: let the queue's other calls have their turn. */
        call_timer(c, clock_mono_ms(s->service->clock));
        return true;
    }
    if (at_end && s->up_to != UINT64_MAX) {
        *over = true;
        return true;
    }
    if (is_progress_due(s) || (at_end && !s->has_told_head)) {
        s->has_told_head = s->has_told_head || at_end;
        return say_progress(s, c, err);
    }
    call_timer(c, s->told_mono_ms + s->progress_ms);
    return true;
}

static void ready(void *at, struct call *c)
{
    struct stream *s = at;
    struct error err;
    bool over = false;

    if (!step(s, c, &over, &err))
        finish(s, c, &err);
    else if (over)
        finish(s, c, NULL);
}

static void drain(void *at, struct call *c)
{
    struct error err;

    error_reason(&err, ERROR_UNAVAILABLE, "SHUTTING_DOWN",
                 "the server is shutting down: connect again and resume with the token in okta-resume-token");
    finish(at, c, &err);
}

static void ended(void *at)
{
    struct stream *s = at;

    subscriber_leave(s->service->subscribers, s->subscriber);
    connector_release(s->connector);
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
    if (!open_at_start(s, request, &err)) {
        connector_release(connector);
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
