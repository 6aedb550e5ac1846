#include "service/stream/notices.h"

#include "rows.h"

#include <string.h>

/* What the snapshot shows at the start, and after so long; and what is told, in order. */
struct shown {
    enum connector_state state;
    enum connector_reason reason;
    uint64_t changes, late, silences;
    bool is_silent;
};

#define LIVE CONNECTOR_LIVE
#define DOWN CONNECTOR_DEGRADED, REASON_UNREACHABLE

static const struct row {
    const char *name;
    struct shown at_start;
    struct {
        int64_t at_ms;
        struct shown shown;
        enum notice_kind want[3];
        uint64_t count; /* of the first */
    } steps[4];
} rows[] = {
    { "nothing happens", { .state = LIVE }, { { 0, { .state = LIVE }, { 0 }, 0 } } },
    { "it goes down and up",
      { .state = LIVE },
      { { 0, { DOWN, .changes = 1 }, { NOTICE_STATE_CHANGED }, 1 },
        { 60000, { LIVE, .changes = 2 }, { NOTICE_STATE_CHANGED }, 1 },
        { 200000, { LIVE, .changes = 2 }, { 0 }, 0 } } },
    { "what flaps is told once a minute, with a count",
      { .state = LIVE },
      { { 0, { DOWN, .changes = 1 }, { NOTICE_STATE_CHANGED }, 1 },
        { 1000, { LIVE, .changes = 2 }, { 0 }, 0 },
        { 59999, { DOWN, .changes = 7 }, { 0 }, 0 },
        { 60000, { DOWN, .changes = 7 }, { NOTICE_STATE_CHANGED }, 6 } } },
    { "what is wrong at the start is told",
      { DOWN, .changes = 3 },
      { { 0, { DOWN, .changes = 3 }, { NOTICE_STATE_CHANGED }, 1 } } },
    { "another reason in the same state",
      { .state = LIVE },
      { { 0, { DOWN, .changes = 1 }, { NOTICE_STATE_CHANGED }, 1 },
        { 60000, { CONNECTOR_DEGRADED, REASON_STORE_FULL, .changes = 2 }, { NOTICE_STATE_CHANGED }, 1 } } },
    { "late events are added up",
      { .state = LIVE, .late = 10 },
      { { 0, { .state = LIVE, .late = 12 }, { NOTICE_LATE_EVENTS }, 2 },
        { 1000, { .state = LIVE, .late = 13 }, { 0 }, 0 },
        { 2000, { .state = LIVE, .late = 20 }, { 0 }, 0 },
        { 60000, { .state = LIVE, .late = 20 }, { NOTICE_LATE_EVENTS }, 8 } } },
    { "a new poller counts from nothing",
      { .state = LIVE, .late = 10, .changes = 9 },
      { { 0, { .state = LIVE, .late = 0, .changes = 9 }, { 0 }, 0 },
        { 1, { .state = LIVE, .late = 4, .changes = 9 }, { NOTICE_LATE_EVENTS }, 4 } } },
    { "silent, and again not",
      { .state = LIVE },
      { { 0, { LIVE, REASON_LOG_SILENT, .silences = 1, .is_silent = true }, { NOTICE_LOG_SILENT }, 1 },
        { 1, { LIVE, REASON_LOG_SILENT, .silences = 1, .is_silent = true }, { 0 }, 0 },
        { 2, { LIVE, .silences = 1 }, { NOTICE_LOG_SPEAKS_AGAIN }, 1 } } },
    { "silent from the start",
      { LIVE, REASON_LOG_SILENT, .silences = 4, .is_silent = true },
      { { 0, { LIVE, REASON_LOG_SILENT, .silences = 4, .is_silent = true }, { NOTICE_LOG_SILENT }, 1 } } },
    { "several at once, one after the other",
      { .state = LIVE },
      { { 0,
          { CONNECTOR_SYNCING, REASON_FIRST_SYNC, .changes = 1, .late = 2, .silences = 1, .is_silent = true },
          { NOTICE_STATE_CHANGED, NOTICE_LOG_SILENT, NOTICE_LATE_EVENTS },
          1 } } },
};

static struct poller_snapshot snapshot_of(const struct shown *s)
{
    struct poller_snapshot now = { .state = s->state,
                                   .reason = s->reason,
                                   .state_changes = s->changes,
                                   .late = s->late,
                                   .log_silences = s->silences,
                                   .is_log_silent = s->is_silent,
                                   .state_reason = "why" };

    return now;
}

static void is_told(void **state)
{
    const struct row *row = *state;
    struct poller_snapshot now = snapshot_of(&row->at_start);
    struct notices n;

    notices_init(&n, &now);
    for (int i = 0; i < 4 && row->steps[i].shown.state != 0; i++) {
        struct notice got;

        now = snapshot_of(&row->steps[i].shown);
        for (int j = 0; j < 3 && row->steps[i].want[j] != 0; j++) {
            assert_true(notices_next(&n, &now, 5000 + row->steps[i].at_ms, &got));
            assert_int_equal(got.kind, row->steps[i].want[j]);
            assert_true(strlen(got.text) > 10);
            if (j == 0)
                assert_int_equal(got.count, row->steps[i].count);
        }
        assert_false(notices_next(&n, &now, 5000 + row->steps[i].at_ms, &got));
    }
}

static void what_is_held_back_says_when_it_is_due(void **state)
{
    struct poller_snapshot now = { .state = CONNECTOR_LIVE };
    struct notices n;
    struct notice got;

    (void)state;
    notices_init(&n, &now);
    now.late = 1;
    assert_true(notices_next(&n, &now, 1000, &got));
    assert_false(notices_next(&n, &now, 1000, &got));
    assert_true(notices_due_mono_ms(&n) == INT64_MAX);
    now.late = 2;
    assert_false(notices_next(&n, &now, 2000, &got));
    assert_int_equal(notices_due_mono_ms(&n), 61000);
}

/* ---- who is faster ---- */

static const struct pace {
    const char *name;
    uint64_t count_before, after_before, count, after;
    bool want;
    uint64_t left;
} paces[] = {
    { "nothing is removed", 1000, 500, 1000, 500, false, 0 },
    { "removed faster than read", 1000, 900, 950, 900, true, 50 },
    { "removed slowly, far behind", 100000, 10000, 99000, 10000, false, 0 },
    { "read faster than removed", 1000, 900, 950, 500, false, 0 },
    { "at the head", 1000, 0, 500, 0, false, 0 },
    { "nothing is left", 1000, 900, 900, 900, true, 0 },
};

static void is_overtaken(void **state)
{
    const struct pace *row = *state;
    struct journal_bounds bounds = { .count = row->count_before };
    struct notices n = { .due_mono_ms = 0 };
    struct notice got;

    assert_true(notices_wants_bounds(&n, 1000));
    assert_false(notices_ending(&n, &bounds, row->after_before, 1000, &got));
    assert_false(notices_wants_bounds(&n, 60999));
    assert_true(notices_wants_bounds(&n, 61000));
    bounds.count = row->count;
    assert_int_equal(notices_ending(&n, &bounds, row->after, 61000, &got), row->want);
    if (row->want) {
        assert_int_equal(got.kind, NOTICE_HISTORY_ENDING);
        assert_int_equal(got.count, row->left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_held_back_says_when_it_is_due) };

    return RUN_ROWS(is_told, rows) + RUN_ROWS(is_overtaken, paces) + cmocka_run_group_tests(tests, NULL, NULL);
}
