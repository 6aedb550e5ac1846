#include "store/sequence.h"
#include "store/bytes.h"

struct view sequence_key(uint64_t sequence, unsigned char at[SEQUENCE_KEY_BYTES])
{
    bytes_put_key(at, sequence_table(sequence) == TABLE_HISTORY ? ~sequence : sequence);
    return (struct view){ (const char *)at, SEQUENCE_KEY_BYTES };
}

static bool sequence_missing(uint64_t sequence, struct error *err)
{
    return error_set(err, ERROR_DATA_LOSS, "event %llu is missing or damaged", (unsigned long long)sequence);
}

bool sequence_get(const struct snapshot *at, uint64_t sequence, struct view *stored, struct error *err)
{
    unsigned char key[SEQUENCE_KEY_BYTES];
    bool found;

    if (!snapshot_get(at, sequence_table(sequence), sequence_key(sequence, key), stored, &found, err))
        return false;
    return found || sequence_missing(sequence, err);
}

bool sequence_glance(const struct snapshot *at, uint64_t sequence, struct entry_glance *out, struct error *err)
{
    struct view stored;

    return sequence_get(at, sequence, &stored, err) && (entry_glance(stored, out) || sequence_missing(sequence, err));
}

void sequence_walk_init(struct sequence_walk *w, const struct snapshot *at, uint64_t after, uint64_t up_to)
{
    uint64_t oldest = state_oldest(&at->state);
    uint64_t head = state_head(&at->state);

    /* A reader may ask from below the floor or up to beyond the head: the range is cut to what is held. */
    *w = (struct sequence_walk){ .at = at };
    w->next = after >= oldest ? after + 1 : oldest;
    w->last = up_to < head ? up_to : head;
    if (after >= head) /* an empty range; `after + 1` would overflow at UINT64_MAX */
        w->next = w->last + 1;
}

void sequence_walk_deinit(struct sequence_walk *w)
{
    if (w->cursor != NULL)
        mdb_cursor_close(w->cursor);
    w->cursor = NULL;
}

/* Reads the event at w->next. The first read of each table seeks its key; the rest move the cursor by one, which costs
 * no descent of the tree. `history` is keyed by the complement, so its next higher sequence is the previous key.
 *
 * MDB_NEXT and MDB_PREV return whatever key comes next, so the key is compared with the one we expect: a gap in the
 * sequences must surface as a missing event and not be stepped over. */
static int sequence_walk_step(struct sequence_walk *w, MDB_val *value)
{
    unsigned char bytes[SEQUENCE_KEY_BYTES];
    struct view key = sequence_key(w->next, bytes);
    MDB_val k = db_val(key);
    int rc;

    if (!w->is_placed)
        return mdb_cursor_get(w->cursor, &k, value, MDB_SET_KEY);
    rc = mdb_cursor_get(w->cursor, &k, value, sequence_table(w->next) == TABLE_HISTORY ? MDB_PREV : MDB_NEXT);
    return rc == 0 && !view_eq(db_view(k), key) ? MDB_NOTFOUND : rc;
}

bool sequence_walk_next(struct sequence_walk *w, uint64_t *sequence, struct view *stored, bool *is_over,
                        struct error *err)
{
    MDB_val value;
    int rc = 0;

    *is_over = w->next > w->last;
    if (*is_over)
        return true;
    if (w->next == JOURNAL_FIRST) { /* from `history` to `events`: another table needs another cursor */
        sequence_walk_deinit(w);
        w->is_placed = false;
    }
    if (w->cursor == NULL)
        rc = mdb_cursor_open(w->at->raw, w->at->store->tables[sequence_table(w->next)], &w->cursor);
    if (rc == 0)
        rc = sequence_walk_step(w, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? sequence_missing(w->next, err) : db_fail(err, rc, "scan");
    w->is_placed = true;
    *sequence = w->next++;
    *stored = db_view(value);
    return true;
}
