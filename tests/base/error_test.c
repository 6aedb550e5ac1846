#include "base/error.h"

#include "base/error_reasons.h"
#include "base/str.h"
#include "tests/rows.h"

#include <string.h>

static void an_error_says_code_and_text(void **state)
{
    struct error err;

    (void)state;
    assert_false(error_set(&err, ERROR_NOT_FOUND, "no user %d", 7));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_null(err.reason);
    assert_string_equal(err.text, "no user 7");
}

static void wrapping_puts_in_front_and_keeps_the_rest(void **state)
{
    struct error err;

    (void)state;
    assert_false(error_reason(&err, ERROR_FAILED_PRECONDITION, "ORG_MISMATCH", "another org"));
    assert_false(error_wrap(&err, "configure %s", "acme"));
    assert_string_equal(err.text, "configure acme: another org");
    assert_string_equal(err.reason, "ORG_MISMATCH");
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
}

static void details_are_added_and_survive_wrapping(void **state)
{
    struct error err;

    (void)state;
    memset(&err, 0xff, sizeof err);
    assert_false(error_invalid(&err, "PAGE_SIZE_INVALID", "page_size", "at most %d", 7));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_int_equal(err.field_count, 1);
    assert_string_equal(err.fields[0].path, "page_size");
    assert_string_equal(err.fields[0].text, "at most 7");
    assert_int_equal(err.fact_count, 0);
    assert_int_equal(err.retry_ms, 0);
    assert_string_equal(err.quota.subject, "");
    assert_false(error_fact(&err, "connector", "acme"));
    assert_false(error_fact(&err, "nothing", ""));
    assert_false(error_quota(&err, "connectors", "%d of %d", 64, 64));
    assert_false(error_retry(&err, 1500));
    assert_false(error_wrap(&err, "outside"));
    assert_string_equal(err.text, "outside: at most 7");
    assert_int_equal(err.field_count, 1);
    assert_int_equal(err.fact_count, 1);
    assert_string_equal(err.facts[0].key, "connector");
    assert_string_equal(err.facts[0].value, "acme");
    assert_string_equal(err.quota.subject, "connectors");
    assert_string_equal(err.quota.text, "64 of 64");
    assert_int_equal(err.retry_ms, 1500);
    assert_false(error_set(&err, ERROR_INTERNAL, "another"));
    assert_int_equal(err.field_count + err.fact_count, 0);
    assert_int_equal(err.retry_ms, 0);
    assert_string_equal(err.quota.subject, "");
}

static void what_is_wrong_is_gathered(void **state)
{
    struct error err, why;
    bool ok = true;

    (void)state;
    error_invalid(&why, "NAME_INVALID", "name", "no name");
    ok = error_also(&err, ok, &why);
    error_invalid(&why, "HISTORY_DAYS_INVALID", "history_days", "91 days");
    ok = error_also(&err, ok, &why);
    assert_false(ok);
    assert_string_equal(err.reason, "NAME_INVALID");
    assert_string_equal(err.text, "no name; 91 days");
    assert_int_equal(err.field_count, 2);
    assert_string_equal(err.fields[1].path, "history_days");
    assert_string_equal(err.fields[1].text, "91 days");
}

static void a_field_within_a_message_has_its_whole_path(void **state)
{
    struct error err;

    (void)state;
    error_invalid(&err, "CREDENTIAL_INVALID", "key_id", "no key");
    error_within(&err, "service_app");
    assert_string_equal(err.fields[0].path, "service_app.key_id");
    for (int i = 0; i < 20; i++)
        error_within(&err, "a\xe2\x82\xac");
    assert_true(strlen(err.fields[0].path) < ERROR_NAME_MAX);
    assert_true(utf8_is_clean(view_of(err.fields[0].path)));
}

static void what_finds_no_room_is_dropped(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_INVALID_ARGUMENT, "much");
    for (int i = 0; i < 100; i++) {
        error_field(&err, "a field whose path is much longer than any path of a field of ours will ever be", "%0300d",
                    i);
        error_fact(&err, "key", "value");
        error_also(&err, false, &err);
    }
    assert_int_equal(err.field_count, ERROR_FIELDS_MAX);
    assert_int_equal(err.fact_count, ERROR_FACTS_MAX);
    assert_int_equal(strlen(err.fields[0].path), ERROR_NAME_MAX - 1);
    assert_int_equal(strlen(err.fields[0].text), ERROR_DETAIL_MAX - 1);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

/* ---- the catalogue ---- */

static void the_catalogue_is_well_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < error_meaning_count; i++) {
        const struct error_meaning *m = &error_meanings[i];

        assert_true(i == 0 || strcmp(m[-1].reason, m->reason) < 0);
        assert_true(strlen(m->reason) <= 63);
        assert_int_equal(strspn(m->reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(m->reason));
        assert_true(strlen(m->help) < ERROR_DETAIL_MAX);
        assert_int_equal(m->help[strlen(m->help) - 1], '.');
        assert_true(m->url == NULL || view_starts(view_of(m->url), "https://"));
        assert_true(m->code > ERROR_OK && m->code <= ERROR_DATA_LOSS); /* UNAUTHENTICATED is nobody's */
        assert_true(m->code != ERROR_UNAVAILABLE || (m->retry_ms > 0 && m->spread_ms > 0));
        assert_int_equal(m->code == ERROR_RESOURCE_EXHAUSTED, m->quota != NULL);
        assert_ptr_equal(error_meaning(m->reason), m);
    }
    assert_null(error_meaning("SOMETHING_ELSE"));
    assert_null(error_meaning(NULL));
}

/* Where the code has a reason of its own, that one; a bug of ours else. */
static void an_error_without_a_reason_has_its_codes(void **state)
{
    (void)state;
    for (int code = 1; code < 20; code++) {
        const struct error err = { .code = (enum error_code)code };
        const struct error_meaning *m = error_meaning_of(&err);

        assert_non_null(m);
        assert_true(m->code == err.code || m->code == ERROR_INTERNAL);
        if (code == ERROR_DATA_LOSS || code == ERROR_UNAVAILABLE || code == ERROR_RESOURCE_EXHAUSTED ||
            code == ERROR_FAILED_PRECONDITION || code == ERROR_NOT_FOUND || code == ERROR_INVALID_ARGUMENT)
            assert_int_equal(m->code, err.code);
    }
}

static void nobody_listens(void **state)
{
    (void)state;
    assert_false(error_set(NULL, ERROR_INTERNAL, "x"));
    assert_false(error_reason(NULL, ERROR_INTERNAL, "X", "x"));
    assert_false(error_wrap(NULL, "x"));
    assert_false(error_invalid(NULL, "X", "x", "x"));
    assert_false(error_field(NULL, "x", "x"));
    assert_false(error_quota(NULL, "x", "x"));
    assert_false(error_fact(NULL, "x", "x"));
    assert_false(error_retry(NULL, 1));
    assert_false(error_within(NULL, "x"));
    assert_false(error_also(NULL, true, NULL));
}

/* The text is cut at every place of a three-byte character in turn. */
static void what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        AUTO_BUF struct buf text = BUF(4096);
        struct error err;

        for (size_t i = 0; i < shift; i++)
            buf_putc(&text, 'x');
        for (size_t i = 0; i < ERROR_TEXT_MAX; i++)
            buf_puts(&text, "\xe2\x82\xac");
        error_set(&err, ERROR_INTERNAL, "%s", buf_cstr(&text));
        assert_true(strlen(err.text) < ERROR_TEXT_MAX);
        assert_true(strlen(err.text) > ERROR_TEXT_MAX - 5);
        assert_true(utf8_is_clean(view_of(err.text)));
        error_wrap(&err, "w");
        assert_true(utf8_is_clean(view_of(err.text)));
    }
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(error_code_name(ERROR_OK), "OK");
    assert_string_equal(error_code_name(ERROR_UNAUTHENTICATED), "UNAUTHENTICATED");
    assert_string_equal(error_code_name((enum error_code)17), "UNKNOWN");
    assert_string_equal(error_code_name((enum error_code) - 1), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_says_code_and_text),
        cmocka_unit_test(wrapping_puts_in_front_and_keeps_the_rest),
        cmocka_unit_test(details_are_added_and_survive_wrapping),
        cmocka_unit_test(what_is_wrong_is_gathered),
        cmocka_unit_test(a_field_within_a_message_has_its_whole_path),
        cmocka_unit_test(what_finds_no_room_is_dropped),
        cmocka_unit_test(the_catalogue_is_well_made),
        cmocka_unit_test(an_error_without_a_reason_has_its_codes),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(codes_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
