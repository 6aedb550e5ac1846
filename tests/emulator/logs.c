/* GET /api/v1/logs.
 *
 * Two kinds of request (https://developer.okta.com/docs/reference/api/system-log/). Polling, which is no `until` and
 * ascending: events in the order in which they were persisted, each page with a `next`, which at the end of the log is
 * the same again. Bounded, which is all else: events in the order of `published`, as of those persisted now, and no
 * `next` on the last page.
 *
 * Where the documents are silent: `since` is inclusive and `until` is not; a window that ends before it begins is
 * empty; a scan that has looked at very many events returns what it has, with a `next`. */
#include "logs_query.h"

#define SCAN_MAX 200000 /* events looked at for one page */

/* ---- what is on a page ---- */

struct raw_or_content {
    const struct event_raw *raw;
    const struct content *content;
    char scratch[256];
};

static bool get_value(void *ctx, struct view path, size_t nth, struct scim_value *out)
{
    struct raw_or_content *rc = ctx;

    *out = (struct scim_value){ .is_time = false };
    if (rc->content != NULL)
        return content_value(rc->content, path, nth, rc->scratch, &out->text);
    if (nth > 0 || (!view_is(path, "eventType") && !view_is(path, "uuid")))
        return false;
    out->text = view_of(view_is(path, "uuid") ? rc->raw->uuid : rc->raw->event_type);
    return true;
}

static bool has_word(const char *text, size_t len, struct view word)
{
    for (size_t i = 0; i + word.len <= len; i++)
        if (view_eq_nocase((struct view){ text + i, word.len }, word))
            return true;
    return false;
}

/* Appends the event when it is wanted. */
static bool put_event(struct emulator *e, const struct logs_query *lq, size_t index, struct buf *body)
{
    const struct event *event = &e->events.at[index];
    struct raw_or_content rc = { .raw = NULL };
    struct content content;
    size_t begin;

    if (event->raw != EVENT_RAW_NONE) {
        rc.raw = &e->events.raws[event->raw];
    } else {
        content_make(&content, &e->org, index);
        rc.content = &content;
    }
    if (lq->has_filter && !scim_match(&lq->filter, get_value, &rc, false))
        return false;
    buf_putc(body, body->len > 1 ? ',' : '[');
    begin = body->len;
    if (rc.raw != NULL)
        buf_put(body, rc.raw->json, rc.raw->json_len);
    else
        content_render(&content, body);
    for (size_t i = 0; i < lq->words_count && buf_ok(body); i++) {
        if (has_word(body->at + begin, body->len - begin, lq->words[i]))
            continue;
        body->len = begin - 1;
        return false;
    }
    return true;
}

static void end_page(struct emulator *e, const struct ask *ask, const char *next, struct emulator_response *out)
{
    buf_puts(&e->body, e->body.len == 0 ? "[]" : "]");
    wire_link(e, ask, &(struct link){ .rel = "self" }, out);
    if (next != NULL)
        wire_link(e, ask, &(struct link){ .rel = "next", .after = next }, out);
    wire_finish(e, out, 200);
}

static void answer_polling(struct emulator *e, const struct ask *ask, const struct logs_query *lq,
                           struct emulator_response *out)
{
    size_t place = lq->has_cursor ? lq->place : events_seek_persisted(&e->events, lq->since_ms);
    size_t found = 0, scanned = 0;
    char next[LOGS_CURSOR_SIZE];

    for (; place < e->events.count && found < lq->limit && scanned < SCAN_MAX; place++, scanned++) {
        const struct event *event = &e->events.at[place];

        if (event->published_ms >= e->now_ms - RETENTION_MS && event->persisted_ms >= lq->since_ms)
            found += put_event(e, lq, place, &e->body);
    }
    logs_polling_cursor(e, ask, place, next);
    end_page(e, ask, found == 0 && e->options.has_no_next_when_empty ? NULL : next, out);
}

/* The window as places in by_published, less what earlier pages held. */
static void find_window(const struct emulator *e, const struct logs_query *lq, size_t *low, size_t *high)
{
    int64_t oldest_ms = e->now_ms - RETENTION_MS;

    *low = events_seek_published(&e->events, lq->since_ms > oldest_ms ? lq->since_ms : oldest_ms, 0);
    *high = lq->until_ms == LOGS_NO_LIMIT_MS ? e->events.count : events_seek_published(&e->events, lq->until_ms, 0);
    if (lq->has_cursor && lq->is_descending) {
        size_t end = events_seek_published(&e->events, lq->after_ms, lq->after_index);

        *high = end < *high ? end : *high;
    } else if (lq->has_cursor) {
        size_t begin = events_seek_published(&e->events, lq->after_ms, lq->after_index + 1);

        *low = begin > *low ? begin : *low;
    }
}

static void answer_bounded(struct emulator *e, const struct ask *ask, const struct logs_query *lq,
                           struct emulator_response *out)
{
    size_t low, high, found = 0, scanned = 0;
    bool has_more;
    uint32_t last = 0;
    char next[LOGS_CURSOR_SIZE];

    find_window(e, lq, &low, &high);
    while (low < high && scanned < SCAN_MAX) {
        uint32_t index = e->events.by_published[lq->is_descending ? high - 1 : low];
        size_t len = e->body.len;
        bool is_wanted = put_event(e, lq, index, &e->body);

        /* Looks ahead: a page that is exactly full and the last has no `next`. */
        if (is_wanted && found == lq->limit) {
            e->body.len = len;
            break;
        }
        found += is_wanted;
        scanned++;
        last = index;
        high -= lq->is_descending;
        low += !lq->is_descending;
    }
    has_more = (low < high && scanned > 0) || (e->options.has_next_when_full && found > 0 && found == lq->limit);
    if (has_more)
        logs_bounded_cursor(e, ask, e->events.at[last].published_ms, last, next);
    end_page(e, ask, has_more ? next : NULL, out);
}

void logs_list(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct logs_query lq;

    if (!logs_query_read(e, ask, &lq, out))
        return;
    if (lq.is_polling)
        answer_polling(e, ask, &lq, out);
    else
        answer_bounded(e, ask, &lq, out);
}
