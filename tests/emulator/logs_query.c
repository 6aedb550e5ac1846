#include "logs_query.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define WEEK_MS       (7 * INT64_C(86400000))
#define Q_WORD_MAX    40

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
                             uint64_t generation)
{
    struct view since = query_value(ask->query, "since"), until = query_value(ask->query, "until");
    uint64_t h = random_at(e->options.seed, RANDOM_CURSOR, a) ^ random_mix(b + generation) ^ (is_polling ? 1 : 2);

    for (size_t i = 0; i < since.len; i++)
        h = random_mix(h ^ (unsigned char)since.at[i]);
    for (size_t i = 0; i < until.len; i++)
        h = random_mix(h ^ (unsigned char)until.at[i] << 8);
    return h;
}

#define LIFE_STEPS 4

/* How often cursors were expired by hand, and, where they have a life, the quarter of one in which it is. */
static uint64_t generation_now(const struct emulator *e)
{
    int64_t life_ms = e->options.cursor_life_ms;
    uint64_t quarter = life_ms > 0 ? (uint64_t)(e->now_ms * LIFE_STEPS / life_ms) : 0;

    return (uint64_t)e->cursor_generation + (quarter << 12);
}

/* Of cursors that are still good: so many quarters back. */
static uint64_t generations_alive(const struct emulator *e)
{
    return e->options.cursor_life_ms > 0 ? LIFE_STEPS : 1;
}

/* Polling: "1773480412345_" and digits. The time is that of the event before, the digits hold the generation (12 bits),
 * the place (30) and a check (21). */
static void put_polling(const struct emulator *e, const struct ask *ask, size_t place, uint64_t generation,
                        char text[LOGS_CURSOR_SIZE])
{
    int64_t before_ms = place > 0 ? e->events.at[place - 1].persisted_ms : 0;
    uint64_t check = cursor_check(e, ask, true, place, (uint64_t)before_ms, generation) & 0x1fffff;
    uint64_t digits = (generation & 0xfff) << 51 | (uint64_t)place << 21 | check;

    snprintf(text, LOGS_CURSOR_SIZE, "%lld_%llu", (long long)before_ms, (unsigned long long)digits);
}

void logs_polling_cursor(const struct emulator *e, const struct ask *ask, size_t place, char text[LOGS_CURSOR_SIZE])
{
    put_polling(e, ask, place, generation_now(e), text);
}

static bool read_polling_cursor(const struct emulator *e, const struct ask *ask, struct view text, size_t *place)
{
    const char *bar = memchr(text.at, '_', text.len);
    char again[LOGS_CURSOR_SIZE];
    uint64_t digits;

    if (bar == NULL ||
        !view_u64((struct view){ bar + 1, text.len - (size_t)(bar + 1 - text.at) }, 0, UINT64_MAX, &digits))
        return false;
    *place = (size_t)(digits >> 21 & 0x3fffffff);
    if (*place > e->events.count)
        return false;
    for (uint64_t back = 0; back < generations_alive(e); back++) {
        put_polling(e, ask, *place, generation_now(e) - (back << 12), again);
        if (view_is(text, again))
            return true;
    }
    return false;
}

/* Bounded: the shape of a uuid. Time (48 bits), index (32), generation (12), check (36). */
static void put_bounded(const struct emulator *e, const struct ask *ask, int64_t ms, uint32_t index,
                        uint64_t generation, char text[LOGS_CURSOR_SIZE])
{
    uint64_t check = cursor_check(e, ask, false, (uint64_t)ms, index, generation) & 0xfffffffff;
    uint64_t tail = (generation & 0xfff) << 36 | check;

    snprintf(text, LOGS_CURSOR_SIZE, "%08x-%04x-%04x-%04x-%012llx", index, (unsigned)(ms >> 32 & 0xffff),
             (unsigned)(ms >> 16 & 0xffff), (unsigned)(ms & 0xffff), (unsigned long long)tail);
}

void logs_bounded_cursor(const struct emulator *e, const struct ask *ask, int64_t ms, uint32_t index,
                         char text[LOGS_CURSOR_SIZE])
{
    put_bounded(e, ask, ms, index, generation_now(e), text);
}

static bool read_bounded_cursor(const struct emulator *e, const struct ask *ask, struct view text, int64_t *ms,
                                uint32_t *index)
{
    unsigned parts[4];
    char copy[LOGS_CURSOR_SIZE], again[LOGS_CURSOR_SIZE];

    if (text.len != 36 || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, 36);
    copy[36] = '\0';
    if (sscanf(copy, "%8x-%4x-%4x-%4x-", &parts[0], &parts[1], &parts[2], &parts[3]) != 4)
        return false;
    *index = parts[0];
    *ms = (int64_t)((uint64_t)parts[1] << 32 | (uint64_t)parts[2] << 16 | parts[3]);
    for (uint64_t back = 0; back < generations_alive(e); back++) {
        put_bounded(e, ask, *ms, *index, generation_now(e) - (back << 12), again);
        if (strcmp(copy, again) == 0)
            return true;
    }
    return false;
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

        if (lq->words_count == LOGS_WORDS_MAX)
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

    lq->until_ms = LOGS_NO_LIMIT_MS;
    if (!read_time(e, ask, "until", &lq->until_ms, out))
        return false;
    lq->since_ms = (lq->until_ms != LOGS_NO_LIMIT_MS ? lq->until_ms : e->now_ms) - WEEK_MS;
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

bool logs_query_read(struct emulator *e, const struct ask *ask, struct logs_query *lq, struct emulator_response *out)
{
    lq->words_count = 0;
    return read_limit(e, ask, lq, out) && read_order(e, ask, lq, out) && read_window(e, ask, lq, out) &&
           read_filter(e, ask, lq, out) && read_words(e, ask, lq, out) && read_cursor(e, ask, lq, out);
}
