#include "store/state.h"
#include "store/bytes.h"
#include "store/journal.h"

void state_init(struct state *s)
{
    *s = (struct state){
        .live_next = JOURNAL_FIRST,
        .history_next = JOURNAL_FIRST - 1,
        .floor_published_ms = STATE_NO_TIME,
        .watermark_ms = STATE_NO_TIME,
        .history_newest_ms = STATE_NO_TIME,
        .history_oldest_ms = INT64_MAX,
    };
}

/* The members in their order on disk. Never move one. Add new ones at the end, and accept the shorter form in
 * state_read. */
void state_write(const struct state *s, unsigned char at[STATE_BYTES])
{
    const uint64_t words[STATE_BYTES / 8] = {
        s->live_next,
        s->history_next,
        s->floor,
        (uint64_t)s->floor_published_ms,
        s->pruned,
        s->backfilled,
        (uint64_t)s->watermark_ms,
        (uint64_t)s->history_newest_ms,
        (uint64_t)s->history_oldest_ms,
        (uint64_t)s->history_disorder_ms,
        s->change,
    };

    for (size_t i = 0; i < STATE_BYTES / 8; i++)
        bytes_put_u64(at + i * 8, words[i]);
}

bool state_read(struct view stored, struct state *out)
{
    uint64_t words[STATE_BYTES / 8];

    if (stored.len < STATE_BYTES)
        return false;
    for (size_t i = 0; i < STATE_BYTES / 8; i++)
        words[i] = bytes_u64((const unsigned char *)stored.at + i * 8);
    *out = (struct state){
        .live_next = words[0],
        .history_next = words[1],
        .floor = words[2],
        .floor_published_ms = (int64_t)words[3],
        .pruned = words[4],
        .backfilled = words[5],
        .watermark_ms = (int64_t)words[6],
        .history_newest_ms = (int64_t)words[7],
        .history_oldest_ms = (int64_t)words[8],
        .history_disorder_ms = (int64_t)words[9],
        .change = words[10],
    };
    return out->live_next >= JOURNAL_FIRST && out->history_next < JOURNAL_FIRST && out->floor < out->live_next &&
           out->history_disorder_ms >= 0;
}

uint64_t state_oldest(const struct state *s)
{
    /* history_next is one below the oldest event that was stored; the floor is the highest that was removed. The higher
     * of the two is the last sequence that is not held. */
    return (s->floor > s->history_next ? s->floor : s->history_next) + 1;
}

uint64_t state_head(const struct state *s)
{
    return s->live_next - 1;
}

uint64_t state_count(const struct state *s)
{
    return state_head(s) + 1 - state_oldest(s);
}
