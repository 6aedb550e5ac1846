#include "okta/bucket.h"

#include "base/assert.h"

#include <string.h>

/* Okta's own table of limits, as far as we ask there. A path is exact, with "{id}" for one segment of any content, or
 * a prefix, which ends in a star. The last row takes everything. */
static const char *const names[] = {
    "/api/v1/logs",       "/api/v1/users",
    "/api/v1/users/{id}", "/api/v1/groups/{id}",
    "/api/v1/groups*",    "/api/v1/apps/{id}",
    "/api/v1/apps*",      "/api/v1/org",
    "/api/v1/iam/*",      "/api/v1/*",
    "/oauth2/v1/token",   "/oauth2/v1/clients",
    "/.well-known/*",     "/*",
};

#define NAMES (sizeof names / sizeof names[0])
_Static_assert(NAMES <= OKTA_BUCKETS_MAX, "one budget for each");

static bool is_exact(const char *name, struct view path)
{
    const char *id = strstr(name, "{id}");
    size_t before = id != NULL ? (size_t)(id - name) : strlen(name);

    if (id == NULL)
        return view_is(path, name);
    return path.len > before && memcmp(path.at, name, before) == 0 &&
           memchr(path.at + before, '/', path.len - before) == NULL;
}

/* The length of the prefix when it matches, else 0. */
static size_t prefix_match(const char *name, struct view path)
{
    size_t len = strlen(name) - 1;

    return name[len] == '*' && path.len >= len && memcmp(path.at, name, len) == 0 ? len : 0;
}

size_t bucket_of(struct view path)
{
    const char *query = path.len > 0 ? memchr(path.at, '?', path.len) : NULL;
    size_t best = NAMES - 1, best_len = 0;

    if (query != NULL)
        path.len = (size_t)(query - path.at);
    for (size_t i = 0; i < NAMES; i++)
        if (is_exact(names[i], path))
            return i;
    for (size_t i = 0; i < NAMES; i++) {
        size_t len = prefix_match(names[i], path);

        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    return best;
}

const char *bucket_name(size_t bucket)
{
    ASSERT(bucket < NAMES);
    return names[bucket];
}
