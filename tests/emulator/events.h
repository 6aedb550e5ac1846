/* tests/emulator/events.h: the emulated org's log: which events there are, when each was published, and when it was
 * persisted, which is when it becomes visible.
 *
 * An event is some 30 bytes: its text is made from the seed and its place in the log whenever somebody asks. */
#ifndef EMULATOR_EVENTS_H
#define EMULATOR_EVENTS_H

#include "emulator.h"
#include "kinds.h"

#define EVENTS_MAX        (64u << 20) /* 2 GB of these; then the log stands still */
#define EVENT_TYPES_MAX   250         /* own and added ones; an event holds its type in a byte */
#define EVENT_RAW_NONE    UINT32_MAX
#define EVENT_UUID_SIZE   37
#define EVENT_LATE_MS_MAX 300000

struct event {
    int64_t published_ms, persisted_ms;
    uint32_t raw; /* index of its text, for one that was given as text */
    uint8_t type;
};

/* An event given as text. */
struct event_raw {
    char *json;
    size_t json_len;
    char *uuid, *event_type; /* "" when it names none */
};

/* A live event that was published and is not persisted yet. */
struct event_pending {
    int64_t published_ms, persisted_ms;
};

struct events {
    uint64_t seed;
    uint32_t late_percent, other_percent;
    int64_t login_every_ms, start_unix_ms;

    struct event *at; /* in the order of persistence; the index is also what makes its content */
    size_t count, room;
    uint32_t *by_published; /* indices, ascending by (published, index) */

    struct event_raw *raws;
    size_t raws_count, raws_room;
    struct kind types[EVENT_TYPES_MAX]; /* the own ones, then what was added by name */
    size_t types_count;
    uint8_t pick_login[1024], pick_other[1024]; /* types by weight */

    bool is_live;
    uint64_t live_next;            /* how many live ones were published */
    struct event_pending *pending; /* a heap, soonest persisted on top */
    size_t pending_count, pending_room;
};

void events_init(struct events *ev, const struct emulator_options *options);
void events_deinit(struct events *ev);

/* Persists what is due. */
void events_advance(struct events *ev, int64_t now_ms);

/* Persists one event now: with this text, or a generated one (of a login type when event_type is NULL). */
void events_add(struct events *ev, int64_t now_ms, int64_t published_ms, const char *event_type, struct view json);

/* The first place in the order of persistence that is at or after ms; count when there is none. */
size_t events_seek_persisted(const struct events *ev, int64_t ms);
/* The first place in by_published that is at or after (ms, index). */
size_t events_seek_published(const struct events *ev, int64_t ms, uint32_t index);

const struct kind *events_kind(const struct events *ev, size_t index); /* ASSERTs that it is a generated one */
const char *events_type(const struct events *ev, size_t index);
/* A version-1 uuid whose time is the event's published time, unique to the event; or what the text says. */
void events_uuid(const struct events *ev, size_t index, char uuid[EVENT_UUID_SIZE]);
bool events_is_login(const struct events *ev, size_t index);

#endif
