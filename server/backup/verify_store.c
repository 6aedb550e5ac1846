/* Verifies one store, table by table:
 *
 *     types      each name has a number, and each number that name
 *     line       history, then events: every sequence from the oldest to the head, and no other; each record can be
 *                read, carries its own sequence, has its identity, and a watermark that never falls
 *     identity   as many entries as events
 *     rows       each can be read, is on the line of changes at its number, and has its alias
 *     changes, aliases, counts    as many as the rows require
 *     cursors    readable
 *     state      agrees with all of the above
 *
 * A relation between two tables is checked in one direction by lookups, and in the other by counting: if each event has
 * an identity that points back to it, and there are as many identities as events, then no identity is left over. */
#include "backup/verify_store.h"
#include "store/bytes.h"
#include "store/row.h"
#include "store/sequence.h"
#include "store/types.h"

#include <string.h>

#define PROBLEMS_SAID_MAX 100 /* messages for each store; further problems are only counted */
#define SEQUENCE_BYTES    8
#define CURSOR_MAX        (16u << 10)
#define RECORD_TAG        0x0a /* field 1, length-delimited, as in a response */

struct walk {
    struct child *child;
    const struct verify_job *job;
    struct snapshot at;
    uint64_t problems, done, total;
    uint64_t names, rows;         /* of all kinds */
    unsigned kind;                /* of the rows that are walked */
    uint64_t rows_there, aliases; /* of that kind */
    int64_t live_mark_ms, history_mark_ms;
};

static void walk_problem(struct walk *w, const char *format, ...) PRINTF(2, 3);
static void walk_problem(struct walk *w, const char *format, ...)
{
    char text[CHILD_TEXT_MAX - 120];
    va_list args;

    if (++w->problems > PROBLEMS_SAID_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    child_say(w->child, "%s: %s", w->job->name, text);
    if (w->problems == PROBLEMS_SAID_MAX)
        child_say(w->child, "%s: further problems are only counted", w->job->name);
}

static unsigned long long walk_ull(uint64_t n)
{
    return (unsigned long long)n;
}

static void walk_step(struct walk *w)
{
    if ((++w->done & 1023) == 0)
        child_progress(w->child, w->job->name, w->done, w->total);
}

/* Visits each row of a table in the order of its keys. A key that does not come after the one before is damage, and
 * ends the walk: pages that point back at each other would lead it in circles. */
typedef void walk_visit(struct walk *w, struct view key, struct view value);

static bool walk_is_beyond(struct view key, const struct buf *last)
{
    size_t len = key.len < last->len ? key.len : last->len;
    int order = len > 0 ? memcmp(key.at, last->at, len) : 0;

    return last->len == 0 || order > 0 || (order == 0 && key.len > last->len);
}

static void walk_table(struct walk *w, enum table table, const char *name, walk_visit *visit)
{
    AUTO_BUF struct buf last = BUF(1024);
    MDB_cursor *cursor;
    MDB_val k, v;
    int rc = mdb_cursor_open(w->at.raw, w->at.store->tables[table], &cursor);

    if (rc == 0) {
        while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
            if (!walk_is_beyond(db_view(k), &last)) {
                walk_problem(w, "table %s is out of order", name);
                break;
            }
            buf_reset(&last);
            buf_put(&last, k.mv_data, k.mv_size);
            visit(w, db_view(k), db_view(v));
            walk_step(w);
        }
        mdb_cursor_close(cursor);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        walk_problem(w, "table %s cannot be read: %s", name, mdb_strerror(rc));
}

static uint64_t walk_count(struct walk *w, enum table table)
{
    MDB_stat stat;
    int rc = mdb_stat(w->at.raw, w->at.store->tables[table], &stat);

    return rc == 0 ? stat.ms_entries : 0;
}

static bool walk_get(struct walk *w, enum table table, struct view key, struct view *value)
{
    bool found;

    return snapshot_get(&w->at, table, key, value, &found, NULL) && found;
}

/* ---- event types ---- */

static void walk_visit_type(struct walk *w, struct view key, struct view value)
{
    unsigned char back[5];
    struct view other;

    if (key.len < 2 || (key.at[0] != 'n' && key.at[0] != 'i')) {
        walk_problem(w, "types: an entry is damaged");
        return;
    }
    if (key.at[0] != 'n')
        return; /* an 'i' entry: covered by the lookup from its 'n' entry, and by the count in walk_types */
    w->names++;
    back[0] = 'i';
    if (value.len == 4)
        bytes_put_key32(back + 1, bytes_u32((const unsigned char *)value.at));
    if (value.len != 4 || !walk_get(w, TABLE_TYPES, (struct view){ (const char *)back, sizeof back }, &other) ||
        other.len != key.len - 1 || memcmp(other.at, key.at + 1, other.len) != 0)
        walk_problem(w, "types: the number of \"%.*s\" belongs to another type", (int)(key.len - 1), key.at + 1);
}

static void walk_types(struct walk *w)
{
    walk_table(w, TABLE_TYPES, "types", walk_visit_type);
    if (walk_count(w, TABLE_TYPES) != 2 * w->names)
        walk_problem(w, "types: a name without a number, or a number without a name");
}

/* ---- the line ---- */

/* Whether the event is framed as it is sent: the tag, a length that matches the rest, and room for its sequence. */
static bool walk_is_framed(const struct journal_record *r)
{
    const unsigned char *at = (const unsigned char *)r->encoded.at;
    uint64_t len = 0;
    size_t head = 1;

    if (r->encoded.len < 2 || at[0] != RECORD_TAG || r->encoded.len > JOURNAL_RECORD_MAX)
        return false;
    for (unsigned shift = 0; head < r->encoded.len && shift < 32; shift += 7) {
        len |= (uint64_t)(at[head] & 127) << shift;
        if ((at[head++] & 128) == 0)
            break;
    }
    return len == r->encoded.len - head && (uint64_t)r->sequence_at + SEQUENCE_BYTES <= r->encoded.len;
}

static void walk_check_identity(struct walk *w, const struct entry *e)
{
    struct view key = { (const char *)e->identity.key, sizeof e->identity.key }, value;

    if (e->identity.key[0] < IDENTITY_UUID_TIME || e->identity.key[0] > IDENTITY_TEXT || e->record.tag == 0)
        walk_problem(w, "event %llu: its identity is not valid", walk_ull(e->record.sequence));
    else if (!walk_get(w, TABLE_IDENTITY, key, &value))
        walk_problem(w, "event %llu: its identity is not in the table", walk_ull(e->record.sequence));
    else if (value.len != SEQUENCE_BYTES || bytes_u64((const unsigned char *)value.at) != e->record.sequence)
        walk_problem(w, "event %llu: its identity points to another event", walk_ull(e->record.sequence));
}

static void walk_check_watermark(struct walk *w, const struct journal_record *r)
{
    bool is_history = r->sequence < JOURNAL_FIRST;
    int64_t *last = is_history ? &w->history_mark_ms : &w->live_mark_ms;

    if (r->watermark_ms < *last)
        walk_problem(w, "event %llu: its watermark is lower than the one before", walk_ull(r->sequence));
    if (!is_history && r->published_ms != JOURNAL_NO_TIME && r->published_ms > r->watermark_ms)
        walk_problem(w, "event %llu: it is newer than its watermark", walk_ull(r->sequence));
    *last = r->watermark_ms;
}

static void walk_check_meaning(struct walk *w, struct entry *e)
{
    const struct verify_meaning *m = w->job->meaning;
    AUTO_BUF struct buf uuid = BUF(IDENTITY_TEXT_MAX);
    struct identity identity;
    struct error why = { 0 };

    if (!types_text(&w->at, e->type_id, &e->record.event_type, &why)) {
        walk_problem(w, "event %llu: %s", walk_ull(e->record.sequence), why.text);
        return;
    }
    if (m == NULL || m->event == NULL)
        return;
    if (!m->event(m->ctx, &e->record, &uuid, &why))
        walk_problem(w, "event %llu: %s", walk_ull(e->record.sequence), why.text);
    else if (!identity_of(buf_view(&uuid), &identity) || identity.tag != e->identity.tag ||
             memcmp(identity.key, e->identity.key, sizeof identity.key) != 0)
        walk_problem(w, "event %llu: its uuid does not match its identity", walk_ull(e->record.sequence));
}

static void walk_visit_event(struct walk *w, uint64_t sequence, struct view stored)
{
    struct entry e;

    if (!entry_read(stored, sequence, &e)) {
        walk_problem(w, "event %llu: its header is damaged", walk_ull(sequence));
        return;
    }
    walk_check_identity(w, &e);
    walk_check_watermark(w, &e.record);
    if (!walk_is_framed(&e.record))
        walk_problem(w, "event %llu: its encoding is damaged", walk_ull(sequence));
    else if (bytes_u64((const unsigned char *)e.record.encoded.at + e.record.sequence_at) != sequence)
        walk_problem(w, "event %llu: it carries another sequence", walk_ull(sequence));
    else
        walk_check_meaning(w, &e);
}

static void walk_line(struct walk *w)
{
    AUTO_WALK struct sequence_walk walk = { 0 };
    struct view stored;
    uint64_t sequence;
    bool is_over = false;
    struct error why;

    sequence_walk_init(&walk, &w->at, 0, UINT64_MAX);
    while (!is_over) {
        if (!sequence_walk_next(&walk, &sequence, &stored, &is_over, &why)) {
            walk_problem(w, "%s: it and the events behind it cannot be checked", why.text);
            return;
        }
        if (is_over)
            break;
        walk_visit_event(w, sequence, stored);
        walk_step(w);
    }
}

/* ---- identities ---- */

/* Runs only if there are more or fewer identities than events: finds those that belong to no event. */
static void walk_visit_identity(struct walk *w, struct view key, struct view value)
{
    uint64_t sequence = value.len == SEQUENCE_BYTES ? bytes_u64((const unsigned char *)value.at) : 0;
    unsigned char line[SEQUENCE_KEY_BYTES];
    struct view stored;
    struct entry e;

    if (key.len != IDENTITY_BYTES || sequence < state_oldest(&w->at.state) || sequence > state_head(&w->at.state) ||
        !walk_get(w, sequence_table(sequence), sequence_key(sequence, line), &stored) ||
        !entry_read(stored, sequence, &e) || memcmp(e.identity.key, key.at, IDENTITY_BYTES) != 0)
        walk_problem(w, "identity: an entry points to %llu, which is not its event", walk_ull(sequence));
}

static void walk_check_counts(struct walk *w)
{
    const struct state *s = &w->at.state;
    uint64_t held = walk_count(w, TABLE_EVENTS) + walk_count(w, TABLE_HISTORY);

    if (held != state_count(s))
        walk_problem(w, "the tables hold %llu events, the state says %llu", walk_ull(held), walk_ull(state_count(s)));
    if (walk_count(w, TABLE_IDENTITY) == state_count(s))
        return;
    walk_problem(w, "identity: %llu entries for %llu events", walk_ull(walk_count(w, TABLE_IDENTITY)),
                 walk_ull(state_count(s)));
    walk_table(w, TABLE_IDENTITY, "identity", walk_visit_identity);
}

static void walk_check_state(struct walk *w)
{
    const struct state *s = &w->at.state;

    if (s->live_next > JOURNAL_FIRST && s->floor < s->live_next - 1 && w->live_mark_ms != s->watermark_ms)
        walk_problem(w, "state: its watermark differs from that of the newest event");
    if (s->backfilled != JOURNAL_FIRST - 1 - s->history_next)
        walk_problem(w, "state: it counts %llu events back-filled, and its sequences say %llu", walk_ull(s->backfilled),
                     walk_ull(JOURNAL_FIRST - 1 - s->history_next));
    if (s->pruned != (s->floor == 0 ? 0 : s->floor - s->history_next))
        walk_problem(w, "state: it counts %llu events removed, which does not fit its floor of %llu",
                     walk_ull(s->pruned), walk_ull(s->floor));
}

/* ---- rows ---- */

static const char *walk_row_name(const struct walk *w)
{
    const struct verify_meaning *m = w->job->meaning;

    return m != NULL && m->row_name != NULL ? m->row_name(m->ctx, w->kind) : "row";
}

static void walk_check_alias(struct walk *w, const struct directory_row *row)
{
    char key[ROW_ALIAS_KEY_MAX];
    struct view unused;

    if (row->alias.len == 0)
        return;
    w->aliases++;
    if (row->alias.len > ROW_ALIAS_MAX ||
        !walk_get(w, table_aliases(w->kind), row_alias_key(row->alias, row->id, key), &unused))
        walk_problem(w, "%s " VIEW_FMT ": not found under its alias", walk_row_name(w), VIEW_ARG(row->id));
}

static void walk_check_change(struct walk *w, const struct directory_row *row)
{
    unsigned char key[8];
    struct view value;

    bytes_put_key(key, row->change);
    if (row->change == 0 || row->change > w->at.state.change ||
        !walk_get(w, TABLE_CHANGES, (struct view){ (const char *)key, sizeof key }, &value) ||
        value.len != 1 + row->id.len || (unsigned char)value.at[0] != w->kind ||
        memcmp(value.at + 1, row->id.at, row->id.len) != 0)
        walk_problem(w, "%s " VIEW_FMT ": not on the line of changes at %llu", walk_row_name(w), VIEW_ARG(row->id),
                     walk_ull(row->change));
}

static void walk_check_row(struct walk *w, struct view key, struct view value)
{
    const struct verify_meaning *m = w->job->meaning;
    struct directory_row row;
    struct error why = { 0 };

    if (key.len > DIRECTORY_ID_MAX || !row_read(value, key, &row)) {
        walk_problem(w, "%s " VIEW_FMT ": its header is damaged", walk_row_name(w), VIEW_ARG(key));
        return;
    }
    w->rows++;
    w->rows_there += row.deleted_ms == 0;
    walk_check_alias(w, &row);
    walk_check_change(w, &row);
    if (m != NULL && m->row != NULL && !m->row(m->ctx, w->kind, &row, &why))
        walk_problem(w, "%s " VIEW_FMT ": %s", walk_row_name(w), VIEW_ARG(key), why.text);
}

static bool walk_has_kind(const struct walk *w, unsigned kind)
{
    return (w->at.store->row_kinds >> kind & 1) != 0;
}

static void walk_rows_of_kind(struct walk *w, unsigned kind, const struct store_facts *facts)
{
    w->kind = kind;
    w->rows_there = w->aliases = 0;
    walk_table(w, table_rows(kind), walk_row_name(w), walk_check_row);
    if (walk_count(w, table_aliases(kind)) != w->aliases)
        walk_problem(w, "%ss: %llu aliases in the table, and %llu in the rows", walk_row_name(w),
                     walk_ull(walk_count(w, table_aliases(kind))), walk_ull(w->aliases));
    if (facts->rows[kind] != w->rows_there)
        walk_problem(w, "%llu %ss exist, and the stored count says %llu", walk_ull(w->rows_there), walk_row_name(w),
                     walk_ull(facts->rows[kind]));
}

static void walk_rows(struct walk *w, const struct store_facts *facts)
{
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++)
        if (walk_has_kind(w, kind))
            walk_rows_of_kind(w, kind, facts);
    if (walk_count(w, TABLE_CHANGES) != w->rows)
        walk_problem(w, "changes: %llu entries for %llu rows", walk_ull(walk_count(w, TABLE_CHANGES)),
                     walk_ull(w->rows));
}

/* ---- cursors ---- */

static void walk_visit_cursor(struct walk *w, struct view key, struct view value)
{
    const struct verify_meaning *m = w->job->meaning;
    struct error why = { 0 };

    if (value.len > CURSOR_MAX)
        walk_problem(w, "cursor " VIEW_FMT ": too large", VIEW_ARG(key));
    else if (m != NULL && m->cursor != NULL && !m->cursor(m->ctx, key, value, &why))
        walk_problem(w, "cursor " VIEW_FMT ": %s", VIEW_ARG(key), why.text);
}

bool verify_store(struct child *child, void *arg, void *result, struct error *err)
{
    const struct verify_job *job = arg;
    struct verify_found *found = result;
    struct walk w = { .child = child, .job = job, .live_mark_ms = INT64_MIN, .history_mark_ms = INT64_MIN };
    struct store *s = NULL;
    bool is_fine = readonly_store(&s, job->dir, job->use, err) && snapshot_begin(s, &w.at, err) &&
                   readonly_facts(&w.at, &found->facts, err);

    if (is_fine) {
        w.total = found->facts.events;
        for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++)
            w.total += walk_has_kind(&w, kind) ? walk_count(&w, table_rows(kind)) : 0;
        walk_types(&w);
        walk_line(&w);
        walk_check_counts(&w);
        walk_check_state(&w);
        walk_rows(&w, &found->facts);
        walk_table(&w, TABLE_CURSORS, "cursors", walk_visit_cursor);
        found->problems = w.problems;
    }
    snapshot_end(&w.at);
    readonly_close(s);
    return is_fine;
}
