/* Reading the journal. The held events are one range of sequences without a gap. So counting is arithmetic, and finding
 * a time is a binary search over sequences, with one lookup for each step. */
#include "base/assert.h"
#include "store/journal.h"
#include "store/sequence.h"
#include "store/types.h"

/* Events examined in one journal_copy. A filter that lets nothing through must still end its read transaction: while
 * one is open, LMDB cannot reuse the pages that later commits free, and the file grows. */
#define COPY_LOOK_MAX 65536

/* Room that the caller needs behind the events of a batch (its position, flags), when a single event raised the cap. */
#define COPY_SLACK_BYTES 4096

static bool journal_bounds_at(const struct snapshot *at, struct journal_bounds *out, struct error *err)
{
    const struct state *state = &at->state;
    struct journal_bounds b = {
        .count = state_count(state),
        .floor = state->floor,
        .floor_published_ms = state->floor_published_ms,
        .pruned = state->pruned,
        .oldest_published_ms = JOURNAL_NO_TIME,
        .watermark_ms = state->watermark_ms != JOURNAL_NO_TIME ? state->watermark_ms : state->history_newest_ms,
        .backfilled = state->backfilled,
    };
    struct entry_glance glance;

    if (b.count > 0) {
        b.oldest = state_oldest(state);
        b.head = state_head(state);
        if (!sequence_glance(at, b.oldest, &glance, err))
            return false;
        b.oldest_published_ms = glance.time_ms != INT64_MAX ? glance.time_ms : JOURNAL_NO_TIME;
    }
    *out = b;
    return true;
}

bool journal_bounds(struct store *s, struct journal_bounds *out, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;

    return snapshot_begin(s, &at, err) && journal_bounds_at(&at, out, err);
}

bool journal_bounds_in(struct store_txn *txn, struct journal_bounds *out, struct error *err)
{
    return journal_bounds_at(&txn->at, out, err);
}

static bool journal_damaged(uint64_t sequence, struct error *err)
{
    return error_set(err, ERROR_DATA_LOSS, "event %llu is damaged", (unsigned long long)sequence);
}

bool journal_scan(struct store *s, const struct journal_range *range, journal_visit *visit, void *ctx,
                  struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    AUTO_WALK struct sequence_walk walk = { 0 };
    struct view stored;
    struct entry e;
    uint64_t sequence;
    bool is_over;

    if (!snapshot_begin(s, &at, err))
        return false;
    sequence_walk_init(&walk, &at, range->after, range->up_to);
    for (;;) {
        if (!sequence_walk_next(&walk, &sequence, &stored, &is_over, err))
            return false;
        if (is_over)
            return true;
        if (!entry_read(stored, sequence, &e))
            return journal_damaged(sequence, err);
        if (range->want_type && !types_text(&at, e.type_id, &e.record.event_type, err))
            return false;
        if (!visit(ctx, &e.record))
            return true;
    }
}

/* ---- batches ---- */

#define CACHE_LINE_BYTES 64
#define PREFETCH_BYTES   1024 /* most records are smaller */

struct journal_copying {
    struct sequence_walk walk;
    const struct journal_want *want;
    struct buf *out;
    struct journal_batch batch;
};

/* The first record of a batch always goes in, whatever the cap: otherwise its reader would be stuck in front of it. */
static bool journal_make_room(struct journal_copying *c, size_t len)
{
    if (len <= c->out->cap - c->out->len)
        return true;
    if (c->batch.count > 0)
        return false;
    c->out->cap = c->out->len + len + COPY_SLACK_BYTES;
    return true;
}

/* Prefetches the next record. A batch spends its time waiting for memory; asking for the next record while this one is
 * copied hides most of the wait. LMDB fills a page from its end downwards, so the record appended next lies right below
 * this one. At the end of a page the address is of something else or invalid, which a prefetch ignores. */
static void journal_prefetch_next(struct view stored)
{
    for (size_t below = CACHE_LINE_BYTES; below <= PREFETCH_BYTES; below += CACHE_LINE_BYTES)
        __builtin_prefetch(stored.at - below);
}

/* The cheap limits come first; the whole header is read only if there is a filter to look at it. */
static bool journal_is_wanted(const struct journal_want *want, const struct entry_glance *glance, uint64_t sequence,
                              struct view stored)
{
    struct entry e;

    if (glance->time_ms < want->since_ms || (glance->time_ms >= want->until_ms && want->until_ms != INT64_MAX))
        return false; /* until_ms INT64_MAX means no limit: in history, it is also the time of an event that has none */
    return want->takes == NULL || (entry_read(stored, sequence, &e) && want->takes(want->ctx, &e.record));
}

/* Sets is_full if the record is wanted but does not fit: it is left for the next batch. */
static bool journal_copy_one(struct journal_copying *c, uint64_t sequence, struct view stored, bool *is_full,
                             struct error *err)
{
    struct entry_glance glance;

    if (!entry_glance(stored, &glance))
        return journal_damaged(sequence, err);
    if (journal_is_wanted(c->want, &glance, sequence, stored)) {
        *is_full = c->batch.count >= c->want->count_max || !journal_make_room(c, glance.encoded.len);
        if (*is_full)
            return true;
        journal_prefetch_next(stored);
        buf_put(c->out, glance.encoded.at, glance.encoded.len);
        c->batch.count++;
    }
    c->batch.last = sequence;
    c->batch.last_tag = glance.tag;
    return true;
}

/* Ends when the batch is full, at the end of the range, or after COPY_LOOK_MAX events. */
static bool journal_copy_all(struct journal_copying *c, struct error *err)
{
    struct view stored;
    uint64_t sequence;
    bool is_full = false;

    for (unsigned looked = 0; looked < COPY_LOOK_MAX && !is_full && !c->batch.at_end; looked++) {
        if (!sequence_walk_next(&c->walk, &sequence, &stored, &c->batch.at_end, err) ||
            (!c->batch.at_end && !journal_copy_one(c, sequence, stored, &is_full, err)))
            return false;
    }
    return true;
}

bool journal_copy(struct store *s, uint64_t after, const struct journal_want *want, struct buf *out,
                  struct journal_batch *batch, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct journal_copying c = { .want = want, .out = out };
    bool is_done;

    ASSERT(buf_ok(out));
    if (!snapshot_begin(s, &at, err))
        return false;
    c.batch.last = after;
    c.batch.floor = at.state.floor;
    sequence_walk_init(&c.walk, &at, after, want->up_to);
    is_done = journal_copy_all(&c, err);
    sequence_walk_deinit(&c.walk);
    if (is_done)
        *batch = c.batch;
    return is_done;
}

/* ---- places ---- */

bool journal_place_last(struct store *s, uint64_t count, uint64_t *after, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    uint64_t held;

    if (!snapshot_begin(s, &at, err))
        return false;
    /* In an empty store the head is JOURNAL_FIRST - 1, so what a back-fill adds later does not come after it. */
    held = state_count(&at.state);
    *after = state_head(&at.state) - (count < held ? count : held);
    return true;
}

/* Finds the first sequence of first .. last whose watermark is at or above since_ms; last + 1 if there is none.
 *
 * Publication times are not sorted: events arrive late. Watermarks are, within each table: they never fall going up. On
 * the live side a watermark below since_ms says that no event up to there was published since, so everything below the
 * result can be skipped safely. Events above it may still be older, and the reader filters them by time.
 *
 * Invariant: watermarks below `low` are less than since_ms; those from `high` on are not. */
static bool journal_search_watermark(const struct snapshot *at, uint64_t first, uint64_t last, int64_t since_ms,
                                     uint64_t *out, struct error *err)
{
    uint64_t low = first, high = last + 1;
    struct entry_glance glance;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (!sequence_glance(at, middle, &glance, err))
            return false;
        if (glance.watermark_ms >= since_ms)
            high = middle;
        else
            low = middle + 1;
    }
    *out = low;
    return true;
}

/* The time to search for in history. The watermark there is the oldest time from an event upwards. In an ordered
 * history that is the event's own time. In a disordered one, an event may be newer than its watermark, by at most the
 * recorded disorder. Starting that much earlier misses none; the reader drops the older ones, as it drops late ones. */
static int64_t journal_history_since(const struct state *state, int64_t since_ms)
{
    int64_t earlier_ms;

    if (__builtin_sub_overflow(since_ms, state->history_disorder_ms, &earlier_ms))
        return INT64_MIN;
    return earlier_ms;
}

bool journal_place_since(struct store *s, int64_t since_ms, uint64_t *after, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    uint64_t oldest, head, found;

    if (!snapshot_begin(s, &at, err))
        return false;
    oldest = state_oldest(&at.state);
    head = state_head(&at.state);
    found = oldest;
    /* History first, as it lies below; if nothing there is young enough, the live side. The two watermarks mean
     * different things, so a single search over both would not be sorted. */
    if (oldest < JOURNAL_FIRST && !journal_search_watermark(&at, oldest, JOURNAL_FIRST - 1,
                                                            journal_history_since(&at.state, since_ms), &found, err))
        return false;
    if (found >= JOURNAL_FIRST && !journal_search_watermark(&at, found, head, since_ms, &found, err))
        return false;
    *after = found - 1;
    return true;
}

bool journal_tag(struct store *s, uint64_t sequence, bool *found, uint32_t *tag, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    struct entry_glance glance;

    if (!snapshot_begin(s, &at, err))
        return false;
    *found = sequence >= state_oldest(&at.state) && sequence <= state_head(&at.state);
    if (!*found)
        return true;
    if (!sequence_glance(&at, sequence, &glance, err))
        return false;
    *tag = glance.tag;
    return true;
}

bool journal_count_after(struct store *s, uint64_t after, uint64_t *count, struct error *err)
{
    AUTO_SNAPSHOT struct snapshot at = SNAPSHOT_NONE;
    uint64_t head, oldest;

    if (!snapshot_begin(s, &at, err))
        return false;
    head = state_head(&at.state);
    oldest = state_oldest(&at.state);
    if (after >= head)
        *count = 0;
    else
        *count = after < oldest ? head + 1 - oldest : head - after;
    return true;
}
