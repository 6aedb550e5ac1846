/* Where a reader starts: at the last N events, or since a time. Checked against a naive model with random events. */
#include "store/bytes.h"
#include "tests/store/fixture.h"

#include <stdio.h>
#include <string.h>

#define T0         FIXTURE_T0_MS
#define FIRST      JOURNAL_FIRST
#define EVENTS_MAX 600
#define ROUNDS     30
#define LOOKS      60

/* ---- last N ---- */

static const struct last_row {
    const char *name;
    unsigned live, history;
    uint64_t count, want;
} last_rows[] = {
    { "none of an empty store: where live events begin", 0, 0, 0, FIRST - 1 },
    { "some of an empty store", 0, 0, 20, FIRST - 1 },
    { "none: the head", 3, 2, 0, FIRST + 2 },
    { "of the live ones", 3, 2, 2, FIRST },
    { "over both", 3, 2, 4, FIRST - 2 },
    { "all", 3, 2, 5, FIRST - 3 },
    { "more than all", 3, 2, UINT64_MAX, FIRST - 3 },
    { "history alone", 0, 4, 2, FIRST - 3 },
};

static void last(void **state)
{
    const struct last_row *row = *state;
    struct fixture *f;
    uint64_t after, count;

    fixture_setup((void **)&f);
    for (unsigned i = 0; i < row->live; i++)
        fixture_append(f, 100 + i, T0 + i);
    for (unsigned i = 0; i < row->history; i++)
        fixture_prepend(f, 99 - i, T0 - i);
    OK(journal_place_last(f->store, row->count, &after, err));
    assert_true(after == row->want);
    OK(journal_count_after(f->store, after, &count, err));
    assert_true(count == (row->count < row->live + row->history ? row->count : row->live + row->history));
    OK(journal_count_after(f->store, 0, &count, err));
    assert_true(count == row->live + row->history);
    OK(journal_count_after(f->store, UINT64_MAX, &count, err));
    assert_true(count == 0);
    fixture_teardown((void **)&f);
}

/* ---- since, by hand ---- */

static void since(struct fixture *f, int64_t since_ms, uint64_t want)
{
    uint64_t after;

    OK(journal_place_since(f->store, since_ms, &after, err));
    assert_true(after == want);
}

static void since_finds_the_first_watermark_at_or_above(void **state)
{
    struct fixture *f = *state;

    since(f, T0, FIRST - 1); /* an empty store */
    fixture_append(f, 1, T0 + 10);
    fixture_append(f, 2, T0 + 5); /* late: the watermark stays */
    fixture_append(f, 3, T0 + 20);
    fixture_prepend(f, 4, T0 - 10);
    fixture_prepend(f, 5, T0 - 20);
    since(f, JOURNAL_NO_TIME, FIRST - 3);
    since(f, T0 - 20, FIRST - 3);
    since(f, T0 - 19, FIRST - 2);
    since(f, T0 - 9, FIRST - 1);
    since(f, T0 + 5, FIRST - 1); /* not above the late event's neighbour */
    since(f, T0 + 11, FIRST + 1);
    since(f, T0 + 21, FIRST + 2);
    since(f, INT64_MAX, FIRST + 2);
}

static void an_event_of_unknown_time_takes_its_neighbours_watermark(void **state)
{
    struct fixture *f = *state;
    struct journal_batch batch;
    AUTO_BUF struct buf out = BUF(10000);

    fixture_prepend(f, 1, JOURNAL_NO_TIME); /* FIRST - 1: nothing is known yet */
    fixture_append(f, 2, JOURNAL_NO_TIME);  /* FIRST */
    fixture_append(f, 3, T0 + 10);
    fixture_append(f, 4, JOURNAL_NO_TIME); /* FIRST + 2: as 3 */
    fixture_append(f, 5, T0 + 20);
    fixture_prepend(f, 6, T0 - 10);         /* FIRST - 2 */
    fixture_prepend(f, 7, JOURNAL_NO_TIME); /* FIRST - 3: as 6 */
    fixture_prepend(f, 8, T0 - 20);
    since(f, T0 - 10, FIRST - 4);
    since(f, T0 - 9, FIRST - 2);
    OK(journal_copy(f->store, 0, WANT(UINT64_MAX, T0 + 10, 99), &out, &batch, err));
    assert_int_equal(batch.count, 4); /* 1, as nothing says that it is older; 3, 4, 5 */
}

/* ---- since, against a model ---- */

struct model_event {
    uint32_t number;
    int64_t published_ms, watermark_ms;
};

struct model {
    struct model_event line[2 * EVENTS_MAX]; /* in sequence: history grows down from the middle */
    unsigned low, high;                      /* low .. high - 1 are held */
    int64_t watermark_ms;
    uint32_t next_number;
};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint64_t sequence_of(unsigned index)
{
    return FIRST + index - EVENTS_MAX;
}

/* Live events jitter by a minute, and one in ten is hours late. */
static void append_random(struct fixture *f, struct model *m, uint64_t *seed)
{
    int64_t t = T0 + (m->high - EVENTS_MAX) * 7000 + (int64_t)(next_random(seed) % 60000);
    struct model_event *e = &m->line[m->high++];

    if (next_random(seed) % 10 == 0)
        t -= (int64_t)(next_random(seed) % 36000000);
    m->watermark_ms = t > m->watermark_ms ? t : m->watermark_ms;
    *e = (struct model_event){ m->next_number++, t, m->watermark_ms };
    assert_int_equal(fixture_append(f, e->number, t), JOURNAL_STORED);
}

static void prepend_random(struct fixture *f, struct model *m, uint64_t *seed)
{
    int64_t t = m->low < EVENTS_MAX ? m->line[m->low].published_ms : T0 - 40000000;
    struct model_event *e = &m->line[--m->low];

    t -= (int64_t)(next_random(seed) % 3 * 5000); /* with equal times */
    *e = (struct model_event){ m->next_number++, t, t };
    assert_int_equal(fixture_prepend(f, e->number, t), JOURNAL_STORED);
}

static void fill_random(struct fixture *f, struct model *m, uint64_t *seed)
{
    uint64_t pruned = next_random(seed) % 3 == 0 ? next_random(seed) % 40 : 0;
    struct journal_prune_result result;

    *m = (struct model){ .low = EVENTS_MAX, .high = EVENTS_MAX, .watermark_ms = INT64_MIN, .next_number = 1 };
    fixture_begin(f);
    for (uint64_t i = next_random(seed) % 200; i > 0; i--) {
        if (next_random(seed) % 2 == 0)
            append_random(f, m, seed);
        else
            prepend_random(f, m, seed);
    }
    OK(journal_prune(f->txn, INT64_MAX, pruned, &result, err));
    m->low += (unsigned)result.removed;
    fixture_commit(f);
}

static uint64_t naive_since(const struct model *m, int64_t since_ms)
{
    unsigned i = m->low;

    while (i < m->high && m->line[i].watermark_ms < since_ms)
        i++;
    return sequence_of(i) - 1;
}

static uint64_t naive_count(const struct model *m, int64_t since_ms)
{
    uint64_t count = 0;

    for (unsigned i = m->low; i < m->high; i++)
        count += m->line[i].published_ms >= since_ms;
    return count;
}

static void look(struct fixture *f, const struct model *m, int64_t since_ms)
{
    struct journal_batch batch;
    uint64_t after;
    AUTO_BUF struct buf out = BUF(1 << 20);

    since(f, since_ms, naive_since(m, since_ms));
    /* No event published since then lies below, anywhere on the line. */
    OK(journal_place_since(f->store, since_ms, &after, err));
    OK(journal_copy(f->store, after, WANT(UINT64_MAX, since_ms, UINT64_MAX), &out, &batch, err));
    assert_true(batch.at_end);
    assert_true(batch.count == naive_count(m, since_ms));
}

static void since_agrees_with_a_naive_model(void **state)
{
    uint64_t seed = 20260314;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fixture *f;
        struct model m;

        fixture_setup((void **)&f);
        fill_random(f, &m, &seed);
        for (unsigned i = 0; i < LOOKS; i++)
            look(f, &m, T0 - 41000000 + (int64_t)(next_random(&seed) % 42500000));
        for (unsigned i = m.low; i < m.high; i++) {
            look(f, &m, m.line[i].published_ms);
            look(f, &m, m.line[i].published_ms + 1);
        }
        fixture_teardown((void **)&f);
    }
}

/* A back-fill that is out of order, which Okta's never is, costs precision but no event. */
static void a_disordered_history_loses_nothing_since(void **state)
{
    struct fixture *f = *state;
    int64_t published[100];
    uint64_t seed = 7;

    for (unsigned i = 0; i < 100; i++) {
        published[i] = T0 - i * 1000 + (int64_t)(next_random(&seed) % 20000);
        fixture_prepend(f, 1000 - i, published[i]);
    }
    for (int64_t t = T0 - 105000; t < T0 + 25000; t += 500) {
        AUTO_BUF struct buf out = BUF(1 << 16);
        struct journal_batch batch;
        uint64_t after, want = 0;

        for (unsigned i = 0; i < 100; i++)
            want += published[i] >= t;
        OK(journal_place_since(f->store, t, &after, err));
        OK(journal_copy(f->store, after, WANT(UINT64_MAX, t, UINT64_MAX), &out, &batch, err));
        assert_true(batch.count == want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(since_finds_the_first_watermark_at_or_above, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_event_of_unknown_time_takes_its_neighbours_watermark, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(since_agrees_with_a_naive_model),
        cmocka_unit_test_setup_teardown(a_disordered_history_loses_nothing_since, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(last, last_rows);
}
