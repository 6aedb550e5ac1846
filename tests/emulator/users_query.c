#include "users_query.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_MAX       200
#define LIMIT_Q_DEFAULT 10

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

bool users_query_is_time(struct view path)
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
    if (users_query_is_time(path) && op != SCIM_PR && !literal->is_time)
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
    if (users_query_is_time(path) && !literal->is_time)
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

/* ---- cursors ---- */

void users_query_cursor(const struct emulator *e, const struct users_query *uq, size_t index,
                        char text[USERS_CURSOR_SIZE])
{
    AUTO_BUF struct buf hidden = BUF(USERS_CURSOR_SIZE - 1);
    char id[ID_SIZE];

    id_make(id, "00u", e->users.seed, index);
    if (uq->has_search)
        base64url_encode(view_of(id), &hidden);
    else
        buf_puts(&hidden, id);
    snprintf(text, USERS_CURSOR_SIZE, "%s", buf_cstr(&hidden));
}

static bool read_place(const struct emulator *e, struct view id, struct users_query *uq)
{
    uint64_t place;

    if (!id_read(id, "00u", e->users.seed, &place) || place >= e->users.count)
        return false;
    uq->after_index = (size_t)place;
    return true;
}

static bool read_hidden(const struct emulator *e, struct view text, struct users_query *uq)
{
    AUTO_BUF struct buf id = BUF(USERS_CURSOR_SIZE);

    return base64url_decode(text, &id) && read_place(e, buf_view(&id), uq);
}

static bool read_cursor(struct emulator *e, const struct ask *ask, struct users_query *uq,
                        struct emulator_response *out)
{
    struct view after;

    uq->has_cursor = query_get(ask->query, "after", &after);
    if (!uq->has_cursor)
        return true;
    if (uq->has_search)
        return read_hidden(e, after, uq) || bad_criteria(e, out, "Invalid cursor.");
    return read_place(e, after, uq) || bad_paging(e, out);
}

bool users_query_read(struct emulator *e, const struct ask *ask, struct users_query *uq, struct emulator_response *out)
{
    *uq = (struct users_query){ .sort = SORT_ID };
    return read_criteria(e, ask, uq, out) && read_sort(e, ask, uq, out) && read_limit(e, ask, uq, out) &&
           read_cursor(e, ask, uq, out);
}
