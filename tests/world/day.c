#include "world/day.h"

#include "base/assert.h"
#include "base/mem.h"
#include "model/snapshot.h"
#include "world/weather.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE  INT64_C(60000)
#define LOG_MAX 4096 /* calls in any minute are far fewer */

struct day {
    struct world world;
    struct day_figures *figures;
    bool is_measuring;

    /* our calls by Okta's windows */
    int64_t reset_unix_s;
    int32_t limit;
    uint64_t in_window;

    /* our calls to the log, newest last */
    int64_t sent_mono_ms[LOG_MAX];
    uint64_t sent_count;
    uint64_t users_count;

    /* how late the tail was, by event */
    int64_t *lags;
    size_t lag_count, lag_room;
    uint64_t stored;
    size_t truth_index;
};

/* ---- watching ---- */

static void close_window(struct day *d)
{
    if (d->limit > 0 && d->in_window > (uint64_t)d->limit / 2)
        d->figures->over_share++;
    d->in_window = 0;
}

static void count_in_window(struct day *d, const struct weather_seen *seen)
{
    if (seen->limit == 0)
        return;
    if (seen->reset_unix_s != d->reset_unix_s)
        close_window(d);
    d->reset_unix_s = seen->reset_unix_s;
    d->limit = seen->limit;
    d->in_window++;
}

static void count_in_minute(struct day *d, int64_t sent_mono_ms)
{
    uint64_t count = 0;

    d->sent_mono_ms[d->sent_count++ % LOG_MAX] = sent_mono_ms;
    while (count < d->sent_count && count < LOG_MAX &&
           d->sent_mono_ms[(d->sent_count - 1 - count) % LOG_MAX] > sent_mono_ms - MINUTE)
        count++;
    if (count > d->figures->logs_a_minute_max)
        d->figures->logs_a_minute_max = count;
}

static void on_seen(void *ctx, const struct weather_seen *seen)
{
    struct day *d = ctx;

    if (seen->is_logs)
        count_in_window(d, seen);
    d->figures->history_pages += seen->is_logs && !seen->is_tail;
    if (!d->is_measuring)
        return;
    d->figures->requests++;
    d->users_count += seen->is_users;
    if (seen->is_logs)
        count_in_minute(d, seen->sent_mono_ms);
}

static void add_lag(struct day *d, int64_t ms)
{
    if (d->lag_count == d->lag_room) {
        d->lag_room = d->lag_room * 2 + 1024;
        d->lags = mem_grow(d->lags, d->lag_room * sizeof *d->lags);
    }
    d->lags[d->lag_count++] = ms;
}

/* The tail stores in the order in which Okta did: the next one stored is the next login event of the truth. */
static void on_changed(struct world *w)
{
    struct day *d = w->ctx;
    struct poller_snapshot now;

    poller_snapshot(w->poller, &now);
    while (d->stored < now.logins_stored) {
        struct emulator_truth t = emulator_truth_at(w->emulator, d->truth_index++);

        if (!t.is_login || t.persisted_ms < WORLD_START_MS - 10 * MINUTE)
            continue;
        d->stored++;
        if (d->is_measuring && t.persisted_ms > WORLD_START_MS)
            add_lag(d, w->clock.unix_ms - t.persisted_ms);
    }
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void sum_up(struct day *d, int64_t ms)
{
    struct day_figures *f = d->figures;
    const struct poller_snapshot *now = &d->world.now;

    close_window(d);
    if (d->lag_count > 0)
        qsort(d->lags, d->lag_count, sizeof *d->lags, by_size);
    f->events = d->lag_count;
    if (d->lag_count > 0) {
        f->lag_p50_ms = d->lags[d->lag_count / 2];
        f->lag_p99_ms = d->lags[(d->lag_count - 1) * 99 / 100];
        f->lag_max_ms = d->lags[d->lag_count - 1];
    }
    f->interval_ms = now->tail_interval_ms;
    f->users_a_minute = (double)d->users_count * (double)MINUTE / (double)ms;
    f->answers_429 = emulator_answers_429(d->world.emulator);
    if (now->history_reached_ms > 0)
        f->history_days = (double)(WORLD_START_MS - 10 * MINUTE - now->history_reached_ms) / (double)WORLD_DAY_MS;
    if (now->history == HISTORY_COMPLETE || now->history == HISTORY_OFF)
        world_compare(&d->world, &f->lost, &f->doubled);
}

static struct okta_transport *wrap(struct world *w, struct okta_transport *inner)
{
    const struct weather_options options = { w->emulator, &w->clock, on_seen, w->ctx };

    return weather_create(inner, &options);
}

void day_run(const struct day_options *options, struct day_figures *out)
{
    struct day *d = mem_zero(sizeof *d);
    const struct world_options world = {
        .org = { .seed = 7,
                 .users = 2000,
                 .history_events = (uint64_t)(options->events_a_day * options->history_days),
                 .history_days = (uint32_t)options->history_days,
                 .login_every_ms = WORLD_DAY_MS / options->events_a_day,
                 .late_percent = 2,
                 .other_percent = 40,
                 .logs_limit = options->logs_limit,
                 .users_limit = 600,
                 .neighbour_percent = options->neighbour_percent },
        .history_days = options->history_days,
        .latency_ms = 250,
        .store_max_bytes = UINT64_C(8) << 30,
        .wrap = wrap,
        .ctx = d,
    };

    memset(out, 0, sizeof *out);
    d->figures = out;
    world_open(&d->world, &world);
    d->world.on_changed = on_changed;
    d->is_measuring = options->is_first_sync_counted;
    if (!d->is_measuring)
        ASSERT(world_run(&d->world, world_is_synced, 30 * WORLD_DAY_MS));
    d->is_measuring = true;
    world_pass(&d->world, options->ms);
    emulator_stop_logins(d->world.emulator);
    world_pass(&d->world, 30 * MINUTE); /* what is late comes */
    sum_up(d, options->ms + 30 * MINUTE);
    world_close(&d->world);
    free(d->lags);
    free(d);
}
