#include "okta/bucket.h"
#include "tests/rows.h"

#include <string.h>

static const struct row {
    const char *name, *path, *want;
} rows[] = {
    { "logs", "/api/v1/logs?since=2026-03-14T09:00:00.000Z", "/api/v1/logs" },
    { "a list of users", "/api/v1/users?limit=200", "/api/v1/users" },
    { "a search of users whose text has slashes", "/api/v1/users?search=a/b/c", "/api/v1/users" },
    { "one user", "/api/v1/users/00u1", "/api/v1/users/{id}" },
    { "one user, with a query", "/api/v1/users/00u1?expand=x/y", "/api/v1/users/{id}" },
    { "something of one user", "/api/v1/users/00u1/factors", "/api/v1/*" },
    { "no user at all", "/api/v1/users/", "/api/v1/*" },
    { "a list of groups", "/api/v1/groups?limit=200", "/api/v1/groups*" },
    { "one group", "/api/v1/groups/00g1", "/api/v1/groups/{id}" },
    { "a group's members", "/api/v1/groups/00g1/users", "/api/v1/groups*" },
    { "a list of apps", "/api/v1/apps", "/api/v1/apps*" },
    { "one app", "/api/v1/apps/0oa1", "/api/v1/apps/{id}" },
    { "an app's users", "/api/v1/apps/0oa1/users?limit=500", "/api/v1/apps*" },
    { "the org", "/api/v1/org", "/api/v1/org" },
    { "roles", "/api/v1/iam/assignees/users", "/api/v1/iam/*" },
    { "the rest of the API", "/api/v1/devices", "/api/v1/*" },
    { "what only begins like logs", "/api/v1/logstream", "/api/v1/*" },
    { "tokens", "/oauth2/v1/token", "/oauth2/v1/token" },
    { "the org's identity", "/.well-known/okta-organization", "/.well-known/*" },
    { "anything else", "/login", "/*" },
};

static void a_path_counts_in(void **state)
{
    const struct row *row = *state;

    assert_string_equal(bucket_name(bucket_of(view_of(row->path))), row->want);
}

static void every_name_fits_its_field(void **state)
{
    (void)state;
    for (size_t i = 0; i <= bucket_of(VIEW("/")); i++)
        assert_in_range(strlen(bucket_name(i)), 1, OKTA_BUCKET_NAME_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(every_name_fits_its_field) };

    return RUN_ROWS(a_path_counts_in, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
