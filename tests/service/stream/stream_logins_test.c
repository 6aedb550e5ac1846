/* StreamLogins over a real store. The call and the connector around it are stand-ins, so that every wait and every
 * order of things can be had without a socket. */
#include "rows.h"
#include "world/stored.h"

#include "base/assert.h"
#include "base/mem.h"
#include "service/service.h"
#include "service/stream/notices.h"

#include "okta/connector/v1/connector.pb-c.h"

#include <stdio.h>
#include <string.h>

#define T0       INT64_C(1773480000000)
#define SEEN_MAX 1000

typedef Okta__Connector__V1__StreamLoginsRequest request_type;
typedef Okta__Connector__V1__StreamLoginsResponse response_type;

/* Of the request's start. */
enum { TOKEN = 2, LAST = 3, SINCE = 4, BEGINNING = 5, NOW = 6 };

/* ---- stand-ins ---- */

struct connector {
    struct store *store;
    struct poller_snapshot snapshot;
    bool is_deleted;
};

struct call {
    const struct call_stream_ops *ops;
    void *stream;
    int64_t timer_ms;
    bool is_over;
    struct error end; /* code ERROR_OK: ended well */
    char trailer[128];

    uint64_t seen[SEEN_MAX]; /* sequences that came */
    size_t events, count, messages, progress_marks, hellos, notices;
    struct {
        int kind, old_state, new_state, reason;
        uint64_t count;
        bool has_text, has_remedy;
    } notice;        /* the last */
    bool keeps_none; /* counts no sequences: there are many */
    bool at_head;
    char token[128];
};

static struct connector one;
static int64_t now_ms = 1000;

static int64_t read_now(void *self)
{
    (void)self;
    return now_ms;
}
static const struct clock hand = { read_now, read_now, NULL };
static struct service service = { .clock = &hand, .version = "test" };

struct connector *connectors_find(struct connectors *cs, struct view name, struct error *err)
{
    (void)cs;
    if (name.len == 0 || view_is(name, "acme"))
        return &one;
    error_reason(err, ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", "no such connector");
    return NULL;
}
void connector_release(struct connector *c)
{
    (void)c;
}
const char *connector_name(const struct connector *c)
{
    (void)c;
    return "acme";
}
const char *connector_org_id(const struct connector *c)
{
    (void)c;
    return "00oacme";
}
struct store *connector_store(const struct connector *c)
{
    return c->store;
}
unsigned connector_topic(const struct connector *c)
{
    (void)c;
    return 3;
}
void connector_snapshot(struct connector *c, struct poller_snapshot *out)
{
    *out = c->snapshot;
}
void connector_credential(struct connector *c, struct credential_facts *out)
{
    (void)c;
    *out = (struct credential_facts){ .kind = CREDENTIAL_NONE };
}
bool connector_is_deleted(const struct connector *c)
{
    return c->is_deleted;
}

static void take(struct call *c, const unsigned char *at, size_t len)
{
    response_type *response = okta__connector__v1__stream_logins_response__unpack(NULL, len, at);

    assert_non_null(response);
    assert_true(strlen(response->resume_token) > 0);
    snprintf(c->token, sizeof c->token, "%s", response->resume_token);
    c->events += response->n_logins;
    for (size_t i = 0; i < response->n_logins && !c->keeps_none; i++) {
        assert_true(c->count < SEEN_MAX);
        c->seen[c->count++] = response->logins[i]->sequence;
    }
    c->messages++;
    if (response->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_HELLO) {
        c->hellos++;
        assert_int_equal(c->messages, 1);
    }
    if (response->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_PROGRESS) {
        c->progress_marks++;
        c->at_head = response->progress->at_head;
    }
    if (response->other_case == OKTA__CONNECTOR__V1__STREAM_LOGINS_RESPONSE__OTHER_NOTICE) {
        const Okta__Connector__V1__Notice *n = response->notice;

        c->notices++;
        c->notice.kind = (int)n->kind;
        c->notice.old_state = (int)n->old_state;
        c->notice.new_state = (int)n->new_state;
        c->notice.reason = (int)n->reason;
        c->notice.count = n->count;
        c->notice.has_text = n->text[0] != '\0';
        c->notice.has_remedy = n->remedy[0] != '\0';
    }
    okta__connector__v1__stream_logins_response__free_unpacked(response, NULL);
}
static bool wrote; /* in this turn */

void call_write(struct call *c, struct buf *bytes)
{
    ASSERT(!wrote && !c->is_over);
    wrote = true;
    take(c, (const unsigned char *)bytes->at, bytes->len);
    buf_deinit(bytes);
}
void call_write_message(struct call *c, const ProtobufCMessage *m)
{
    unsigned char bytes[4096];

    ASSERT(!wrote && !c->is_over && protobuf_c_message_get_packed_size(m) <= sizeof bytes);
    wrote = true;
    take(c, bytes, protobuf_c_message_pack(m, bytes));
}
void call_stream(struct call *c, const struct call_stream_ops *ops, void *stream)
{
    c->ops = ops;
    c->stream = stream;
}
void call_finish(struct call *c, const struct error *err)
{
    ASSERT(!c->is_over);
    c->is_over = true;
    c->end.code = ERROR_OK;
    if (err != NULL)
        c->end = *err;
}
void call_finish_message(struct call *c, const ProtobufCMessage *last, const struct error *err)
{
    call_write_message(c, last);
    call_finish(c, err);
}
void call_fail(struct call *c, const struct error *err)
{
    call_finish(c, err);
}
void call_trailer(struct call *c, const char *key, const char *value)
{
    assert_string_equal(key, "okta-resume-token");
    snprintf(c->trailer, sizeof c->trailer, "%s", value);
}
void call_timer(struct call *c, int64_t at_mono_ms)
{
    c->timer_ms = at_mono_ms;
}
void call_topic(struct call *c, unsigned topic)
{
    (void)c;
    assert_int_equal(topic, 3);
}
const char *call_peer(const struct call *c)
{
    (void)c;
    return "admin unix:/test";
}

/* ---- driving it ---- */

static struct call *begin(const request_type *request)
{
    struct call *c = mem_zero(sizeof *c);

    service_stream_logins(&service, c, &request->base);
    return c;
}

/* Lets it write until it waits or is over. */
static void run(struct call *c)
{
    for (int turns = 0; !c->is_over && turns < 10000; turns++) {
        wrote = false;
        c->ops->ready(c->stream, c);
        if (!wrote)
            break;
    }
}

static void end(struct call *c)
{
    if (c->ops != NULL)
        c->ops->ended(c->stream);
    free(c);
}

static int set_up(void **state)
{
    (void)state;
    memset(&one, 0, sizeof one);
    one.store = stored_open();
    one.snapshot.state = CONNECTOR_LIVE;
    one.snapshot.history = HISTORY_COMPLETE;
    service.subscribers = subscribers_create();
    now_ms = 1000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(subscribers_list(service.subscribers, 3, NULL, 0), 0);
    subscribers_destroy(service.subscribers);
    stored_close(one.store);
    return 0;
}

static request_type request_from_beginning(bool follow)
{
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;

    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_FROM_BEGINNING;
    request.from_beginning = 1;
    request.follow = follow;
    return request;
}

static void assert_ascending(const struct call *c, uint64_t first, size_t count)
{
    assert_int_equal(c->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(c->seen[i], first + i);
}

/* ---- facts ---- */

static void reads_history_then_live_and_ends_at_the_head_of_the_start(void **state)
{
    request_type request = request_from_beginning(false);
    struct call *c;

    (void)state;
    stored_add(one.store, 10, T0);
    stored_add(one.store, -5, T0 - 1000);
    request.max_batch = 4;
    c = begin(&request);
    stored_add(one.store, 3, T0 + 60000);
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_OK);
    assert_ascending(c, JOURNAL_FIRST - 5, 15);
    assert_int_equal(c->hellos, 1);
    assert_string_equal(c->trailer, c->token);
    end(c);
}

static void an_empty_store_ends_at_once(void **state)
{
    request_type request = request_from_beginning(false);
    struct call *c = begin(&request);

    (void)state;
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_OK);
    assert_int_equal(c->count, 0);
    end(c);
}

static void follows_and_tells_the_head_once_and_then_by_the_clock(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 2, T0);
    c = begin(&request);
    run(c);
    assert_false(c->is_over);
    assert_ascending(c, JOURNAL_FIRST, 2);
    assert_int_equal(c->progress_marks, 1);
    assert_true(c->at_head);
    run(c); /* woken for nothing */
    assert_int_equal(c->progress_marks, 1);
    assert_int_equal(c->timer_ms, now_ms + 15000);
    now_ms = c->timer_ms;
    run(c);
    assert_int_equal(c->progress_marks, 2);
    stored_add(one.store, 1, T0 + 5000);
    run(c);
    assert_ascending(c, JOURNAL_FIRST, 3);
    assert_int_equal(c->progress_marks, 2);
    end(c);
}

static void resumes_from_any_token_without_hole_or_double(void **state)
{
    request_type request = request_from_beginning(true);

    (void)state;
    stored_add(one.store, 20, T0);
    stored_add(one.store, -20, T0 - 1000);
    request.max_batch = 3;
    for (int turns = 1; turns < 14; turns++) {
        request_type again = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
        struct call *c = begin(&request), *resumed;
        uint64_t seen;

        for (int i = 0; i < turns; i++) {
            wrote = false;
            c->ops->ready(c->stream, c);
        }
        again.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
        again.resume_token = c->token;
        resumed = begin(&again);
        run(resumed);
        assert_true(resumed->is_over);
        assert_int_equal(resumed->end.code, ERROR_OK);
        seen = c->count;
        assert_ascending(resumed, JOURNAL_FIRST - 20 + seen, 40 - seen);
        end(resumed);
        end(c);
    }
}

static void since_leaves_out_what_was_published_before(void **state)
{
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    struct call *c;

    (void)state;
    stored_add(one.store, 5, T0);
    stored_add(one.store, 1, T0 - 500000); /* late */
    stored_add(one.store, 2, T0 + 10000);
    since.seconds = T0 / 1000 + 3;
    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE;
    request.since = &since;
    c = begin(&request);
    run(c);
    assert_int_equal(c->count, 4);
    assert_int_equal(c->seen[0], JOURNAL_FIRST + 3);
    assert_int_equal(c->seen[1], JOURNAL_FIRST + 4);
    assert_int_equal(c->seen[2], JOURNAL_FIRST + 6);
    end(c);
}

static void fails_rather_than_jump_when_retention_overtakes_it(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 50, T0);
    request.max_batch = 5;
    c = begin(&request);
    for (int i = 0; i < 3; i++) {
        wrote = false;
        c->ops->ready(c->stream, c);
    }
    assert_int_equal(c->count, 10);
    stored_prune(one.store, T0 + 10000); /* exactly what it has seen */
    wrote = false;
    c->ops->ready(c->stream, c);
    assert_ascending(c, JOURNAL_FIRST, 15);
    stored_prune(one.store, T0 + 30000);
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_OUT_OF_RANGE);
    assert_string_equal(c->end.reason, "HISTORY_GONE");
    assert_ascending(c, JOURNAL_FIRST, 15);
    end(c);
}

static void begins_after_the_floor_where_retention_emptied_the_store(void **state)
{
    static const int starts[] = { LAST, SINCE, BEGINNING, NOW };

    (void)state;
    stored_add(one.store, 5, T0);
    stored_prune(one.store, T0 + 10000);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
        Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
        struct call *c;

        request.start_case = (Okta__Connector__V1__StreamLoginsRequest__StartCase)starts[i];
        request.follow = 1;
        if (starts[i] == LAST)
            request.last = 3;
        else if (starts[i] == SINCE)
            request.since = &since;
        else
            request.from_now = request.from_beginning = 1;
        c = begin(&request);
        run(c);
        assert_false(c->is_over);
        stored_add(one.store, 1, T0 + 20000);
        run(c);
        assert_false(c->is_over);
        assert_int_equal(c->count, 1);
        stored_prune(one.store, T0 + 30000);
        end(c);
    }
}

static void waits_for_the_whole_history_when_told_to(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 3, T0);
    one.snapshot.history = HISTORY_RUNNING;
    request.require_complete_history = 1;
    c = begin(&request);
    run(c);
    stored_add(one.store, -4, T0 - 1000);
    run(c);
    assert_int_equal(c->count, 0);
    assert_int_equal(c->hellos, 1);
    now_ms += 15000;
    run(c);
    assert_int_equal(c->progress_marks, 1);
    assert_false(c->at_head);
    one.snapshot.history = HISTORY_COMPLETE;
    run(c);
    assert_ascending(c, JOURNAL_FIRST - 4, 7);
    end(c);
}

static void a_token_from_while_it_waited_is_the_beginning(void **state)
{
    request_type request = request_from_beginning(true), again = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    struct call *c, *resumed;

    (void)state;
    stored_add(one.store, 3, T0);
    one.snapshot.history = HISTORY_RUNNING;
    request.require_complete_history = 1;
    c = begin(&request);
    run(c);
    stored_add(one.store, -4, T0 - 1000);
    one.snapshot.history = HISTORY_COMPLETE;
    again.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
    again.resume_token = c->token;
    resumed = begin(&again);
    run(resumed);
    assert_ascending(resumed, JOURNAL_FIRST - 4, 7);
    end(resumed);
    end(c);
}

/* The largest of the next few messages to a reader who takes each after `pause_ms`. */
static size_t largest_message(struct call *c, int messages, int64_t pause_ms)
{
    struct subscriber_snapshot row;
    uint64_t before, most = 0;

    for (int i = 0; i < messages; i++) {
        subscribers_list(service.subscribers, 3, &row, 1);
        before = row.bytes_sent;
        now_ms += pause_ms;
        wrote = false;
        c->ops->ready(c->stream, c);
        subscribers_list(service.subscribers, 3, &row, 1);
        most = row.bytes_sent - before > most ? row.bytes_sent - before : most;
    }
    return most;
}

static void sends_more_at_once_to_who_takes_it_quickly(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 30000, T0);
    c = begin(&request);
    c->keeps_none = true;
    wrote = false;
    c->ops->ready(c->stream, c); /* hello */
    assert_in_range(largest_message(c, 3, 1000), 60000, 66000);
    assert_in_range(largest_message(c, 4, 1), 250000, 264000);
    assert_in_range(largest_message(c, 3, 1000), 60000, 66000);
    end(c);
}

static void ends_when_the_connector_is_deleted(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 1, T0);
    c = begin(&request);
    run(c);
    one.is_deleted = true;
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_UNAVAILABLE);
    assert_string_equal(c->end.reason, "CONNECTOR_DELETED");
    assert_string_equal(c->trailer, c->token);
    end(c);
}

static const struct error going = { .code = ERROR_UNAVAILABLE, .reason = "SHUTTING_DOWN", .text = "going" };
static const struct error late = { .code = ERROR_DEADLINE_EXCEEDED, .reason = "DEADLINE_EXCEEDED", .text = "late" };
static const struct error aged = { .code = ERROR_UNAVAILABLE, .reason = "CONNECTION_AGED", .text = "aged" };

/* The first message is hello, or there is none. */
static void drains_without_a_word_before_its_hello(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    c = begin(&request);
    c->ops->drain(c->stream, c, &going);
    run(c);
    assert_int_equal(c->messages, 0);
    assert_string_equal(c->end.reason, "SHUTTING_DOWN");
    assert_true(strlen(c->trailer) > 0);
    end(c);
}

static void drains_with_its_last_token(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 1, T0);
    c = begin(&request);
    run(c);
    c->ops->drain(c->stream, c, &going);
    run(c);
    assert_int_equal(c->notices, 1);
    assert_int_equal(c->notice.kind, NOTICE_DRAINING);
    assert_int_equal(c->end.code, ERROR_UNAVAILABLE);
    assert_string_equal(c->end.reason, "SHUTTING_DOWN");
    assert_string_equal(c->trailer, c->token);
    end(c);
}

static void the_callers_deadline_ends_it_with_its_last_token(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 1, T0);
    c = begin(&request);
    run(c);
    c->ops->drain(c->stream, c, &late);
    run(c);
    assert_int_equal(c->notices, 0);
    assert_int_equal(c->end.code, ERROR_DEADLINE_EXCEEDED);
    assert_string_equal(c->end.reason, "DEADLINE_EXCEEDED");
    assert_string_equal(c->trailer, c->token);
    end(c);
}

/* The server stays: there is nothing to notice, and the client goes on from its place. */
static void a_connection_too_old_ends_it_with_its_last_token(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 1, T0);
    c = begin(&request);
    run(c);
    c->ops->drain(c->stream, c, &aged);
    run(c);
    assert_int_equal(c->notices, 0);
    assert_int_equal(c->end.code, ERROR_UNAVAILABLE);
    assert_string_equal(c->end.reason, "CONNECTION_AGED");
    assert_string_equal(c->trailer, c->token);
    end(c);
}

static void a_reader_who_does_not_follow_hears_no_notice(void **state)
{
    request_type request = request_from_beginning(false);
    struct call *c;

    (void)state;
    stored_add(one.store, 5, T0);
    one.snapshot.state = CONNECTOR_DEGRADED;
    request.max_batch = 2;
    c = begin(&request);
    wrote = false;
    c->ops->ready(c->stream, c);
    c->ops->drain(c->stream, c, &going);
    run(c);
    assert_int_equal(c->notices, 0);
    assert_int_equal(c->end.code, ERROR_UNAVAILABLE);
    end(c);
}

static void a_change_of_state_is_told_in_the_stream_with_its_token(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;
    char token[128];

    (void)state;
    stored_add(one.store, 2, T0);
    c = begin(&request);
    run(c);
    assert_int_equal(c->notices, 0);
    snprintf(token, sizeof token, "%s", c->token);
    one.snapshot.state = CONNECTOR_RECONNECT_REQUIRED;
    one.snapshot.reason = REASON_TOKEN_REFUSED;
    one.snapshot.state_changes = 1;
    run(c); /* woken by the poller */
    assert_int_equal(c->notices, 1);
    assert_int_equal(c->notice.kind, NOTICE_STATE_CHANGED);
    assert_int_equal(c->notice.old_state, CONNECTOR_LIVE);
    assert_int_equal(c->notice.new_state, CONNECTOR_RECONNECT_REQUIRED);
    assert_int_equal(c->notice.reason, REASON_TOKEN_REFUSED);
    assert_true(c->notice.has_text && c->notice.has_remedy);
    assert_string_equal(c->token, token);
    one.snapshot.state = CONNECTOR_LIVE;
    one.snapshot.reason = REASON_NONE;
    one.snapshot.state_changes = 2;
    run(c); /* too soon: it is due when the minute is over, not at the next progress mark */
    assert_int_equal(c->notices, 1);
    for (int i = 0; i < 10 && c->notices < 2; i++) {
        now_ms = c->timer_ms;
        run(c);
    }
    assert_int_equal(now_ms, 61000);
    assert_int_equal(c->notice.new_state, CONNECTOR_LIVE);
    end(c);
}

/* Also where it always has something to read. */
static void a_busy_reader_is_told_too(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 100, T0);
    request.max_batch = 1;
    c = begin(&request);
    for (int i = 0; i < 5; i++) {
        wrote = false;
        c->ops->ready(c->stream, c);
    }
    one.snapshot.late = 3;
    now_ms += 1000;
    wrote = false;
    c->ops->ready(c->stream, c);
    assert_int_equal(c->notices, 1);
    assert_int_equal(c->notice.kind, NOTICE_LATE_EVENTS);
    assert_int_equal(c->notice.count, 3);
    run(c);
    assert_ascending(c, JOURNAL_FIRST, 100);
    end(c);
}

static void who_is_about_to_be_overtaken_is_warned(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 100, T0);
    request.max_batch = 10;
    c = begin(&request);
    for (int i = 0; i < 7; i++) { /* hello, and sixty events */
        wrote = false;
        c->ops->ready(c->stream, c);
    }
    now_ms += 60000;
    wrote = false;
    c->ops->ready(c->stream, c); /* looked */
    assert_int_equal(c->notices, 0);
    stored_prune(one.store, T0 + 40000);
    now_ms += 60000;
    wrote = false;
    c->ops->ready(c->stream, c);
    assert_int_equal(c->notices, 1);
    assert_int_equal(c->notice.kind, NOTICE_HISTORY_ENDING);
    assert_in_range(c->notice.count, 20, 30);
    end(c);
}

static void counts_what_it_sent_for_status(void **state)
{
    request_type request = request_from_beginning(true);
    struct subscriber_snapshot row;
    struct call *c;

    (void)state;
    stored_add(one.store, 7, T0);
    c = begin(&request);
    run(c);
    assert_int_equal(subscribers_list(service.subscribers, 3, &row, 1), 1);
    assert_int_equal(subscribers_list(service.subscribers, 4, &row, 1), 0);
    assert_int_equal(row.events_sent, 7);
    assert_int_equal(row.sequence, JOURNAL_FIRST + 6);
    assert_true(row.bytes_sent > 7 * 40);
    end(c);
}

/* ---- what is refused ---- */

/* ---- what is left out, and where it ends ---- */

static Okta__Connector__V1__LoginResult failure = OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_FAILURE;
static Okta__Connector__V1__LoginResult denied = OKTA__CONNECTOR__V1__LOGIN_RESULT__LOGIN_RESULT_DENIED;

static Okta__Connector__V1__LoginFilter filter_of(Okta__Connector__V1__LoginResult *result)
{
    Okta__Connector__V1__LoginFilter f = OKTA__CONNECTOR__V1__LOGIN_FILTER__INIT;

    f.results = result;
    f.n_results = 1;
    return f;
}

static void a_filter_leaves_out_and_its_token_goes_on_without_it(void **state)
{
    Okta__Connector__V1__LoginFilter failed = filter_of(&failure), *one_filter[] = { &failed };
    request_type request = request_from_beginning(false);
    struct call *c;
    char token[128];

    (void)state;
    stored_add(one.store, 10, T0);
    request.allow = one_filter;
    request.n_allow = 1;
    c = begin(&request);
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_OK);
    assert_int_equal(c->count, 5);
    for (size_t i = 1; i < c->count; i++)
        assert_int_equal(c->seen[i] - c->seen[i - 1], 2);
    snprintf(token, sizeof token, "%s", c->token);
    end(c);

    stored_add(one.store, 4, T0 + 20000);
    request = (request_type)OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_RESUME_TOKEN;
    request.resume_token = token;
    c = begin(&request);
    run(c);
    assert_int_equal(c->count, 4);
    end(c);
}

static void who_hears_of_no_event_hears_that_it_moves(void **state)
{
    Okta__Connector__V1__LoginFilter none = filter_of(&denied), *one_filter[] = { &none };
    request_type request = request_from_beginning(true);
    struct call *c;
    char before[128];

    (void)state;
    stored_add(one.store, 3, T0);
    request.allow = one_filter;
    request.n_allow = 1;
    c = begin(&request);
    run(c);
    assert_int_equal(c->count, 0);
    assert_int_equal(c->progress_marks, 1);
    snprintf(before, sizeof before, "%s", c->token);
    stored_add(one.store, 2, T0 + 9000);
    now_ms += 15000;
    run(c);
    assert_int_equal(c->progress_marks, 2);
    assert_string_not_equal(c->token, before);
    end(c);
}

/* Over several stretches of a search: every second one failed. */
static void the_last_so_many_are_of_those_that_are_not_left_out(void **state)
{
    static const struct {
        int64_t count;
        uint32_t last;
        size_t want;
    } rows[] = { { 10, 3, 3 }, { 0, 5, 5 }, { 0, 6, 5 }, { 40000, 7, 7 }, { 0, 20003, 20003 }, { 0, 30000, 20005 } };
    Okta__Connector__V1__LoginFilter failed = filter_of(&failure), *one_filter[] = { &failed };
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    struct journal_bounds bounds;
    struct error err;

    (void)state;
    request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_LAST;
    request.allow = one_filter;
    request.n_allow = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct call *c;

        stored_add(one.store, rows[i].count, T0);
        request.last = rows[i].last;
        c = begin(&request);
        c->keeps_none = rows[i].want > SEEN_MAX;
        for (int turns = 0; turns < 100 && !c->is_over; turns++)
            run(c);
        assert_true(c->is_over);
        assert_int_equal(c->end.code, ERROR_OK);
        if (c->keeps_none) {
            assert_int_equal(c->events, rows[i].want);
        } else {
            assert_int_equal(c->count, rows[i].want);
            assert_true(journal_bounds(one.store, &bounds, &err));
            assert_true(bounds.head - c->seen[c->count - 1] <= 1);
        }
        end(c);
    }
}

static void a_limit_ends_it_with_the_token_of_the_last(void **state)
{
    request_type request = request_from_beginning(true);
    struct call *c;

    (void)state;
    stored_add(one.store, 9, T0);
    request.limit = 7;
    request.max_batch = 3;
    c = begin(&request);
    run(c);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, ERROR_OK);
    assert_int_equal(c->count, 7);
    assert_string_equal(c->trailer, c->token);
    end(c);
}

static void until_leaves_out_what_was_published_from_then_on(void **state)
{
    Google__Protobuf__Timestamp until = { PROTOBUF_C_MESSAGE_INIT(&google__protobuf__timestamp__descriptor),
                                          T0 / 1000 + 4, 0 };
    request_type request = request_from_beginning(false);
    struct call *c;

    (void)state;
    stored_add(one.store, 9, T0);
    stored_add(one.store, 1, T0 + 2000); /* late: behind newer ones, and before the end all the same */
    request.until = &until;
    c = begin(&request);
    run(c);
    assert_int_equal(c->count, 5);
    assert_true(c->is_over);
    end(c);
}

static void an_end_that_is_none_is_refused(void **state)
{
    Google__Protobuf__Timestamp t = { PROTOBUF_C_MESSAGE_INIT(&google__protobuf__timestamp__descriptor), T0 / 1000, 0 };
    request_type request = request_from_beginning(true);

    (void)state;
    request.until = &t;
    for (int i = 0; i < 3; i++) {
        struct call *c;

        if (i == 1) { /* not after its start */
            request.follow = 0;
            request.start_case = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__START_SINCE;
            request.since = &t;
        } else if (i == 2) {
            t.nanos = -1;
            request = request_from_beginning(false);
            request.until = &t;
        }
        c = begin(&request);
        assert_true(c->is_over);
        assert_string_equal(c->end.reason, "UNTIL_INVALID");
        end(c);
    }
}

static const struct refusal {
    const char *name;
    int start;
    int64_t value;
    bool follow, require;
    enum connector_history history;
    uint32_t max_batch;
    int64_t progress_s; /* 0: absent */
    enum error_code want;
    const char *reason;
} refusals[] = {
    { "nonsense for a token", TOKEN, 0, false, false, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT,
      "RESUME_TOKEN_INVALID" },
    { "a token and the whole history", TOKEN, 0, true, true, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT,
      "START_INVALID" },
    { "too many last", LAST, 1000001, false, false, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT, "START_INVALID" },
    { "since before 1970", SINCE, -1, false, false, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT, "START_INVALID" },
    { "from_beginning false", BEGINNING, 0, false, false, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT,
      "START_INVALID" },
    { "from_now false", NOW, 0, false, false, HISTORY_COMPLETE, 0, 0, ERROR_INVALID_ARGUMENT, "START_INVALID" },
    { "too large a batch", BEGINNING, 1, false, false, HISTORY_COMPLETE, 10001, 0, ERROR_INVALID_ARGUMENT,
      "MAX_BATCH_INVALID" },
    { "progress too often", BEGINNING, 1, true, false, HISTORY_COMPLETE, 0, -1, ERROR_INVALID_ARGUMENT,
      "PROGRESS_INTERVAL_INVALID" },
    { "progress too seldom", BEGINNING, 1, true, false, HISTORY_COMPLETE, 0, 301, ERROR_INVALID_ARGUMENT,
      "PROGRESS_INTERVAL_INVALID" },
    { "the whole history before it is there, without waiting", BEGINNING, 1, false, true, HISTORY_RUNNING, 0, 0,
      ERROR_FAILED_PRECONDITION, "HISTORY_INCOMPLETE" },
    { "the whole history when it never will be there", BEGINNING, 1, true, true, HISTORY_LIMITED_BY_SIZE, 0, 0,
      ERROR_FAILED_PRECONDITION, "HISTORY_INCOMPLETE" },
};

static void refuses(void **state)
{
    const struct refusal *row = *state;
    request_type request = OKTA__CONNECTOR__V1__STREAM_LOGINS_REQUEST__INIT;
    Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration progress = GOOGLE__PROTOBUF__DURATION__INIT;
    char nonsense[] = "nonsense";
    struct call *c;

    set_up(NULL);
    one.snapshot.history = row->history;
    request.start_case = (Okta__Connector__V1__StreamLoginsRequest__StartCase)row->start;
    switch (row->start) {
    case TOKEN:
        request.resume_token = nonsense;
        break;
    case LAST:
        request.last = (uint32_t)row->value;
        break;
    case SINCE:
        since.seconds = row->value;
        request.since = &since;
        break;
    case BEGINNING:
        request.from_beginning = (int)row->value;
        break;
    default:
        request.from_now = (int)row->value;
    }
    request.follow = row->follow;
    request.require_complete_history = row->require;
    request.max_batch = row->max_batch;
    progress.seconds = row->progress_s;
    request.progress_interval = row->progress_s != 0 ? &progress : NULL;
    c = begin(&request);
    assert_true(c->is_over);
    assert_int_equal(c->end.code, row->want);
    assert_string_equal(c->end.reason, row->reason);
    assert_true(strlen(c->end.text) > 20);
    end(c);
    tear_down(NULL);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FACT(reads_history_then_live_and_ends_at_the_head_of_the_start),
        FACT(an_empty_store_ends_at_once),
        FACT(follows_and_tells_the_head_once_and_then_by_the_clock),
        FACT(resumes_from_any_token_without_hole_or_double),
        FACT(since_leaves_out_what_was_published_before),
        FACT(fails_rather_than_jump_when_retention_overtakes_it),
        FACT(begins_after_the_floor_where_retention_emptied_the_store),
        FACT(waits_for_the_whole_history_when_told_to),
        FACT(a_token_from_while_it_waited_is_the_beginning),
        FACT(sends_more_at_once_to_who_takes_it_quickly),
        FACT(ends_when_the_connector_is_deleted),
        FACT(drains_without_a_word_before_its_hello),
        FACT(drains_with_its_last_token),
        FACT(a_connection_too_old_ends_it_with_its_last_token),
        FACT(the_callers_deadline_ends_it_with_its_last_token),
        FACT(a_reader_who_does_not_follow_hears_no_notice),
        FACT(a_change_of_state_is_told_in_the_stream_with_its_token),
        FACT(a_busy_reader_is_told_too),
        FACT(who_is_about_to_be_overtaken_is_warned),
        FACT(counts_what_it_sent_for_status),
        FACT(a_filter_leaves_out_and_its_token_goes_on_without_it),
        FACT(who_hears_of_no_event_hears_that_it_moves),
        FACT(the_last_so_many_are_of_those_that_are_not_left_out),
        FACT(a_limit_ends_it_with_the_token_of_the_last),
        FACT(until_leaves_out_what_was_published_from_then_on),
        FACT(an_end_that_is_none_is_refused),
    };

    return RUN_ROWS(refuses, refusals) + cmocka_run_group_tests(tests, NULL, NULL);
}
