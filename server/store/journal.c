/* Writing the journal. An event is stored in three steps:
 *
 *     1. claim its identity; if it is taken, the event is a duplicate and is dropped
 *     2. give it the next sequence of its side: upwards from the tail and the audit, downwards from the back-fill
 *     3. append the record behind the last one of its table
 *
 * A failure in any step fails the transaction, so a claimed identity without a record never becomes visible.
 *
 * Retention removes from the low end only, record and identity together, and raises the floor to the last sequence it
 * removed. So the held sequences have no gap, and each held event has exactly one identity. */
#include "store/journal.h"
#include "base/assert.h"
#include "store/bytes.h"
#include "store/sequence.h"
#include "store/types.h"

#define SEQUENCE_BYTES 8

/* How many events above it retention examines to date an event of unknown time. The bound keeps a long run of such
 * events from making each step of retention scan the whole run. */
#define TIME_LOOK_MAX 1000

static int64_t journal_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool journal_check_record(const struct journal_record *record, struct entry *e, struct error *err)
{
    ASSERT((uint64_t)record->sequence_at + ENTRY_SEQUENCE_LEN <= record->encoded.len);
    if (record->encoded.len > JOURNAL_RECORD_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "an event of %zu bytes is too large", record->encoded.len);
    e->record = *record;
    if (!identity_of(record->uuid, &e->identity))
        return error_set(err, ERROR_INVALID_ARGUMENT, "an event's uuid is empty or longer than %d bytes",
                         IDENTITY_TEXT_MAX);
    return true;
}

static struct view journal_identity_key(const struct identity *identity)
{
    return (struct view){ (const char *)identity->key, sizeof identity->key };
}

static bool journal_read_sequence(struct view stored, uint64_t *sequence, struct error *err)
{
    if (stored.len != SEQUENCE_BYTES)
        return error_set(err, ERROR_DATA_LOSS, "an event's identity is damaged");
    *sequence = bytes_u64((const unsigned char *)stored.at);
    return true;
}

static bool journal_find_identity(struct store_txn *txn, const struct identity *identity, bool *found,
                                  uint64_t *sequence, struct error *err)
{
    struct view stored;

    *sequence = 0;
    if (!snapshot_get(&txn->at, TABLE_IDENTITY, journal_identity_key(identity), &stored, found, err))
        return false;
    return !*found || journal_read_sequence(stored, sequence, err);
}

/* Inserts the identity with *sequence; or, if it exists, sets is_known and *sequence to where its event is stored.
 * MDB_NOOVERWRITE looks up and inserts in one descent of the tree, the most expensive part of storing an event. */
static bool journal_claim_identity(struct store_txn *txn, const struct identity *identity, uint64_t *sequence,
                                   bool *is_known, struct error *err)
{
    unsigned char bytes[SEQUENCE_BYTES];
    MDB_val k = db_val(journal_identity_key(identity)), v = { sizeof bytes, bytes };
    int rc;

    bytes_put_u64(bytes, *sequence);
    rc = mdb_put(txn->at.raw, txn->at.store->tables[TABLE_IDENTITY], &k, &v, MDB_NOOVERWRITE);
    *is_known = rc == MDB_KEYEXIST;
    if (*is_known)
        return journal_read_sequence(db_view(v), sequence, err);
    return rc == 0 || txn_fail(txn, rc, "write an event's identity", err);
}

static bool journal_put_entry(struct store_txn *txn, struct entry *e, struct error *err)
{
    unsigned char key[SEQUENCE_KEY_BYTES], *at;
    uint64_t sequence = e->record.sequence;
    struct view line = sequence_key(sequence, key);

    if (!types_id(txn, e->record.event_type, &e->type_id, err) || !txn_room(txn, IDENTITY_BYTES, SEQUENCE_BYTES, err) ||
        !txn_room(txn, line.len, entry_bytes(e), err) ||
        !txn_reserve(txn, sequence_table(sequence), line, entry_bytes(e), MDB_APPEND, &at, err))
        return false;
    entry_write(e, at);
    txn->is_state_changed = true;
    return true;
}

/* Stores `e`, whose sequence and watermark are set. On JOURNAL_STORED the caller advances the state. */
static bool journal_add(struct store_txn *txn, struct entry *e, enum journal_fate *fate, uint64_t *sequence,
                        struct error *err)
{
    uint64_t place = e->record.sequence;
    bool is_known;

    if (!journal_claim_identity(txn, &e->identity, &place, &is_known, err) ||
        (!is_known && !journal_put_entry(txn, e, err)))
        return false;
    *fate = is_known ? JOURNAL_KNOWN : JOURNAL_STORED;
    *sequence = place;
    return true;
}

/* The fate of an event that is not stored because retention may have removed it: a duplicate of one that is held, or
 * below the floor. */
static bool journal_drop(struct store_txn *txn, const struct entry *e, enum journal_fate *fate, uint64_t *sequence,
                         struct error *err)
{
    bool is_known;

    if (!journal_find_identity(txn, &e->identity, &is_known, sequence, err))
        return false;
    *fate = is_known ? JOURNAL_KNOWN : JOURNAL_BELOW_FLOOR;
    return true;
}

/* Retention forgets identities along with the records, so a re-read event cannot be recognised as removed by its uuid.
 * Its time decides instead: at or before the newest time removed, it may be one of the removed ones. An event without a
 * time is stored: a second copy is better than a lost event. */
static bool journal_is_below_floor(const struct state *state, int64_t published_ms)
{
    return state->floor != 0 && published_ms != JOURNAL_NO_TIME && published_ms <= state->floor_published_ms;
}

bool journal_append(struct store_txn *txn, const struct journal_record *record, bool is_reread, enum journal_fate *fate,
                    uint64_t *sequence, struct error *err)
{
    struct state *state = &txn->at.state;
    struct entry e = { 0 };

    if (!journal_check_record(record, &e, err))
        return false;
    /* Only what is read a second time is held against the floor. A first reading by the tail is not: an event that Okta
     * publishes late is new to us, however old it is. */
    if ((is_reread || record->source == JOURNAL_AUDIT) && journal_is_below_floor(state, record->published_ms))
        return journal_drop(txn, &e, fate, sequence, err);
    e.record.sequence = state->live_next;
    e.record.watermark_ms = journal_later(state->watermark_ms, record->published_ms);
    if (!journal_add(txn, &e, fate, sequence, err))
        return false;
    if (*fate == JOURNAL_STORED) {
        state->live_next++;
        state->watermark_ms = e.record.watermark_ms;
    }
    return true;
}

/* The watermark of the next event of history: the oldest time from it up to JOURNAL_FIRST - 1. It never rises on the
 * way down, even if the back-fill brings events out of order, which is what a binary search over it needs.
 *
 * An event of unknown time takes the watermark of its upper neighbour. The first one of all has no neighbour in
 * history, and takes that of the live side. */
static int64_t journal_history_mark(const struct state *state, int64_t published_ms)
{
    if (published_ms != JOURNAL_NO_TIME)
        return published_ms < state->history_oldest_ms ? published_ms : state->history_oldest_ms;
    if (state->history_oldest_ms == INT64_MAX && state->watermark_ms != JOURNAL_NO_TIME)
        return state->watermark_ms;
    return state->history_oldest_ms;
}

/* Moves the state past an event that was added to history. An event newer than the oldest one so far is out of order:
 * its watermark is older than its own time, and a search for that time would start above it. The state remembers the
 * largest such difference, and journal_history_since searches that much earlier. */
static void journal_extend_history(struct state *state, const struct journal_record *record)
{
    int64_t disorder_ms;

    if (state->history_oldest_ms != INT64_MAX && record->published_ms > state->history_oldest_ms) {
        if (__builtin_sub_overflow(record->published_ms, state->history_oldest_ms, &disorder_ms))
            disorder_ms = INT64_MAX;
        state->history_disorder_ms = journal_later(state->history_disorder_ms, disorder_ms);
    }
    state->history_next--;
    state->backfilled++;
    state->history_newest_ms = journal_later(state->history_newest_ms, record->published_ms);
    state->history_oldest_ms = record->watermark_ms;
}

bool journal_prepend(struct store_txn *txn, const struct journal_record *record, enum journal_fate *fate,
                     uint64_t *sequence, struct error *err)
{
    struct state *state = &txn->at.state;
    struct entry e = { 0 };

    if (!journal_check_record(record, &e, err))
        return false;
    /* Once anything was removed, the back-fill is over. What was removed was lowest on the line, so the next sequence
     * down lies below the floor and could never be read. */
    if (state->floor != 0)
        return journal_drop(txn, &e, fate, sequence, err);
    e.record.sequence = state->history_next;
    e.record.watermark_ms = journal_history_mark(state, record->published_ms);
    if (!journal_add(txn, &e, fate, sequence, err))
        return false;
    if (*fate == JOURNAL_STORED)
        journal_extend_history(state, &e.record);
    return true;
}

bool journal_knows(struct store_txn *txn, struct view uuid, bool *known, struct error *err)
{
    struct identity identity;
    uint64_t sequence;

    if (!identity_of(uuid, &identity))
        return error_set(err, ERROR_INVALID_ARGUMENT, "an event's uuid is empty or longer than %d bytes",
                         IDENTITY_TEXT_MAX);
    return journal_find_identity(txn, &identity, known, &sequence, err);
}

/* ---- retention ----
 *
 * It examines the lowest event only, again and again. An event goes by its own time and not by its watermark: one event
 * with a time far in the future would raise the watermark of everything behind it, and keep all of that for ever. By
 * its own time, such an event only holds up what stands above it, until it comes of age or the size limit takes it. */

static bool journal_is_time(int64_t ms)
{
    return ms != JOURNAL_NO_TIME && ms != INT64_MAX;
}

/* The time by which retention judges an event: its own; if that is unknown, its watermark; if that is unknown too, that
 * of the next event above. INT64_MAX, "young", if none is found: when in doubt, keep. */
static bool journal_time_at(const struct snapshot *at, uint64_t sequence, int64_t *time_ms, struct error *err)
{
    uint64_t head = state_head(&at->state);
    struct entry_glance glance;

    *time_ms = INT64_MAX;
    for (uint64_t i = 0; i < TIME_LOOK_MAX && sequence + i <= head && !journal_is_time(*time_ms); i++) {
        if (!sequence_glance(at, sequence + i, &glance, err))
            return false;
        *time_ms = journal_is_time(glance.time_ms) ? glance.time_ms : INT64_MAX;
    }
    return true;
}

static bool journal_remove_lowest(struct store_txn *txn, struct error *err)
{
    struct state *state = &txn->at.state;
    uint64_t sequence = state_oldest(state);
    unsigned char key[SEQUENCE_KEY_BYTES];
    struct view stored;
    struct entry e;
    int64_t time_ms;

    if (!sequence_get(&txn->at, sequence, &stored, err))
        return false;
    if (!entry_read(stored, sequence, &e))
        return error_set(err, ERROR_DATA_LOSS, "event %llu is damaged", (unsigned long long)sequence);
    if (!txn_delete(txn, sequence_table(sequence), sequence_key(sequence, key), err) ||
        !txn_delete(txn, TABLE_IDENTITY, journal_identity_key(&e.identity), err))
        return false;
    txn_gave_back(txn, SEQUENCE_KEY_BYTES, entry_bytes(&e));
    txn_gave_back(txn, IDENTITY_BYTES, SEQUENCE_BYTES);
    time_ms = e.record.published_ms != JOURNAL_NO_TIME ? e.record.published_ms : e.record.watermark_ms;
    if (journal_is_time(time_ms))
        state->floor_published_ms = journal_later(state->floor_published_ms, time_ms);
    state->floor = sequence;
    state->pruned++;
    txn->is_state_changed = true;
    return true;
}

bool journal_prune(struct store_txn *txn, int64_t before_ms, uint64_t count_max, struct journal_prune_result *result,
                   struct error *err)
{
    struct journal_prune_result done = { 0 };
    int64_t time_ms;

    /* Ends at count_max, when nothing is left, or at the first event that is young enough while the size is within its
     * limit. Each removal lowers used_bytes, so pruning by size stops by itself. */
    while (done.removed < count_max && state_count(&txn->at.state) > 0) {
        bool is_over = txn->used_bytes > txn->at.store->max_bytes;

        if (!journal_time_at(&txn->at, state_oldest(&txn->at.state), &time_ms, err))
            return false;
        if (time_ms >= before_ms && !is_over)
            break;
        if (!journal_remove_lowest(txn, err))
            return false;
        done.removed++;
        done.removed_by_size |= time_ms >= before_ms;
    }
    *result = done;
    return true;
}
