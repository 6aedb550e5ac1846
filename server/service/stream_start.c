/* Where a stream starts: the request, checked, and the place on the line of events that it means. */
#include "service/stream.h"

#include <stdio.h>
#include <string.h>

#define BATCH_EVENTS_DEFAULT 10000
#define BATCH_EVENTS_MAX     10000
#define LAST_MAX             1000000
#define PROGRESS_DEFAULT_MS  15000
#define PROGRESS_MIN_MS      1000
#define PROGRESS_MAX_MS      300000

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

bool stream_open(struct stream *s, const request_type *request, struct error *err)
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
    connector_snapshot(s->connector, &now);
    notices_init(&s->notices, &now);
    if (request->require_complete_history) {
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

bool stream_await_history(struct stream *s, struct error *err)
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

bool stream_history_is_complete(const struct poller_snapshot *now)
{
    return history_of(now) == HISTORY_IS_THERE;
}
