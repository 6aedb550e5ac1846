#include "store_meaning.h"
#include "base/mem.h"
#include "model/state.h"
#include "okta/connector/v1/directory.pb-c.h"
#include "okta/connector/v1/login.pb-c.h"
#include "poller/poller_state.h"
#include "poller/silence.h"

/* What lies in a response: a tag of one byte, a length, the message. */
static bool cut_message(struct view encoded, struct view *out)
{
    const unsigned char *at = (const unsigned char *)encoded.at;
    size_t head = 1;

    while (head < encoded.len && (at[head] & 128) != 0)
        head++;
    head++;
    if (head > encoded.len)
        return false;
    *out = (struct view){ encoded.at + head, encoded.len - head };
    return true;
}

static bool wrong(struct error *err, const char *what)
{
    return error_set(err, ERROR_DATA_LOSS, "its %s is not what its header says", what);
}

static int64_t time_of(const Google__Protobuf__Timestamp *t)
{
    return t == NULL ? JOURNAL_NO_TIME : t->seconds * 1000 + t->nanos / 1000000;
}

static bool agrees(const Okta__Connector__V1__LoginEvent *e, const struct journal_record *r, struct error *err)
{
    if (e->sequence != r->sequence)
        return wrong(err, "sequence");
    if ((int)e->kind != r->kind)
        return wrong(err, "kind");
    if ((int)e->result != r->result)
        return wrong(err, "result");
    if (time_of(e->published) != r->published_ms)
        return wrong(err, "published");
    if (e->catalogue_version != r->catalogue_version)
        return wrong(err, "catalogue_version");
    if (e->late != ((r->flags & JOURNAL_LATE) != 0))
        return wrong(err, "late");
    return r->event_type.len == 0 || view_is(r->event_type, e->event_type) || wrong(err, "event_type");
}

static bool event(void *ctx, const struct journal_record *record, struct buf *uuid, struct error *err)
{
    Okta__Connector__V1__LoginEvent *e = NULL;
    struct view message;
    bool is_fine;

    (void)ctx;
    if (cut_message(record->encoded, &message))
        e = okta__connector__v1__login_event__unpack(NULL, message.len, (const uint8_t *)message.at);
    if (e == NULL)
        return error_set(err, ERROR_DATA_LOSS, "it does not decode");
    is_fine = agrees(e, record, err);
    buf_puts(uuid, e->uuid);
    okta__connector__v1__login_event__free_unpacked(e, NULL);
    return is_fine;
}

/* The alias is the login in lower case; a very long login has none. */
static bool is_alias(struct view alias, const char *login)
{
    return alias.len == 0 || view_eq_nocase(alias, view_of(login));
}

static bool user(void *ctx, const struct directory_row *row, struct error *err)
{
    Okta__Connector__V1__User *u = NULL;
    struct view message;
    bool is_fine;

    (void)ctx;
    if (cut_message(row->encoded, &message))
        u = okta__connector__v1__user__unpack(NULL, message.len, (const uint8_t *)message.at);
    if (u == NULL)
        return error_set(err, ERROR_DATA_LOSS, "it does not decode");
    is_fine = (view_is(row->id, u->id) || wrong(err, "id")) &&
              (is_alias(row->alias, u->profile != NULL ? u->profile->login : "") || wrong(err, "login"));
    okta__connector__v1__user__free_unpacked(u, NULL);
    return is_fine;
}

static bool cursor(void *ctx, struct view name, struct view value, struct error *err)
{
    static const struct poller_state_kind *const kinds[] = { &poller_state_tail, &poller_state_backfill,
                                                             &poller_state_users };
    union {
        struct tail_state tail;
        struct backfill_state backfill;
        struct users_state users;
    } *state = mem_zero(sizeof *state);
    struct silence *silence = mem_zero(sizeof *silence);
    bool is_fine = true;

    (void)ctx;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (view_is(name, poller_state_name(kinds[i])))
            is_fine = poller_state_decode(kinds[i], value, state, err);
    if (view_is(name, SILENCE_CURSOR) && !silence_decode(silence, value))
        is_fine = error_set(err, ERROR_DATA_LOSS, "what was learned of the usual traffic is not readable");
    free(state);
    free(silence);
    return is_fine;
}

const struct verify_meaning store_meaning = { event, user, cursor, NULL };
