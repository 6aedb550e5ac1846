#include "model/collection.h"

/* https://developer.okta.com/docs/reference/rl-global-mgmt/ lists the buckets; every collection has one of its own. */
const struct collection collection_table[] = {
    {
        .id = 1,
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
        .id = 2,
        .name = "users",
        .kind = COLLECTION_OBJECTS,
        .path = "/api/v1/users",
        .page_size = 200,
        .page_size_min = 25,
        /* A plain listing leaves deactivated users out; a search has users in every state. No update changes the time
         * of creation, so the order stands still while the pages are read. */
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
};
const size_t collection_table_count = sizeof collection_table / sizeof collection_table[0];
