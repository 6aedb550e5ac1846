#include "client/rpc/backoff.h"
#include "client/rpc/reason.h"

#include "base/error_reasons.h"

#include "tests/rows.h"

static const struct row {
    const char *name;
    enum error_code code;
    const char *reason;
    enum exit_code exit;
    bool is_passing;
} rows[] = {
    { "the server cannot be reached", ERROR_UNAVAILABLE, NULL, EXIT_UNREACHABLE, true },
    { "the server shuts down", ERROR_UNAVAILABLE, "SHUTTING_DOWN", EXIT_UNREACHABLE, true },
    { "the connector has nothing yet", ERROR_UNAVAILABLE, "NOT_READY", EXIT_UNREACHABLE, true },
    { "the connector was deleted", ERROR_UNAVAILABLE, "CONNECTOR_DELETED", EXIT_NOT_FOUND, false },
    { "a connection that broke", ERROR_UNKNOWN, NULL, EXIT_FAILED, true },
    { "a proxy's reset", ERROR_INTERNAL, NULL, EXIT_FAILED, true },
    { "silence", ERROR_DEADLINE_EXCEEDED, NULL, EXIT_UNREACHABLE, true },
    { "too much at once", ERROR_RESOURCE_EXHAUSTED, NULL, EXIT_FAILED, true },
    { "an answer that is none", ERROR_DATA_LOSS, NULL, EXIT_FAILED, false },
    { "no such connector", ERROR_NOT_FOUND, "NO_SUCH_CONNECTOR", EXIT_NOT_FOUND, false },
    { "history removed", ERROR_OUT_OF_RANGE, "HISTORY_GONE", EXIT_HISTORY, false },
    { "another store", ERROR_FAILED_PRECONDITION, "STORE_REWOUND", EXIT_HISTORY, false },
    { "history not there yet", ERROR_FAILED_PRECONDITION, "HISTORY_INCOMPLETE", EXIT_HISTORY, false },
    { "Okta refuses the token", ERROR_FAILED_PRECONDITION, "OKTA_TOKEN_REFUSED", EXIT_OKTA, false },
    { "Okta does not answer", ERROR_FAILED_PRECONDITION, "OKTA_UNREACHABLE", EXIT_OKTA, false },
    { "an address that is not asked", ERROR_FAILED_PRECONDITION, "ORG_ADDRESS_REFUSED", EXIT_OKTA, false },
    { "not Okta", ERROR_FAILED_PRECONDITION, "NOT_AN_OKTA_ORG", EXIT_OKTA, false },
    { "a permission is missing", ERROR_FAILED_PRECONDITION, "OKTA_PERMISSION_MISSING", EXIT_OKTA, false },
    { "another precondition", ERROR_FAILED_PRECONDITION, NULL, EXIT_FAILED, false },
    { "this socket may not", ERROR_PERMISSION_DENIED, NULL, EXIT_DENIED, false },
    { "a name that is none", ERROR_INVALID_ARGUMENT, "NAME_INVALID", EXIT_USAGE, false },
};

static void means(void **state)
{
    const struct row *row = *state;
    const struct error err = { .code = row->code, .reason = row->reason };

    assert_int_equal(reason_exit(&err), row->exit);
    assert_int_equal(reason_is_passing(&err), row->is_passing);
    if (row->reason != NULL)
        assert_ptr_equal(reason_known(view_of(reason_known(view_of(row->reason)))), reason_known(view_of(row->reason)));
}

/* Whatever the server may say has an exit code, and is known by the very literal of the catalogue. */
static void each_reason_of_the_catalogue_means_something(void **state)
{
    (void)state;
    for (size_t i = 0; i < error_meaning_count; i++) {
        const struct error_meaning *m = &error_meanings[i];
        const struct error err = { .code = m->code, .reason = m->reason };

        assert_ptr_equal(reason_known(view_of(m->reason)), m->reason);
        assert_int_not_equal(reason_exit(&err), EXIT_OK);
        assert_true(!reason_is_passing(&err) || m->retry_ms > 0 || m->code == ERROR_DEADLINE_EXCEEDED);
        if (m->code == ERROR_INVALID_ARGUMENT)
            assert_int_equal(reason_exit(&err), EXIT_USAGE);
    }
}

/* And this program knows none that the server cannot say. */
static void no_reason_is_left_over(void **state)
{
    (void)state;
    for (size_t i = 0; reason_at(i) != NULL; i++)
        assert_non_null(error_meaning(reason_at(i)));
}

static void an_unknown_reason_is_none(void **state)
{
    (void)state;
    assert_null(reason_known(VIEW("SOMETHING_NEW")));
    assert_null(reason_known(VIEW_NONE));
}

static const struct backoff_row {
    const char *name;
    unsigned before;
    uint32_t random;
    int64_t want_ms;
} backoff_rows[] = {
    { "the first, at its shortest", 0, 0, 50 },     { "the first, at its longest", 0, 50, 100 },
    { "the second is twice as long", 1, 100, 200 }, { "the sixth is near the cap", 5, 1600, 3200 },
    { "then it is capped", 6, 2500, 5000 },         { "for ever", 100, 2500, 5000 },
    { "and still jittered", 100, 0, 2500 },
};

static void waits(void **state)
{
    const struct backoff_row *row = *state;
    struct backoff b = { 0 };

    for (unsigned i = 0; i < row->before; i++)
        backoff_next_ms(&b, 0);
    assert_int_equal(backoff_next_ms(&b, row->random), row->want_ms);
    backoff_reset(&b);
    assert_int_equal(backoff_next_ms(&b, 0), BACKOFF_FIRST_MS / 2);
}

static void a_server_is_not_asked_again_before_it_said(void **state)
{
    struct backoff b = { 0 };

    (void)state;
    backoff_hint(&b, 2000);
    assert_int_equal(backoff_next_ms(&b, 0), 2000);
    assert_int_equal(backoff_next_ms(&b, 0), 100); /* for once */
    backoff_hint(&b, 10);
    assert_int_equal(backoff_next_ms(&b, 0), 200); /* our own is longer */
    backoff_hint(&b, INT64_MAX);
    assert_int_equal(backoff_next_ms(&b, 0), BACKOFF_HINT_MAX);
    backoff_hint(&b, 0);
    assert_int_equal(backoff_next_ms(&b, 0), 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_reason_is_none),
        cmocka_unit_test(each_reason_of_the_catalogue_means_something),
        cmocka_unit_test(no_reason_is_left_over),
        cmocka_unit_test(a_server_is_not_asked_again_before_it_said),
    };

    return RUN_ROWS(means, rows) + RUN_ROWS(waits, backoff_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
