/* One request:
 *
 * 1. Time passes: what became due is persisted.
 * 2. It is counted, and what no read-only client does is counted as a violation.
 * 3. A route is found by its path; its bucket is charged; a fault that was asked for answers in its place.
 * 4. Method, credential, limit and parameters are checked, in this order.
 * 5. The endpoint answers from the state as of now. */
#include "inside.h"

#include "base/assert.h"
#include "base/mem.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define SHELF_BLOCK 1024

struct route {
    const char *path;
    bool is_item; /* one more segment follows */
    bool is_open; /* no credential */
    enum bucket_name bucket;
    endpoint *answer;
    const char *params;
};

static const struct route routes[] = {
    { "/api/v1/logs", false, false, BUCKET_LOGS, logs_list, "since until after filter q limit sortOrder" },
    { "/api/v1/users", false, false, BUCKET_USERS, users_list, "limit after search filter q sortBy sortOrder" },
    { "/api/v1/users/", true, false, BUCKET_USER, users_one, "" },
    { "/api/v1/groups", false, false, BUCKET_GROUPS, groups_list, "limit after" },
    { "/api/v1/groups/", true, false, BUCKET_OTHER, groups_one, "" },
    { "/api/v1/apps", false, false, BUCKET_APPS, apps_list, "limit after" },
    { "/api/v1/apps/", true, false, BUCKET_OTHER, apps_one, "" },
    { "/api/v1/org", false, false, BUCKET_OTHER, org_one, "" },
    { "/.well-known/okta-organization", false, true, BUCKET_UNLIMITED, well_known_one, "" },
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

uint64_t emulator_requests(const struct emulator *e, const char *prefix)
{
    uint64_t sum = 0;

    if (*prefix == '\0')
        return e->request_count;
    for (size_t i = 0; i < e->paths_count; i++)
        if (view_starts(view_of(e->paths[i].path), prefix))
            sum += e->paths[i].count;
    return sum;
}

uint64_t emulator_violations(const struct emulator *e)
{
    return e->violations;
}

uint64_t emulator_answers_429(const struct emulator *e)
{
    return e->answers_429;
}

/* ---- what comes before an endpoint ---- */

static const struct route *find_route(struct view path, struct view *item)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        size_t len = strlen(routes[i].path);

        if (!routes[i].is_item && view_is(path, routes[i].path))
            return &routes[i];
        if (!routes[i].is_item || !view_starts(path, routes[i].path) || path.len == len ||
            memchr(path.at + len, '/', path.len - len) != NULL)
            continue;
        *item = (struct view){ path.at + len, path.len - len };
        return &routes[i];
    }
    return NULL;
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
    if (b->spent + neighbours >= b->limit)
        return -1;
    b->spent++;
    return b->limit - b->spent - neighbours;
}

static struct fault *find_fault(struct emulator *e, struct view target)
{
    for (size_t i = 0; i < e->faults_count; i++)
        if (e->faults[i].count > 0 && view_starts(target, e->faults[i].prefix))
            return &e->faults[i];
    return NULL;
}

static void answer_429(struct emulator *e, struct emulator_response *out)
{
    static const struct fail fail = { 429, "E0000047", false, NULL, NULL };

    wire_fail(e, out, &fail, "API call exceeded rate limit due to too many requests.");
}

static void answer_fault(struct emulator *e, struct fault *fault, struct emulator_response *out)
{
    static const struct {
        struct fail fail;
        const char *summary;
    } usual[] = {
        { { 400, "E0000001", false, NULL, NULL }, "Api validation failed" },
        { { 401, "E0000011", false, NULL, NULL }, "Invalid token provided" },
        { { 403, "E0000006", false, NULL, NULL }, "You do not have permission to perform the requested action" },
        { { 404, "E0000007", false, NULL, NULL }, "Not found: Resource not found" },
        { { 500, "E0000009", false, NULL, NULL }, "Internal Server Error" },
        { { 503, "E0000010", false, NULL, NULL }, "Service is in read only mode" },
    };

    fault->count--;
    if (fault->body != NULL) {
        buf_puts(&e->body, fault->body);
        wire_finish(e, out, fault->status);
        return;
    }
    if (fault->status == 429) {
        answer_429(e, out);
        return;
    }
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (usual[i].fail.status == fault->status)
            wire_fail(e, out, &usual[i].fail, "%s", usual[i].summary);
    if (out->status == 0)
        wire_finish(e, out, fault->status);
}

/* False: it was answered. */
static bool check_credential(struct emulator *e, struct view authorization, struct emulator_response *out)
{
    static const struct fail no_session = { 403, "E0000005", false, NULL, NULL };
    static const struct fail bad_token = { 401, "E0000011", false, NULL, NULL };

    if (!view_starts(authorization, "SSWS ")) {
        wire_fail(e, out, &no_session, "Invalid session");
        return false;
    }
    authorization.at += 5;
    authorization.len -= 5;
    if (e->is_token_revoked || !view_is(authorization, e->token)) {
        wire_fail(e, out, &bad_token, "Invalid token provided");
        return false;
    }
    return true;
}

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

static void run_route(struct emulator *e, const struct route *route, const struct emulator_request *request,
                      struct ask *ask, struct view query_text, struct emulator_response *out)
{
    static const struct fail wrong_method = { 405, "E0000022", false, NULL, NULL };
    static const struct fail bad_path = { 400, "E0000001", false, NULL, NULL };

    if (strcmp(request->method, "GET") != 0) {
        wire_fail(e, out, &wrong_method, "The endpoint does not support the provided HTTP method");
        return;
    }
    if ((!route->is_open && !check_credential(e, request->authorization, out)) ||
        !check_accept(e, request->accept, out) || !check_params(e, route, query_text, ask->query, out))
        return;
    if (!query_decode_segment(ask->item, &ask->query->segment)) {
        wire_fail(e, out, &bad_path, "The requested path cannot be read");
        return;
    }
    ask->item = buf_view(&ask->query->segment);
    route->answer(e, ask, out);
}

/* ---- the request ---- */

static void note_violations(struct emulator *e, const struct emulator_request *request)
{
    e->violations += strcmp(request->method, "GET") != 0;
    e->violations += request->cookie.len > 0;
}

static void dispatch(struct emulator *e, const struct emulator_request *request, struct view query_text,
                     struct ask *ask, struct emulator_response *out)
{
    static const struct fail no_such_path = { 404, "E0000008", false, NULL, NULL };
    const struct route *route = find_route(ask->path, &ask->item);
    struct fault *fault = find_fault(e, request->target);
    int32_t remaining = 0;

    if (route != NULL && route->bucket != BUCKET_UNLIMITED) {
        remaining = charge(e, &e->buckets[route->bucket]);
        wire_rate_headers(&e->buckets[route->bucket],
                          remaining < 0 || (fault != NULL && fault->status == 429) ? 0 : remaining, out);
    }
    if (fault != NULL)
        answer_fault(e, fault, out);
    else if (route == NULL)
        wire_fail(e, out, &no_such_path, "The requested path was not found");
    else if (remaining < 0)
        answer_429(e, out);
    else
        run_route(e, route, request, ask, query_text, out);
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
    wire_begin(e, out);
    count_path(e, ask.path);
    note_violations(e, request);
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

/* ---- control ---- */

void emulator_advance(struct emulator *e, int64_t now_unix_ms)
{
    if (now_unix_ms > e->now_ms)
        e->now_ms = now_unix_ms;
    events_advance(&e->events, e->now_ms);
}

void emulator_stop_logins(struct emulator *e)
{
    e->events.is_live = false;
}

void emulator_add_event(struct emulator *e, int64_t now_unix_ms, int64_t published_ms, const char *event_type,
                        struct view json)
{
    emulator_advance(e, now_unix_ms);
    events_add(&e->events, e->now_ms, published_ms, event_type, json);
}

void emulator_add_user(struct emulator *e, int64_t now_unix_ms, const char *login)
{
    emulator_advance(e, now_unix_ms);
    users_add(&e->users, e->now_ms, login);
}

void emulator_revoke_token(struct emulator *e)
{
    e->is_token_revoked = true;
}

void emulator_set_token(struct emulator *e, const char *token)
{
    free(e->token);
    e->token = mem_strdup(token);
    e->is_token_revoked = false;
}

void emulator_set_base_url(struct emulator *e, const char *base_url)
{
    free(e->base_url);
    e->base_url = mem_strdup(base_url);
}

void emulator_expire_cursors(struct emulator *e)
{
    e->cursor_generation++;
}

void emulator_fault(struct emulator *e, const char *prefix, uint32_t count, int status, const char *body)
{
    size_t i = 0;

    while (i < e->faults_count && e->faults[i].count > 0)
        i++;
    ASSERT(i < FAULTS_MAX);
    if (i == e->faults_count)
        e->faults_count++;
    free(e->faults[i].prefix);
    free(e->faults[i].body);
    e->faults[i] = (struct fault){ mem_strdup(prefix), mem_strdup(body), count, status };
}

/* ---- the truth ---- */

/* Room for the text at that place; `is_new` when nothing is in it. */
static char *shelf_place(struct shelf *s, size_t index, bool *is_new)
{
    size_t block = index / SHELF_BLOCK;
    char *place;

    if (block >= s->blocks_count) {
        s->blocks = mem_grow(s->blocks, (block + 1) * sizeof *s->blocks);
        memset(s->blocks + s->blocks_count, 0, (block + 1 - s->blocks_count) * sizeof *s->blocks);
        s->blocks_count = block + 1;
    }
    if (s->blocks[block] == NULL)
        s->blocks[block] = mem_array(SHELF_BLOCK, sizeof *s->blocks[block]);
    place = s->blocks[block][index % SHELF_BLOCK];
    *is_new = *place == '\0';
    return place;
}

static void shelf_destroy(struct shelf *s)
{
    for (size_t i = 0; i < s->blocks_count; i++)
        free(s->blocks[i]);
    free(s->blocks);
    free(s);
}

size_t emulator_truth_count(const struct emulator *e)
{
    return e->events.count;
}

struct emulator_truth emulator_truth_at(const struct emulator *e, size_t index)
{
    const struct event *event = &e->events.at[index];
    bool is_new;
    char *uuid = shelf_place(e->uuids, index, &is_new);

    ASSERT(index < e->events.count);
    if (is_new)
        events_uuid(&e->events, index, uuid);
    return (struct emulator_truth){ uuid, events_type(&e->events, index), event->published_ms, event->persisted_ms,
                                    events_is_login(&e->events, index) };
}

size_t emulator_user_count(const struct emulator *e)
{
    return e->users.count;
}

const char *emulator_user_id(const struct emulator *e, size_t index)
{
    bool is_new;
    char *id = shelf_place(e->user_ids, index, &is_new);

    ASSERT(index < e->users.count);
    if (is_new)
        id_make(id, "00u", e->users.seed, index);
    return id;
}

/* ---- begin and end ---- */

static void set_limits(struct emulator *e)
{
    const struct emulator_options *o = &e->options;
    int32_t other = o->other_limit > 0 ? o->other_limit : 300;

    for (int i = 0; i < BUCKETS; i++)
        e->buckets[i].limit = other;
    e->buckets[BUCKET_LOGS].limit = o->logs_limit > 0 ? o->logs_limit : 60;
    e->buckets[BUCKET_USERS].limit = o->users_limit > 0 ? o->users_limit : 300;
}

struct emulator *emulator_create(const struct emulator_options *options)
{
    struct emulator *e = mem_zero(sizeof *e);

    e->options = *options;
    e->base_url = mem_strdup(options->base_url != NULL ? options->base_url : "http://127.0.0.1");
    e->token = mem_strdup(options->token != NULL ? options->token : "00emulatorTokenNotReal");
    e->now_ms = options->start_unix_ms;
    if (options->org_id != NULL)
        snprintf(e->org_id, sizeof e->org_id, "%s", options->org_id);
    else
        snprintf(e->org_id, sizeof e->org_id, "00oemulator%09llu",
                 (unsigned long long)(random_at(options->seed, RANDOM_ORG, 0) % 1000000000));
    users_init(&e->users, options);
    events_init(&e->events, options);
    e->org = (struct org){ options->seed, &e->events, &e->users, options->apps > 0 ? options->apps : 1 };
    e->uuids = mem_zero(sizeof *e->uuids);
    e->user_ids = mem_zero(sizeof *e->user_ids);
    buf_init(&e->body, BODY_BYTES_MAX);
    set_limits(e);
    return e;
}

void emulator_destroy(struct emulator *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->faults_count; i++) {
        free(e->faults[i].prefix);
        free(e->faults[i].body);
    }
    for (size_t i = 0; i < e->paths_count; i++)
        free(e->paths[i].path);
    free(e->paths);
    shelf_destroy(e->uuids);
    shelf_destroy(e->user_ids);
    events_deinit(&e->events);
    users_deinit(&e->users);
    buf_deinit(&e->body);
    free(e->base_url);
    free(e->token);
    free(e);
}
