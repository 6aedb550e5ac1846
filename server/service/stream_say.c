#include "reason.h"
#include "service/stream.h"

void stream_token(const struct stream *s, char text[TOKEN_TEXT_SIZE])
{
    token_format(store_epoch(connector_store(s->connector)), s->place, text);
}

void stream_told(struct stream *s, struct call *c)
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
    stream_token(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_PROGRESS;
    response.progress = &progress;
    stream_told(s, c);
    call_write_message(c, &response.base);
    return true;
}

void stream_say_notice(struct stream *s, struct call *c, const struct notice *notice)
{
    Okta__Connector__V1__StreamLoginsResponse response = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__INIT;
    Okta__Connector__V1__Notice message = OKTA__CONNECTOR__V1__NOTICE__INIT;
    char token[TOKEN_TEXT_SIZE];

    message.kind = (Okta__Connector__V1__NoticeKind)notice->kind;
    message.count = notice->count;
    message.text = (char *)notice->text;
    message.old_state = (Okta__Connector__V1__ConnectorState)notice->old_state;
    message.new_state = (Okta__Connector__V1__ConnectorState)notice->new_state;
    message.reason = (Okta__Connector__V1__Reason)notice->reason;
    message.remedy = (char *)reason_remedy(notice->reason);
    stream_token(s, token);
    response.resume_token = token;
    response.other_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_NOTICE;
    response.notice = &message;
    stream_told(s, c);
    call_write_message(c, &response.base);
}
