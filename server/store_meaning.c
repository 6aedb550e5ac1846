#include "store_meaning.h"

#include "base/mem.h"
#include "model/collection.h"
#include "okta/connector/v1/login.pb-c.h"
#include "poller/poller_state.h"
#include "poller/silence.h"
#include "record/record_parts.h"

static int64_t meaning_time_ms(const Google__Protobuf__Timestamp *t)
{
    return t == NULL ? JOURNAL_NO_TIME : t->seconds * 1000 + t->nanos / 1000000;
}

static bool meaning_event_agrees(const Okta__Connector__V1__LoginEvent *e, const struct journal_record *r,
                                 struct error *err)
{
    if (e->sequence != r->sequence)
        return record_disagrees(err, "sequence");
    if ((int)e->kind != r->kind)
        return record_disagrees(err, "kind");
    if ((int)e->result != r->result)
        return record_disagrees(err, "result");
    if (meaning_time_ms(e->published) != r->published_ms)
        return record_disagrees(err, "published");
    if (e->catalogue_version != r->catalogue_version)
        return record_disagrees(err, "catalogue_version");
    if (e->late != ((r->flags & JOURNAL_LATE) != 0))
        return record_disagrees(err, "late");
    if (r->event_type.len > 0 && !view_is(r->event_type, e->event_type))
        return record_disagrees(err, "event_type");
    return true;
}

static bool meaning_of_event(void *ctx, const struct journal_record *record, struct buf *uuid, struct error *err)
{
    Okta__Connector__V1__LoginEvent *e = NULL;
    struct view message;
    bool ok;

    (void)ctx;
    if (record_message(record->encoded, &message))
        e = okta__connector__v1__login_event__unpack(NULL, message.len, (const uint8_t *)message.at);
    if (e == NULL)
        return error_set(err, ERROR_DATA_LOSS, "it does not decode");
    ok = meaning_event_agrees(e, record, err);
    buf_puts(uuid, e->uuid);
    okta__connector__v1__login_event__free_unpacked(e, NULL);
    return ok;
}

static bool meaning_of_row(void *ctx, unsigned kind, const struct directory_row *row, struct error *err)
{
    const struct collection *c = collection_by_store_number(kind);

    (void)ctx;
    return c == NULL || record_row_is_sound(c, row, err);
}

/* A kind that a newer version of this program has stored has no name here. */
static const char *meaning_row_name(void *ctx, unsigned kind)
{
    const struct collection *c = collection_by_store_number(kind);

    (void)ctx;
    return c != NULL ? c->member : "row";
}

static bool meaning_of_cursor(void *ctx, struct view name, struct view value, struct error *err)
{
    const struct poller_state_kind *kind = poller_state_kind_of(name);
    void *state = mem_zero(POLLER_STATE_BYTES_MAX);
    struct silence *silence = mem_zero(sizeof *silence);
    bool ok = true;

    (void)ctx;
    if (kind != NULL)
        ok = poller_state_decode(kind, value, state, err);
    else if (view_is(name, SILENCE_CURSOR) && !silence_decode(silence, value))
        ok = error_set(err, ERROR_DATA_LOSS, "the table of usual traffic is not readable");
    free(state);
    free(silence);
    return ok;
}

const struct verify_meaning store_meaning = {
    .event = meaning_of_event,
    .row = meaning_of_row,
    .row_name = meaning_row_name,
    .cursor = meaning_of_cursor,
};
