/* One request:
 *
 * 1. Time passes: what became due is persisted.
 * 2. It is counted, and what no read-only client does is counted as a violation.
 * 3. A route is found by its path; its bucket is charged; a fault that was asked for answers in its place.
 * 4. Method, credential, parameters and role are checked, in this order.
 * 5. The endpoint answers from the state as of now. */
#include "inside.h"

#include "base/mem.h"
#include "random.h"

#include <string.h>

#define TOKEN_PATH "/oauth2/v1/token"

struct route {
    const char *path;
    bool is_item; /* one more segment follows */
    enum bucket_name bucket;
    endpoint *answer;
    const char *params;
    const char *scope; /* NULL: it needs no credential */
    enum data_kind kind;
    const char *tail; /* of an item: what follows its segment; NULL: nothing */
};

#define USERS  "okta.users.read", DATA_USERS
#define GROUPS "okta.groups.read", DATA_GROUPS
#define APPS   "okta.apps.read", DATA_APPS
static const struct route routes[] = {
    { "/api/v1/logs", false, BUCKET_LOGS, logs_list, "since until after filter q limit sortOrder", "okta.logs.read",
      DATA_LOGS, NULL },
    { "/api/v1/users", false, BUCKET_USERS, users_list, "limit after search filter q sortBy sortOrder", USERS, NULL },
    { "/api/v1/users/", true, BUCKET_USER, users_one, "", USERS, NULL },
    { "/api/v1/users/", true, BUCKET_OTHER, user_factors, "", USERS, "/factors" },
    { "/api/v1/users/", true, BUCKET_OTHER, user_roles, "", "okta.roles.read", DATA_ROLES, "/roles" },
    { "/api/v1/groups/", true, BUCKET_GROUPS, group_members, "limit after", GROUPS, "/users" },
    { "/api/v1/apps/", true, BUCKET_APPS, app_users, "limit after", APPS, "/users" },
    { "/api/v1/apps/", true, BUCKET_APPS, app_groups, "limit after", APPS, "/groups" },
    { "/api/v1/groups", false, BUCKET_GROUPS, groups_list, "limit after", GROUPS, NULL },
    { "/api/v1/groups/", true, BUCKET_OTHER, groups_one, "", GROUPS, NULL },
    { "/api/v1/apps", false, BUCKET_APPS, apps_list, "limit after", APPS, NULL },
    { "/api/v1/apps/", true, BUCKET_OTHER, apps_one, "", APPS, NULL },
    { "/api/v1/org", false, BUCKET_OTHER, org_one, "", "okta.orgs.read", DATA_ORG, NULL },
    { "/.well-known/okta-organization", false, BUCKET_UNLIMITED, well_known_one, "", NULL, DATA_KINDS, NULL },
    { TOKEN_PATH, false, BUCKET_TOKEN, token_make, "", NULL, DATA_KINDS, NULL },
};

/* ---- counting ---- */

static void count_path(struct emulator *e, struct view path)
{
    size_t i;

    e->request_count++;
    for (i = e->paths_count; i > 0; i--)
        if (view_is(path, e->paths[i - 1].path))
            break;
    if (i > 0) {
        e->paths[i - 1].count++;
        return;
    }
    if (e->paths_count == PATHS_MAX || memchr(path.at, '\0', path.len) != NULL)
        return;
    if (e->paths_count == e->paths_room) {
        e->paths_room = e->paths_room * 2 + 16;
        e->paths = mem_grow(e->paths, e->paths_room * sizeof *e->paths);
    }
    e->paths[e->paths_count++] = (struct path_count){ view_dup(path), 1 };
}

/* ---- what comes before an endpoint ---- */

/* Whether it is the route's path, one segment, which goes into *item, and the route's tail. */
static bool is_below(struct view path, const struct route *route, struct view *item)
{
    const char *tail = route->tail != NULL ? route->tail : "";
    size_t len = strlen(route->path), tail_len = strlen(tail);

    if (!view_starts(path, route->path) || path.len <= len + tail_len || !view_ends(path, tail) ||
        memchr(path.at + len, '/', path.len - len - tail_len) != NULL)
        return false;
    *item = (struct view){ path.at + len, path.len - len - tail_len };
    return true;
}

static const struct route *find_route(struct view path, struct view *item)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (routes[i].is_item ? is_below(path, &routes[i], item) : view_is(path, routes[i].path))
            return &routes[i];
    return NULL;
}

static const char *method_of(const struct route *route)
{
    return route != NULL && route->answer == token_make ? "POST" : "GET";
}

/* In one minute of four, from some moment of it on. */
static int32_t burst(const struct emulator *e, const struct bucket *b, int64_t elapsed_ms)
{
    uint64_t random = random_at(e->options.seed, RANDOM_ERROR, (uint64_t)b->reset_unix_s);

    if (random % 4 != 0 || elapsed_ms < (int64_t)(random >> 32) % (WINDOW_S * 1000))
        return 0;
    return (int32_t)((int64_t)b->limit * e->options.burst_percent / 100);
}

/* Requests left in the window before this one; negative when there is none for it. Other tools spend their part evenly
 * over the window. */
static int32_t charge(struct emulator *e, struct bucket *b)
{
    int64_t begin_ms, elapsed_ms;
    int32_t neighbours;

    if (e->now_ms >= b->reset_unix_s * 1000) {
        b->reset_unix_s = e->now_ms / 1000 + WINDOW_S;
        b->spent = 0;
    }
    begin_ms = (b->reset_unix_s - WINDOW_S) * 1000;
    elapsed_ms = e->now_ms - begin_ms;
    neighbours = (int32_t)(elapsed_ms * b->limit * e->options.neighbour_percent / 100 / (WINDOW_S * 1000));
    neighbours += burst(e, b, elapsed_ms);
    if (b->spent + neighbours >= b->limit)
        return -1;
    b->spent++;
    return b->limit - b->spent - neighbours;
}

static void answer_429(struct emulator *e, struct emulator_response *out)
{
    static const struct fail fail = { 429, "E0000047", false, NULL, NULL };

    wire_fail(e, out, &fail, "API call exceeded rate limit due to too many requests.");
}

/* False: it was answered. */
static bool check_accept(struct emulator *e, struct view accept, struct emulator_response *out)
{
    static const struct fail not_acceptable = { 406, "E0000122", false, NULL, NULL };

    if (accept.len == 0 || memmem(accept.at, accept.len, "application/json", 16) != NULL ||
        memmem(accept.at, accept.len, "*/*", 3) != NULL)
        return true;
    wire_fail(e, out, &not_acceptable, "The Accept header lacks application/json");
    return false;
}

static bool check_params(struct emulator *e, const struct route *route, struct view text, struct query *query,
                         struct emulator_response *out)
{
    static const struct fail invalid = { 400, "E0000001", false, NULL, NULL };
    static const struct fail mismatch = { 400, "E0000037", false, NULL, NULL };
    struct view unknown;

    if (!query_parse(query, text)) {
        wire_fail(e, out, &invalid, "Api validation failed: the query cannot be read");
        return false;
    }
    if (query->doubled.len > 0) {
        e->violations++;
        wire_fail(e, out, &mismatch, "Type mismatch exception. Could not parse the given value: " VIEW_FMT,
                  VIEW_ARG(query->doubled));
        return false;
    }
    unknown = query_unknown(query, route->params);
    if (unknown.len == 0)
        return true;
    wire_fail(e, out, &invalid, "Api validation failed: unknown parameter " VIEW_FMT, VIEW_ARG(unknown));
    return false;
}

/* Who has no role for it sees an empty list of users, and is refused everything else. False: it was answered. */
static bool check_role(struct emulator *e, const struct route *route, struct emulator_response *out)
{
    static const struct fail no_role = { 403, "E0000006", false, NULL, NULL };

    if (route->scope == NULL || role_allows(e->role, route->kind))
        return true;
    if (route->answer == users_list) {
        buf_puts(&e->body, "[]");
        wire_finish(e, out, 200);
    } else {
        wire_fail(e, out, &no_role, "You do not have permission to perform the requested action");
    }
    return false;
}

static void run_route(struct emulator *e, const struct route *route, struct ask *ask, struct view query_text,
                      struct emulator_response *out)
{
    static const struct fail wrong_method = { 405, "E0000022", false, NULL, NULL };
    static const struct fail bad_path = { 400, "E0000001", false, NULL, NULL };

    if (strcmp(ask->request->method, method_of(route)) != 0) {
        wire_fail(e, out, &wrong_method, "The endpoint does not support the provided HTTP method");
        return;
    }
    if ((route->scope != NULL && !access_check(e, ask, route->scope, out)) ||
        !check_accept(e, ask->request->accept, out) || !check_params(e, route, query_text, ask->query, out) ||
        !check_role(e, route, out))
        return;
    if (!query_decode_segment(ask->item, &ask->query->segment)) {
        wire_fail(e, out, &bad_path, "The requested path cannot be read");
        return;
    }
    ask->item = buf_view(&ask->query->segment);
    route->answer(e, ask, out);
}

/* ---- the request ---- */

static void note_violations(struct emulator *e, const struct route *route, const struct emulator_request *request)
{
    e->violations += strcmp(request->method, "GET") != 0 && strcmp(request->method, method_of(route)) != 0;
    e->violations += request->cookie.len > 0;
}

static void answer(struct emulator *e, const struct route *route, struct view query_text, struct ask *ask,
                   struct emulator_response *out)
{
    static const struct fail no_such_path = { 404, "E0000008", false, NULL, NULL };

    if (route == NULL)
        wire_fail(e, out, &no_such_path, "The requested path was not found");
    else
        run_route(e, route, ask, query_text, out);
}

static void dispatch(struct emulator *e, const struct emulator_request *request, struct view query_text,
                     struct ask *ask, struct emulator_response *out)
{
    const struct route *route = find_route(ask->path, &ask->item);
    const struct emulator_fault *fault = request->fault != NULL ? request->fault : faults_pick(&e->faults, request);
    int32_t remaining = 0, shown_remaining;
    struct bucket shown;

    note_violations(e, route, request);
    if (route != NULL && route->bucket != BUCKET_UNLIMITED) {
        remaining = charge(e, &e->buckets[route->bucket]);
        shown = e->buckets[route->bucket];
        shown_remaining = remaining < 0 ? 0 : remaining;
        if (fault != NULL)
            fault_rate(e, fault, &shown, &shown_remaining);
        wire_rate_headers(&shown, shown_remaining, out);
    }
    if (fault == NULL || !fault_answers(e, fault, request, out)) {
        if (remaining < 0)
            answer_429(e, out);
        else
            answer(e, route, query_text, ask, out);
    }
    if (fault != NULL)
        fault_deliver(e, fault, out);
}

void emulator_answer(struct emulator *e, const struct emulator_request *request, struct emulator_response *out)
{
    const char *mark = request->target.len > 0 ? memchr(request->target.at, '?', request->target.len) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - request->target.at) : request->target.len;
    struct view query_text = { request->target.at + path_len, request->target.len - path_len };
    struct query query;
    struct ask ask = { .request = request, .path = { request->target.at, path_len }, .query = &query };

    if (query_text.len > 0)
        query_text.at++, query_text.len--;
    query_init(&query);
    emulator_advance(e, request->now_unix_ms);
    out->status = 0;
    out->body = VIEW_NONE;
    out->delivery = (struct emulator_delivery){ .how = EMULATOR_FAULT_ANSWER };
    wire_begin(e, out);
    count_path(e, ask.path);
    dispatch(e, request, query_text, &ask, out);
    e->answers_429 += out->status == 429;
    query_deinit(&query);
}

void emulator_response_init(struct emulator_response *out)
{
    *out = (struct emulator_response){ .head = BUF(HEAD_BYTES_MAX) };
}

void emulator_response_deinit(struct emulator_response *out)
{
    buf_deinit(&out->head);
}
