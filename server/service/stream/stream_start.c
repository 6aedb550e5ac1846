/* Where a stream starts: checks the request, and finds the place on the line of events that it means. */
#include "service/stream/stream.h"

#include <stdio.h>
#include <string.h>

#define BATCH_EVENTS_DEFAULT 10000
#define BATCH_EVENTS_MAX     10000
#define LAST_MAX             1000000
#define PROGRESS_DEFAULT_MS  15000
#define PROGRESS_MIN_MS      1000
#define PROGRESS_MAX_MS      300000

static bool start_invalid(struct error *err, const char *path, const char *what)
{
    return error_invalid(err, "START_INVALID", path, "%s", what);
}

static bool timestamp_ms(const Google__Protobuf__Timestamp *t, int64_t *ms)
{
    if (t->seconds < 0 || t->seconds > INT64_C(253402300799) || t->nanos < 0 || t->nanos > 999999999)
        return false;
    *ms = t->seconds * 1000 + t->nanos / 1000000;
    return true;
}

/* Checks the request's start; find_place finds the place itself. */
static bool read_start(struct stream *s, const request_type *request, struct error *err)
{
    s->start = request->start_case;
    switch (s->start) {
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN:
        if (request->require_complete_history)
            return start_invalid(err, "require_complete_history",
                                 "require_complete_history does not go with resume_token: a token says exactly where "
                                 "to go on");
        return token_resolve(connector_store(s->connector), view_of(request->resume_token), &s->place, err);
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST:
        s->last = request->last;
        if (s->last > LAST_MAX)
            return error_invalid(err, "START_INVALID", "last", "last is %u: at most %d; use from_beginning", s->last,
                                 LAST_MAX);
        return true;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE:
        return timestamp_ms(request->since, &s->since_ms) ||
               start_invalid(err, "since", "since is not a time between 1970 and 9999");
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING:
        return request->from_beginning ||
               start_invalid(err, "from_beginning", "from_beginning must be true where it is given");
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_NOW:
        return request->from_now || start_invalid(err, "from_now", "from_now must be true where it is given");
    default:
        s->start = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_NOW;
        return true;
    }
}

/* ---- the last so many of those that are not left out ---- */

#define SEEK_STRETCH 32768 /* records looked at in a turn: some milliseconds */

struct seek {
    const struct stream *s;
    uint64_t skip;        /* of those that are taken, how many to pass */
    uint64_t taken, last; /* how many, and the sequence of the newest of them */
};

static bool seek_visit(void *ctx, const struct journal_record *record)
{
    struct seek *k = ctx;
    int64_t ms = record->published_ms != JOURNAL_NO_TIME ? record->published_ms : record->watermark_ms;

    if ((ms < k->s->until_ms || k->s->until_ms == INT64_MAX) &&
        (k->s->filter == NULL || login_filter_takes(k->s->filter, record))) {
        k->taken++;
        k->last = record->sequence;
    }
    return k->taken < k->skip;
}

/* The search is over: the stream reads on after `after`. */
static bool seek_ends(struct stream *s, uint64_t after, struct error *err)
{
    bool found;

    s->seeks_last = false;
    s->place = (struct token_place){ after, 0 };
    return journal_tag(connector_store(s->connector), after, &found, &s->place.tag, err);
}

bool stream_seek_last(struct stream *s, struct error *err)
{
    struct store *store = connector_store(s->connector);
    struct journal_bounds bounds;
    struct journal_range range;
    struct seek all = { .s = s, .skip = UINT64_MAX };

    if (!journal_bounds(store, &bounds, err))
        return false;
    if (bounds.count == 0 || s->seek_high < bounds.oldest)
        return seek_ends(s, bounds.count > 0 ? bounds.oldest - 1 : s->place.sequence, err);
    range = (struct journal_range){ bounds.oldest - 1, s->seek_high, false };
    if (s->seek_high - range.after > SEEK_STRETCH)
        range.after = s->seek_high - SEEK_STRETCH;
    if (!journal_scan(store, &range, seek_visit, &all, err))
        return false;
    if (all.taken < s->seek_left) {
        s->seek_left -= all.taken;
        s->seek_high = range.after;
        return true;
    }
    /* The start is in this stretch, behind the events that are too many. */
    all = (struct seek){ .s = s, .skip = all.taken - s->seek_left, .last = range.after };
    if (all.skip > 0 && !journal_scan(store, &range, seek_visit, &all, err))
        return false;
    return seek_ends(s, all.last, err);
}

static bool find_place(struct stream *s, const struct journal_bounds *bounds, struct error *err)
{
    struct store *store = connector_store(s->connector);
    bool found;

    switch (s->start) {
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN:
        return true;
    case OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST:
        if (s->last > 0 && bounds->count > 0 && (s->filter != NULL || s->until_ms != INT64_MAX)) {
            s->seeks_last = true;
            s->seek_high = bounds->head;
            s->seek_left = s->last;
            s->place = (struct token_place){ bounds->floor, 0 };
            return true;
        }
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
    /* Retention has emptied the store: start at its floor. */
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
    return error_invalid(err, "PROGRESS_INTERVAL_INVALID", "progress_interval",
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

/* The request's until, limit and filters. */
static bool read_ends(struct stream *s, const request_type *request, struct error *err)
{
    s->until_ms = INT64_MAX;
    s->limit = request->limit > 0 ? request->limit : UINT64_MAX;
    if (request->until != NULL && !timestamp_ms(request->until, &s->until_ms))
        return error_invalid(err, "UNTIL_INVALID", "until", "until is not a time between 1970 and 9999");
    if (request->until != NULL && request->follow)
        return error_invalid(
            err, "UNTIL_INVALID", "until",
            "until does not go with follow: what was published before a time may come late, so that no "
            "moment ends such a stream; end it yourself");
    if (s->until_ms <= s->since_ms)
        return error_invalid(err, "UNTIL_INVALID", "until", "until is not after since: nothing lies between");
    return login_filter_create(&s->filter, request, err);
}

static bool max_batch(const request_type *request, uint32_t *events, struct error *err)
{
    *events = request->max_batch > 0 ? request->max_batch : BATCH_EVENTS_DEFAULT;
    return request->max_batch <= BATCH_EVENTS_MAX ||
           error_invalid(err, "MAX_BATCH_INVALID", "max_batch", "max_batch is %u: at most %d", request->max_batch,
                         BATCH_EVENTS_MAX);
}

/* Every mistake of the request at once. */
static bool read_request(struct stream *s, const request_type *request, struct error *err)
{
    struct error why;
    bool ok = max_batch(request, &s->batch_events, err);

    s->since_ms = JOURNAL_NO_TIME;
    if (!progress_interval(request, &s->progress_ms, &why))
        ok = error_also(err, ok, &why);
    if (!read_start(s, request, &why))
        ok = error_also(err, ok, &why);
    /* The place to start at must be known. */
    if (ok && !read_ends(s, request, &why))
        ok = error_also(err, ok, &why);
    return ok;
}

bool stream_open(struct stream *s, const request_type *request, struct error *err)
{
    struct poller_snapshot now;
    struct journal_bounds bounds;
    enum history history;

    if (!read_request(s, request, err))
        return false;
    if (!journal_bounds(connector_store(s->connector), &bounds, err))
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
    /* Until the history is complete the token is that of the very beginning: nothing has been delivered. */
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
