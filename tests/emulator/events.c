#include "events.h"

#include "base/assert.h"
#include "base/mem.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)
/* Of 100 ns between 1582-10-15, where version-1 uuids begin, and 1970-01-01. */
#define UUID_EPOCH         UINT64_C(0x01b21dd213814000)
#define USUAL_LAG_MS       400u /* most events are persisted that soon */
#define LATE_MS_MIN        2000u
#define ROOM_BEYOND        65536u /* events, beyond the history, before the first growth */
#define RAW_NAME_BYTES_MAX 128u   /* of a uuid or type found in a given text */

/* ---- which type ---- */

static void fill_picks(const struct events *ev, bool is_login, uint8_t picks[1024])
{
    uint32_t total = 0, before = 0;

    for (size_t i = 0; i < ev->types_count; i++)
        total += ev->types[i].is_login == is_login ? ev->types[i].weight : 0;
    for (size_t i = 0; i < ev->types_count; i++) {
        uint32_t after = before + (ev->types[i].is_login == is_login ? ev->types[i].weight : 0);

        for (uint32_t slot = before * 1024 / total; slot < after * 1024 / total; slot++)
            picks[slot] = (uint8_t)i;
        before = after;
    }
}

static uint8_t pick_type(const struct events *ev, uint64_t index)
{
    struct dice d = { random_at(ev->seed, RANDOM_TYPE, index) };

    if (dice_roll(&d, 100) < ev->other_percent)
        return ev->pick_other[dice_roll(&d, 1024)];
    return ev->pick_login[dice_roll(&d, 1024)];
}

/* The type of that name, which is learnt when it is new. */
static uint8_t type_named(struct events *ev, const char *name)
{
    for (size_t i = 0; i < ev->types_count; i++)
        if (strcmp(ev->types[i].event_type, name) == 0)
            return (uint8_t)i;
    ASSERT(ev->types_count < EVENT_TYPES_MAX);
    ev->types[ev->types_count] = (struct kind){ .event_type = mem_strdup(name),
                                                .is_login = kinds_is_login(view_of(name)),
                                                .outcome = OUTCOME_SUCCESS,
                                                .target = TARGET_USER,
                                                .severity = "INFO",
                                                .display = "Something happened" };
    return (uint8_t)ev->types_count++;
}

/* ---- the two orders ---- */

static void reserve(struct events *ev, size_t room)
{
    if (room <= ev->room)
        return;
    room += room / 4;
    ev->at = mem_grow(ev->at, room * sizeof *ev->at);
    ev->by_published = mem_grow(ev->by_published, room * sizeof *ev->by_published);
    ev->room = room;
}

static void append(struct events *ev, struct event event)
{
    size_t place = ev->count;

    if (ev->count >= EVENTS_MAX)
        return;
    reserve(ev, ev->count + 1);
    ASSERT(ev->count == 0 || event.persisted_ms >= ev->at[ev->count - 1].persisted_ms);
    ev->at[ev->count] = event;
    /* Nearly always it belongs at the end; what is late by minutes moves a few thousand numbers. */
    while (place > 0 && ev->at[ev->by_published[place - 1]].published_ms > event.published_ms)
        place--;
    memmove(ev->by_published + place + 1, ev->by_published + place, (ev->count - place) * sizeof *ev->by_published);
    ev->by_published[place] = (uint32_t)ev->count;
    ev->count++;
}

size_t events_seek_persisted(const struct events *ev, int64_t ms)
{
    size_t low = 0, high = ev->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ev->at[middle].persisted_ms < ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t events_seek_published(const struct events *ev, int64_t ms, uint32_t index)
{
    size_t low = 0, high = ev->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t i = ev->by_published[middle];

        if (ev->at[i].published_ms < ms || (ev->at[i].published_ms == ms && i < index))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- history ---- */

/* One event in each slot of equal length, so that any number of them is spread over the days; now and then two share a
 * millisecond. */
static void make_history(struct events *ev, uint64_t count, uint32_t days)
{
    int64_t span_ms = (int64_t)days * DAY_MS, begin_ms = ev->start_unix_ms - span_ms, published_ms = begin_ms;
    int64_t persisted_ms = begin_ms;

    ASSERT(count <= EVENTS_MAX && begin_ms > 0);
    reserve(ev, (size_t)count + ROOM_BEYOND);
    for (uint64_t i = 0; i < count; i++) {
        struct dice d = { random_at(ev->seed, RANDOM_PUBLISHED, i) };
        int64_t slot_ms = begin_ms + (int64_t)((double)span_ms * (double)i / (double)count);
        int64_t slot_end_ms = begin_ms + (int64_t)((double)span_ms * (double)(i + 1) / (double)count);
        int64_t lag_ms = dice_roll(&d, USUAL_LAG_MS);

        if (!dice_once_in(&d, 16) && slot_end_ms > slot_ms)
            published_ms = slot_ms + (int64_t)(dice_next(&d) % (uint64_t)(slot_end_ms - slot_ms));
        if (published_ms + lag_ms > persisted_ms)
            persisted_ms = published_ms + lag_ms;
        if (persisted_ms > ev->start_unix_ms)
            persisted_ms = ev->start_unix_ms;
        append(ev, (struct event){ published_ms, persisted_ms, EVENT_RAW_NONE, pick_type(ev, i) });
    }
}

/* ---- live events ---- */

static void pending_push(struct events *ev, struct event_pending p)
{
    size_t i = ev->pending_count++;

    if (ev->pending_count > ev->pending_room) {
        ev->pending_room = ev->pending_count * 2;
        ev->pending = mem_grow(ev->pending, ev->pending_room * sizeof *ev->pending);
    }
    for (; i > 0 && ev->pending[(i - 1) / 2].persisted_ms > p.persisted_ms; i = (i - 1) / 2)
        ev->pending[i] = ev->pending[(i - 1) / 2];
    ev->pending[i] = p;
}

static struct event_pending pending_pop(struct events *ev)
{
    struct event_pending top = ev->pending[0], last = ev->pending[--ev->pending_count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < ev->pending_count && ev->pending[child + 1].persisted_ms < ev->pending[child].persisted_ms)
            child++;
        if (child >= ev->pending_count || ev->pending[child].persisted_ms >= last.persisted_ms)
            break;
        ev->pending[i] = ev->pending[child];
        i = child;
    }
    ev->pending[i] = last;
    return top;
}

static struct event_pending live_at(const struct events *ev, uint64_t n)
{
    struct dice d = { random_at(ev->seed, RANDOM_LIVE, n) };
    struct event_pending p;

    p.published_ms =
        ev->start_unix_ms + (int64_t)n * ev->login_every_ms + (int64_t)(dice_next(&d) % (uint64_t)ev->login_every_ms);
    if (dice_roll(&d, 100) < ev->late_percent)
        p.persisted_ms = p.published_ms + LATE_MS_MIN + dice_roll(&d, EVENT_LATE_MS_MAX - LATE_MS_MIN);
    else
        p.persisted_ms = p.published_ms + dice_roll(&d, USUAL_LAG_MS);
    return p;
}

void events_advance(struct events *ev, int64_t now_ms)
{
    /* Whichever comes first: the next one is published, or the soonest pending one persisted. So the order is the same
     * however far time jumps, and few are pending at once. */
    for (;;) {
        bool may_publish = ev->is_live && ev->count < EVENTS_MAX;
        struct event_pending next = may_publish ? live_at(ev, ev->live_next) : (struct event_pending){ 0, 0 };

        may_publish = may_publish && next.published_ms <= now_ms;
        if (may_publish && (ev->pending_count == 0 || next.published_ms <= ev->pending[0].persisted_ms)) {
            pending_push(ev, next);
            ev->live_next++;
        } else if (ev->pending_count > 0 && ev->pending[0].persisted_ms <= now_ms) {
            next = pending_pop(ev);
            append(ev,
                   (struct event){ next.published_ms, next.persisted_ms, EVENT_RAW_NONE, pick_type(ev, ev->count) });
        } else {
            return;
        }
    }
}

/* ---- events from outside ---- */

/* The text of a string member, without reading the JSON: hostile text need not be JSON at all. */
static char *member_text(struct view json, const char *name)
{
    AUTO_BUF struct buf quoted = BUF(RAW_NAME_BYTES_MAX);
    const char *at, *end = json.at + json.len;
    size_t len = 0;

    buf_printf(&quoted, "\"%s\":", name);
    at = memmem(json.at, json.len, quoted.at, quoted.len);
    if (at == NULL)
        return mem_strdup("");
    for (at += quoted.len; at < end && *at == ' ';)
        at++;
    if (at == end || *at != '"')
        return mem_strdup("");
    at++;
    while (at + len < end && len < RAW_NAME_BYTES_MAX && at[len] != '"' && at[len] != '\0')
        len++;
    return view_dup((struct view){ at, len });
}

static uint32_t keep_raw(struct events *ev, struct view json)
{
    struct event_raw *raw;

    if (ev->raws_count == ev->raws_room) {
        ev->raws_room = ev->raws_room * 2 + 16;
        ev->raws = mem_grow(ev->raws, ev->raws_room * sizeof *ev->raws);
    }
    raw = &ev->raws[ev->raws_count];
    raw->json = mem_copy(json.at, json.len);
    raw->json_len = json.len;
    raw->uuid = member_text(json, "uuid");
    raw->event_type = member_text(json, "eventType");
    return (uint32_t)ev->raws_count++;
}

void events_add(struct events *ev, int64_t now_ms, int64_t published_ms, const char *event_type, struct view json)
{
    struct event event = { published_ms, now_ms, EVENT_RAW_NONE, 0 };

    events_advance(ev, now_ms);
    if (json.len > 0) {
        char *published = member_text(json, "published");

        event.raw = keep_raw(ev, json);
        /* Where the text is unreadable the org still has an order. */
        if (!time_parse(view_of(published), &event.published_ms))
            event.published_ms = published_ms;
        free(published);
    } else if (event_type != NULL) {
        event.type = type_named(ev, event_type);
    } else {
        event.type = ev->pick_login[random_at(ev->seed, RANDOM_TYPE, ev->count) % 1024];
    }
    append(ev, event);
}

/* ---- one event ---- */

const struct kind *events_kind(const struct events *ev, size_t index)
{
    ASSERT(index < ev->count && ev->at[index].raw == EVENT_RAW_NONE);
    return &ev->types[ev->at[index].type];
}

const char *events_type(const struct events *ev, size_t index)
{
    ASSERT(index < ev->count);
    if (ev->at[index].raw != EVENT_RAW_NONE)
        return ev->raws[ev->at[index].raw].event_type;
    return ev->types[ev->at[index].type].event_type;
}

bool events_is_login(const struct events *ev, size_t index)
{
    ASSERT(index < ev->count);
    if (ev->at[index].raw != EVENT_RAW_NONE)
        return kinds_is_login(view_of(ev->raws[ev->at[index].raw].event_type));
    return ev->types[ev->at[index].type].is_login;
}

static char *put_hex(char *to, uint64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--)
        *to++ = "0123456789abcdef"[value >> 4 * i & 15];
    return to;
}

void events_uuid(const struct events *ev, size_t index, char uuid[EVENT_UUID_SIZE])
{
    uint64_t random = random_at(ev->seed, RANDOM_UUID, index), ticks;
    char *to = uuid;

    ASSERT(index < ev->count);
    if (ev->at[index].raw != EVENT_RAW_NONE) {
        snprintf(uuid, EVENT_UUID_SIZE, "%s", ev->raws[ev->at[index].raw].uuid);
        return;
    }
    ticks = UUID_EPOCH + (uint64_t)ev->at[index].published_ms * 10000 + random % 10000;
    to = put_hex(to, ticks & 0xffffffff, 8);
    *to++ = '-';
    to = put_hex(to, ticks >> 32 & 0xffff, 4);
    *to++ = '-';
    to = put_hex(to, 0x1000 | (ticks >> 48 & 0xfff), 4);
    *to++ = '-';
    to = put_hex(to, 0x8000 | (random >> 20 & 0x3fff), 4);
    *to++ = '-';
    /* The node: the org's 16 bits, multicast bit set as RFC 4122 wants of a made-up one, and the event's own 32: the
     * index times an odd number, which keeps them apart. */
    to = put_hex(to, 0x0100 | (random_at(ev->seed, RANDOM_ORG, 1) & 0xfeff), 4);
    to = put_hex(to, (uint32_t)index * UINT32_C(0x9e3779b1), 8);
    *to = '\0';
}

void events_init(struct events *ev, const struct emulator_options *options)
{
    *ev = (struct events){ .seed = options->seed,
                           .late_percent = options->late_percent,
                           .other_percent = options->other_percent,
                           .login_every_ms = options->login_every_ms,
                           .start_unix_ms = options->start_unix_ms,
                           .is_live = options->login_every_ms > 0,
                           .types_count = kinds_count };
    memcpy(ev->types, kinds, kinds_count * sizeof kinds[0]);
    fill_picks(ev, true, ev->pick_login);
    fill_picks(ev, false, ev->pick_other);
    make_history(ev, options->history_events, options->history_days);
}

void events_deinit(struct events *ev)
{
    for (size_t i = kinds_count; i < ev->types_count; i++)
        free((void *)(uintptr_t)ev->types[i].event_type);
    for (size_t i = 0; i < ev->raws_count; i++) {
        free(ev->raws[i].json);
        free(ev->raws[i].uuid);
        free(ev->raws[i].event_type);
    }
    free(ev->raws);
    free(ev->pending);
    free(ev->at);
    free(ev->by_published);
}
