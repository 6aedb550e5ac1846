/* What hangs below a user, a group or an app. */
#include "fixture.h"

#include <string.h>

static void first_id(struct fixture *f, const char *list, const char *tail, char target[256])
{
    assert_int_equal(fixture_ask(f, list), 200);
    snprintf(target, 256, "%.*s/%s%s", (int)strcspn(list, "?"), list,
             fixture_text(f, json_array_size(f->body) - 1, "id"), tail);
}

static const struct row {
    const char *name, *list, *tail;
    enum emulator_role role;
    int want_status;
    bool want_some;
} rows[] = {
    { "factors", "/api/v1/users?limit=3", "/factors", EMULATOR_ROLE_READ_ONLY, 200, true },
    { "roles, which few may see", "/api/v1/users?limit=1", "/roles", EMULATOR_ROLE_READ_ONLY, 403, false },
    { "roles, of an administrator", "/api/v1/users?limit=1", "/roles", EMULATOR_ROLE_SUPER, 200, true },
    { "roles, of anybody else", "/api/v1/users?limit=2", "/roles", EMULATOR_ROLE_SUPER, 200, false },
    { "members", "/api/v1/groups?limit=2", "/users", EMULATOR_ROLE_READ_ONLY, 200, true },
    { "users of an app", "/api/v1/apps?limit=1", "/users", EMULATOR_ROLE_READ_ONLY, 200, true },
    { "groups of an app", "/api/v1/apps?limit=1", "/groups", EMULATOR_ROLE_READ_ONLY, 200, true },
    { "anything else", "/api/v1/apps?limit=1", "/cars", EMULATOR_ROLE_READ_ONLY, 404, false },
};

static void are_there(void **state)
{
    const struct row *row = *state;
    struct fixture f;
    char target[256];

    fixture_init(&f);
    f.options.role = row->role;
    fixture_begin(&f);
    first_id(&f, row->list, row->tail, target);
    assert_int_equal(fixture_ask(&f, target), row->want_status);
    if (row->want_status == 200)
        assert_int_equal(json_array_size(f.body) > 0, row->want_some);
    fixture_end(&f);
}

static const struct page_row {
    const char *name, *list, *tail;
    size_t limit;
} page_rows[] = {
    { "members of Everyone", "/api/v1/groups?limit=1", "/users", 10 },
    { "users of an app", "/api/v1/apps?limit=1", "/users", 3 },
};

static void come_in_pages_each_once(void **state)
{
    const struct page_row *row = *state;
    struct names all = { .member = "id" }, paged = { .member = "id" };
    struct fixture f;
    char target[256], limited[300];

    fixture_init(&f);
    fixture_begin(&f);
    first_id(&f, row->list, row->tail, target);
    assert_int_equal(fixture_walk(&f, target, 2, names_visit, &all), 1);
    snprintf(limited, sizeof limited, "%s?limit=%zu", target, row->limit);
    assert_int_equal(fixture_walk(&f, limited, 100, names_visit, &paged), (all.count + row->limit - 1) / row->limit);
    assert_int_equal(paged.count, all.count);
    names_assert_unique(&paged);
    snprintf(limited, sizeof limited, "%s?after=x", target);
    assert_int_equal(fixture_ask(&f, limited), 400);
    assert_string_equal(fixture_error(&f), "E0000029");
    names_free(&all);
    names_free(&paged);
    fixture_end(&f);
}

static void below_nothing_there_is_nothing(void **state)
{
    static const char *const targets[] = { "/api/v1/groups/00gNone/users", "/api/v1/apps/0oaNone/groups",
                                           "/api/v1/users/00uNone/factors" };
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fixture_ask(&f, targets[i]), 404);
        assert_string_equal(fixture_error(&f), "E0000007");
    }
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(below_nothing_there_is_nothing) };

    return RUN_ROWS(are_there, rows) + RUN_ROWS(come_in_pages_each_once, page_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
