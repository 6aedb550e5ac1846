#include "poller/poller_state.h"

#include "model/collection.h"

#include <string.h>

#define FORMAT "1\n"

enum member_type { MEMBER_I64, MEMBER_BOOL, MEMBER_PATH };

struct member {
    const char *name;
    enum member_type type;
    size_t at;
};

struct poller_state_kind {
    const struct member *members;
    size_t count;
};

#define KIND(table)                                                                                                    \
    {                                                                                                                  \
        table, sizeof(table) / sizeof(table)[0]                                                                        \
    }

static const struct member tail_members[] = {
    { "start_ms", MEMBER_I64, offsetof(struct tail_state, start_ms) },
    { "since_ms", MEMBER_I64, offsetof(struct tail_state, since_ms) },
    { "newest_ms", MEMBER_I64, offsetof(struct tail_state, newest_ms) },
    { "is_reread", MEMBER_BOOL, offsetof(struct tail_state, is_reread) },
    { "has_reached_head", MEMBER_BOOL, offsetof(struct tail_state, has_reached_head) },
    { "path", MEMBER_PATH, offsetof(struct tail_state, path) },
};
const struct poller_state_kind poller_state_tail = KIND(tail_members);

static const struct member history_members[] = {
    { "status", MEMBER_I64, offsetof(struct history_state, progress) },
    { "has_begun", MEMBER_BOOL, offsetof(struct history_state, has_begun) },
    { "top_ms", MEMBER_I64, offsetof(struct history_state, top_ms) },
    { "bottom_ms", MEMBER_I64, offsetof(struct history_state, bottom_ms) },
    { "reached_ms", MEMBER_I64, offsetof(struct history_state, reached_ms) },
    { "window_ms", MEMBER_I64, offsetof(struct history_state, window_ms) },
    { "window_events", MEMBER_I64, offsetof(struct history_state, window_events) },
    { "pages", MEMBER_I64, offsetof(struct history_state, pages) },
    { "path", MEMBER_PATH, offsetof(struct history_state, path) },
};
const struct poller_state_kind poller_state_history = KIND(history_members);

static const struct member listing_members[] = {
    { "is_complete", MEMBER_BOOL, offsetof(struct listing_state, is_complete) },
    { "pages", MEMBER_I64, offsetof(struct listing_state, pages) },
    { "listed", MEMBER_I64, offsetof(struct listing_state, listed) },
    { "began_ms", MEMBER_I64, offsetof(struct listing_state, began_ms) },
    { "high_ms", MEMBER_I64, offsetof(struct listing_state, high_ms) },
    { "seen_ms", MEMBER_I64, offsetof(struct listing_state, seen_ms) },
    { "path", MEMBER_PATH, offsetof(struct listing_state, path) },
};
const struct poller_state_kind poller_state_listing = KIND(listing_members);

const struct poller_state_kind *poller_state_kind_of(struct view name)
{
    const struct collection *c = collection_by_name(name);

    if (view_is(name, POLLER_STATE_TAIL))
        return &poller_state_tail;
    if (view_is(name, POLLER_STATE_HISTORY))
        return &poller_state_history;
    return c != NULL && c->kind == COLLECTION_OBJECTS ? &poller_state_listing : NULL;
}

void poller_state_encode(const struct poller_state_kind *kind, const void *state, struct buf *out)
{
    buf_puts(out, FORMAT);
    for (size_t i = 0; i < kind->count; i++) {
        const struct member *m = &kind->members[i];
        const void *at = (const char *)state + m->at;

        switch (m->type) {
        case MEMBER_I64:
            buf_printf(out, "%s %lld\n", m->name, (long long)*(const int64_t *)at);
            break;
        case MEMBER_BOOL:
            buf_printf(out, "%s %d\n", m->name, *(const bool *)at);
            break;
        case MEMBER_PATH:
            buf_printf(out, "%s ", m->name);
            buf_puts(out, at);
            buf_putc(out, '\n');
            break;
        }
    }
}

/* Cuts what comes before the first `end` off text; false when there is none. */
static bool state_cut(struct view *text, char end, struct view *part)
{
    const char *at = text->len > 0 ? memchr(text->at, end, text->len) : NULL;

    if (at == NULL)
        return false;
    *part = (struct view){ text->at, (size_t)(at - text->at) };
    text->at = at + 1;
    text->len -= part->len + 1;
    return true;
}

static bool state_set_member(const struct member *m, struct view value, void *state)
{
    void *at = (char *)state + m->at;
    int64_t number;

    if (m->type == MEMBER_PATH)
        return poller_state_set_path(at, value);
    if (m->type == MEMBER_I64)
        return view_i64(value, INT64_MIN, INT64_MAX, at);
    if (!view_i64(value, 0, 1, &number))
        return false;
    *(bool *)at = number == 1;
    return true;
}

static bool state_set_named(const struct poller_state_kind *kind, struct view name, struct view value, void *state)
{
    for (size_t i = 0; i < kind->count; i++)
        if (view_is(name, kind->members[i].name))
            return state_set_member(&kind->members[i], value, state);
    return true;
}

bool poller_state_decode(const struct poller_state_kind *kind, struct view text, void *state, struct error *err)
{
    struct view line, name;

    if (!state_cut(&text, '\n', &line))
        return error_set(err, ERROR_DATA_LOSS, "it is empty");
    if (line.len != strlen(FORMAT) - 1 || memcmp(line.at, FORMAT, line.len) != 0)
        return error_set(err, ERROR_FAILED_PRECONDITION, "another version wrote it");
    while (state_cut(&text, '\n', &line))
        if (!state_cut(&line, ' ', &name) || !state_set_named(kind, name, line, state))
            return error_set(err, ERROR_DATA_LOSS, "it is not readable");
    return true;
}

bool poller_state_set_path(char path[OKTA_PATH_BYTES_MAX + 1], struct view link)
{
    if (link.len > OKTA_PATH_BYTES_MAX)
        return false;
    for (size_t i = 0; i < link.len; i++)
        if ((unsigned char)link.at[i] <= ' ' || link.at[i] == 0x7f)
            return false;
    if (link.len > 0)
        memcpy(path, link.at, link.len);
    path[link.len] = '\0';
    return true;
}
