/* An error as a client gets it: grpc-message, and the messages in grpc-status-details-bin. */
#include "rpc/error_status.h"

#include "base/error_reasons.h"
#include "rpc/wire.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "tests/rows.h"

#include <grpc/slice.h>
#include <string.h>

#define TRAILERS_BYTES_MAX 8192 /* the total that the C core and others accept */

struct decoded {
    Google__Rpc__Status *status;
    struct view info; /* ErrorInfo */
    Google__Rpc__BadRequest *bad;
    Google__Rpc__QuotaFailure *quota;
    Google__Rpc__RetryInfo *retry;
    Google__Rpc__Help *help;
};

static void decode(const struct error *err, struct decoded *d)
{
    grpc_slice bytes = error_status_details(err);

    memset(d, 0, sizeof *d);
    assert_true(GRPC_SLICE_LENGTH(bytes) <= ERROR_STATUS_BYTES_MAX);
    d->status = google__rpc__status__unpack(NULL, GRPC_SLICE_LENGTH(bytes), GRPC_SLICE_START_PTR(bytes));
    grpc_slice_unref(bytes);
    assert_non_null(d->status);
    for (size_t i = 0; i < d->status->n_details; i++) {
        const Google__Protobuf__Any *any = d->status->details[i];
        const char *prefix = "type.googleapis.com/google.rpc.", *type = any->type_url + strlen(prefix);
        size_t len = any->value.len;
        const uint8_t *at = any->value.data;

        assert_true(view_starts(view_of(any->type_url), prefix));
        if (strcmp(type, "ErrorInfo") == 0)
            d->info = (struct view){ (const char *)at, len };
        else if (strcmp(type, "BadRequest") == 0)
            assert_non_null(d->bad = google__rpc__bad_request__unpack(NULL, len, at));
        else if (strcmp(type, "QuotaFailure") == 0)
            assert_non_null(d->quota = google__rpc__quota_failure__unpack(NULL, len, at));
        else if (strcmp(type, "RetryInfo") == 0)
            assert_non_null(d->retry = google__rpc__retry_info__unpack(NULL, len, at));
        else if (strcmp(type, "Help") == 0)
            assert_non_null(d->help = google__rpc__help__unpack(NULL, len, at));
        else
            fail_msg("a detail of an unknown type, %s", type);
    }
    assert_true(view_is(wire_find(d->info, 2), "okta.connector.v1"));
    assert_non_null(d->help);
    assert_true(d->help->n_links == 1 && d->help->links[0]->description[0] != '\0');
}

static void decoded_free(struct decoded *d)
{
    google__rpc__status__free_unpacked(d->status, NULL);
    google__rpc__bad_request__free_unpacked(d->bad, NULL);
    google__rpc__quota_failure__free_unpacked(d->quota, NULL);
    google__rpc__retry_info__free_unpacked(d->retry, NULL);
    google__rpc__help__free_unpacked(d->help, NULL);
}

static int64_t retry_ms(const struct decoded *d)
{
    return d->retry == NULL ? 0 : d->retry->retry_delay->seconds * 1000 + d->retry->retry_delay->nanos / 1000000;
}

/* ---- which details each code gets ---- */

static const struct row {
    const char *name;
    enum error_code code;
    const char *reason, *want_reason;
    bool wants_bad, wants_quota, wants_retry;
} rows[] = {
    { "the request is wrong", ERROR_INVALID_ARGUMENT, "REQUEST_INVALID", "REQUEST_INVALID", true, false, false },
    { "a limit that waiting does not lift", ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_CONNECTORS", "TOO_MANY_CONNECTORS",
      false, true, false },
    { "a limit that waiting lifts", ERROR_RESOURCE_EXHAUSTED, "TOO_MANY_PROBES", "TOO_MANY_PROBES", false, true, true },
    { "a temporary failure", ERROR_UNAVAILABLE, "NOT_READY", "NOT_READY", false, false, true },
    { "history that is gone", ERROR_OUT_OF_RANGE, "HISTORY_GONE", "HISTORY_GONE", false, false, false },
    { "the store is damaged", ERROR_DATA_LOSS, NULL, "STORE_DAMAGED", false, false, false },
    { "a temporary failure, without a reason", ERROR_UNAVAILABLE, NULL, "UNAVAILABLE_NOW", false, false, true },
    { "a wrong request, without a reason", ERROR_INVALID_ARGUMENT, NULL, "REQUEST_INVALID", true, false, false },
    { "a limit, without a reason", ERROR_RESOURCE_EXHAUSTED, NULL, "TOO_MANY_CHANGES", false, true, true },
};

static void carries(void **state)
{
    const struct row *row = *state;
    const struct error err = { .code = row->code, .reason = row->reason, .text = "so it is" };
    struct decoded d;

    decode(&err, &d);
    assert_int_equal(error_status_code(&err), row->code);
    assert_int_equal(d.status->code, row->code);
    assert_string_equal(d.status->message, "so it is");
    assert_true(view_is(wire_find(d.info, 1), row->want_reason));
    assert_string_equal(d.help->links[0]->description, error_meaning(row->want_reason)->help);
    assert_int_equal(d.bad != NULL, row->wants_bad);
    assert_int_equal(d.quota != NULL, row->wants_quota);
    assert_int_equal(d.retry != NULL, row->wants_retry);
    if (row->wants_bad) {
        assert_int_equal(d.bad->n_field_violations, 1);
        assert_string_equal(d.bad->field_violations[0]->field, "");
        assert_string_equal(d.bad->field_violations[0]->description, "so it is");
    }
    if (row->wants_quota)
        assert_string_equal(d.quota->violations[0]->description, "so it is");
    decoded_free(&d);
}

/* ---- details that the error carries ---- */

static void the_details_of_the_error_are_sent(void **state)
{
    struct error err;
    struct decoded d;
    struct view fact;

    (void)state;
    error_reason(&err, ERROR_RESOURCE_EXHAUSTED, "ORG_RATE_LIMITED", "the limit is used up");
    error_field(&err, "org", "that one");
    error_field(&err, "name", "this one");
    error_quota(&err, "bucket:/api/v1/logs", "for 12 s still");
    error_retry(&err, 12000);
    error_fact(&err, "okta_error_code", "E0000047");
    decode(&err, &d);
    assert_int_equal(d.bad->n_field_violations, 2);
    assert_string_equal(d.bad->field_violations[0]->field, "org");
    assert_string_equal(d.bad->field_violations[1]->description, "this one");
    assert_string_equal(d.quota->violations[0]->subject, "bucket:/api/v1/logs");
    assert_string_equal(d.quota->violations[0]->description, "for 12 s still");
    assert_in_range(retry_ms(&d), 12000, 12000 + error_meaning("ORG_RATE_LIMITED")->spread_ms);
    assert_string_equal(d.help->links[0]->url, error_meaning("ORG_RATE_LIMITED")->url);
    fact = wire_find(d.info, 3);
    assert_true(view_is(wire_find(fact, 1), "okta_error_code"));
    assert_true(view_is(wire_find(fact, 2), "E0000047"));
    decoded_free(&d);
}

/* Of a thousand callers that are refused together, at most a fifth retry within any tenth of the interval. */
static void retries_are_spread_over_time(void **state)
{
    const struct error_meaning *m = error_meaning("SHUTTING_DOWN");
    const struct error err = { .code = ERROR_UNAVAILABLE, .reason = "SHUTTING_DOWN", .text = "going" };
    int back[11] = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct decoded d;

        decode(&err, &d);
        assert_in_range(retry_ms(&d), m->retry_ms, m->retry_ms + m->spread_ms);
        back[(retry_ms(&d) - m->retry_ms) * 10 / m->spread_ms]++;
        decoded_free(&d);
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(back[i], 1, 200);
}

/* ---- bounds ---- */

static void fill_up(struct error *err, const char *character)
{
    char many[ERROR_TEXT_MAX + 8] = "";

    for (size_t i = 0; i + strlen(character) < sizeof many; i++)
        strncat(many, character, sizeof many - strlen(many) - 1);
    error_reason(err, ERROR_RESOURCE_EXHAUSTED, "ORG_RATE_LIMITED", "%s", many);
    for (int i = 0; i < ERROR_FIELDS_MAX; i++)
        error_field(err, "a_path_of_sixty_three_bytes_which_is_as_long_as_any_path_may_be", "%s", many);
    for (int i = 0; i < ERROR_FACTS_MAX; i++)
        error_fact(err, "okta_http_status", many);
    error_quota(err, "a_subject_of_sixty_three_bytes_which_is_as_long_as_any_may_be__", "%s", many);
}

static const struct fill {
    const char *name, *character;
} fills[] = {
    { "letters", "x" },
    { "characters of three bytes", "\xe2\x82\xac" },
    { "bytes that are no UTF-8", "\xff" },
    { "bytes cut out of a character", "\xe2\x82" },
};

/* As it goes over the wire: the text percent-encoded, the details in base64. */
static void the_largest_fits_into_trailers(void **state)
{
    const struct fill *row = *state;
    struct error err;
    struct decoded d;
    grpc_slice text;
    struct view shown;

    fill_up(&err, row->character);
    decode(&err, &d);
    text = error_status_text(&err);
    shown = (struct view){ (const char *)GRPC_SLICE_START_PTR(text), GRPC_SLICE_LENGTH(text) };
    assert_true(shown.len < ERROR_TEXT_MAX && shown.len > ERROR_TEXT_MAX - 8);
    assert_true(utf8_is_clean(shown));
    assert_true(utf8_is_clean(view_of(d.status->message)));
    for (size_t i = 0; i < d.bad->n_field_violations; i++)
        assert_true(utf8_is_clean(view_of(d.bad->field_violations[i]->description)));
    assert_true(utf8_is_clean(wire_find(wire_find(d.info, 3), 2)));
    assert_int_equal(d.bad->n_field_violations, ERROR_FIELDS_MAX);
    assert_true(3 * shown.len + (ERROR_STATUS_BYTES_MAX * 4 + 2) / 3 + 512 < TRAILERS_BYTES_MAX);
    grpc_slice_unref(text);
    decoded_free(&d);
}

static void without_a_text_the_code_is_named(void **state)
{
    const struct error err = { .code = ERROR_NOT_FOUND };
    grpc_slice text = error_status_text(&err);

    (void)state;
    assert_int_equal(grpc_slice_str_cmp(text, "NOT_FOUND"), 0);
    grpc_slice_unref(text);
}

static void a_code_without_a_reason_becomes_internal(void **state)
{
    const struct error err = { .code = ERROR_UNAUTHENTICATED, .text = "x" };
    struct decoded d;

    (void)state;
    assert_int_equal(error_status_code(&err), ERROR_INTERNAL);
    decode(&err, &d);
    assert_int_equal(d.status->code, ERROR_INTERNAL);
    assert_true(view_is(wire_find(d.info, 1), "INTERNAL_ERROR"));
    decoded_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_details_of_the_error_are_sent),
        cmocka_unit_test(retries_are_spread_over_time),
        cmocka_unit_test(without_a_text_the_code_is_named),
        cmocka_unit_test(a_code_without_a_reason_becomes_internal),
    };

    return RUN_ROWS(carries, rows) + RUN_ROWS(the_largest_fits_into_trailers, fills) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
