#include "model/collection.h"

#include "rows.h"

#include <string.h>

#define T INT64_C(1773480413589) /* 2026-03-14T09:26:53.589Z */

static void every_row_is_sound(void **state)
{
    const struct collection *c;

    (void)state;
    for (size_t i = 0; (c = collection_at(i)) != NULL; i++) {
        assert_in_range(c->id, 1, COLLECTION_IDS_MAX - 1);
        assert_in_range(strlen(c->name), 1, COLLECTION_NAME_MAX);
        assert_ptr_equal(collection_by_id(c->id), c);
        assert_ptr_equal(collection_by_name(view_of(c->name)), c);
        assert_true(c->page_size >= c->page_size_min && c->page_size_min > 0);
        assert_true(view_starts(view_of(c->path), "/api/v1/"));
        assert_true(c->scope != NULL && c->role != NULL && c->action != NULL && c->members != NULL &&
                    c->member != NULL);
        if (c->kind == COLLECTION_LOG)
            continue;
        assert_true(c->list_all != NULL && c->list_changed != NULL && c->refresh_ms > 0);
        assert_ptr_equal(collection_by_store_number(c->store_number), c);
    }
}

static void there_is_one_log_and_it_asks_first(void **state)
{
    size_t logs = 0;

    (void)state;
    for (size_t i = 0; collection_at(i) != NULL; i++)
        logs += collection_at(i)->kind == COLLECTION_LOG;
    assert_int_equal(logs, 1);
    assert_ptr_equal(collection_log(), collection_at(0));
}

static void what_is_not_in_the_table_is_not_found(void **state)
{
    (void)state;
    assert_null(collection_by_id(0));
    assert_null(collection_by_id(COLLECTION_IDS_MAX));
    assert_null(collection_by_name(VIEW("nonsense")));
    assert_null(collection_by_name(VIEW("")));
    assert_null(collection_by_store_number(0));
    assert_null(collection_at(1000));
}

static void a_set_is_written_as_names(void **state)
{
    AUTO_BUF struct buf out = BUF(256);

    (void)state;
    collection_names(collection_all(), ",", &out);
    assert_string_equal(buf_cstr(&out), "logins,users");
    buf_reset(&out);
    collection_names(0, ",", &out);
    assert_int_equal(out.len, 0);
}

static const struct query_row {
    const char *name;
    bool is_of_changes;
    int64_t since_ms;
    uint32_t limit;
    const char *want;
} queries[] = {
    { "all users, deactivated ones included", false, 0, 200,
      "/api/v1/users?search=created%20gt%20%221970-01-01T00%3A00%3A00.000Z%22&sortBy=created&sortOrder=asc&limit=200" },
    { "users changed since a time", true, T, 25,
      "/api/v1/users?search=lastUpdated%20gt%20%222026-03-14T09%3A26%3A53.589Z%22&sortBy=lastUpdated&sortOrder=asc"
      "&limit=25" },
};

static void query_is(void **state)
{
    const struct query_row *row = *state;
    const struct collection *users = collection_by_name(VIEW("users"));
    AUTO_BUF struct buf out = BUF(1024);

    collection_query(users, row->is_of_changes ? users->list_changed : users->list_all, row->since_ms, row->limit,
                     &out);
    assert_string_equal(buf_cstr(&out), row->want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(there_is_one_log_and_it_asks_first),
        cmocka_unit_test(what_is_not_in_the_table_is_not_found),
        cmocka_unit_test(a_set_is_written_as_names),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    return failed + RUN_ROWS(query_is, queries);
}
