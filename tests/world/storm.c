#include "world/storm.h"

#include "base/assert.h"
#include "base/mem.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "world/poller_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE INT64_C(60000)

/* The tail's longest wait is 30 s, and jitter may make a tenth more of ours; then the question and its answer, and once
 * more where the first answer only said that a cursor is dead. */
#define STEP_MS   (33 * SECOND)
#define ANSWER_MS (2 * SECOND)
/* What Okta itself asks for after a 429. */
#define WINDOW_WAIT_MS (20 * SECOND + 2 * SECOND)

#define IN_A_ROW_MAX   6
#define FAIR_MS_MIN    (20 * SECOND)
#define FAIR_MS_SPREAD (100 * SECOND)
#define RESTART_ONE_IN 40
#define DEEPER_ONE_IN  60
#define HISTORY_DAYS   40
#define SENT_MAX       4096
#define PATIENCE_MS    (120 * MINUTE) /* no recovery takes longer, if there is one */

struct storm {
    struct world world;
    struct storm_figures *figures;
    uint64_t random;

    /* the weather */
    enum weather_kind kind;
    int64_t ended_mono_ms; /* of the last spoiled answer */
    bool is_recovering;    /* no good answer to the tail since */

    int64_t sent_mono_ms[SENT_MAX];
    uint64_t sent_count;
    enum connector_state state;
};

static uint64_t draw(struct storm *s, uint64_t below)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random % below;
}

/* ---- watching ---- */

static int64_t allowed_ms(enum weather_kind kind)
{
    return (kind == WEATHER_WINDOW_FULL && WINDOW_WAIT_MS > STEP_MS ? WINDOW_WAIT_MS : STEP_MS) + ANSWER_MS;
}

static void note_recovery(struct storm *s, int64_t ms)
{
    struct storm_figures *f = s->figures;

    s->is_recovering = false;
    if (ms > f->recovery_max_ms) {
        f->recovery_max_ms = ms;
        f->recovery_kind = s->kind;
    }
    f->slow_recoveries += ms > allowed_ms(s->kind);
}

static void count_in_minute(struct storm *s, int64_t sent_mono_ms)
{
    uint64_t count = 0;

    s->sent_mono_ms[s->sent_count++ % SENT_MAX] = sent_mono_ms;
    while (count < s->sent_count && count < SENT_MAX &&
           s->sent_mono_ms[(s->sent_count - 1 - count) % SENT_MAX] > sent_mono_ms - MINUTE)
        count++;
    if (count > s->figures->calls_a_minute_max)
        s->figures->calls_a_minute_max = count;
}

static void on_seen(void *ctx, const struct weather_seen *seen)
{
    struct storm *s = ctx;

    s->figures->requests++;
    s->figures->spoiled[seen->kind]++;
    count_in_minute(s, seen->sent_mono_ms);
    if (seen->kind != WEATHER_CALM) {
        s->ended_mono_ms = seen->ended_mono_ms;
        s->is_recovering = true;
    } else if (s->is_recovering && seen->is_tail && seen->status == 200 && weather_left(s->world.transport) == 0) {
        note_recovery(s, seen->ended_mono_ms - s->ended_mono_ms);
    }
}

/* A token that works is never called dead, and nothing is called degraded that has been well for longer than a step. */
static void on_changed(struct world *w)
{
    struct storm *s = w->ctx;
    struct poller_snapshot now;

    poller_snapshot(w->poller, &now);
    if (now.state == s->state)
        return;
    s->state = now.state;
    if (now.state == CONNECTOR_RECONNECT_REQUIRED)
        s->figures->untrue++;
    if (now.state == CONNECTOR_DEGRADED && weather_left(w->transport) == 0 && !s->is_recovering &&
        w->clock.mono_ms - s->ended_mono_ms > 6 * MINUTE)
        s->figures->untrue++;
}

/* ---- weather ---- */

static uint32_t how_many(struct storm *s, enum weather_kind kind)
{
    switch (kind) {
    case WEATHER_UNAUTHORIZED: /* three are believed, and rightly */
    case WEATHER_FORBIDDEN:
    case WEATHER_NOT_FOUND:
    case WEATHER_NO_SESSION:
    case WEATHER_HUGE: /* takes its time here too */
        return 1 + (uint32_t)draw(s, 2);
    default:
        return 1 + (uint32_t)draw(s, IN_A_ROW_MAX);
    }
}

static void go_deeper(struct storm *s)
{
    struct world *w = &s->world;
    struct poller_settings settings = { w->options.collections, w->options.history_days, 90 };
    struct error err;

    if (w->options.history_days == HISTORY_DAYS)
        return;
    settings.history_days = ++w->options.history_days;
    ASSERT(poller_reconfigure(w->poller, &w->options.url, VIEW_NONE, &settings, &err));
}

static void turn_until(struct storm *s, int64_t until_mono_ms)
{
    while (s->world.clock.mono_ms < until_mono_ms)
        world_turn(&s->world);
}

static void one_storm(struct storm *s, enum weather_kind only)
{
    struct world *w = &s->world;
    int64_t patience_ms;

    s->figures->storms++;
    s->kind = only != WEATHER_CALM ? only : (enum weather_kind)(1 + draw(s, WEATHER_KINDS - 1));
    weather_turn(w->transport, s->kind, how_many(s, s->kind));
    /* Bad cursors come to those who follow one, and all of them may have been dropped. */
    for (patience_ms = w->clock.mono_ms + 60 * MINUTE;
         weather_left(w->transport) > 0 && w->clock.mono_ms < patience_ms;)
        world_turn(w);
    weather_turn(w->transport, WEATHER_CALM, 0);
    if (draw(s, RESTART_ONE_IN) == 0) {
        s->is_recovering = false;
        world_restart(w);
        s->figures->restarts++;
    } else if (draw(s, DEEPER_ONE_IN) == 0) {
        go_deeper(s);
    }
    turn_until(s, w->clock.mono_ms + FAIR_MS_MIN + (int64_t)draw(s, FAIR_MS_SPREAD));
    while (s->is_recovering && w->clock.mono_ms < s->ended_mono_ms + PATIENCE_MS)
        world_turn(w);
    if (s->is_recovering)
        note_recovery(s, PATIENCE_MS);
}

static struct okta_transport *wrap(struct world *w, struct okta_transport *inner)
{
    const struct weather_options options = { w->emulator, &w->clock, on_seen, w->ctx };

    return weather_create(inner, &options);
}

static void open_world(struct storm *s, uint64_t seed)
{
    const struct world_options world = {
        .org = { .seed = seed,
                 .users = 700,
                 .history_events = 60000,
                 .history_days = HISTORY_DAYS + 2,
                 .login_every_ms = 15 * SECOND,
                 .late_percent = 5,
                 .other_percent = 20,
                 .logs_limit = 600,
                 .users_limit = 600 },
        .history_days = 2,
        .latency_ms = 100,
        .store_max_bytes = UINT64_C(4) << 30,
        .wrap = wrap,
        .ctx = s,
    };

    world_open(&s->world, &world);
    s->world.on_changed = on_changed;
}

void storm_run(const struct storm_options *options, struct storm_figures *out)
{
    struct storm *s = mem_zero(sizeof *s);

    memset(out, 0, sizeof *out);
    s->figures = out;
    s->random = options->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    open_world(s, options->seed);
    while (out->requests < options->requests)
        one_storm(s, options->only);
    emulator_stop_logins(s->world.emulator);
    turn_until(s, s->world.clock.mono_ms + 40 * MINUTE); /* what is late comes */
    if (!world_run(&s->world, world_is_synced, 24 * 60 * MINUTE))
        out->untrue++;
    world_compare(&s->world, &out->lost, &out->doubled);
    out->violations = emulator_violations(s->world.emulator);
    world_close(&s->world);
    free(s);
}
