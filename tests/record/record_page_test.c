/* A page as a whole: what is an array, where it ends, and what is said of it afterwards. */
#include "record/record.h"

#include "tests/record/pages.h"
#include "tests/rows.h"

#include <string.h>

#define PAGE_BYTES_MAX (1u << 20)
#define GOOD(uuid)     "{\"uuid\":\"" uuid "\",\"published\":\"" PAGES_PUBLISHED "\",\"eventType\":\"user.session.end\"}"

static const struct row {
    const char *name, *body;
    size_t elements;
    bool was_cut, was_truncated;
} rows[] = {
    { "empty", "[]", 0, false, false },
    { "empty, with blanks", " [ ]\n", 0, false, false },
    { "one", "[" GOOD("1") "]", 1, false, false },
    { "two, with blanks", " [ " GOOD("1") " , " GOOD("2") " ] ", 2, false, false },
    { "an element that is no JSON", "[" GOOD("1") ",{x}," GOOD("2") "]", 3, true, false },
    { "the last element is half", "[" GOOD("1") "," GOOD("2") ",{\"uuid\":\"3\",\"publ", 2, false, true },
    { "the last element is half a string", "[" GOOD("1") ",{\"uuid\":\"3", 1, false, true },
    { "it ends behind a comma", "[" GOOD("1") ",", 1, false, true },
    { "it ends behind an element", "[" GOOD("1"), 0, false, true },
    { "it ends at once", "[", 0, false, true },
    { "more behind it", "[" GOOD("1") "]<html>", 2, true, false },
};

static void is_read(void **state)
{
    const struct row *row = *state;
    struct record_maker *m = pages_maker();
    struct record_page page = { view_of(row->body), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct pages_read r;

    pages_read(&r, m, &page);
    assert_int_equal(r.count, row->elements);
    assert_int_equal(r.result.was_cut, row->was_cut);
    assert_int_equal(r.result.was_truncated, row->was_truncated);
    pages_deinit(&r);
    record_maker_destroy(m);
}

static const struct refused_row {
    const char *name, *body;
} refused_rows[] = {
    { "nothing", "" },
    { "blanks", " \n" },
    { "HTML", "<html><body>[1]</body></html>" },
    { "an error of Okta's", "{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\"}" },
    { "null", "null" },
    { "a string", "\"[]\"" },
};

static bool must_not_see(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    (void)ctx, (void)outcome, (void)record;
    fail();
    return false;
}

static bool must_not_see_user(void *ctx, const struct directory_row *row)
{
    (void)ctx, (void)row;
    fail();
    return false;
}

static void is_refused(void **state)
{
    const struct refused_row *row = *state;
    struct record_maker *m = pages_maker();
    struct record_page page = { view_of(row->body), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct record_page_result result;
    struct record_objects_result users;
    struct error err = { 0 };

    assert_false(record_page(m, &page, must_not_see, NULL, &result, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_false(
        record_objects(m, collection_by_name(VIEW("users")), page.body, must_not_see_user, NULL, &users, &err));
    record_maker_destroy(m);
}

static bool stop_at_second(void *ctx, enum record_outcome outcome, const struct journal_record *record)
{
    (void)outcome, (void)record;
    return ++*(int *)ctx < 2;
}

static void the_visitor_may_stop(void **state)
{
    struct record_maker *m = pages_maker();
    struct record_page page = { VIEW("[" GOOD("1") "," GOOD("2") "," GOOD("3") "]"), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct record_page_result result;
    struct error err;
    int seen = 0;

    (void)state;
    assert_true(record_page(m, &page, stop_at_second, &seen, &result, &err));
    assert_int_equal(seen, 2);
    record_maker_destroy(m);
}

static void the_newest_time_is_of_all_elements(void **state)
{
    static const char body[] =
        "[{\"uuid\":\"1\",\"published\":\"2026-01-01T00:00:00Z\",\"eventType\":\"user.session.end\"},"
        "{\"uuid\":\"2\",\"published\":\"2026-01-03T00:00:00Z\",\"eventType\":\"group.x\"},"
        "{\"published\":\"2026-01-02T00:00:00Z\",\"eventType\":\"user.session.end\"}]";
    struct record_maker *m = pages_maker();
    struct record_page page = { VIEW(body), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct pages_read r;
    int64_t newest;

    (void)state;
    assert_true(time_parse(VIEW("2026-01-03T00:00:00Z"), &newest));
    pages_read(&r, m, &page);
    assert_true(r.result.published_max_ms == newest);
    assert_int_equal(r.seen[0].outcome, RECORD_LOGIN);
    assert_int_equal(r.seen[1].outcome, RECORD_OTHER);
    assert_true(r.seen[1].record.published_ms == newest);
    assert_int_equal(r.seen[2].outcome, RECORD_UNPARSED);
    pages_deinit(&r);
    page.body = VIEW("[7]");
    pages_read(&r, m, &page);
    assert_true(r.result.published_max_ms == JOURNAL_NO_TIME);
    pages_deinit(&r);
    record_maker_destroy(m);
}

static void the_same_bytes_have_the_same_identity(void **state)
{
    struct record_maker *m = pages_maker();
    struct record_page page = { VIEW("[ {bad} ,{bad},{worse}]"), JOURNAL_NO_TIME, JOURNAL_TAIL };
    struct pages_read r;

    (void)state;
    pages_read(&r, m, &page);
    assert_int_equal(r.count, 3);
    assert_true(view_eq(r.seen[0].record.uuid, r.seen[1].record.uuid));
    assert_false(view_eq(r.seen[0].record.uuid, r.seen[2].record.uuid));
    /* printf '{bad}' | sha256sum */
    assert_string_equal(r.seen[0].login->uuid,
                        "sha256:578aa9d10ab9fa1cb438fe80d3ff19b67c49275766380e0c99e63a7f38dee5cb");
    assert_int_equal(r.seen[0].login->raw.len, 5);
    assert_memory_equal(r.seen[0].login->raw.data, "{bad}", 5);
    pages_deinit(&r);
    record_maker_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_visitor_may_stop),
        cmocka_unit_test(the_newest_time_is_of_all_elements),
        cmocka_unit_test(the_same_bytes_have_the_same_identity),
    };

    return RUN_ROWS(is_read, rows) + RUN_ROWS(is_refused, refused_rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
