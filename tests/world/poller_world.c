#include "world/poller_world.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/state.h"
#include "okta/connector/v1/login.pb-c.h"
#include "record/catalogue.h"
#include "store/journal.h"
#include "store/store.h"
#include "world/collections.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TURNS_MAX  200000
#define TURN_MS    60000
#define OVERLAP_MS 600000

/* ---- life ---- */

static void on_changed(void *ctx)
{
    struct world *w = ctx;

    w->changed++;
    if (w->on_changed != NULL && w->poller != NULL) /* not while it is being made */
        w->on_changed(w);
}

static bool on_fresh_token(void *ctx, struct view used, struct buf *out)
{
    struct world *w = ctx;

    w->fresh_asked++;
    if (w->fresh_token == NULL || view_is(used, w->fresh_token))
        return false;
    buf_puts(out, w->fresh_token);
    return true;
}

static int64_t mono_ms(void *self)
{
    return ((struct world *)self)->clock.mono_ms;
}

static int64_t unix_ms(void *self)
{
    struct world *w = self;

    return w->clock.unix_ms + w->clock_off_ms;
}

static void open_store(struct world *w)
{
    struct store_options options = { .dir = w->dir, .max_bytes = w->store_max_bytes };
    struct error err;

    for (size_t i = 0; collection_at(i) != NULL; i++)
        options.row_kinds |= UINT32_C(1) << collection_at(i)->store_number;
    ASSERT(store_open(&w->store, &options, &err));
}

static void open_poller(struct world *w)
{
    struct error err = { 0 };

    w->options.store = w->store;
    if (!poller_create(&w->poller, &w->options, view_of(WORLD_TOKEN), &err)) {
        fprintf(stderr, "%s\n", err.text);
        ASSERT(!"poller_create");
    }
    poller_snapshot(w->poller, &w->now);
}

static void make_dir(struct world *w)
{
    const char *parent = getenv("TEST_TMPDIR");

    snprintf(w->dir, sizeof w->dir, "%s/poller-XXXXXX", parent != NULL ? parent : "/tmp");
    ASSERT(mkdtemp(w->dir) != NULL);
}

/* The long runs fill gigabytes. */
static void remove_dir(const struct world *w)
{
    static const char *const names[] = { "data.mdb", "lock.mdb" };
    char path[600];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", w->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(w->dir);
}

void world_open(struct world *w, const struct world_options *options)
{
    struct emulator_options org = options->org;
    struct error err;

    memset(w, 0, sizeof *w);
    log_set_level(LOG_ERROR);
    make_dir(w);
    org.base_url = "https://acme.okta.com";
    org.token = WORLD_TOKEN;
    org.start_unix_ms = WORLD_START_MS;
    w->emulator = emulator_create(&org);
    hand_clock_init(&w->clock, WORLD_START_MS);
    w->clock_off_ms = options->clock_off_ms;
    w->wrong_clock = (struct clock){ mono_ms, unix_ms, w };
    w->ctx = options->ctx;
    w->transport = emulator_transport_create(w->emulator, &w->clock, options->latency_ms);
    if (options->wrap != NULL)
        w->transport = options->wrap(w, w->transport);
    w->store_max_bytes = options->store_max_bytes != 0 ? options->store_max_bytes : UINT64_C(256) << 20;
    w->options = (struct poller_options){
        .clock = &w->wrong_clock,
        .transport = w->transport,
        .collections =
            options->collections != 0 ? options->collections : 1u << COLLECTION_LOGINS | 1u << COLLECTION_USERS,
        .history_days = options->history_days,
        .retention_days = options->retention_days != 0 ? options->retention_days : 90,
        .share_percent = 50,
        .changed = on_changed,
        .fresh_token = on_fresh_token,
        .ctx = w,
    };
    ASSERT(okta_url_parse(VIEW("acme"), false, &w->options.url, &err));
    open_store(w);
    open_poller(w);
}

void world_close(struct world *w)
{
    poller_destroy(w->poller);
    w->poller = NULL;
    store_close(w->store);
    w->transport->destroy(w->transport);
    emulator_destroy(w->emulator);
    remove_dir(w);
}

void world_restart(struct world *w)
{
    poller_destroy(w->poller);
    w->poller = NULL;
    store_close(w->store);
    w->restarts++;
    open_store(w);
    open_poller(w);
}

/* ---- time ---- */

void world_turn(struct world *w)
{
    (void)poller_turn(w->poller, TURN_MS);
    poller_snapshot(w->poller, &w->now);
}

bool world_run(struct world *w, world_when *when, int64_t within_ms)
{
    int64_t until_ms = w->clock.mono_ms + within_ms;

    for (int i = 0; i < TURNS_MAX && w->clock.mono_ms < until_ms; i++) {
        if (when(w))
            return true;
        world_turn(w);
    }
    return when(w);
}

static bool never(const struct world *w)
{
    (void)w;
    return false;
}

void world_pass(struct world *w, int64_t ms)
{
    (void)world_run(w, never, ms);
}

bool world_is_live(const struct world *w)
{
    return w->now.state == CONNECTOR_LIVE;
}

bool world_is_synced(const struct world *w)
{
    return w->now.state == CONNECTOR_LIVE && (w->now.history == HISTORY_COMPLETE || w->now.history == HISTORY_OFF);
}

bool world_is_degraded(const struct world *w)
{
    return w->now.state == CONNECTOR_DEGRADED;
}

bool world_is_refused(const struct world *w)
{
    return w->now.state == CONNECTOR_RECONNECT_REQUIRED;
}

/* ---- the truth ---- */

struct uuids {
    char (*at)[64];
    size_t count, room;
};

static void add_uuid(struct uuids *u, const char *uuid)
{
    if (u->count == u->room) {
        u->room = u->room * 2 + 64;
        u->at = mem_grow(u->at, u->room * sizeof *u->at);
    }
    snprintf(u->at[u->count++], sizeof *u->at, "%s", uuid);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct uuids *u)
{
    if (u->count > 0)
        qsort(u->at, u->count, sizeof *u->at, by_text);
}

static bool collect(void *ctx, const struct journal_record *record)
{
    const uint8_t *at = (const uint8_t *)record->encoded.at;
    size_t skip = 1; /* the tag; then the length, a varint */
    Okta__Connector__V1__LoginEvent *event;

    while ((at[skip++] & 0x80) != 0)
        ;
    event = okta__connector__v1__login_event__unpack(NULL, record->encoded.len - skip, at + skip);
    ASSERT(event != NULL && event->sequence == record->sequence);
    add_uuid(ctx, event->uuid);
    okta__connector__v1__login_event__free_unpacked(event, NULL);
    return true;
}

static void read_store(struct world *w, struct uuids *out)
{
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX };
    struct error err;

    ASSERT(journal_scan(w->store, &all, collect, out, &err));
    sort(out);
}

static void read_truth(struct world *w, struct uuids *out)
{
    int64_t tail_ms = WORLD_START_MS - OVERLAP_MS, history_ms = tail_ms - w->options.history_days * WORLD_DAY_MS;

    for (size_t i = 0; i < emulator_truth_count(w->emulator); i++) {
        struct emulator_truth t = emulator_truth_at(w->emulator, i);

        ASSERT(t.is_login == (catalogue_kind(view_of(t.event_type)) != 0));
        if (t.is_login && (t.persisted_ms >= tail_ms || t.published_ms >= history_ms))
            add_uuid(out, t.uuid);
    }
    sort(out);
}

void world_compare(struct world *w, size_t *lost, size_t *doubled)
{
    struct uuids want = { 0 }, have = { 0 };
    size_t i = 0, j = 0;

    *lost = *doubled = 0;
    read_truth(w, &want);
    read_store(w, &have);
    while (i < want.count || j < have.count) {
        int order = i == want.count ? 1 : j == have.count ? -1 : strcmp(want.at[i], have.at[j]);

        *lost += order < 0;
        *doubled += order > 0;
        i += order <= 0;
        j += order >= 0;
    }
    free(want.at);
    free(have.at);
}

static void tell_difference(const struct uuids *want, const struct uuids *have)
{
    size_t i = 0, j = 0, told = 0;

    while ((i < want->count || j < have->count) && told < 10) {
        int order = i == want->count ? 1 : j == have->count ? -1 : strcmp(want->at[i], have->at[j]);

        if (order != 0 && ++told)
            fprintf(stderr, "%s %s\n", order < 0 ? "lost" : "too much", order < 0 ? want->at[i] : have->at[j]);
        i += order <= 0;
        j += order >= 0;
    }
}

void world_check_exactly_once(struct world *w)
{
    struct uuids want = { 0 }, have = { 0 };
    bool same;

    read_truth(w, &want);
    read_store(w, &have);
    same = want.count == have.count;
    for (size_t i = 0; same && i < want.count; i++)
        same = strcmp(want.at[i], have.at[i]) == 0;
    if (!same)
        fprintf(stderr, "truth %zu, store %zu, restarts %u\n", want.count, have.count, w->restarts);
    if (!same)
        tell_difference(&want, &have);
    ASSERT(want.count > 0);
    ASSERT(same);
    free(want.at);
    free(have.at);
}

void world_check_nothing_is_lost(struct world *w)
{
    struct uuids want = { 0 };
    struct journal_bounds bounds;
    struct error err;

    read_truth(w, &want);
    ASSERT(journal_bounds(w->store, &bounds, &err));
    if (bounds.count + bounds.pruned != want.count)
        fprintf(stderr, "truth %zu, store %llu, removed %llu\n", want.count, (unsigned long long)bounds.count,
                (unsigned long long)bounds.pruned);
    ASSERT(bounds.count + bounds.pruned == want.count);
    free(want.at);
}

/* LMDB's two meta pages: each commit writes one of them, with its number in it. */
#define META_BYTES 8192

static void read_meta(const struct world *w, unsigned char meta[META_BYTES])
{
    char path[600];
    FILE *file;

    snprintf(path, sizeof path, "%s/data.mdb", w->dir);
    file = fopen(path, "rb");
    ASSERT(file != NULL && fread(meta, 1, META_BYTES, file) == META_BYTES);
    fclose(file);
}

void world_check_nothing_is_written(struct world *w, int64_t ms)
{
    static unsigned char before[META_BYTES], after[META_BYTES];

    read_meta(w, before);
    world_pass(w, ms);
    read_meta(w, after);
    ASSERT(memcmp(before, after, META_BYTES) == 0);
}

size_t world_stored(struct world *w)
{
    struct journal_bounds bounds;
    struct error err;

    ASSERT(journal_bounds(w->store, &bounds, &err));
    return bounds.count;
}
