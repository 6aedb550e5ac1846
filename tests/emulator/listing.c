/* GET /api/v1/users and GET /api/v1/users/{id}.
 *
 * A plain list leaves out who is DEPROVISIONED; `search` and `filter` do not. `search` looks at an index that lags
 * behind. All look ahead, so that a last page which is exactly full has no `next`. */
#include "inside.h"

#include "base/mem.h"
#include "scim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MAX       200
#define LIMIT_Q_DEFAULT 10
#define CURSOR_SIZE     96

enum sort_key { SORT_ID, SORT_CREATED, SORT_UPDATED, SORT_LOGIN };

struct users_query {
    bool has_search, has_filter;
    struct scim scim;
    struct view q;
    size_t limit;
    enum sort_key sort;
    bool is_descending;
    bool has_cursor;
    int64_t after_key;
    size_t after_index;
};

struct hit {
    int64_t key;
    size_t index;
    const struct users *users; /* for sorting by text */
};

/* ---- errors ---- */

static bool bad_criteria(struct emulator *e, struct emulator_response *out, const char *cause)
{
    struct fail fail = { 400, "E0000031", false, cause, NULL };

    wire_fail(e, out, &fail, "Invalid search criteria.");
    return false;
}

static bool bad_paging(struct emulator *e, struct emulator_response *out)
{
    static const struct fail fail = { 400, "E0000029", false, "Invalid cursor.", NULL };

    wire_fail(e, out, &fail, "Invalid paging request.");
    return false;
}

static bool bad_value(struct emulator *e, struct emulator_response *out, const char *name, struct view value)
{
    static const struct fail fail = { 400, "E0000001", false, NULL, NULL };

    wire_fail(e, out, &fail, "Api validation failed: %s: " VIEW_FMT, name, VIEW_ARG(value));
    return false;
}

/* ---- what may be asked ---- */

static bool is_one_of(struct view path, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_is(path, paths[i]))
            return true;
    return false;
}

static bool is_time_path(struct view path)
{
    return view_is(path, "created") || view_is(path, "lastUpdated");
}

static bool allow_in_search(struct view path, enum scim_op op, const struct scim_literal *literal,
                            enum scim_fault_kind *kind)
{
    static const char *const paths[] = { "id",
                                         "status",
                                         "created",
                                         "lastUpdated",
                                         "type.id",
                                         "profile.login",
                                         "profile.email",
                                         "profile.firstName",
                                         "profile.lastName" };
    bool is_name = view_starts(path, "profile.");

    *kind = SCIM_OPERATOR;
    if (op == SCIM_NE || op == SCIM_EW || (op == SCIM_CO && !is_name))
        return false;
    *kind = SCIM_VALUE;
    if (is_time_path(path) && op != SCIM_PR && !literal->is_time)
        return false;
    *kind = SCIM_FIELD;
    return is_one_of(path, paths, sizeof paths / sizeof paths[0]);
}

static bool allow_in_filter(struct view path, enum scim_op op, const struct scim_literal *literal,
                            enum scim_fault_kind *kind)
{
    static const char *const paths[] = {
        "id", "status", "lastUpdated", "profile.login", "profile.email", "profile.firstName", "profile.lastName"
    };
    bool is_order = op == SCIM_GT || op == SCIM_GE || op == SCIM_LT || op == SCIM_LE;

    *kind = SCIM_OPERATOR;
    if (op != SCIM_EQ && !(is_order && view_is(path, "lastUpdated")))
        return false;
    *kind = SCIM_VALUE;
    if (is_time_path(path) && !literal->is_time)
        return false;
    *kind = SCIM_FIELD;
    return is_one_of(path, paths, sizeof paths / sizeof paths[0]);
}

static bool read_expression(struct emulator *e, struct users_query *uq, struct view text, struct emulator_response *out)
{
    static const char *const causes[] = {
        [SCIM_SYNTAX] = "The expression cannot be read.",
        [SCIM_FIELD] = "The property cannot be searched.",
        [SCIM_OPERATOR] = "The operator is not supported for this property.",
        [SCIM_VALUE] = "The value is not a time.",
    };
    struct scim_fault fault;

    if (!scim_parse(&uq->scim, text, uq->has_search ? allow_in_search : allow_in_filter, &fault))
        return bad_criteria(e, out, causes[fault.kind]);
    if (uq->scim.has_not)
        return bad_criteria(e, out, "The operator 'not' is not supported.");
    return true;
}

static bool read_criteria(struct emulator *e, const struct ask *ask, struct users_query *uq,
                          struct emulator_response *out)
{
    static const struct fail both = { 400, "E0000033", false, NULL, NULL };
    struct view search, filter;

    uq->has_search = query_get(ask->query, "search", &search);
    uq->has_filter = query_get(ask->query, "filter", &filter);
    uq->q = query_value(ask->query, "q");
    if (uq->has_search && uq->has_filter) {
        wire_fail(e, out, &both, "Both search and filter parameters are specified.");
        return false;
    }
    if (!uq->has_search && !uq->has_filter)
        return true;
    return read_expression(e, uq, uq->has_search ? search : filter, out);
}

/* Only with `search`; without it both are ignored. */
static bool read_sort(struct emulator *e, const struct ask *ask, struct users_query *uq, struct emulator_response *out)
{
    static const char *const names[] = {
        [SORT_ID] = "id",
        [SORT_CREATED] = "created",
        [SORT_UPDATED] = "lastUpdated",
        [SORT_LOGIN] = "profile.login",
    };
    struct view by, order = query_value(ask->query, "sortOrder");

    if (!uq->has_search || !query_get(ask->query, "sortBy", &by))
        return true;
    uq->is_descending = view_eq_nocase(order, VIEW("desc"));
    if (order.len > 0 && !uq->is_descending && !view_eq_nocase(order, VIEW("asc")))
        return bad_value(e, out, "sortOrder must be asc or desc", order);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!view_is(by, names[i]))
            continue;
        uq->sort = (enum sort_key)i;
        return true;
    }
    return bad_criteria(e, out, "The property cannot be sorted by.");
}

static bool read_limit(struct emulator *e, const struct ask *ask, struct users_query *uq, struct emulator_response *out)
{
    struct view value;
    uint64_t limit = uq->q.len > 0 ? LIMIT_Q_DEFAULT : LIMIT_MAX;

    if (query_get(ask->query, "limit", &value) && !view_u64(value, 1, INT32_MAX, &limit))
        return bad_value(e, out, "limit must be a positive number", value);
    /* More than that is cut without a word. */
    uq->limit = limit < LIMIT_MAX ? (size_t)limit : LIMIT_MAX;
    return true;
}

/* ---- cursors: a user's id for plain lists; for `search` the sort key besides, hidden ---- */

static int64_t key_of(const struct emulator *e, const struct users_query *uq, size_t index)
{
    const struct user *user = &e->users.at[index];

    return uq->sort == SORT_CREATED ? user->created_ms : uq->sort == SORT_UPDATED ? user->updated_ms : 0;
}

static void make_cursor(const struct emulator *e, const struct users_query *uq, size_t index, char text[CURSOR_SIZE])
{
    AUTO_BUF struct buf clear = BUF(CURSOR_SIZE), hidden = BUF(CURSOR_SIZE - 1);
    char id[ID_SIZE];

    id_make(id, "00u", e->users.seed, index);
    if (uq->has_search) {
        buf_printf(&clear, "%" PRId64 ":%s", key_of(e, uq, index), id);
        base64url_encode(buf_view(&clear), &hidden);
    } else {
        buf_puts(&hidden, id);
    }
    snprintf(text, CURSOR_SIZE, "%s", buf_cstr(&hidden));
}

static bool read_hidden(const struct emulator *e, struct view text, struct users_query *uq)
{
    AUTO_BUF struct buf clear = BUF(CURSOR_SIZE);
    const char *colon;
    uint64_t place;

    if (!base64url_decode(text, &clear) || clear.len == 0)
        return false;
    colon = memchr(clear.at, ':', clear.len);
    if (colon == NULL ||
        !view_i64((struct view){ clear.at, (size_t)(colon - clear.at) }, 0, INT64_MAX, &uq->after_key) ||
        !id_read((struct view){ colon + 1, clear.len - (size_t)(colon + 1 - clear.at) }, "00u", e->users.seed, &place))
        return false;
    uq->after_index = (size_t)place;
    return place < e->users.count;
}

static bool read_cursor(struct emulator *e, const struct ask *ask, struct users_query *uq,
                        struct emulator_response *out)
{
    struct view after;
    uint64_t place = 0;

    uq->has_cursor = query_get(ask->query, "after", &after);
    if (!uq->has_cursor)
        return true;
    if (uq->has_search)
        return read_hidden(e, after, uq) || bad_criteria(e, out, "Invalid cursor.");
    if (!id_read(after, "00u", e->users.seed, &place) || place >= e->users.count)
        return bad_paging(e, out);
    uq->after_index = (size_t)place;
    return true;
}

/* ---- choosing ---- */

struct candidate {
    const struct emulator *e;
    size_t index;
    struct person person;
    bool has_person;
};

static bool get_value(void *ctx, struct view path, size_t nth, struct scim_value *out)
{
    struct candidate *c = ctx;
    const struct user *user = &c->e->users.at[c->index];

    *out = (struct scim_value){ .is_time = is_time_path(path) };
    if (nth > 0)
        return false;
    if (out->is_time) {
        out->time_ms = view_is(path, "created") ? user->created_ms : user->updated_ms;
        return true;
    }
    if (!c->has_person)
        users_person(&c->e->users, c->index, &c->person);
    c->has_person = true;
    if (view_is(path, "id"))
        out->text = view_of(c->person.id);
    else if (view_is(path, "status"))
        out->text = view_of(user_status_names[user->status]);
    else if (view_is(path, "profile.firstName"))
        out->text = view_of(c->person.first);
    else if (view_is(path, "profile.lastName"))
        out->text = view_of(c->person.last);
    else if (view_is(path, "type.id"))
        out->text = VIEW("otyDefault000000001d7");
    else
        out->text = view_of(c->person.login);
    return true;
}

static bool starts_nocase(const char *text, struct view prefix)
{
    size_t len = strlen(text);

    return len >= prefix.len && view_eq_nocase((struct view){ text, prefix.len }, prefix);
}

static bool is_wanted(const struct emulator *e, const struct users_query *uq, size_t index)
{
    const struct user *user = &e->users.at[index];
    struct candidate c = { .e = e, .index = index };

    /* What changed a moment ago is not in the index yet. */
    if (uq->has_search && user->updated_ms + e->options.index_lag_ms > e->now_ms)
        return false;
    if (uq->has_search || uq->has_filter)
        return scim_match(&uq->scim, get_value, &c, uq->has_search);
    if (user->status == USER_DEPROVISIONED)
        return false;
    if (uq->q.len == 0)
        return true;
    users_person(&e->users, index, &c.person);
    return starts_nocase(c.person.first, uq->q) || starts_nocase(c.person.last, uq->q) ||
           starts_nocase(c.person.login, uq->q);
}

static int compare_hits(const void *left, const void *right)
{
    const struct hit *a = left, *b = right;
    struct person p, q;
    int order = (a->key > b->key) - (a->key < b->key);

    if (order == 0 && a->users != NULL) {
        users_person(a->users, a->index, &p);
        users_person(b->users, b->index, &q);
        order = strcasecmp(p.login, q.login);
    }
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_hits_down(const void *left, const void *right)
{
    return compare_hits(right, left);
}

static struct hit hit_of(const struct emulator *e, const struct users_query *uq, size_t index)
{
    return (struct hit){ key_of(e, uq, index), index, uq->sort == SORT_LOGIN ? &e->users : NULL };
}

/* Everybody wanted who comes after the cursor, in order. */
static struct hit *choose(const struct emulator *e, const struct users_query *uq, size_t *count)
{
    struct hit *hits = mem_array(e->users.count + 1, sizeof *hits);
    int (*compare)(const void *, const void *) = uq->is_descending ? compare_hits_down : compare_hits;
    struct hit after = { 0, 0, NULL };

    if (uq->has_cursor) {
        after = hit_of(e, uq, uq->after_index);
        if (uq->has_search)
            after.key = uq->after_key;
    }
    *count = 0;
    for (size_t i = 0; i < e->users.count; i++) {
        hits[*count] = hit_of(e, uq, i);
        if ((!uq->has_cursor || compare(&hits[*count], &after) > 0) && is_wanted(e, uq, i))
            ++*count;
    }
    /* Users are kept in the order of both already. */
    if (uq->is_descending || (uq->sort != SORT_ID && uq->sort != SORT_CREATED))
        qsort(hits, *count, sizeof *hits, compare);
    return hits;
}

/* ---- answering ---- */

static struct user_view user_view(const struct emulator *e, const struct ask *ask)
{
    struct view type = ask->request->content_type;

    /* All three or none, as documented. */
    return (struct user_view){
        .base_url = e->base_url,
        .omit_credentials = type.len > 0 && memmem(type.at, type.len, "omitCredentials,", 16) != NULL &&
                            memmem(type.at, type.len, "omitCredentialsLinks", 20) != NULL &&
                            memmem(type.at, type.len, "omitTransitioningToStatus", 25) != NULL,
    };
}

void users_list(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct users_query uq = { .sort = SORT_ID };
    struct user_view view = user_view(e, ask);
    char next[CURSOR_SIZE], limit[16];
    struct hit *hits;
    size_t count;

    if (!read_criteria(e, ask, &uq, out) || !read_sort(e, ask, &uq, out) || !read_limit(e, ask, &uq, out) ||
        !read_cursor(e, ask, &uq, out))
        return;
    hits = choose(e, &uq, &count);
    buf_putc(&e->body, '[');
    for (size_t i = 0; i < count && i < uq.limit; i++) {
        if (i > 0)
            buf_putc(&e->body, ',');
        users_render(&e->users, hits[i].index, &view, &e->body);
    }
    buf_putc(&e->body, ']');
    snprintf(limit, sizeof limit, "%zu", uq.limit);
    wire_link(e, ask, &(struct link){ .rel = "self", .limit = limit }, out);
    if (count > uq.limit && uq.q.len == 0) {
        make_cursor(e, &uq, hits[uq.limit - 1].index, next);
        wire_link(e, ask, &(struct link){ .rel = "next", .limit = limit, .after = next, .after_first = true }, out);
    }
    free(hits);
    wire_finish(e, out, 200);
}

void users_one(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    static const struct fail gone = { 404, "E0000007", false, NULL, NULL };
    struct user_view view = user_view(e, ask);
    size_t index = 0;

    if (!(view_is(ask->item, "me") && e->users.count > 0) && !users_find(&e->users, ask->item, &index)) {
        wire_fail(e, out, &gone, "Not found: Resource not found: " VIEW_FMT " (User)", VIEW_ARG(ask->item));
        return;
    }
    users_render(&e->users, index, &view, &e->body);
    buf_printf(&out->head, "ETag: W/\"%llx\"\r\n", (unsigned long long)e->users.at[index].updated_ms);
    wire_finish(e, out, 200);
}
