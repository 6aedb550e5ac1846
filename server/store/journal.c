/* Writing the journal. An event comes in so: its identity is put where none is (known: dropped), its place on the line
 * is the next one of its side, its bytes go behind the last of their table. Retention takes from the low end only,
 * identity and record together, and the floor says how far it went. */
#include "store/journal.h"
#include "base/assert.h"
#include "store/bytes.h"
#include "store/sequence.h"
#include "store/types.h"

#define SEQUENCE_BYTES 8

/* How far retention looks upwards for a time, from an event of which none is known. */
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

/* Puts the identity; or tells that, and where, it is there already. One descent of the tree for both. */
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

/* With e's sequence and watermark set. On JOURNAL_STORED the caller moves the state. */
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

/* What retention may have removed is not stored again; the fate still tells what is held from what is not. */
static bool journal_drop(struct store_txn *txn, const struct entry *e, enum journal_fate *fate, uint64_t *sequence,
                         struct error *err)
{
    bool is_known;

    if (!journal_find_identity(txn, &e->identity, &is_known, sequence, err))
        return false;
    *fate = is_known ? JOURNAL_KNOWN : JOURNAL_BELOW_FLOOR;
    return true;
}

/* Of an event without a time nothing says that it was removed, and losing one is worse than a second copy. */
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

/* The back-fill's watermark: the oldest time from here upwards, which falls with every step down, whatever comes. */
static int64_t journal_history_mark(const struct state *state, int64_t published_ms)
{
    if (published_ms != JOURNAL_NO_TIME)
        return published_ms < state->history_oldest_ms ? published_ms : state->history_oldest_ms;
    if (state->history_oldest_ms == INT64_MAX && state->watermark_ms != JOURNAL_NO_TIME)
        return state->watermark_ms;
    return state->history_oldest_ms;
}

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
    /* Whatever was removed was the lowest, so that the next number down is below it. */
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

/* ---- retention ---- */

static bool journal_is_time(int64_t ms)
{
    return ms != JOURNAL_NO_TIME && ms != INT64_MAX;
}

/* An event's own time; where none is known, that of the next above it that has one; INT64_MAX, "young", for none. */
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
