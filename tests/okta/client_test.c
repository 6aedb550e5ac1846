/* The client against a transport made by hand, on a clock made by hand. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define TOKEN    "00exampleTokenValueNotReal0123456789abcdEF"
#define BASE     "https://acme.okta.com"
#define LOGS     "/api/v1/logs?limit=1000"
#define USERS    "/api/v1/users?limit=200"
#define UNIX_S   1773480413 /* Sat, 14 Mar 2026 09:26:53 GMT, at mono 0 */
#define JSON     "Content-Type: application/json\r\n"
#define SENT_MAX 64

/* ---- a clock and a transport by hand ---- */

static int64_t mono_ms;

static int64_t hand_mono_ms(void *self)
{
    (void)self;
    return mono_ms;
}

static int64_t hand_unix_ms(void *self)
{
    (void)self;
    return (int64_t)UNIX_S * 1000 + mono_ms;
}

static const struct clock hand_clock = { hand_mono_ms, hand_unix_ms, NULL };

struct wire {
    struct okta_transport transport; /* first */
    struct okta_exchange *under_way[SENT_MAX];
    size_t count;
    char sent[SENT_MAX][256]; /* every URL that went out, in order */
    bool was_fresh[SENT_MAX];
    char headers[SENT_MAX][512];
    size_t sent_count;
    int64_t waited_ms; /* the last time */
    int cancels, wakes, destroys;
    struct okta_exchange *ready[SENT_MAX]; /* finished in the next run */
    size_t ready_count;
};

static struct wire wire;

static void wire_start(struct okta_transport *t, struct okta_exchange *x)
{
    struct wire *w = (struct wire *)t;
    char *headers = w->headers[w->sent_count];

    assert_true(w->sent_count < SENT_MAX);
    snprintf(w->sent[w->sent_count], sizeof w->sent[0], "%s", x->url);
    w->was_fresh[w->sent_count] = x->is_fresh_connection;
    headers[0] = '\0';
    for (size_t i = 0; x->headers[i] != NULL; i++)
        snprintf(headers + strlen(headers), sizeof w->headers[0] - strlen(headers), "%s\n", x->headers[i]);
    w->sent_count++;
    w->under_way[w->count++] = x;
}

static void forget(struct wire *w, const struct okta_exchange *x)
{
    size_t i = 0;

    while (i < w->count && w->under_way[i] != x)
        i++;
    assert_true(i < w->count);
    memmove(&w->under_way[i], &w->under_way[i + 1], (--w->count - i) * sizeof w->under_way[0]);
}

static void wire_cancel(struct okta_transport *t, struct okta_exchange *x)
{
    struct wire *w = (struct wire *)t;

    forget(w, x);
    w->cancels++;
}

static void wire_run(struct okta_transport *t, int64_t timeout_ms)
{
    struct wire *w = (struct wire *)t;

    w->waited_ms = timeout_ms;
    while (w->ready_count > 0) {
        struct okta_exchange *x = w->ready[--w->ready_count];

        forget(w, x);
        w->transport.finished(w->transport.ctx, x);
    }
}

static void wire_wake(struct okta_transport *t)
{
    ((struct wire *)t)->wakes++;
}

static void wire_destroy(struct okta_transport *t)
{
    ((struct wire *)t)->destroys++;
}

/* ---- requests that remember their answer ---- */

struct asked {
    struct okta_request r;
    int calls;
    struct okta_answer answer;
    char body[256], next[256];
    bool again;          /* send it again from the callback, once */
    struct asked *other; /* send that from the callback, once */
    bool cancels_all;
};

static struct okta *okta;

static void on_done(struct okta_request *r, const struct okta_answer *answer)
{
    struct asked *a = r->ctx;

    a->calls++;
    a->answer = *answer;
    snprintf(a->body, sizeof a->body, "%.*s", VIEW_ARG(answer->body));
    snprintf(a->next, sizeof a->next, "%.*s", VIEW_ARG(answer->next));
    if (a->again) {
        a->again = false;
        okta_send(okta, r);
    }
    if (a->other != NULL) {
        okta_send(okta, &a->other->r);
        a->other = NULL;
    }
    if (a->cancels_all)
        okta_cancel_all(okta);
}

/* They outlive the test, since its end cancels them. */
static struct asked *asked_of(const char *path, enum okta_priority lane)
{
    static struct asked pool[256];
    static size_t used;
    struct asked *a = &pool[used++ % 256];

    *a = (struct asked){ .r = { .path = view_of(path), .priority = lane, .done = on_done, .ctx = a } };
    return a;
}

static void send(struct asked *a)
{
    okta_send(okta, &a->r);
}

/* Answers the oldest that is under way, in the next run. */
static void answer_with(struct okta_exchange *x, int status, const char *head, const char *body)
{
    x->http_status = status;
    buf_puts(&x->head, head);
    buf_puts(&x->body, body);
    wire.ready[wire.ready_count++] = x;
}

static void fail_with(struct okta_exchange *x, const char *failure, bool was_stale, bool timed_out)
{
    snprintf(x->failure, sizeof x->failure, "%s", failure);
    x->was_stale_connection = was_stale;
    x->timed_out = timed_out;
    wire.ready[wire.ready_count++] = x;
}

static const char *rate(int limit, int remaining, int reset_in_s)
{
    static char head[256];
    int64_t at_s = UNIX_S + mono_ms / 1000;
    int seconds = (int)(9 * 3600 + 26 * 60 + 53 + mono_ms / 1000);

    snprintf(head, sizeof head,
             JSON "Date: Sat, 14 Mar 2026 %02d:%02d:%02d GMT\r\nX-Rate-Limit-Limit: %d\r\n"
                  "X-Rate-Limit-Remaining: %d\r\nX-Rate-Limit-Reset: %lld\r\n",
             seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, limit, remaining, (long long)at_s + reset_in_s);
    return head;
}

static int set_up(void **state)
{
    struct okta_options options = { .clock = &hand_clock, .transport = &wire.transport };
    struct error err = { 0 };

    (void)state;
    mono_ms = 0;
    wire = (struct wire){ .transport = { .start = wire_start,
                                         .cancel = wire_cancel,
                                         .run = wire_run,
                                         .wake = wire_wake,
                                         .destroy = wire_destroy } };
    assert_true(okta_url_parse(VIEW("acme"), false, &options.url, &err));
    okta = okta_create(&options);
    okta_set_credential(okta, VIEW(TOKEN));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    okta_destroy(okta);
    assert_int_equal(wire.destroys, 0); /* it was borrowed */
    assert_int_equal(wire.count, 0);
    return 0;
}

/* The bucket's limit becomes known. */
static void know(const char *path, int limit)
{
    struct asked *a = asked_of(path, OKTA_PRIORITY_SYNC);

    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 200, rate(limit, limit - 1, 60), "[]");
    okta_run(okta, 0);
    assert_int_equal(a->answer.verdict, OKTA_DONE);
    wire.sent_count = 0;
}

/* ---- one request ---- */

static void a_request_goes_to_the_org_with_its_token(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    assert_int_equal(wire.sent_count, 0); /* only okta_run sends */
    okta_run(okta, 1000);
    assert_string_equal(wire.sent[0], BASE LOGS);
    assert_non_null(strstr(wire.headers[0], "Authorization: SSWS " TOKEN "\n"));
    assert_non_null(strstr(wire.headers[0], "Accept: application/json\n"));
    assert_non_null(strstr(wire.headers[0], "Content-Type: application/json\n"));
    assert_null(strstr(wire.headers[0], "Cookie"));
    assert_int_equal(wire.waited_ms, 1000);
    assert_int_equal(a->calls, 0);
}

static void an_anonymous_request_shows_no_token(void **state)
{
    struct asked *a = asked_of("/.well-known/okta-organization", OKTA_PRIORITY_READ);

    (void)state;
    a->r.is_anonymous = true;
    okta_set_credential(okta, VIEW_NONE);
    send(a);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 1);
    assert_null(strstr(wire.headers[0], "Authorization"));
}

static void an_answer_is_told_with_its_times(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    mono_ms = 5000;
    send(a);
    okta_run(okta, 0);
    mono_ms = 5250;
    answer_with(wire.under_way[0], 200,
                JSON "X-Okta-Request-Id: abc\r\nLink: <" BASE "/api/v1/logs?after=1>; rel=\"next\"\r\n", "[{}]");
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->answer.verdict, OKTA_DONE);
    assert_int_equal(a->answer.http_status, 200);
    assert_string_equal(a->body, "[{}]");
    assert_string_equal(a->next, "/api/v1/logs?after=1");
    assert_string_equal(a->answer.request_id, "abc");
    assert_int_equal(a->answer.sent_mono_ms, 5000);
    assert_int_equal(a->answer.received_mono_ms, 5250);
    assert_int_equal(okta_counts(okta).requests, 1);
    assert_int_equal(okta_counts(okta).failed, 0);
}

static void without_a_token_nothing_is_sent(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    okta_set_credential(okta, VIEW_NONE);
    send(a);
    assert_int_equal(a->calls, 0);
    okta_run(okta, 1000);
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.waited_ms, 0);
    assert_int_equal(wire.sent_count, 0);
}

static const struct row {
    const char *name, *token;
} bad_tokens[] = {
    { "a line feed", "00abc\nX-Evil: yes" },
    { "a carriage return", "00abc\rX-Evil: yes" },
    { "a blank", "00abc def" },
    { "beyond ASCII", "00abc\xc3\xa4" },
    { "nothing but blanks", "  " },
};

static void what_cannot_stand_in_a_header_is_no_token(void **state)
{
    const struct row *row = *state;
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    set_up(NULL);
    okta_set_credential(okta, view_of(row->token));
    send(a);
    okta_run(okta, 0);
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.sent_count, 0);
    tear_down(NULL);
}

static void a_token_withdrawn_stops_what_waits(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL), *b = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    send(b); /* waits for the first answer */
    okta_run(okta, 0);
    okta_set_credential(okta, VIEW_NONE);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 1);
    assert_int_equal(b->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(a->calls, 0);
}

static void a_new_token_is_used_at_once(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_set_credential(okta, VIEW(" 00new\n"));
    okta_run(okta, 0);
    assert_non_null(strstr(wire.headers[0], "Authorization: SSWS 00new\n"));
}

static const struct row bad_paths[] = {
    { "no slash", "evil.example/" },
    { "another host", "https://evil.example/" },
    { "user info", "@evil.example/" },
    { "a line feed", "/a\nX: y" },
    { "a blank", "/a b" },
    { "empty", "" },
};

static void a_path_that_is_none_is_never_sent(void **state)
{
    const struct row *row = *state;
    struct asked *a = asked_of(row->token, OKTA_PRIORITY_TAIL);

    set_up(NULL);
    send(a);
    okta_run(okta, 1000);
    assert_int_equal(wire.waited_ms, 0); /* something has happened */
    assert_int_equal(a->answer.verdict, OKTA_BROKEN);
    assert_int_equal(wire.sent_count, 0);
    tear_down(NULL);
}

/* ---- once more ---- */

static void a_stale_connection_is_replaced_at_once_and_once(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_run(okta, 0);
    fail_with(wire.under_way[0], "connection reset", true, false);
    okta_run(okta, 1000);
    assert_int_equal(a->calls, 0);
    assert_int_equal(wire.sent_count, 2);
    assert_false(wire.was_fresh[0]);
    assert_true(wire.was_fresh[1]);
    assert_non_null(strstr(wire.headers[1], "Authorization: SSWS " TOKEN));
    fail_with(wire.under_way[0], "connection reset", true, false);
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->answer.verdict, OKTA_RETRY);
    assert_in_range(a->answer.retry_mono_ms, 100, 1000);
}

static void an_invalid_session_is_tried_on_a_fresh_connection(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 403, JSON, "{\"errorCode\":\"E0000005\"}");
    okta_run(okta, 0);
    assert_true(wire.was_fresh[1]);
    answer_with(wire.under_way[0], 403, JSON, "{\"errorCode\":\"E0000005\"}");
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
}

static void other_failures_are_not_tried_again_by_the_client(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 503, JSON, "");
    okta_run(okta, 0);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 1);
    assert_int_equal(a->answer.verdict, OKTA_RETRY);
    assert_in_range(a->answer.retry_mono_ms, 100, 1000);
    assert_int_equal(okta_counts(okta).failed, 1);
}

static void failures_in_a_row_lengthen_the_wait_until_one_succeeds(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);
    int64_t longest_ms = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        send(a);
        okta_run(okta, 0);
        answer_with(wire.under_way[0], 503, rate(600, 500, 30), "");
        okta_run(okta, 0);
        assert_in_range(a->answer.retry_mono_ms, mono_ms + 100, mono_ms + 30000);
        if (a->answer.retry_mono_ms - mono_ms > longest_ms)
            longest_ms = a->answer.retry_mono_ms - mono_ms;
    }
    assert_true(longest_ms > 1000); /* shorter by chance: once in many millions of runs */
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 200, rate(600, 500, 30), "[]");
    okta_run(okta, 0);
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 503, rate(600, 500, 30), "");
    okta_run(okta, 0);
    assert_in_range(a->answer.retry_mono_ms, mono_ms + 100, mono_ms + 1000);
}

static void a_time_out_twice_asks_for_a_smaller_page(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    a->again = true;
    send(a);
    okta_run(okta, 0);
    fail_with(wire.under_way[0], "timed out", false, true);
    okta_run(okta, 0);
    assert_int_equal(a->answer.verdict, OKTA_RETRY);
    fail_with(wire.under_way[0], "timed out", false, true);
    okta_run(okta, 0);
    assert_int_equal(a->calls, 2);
    assert_int_equal(a->answer.verdict, OKTA_SMALLER);
}

static void what_the_transport_forgets_is_given_up(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_run(okta, 0);
    mono_ms += 90000;
    okta_run(okta, 0);
    assert_int_equal(a->calls, 0);
    mono_ms += 1;
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->answer.verdict, OKTA_RETRY);
    assert_int_equal(a->answer.http_status, 0);
    assert_int_equal(wire.cancels, 1);
    assert_int_equal(wire.count, 0);
}

/* ---- lanes and budgets ---- */

static void the_tail_goes_first(void **state)
{
    struct asked *back = asked_of("/api/v1/logs?b", OKTA_PRIORITY_BACKFILL),
                 *sync = asked_of("/api/v1/logs?s", OKTA_PRIORITY_SYNC),
                 *read = asked_of("/api/v1/logs?r", OKTA_PRIORITY_READ),
                 *tail = asked_of("/api/v1/logs?t", OKTA_PRIORITY_TAIL);

    (void)state;
    know(LOGS, 600);
    send(back);
    send(sync);
    send(read);
    send(tail);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 3); /* of four places, the last is the tail's */
    assert_string_equal(wire.sent[0], BASE "/api/v1/logs?t");
    assert_string_equal(wire.sent[1], BASE "/api/v1/logs?r");
    assert_string_equal(wire.sent[2], BASE "/api/v1/logs?s");
    answer_with(wire.under_way[0], 200, rate(600, 590, 60), "[]");
    okta_run(okta, 0);
    assert_string_equal(wire.sent[3], BASE "/api/v1/logs?b");
}

static void no_more_than_four_are_under_way(void **state)
{
    struct asked *a[8];

    (void)state;
    know(LOGS, 600);
    for (int i = 0; i < 8; i++) {
        a[i] = asked_of(LOGS, OKTA_PRIORITY_TAIL);
        send(a[i]);
    }
    okta_run(okta, 0);
    assert_int_equal(wire.count, OKTA_IN_FLIGHT_MAX);
}

static void a_request_waits_for_its_window_and_then_goes(void **state)
{
    struct asked *first = asked_of(LOGS, OKTA_PRIORITY_TAIL), *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);
    struct okta_bucket buckets[OKTA_BUCKETS_MAX];

    (void)state;
    know(LOGS, 4); /* two for us, of which one is spent */
    send(first);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 200, rate(4, 2, 60), "[]");
    okta_run(okta, 0);
    send(a);
    okta_run(okta, 100000);
    assert_int_equal(wire.sent_count, 1);
    assert_int_equal(wire.waited_ms, 60000); /* not longer than until it may go */
    assert_int_equal(okta_buckets(okta, buckets), 1);
    assert_string_equal(buckets[0].name, "/api/v1/logs");
    assert_int_equal(buckets[0].spent, 2);
    assert_int_equal(buckets[0].blocked_until_mono_ms, 60000);
    okta_run(okta, 100);
    assert_int_equal(wire.waited_ms, 100);
    mono_ms = 60000;
    okta_run(okta, 100);
    assert_int_equal(wire.sent_count, 2);
    assert_int_equal(okta_buckets(okta, buckets), 1);
    assert_int_equal(buckets[0].blocked_until_mono_ms, 0);
    assert_string_equal(buckets[0].reason, "");
}

static void a_429_is_waited_out_by_oktas_clock(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL), *b = asked_of(LOGS, OKTA_PRIORITY_BACKFILL);

    (void)state;
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 429, rate(60, 0, 28), "{\"errorCode\":\"E0000047\"}");
    okta_run(okta, 0);
    assert_int_equal(a->answer.verdict, OKTA_RETRY);
    assert_string_equal(a->answer.error_code, "E0000047");
    assert_in_range(a->answer.retry_mono_ms, 29000, 30000);
    assert_int_equal(okta_counts(okta).answers_429, 1);
    assert_int_equal(okta_counts(okta).failed, 0);
    send(b);
    mono_ms = 28999;
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 1);
    mono_ms = a->answer.retry_mono_ms;
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 2);
}

static void the_idle_interval_follows_the_limit(void **state)
{
    (void)state;
    assert_int_equal(okta_idle_interval_ms(okta, VIEW(LOGS)), 12000); /* not known yet */
    know(LOGS, 60);
    assert_int_equal(okta_idle_interval_ms(okta, VIEW(LOGS)), 5000);
    know(USERS, 20);
    assert_int_equal(okta_idle_interval_ms(okta, VIEW(USERS)), 12000);
}

/* ---- callbacks, cancelling, the end ---- */

static void a_callback_may_send_its_own_and_another(void **state)
{
    struct asked *other = asked_of(USERS, OKTA_PRIORITY_SYNC), *a = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    a->again = true;
    a->other = other;
    send(a);
    okta_run(okta, 0);
    answer_with(wire.under_way[0], 200, rate(600, 599, 60), "[]");
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
    assert_int_equal(wire.sent_count, 3); /* both went out in the same run */
    assert_int_equal(wire.count, 2);
}

static void a_callback_that_sends_what_fails_at_once_does_not_hold_the_run(void **state)
{
    struct asked *a = asked_of("no path", OKTA_PRIORITY_TAIL);

    (void)state;
    a->again = true;
    send(a);
    okta_run(okta, 0);
    assert_in_range(a->calls, 1, 2);
    okta_run(okta, 0);
    assert_int_equal(a->calls, 2);
}

static void a_callback_may_cancel_everything(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL), *b = asked_of(USERS, OKTA_PRIORITY_SYNC),
                 *c = asked_of(USERS, OKTA_PRIORITY_SWEEP), *d = asked_of("no path", OKTA_PRIORITY_TAIL);

    (void)state;
    a->cancels_all = true;
    send(a);
    send(b);
    send(c);
    okta_run(okta, 0); /* c waits for b's answer */
    send(d);
    answer_with(wire.under_way[0], 200, JSON, "[]");
    answer_with(wire.under_way[1], 200, JSON, "[]");
    wire.ready[0] = wire.under_way[1]; /* a is finished first, then b, both before a is told */
    wire.ready[1] = wire.under_way[0];
    okta_run(okta, 0);
    assert_int_equal(a->answer.verdict, OKTA_DONE);
    assert_int_equal(b->answer.verdict, OKTA_CANCELLED);
    assert_int_equal(c->answer.verdict, OKTA_CANCELLED);
    assert_int_equal(a->calls + b->calls + c->calls + d->calls, 4);
}

static void what_was_cancelled_gives_its_place_back(void **state)
{
    struct asked *a[4], *b[4];

    (void)state;
    know(LOGS, 600);
    for (int i = 0; i < 4; i++) {
        a[i] = asked_of(LOGS, OKTA_PRIORITY_TAIL);
        send(a[i]);
    }
    okta_run(okta, 0);
    okta_cancel_all(okta);
    assert_int_equal(wire.cancels, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(a[i]->calls, 1);
        assert_int_equal(a[i]->answer.verdict, OKTA_CANCELLED);
        b[i] = asked_of(LOGS, OKTA_PRIORITY_TAIL);
        send(b[i]);
    }
    okta_run(okta, 0);
    assert_int_equal(wire.count, 4);
}

static void what_was_refused_can_still_be_cancelled(void **state)
{
    struct asked *a = asked_of("no path", OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    okta_cancel_all(okta);
    assert_int_equal(a->answer.verdict, OKTA_CANCELLED);
    okta_run(okta, 0);
    assert_int_equal(a->calls, 1);
}

static void the_end_cancels_what_is_left(void **state)
{
    struct asked *a = asked_of(LOGS, OKTA_PRIORITY_TAIL), *b = asked_of(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    send(a);
    send(b);
    okta_run(okta, 0);
    okta_destroy(okta);
    okta = NULL;
    assert_int_equal(a->answer.verdict, OKTA_CANCELLED);
    assert_int_equal(b->answer.verdict, OKTA_CANCELLED);
    assert_int_equal(wire.cancels, 1);
}

static void a_wake_up_reaches_the_transport(void **state)
{
    (void)state;
    okta_wake(okta);
    assert_int_equal(wire.wakes, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_request_goes_to_the_org_with_its_token),
        TEST(an_anonymous_request_shows_no_token),
        TEST(an_answer_is_told_with_its_times),
        TEST(without_a_token_nothing_is_sent),
        TEST(a_token_withdrawn_stops_what_waits),
        TEST(a_new_token_is_used_at_once),
        TEST(a_stale_connection_is_replaced_at_once_and_once),
        TEST(an_invalid_session_is_tried_on_a_fresh_connection),
        TEST(other_failures_are_not_tried_again_by_the_client),
        TEST(failures_in_a_row_lengthen_the_wait_until_one_succeeds),
        TEST(a_time_out_twice_asks_for_a_smaller_page),
        TEST(what_the_transport_forgets_is_given_up),
        TEST(the_tail_goes_first),
        TEST(no_more_than_four_are_under_way),
        TEST(a_request_waits_for_its_window_and_then_goes),
        TEST(a_429_is_waited_out_by_oktas_clock),
        TEST(the_idle_interval_follows_the_limit),
        TEST(a_callback_may_send_its_own_and_another),
        TEST(a_callback_that_sends_what_fails_at_once_does_not_hold_the_run),
        TEST(a_callback_may_cancel_everything),
        TEST(what_was_cancelled_gives_its_place_back),
        TEST(what_was_refused_can_still_be_cancelled),
        TEST(the_end_cancels_what_is_left),
        TEST(a_wake_up_reaches_the_transport),
    };

    return RUN_ROWS(what_cannot_stand_in_a_header_is_no_token, bad_tokens) +
           RUN_ROWS(a_path_that_is_none_is_never_sent, bad_paths) + cmocka_run_group_tests(tests, NULL, NULL);
}
