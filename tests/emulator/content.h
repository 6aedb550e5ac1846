/* tests/emulator/content.h: what a generated event says, first as values (which filters look at), then as JSON. */
#ifndef EMULATOR_CONTENT_H
#define EMULATOR_CONTENT_H

#include "events.h"
#include "names.h"
#include "users.h"

struct org {
    uint64_t seed;
    struct events *events;
    struct users *users;
    uint32_t apps; /* at least 1 here: somebody signs on to something */
};

struct content {
    const struct org *org;
    const struct kind *kind;
    const struct agent *agent;
    const struct place *place;
    const char *result, *reason; /* no result: outcome is null; no reason: null */
    const char *zone;            /* NULL: null */
    const char *legacy;          /* NULL: null */
    const char *actor_type;
    const char *actor_name; /* NULL: first and last name of the actor */
    struct person actor;
    size_t subject; /* the user among the targets */
    uint32_t app;
    uint64_t noise; /* for what nobody filters by */
    bool has_client, has_targets;
    uint32_t agent_padding; /* bytes of a very long user agent */
    char ip[46];
    bool is_ipv6;
    char uuid[EVENT_UUID_SIZE], published[TIME_TEXT_SIZE], request_id[33], session[26];
};

/* Of a generated event, not of one given as text. */
void content_make(struct content *c, const struct org *org, size_t index);
void content_render(const struct content *c, struct buf *out);
/* The nth entry of target[]; false when there is none. */
bool content_target(const struct content *c, size_t nth, struct buf *out);

/* The nth value at a path such as "outcome.result" or "target.id"; false when there is none. `scratch` may hold it. */
bool content_value(const struct content *c, struct view path, size_t nth, char scratch[256], struct view *out);
/* Whether events have such a path at all. */
bool content_has_path(struct view path);

#endif
