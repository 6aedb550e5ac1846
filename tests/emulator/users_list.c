/* GET /api/v1/users and GET /api/v1/users/{id}.
 *
 * A plain list leaves out who is DEPROVISIONED; `search` and `filter` do not. `search` looks at an index that lags
 * behind. All look ahead, so that a last page which is exactly full has no `next`. */
#include "users_query.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct hit {
    int64_t key;
    size_t index;
    const struct users *users; /* for sorting by text */
};

/* ---- choosing ---- */

struct candidate {
    const struct emulator *e;
    size_t index;
    bool is_as_indexed; /* before its last change */
    struct person person;
    bool has_person;
};

static bool get_value(void *ctx, struct view path, size_t nth, struct scim_value *out)
{
    struct candidate *c = ctx;
    const struct user *user = &c->e->users.at[c->index];

    *out = (struct scim_value){ .is_time = users_query_is_time(path) };
    if (nth > 0)
        return false;
    if (out->is_time) {
        out->time_ms = view_is(path, "created") ? user->created_ms
                       : c->is_as_indexed       ? user->indexed_update_ms
                                                : user->updated_ms;
        return true;
    }
    if (!c->has_person)
        users_person(&c->e->users, c->index, &c->person);
    c->has_person = true;
    if (view_is(path, "id"))
        out->text = view_of(c->person.id);
    else if (view_is(path, "status"))
        out->text = view_of(user_status_names[c->is_as_indexed ? user->indexed_status : user->status]);
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

    if (user->is_deleted)
        return false;
    /* Who came a moment ago is not in the index yet, and who changed is in it as he was; what is then shown is how he
     * is. */
    if (uq->has_search && user->created_ms + e->options.index_lag_ms > e->now_ms)
        return false;
    c.is_as_indexed =
        uq->has_search && user->indexed_update_ms > 0 && user->updated_ms + e->options.index_lag_ms > e->now_ms;
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

static int64_t key_of(const struct emulator *e, const struct users_query *uq, size_t index)
{
    const struct user *user = &e->users.at[index];

    return uq->sort == SORT_CREATED ? user->created_ms : uq->sort == SORT_UPDATED ? user->updated_ms : 0;
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
    struct users_query uq;
    struct user_view view = user_view(e, ask);
    char next[USERS_CURSOR_SIZE], limit[16];
    struct hit *hits;
    size_t count;

    if (!users_query_read(e, ask, &uq, out))
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
    if ((count > uq.limit || (e->options.has_next_when_full && count == uq.limit && count > 0)) && uq.q.len == 0) {
        users_query_cursor(e, &uq, hits[uq.limit - 1].index, next);
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

    if (!(view_is(ask->item, "me") && e->users.count > 0 && !e->users.at[0].is_deleted) &&
        !users_find(&e->users, ask->item, &index)) {
        wire_fail(e, out, &gone, "Not found: Resource not found: " VIEW_FMT " (User)", VIEW_ARG(ask->item));
        return;
    }
    users_render(&e->users, index, &view, &e->body);
    buf_printf(&out->head, "ETag: W/\"%llx\"\r\n", (unsigned long long)e->users.at[index].updated_ms);
    wire_finish(e, out, 200);
}
