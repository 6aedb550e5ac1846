#include "store/cursor.h"
#include "tests/store/fixture.h"

#include <stdio.h>
#include <string.h>

#define T0     FIXTURE_T0_MS
#define FIRST  JOURNAL_FIRST
#define DAY_MS INT64_C(86400000)

static struct journal_prune_result prune(struct fixture *f, int64_t before_ms, uint64_t count_max)
{
    struct journal_prune_result result;

    fixture_begin(f);
    OK(journal_prune(f->txn, before_ms, count_max, &result, err));
    fixture_commit(f);
    return result;
}

/* ---- by age ---- */

/* Times in days after T0, in ascending sequence; X is an event of unknown time. */
#define X 1000
static const struct age_row {
    const char *name;
    int history[6]; /* ends with 0 */
    int live[6];
    int before;
    uint64_t count_max, want;
} age_rows[] = {
    { "nothing is old", { 1, 2 }, { 3, 4 }, 1, 99, 0 },
    { "what is old goes", { 1, 2 }, { 3, 4 }, 3, 99, 2 },
    { "over both tables", { 1, 2 }, { 3, 4 }, 4, 99, 3 },
    { "everything", { 1, 2 }, { 3, 4 }, 5, 99, 4 },
    { "at most so many", { 1, 2 }, { 3, 4 }, 5, 3, 3 },
    { "none at all", { 1, 2 }, { 3, 4 }, 5, 0, 0 },
    { "a late one goes in its turn", { 0 }, { 5, 1, 6 }, 3, 99, 0 },
    { "a late one goes with its neighbour", { 0 }, { 5, 1, 6 }, 6, 99, 2 },
    { "a late one that is lowest does not wait for the watermark", { 0 }, { 1, 5, 2, 6 }, 4, 99, 1 },
    { "a young one out of order in history stays", { 4, 2, 3 }, { 5 }, 4, 99, 0 },
    { "unknown in history is as old as what is above it", { X, 3 }, { 5 }, 3, 99, 0 },
    { "unknown in history goes with what is above it", { X, 3 }, { 5 }, 4, 99, 2 },
    { "unknown on the live side is as old as what is below it", { 0 }, { 2, X, 5 }, 3, 99, 2 },
    { "unknown and lowest of all waits for what is above", { 0 }, { X, X, 3 }, 3, 99, 0 },
    { "unknown and lowest of all goes with what is above", { 0 }, { X, X, 3 }, 4, 99, 3 },
    { "nothing but unknown stays", { 0 }, { X, X }, 99, 99, 0 },
};

static int64_t time_of(int day)
{
    return day == X ? JOURNAL_NO_TIME : T0 + day * DAY_MS;
}

static unsigned length(const int *days)
{
    unsigned n = 0;

    while (days[n] != 0)
        n++;
    return n;
}

static void age(void **state)
{
    const struct age_row *row = *state;
    unsigned history = length(row->history), live = length(row->live);
    struct journal_prune_result result;
    struct journal_bounds b;
    struct fixture *f;

    fixture_setup((void **)&f);
    for (unsigned i = history; i-- > 0;)
        fixture_prepend(f, 100 + i, time_of(row->history[i]));
    for (unsigned i = 0; i < live; i++)
        fixture_append(f, 200 + i, time_of(row->live[i]));
    result = prune(f, T0 + row->before * DAY_MS, row->count_max);
    assert_int_equal(result.removed, row->want);
    assert_false(result.removed_by_size);
    b = fixture_bounds(f);
    assert_true(b.count == history + live - row->want && b.pruned == row->want);
    assert_true(b.floor == (row->want > 0 ? FIRST - history + row->want - 1 : 0));
    assert_true(b.oldest == (b.count > 0 ? FIRST - history + row->want : 0));
    assert_int_equal(fixture_check_tables(f), b.count);
    fixture_teardown((void **)&f);
}
#undef X

/* ---- what the floor does ---- */

static enum journal_fate put_again(struct fixture *f, uint32_t number, int64_t published_ms, int source, bool is_reread)
{
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;

    event_make(&e, number, published_ms, 10);
    e.record.source = (uint8_t)source;
    fixture_begin(f);
    OK(journal_append(f->txn, &e.record, is_reread, &fate, &sequence, err));
    fixture_commit(f);
    return fate;
}

static void removed_events_are_not_stored_again(void **state)
{
    struct fixture *f = *state;
    struct journal_bounds b;

    for (uint32_t i = 1; i <= 5; i++)
        fixture_append(f, i, T0 + i);
    assert_int_equal(prune(f, T0 + 4, 99).removed, 3);
    b = fixture_bounds(f);
    assert_true(b.floor == FIRST + 2 && b.floor_published_ms == T0 + 3 && b.pruned == 3 && b.oldest == FIRST + 3);
    assert_int_equal(put_again(f, 2, T0 + 2, JOURNAL_TAIL, true), JOURNAL_BELOW_FLOOR);
    assert_int_equal(put_again(f, 3, T0 + 3, JOURNAL_AUDIT, false), JOURNAL_BELOW_FLOOR);
    assert_int_equal(put_again(f, 4, T0 + 4, JOURNAL_TAIL, true), JOURNAL_KNOWN);
    assert_int_equal(fixture_prepend(f, 1, T0 + 1), JOURNAL_BELOW_FLOOR);
    assert_int_equal(fixture_prepend(f, 77, T0 + 100), JOURNAL_BELOW_FLOOR);
    assert_int_equal(fixture_prepend(f, 4, T0 + 4), JOURNAL_KNOWN);
    assert_string_equal(fixture_numbers(f), "4 5");
}

static void events_newer_than_the_floor_are_stored(void **state)
{
    struct fixture *f = *state;

    for (uint32_t i = 1; i <= 5; i++)
        fixture_append(f, i, T0 + i);
    assert_int_equal(prune(f, T0 + 4, 99).removed, 3);
    assert_int_equal(put_again(f, 6, T0 + 4, JOURNAL_TAIL, true), JOURNAL_STORED);
    assert_int_equal(put_again(f, 7, T0 + 4, JOURNAL_AUDIT, false), JOURNAL_STORED);
    /* The tail's first reading is not compared with the floor: a late event is new to us. */
    assert_int_equal(put_again(f, 8, T0 + 1, JOURNAL_TAIL, false), JOURNAL_STORED);
    assert_int_equal(put_again(f, 9, JOURNAL_NO_TIME, JOURNAL_TAIL, true), JOURNAL_STORED);
    assert_string_equal(fixture_numbers(f), "4 5 6 7 8 9");
}

static void sequences_are_not_reused_after_everything_was_removed(void **state)
{
    struct fixture *f = *state;
    struct journal_bounds b;

    fixture_append(f, 1, T0);
    fixture_append(f, 2, T0 + 1);
    assert_int_equal(prune(f, INT64_MAX, 99).removed, 2);
    b = fixture_bounds(f);
    assert_true(b.count == 0 && b.oldest == 0 && b.head == 0 && b.floor == FIRST + 1 && b.watermark_ms == T0 + 1);
    fixture_reopen(f, STORE_BYTES_MIN);
    fixture_append(f, 3, T0 + 2);
    b = fixture_bounds(f);
    assert_true(b.count == 1 && b.head == FIRST + 2);
    assert_string_equal(fixture_numbers(f), "3");
}

static void a_batch_reports_the_floor_that_its_read_saw(void **state)
{
    struct fixture *f = *state;
    struct journal_batch batch;
    AUTO_BUF struct buf out = BUF(10000);

    for (uint32_t i = 1; i <= 3; i++)
        fixture_append(f, i, T0 + i);
    prune(f, T0 + 3, 99);
    OK(journal_copy(f->store, FIRST, WANT(UINT64_MAX, JOURNAL_NO_TIME, 9), &out, &batch, err));
    assert_true(batch.floor == FIRST + 1 && batch.count == 1);
}

/* ---- by size ---- */

static uint64_t used(struct fixture *f)
{
    struct store_usage u;

    OK(store_usage(f->store, &u, err));
    assert_true(u.max_bytes == STORE_BYTES_MIN);
    return u.bytes;
}

/* Appends until the store is full, a few hundred events a transaction. Returns how many were stored. */
static uint32_t fill(struct fixture *f, uint32_t number, size_t extra, struct error *why)
{
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;
    uint32_t done = 0;

    for (unsigned round = 0; round < 1000; round++) {
        fixture_begin(f);
        for (unsigned i = 0; i < 200; i++) {
            event_make(&e, number + done + i, T0 + number + done + i, extra);
            if (!journal_append(f->txn, &e.record, false, &fate, &sequence, why)) {
                store_abort(&f->txn);
                return done;
            }
            assert_int_equal(fate, JOURNAL_STORED);
        }
        fixture_commit(f);
        done += 200;
    }
    fail_msg("never full");
    return 0;
}

static const struct size_row {
    const char *name;
    size_t extra;
} size_rows[] = {
    { "small events", 40 },
    { "usual events", 700 },
    { "events with pages of their own", 3500 },
};

static void a_full_store_reads_and_after_pruning_writes_again(void **state)
{
    const struct size_row *row = *state;
    struct error why = { 0 };
    struct fixture *f;
    uint32_t held, more;
    uint64_t removed = 0;

    fixture_setup((void **)&f);
    held = fill(f, 1, row->extra, &why);
    assert_int_equal(why.code, ERROR_RESOURCE_EXHAUSTED);
    assert_string_equal(why.reason, "STORE_FULL");
    assert_non_null(strstr(why.text, "full"));
    assert_int_equal(fixture_bounds(f).count, held);
    assert_true(used(f) > STORE_BYTES_MIN && used(f) <= STORE_BYTES_MIN + STORE_BYTES_MIN / 8);
    for (unsigned i = 0; i < 1000 && used(f) > STORE_BYTES_MIN; i++) {
        struct journal_prune_result result = prune(f, JOURNAL_NO_TIME, 500);

        assert_true(result.removed > 0 && result.removed_by_size);
        removed += result.removed;
    }
    assert_true(used(f) <= STORE_BYTES_MIN);
    assert_true(removed < held / 3); /* and not much more than necessary */
    more = fill(f, held + 1, row->extra, &why);
    assert_true(more > 0);
    assert_int_equal(fixture_check_tables(f), held - removed + more);
    fixture_teardown((void **)&f);
}

static void below_its_size_limit_nothing_is_removed(void **state)
{
    struct fixture *f = *state;
    struct journal_prune_result result;

    fixture_append(f, 1, T0);
    result = prune(f, JOURNAL_NO_TIME, 99);
    assert_true(result.removed == 0 && !result.removed_by_size);
}

static void a_full_store_takes_no_cursor_either(void **state)
{
    static char value[CURSOR_BYTES_MAX];
    struct fixture *f = *state;
    struct error why = { 0 };
    char name[16];

    fill(f, 1, 700, &why);
    fixture_begin(f);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "lane%u", i);
        if (!cursor_put(f->txn, name, (struct view){ value, sizeof value }, &why))
            break;
    }
    assert_string_equal(why.reason, "STORE_FULL");
    FAILS(store_commit(&f->txn, err), ERROR_INTERNAL); /* a transaction that failed in part is not committed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        ONE(removed_events_are_not_stored_again),
        ONE(events_newer_than_the_floor_are_stored),
        ONE(sequences_are_not_reused_after_everything_was_removed),
        ONE(a_batch_reports_the_floor_that_its_read_saw),
        ONE(below_its_size_limit_nothing_is_removed),
        ONE(a_full_store_takes_no_cursor_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(age, age_rows) +
           RUN_ROWS(a_full_store_reads_and_after_pruning_writes_again, size_rows);
}
