/* GET /api/v1/logs.
 *
 * Two kinds of request (https://developer.okta.com/docs/reference/api/system-log/). Polling, which is no `until` and
 * ascending: events in the order in which they were persisted, each page with a `next`, which at the end of the log is
 * the same again. Bounded, which is all else: events in the order of `published`, as of those persisted now, and no
 * `next` on the last page.
 *
 * Where the documents are silent: `since` is inclusive and `until` is not; a window that ends before it begins is
 * empty; a scan that has looked at very many events returns what it has, with a `next`. */
#include "inside.h"

#include "random.h"
#include "scim.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define SCAN_MAX      200000 /* events looked at for one page */
#define WEEK_MS       (7 * INT64_C(86400000))
#define Q_WORDS_MAX   10
#define Q_WORD_MAX    40
#define CURSOR_SIZE   48
#define NO_LIMIT_MS   INT64_MAX

struct logs_query {
    bool is_polling, is_descending;
    int64_t since_ms, until_ms;
    size_t limit;
    bool has_cursor;
    size_t place;         /* polling: the next in the order of persistence */
    int64_t after_ms;     /* bounded: the last one delivered, its time */
    uint32_t after_index; /* and its index */
    bool has_filter;
    struct scim filter;
    struct view words[Q_WORDS_MAX];
    size_t words_count;
};

/* ---- errors ---- */

static bool bad_request(struct emulator *e, struct emulator_response *out, const char *summary, struct view value)
{
    static const struct fail fail = { 400, "E0000001", false, NULL, NULL };

    wire_fail(e, out, &fail, "Api validation failed: %s: " VIEW_FMT, summary, VIEW_ARG(value));
    return false;
}

static bool bad_cursor(struct emulator *e, struct emulator_response *out)
{
    static const struct fail fail = { 400, "E0000031", false, "Invalid cursor.", NULL };

    wire_fail(e, out, &fail, "Invalid search criteria.");
    return false;
}

static bool bad_filter(struct emulator *e, struct emulator_response *out, struct view filter,
                       const struct scim_fault *fault)
{
    static const struct fail invalid = { 400, "E0000053", true, NULL, NULL };
    static const struct fail misused = { 400, "E0000031", false, "The operator cannot be used on this field", NULL };

    if (fault->kind == SCIM_OPERATOR)
        wire_fail(e, out, &misused, "Invalid search criteria.");
    else if (fault->kind == SCIM_FIELD)
        wire_fail(e, out, &invalid, "field is not valid: " VIEW_FMT, VIEW_ARG(fault->word));
    else
        wire_fail(e, out, &invalid,
                  "Invalid filter '" VIEW_FMT "': unrecognized token at position %zu. Known operators: "
                  "eq,ne,gt,ge,lt,le,co,sw,ew,pr",
                  VIEW_ARG(filter), fault->at);
    return false;
}

/* ---- cursors ---- */

/* Ties a cursor to the link that it was given out in, and to the org. */
static uint64_t cursor_check(const struct emulator *e, const struct ask *ask, bool is_polling, uint64_t a, uint64_t b,
                             uint32_t generation)
{
    struct view since = query_value(ask->query, "since"), until = query_value(ask->query, "until");
    uint64_t h = random_at(e->options.seed, RANDOM_CURSOR, a) ^ random_mix(b + generation) ^ (is_polling ? 1 : 2);

    for (size_t i = 0; i < since.len; i++)
        h = random_mix(h ^ (unsigned char)since.at[i]);
    for (size_t i = 0; i < until.len; i++)
        h = random_mix(h ^ (unsigned char)until.at[i] << 8);
    return h;
}

/* Polling: "1773480412345_" and digits. The time is that of the event before, the digits hold the generation (12 bits),
 * the place (30) and a check (21). */
static void polling_cursor(const struct emulator *e, const struct ask *ask, size_t place, char text[CURSOR_SIZE])
{
    int64_t before_ms = place > 0 ? e->events.at[place - 1].persisted_ms : 0;
    uint64_t check = cursor_check(e, ask, true, place, (uint64_t)before_ms, e->cursor_generation) & 0x1fffff;
    uint64_t digits = (uint64_t)(e->cursor_generation & 0xfff) << 51 | (uint64_t)place << 21 | check;

    snprintf(text, CURSOR_SIZE, "%lld_%llu", (long long)before_ms, (unsigned long long)digits);
}

static bool read_polling_cursor(const struct emulator *e, const struct ask *ask, struct view text, size_t *place)
{
    const char *bar = memchr(text.at, '_', text.len);
    char again[CURSOR_SIZE];
    uint64_t digits;

    if (bar == NULL ||
        !view_u64((struct view){ bar + 1, text.len - (size_t)(bar + 1 - text.at) }, 0, UINT64_MAX, &digits))
        return false;
    *place = (size_t)(digits >> 21 & 0x3fffffff);
    if (*place > e->events.count)
        return false;
    polling_cursor(e, ask, *place, again);
    return view_is(text, again);
}

/* Bounded: the shape of a uuid. Time (48 bits), index (32), generation (12), check (36). */
static void bounded_cursor(const struct emulator *e, const struct ask *ask, int64_t ms, uint32_t index,
                           char text[CURSOR_SIZE])
{
    uint64_t check = cursor_check(e, ask, false, (uint64_t)ms, index, e->cursor_generation) & 0xfffffffff;
    uint64_t tail = (uint64_t)(e->cursor_generation & 0xfff) << 36 | check;

    snprintf(text, CURSOR_SIZE, "%08x-%04x-%04x-%04x-%012llx", index, (unsigned)(ms >> 32 & 0xffff),
             (unsigned)(ms >> 16 & 0xffff), (unsigned)(ms & 0xffff), (unsigned long long)tail);
}

static bool read_bounded_cursor(const struct emulator *e, const struct ask *ask, struct view text, int64_t *ms,
                                uint32_t *index)
{
    unsigned parts[4];
    char copy[CURSOR_SIZE], again[CURSOR_SIZE];

    if (text.len != 36 || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, 36);
    copy[36] = '\0';
    if (sscanf(copy, "%8x-%4x-%4x-%4x-", &parts[0], &parts[1], &parts[2], &parts[3]) != 4)
        return false;
    *index = parts[0];
    *ms = (int64_t)((uint64_t)parts[1] << 32 | (uint64_t)parts[2] << 16 | parts[3]);
    bounded_cursor(e, ask, *ms, *index, again);
    return strcmp(copy, again) == 0;
}

/* ---- reading the parameters ---- */

static bool read_time(struct emulator *e, const struct ask *ask, const char *name, int64_t *ms,
                      struct emulator_response *out)
{
    char text[96];
    struct fail fail = { 400, "E0000001", false, text, "The time must be in the Internet date/time format profile" };
    struct view value;

    if (!query_get(ask->query, name, &value) || time_parse(value, ms))
        return true;
    snprintf(text, sizeof text, "%s: the value cannot be read as an ISO 8601 time", name);
    wire_fail(e, out, &fail, "Api validation failed: '%s' must be an ISO 8601 time", name);
    return false;
}

static bool allow_in_filter(struct view path, enum scim_op op, const struct scim_literal *literal,
                            enum scim_fault_kind *kind)
{
    (void)literal;
    if (op == SCIM_CO &&
        (view_is(path, "debugContext.debugData.url") || view_is(path, "debugContext.debugData.requestUri"))) {
        *kind = SCIM_OPERATOR;
        return false;
    }
    *kind = SCIM_FIELD;
    return content_has_path(path);
}

static bool read_filter(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    struct scim_fault fault;
    struct view filter;

    lq->has_filter = query_get(ask->query, "filter", &filter);
    if (!lq->has_filter || scim_parse(&lq->filter, filter, allow_in_filter, &fault))
        return true;
    return bad_filter(e, out, filter, &fault);
}

static bool read_words(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    struct view q = view_trim(query_value(ask->query, "q"));

    while (q.len > 0) {
        const char *blank = memchr(q.at, ' ', q.len);
        struct view word = { q.at, blank != NULL ? (size_t)(blank - q.at) : q.len };

        if (lq->words_count == Q_WORDS_MAX)
            return bad_request(e, out, "q: too many words", VIEW_NONE);
        if (word.len > Q_WORD_MAX)
            return bad_request(e, out, "q: a word is too long", word);
        lq->words[lq->words_count++] = word;
        q.at += word.len;
        q.len -= word.len;
        q = view_trim(q);
    }
    return true;
}

static bool read_limit(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    struct view value;
    uint64_t limit = LIMIT_DEFAULT;

    if (query_get(ask->query, "limit", &value) && !view_u64(value, 0, LIMIT_MAX, &limit))
        return bad_request(e, out, "limit: must be between 0 and 1000", value);
    lq->limit = (size_t)limit;
    return true;
}

static bool read_order(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    struct view order, until;

    lq->is_descending = false;
    if (query_get(ask->query, "sortOrder", &order)) {
        lq->is_descending = view_is(order, "DESCENDING");
        if (!lq->is_descending && !view_is(order, "ASCENDING"))
            return bad_request(e, out, "sortOrder: must be ASCENDING or DESCENDING", order);
    }
    lq->is_polling = !lq->is_descending && !query_get(ask->query, "until", &until);
    return true;
}

static bool read_window(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    static const struct fail too_old = { 400, "E0000053", true, NULL, NULL };
    struct view given;

    lq->until_ms = NO_LIMIT_MS;
    if (!read_time(e, ask, "until", &lq->until_ms, out))
        return false;
    lq->since_ms = (lq->until_ms != NO_LIMIT_MS ? lq->until_ms : e->now_ms) - WEEK_MS;
    if (!read_time(e, ask, "since", &lq->since_ms, out))
        return false;
    if (!query_get(ask->query, "since", &given) || lq->since_ms >= e->now_ms - SINCE_MAX_MS)
        return true;
    wire_fail(e, out, &too_old, "'since' must not be more than 180 days ago: " VIEW_FMT, VIEW_ARG(given));
    return false;
}

static bool read_cursor(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    struct view after;

    lq->has_cursor = query_get(ask->query, "after", &after);
    if (!lq->has_cursor)
        return true;
    if (lq->is_polling ? read_polling_cursor(e, ask, after, &lq->place)
                       : read_bounded_cursor(e, ask, after, &lq->after_ms, &lq->after_index))
        return true;
    return bad_cursor(e, out);
}

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
    char next[CURSOR_SIZE];

    for (; place < e->events.count && found < lq->limit && scanned < SCAN_MAX; place++, scanned++) {
        const struct event *event = &e->events.at[place];

        if (event->published_ms >= e->now_ms - RETENTION_MS && event->persisted_ms >= lq->since_ms)
            found += put_event(e, lq, place, &e->body);
    }
    polling_cursor(e, ask, place, next);
    end_page(e, ask, next, out);
}

/* The window as places in by_published, less what earlier pages held. */
static void find_window(const struct emulator *e, const struct logs_query *lq, size_t *low, size_t *high)
{
    int64_t oldest_ms = e->now_ms - RETENTION_MS;

    *low = events_seek_published(&e->events, lq->since_ms > oldest_ms ? lq->since_ms : oldest_ms, 0);
    *high = lq->until_ms == NO_LIMIT_MS ? e->events.count : events_seek_published(&e->events, lq->until_ms, 0);
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
    char next[CURSOR_SIZE];

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
    has_more = low < high && scanned > 0;
    if (has_more)
        bounded_cursor(e, ask, e->events.at[last].published_ms, last, next);
    end_page(e, ask, has_more ? next : NULL, out);
}

void logs_list(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct logs_query lq = { .words_count = 0 };

    if (!read_limit(e, ask, &lq, out) || !read_order(e, ask, &lq, out) || !read_window(e, ask, &lq, out) ||
        !read_filter(e, ask, &lq, out) || !read_words(e, ask, &lq, out) || !read_cursor(e, ask, &lq, out))
        return;
    if (lq.is_polling)
        answer_polling(e, ask, &lq, out);
    else
        answer_bounded(e, ask, &lq, out);
}
