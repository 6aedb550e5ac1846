/* The org itself, its groups and its apps: enough to be probed and listed. */
#include "inside.h"

#include "names.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS         INT64_C(86400000)
#define APPS_DEFAULT   20
#define APPS_MAX       200
#define GROUPS_DEFAULT 10000 /* what the self link of a real org shows */
#define GROUPS_MAX     10000

typedef void render(struct emulator *e, size_t index);

static void put_times(struct emulator *e, enum random_stream stream, size_t index, const char *extra)
{
    char created[TIME_TEXT_SIZE], updated[TIME_TEXT_SIZE];
    uint64_t random = random_at(e->options.seed, stream, index + 7000000);

    time_format(e->options.start_unix_ms - 900 * DAY_MS + (int64_t)index * 60000, created);
    time_format(e->options.start_unix_ms - (int64_t)(random % 800 + 1) * DAY_MS, updated);
    buf_printf(&e->body, "\"created\":\"%s\",\"lastUpdated\":\"%s\",", created, updated);
    if (extra != NULL)
        buf_printf(&e->body, "\"%s\":\"%s\",", extra, updated);
}

static void render_group(struct emulator *e, size_t index)
{
    char id[ID_SIZE];

    id_make(id, "00g", e->options.seed, index);
    buf_printf(&e->body, "{\"id\":\"%s\",", id);
    put_times(e, RANDOM_ID, index, "lastMembershipUpdated");
    buf_printf(&e->body,
               "\"objectClass\":[\"okta:user_group\"],\"type\":\"%s\",\"profile\":{\"name\":\"%s\",\"description\":"
               "%s},\"_links\":{\"users\":{\"href\":\"%s/api/v1/groups/%s/users\"},\"apps\":{\"href\":"
               "\"%s/api/v1/groups/%s/apps\"}}}",
               index == 0 ? "BUILT_IN" : "OKTA_GROUP", group_names[index],
               index == 0 ? "\"All users in your organization\"" : "null", e->base_url, id, e->base_url, id);
}

static void render_app(struct emulator *e, size_t index)
{
    const struct app_name *app = &app_names[index % app_names_count];
    char id[ID_SIZE], label[128];

    id_make(id, "0oa", e->options.seed, index);
    if (index < app_names_count)
        snprintf(label, sizeof label, "%s", app->label);
    else
        snprintf(label, sizeof label, "%s %zu", app->label, index / app_names_count + 1);
    buf_printf(&e->body, "{\"id\":\"%s\",\"name\":\"%s\",\"label\":\"%s\",\"status\":\"%s\",", id, app->name, label,
               index % 10 == 9 ? "INACTIVE" : "ACTIVE");
    put_times(e, RANDOM_ID, index + 1000, NULL);
    buf_printf(&e->body,
               "\"accessibility\":{\"selfService\":false,\"errorRedirectUrl\":null,\"loginRedirectUrl\":null},"
               "\"visibility\":{\"autoLaunch\":false,\"autoSubmitToolbar\":false,\"hide\":{\"iOS\":false,\"web\":"
               "false},\"appLinks\":{\"%s_link\":true}},\"features\":[],\"signOnMode\":\"%s\",\"credentials\":{"
               "\"userNameTemplate\":{\"template\":\"${source.login}\",\"type\":\"BUILT_IN\"}},\"settings\":{"
               "\"app\":{}},\"_links\":{\"users\":{\"href\":\"%s/api/v1/apps/%s/users\"}}}",
               app->name, app->mode, e->base_url, id);
}

/* ---- lists ---- */

struct list {
    const char *prefix; /* of ids */
    size_t count, limit_default, limit_max;
    render *one;
};

static bool read_list(struct emulator *e, const struct ask *ask, const struct list *list, uint64_t *begin,
                      uint64_t *limit, struct emulator_response *out)
{
    static const struct fail bad_limit = { 400, "E0000001", false, NULL, NULL };
    static const struct fail bad_cursor = { 400, "E0000029", false, "Invalid cursor.", NULL };
    struct view value;

    *begin = 0;
    *limit = list->limit_default;
    if (query_get(ask->query, "limit", &value) && !view_u64(value, 1, INT32_MAX, limit)) {
        wire_fail(e, out, &bad_limit, "Api validation failed: limit");
        return false;
    }
    if (query_get(ask->query, "after", &value)) {
        if (!id_read(value, list->prefix, e->options.seed, begin)) {
            wire_fail(e, out, &bad_cursor, "Invalid paging request.");
            return false;
        }
        ++*begin;
    }
    *limit = *limit < list->limit_max ? *limit : list->limit_max;
    return true;
}

static void answer_list(struct emulator *e, const struct ask *ask, const struct list *list,
                        struct emulator_response *out)
{
    char next[ID_SIZE], limit_text[24];
    uint64_t begin, limit, i;

    if (!read_list(e, ask, list, &begin, &limit, out))
        return;
    buf_putc(&e->body, '[');
    for (i = begin; i < list->count && i < begin + limit; i++) {
        if (i > begin)
            buf_putc(&e->body, ',');
        list->one(e, (size_t)i);
    }
    buf_putc(&e->body, ']');
    snprintf(limit_text, sizeof limit_text, "%llu", (unsigned long long)limit);
    wire_link(e, ask, &(struct link){ .rel = "self", .limit = limit_text }, out);
    if (i < list->count || (e->options.has_next_when_full && i == begin + limit && i > begin)) {
        id_make(next, list->prefix, e->options.seed, i - 1);
        wire_link(e, ask, &(struct link){ .rel = "next", .limit = limit_text, .after = next, .after_first = true },
                  out);
    }
    wire_finish(e, out, 200);
}

static void answer_one(struct emulator *e, const struct ask *ask, const struct list *list,
                       struct emulator_response *out)
{
    static const struct fail gone = { 404, "E0000007", false, NULL, NULL };
    uint64_t place;

    if (!id_read(ask->item, list->prefix, e->options.seed, &place) || place >= list->count) {
        wire_fail(e, out, &gone, "Not found: Resource not found: " VIEW_FMT, VIEW_ARG(ask->item));
        return;
    }
    list->one(e, (size_t)place);
    wire_finish(e, out, 200);
}

static struct list groups(void)
{
    return (struct list){ "00g", group_names_count, GROUPS_DEFAULT, GROUPS_MAX, render_group };
}

static struct list apps(const struct emulator *e)
{
    return (struct list){ "0oa", e->options.apps, APPS_DEFAULT, APPS_MAX, render_app };
}

void groups_list(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct list list = groups();

    answer_list(e, ask, &list, out);
}

void groups_one(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct list list = groups();

    answer_one(e, ask, &list, out);
}

void apps_list(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct list list = apps(e);

    answer_list(e, ask, &list, out);
}

void apps_one(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct list list = apps(e);

    answer_one(e, ask, &list, out);
}

/* ---- the org ---- */

void org_one(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    char created[TIME_TEXT_SIZE];

    (void)ask;
    time_format(e->options.start_unix_ms - 1000 * DAY_MS, created);
    buf_printf(&e->body,
               "{\"id\":\"%s\",\"subdomain\":\"acme\",\"companyName\":\"Acme Åland\",\"status\":\"ACTIVE\",\"website\":"
               "\"https://acme.example\",\"created\":\"%s\",\"lastUpdated\":\"%s\",\"expiresAt\":null,\"address1\":"
               "null,\"city\":null,\"country\":null,\"phoneNumber\":null}",
               e->org_id, created, created);
    wire_finish(e, out, 200);
}

void well_known_one(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    (void)ask;
    buf_printf(&e->body, "{\"id\":\"%s\",\"pipeline\":\"idx\",\"_links\":{\"organization\":{\"href\":\"%s\"}}}",
               e->org_id, e->base_url);
    wire_finish(e, out, 200);
}
