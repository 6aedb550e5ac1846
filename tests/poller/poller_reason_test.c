/* What the poller says of its state: the reason by name, what moves it, and that nothing unknown is shown as complete.
 */
#include "world/poller_world.h"

#include "model/state.h"
#include "poller/silence.h"
#include "rows.h"
#include "store/cursor.h"
#include "world/collections.h"

#include <string.h>

#define MINUTE 60000
#define MANY   100000

static const struct world_options org = {
    .org = { .seed = 7, .users = 30, .history_events = 100, .history_days = 1, .login_every_ms = 5000 },
    .history_days = 1,
    .latency_ms = 100,
};

static const char ROLE[] = "{\"errorCode\":\"E0000006\",\"errorSummary\":\"no\"}";
static const char TOKEN[] = "{\"errorCode\":\"E0000011\",\"errorSummary\":\"no\"}";
static const char FEATURE[] = "{\"errorCode\":\"E0000015\",\"errorSummary\":\"no\"}";

/* ---- what is wrong from the beginning on ---- */

static const struct row {
    const char *name, *prefix;
    int status; /* 0: nothing is wrong; -1: no answer */
    const char *body;
    enum connector_state state;
    enum connector_reason reason;
} rows[] = {
    { "all is well", "", 0, "", CONNECTOR_LIVE, REASON_NONE },
    { "the token is dead", "/api/v1/", 401, TOKEN, CONNECTOR_RECONNECT_REQUIRED, REASON_TOKEN_REFUSED },
    { "one endpoint refuses it", "/api/v1/users", 401, TOKEN, CONNECTOR_DEGRADED, REASON_ENDPOINT_REFUSED },
    { "a role is missing for users", "/api/v1/users", 403, ROLE, CONNECTOR_DEGRADED, REASON_ROLE_MISSING },
    { "a role is missing for the log", "/api/v1/logs", 403, ROLE, CONNECTOR_DEGRADED, REASON_ROLE_MISSING },
    { "there are no such users", "/api/v1/users", 410, "{}", CONNECTOR_DEGRADED, REASON_FEATURE_ABSENT },
    { "a feature is absent, with the status of a dead token", "/api/v1/users", 401, FEATURE, CONNECTOR_DEGRADED,
      REASON_FEATURE_ABSENT },
    { "every feature is absent, and the token is fine", "/api/v1/", 401, FEATURE, CONNECTOR_DEGRADED,
      REASON_FEATURE_ABSENT },
    { "Okta is down", "/api/v1/", 503, "{}", CONNECTOR_DEGRADED, REASON_SERVER_ERROR },
    { "a proxy's page", "/api/v1/logs", 200, "<html>login</html>", CONNECTOR_DEGRADED, REASON_ANSWER_UNUSABLE },
    { "no users at all", "/api/v1/users", 200, "[]", CONNECTOR_DEGRADED, REASON_SUSPICIOUSLY_EMPTY },
    { "nobody answers", "", -1, "", CONNECTOR_DEGRADED, REASON_UNREACHABLE },
};

static void is_told(void **state)
{
    const struct row *row = *state;
    struct world w;

    world_open(&w, &org);
    if (row->status > 0)
        emulator_fault(w.emulator, row->prefix, MANY, row->status, row->body);
    if (row->status < 0)
        emulator_transport_fault(w.transport, TRANSPORT_RESET, MANY);
    world_pass(&w, 5 * MINUTE);
    assert_int_equal(w.now.state, row->state);
    assert_int_equal(w.now.reason, row->reason);
    assert_int_equal(w.now.state_reason[0] == '\0', row->reason == REASON_NONE);
    if (row->status != 0 && strcmp(row->prefix, "/api/v1/logs") != 0)
        assert_false(w.now.collections[COLLECTION_USERS].is_complete);
    if (row->status != 0 && strcmp(row->prefix, "/api/v1/users") != 0) {
        assert_false(w.now.collections[COLLECTION_LOGINS].is_complete);
        assert_false(w.now.tail_at_head);
        assert_int_equal(w.now.history, HISTORY_RUNNING);
    }
    world_close(&w);
}

/* The header alone tells it: there is no body. */
static void a_missing_scope_is_told_by_its_header(void **state)
{
    const struct emulator_fault_rule rule = {
        .what = { EMULATOR_FAULT_STATUS, .status = 403, .body = "",
                  .headers = "WWW-Authenticate: Bearer scope=\"okta.logs.read\", error=\"insufficient_scope\"\r\n" },
        .prefix = "/api/v1/logs",
    };
    struct world w;

    (void)state;
    world_open(&w, &org);
    assert_true(emulator_add_fault(w.emulator, &rule));
    world_pass(&w, 5 * MINUTE);
    assert_int_equal(w.now.state, CONNECTOR_DEGRADED);
    assert_int_equal(w.now.reason, REASON_SCOPE_MISSING);
    assert_true(w.now.collections[COLLECTION_USERS].is_complete);
    world_close(&w);
}

/* ---- what passes ---- */

static const struct passing {
    const char *name, *prefix;
    int status;
    const char *body;
    uint32_t count;
    enum transport_fault fault;
} passing[] = {
    { "one 403 of the log", "/api/v1/logs", 403, ROLE, 1, TRANSPORT_OK },
    { "two 403 of the log", "/api/v1/logs", 403, ROLE, 2, TRANSPORT_OK },
    { "two 403 of the users", "/api/v1/users", 403, ROLE, 2, TRANSPORT_OK },
    { "one 401 of everything", "/api/v1/", 401, TOKEN, 1, TRANSPORT_OK },
    { "two 401 of everything", "/api/v1/", 401, TOKEN, 2, TRANSPORT_OK },
    { "one 401 of the users", "/api/v1/users", 401, TOKEN, 1, TRANSPORT_OK },
    { "two 5xx", "/api/v1/", 503, "{}", 2, TRANSPORT_OK },
    { "one 404", "/api/v1/users", 404, "{}", 1, TRANSPORT_OK },
    { "one answer that never comes", "", 0, "", 1, TRANSPORT_RESET },
};

static void passes_untold(void **state)
{
    const struct passing *row = *state;
    uint64_t changes, stored;
    struct world w;

    world_open(&w, &org);
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    changes = w.now.state_changes;
    stored = w.now.logins_stored;
    if (row->fault != TRANSPORT_OK)
        emulator_transport_fault(w.transport, row->fault, row->count);
    else
        emulator_fault(w.emulator, row->prefix, row->count, row->status, row->body);
    world_pass(&w, 12 * MINUTE); /* users are asked about every five */
    assert_true(w.now.error_unix_ms > 0);
    assert_true(world_is_live(&w));
    assert_int_equal(w.now.state_changes, changes);
    assert_true(w.now.collections[COLLECTION_USERS].is_complete && w.now.collections[COLLECTION_LOGINS].is_complete);
    assert_true(w.now.logins_stored > stored);
    world_close(&w);
}

/* ---- the silence ---- */

/* As if each hour of the last weeks had brought so many. */
static void keep_usual(struct world *w, uint32_t an_hour)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    struct store_txn *txn;
    struct silence s = { .bin = 0 };
    struct error err;

    for (int hour = 0; hour < SILENCE_HOURS; hour++) {
        s.weeks[hour] = 2;
        s.usual[hour][0] = s.usual[hour][1] = an_hour;
    }
    silence_encode(&s, &text);
    assert_true(store_begin(w->store, &txn, &err));
    assert_true(cursor_put(txn, SILENCE_CURSOR, buf_view(&text), &err));
    assert_true(store_commit(&txn, &err));
    world_restart(w);
}

static bool is_silent(const struct world *w)
{
    return w->now.is_log_silent;
}

static void a_silent_log_is_told_and_is_no_failure(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, &org);
    keep_usual(&w, 700); /* about what it makes */
    assert_true(world_run(&w, world_is_synced, 10 * MINUTE));
    world_pass(&w, 60 * MINUTE);
    assert_false(is_silent(&w));
    emulator_stop_logins(w.emulator);
    assert_true(world_run(&w, is_silent, 60 * MINUTE));
    assert_int_equal(w.now.state, CONNECTOR_LIVE);
    assert_int_equal(w.now.reason, REASON_LOG_SILENT);
    assert_true(w.now.state_reason[0] != '\0');
    assert_int_equal(w.now.log_silences, 1);
    world_pass(&w, 60 * MINUTE);
    assert_int_equal(w.now.log_silences, 1);
    for (int i = 0; i < 1200; i++) {
        if (i % 2 == 0)
            emulator_add_event(w.emulator, w.clock.unix_ms, w.clock.unix_ms, NULL, VIEW_NONE);
        world_pass(&w, 1000);
    }
    assert_false(is_silent(&w));
    assert_int_equal(w.now.reason, REASON_NONE);
    world_close(&w);
}

/* Learned hours are written with a page, and only then. */
static void what_is_usual_survives_a_restart(void **state)
{
    AUTO_BUF struct buf text = BUF(CURSOR_BYTES_MAX);
    struct silence s = { .bin = 0 };
    struct error err;
    struct world w;
    bool found;
    int known = 0;

    (void)state;
    world_open(&w, &org);
    world_pass(&w, 190 * MINUTE);
    assert_true(cursor_get(w.store, SILENCE_CURSOR, &text, &found, &err));
    assert_true(found);
    assert_true(silence_decode(&s, buf_view(&text)));
    for (int hour = 0; hour < SILENCE_HOURS; hour++)
        known += s.weeks[hour] > 0;
    assert_in_range(known, 2, 3);
    emulator_stop_logins(w.emulator);
    world_pass(&w, 130 * MINUTE); /* late events */
    world_check_nothing_is_written(&w, 130 * MINUTE);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_log_is_told_and_is_no_failure),
        cmocka_unit_test(what_is_usual_survives_a_restart),
        cmocka_unit_test(a_missing_scope_is_told_by_its_header),
    };

    return RUN_ROWS(is_told, rows) + RUN_ROWS(passes_untold, passing) + cmocka_run_group_tests(tests, NULL, NULL);
}
