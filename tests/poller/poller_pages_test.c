/* Pages, links and transactions, answer by answer: what an org that behaves never shows. */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "emulator/transport.h"
#include "poller/poller.h"
#include "store/store.h"

#include "rows.h"
#include "store/journal.h"
#include "world/collections.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define START_MS INT64_C(1773480000000)
#define MINUTE   60000
#define FULL     1000

/* ---- an org that says what it is told ---- */

struct reply {
    int status; /* 0: 200 */
    struct buf body;
    char next[256]; /* path; "" for none */
};

struct script {
    struct okta_transport base;
    struct hand_clock clock;
    struct okta_exchange *waiting[OKTA_IN_FLIGHT_MAX];
    size_t waiting_count;
    char asked[64][512]; /* paths, in order */
    size_t asked_count;
    void (*answer)(struct script *s, const char *path, struct reply *out);
    int stage;
    bool is_slow; /* answers come in the next run that may wait */
    bool is_deaf; /* none comes at all */

    char dir[512];
    struct store *store;
    struct poller *poller;
    struct poller_snapshot now;
};

static void begin(struct okta_transport *t, struct okta_exchange *x)
{
    struct script *s = (struct script *)t;

    ASSERT(s->waiting_count < OKTA_IN_FLIGHT_MAX);
    s->waiting[s->waiting_count++] = x;
    snprintf(s->asked[s->asked_count++ % 64], sizeof s->asked[0], "%s", strstr(x->url, "/api"));
}

static void cancel(struct okta_transport *t, struct okta_exchange *x)
{
    struct script *s = (struct script *)t;

    for (size_t i = 0; i < s->waiting_count; i++)
        if (s->waiting[i] == x)
            s->waiting[i] = s->waiting[--s->waiting_count];
}

static void reply_to(struct script *s, struct okta_exchange *x)
{
    struct reply reply = { .status = 0 };

    buf_init(&reply.body, 16u << 20);
    s->answer(s, strstr(x->url, "/api"), &reply);
    x->http_status = reply.status != 0 ? reply.status : 200;
    buf_puts(&x->head, "Date: Sat, 14 Mar 2026 09:20:00 GMT\r\nX-Rate-Limit-Limit: 600\r\n"
                       "X-Rate-Limit-Remaining: 500\r\nX-Rate-Limit-Reset: 1773480060\r\n"
                       "Content-Type: application/json\r\n");
    if (reply.next[0] != '\0')
        buf_printf(&x->head, "Link: <https://acme.okta.com%s>; rel=\"next\"\r\n", reply.next);
    buf_put(&x->body, reply.body.at, reply.body.len);
    buf_deinit(&reply.body);
    s->base.finished(s->base.ctx, x);
}

static void run(struct okta_transport *t, int64_t timeout_ms)
{
    struct script *s = (struct script *)t;
    struct okta_exchange *now[OKTA_IN_FLIGHT_MAX];
    size_t count = s->waiting_count;

    if (s->is_slow && timeout_ms == 0)
        return;
    if (s->is_deaf) {
        hand_clock_advance(&s->clock, timeout_ms > 0 ? timeout_ms : 0);
        return;
    }
    memcpy(now, s->waiting, sizeof now);
    s->waiting_count = 0;
    if (count == 0 && timeout_ms > 0)
        hand_clock_advance(&s->clock, timeout_ms);
    for (size_t i = 0; i < count; i++)
        reply_to(s, now[i]);
}

static void nothing(struct okta_transport *t)
{
    (void)t;
}

static void script_open_for(struct script *s, void (*answer)(struct script *, const char *, struct reply *),
                            uint32_t collections, int history_days)
{
    struct store_options store = { .dir = s->dir, .max_bytes = 64u << 20 };
    struct poller_options options = { .transport = &s->base,
                                      .collections = collections,
                                      .history_days = history_days,
                                      .retention_days = 90,
                                      .share_percent = 50 };
    const char *parent = getenv("TEST_TMPDIR");
    struct error err;

    memset(s, 0, sizeof *s);
    log_set_level(LOG_ERROR);
    s->answer = answer;
    s->base =
        (struct okta_transport){ .start = begin, .cancel = cancel, .run = run, .wake = nothing, .destroy = nothing };
    hand_clock_init(&s->clock, START_MS);
    snprintf(s->dir, sizeof s->dir, "%s/pages-XXXXXX", parent != NULL ? parent : "/tmp");
    ASSERT(mkdtemp(s->dir) != NULL);
    ASSERT(store_open(&s->store, &store, &err));
    ASSERT(okta_url_parse(VIEW("acme"), false, &options.url, &err));
    options.store = s->store;
    options.clock = &s->clock.clock;
    ASSERT(poller_create(&s->poller, &options, VIEW("00token"), &err));
}

static void script_open(struct script *s, void (*answer)(struct script *, const char *, struct reply *),
                        int history_days)
{
    script_open_for(s, answer, 1u << COLLECTION_LOGINS, history_days);
}

static void script_close(struct script *s)
{
    poller_destroy(s->poller);
    store_close(s->store);
}

static void turns(struct script *s, int count)
{
    for (int i = 0; i < count; i++)
        (void)poller_turn(s->poller, MINUTE);
    poller_snapshot(s->poller, &s->now);
}

static uint64_t stored(struct script *s)
{
    struct journal_bounds bounds;
    struct error err;

    ASSERT(journal_bounds(s->store, &bounds, &err));
    return bounds.count;
}

static const char *asked(const struct script *s, size_t index)
{
    return s->asked[index];
}

/* ---- events ---- */

static void put_event(struct buf *out, int number, int64_t published_ms)
{
    char time[TIME_TEXT_SIZE];

    time_format(published_ms, time);
    buf_printf(out,
               "%s{\"uuid\":\"%08x-1f87-11f1-9c3a-5b2e9d6f0a11\",\"published\":\"%s\","
               "\"eventType\":\"user.session.start\"}",
               out->len > 1 ? "," : "", (unsigned)number, time);
}

static void put_events(struct buf *out, int first, int count)
{
    buf_putc(out, '[');
    for (int i = 0; i < count; i++)
        put_event(out, first + i, START_MS - MINUTE + i);
    buf_putc(out, ']');
}

/* ---- the tail's links ---- */

/* Three full pages, then the head. */
static void three_pages(struct script *s, const char *path, struct reply *out)
{
    int page = strstr(path, "after=") != NULL ? atoi(strstr(path, "after=") + 6) : 0;

    (void)s;
    put_events(&out->body, page * FULL, page < 3 ? FULL : 10);
    snprintf(out->next, sizeof out->next, "/api/v1/logs?x=%%20a&after=%d&limit=1000", page < 3 ? page + 1 : 4);
    if (page == 4)
        buf_reset(&out->body);
    if (page == 4)
        buf_puts(&out->body, "[]");
}

static void the_link_is_followed_as_it_stands(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, three_pages, 0);
    turns(&s, 8);
    assert_string_equal(asked(&s, 0), "/api/v1/logs?since=2026-03-14T09%3A10%3A00.000Z&limit=1000&sortOrder=ASCENDING");
    assert_string_equal(asked(&s, 1), "/api/v1/logs?x=%20a&after=1&limit=1000");
    assert_string_equal(asked(&s, 3), "/api/v1/logs?x=%20a&after=3&limit=1000");
    assert_string_equal(asked(&s, 4), "/api/v1/logs?x=%20a&after=4&limit=1000");
    assert_string_equal(asked(&s, 5), "/api/v1/logs?x=%20a&after=4&limit=1000"); /* the same again: the head */
    assert_int_equal(stored(&s), 3 * FULL + 10);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    script_close(&s);
}

static uint64_t stored_when_page_2_was_asked, stored_when_page_3_was_asked;

static void watch_store(struct okta_transport *t, struct okta_exchange *x)
{
    struct script *s = (struct script *)t;

    if (strstr(x->url, "after=1") != NULL)
        stored_when_page_2_was_asked = stored(s);
    if (strstr(x->url, "after=2") != NULL)
        stored_when_page_3_was_asked = stored(s);
    begin(t, x);
}

static void the_next_page_is_asked_for_before_this_one_is_committed(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, three_pages, 0);
    s.base.start = watch_store;
    turns(&s, 8);
    assert_int_equal(stored_when_page_2_was_asked, 0);
    assert_int_equal(stored_when_page_3_was_asked, FULL); /* and no more than one ahead */
    script_close(&s);
}

static void in_a_circle(struct script *s, const char *path, struct reply *out)
{
    if (strstr(path, "since=") != NULL) {
        put_events(&out->body, 0, FULL);
        snprintf(out->next, sizeof out->next, "/api/v1/logs?after=1&limit=1000");
    } else if (s->stage == 0) {
        put_events(&out->body, FULL, FULL);
        snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=1000", strstr(path, "after=1") ? 2 : 1);
    } else {
        put_events(&out->body, 2 * FULL, 5);
        snprintf(out->next, sizeof out->next, "/api/v1/logs?after=3&limit=1000");
    }
}

static void links_in_a_circle_do_not_spin(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, in_a_circle, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_DEGRADED);
    assert_non_null(strstr(s.now.state_reason, "leads back"));
    assert_in_range(s.asked_count, 4, 30);
    assert_int_equal(stored(&s), 2 * FULL);
    s.stage = 1;
    while (s.clock.unix_ms < START_MS + 12 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    assert_int_equal(stored(&s), 2 * FULL + 5);
    script_close(&s);
}

static void to_itself(struct script *s, const char *path, struct reply *out)
{
    (void)s;
    put_events(&out->body, 0, FULL);
    snprintf(out->next, sizeof out->next, "%s",
             strstr(path, "since=") != NULL ? "/api/v1/logs?after=1&limit=1000" : path);
}

static void a_full_page_that_leads_to_itself_does_not_spin(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, to_itself, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_DEGRADED);
    assert_in_range(s.asked_count, 4, 30);
    assert_int_equal(stored(&s), FULL);
    script_close(&s);
}

static void without_links(struct script *s, const char *path, struct reply *out)
{
    (void)path;
    put_events(&out->body, 0, s->stage);
}

static void without_a_link_the_same_is_asked_again(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, without_links, 0);
    turns(&s, 4);
    assert_string_equal(asked(&s, 1), asked(&s, 0));
    s.stage = 7;
    turns(&s, 2);
    assert_string_equal(asked(&s, s.asked_count - 1), asked(&s, 0));
    assert_int_equal(stored(&s), 7);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    script_close(&s);
}

/* Pages of more than 600 are too much. */
static void too_much(struct script *s, const char *path, struct reply *out)
{
    int limit = atoi(strstr(path, "limit=") + 6);
    int page = strstr(path, "after=") != NULL ? atoi(strstr(path, "after=") + 6) : 0;

    (void)s;
    if (limit > 600) {
        out->status = 500;
        buf_puts(&out->body, "{\"errorCode\":\"E0000009\",\"errorSummary\":\"Internal Server Error\"}");
        return;
    }
    put_events(&out->body, page, page < 5000 ? limit : 0);
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=%d", page + limit, limit);
}

static void a_page_that_is_too_much_is_halved(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, too_much, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    assert_int_equal(stored(&s), 5000);
    script_close(&s);
}

static void growing_back(struct script *s, const char *path, struct reply *out)
{
    int limit = atoi(strstr(path, "limit=") + 6);
    int page = strstr(path, "after=") != NULL ? atoi(strstr(path, "after=") + 6) : 0;

    if (s->stage < 3 && page == 2000) { /* for a while only */
        s->stage++;
        out->status = 500;
        buf_puts(&out->body, "{\"errorCode\":\"E0000009\",\"errorSummary\":\"Internal Server Error\"}");
        return;
    }
    put_events(&out->body, page, page < 20500 ? limit : 0);
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=%d", page + limit, limit);
}

static void a_page_that_was_halved_grows_again(void **state)
{
    struct script s;
    bool was_half = false;

    (void)state;
    script_open(&s, growing_back, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE) {
        turns(&s, 1);
        was_half = was_half || strstr(asked(&s, (s.asked_count - 1) % 64), "limit=500") != NULL;
    }
    assert_true(was_half);
    assert_non_null(strstr(asked(&s, (s.asked_count - 1) % 64), "limit=1000"));
    assert_int_equal(stored(&s), 20500);
    script_close(&s);
}

/* Pages of more than 600 arrive without their end. */
static void too_long(struct script *s, const char *path, struct reply *out)
{
    int limit = atoi(strstr(path, "limit=") + 6);
    int page = strstr(path, "after=") != NULL ? atoi(strstr(path, "after=") + 6) : 0;

    (void)s;
    put_events(&out->body, page, page < 5000 ? limit : 0);
    if (limit > 600)
        out->body.len /= 2;
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=%d", page + limit, limit);
}

static void a_page_that_keeps_ending_early_is_halved(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, too_long, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    assert_int_equal(stored(&s), 5000);
    assert_int_equal(s.now.unparsed, 0);
    script_close(&s);
}

/* ---- commits that fail ---- */

/* The store's file may not grow from here on, or may again. */
static void let_grow(const struct script *s, bool may_grow)
{
    struct rlimit limit;
    struct stat file;
    char path[600];

    snprintf(path, sizeof path, "%s/data.mdb", s->dir);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = may_grow ? limit.rlim_max : (rlim_t)file.st_size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void the_one_ahead_is_dropped_though_it_comes_later(void **state)
{
    struct script s;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    script_open(&s, three_pages, 0);
    s.is_slow = true;
    let_grow(&s, false);
    turns(&s, 1);
    let_grow(&s, true);
    assert_int_equal(s.now.state, CONNECTOR_DEGRADED);
    assert_int_equal(s.waiting_count, 1); /* the one ahead */
    while (s.clock.unix_ms < START_MS + 2 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    assert_int_equal(stored(&s), 3 * FULL + 10);
    script_close(&s);
}

static void a_page_whose_commit_fails_is_asked_for_again(void **state)
{
    struct script s;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    script_open(&s, three_pages, 0);
    let_grow(&s, false);
    turns(&s, 4);
    let_grow(&s, true);
    assert_int_equal(s.now.state, CONNECTOR_DEGRADED);
    assert_non_null(strstr(s.now.state_reason, "cannot write"));
    assert_int_equal(stored(&s), 0);
    while (s.clock.unix_ms < START_MS + 2 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    assert_int_equal(stored(&s), 3 * FULL + 10);
    script_close(&s);
}

/* ---- no answer at all ---- */

static void everybody(struct script *s, const char *path, struct reply *out)
{
    (void)s;
    buf_puts(&out->body, strstr(path, "/users") != NULL ? "[{\"id\":\"00u1\",\"status\":\"ACTIVE\"}]" : "[]");
}

static size_t times_asked(const struct script *s, const char *what)
{
    size_t count = 0;

    for (size_t i = 0; i < s->asked_count; i++)
        count += strstr(s->asked[i], what) != NULL;
    return count;
}

/* Even when what carries requests forgets them, each lane asks again. */
static void a_question_that_is_forgotten_is_asked_again(void **state)
{
    struct script s;

    (void)state;
    script_open_for(&s, everybody, 1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS, 0);
    s.is_deaf = true;
    while (s.clock.unix_ms < START_MS + 4 * MINUTE)
        turns(&s, 1);
    assert_in_range(times_asked(&s, "/logs"), 2, 3); /* given up after a minute and a half each */
    assert_in_range(times_asked(&s, "/users"), 2, 3);
    assert_int_equal(s.now.state, CONNECTOR_DEGRADED);
    s.is_deaf = false;
    while (s.clock.unix_ms < START_MS + 8 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    script_close(&s);
}

/* ---- windows of the history ---- */

static int64_t window_days(const char *path)
{
    const char *since = strstr(path, "since="), *until = strstr(path, "until=");
    int year, month, day, year2, month2, day2;

    if (since == NULL || until == NULL || sscanf(since, "since=%d-%d-%d", &year, &month, &day) != 3 ||
        sscanf(until, "until=%d-%d-%d", &year2, &month2, &day2) != 3)
        return 0;
    return (year2 - year) * 365 + (month2 - month) * 30 + day2 - day; /* near enough */
}

static void too_much_at_once(struct script *s, const char *path, struct reply *out)
{
    (void)s;
    buf_puts(&out->body, "[]");
    if (window_days(path) > 3) {
        out->status = 500;
        buf_reset(&out->body);
        buf_puts(&out->body, "{\"errorCode\":\"E0000009\"}");
    }
}

/* Okta cannot look through more than three days: it gets shorter windows, and all is read in the end. */
static void windows_that_are_too_much_for_okta_get_shorter(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, too_much_at_once, 20);
    while (s.clock.unix_ms < START_MS + 60 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.history, HISTORY_COMPLETE);
    assert_int_equal(s.now.state, CONNECTOR_LIVE);
    script_close(&s);
}

/* ---- polls on demand ---- */

static uint64_t wanted_at_sending;

static void ask_at_sending(struct okta_transport *t, struct okta_exchange *x)
{
    struct script *s = (struct script *)t;
    struct error err;

    if (wanted_at_sending == UINT64_MAX)
        assert_true(poller_poll_now(s->poller, &wanted_at_sending, &err));
    begin(t, x);
}

static void a_poll_that_is_just_being_sent_does_not_count(void **state)
{
    uint64_t rounds;
    struct script s;

    (void)state;
    script_open(&s, three_pages, 0);
    turns(&s, 12);
    while (s.waiting_count > 0)
        turns(&s, 1);
    rounds = s.now.tail_rounds;
    wanted_at_sending = UINT64_MAX;
    s.base.start = ask_at_sending;
    turns(&s, 1);
    assert_int_equal(wanted_at_sending, rounds + 1);
    turns(&s, 2);
    assert_true(s.now.tail_rounds > wanted_at_sending);
    script_close(&s);
}

/* ---- the back-fill waits for the tail ---- */

#define SHARED_EVENT 777777

/* Stage 0: the tail's head is empty, until the history has been asked. Then the tail finds two full pages, and the
 * event that the history shows as well. */
static void late_event(struct script *s, const char *path, struct reply *out)
{
    int place = strstr(path, "after=") != NULL ? atoi(strstr(path, "after=") + 6) : 0;

    if (strstr(path, "until=") != NULL) {
        buf_putc(&out->body, '[');
        put_event(&out->body, SHARED_EVENT, START_MS - 20 * MINUTE);
        put_event(&out->body, SHARED_EVENT + 1, START_MS - 21 * MINUTE);
        buf_putc(&out->body, ']');
        s->stage = 1;
        return;
    }
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=1000", place);
    if (s->stage == 0 || place == 3) {
        buf_puts(&out->body, "[]");
        return;
    }
    if (place < 2)
        put_events(&out->body, place * FULL, FULL);
    else
        buf_putc(&out->body, '[');
    if (place == 2) {
        put_event(&out->body, SHARED_EVENT, START_MS - 20 * MINUTE);
        buf_putc(&out->body, ']');
    }
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=%d&limit=1000", place + 1);
}

static void a_history_page_is_stored_after_what_the_tail_brings_meanwhile(void **state)
{
    struct journal_bounds bounds;
    struct script s;
    struct error err;

    (void)state;
    script_open(&s, late_event, 1);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.history, HISTORY_COMPLETE);
    assert_true(journal_bounds(s.store, &bounds, &err));
    assert_int_equal(bounds.count, 2 * FULL + 2);
    assert_int_equal(bounds.backfilled, 1);
    assert_int_equal(bounds.head, JOURNAL_FIRST + 2 * FULL); /* the shared one came by the tail */
    script_close(&s);
}

static unsigned windows_asked;

/* A window of two pages, whose link is dead whenever it is asked. */
static void dead_window(struct script *s, const char *path, struct reply *out)
{
    bool is_rest = strstr(path, "until=2026-03-14T08%3A20%3A01.000Z") != NULL; /* a second above the first */

    windows_asked += strstr(path, "until=") != NULL && strstr(path, "after=h") == NULL;
    if (strstr(path, "after=h") != NULL) {
        out->status = 400;
        buf_puts(&out->body, "{\"errorCode\":\"E0000031\",\"errorSummary\":\"Invalid search criteria.\"}");
        return;
    }
    buf_putc(&out->body, '[');
    if (strstr(path, "until=") != NULL) {
        put_event(&out->body, 1, START_MS - 60 * MINUTE);
        if (is_rest)
            put_event(&out->body, 2, START_MS - 90 * MINUTE);
        else
            snprintf(out->next, sizeof out->next, "/api/v1/logs?after=h&limit=1000");
        s->stage += is_rest;
    }
    buf_putc(&out->body, ']');
}

static void a_dead_link_in_a_window_asks_for_the_rest_of_it(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, dead_window, 1);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.history, HISTORY_COMPLETE);
    assert_int_equal(stored(&s), 2);
    assert_int_equal(s.stage, 1);
    assert_int_equal(windows_asked, 2); /* what was held of it was not asked for again */
    script_close(&s);
}

/* Each link is dead as soon as it is asked. */
static void all_dead(struct script *s, const char *path, struct reply *out)
{
    (void)s;
    if (strstr(path, "after=") != NULL) {
        out->status = 400;
        buf_puts(&out->body, "{\"errorCode\":\"E0000031\",\"errorSummary\":\"Invalid search criteria.\"}");
        return;
    }
    put_events(&out->body, 0, FULL);
    snprintf(out->next, sizeof out->next, "/api/v1/logs?after=1&limit=1000");
}

static void links_that_are_all_dead_do_not_spin(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, all_dead, 0);
    while (s.clock.unix_ms < START_MS + 10 * MINUTE)
        turns(&s, 1);
    assert_in_range(s.asked_count, 20, 60);
    script_close(&s);
}

/* The tail brings an event that is older than is kept, before there is any history; that comes later. */
static void very_late(struct script *s, const char *path, struct reply *out)
{
    if (strstr(path, "until=") != NULL && s->clock.unix_ms < START_MS + 3 * MINUTE) {
        out->status = 503;
        return;
    }
    buf_putc(&out->body, '[');
    if (strstr(path, "until=") != NULL)
        put_event(&out->body, 1, START_MS - 60 * MINUTE);
    else if (strstr(path, "since=") != NULL)
        put_event(&out->body, 2, START_MS - 100 * 24 * 60 * (int64_t)MINUTE);
    buf_putc(&out->body, ']');
    if (strstr(path, "until=") == NULL)
        snprintf(out->next, sizeof out->next, "/api/v1/logs?after=1&limit=1000");
}

static void an_event_later_than_retention_does_not_end_the_back_fill(void **state)
{
    struct script s;

    (void)state;
    script_open(&s, very_late, 1);
    while (s.clock.unix_ms < START_MS + 20 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.now.history, HISTORY_COMPLETE);
    assert_int_equal(s.now.history_stored, 1);
    script_close(&s);
}

/* ---- users ---- */

static void put_user(struct buf *out, int number, int64_t updated_ms)
{
    char time[TIME_TEXT_SIZE];

    time_format(updated_ms, time);
    buf_printf(out,
               "[{\"id\":\"00u%d\",\"status\":\"ACTIVE\",\"created\":\"2026-01-01T00:00:00.000Z\","
               "\"lastUpdated\":\"%s\",\"profile\":{\"login\":\"u%d@acme.example\"}}]",
               number, time, number);
}

/* The link is dead the first time. */
static void two_users(struct script *s, const char *path, struct reply *out)
{
    if (strstr(path, "lastUpdated") != NULL) {
        buf_puts(&out->body, "[]");
    } else if (strstr(path, "after=1") == NULL) {
        put_user(&out->body, 1, START_MS - 90 * MINUTE);
        snprintf(out->next, sizeof out->next, "/api/v1/users?after=1&limit=200");
    } else if (s->stage++ == 0) {
        out->status = 400;
        buf_puts(&out->body, "{\"errorCode\":\"E0000031\",\"errorSummary\":\"Invalid search criteria.\"}");
    } else {
        put_user(&out->body, 2, START_MS + 30000);
    }
}

static void users_begin_again_and_then_look_for_changes_since_the_beginning(void **state)
{
    struct script s;

    (void)state;
    script_open_for(&s, two_users, 1u << COLLECTION_USERS, 0);
    while (s.clock.unix_ms < START_MS + 7 * MINUTE)
        turns(&s, 1);
    assert_int_equal(s.asked_count, 5);
    assert_non_null(strstr(asked(&s, 1), "after=1"));
    assert_string_equal(asked(&s, 2), asked(&s, 0));
    assert_non_null(strstr(asked(&s, 3), "after=1"));
    assert_non_null(strstr(asked(&s, 4), "lastUpdated%20gt%20%222026-03-14T09%3A10%3A00.000Z%22"));
    assert_true(s.now.collections[COLLECTION_USERS].is_complete);
    assert_int_equal(s.now.collections[COLLECTION_USERS].objects, 2);
    assert_int_equal(s.now.collections[COLLECTION_USERS].listed, 2);
    assert_int_equal(s.now.collections[COLLECTION_USERS].pages, 2);
    script_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link_is_followed_as_it_stands),
        cmocka_unit_test(the_next_page_is_asked_for_before_this_one_is_committed),
        cmocka_unit_test(links_in_a_circle_do_not_spin),
        cmocka_unit_test(a_full_page_that_leads_to_itself_does_not_spin),
        cmocka_unit_test(without_a_link_the_same_is_asked_again),
        cmocka_unit_test(a_page_that_is_too_much_is_halved),
        cmocka_unit_test(a_page_that_was_halved_grows_again),
        cmocka_unit_test(a_page_that_keeps_ending_early_is_halved),
        cmocka_unit_test(the_one_ahead_is_dropped_though_it_comes_later),
        cmocka_unit_test(a_page_whose_commit_fails_is_asked_for_again),
        cmocka_unit_test(a_poll_that_is_just_being_sent_does_not_count),
        cmocka_unit_test(a_question_that_is_forgotten_is_asked_again),
        cmocka_unit_test(windows_that_are_too_much_for_okta_get_shorter),
        cmocka_unit_test(a_dead_link_in_a_window_asks_for_the_rest_of_it),
        cmocka_unit_test(links_that_are_all_dead_do_not_spin),
        cmocka_unit_test(an_event_later_than_retention_does_not_end_the_back_fill),
        cmocka_unit_test(users_begin_again_and_then_look_for_changes_since_the_beginning),
        cmocka_unit_test(a_history_page_is_stored_after_what_the_tail_brings_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
