#include "model/state.h"
#include "service/stream/stream.h"

void stream_token(const struct stream *s, char text[TOKEN_TEXT_SIZE])
{
    token_format(store_epoch(connector_store(s->connector)), s->place, text);
}

void stream_told(struct stream *s, struct call *c)
{
    s->told_mono_ms = clock_mono_ms(s->service->clock);
    call_timer(c, s->told_mono_ms + s->progress_ms);
}

static Google__Protobuf__Timestamp stream_timestamp(int64_t unix_ms)
{
    Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    t.seconds = unix_ms / 1000;
    t.nanos = (int32_t)(unix_ms % 1000) * 1000000;
    return t;
}

bool stream_say_hello(struct stream *s, struct call *c, struct error *err)
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
    hello.history_complete = stream_history_is_complete(&now);
    stream_token(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_HELLO;
    response.hello = &hello;
    s->has_said_hello = true;
    stream_told(s, c);
    call_write_message(c, &response.base);
    return true;
}

bool stream_say_progress(struct stream *s, struct call *c, struct error *err)
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
        published = stream_timestamp(bounds.watermark_ms);
        progress.head_published = &published;
    }
    if (now.tail_success_unix_ms > 0) {
        poll = stream_timestamp(now.tail_success_unix_ms);
        progress.last_poll = &poll;
    }
    progress.state = (Okta__Connector__V1__ConnectorState)now.state;
    progress.at_head = s->place.sequence >= bounds.head;
    history.state = (Okta__Connector__V1__HistoryState)now.history;
    if (now.history_reached_ms > 0) {
        reached = stream_timestamp(now.history_reached_ms);
        history.reached = &reached;
    }
    if (now.history_target_ms > 0) {
        target = stream_timestamp(now.history_target_ms);
        history.target = &target;
    }
    history.logins_stored = now.history_stored;
    progress.history = &history;
    stream_token(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_PROGRESS;
    response.progress = &progress;
    stream_told(s, c);
    call_write_message(c, &response.base);
    return true;
}

/* A notice as a message, with the memory that it borrows from. */
struct notice_message {
    Okta__Connector__V1__StreamLoginsResponse response;
    Okta__Connector__V1__Notice notice;
    char token[TOKEN_TEXT_SIZE];
};

static void stream_put_notice(const struct stream *s, const struct notice *from, struct notice_message *m)
{
    okta__connector__v1__stream_logins_response__init(&m->response);
    okta__connector__v1__notice__init(&m->notice);
    m->notice.kind = (Okta__Connector__V1__NoticeKind)from->kind;
    m->notice.count = from->count;
    m->notice.text = (char *)from->text;
    m->notice.old_state = (Okta__Connector__V1__ConnectorState)from->old_state;
    m->notice.new_state = (Okta__Connector__V1__ConnectorState)from->new_state;
    m->notice.reason = (Okta__Connector__V1__Reason)from->reason;
    m->notice.remedy = (char *)reason_remedy(from->reason);
    stream_token(s, m->token);
    m->response.resume_token = m->token;
    m->response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_NOTICE;
    m->response.notice = &m->notice;
}

void stream_say_notice(struct stream *s, struct call *c, const struct notice *notice)
{
    struct notice_message m;

    stream_put_notice(s, notice, &m);
    stream_told(s, c);
    call_write_message(c, &m.response.base);
}

void stream_end(struct stream *s, struct call *c, const struct notice *last, const struct error *err)
{
    struct notice_message m;
    char token[TOKEN_TEXT_SIZE];

    stream_token(s, token);
    call_trailer(c, "okta-resume-token", token);
    if (last != NULL) {
        stream_put_notice(s, last, &m);
        call_finish_message(c, &m.response.base, err);
    } else {
        call_finish(c, err);
    }
}
