/* What hangs below a user, a group or an app: factors and roles of a user, members of a group, users and groups of an
 * app. Who belongs where is a function of the seed. */
#include "inside.h"

#include "names.h"
#include "random.h"

#include <stdio.h>

#define MEMBER_ONE_IN 5 /* of all users, in a group or assigned to an app */

/* A paged list of things that hang below one thing. */
struct below {
    const char *prefix;   /* of the ids in it, and in its cursors */
    const char *owner;    /* of the id that it hangs below */
    size_t owners, count; /* how many of each there are */
    uint64_t limit_default, limit_max;
    bool (*has)(const struct emulator *e, size_t owner, size_t index);
    void (*put)(struct emulator *e, size_t owner, size_t index);
};

static bool by_chance(const struct emulator *e, size_t owner, size_t index)
{
    return random_at(e->options.seed, RANDOM_ORG, ((uint64_t)owner << 32) + index + 1000) % MEMBER_ONE_IN == 0;
}

/* ---- of groups ---- */

/* The first group is Everyone. */
static bool has_member(const struct emulator *e, size_t group, size_t user)
{
    const struct user *u = &e->users.at[user];

    return !u->is_deleted && u->status != USER_DEPROVISIONED && (group == 0 || by_chance(e, group, user));
}

static void put_member(struct emulator *e, size_t group, size_t user)
{
    const struct user_view view = { .base_url = e->base_url };

    (void)group;
    users_render(&e->users, user, &view, &e->body);
}

/* ---- of apps ---- */

static bool has_app_user(const struct emulator *e, size_t app, size_t user)
{
    return !e->users.at[user].is_deleted && by_chance(e, app + 1000000, user);
}

static void put_app_user(struct emulator *e, size_t app, size_t user)
{
    char created[TIME_TEXT_SIZE], id[ID_SIZE];
    struct person person;

    users_person(&e->users, user, &person);
    time_format(e->users.at[user].created_ms, created);
    id_make(id, "0oa", e->options.seed, app);
    buf_printf(
        &e->body,
        "{\"id\":\"%s\",\"externalId\":null,\"created\":\"%s\",\"lastUpdated\":\"%s\",\"scope\":\"%s\",\"status\":"
        "\"ACTIVE\",\"statusChanged\":\"%s\",\"passwordChanged\":null,\"syncState\":\"DISABLED\",\"credentials\":{"
        "\"userName\":\"%s\"},\"profile\":{\"email\":\"%s\"},\"_links\":{\"user\":{\"href\":\"%s/api/v1/users/%s\"},"
        "\"app\":{\"href\":\"%s/api/v1/apps/%s\"}}}",
        person.id, created, created, user % 3 == 0 ? "GROUP" : "USER", created, person.login, person.login, e->base_url,
        person.id, e->base_url, id);
}

static bool has_app_group(const struct emulator *e, size_t app, size_t group)
{
    return by_chance(e, app + 2000000, group);
}

static void put_app_group(struct emulator *e, size_t app, size_t group)
{
    char updated[TIME_TEXT_SIZE], id[ID_SIZE];

    (void)app;
    time_format(e->options.start_unix_ms - INT64_C(86400000) * (int64_t)(group + 1), updated);
    id_make(id, "00g", e->options.seed, group);
    buf_printf(&e->body,
               "{\"id\":\"%s\",\"lastUpdated\":\"%s\",\"priority\":%zu,\"profile\":{},\"_links\":{\"group\":{\"href\":"
               "\"%s/api/v1/groups/%s\"}}}",
               id, updated, group, e->base_url, id);
}

/* ---- a page ---- */

static bool read_page(struct emulator *e, const struct ask *ask, const struct below *below, uint64_t *begin,
                      uint64_t *limit, struct emulator_response *out)
{
    static const struct fail bad_limit = { 400, "E0000001", false, NULL, NULL };
    static const struct fail bad_cursor = { 400, "E0000029", false, "Invalid cursor.", NULL };
    struct view value;

    *begin = 0;
    *limit = below->limit_default;
    if (query_get(ask->query, "limit", &value) && !view_u64(value, 1, INT32_MAX, limit)) {
        wire_fail(e, out, &bad_limit, "Api validation failed: limit");
        return false;
    }
    *limit = *limit < below->limit_max ? *limit : below->limit_max;
    if (!query_get(ask->query, "after", &value))
        return true;
    if (!id_read(value, below->prefix, e->options.seed, begin)) {
        wire_fail(e, out, &bad_cursor, "Invalid paging request.");
        return false;
    }
    ++*begin;
    return true;
}

static void answer_page(struct emulator *e, const struct ask *ask, const struct below *below, size_t owner,
                        struct emulator_response *out)
{
    char next[ID_SIZE], limit_text[24];
    uint64_t begin, limit, put = 0, i, last = 0;

    if (!read_page(e, ask, below, &begin, &limit, out))
        return;
    buf_putc(&e->body, '[');
    for (i = begin; i < below->count; i++) {
        if (!below->has(e, owner, (size_t)i))
            continue;
        if (put == limit)
            break;
        if (put++ > 0)
            buf_putc(&e->body, ',');
        below->put(e, owner, (size_t)i);
        last = i;
    }
    buf_putc(&e->body, ']');
    snprintf(limit_text, sizeof limit_text, "%llu", (unsigned long long)limit);
    wire_link(e, ask, &(struct link){ .rel = "self", .limit = limit_text }, out);
    if (i < below->count) {
        id_make(next, below->prefix, e->options.seed, last);
        wire_link(e, ask, &(struct link){ .rel = "next", .limit = limit_text, .after = next, .after_first = true },
                  out);
    }
    wire_finish(e, out, 200);
}

static void answer_below(struct emulator *e, const struct ask *ask, const struct below *below,
                         struct emulator_response *out)
{
    static const struct fail gone = { 404, "E0000007", false, NULL, NULL };
    uint64_t owner;

    if (!id_read(ask->item, below->owner, e->options.seed, &owner) || owner >= below->owners)
        wire_fail(e, out, &gone, "Not found: Resource not found: " VIEW_FMT, VIEW_ARG(ask->item));
    else
        answer_page(e, ask, below, (size_t)owner, out);
}

void group_members(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    const struct below below = { "00u", "00g", group_names_count, e->users.count, 1000, 1000, has_member, put_member };

    answer_below(e, ask, &below, out);
}

void app_users(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    const struct below below = { "00u", "0oa", e->options.apps, e->users.count, 50, 500, has_app_user, put_app_user };

    answer_below(e, ask, &below, out);
}

void app_groups(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    const struct below below = {
        "00g", "0oa", e->options.apps, group_names_count, 20, 200, has_app_group, put_app_group
    };

    answer_below(e, ask, &below, out);
}

/* ---- of users ---- */

static bool find_user(struct emulator *e, const struct ask *ask, size_t *index, struct emulator_response *out)
{
    static const struct fail gone = { 404, "E0000007", false, NULL, NULL };

    if (users_find(&e->users, ask->item, index))
        return true;
    wire_fail(e, out, &gone, "Not found: Resource not found: " VIEW_FMT " (User)", VIEW_ARG(ask->item));
    return false;
}

/* Every second user has one. What activates it, a secret, is never in a list. */
void user_factors(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    char created[TIME_TEXT_SIZE], id[ID_SIZE];
    size_t index;

    if (!find_user(e, ask, &index, out))
        return;
    time_format(e->users.at[index].created_ms, created);
    id_make(id, "opf", e->options.seed, index);
    buf_putc(&e->body, '[');
    if (index % 2 == 0)
        buf_printf(&e->body,
                   "{\"id\":\"%s\",\"factorType\":\"push\",\"provider\":\"OKTA\",\"vendorName\":\"OKTA\",\"status\":"
                   "\"ACTIVE\","
                   "\"created\":\"%s\",\"lastUpdated\":\"%s\",\"profile\":{\"name\":\"Phone\",\"platform\":\"IOS\"}}",
                   id, created, created);
    buf_putc(&e->body, ']');
    wire_finish(e, out, 200);
}

/* The first user, whose API token it is, is the only administrator. */
void user_roles(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    char created[TIME_TEXT_SIZE];
    size_t index;

    if (!find_user(e, ask, &index, out))
        return;
    time_format(e->users.at[index].created_ms, created);
    buf_putc(&e->body, '[');
    if (index == 0)
        buf_printf(
            &e->body,
            "{\"id\":\"ra1emulator00000001d7\",\"label\":\"Super Administrator\",\"type\":\"SUPER_ADMIN\",\"status\":"
            "\"ACTIVE\",\"created\":\"%s\",\"lastUpdated\":\"%s\",\"assignmentType\":\"USER\"}",
            created, created);
    buf_putc(&e->body, ']');
    wire_finish(e, out, 200);
}
