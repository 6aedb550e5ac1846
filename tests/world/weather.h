/* tests/world/weather.h: what stands between the poller and an emulated org, watches every exchange, and spoils some.
 *
 * Each kind is something that real clients of real orgs have met. What it does to an answer is a row of a table. */
#ifndef WORLD_WEATHER_H
#define WORLD_WEATHER_H

#include "emulator/transport.h"

enum weather_kind {
    WEATHER_CALM,
    WEATHER_TIMEOUT,
    WEATHER_RESET,
    WEATHER_CUT_OFF, /* the connection ends in the middle of the body */
    WEATHER_STALE,
    WEATHER_HALF_JSON, /* in the middle of the body, and nobody says so */
    WEATHER_GARBAGE,
    WEATHER_OBJECT,  /* JSON, but no list */
    WEATHER_NESTED,  /* so deep that nobody wants to go there */
    WEATHER_EMPTY,   /* 200 and nothing */
    WEATHER_UNTYPED, /* the right body as text/plain */
    WEATHER_HUGE,    /* more than we take */
    WEATHER_LOGIN_PAGE,
    WEATHER_REDIRECT,
    WEATHER_TOO_SLOW, /* E0000009 */
    WEATHER_QUERY_FAILED,
    WEATHER_BAD_GATEWAY,
    WEATHER_READ_ONLY,
    WEATHER_SEARCH_DOWN,
    WEATHER_GATEWAY_TIMEOUT,
    WEATHER_WINDOW_FULL,    /* 429 until the window ends */
    WEATHER_WINDOW_UNKNOWN, /* 429 without a word about when */
    WEATHER_CROWD,          /* 429 for too many at once */
    WEATHER_BAD_CURSOR,     /* to requests with one */
    WEATHER_CURSOR_REFUSED,
    WEATHER_CURSORS_EXPIRE, /* all that were given out */
    WEATHER_UNAUTHORIZED,
    WEATHER_NO_SESSION,
    WEATHER_FORBIDDEN,
    WEATHER_NOT_FOUND,
    WEATHER_KINDS,
};

/* An exchange that is over. */
struct weather_seen {
    enum weather_kind kind;
    bool is_logs, is_tail, is_users;
    int status;
    int32_t limit;        /* of an answer that nobody spoiled; 0: it did not say */
    int64_t reset_unix_s; /* likewise */
    int64_t sent_mono_ms, ended_mono_ms;
};

struct weather_options {
    struct emulator *emulator;
    struct hand_clock *clock;
    void (*seen)(void *ctx, const struct weather_seen *seen); /* may be NULL */
    void *ctx;
};

/* Owns `inner`, which is the emulator's transport. */
struct okta_transport *weather_create(struct okta_transport *inner, const struct weather_options *options);
/* The next `count` answers suffer it. */
void weather_turn(struct okta_transport *t, enum weather_kind kind, uint32_t count);
/* How many of these are left. */
uint32_t weather_left(const struct okta_transport *t);
const char *weather_name(enum weather_kind kind);

#endif
