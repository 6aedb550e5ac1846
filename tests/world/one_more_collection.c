/* The table of collections with one more row, groups; the file that converts them; and the line by which they may be
 * asked for. Linked into a test in place of the server's own tables. */
#include "okta/allowed.h"
#include "record/record_parts.h"
#include "world/collections.h"

#include "okta/connector/v1/directory.pb-c.h"

const struct collection collection_table[] = {
    {
        .id = COLLECTION_LOGINS,
        .name = "logins",
        .kind = COLLECTION_LOG,
        .path = "/api/v1/logs",
        .page_size = 1000,
        .page_size_min = 50,
        .scope = "okta.logs.read",
        .role = "Report Administrator",
        .action = "read the System Log",
        .members = "events",
        .member = "event",
    },
    {
        .id = COLLECTION_USERS,
        .name = "users",
        .kind = COLLECTION_OBJECTS,
        .path = "/api/v1/users",
        .page_size = 200,
        .page_size_min = 25,
        .list_all = "search={created gt \"$since\"}&sortBy=created&sortOrder=asc&limit=$limit",
        .list_changed = "search={lastUpdated gt \"$since\"}&sortBy=lastUpdated&sortOrder=asc&limit=$limit",
        .refresh_ms = INT64_C(300000),
        .scope = "okta.users.read",
        .role = "Read-only Administrator",
        .action = "list users",
        .members = "users",
        .member = "user",
        .is_never_empty = true,
        .store_number = 1,
    },
    {
        .id = COLLECTION_ONE_MORE,
        .name = "groups",
        .kind = COLLECTION_OBJECTS,
        .path = "/api/v1/groups",
        .page_size = 2,
        .page_size_min = 1,
        .list_all = "limit=$limit",
        .list_changed = "limit=$limit",
        .refresh_ms = INT64_C(300000),
        .scope = "okta.groups.read",
        .role = "Read-only Administrator",
        .action = "list groups",
        .members = "groups",
        .member = "group",
        .is_never_empty = true,
        .store_number = 2,
    },
};
const size_t collection_table_count = sizeof collection_table / sizeof collection_table[0];

/* Of a group the id alone, in a message that has one. */
static bool record_group(struct record_maker *m, struct json group, struct directory_row *out)
{
    Okta__Connector__V1__User message;
    struct view id;

    if (!json_string(json_get(group, "id"), &id) || id.len == 0 || id.len > DIRECTORY_ID_MAX)
        return false;
    okta__connector__v1__user__init(&message);
    message.id = record_text(m, id, DIRECTORY_ID_MAX);
    *out = (struct directory_row){ .id = view_of(message.id), .facets = DIRECTORY_FACET_OBJECT };
    out->encoded = record_encode(m, &message.base);
    return true;
}

static bool record_group_check(const struct directory_row *row, struct error *err)
{
    struct view message;

    return record_message(row->encoded, &message) || record_disagrees(err, "message");
}

const struct record_kind record_kinds[] = {
    { "users", record_user, record_user_check },
    { "groups", record_group, record_group_check },
};
const size_t record_kind_count = sizeof record_kinds / sizeof record_kinds[0];

const struct allowed allowed[] = {
    { "GET", "/.well-known/okta-organization", false },
    { "GET", "/api/v1/logs", true },
    { "GET", "/api/v1/users", true },
    { "GET", "/api/v1/iam/assignees/users", true },
    { "GET", "/api/v1/groups", true },
};
const size_t allowed_count = sizeof allowed / sizeof allowed[0];
