/* The emulator over a real socket, asked by libcurl. */
/* clang-format off: cmocka wants these before it */
#include "tests/rows.h"
/* clang-format on */
#include "base/mem.h"
#include "shell.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

#define START_MS INT64_C(1773480412345)

/* Stands still until a test sets it, while the server's thread reads it. */
static int64_t now_ms = START_MS;

static int64_t still_ms(void *self)
{
    (void)self;
    return __atomic_load_n(&now_ms, __ATOMIC_ACQUIRE);
}
static const struct clock still = { still_ms, still_ms, NULL };

struct world {
    struct emulator *emulator;
    struct shell *shell;
    CURL *curl;
    struct buf head, body;
    long status;
};

static size_t keep(char *at, size_t size, size_t count, void *to)
{
    buf_put(to, at, size * count);
    return size * count;
}

static void begin_with(struct world *w, int64_t login_every_ms)
{
    const struct emulator_options options = { .seed = 1,
                                              .token = "00token",
                                              .users = 40,
                                              .history_events = 3000,
                                              .history_days = 30,
                                              .other_percent = 20,
                                              .login_every_ms = login_every_ms,
                                              .start_unix_ms = START_MS };
    struct error err;

    memset(w, 0, sizeof *w);
    buf_init(&w->head, 1u << 20);
    buf_init(&w->body, 64u << 20);
    w->emulator = emulator_create(&options);
    assert_true(shell_start(&w->shell, w->emulator, &still, 0, &err));
    w->curl = curl_easy_init();
    curl_easy_setopt(w->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(w->curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, &w->body);
    curl_easy_setopt(w->curl, CURLOPT_HEADERFUNCTION, keep);
    curl_easy_setopt(w->curl, CURLOPT_HEADERDATA, &w->head);
}

static void begin(struct world *w)
{
    begin_with(w, 0);
}

static void end(struct world *w)
{
    curl_easy_cleanup(w->curl);
    shell_stop(w->shell);
    emulator_destroy(w->emulator);
    buf_deinit(&w->head);
    buf_deinit(&w->body);
}

/* body NULL: GET. */
static CURLcode try(struct world *w, const char *target, const char *body)
{
    CURLcode code;

    struct curl_slist *list = curl_slist_append(NULL, "Authorization: SSWS 00token");
    char url[1024];

    list = curl_slist_append(list, "Expect:");
    snprintf(url, sizeof url, "%s%s", shell_url(w->shell), target);
    buf_reset(&w->head);
    buf_reset(&w->body);
    curl_easy_setopt(w->curl, CURLOPT_URL, url);
    curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, list);
    if (body != NULL) {
        curl_easy_setopt(w->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(w->curl, CURLOPT_HTTPGET, 1L);
    }
    code = curl_easy_perform(w->curl);
    curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &w->status);
    curl_slist_free_all(list);
    return code;
}

static void ask(struct world *w, const char *target, const char *body)
{
    assert_int_equal(try(w, target, body), CURLE_OK);
}

static bool has_header(struct world *w, const char *line)
{
    return strcasestr(buf_cstr(&w->head), line) != NULL;
}

/* ---- the org ---- */

static const struct row {
    const char *name, *encoding;
    bool want_gzip;
} rows[] = {
    { "a page as it is", NULL, false },
    { "a page, compressed", "gzip", true },
};

static void comes_whole(void **state)
{
    const struct row *row = *state;
    struct world w;
    json_t *events;

    begin(&w);
    curl_easy_setopt(w.curl, CURLOPT_ACCEPT_ENCODING, row->encoding);
    ask(&w, "/api/v1/logs?since=2026-02-20T00%3A00%3A00.000Z&limit=1000", NULL);
    assert_int_equal(w.status, 200);
    assert_int_equal(has_header(&w, "\r\nContent-Encoding: gzip\r\n"), row->want_gzip);
    assert_true(has_header(&w, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_true(has_header(&w, "\r\nDate: Sat, 14 Mar 2026 09:26:52 GMT\r\n"));
    /* Links lead back to where it listens, escapes and all. */
    assert_true(has_header(&w, shell_url(w.shell)));
    assert_true(has_header(&w, "/api/v1/logs?since=2026-02-20T00%3A00%3A00.000Z&limit=1000&after="));
    assert_non_null(strstr(strstr(buf_cstr(&w.head), "Set-Cookie:") + 1, "Set-Cookie:"));
    events = json_loadb(w.body.at, w.body.len, 0, NULL);
    assert_int_equal(json_array_size(events), 1000);
    json_decref(events);
    end(&w);
}

static void a_method_that_is_not_get_is_refused_and_counted(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/api/v1/users", "{\"profile\":{}}");
    assert_int_equal(w.status, 405);
    assert_non_null(strstr(buf_cstr(&w.body), "E0000022"));
    ask(&w, "/__stats", NULL);
    assert_non_null(strstr(buf_cstr(&w.body), "\"violations\":1,"));
    end(&w);
}

static void a_taken_port_is_an_error(void **state)
{
    struct world w;
    struct shell *other = NULL;
    struct error err;

    (void)state;
    begin(&w);
    assert_false(shell_start(&other, w.emulator, &still, shell_port(w.shell), &err));
    assert_int_equal(err.code, ERROR_UNAVAILABLE);
    end(&w);
}

/* ---- steering it ---- */

static const struct truth_row {
    const char *name, *target;
    bool logins_only;
    size_t begin;
} truth_rows[] = {
    { "all of the truth", "/__truth", false, 0 },
    { "the logins", "/__truth?logins=1", true, 0 },
    { "from one on", "/__truth?since_index=2900", false, 2900 },
    { "the logins from one on", "/__truth?since_index=2900&logins=1", true, 2900 },
    { "beyond the end", "/__truth?since_index=3000", false, 3000 },
};

static void has_a_line_for_each(void **state)
{
    const struct truth_row *row = *state;
    struct world w;
    char *line, *rest;

    begin(&w);
    ask(&w, row->target, NULL);
    assert_int_equal(w.status, 200);
    rest = (char *)(uintptr_t)buf_cstr(&w.body);
    for (size_t i = row->begin; i < emulator_truth_count(w.emulator); i++) {
        struct emulator_truth t = emulator_truth_at(w.emulator, i);
        json_t *object;

        if (row->logins_only && !t.is_login)
            continue;
        line = strsep(&rest, "\n");
        object = json_loads(line, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(object, "uuid")), t.uuid);
        assert_string_equal(json_string_value(json_object_get(object, "event_type")), t.event_type);
        assert_int_equal(json_is_true(json_object_get(object, "is_login")), t.is_login);
        json_decref(object);
    }
    assert_string_equal(rest, "");
    end(&w);
}

static const struct refused_row {
    const char *name, *target, *body;
    long want_status;
} refused_rows[] = {
    { "no such endpoint", "/__nothing", NULL, 404 },
    { "asked instead of told", "/__stop-logins", NULL, 405 },
    { "told instead of asked", "/__stats", "", 405 },
    { "a user without a login", "/__add-user", "", 400 },
    { "a login with a quote", "/__add-user?login=%22", "", 400 },
    { "no token", "/__token", "", 400 },
    { "an unknown parameter", "/__stats?x=1", NULL, 400 },
    { "a fault without a status", "/__fault?prefix=/&count=1", "", 400 },
    { "a place that is no number", "/__truth?since_index=x", NULL, 400 },
    { "a role that is none", "/__role?value=king", "", 400 },
    { "a switch that is none", "/__dpop?value=perhaps", "", 400 },
    { "half a client", "/__client?active=2", "", 400 },
    { "a zone that is none", "/__zone", "", 400 },
    { "a change that is none", "/__change-user?user=me&do=promote", "", 400 },
    { "a change of nobody", "/__change-user?user=nobody&do=update", "", 404 },
    { "a fault that is none", "/__faults", "{\"fault\":\"x\"}", 400 },
};

static void is_refused(void **state)
{
    const struct refused_row *row = *state;
    struct world w;

    begin(&w);
    ask(&w, row->target, row->body);
    assert_int_equal(w.status, row->want_status);
    end(&w);
}

static void what_is_told_is_done(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/__add-user?login=new%40acme.example", "");
    assert_int_equal(w.status, 200);
    ask(&w, "/api/v1/users/new@acme.example", NULL);
    assert_int_equal(w.status, 200);
    ask(&w, "/__add-event", "{\"uuid\":\"given\",\"eventType\":\"user.session.end\"}");
    ask(&w, "/__add-event", "");
    ask(&w, "/__truth?since_index=3000", NULL);
    assert_non_null(strstr(buf_cstr(&w.body), "\"uuid\":\"given\""));
    ask(&w, "/__stats", NULL);
    assert_non_null(strstr(buf_cstr(&w.body), "\"events\":3002,\"users\":41}"));
    ask(&w, "/__fault?prefix=/api/v1/org&count=1&status=503&body=%3Chtml%3E", "");
    ask(&w, "/api/v1/org", NULL);
    assert_int_equal(w.status, 503);
    assert_string_equal(buf_cstr(&w.body), "<html>");
    ask(&w, "/__revoke-token", "");
    ask(&w, "/api/v1/org", NULL);
    assert_int_equal(w.status, 401);
    ask(&w, "/__token?value=00token", "");
    ask(&w, "/api/v1/org", NULL);
    assert_int_equal(w.status, 200);
    end(&w);
}

static void rights_change_when_told(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/__role?value=report", "");
    ask(&w, "/api/v1/users", NULL);
    assert_string_equal(buf_cstr(&w.body), "[]");
    ask(&w, "/api/v1/groups", NULL);
    assert_int_equal(w.status, 403);
    ask(&w, "/__role?value=read-only", "");
    ask(&w, "/__zone?outside=1", "");
    ask(&w, "/api/v1/groups", NULL);
    assert_int_equal(w.status, 403);
    ask(&w, "/__zone?outside=0", "");
    ask(&w, "/api/v1/groups", NULL);
    assert_int_equal(w.status, 200);
    ask(&w, "/__add-user?login=ann", "");
    ask(&w, "/__change-user?user=ann&do=deactivate", "");
    ask(&w, "/api/v1/users/ann", NULL);
    assert_non_null(strstr(buf_cstr(&w.body), "DEPROVISIONED"));
    ask(&w, "/__change-user?user=ann&do=delete", "");
    ask(&w, "/api/v1/users/ann", NULL);
    assert_int_equal(w.status, 404);
    end(&w);
}

static long long events_at(struct world *w, int64_t ms)
{
    long long events;
    json_t *stats;

    __atomic_store_n(&now_ms, ms, __ATOMIC_RELEASE);
    ask(w, "/__stats", NULL);
    stats = json_loadb(w->body.at, w->body.len, 0, NULL);
    events = json_integer_value(json_object_get(stats, "events"));
    json_decref(stats);
    return events;
}

static void logins_come_with_the_time_and_stop_when_told(void **state)
{
    struct world w;
    long long stopped;

    (void)state;
    begin_with(&w, 1000);
    assert_int_equal(events_at(&w, START_MS), 3000);
    assert_true(events_at(&w, START_MS + 10000) >= 3008);
    ask(&w, "/__stop-logins", "");
    assert_int_equal(w.status, 200);
    stopped = events_at(&w, START_MS + 11000);
    assert_true(stopped <= 3010);
    assert_int_equal(events_at(&w, START_MS + 60000), stopped);
    __atomic_store_n(&now_ms, START_MS, __ATOMIC_RELEASE);
    end(&w);
}

static void cursors_expire_when_told(void **state)
{
    struct world w;
    char link[512], *at;

    (void)state;
    begin(&w);
    ask(&w, "/api/v1/logs?limit=1", NULL);
    at = strstr(buf_cstr(&w.head), "&after=");
    assert_non_null(at);
    snprintf(link, sizeof link, "/api/v1/logs?limit=1%.*s", (int)strcspn(at, ">"), at);
    ask(&w, link, NULL);
    assert_int_equal(w.status, 200);
    ask(&w, "/__expire-cursors", "");
    ask(&w, link, NULL);
    assert_int_equal(w.status, 400);
    end(&w);
}

/* ---- faults ---- */

#define PAGE "/api/v1/logs?limit=50"

static const struct fault_row {
    const char *name, *script, *encoding;
    CURLcode want, or_want; /* what comes first is the kernel's choice */
    bool want_whole;        /* the page as it is without a fault */
} fault_rows[] = {
    { "late", "{\"fault\":\"answer\",\"delay_ms\":30}", NULL, CURLE_OK, CURLE_OK, true },
    { "drop by drop", "{\"fault\":\"drip\",\"drip_bytes\":20000,\"drip_ms\":2}", NULL, CURLE_OK, CURLE_OK, true },
    { "drop by drop, compressed", "{\"fault\":\"drip\",\"drip_bytes\":2000,\"drip_ms\":2}", "gzip", CURLE_OK, CURLE_OK,
      true },
    { "stalled", "{\"fault\":\"stall\"}", NULL, CURLE_OPERATION_TIMEDOUT, CURLE_OPERATION_TIMEDOUT, false },
    { "broken", "{\"fault\":\"reset\"}", NULL, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, false },
    { "broken, late", "{\"fault\":\"reset\",\"delay_ms\":30}", NULL, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, false },
    { "broken in the body", "{\"fault\":\"reset-body\"}", NULL, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, false },
    { "cut", "{\"fault\":\"truncate\"}", NULL, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, false },
    { "its compression cut", "{\"fault\":\"gzip\"}", "gzip", CURLE_OK, CURLE_BAD_CONTENT_ENCODING, false },
    { "cut before it was compressed", "{\"fault\":\"gzip\"}", NULL, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, false },
    { "well, and dead then", "{\"fault\":\"close\"}", NULL, CURLE_OK, CURLE_OK, true },
};

static void comes_over_a_socket(void **state)
{
    const struct fault_row *row = *state;
    struct world w;
    size_t len;
    CURLcode code;

    begin(&w);
    ask(&w, PAGE, NULL);
    len = w.body.len;
    ask(&w, "/__faults", row->script);
    assert_int_equal(w.status, 200);
    curl_easy_setopt(w.curl, CURLOPT_ACCEPT_ENCODING, row->encoding);
    if (row->want == CURLE_OPERATION_TIMEDOUT)
        curl_easy_setopt(w.curl, CURLOPT_TIMEOUT_MS, 300L);
    code = try(&w, PAGE, NULL);
    assert_true(code == row->want || code == row->or_want);
    assert_int_equal(w.body.len == len, row->want_whole);
    assert_true(w.body.len <= len);
    end(&w);
}

static void a_body_that_is_cut_holds_a_part(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/__faults", "{\"fault\":\"truncate\"}");
    assert_int_not_equal(try(&w, PAGE, NULL), CURLE_OK);
    assert_true(w.body.len > 0);
    end(&w);
}

static const struct huge_row {
    const char *name, *encoding;
} huge_rows[] = { { "blanks", NULL }, { "blanks, compressed", "gzip" } };

static void many_follow_the_body(void **state)
{
    const struct huge_row *row = *state;
    struct world w;

    begin(&w);
    curl_easy_setopt(w.curl, CURLOPT_ACCEPT_ENCODING, row->encoding);
    ask(&w, "/__faults", "{\"fault\":\"huge\",\"bytes\":30000000}");
    ask(&w, PAGE, NULL);
    assert_int_equal(w.body.len, 30000002);
    assert_memory_equal(w.body.at, "[]  ", 4);
    assert_int_equal(w.body.at[30000001], ' ');
    end(&w);
}

static void a_line_that_died_unnoticed_needs_a_new_one(void **state)
{
    struct world w;
    long connects = 0;

    (void)state;
    begin(&w);
    ask(&w, "/__faults", "{\"fault\":\"close\",\"count\":1}");
    ask(&w, PAGE, NULL);
    ask(&w, PAGE, NULL); /* curl tries again by itself */
    curl_easy_getinfo(w.curl, CURLINFO_NUM_CONNECTS, &connects);
    assert_true(connects >= 1);
    ask(&w, PAGE, NULL);
    curl_easy_getinfo(w.curl, CURLINFO_NUM_CONNECTS, &connects);
    assert_int_equal(connects, 0);
    end(&w);
}

static void who_stops_it_does_not_wait_for_the_stalled(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/__faults", "{\"fault\":\"answer\",\"delay_ms\":3600000}");
    curl_easy_setopt(w.curl, CURLOPT_TIMEOUT_MS, 100L);
    assert_int_equal(try(&w, PAGE, NULL), CURLE_OPERATION_TIMEDOUT);
    end(&w);
}

static void a_script_that_cannot_be_read_is_refused_in_words(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    ask(&w, "/__faults", "{\"fault\":\"html\"}\n{\"fault\":\"x\"}");
    assert_int_equal(w.status, 400);
    assert_non_null(strstr(buf_cstr(&w.body), "line 2"));
    ask(&w, "/__faults?clear=1", "");
    ask(&w, "/api/v1/org", NULL);
    assert_true(view_starts(buf_view(&w.body), "{"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_method_that_is_not_get_is_refused_and_counted),
        cmocka_unit_test(a_taken_port_is_an_error),
        cmocka_unit_test(what_is_told_is_done),
        cmocka_unit_test(rights_change_when_told),
        cmocka_unit_test(cursors_expire_when_told),
        cmocka_unit_test(logins_come_with_the_time_and_stop_when_told),
        cmocka_unit_test(a_body_that_is_cut_holds_a_part),
        cmocka_unit_test(a_line_that_died_unnoticed_needs_a_new_one),
        cmocka_unit_test(who_stops_it_does_not_wait_for_the_stalled),
        cmocka_unit_test(a_script_that_cannot_be_read_is_refused_in_words),
    };
    int failed;

    curl_global_init(CURL_GLOBAL_DEFAULT);
    failed = RUN_ROWS(comes_whole, rows) + RUN_ROWS(has_a_line_for_each, truth_rows) +
             RUN_ROWS(is_refused, refused_rows) + RUN_ROWS(comes_over_a_socket, fault_rows) +
             RUN_ROWS(many_follow_the_body, huge_rows) + cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
