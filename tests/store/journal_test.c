#include "store/journal.h"
#include "tests/store/fixture.h"

#include <stdio.h>
#include <string.h>

#define T0    FIXTURE_T0_MS
#define FIRST JOURNAL_FIRST

static void live_counts_up_history_counts_down_and_reading_is_ascending(void **state)
{
    struct fixture *f = *state;
    struct journal_bounds b;

    fixture_append(f, 10, T0 + 10);
    fixture_prepend(f, 9, T0 - 1);
    fixture_append(f, 11, T0 + 11);
    fixture_prepend(f, 8, T0 - 2);
    fixture_prepend(f, 7, T0 - 3);
    assert_string_equal(fixture_numbers(f), "7 8 9 10 11");
    b = fixture_bounds(f);
    assert_true(b.oldest == FIRST - 3 && b.head == FIRST + 1 && b.count == 5 && b.floor == 0 && b.backfilled == 3);
    assert_true(b.oldest_published_ms == T0 - 3 && b.watermark_ms == T0 + 11);
    assert_true(b.floor_published_ms == JOURNAL_NO_TIME);
}

static void an_empty_journal_says_so(void **state)
{
    struct fixture *f = *state;
    struct journal_bounds b = fixture_bounds(f);
    struct journal_batch batch;
    AUTO_BUF struct buf out = BUF(1000);

    assert_true(b.oldest == 0 && b.head == 0 && b.count == 0 && b.watermark_ms == JOURNAL_NO_TIME);
    assert_string_equal(fixture_numbers(f), "");
    OK(journal_copy(f->store, 0, WANT(UINT64_MAX, JOURNAL_NO_TIME, 10), &out, &batch, err));
    assert_true(batch.count == 0 && batch.last == 0 && batch.last_tag == 0 && batch.at_end);
}

static void everything_survives_reopening(void **state)
{
    struct fixture *f = *state;

    fixture_append(f, 2, T0 + 2);
    fixture_prepend(f, 1, T0 + 1);
    fixture_reopen(f, STORE_BYTES_MIN);
    assert_string_equal(fixture_numbers(f), "1 2");
    fixture_append(f, 3, T0 + 3);
    fixture_prepend(f, 0, T0);
    assert_string_equal(fixture_numbers(f), "0 1 2 3");
    assert_int_equal(fixture_check_tables(f), 4);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
    struct fixture *f = *state;

    fixture_append(f, 1, T0);
    fixture_begin(f);
    fixture_append(f, 2, T0);
    store_abort(&f->txn);
    assert_null(f->txn);
    assert_string_equal(fixture_numbers(f), "1");
    assert_int_equal(fixture_append(f, 2, T0), JOURNAL_STORED);
}

static void what_is_not_committed_is_not_visible(void **state)
{
    struct fixture *f = *state;
    struct journal_bounds in;

    fixture_begin(f);
    fixture_append(f, 1, T0);
    assert_string_equal(fixture_numbers(f), "");
    OK(journal_bounds_in(f->txn, &in, err));
    assert_true(in.count == 1 && in.head == FIRST);
    fixture_commit(f);
    assert_string_equal(fixture_numbers(f), "1");
}

/* ---- identity ---- */

static const struct identity_row {
    const char *name, *first, *second;
    enum journal_fate want;
} identity_rows[] = {
    { "the same time uuid is known", "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0", "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0",
      JOURNAL_KNOWN },
    { "a uuid in capitals is the same", "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0", "9CF5A4B4-0BC8-11F0-A4A3-F7D4B2A3A1F0",
      JOURNAL_KNOWN },
    { "a time uuid that differs in its last bit", "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0",
      "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f1", JOURNAL_STORED },
    { "a version 6 uuid is not the version 1 that it looks like", "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0",
      "1f00bc89-cf5a-64b4-a4a3-f7d4b2a3a1f0", JOURNAL_STORED },
    { "the same random uuid is known", "16fd2706-8baf-433b-82eb-8c7fada847da", "16fd2706-8baf-433b-82eb-8c7fada847da",
      JOURNAL_KNOWN },
    { "another random uuid", "16fd2706-8baf-433b-82eb-8c7fada847da", "16fd2706-8baf-433b-82eb-8c7fada847db",
      JOURNAL_STORED },
    { "the same text is known", "not-a-uuid", "not-a-uuid", JOURNAL_KNOWN },
    { "text is not folded", "not-a-uuid", "not-a-UUID", JOURNAL_STORED },
    { "almost a uuid is text", "16fd2706-8baf-433b-82eb-8c7fada847da", "16fd27068-baf-433b-82eb-8c7fada847da",
      JOURNAL_STORED },
};

static void identity(void **state)
{
    const struct identity_row *row = *state;
    struct fixture *f;
    struct event first, second;
    enum journal_fate fate;
    uint64_t at, again;
    bool known;

    fixture_setup((void **)&f);
    event_make(&first, 1, T0, 0);
    event_make(&second, 2, T0, 0);
    first.record.uuid = view_of(row->first);
    second.record.uuid = view_of(row->second);
    fixture_begin(f);
    OK(journal_append(f->txn, &first.record, false, &fate, &at, err));
    assert_int_equal(fate, JOURNAL_STORED);
    OK(journal_knows(f->txn, second.record.uuid, &known, err));
    assert_int_equal(known, row->want == JOURNAL_KNOWN);
    OK(journal_append(f->txn, &second.record, false, &fate, &again, err));
    assert_int_equal(fate, row->want);
    assert_true(again == (row->want == JOURNAL_KNOWN ? at : at + 1));
    OK(journal_prepend(f->txn, &first.record, &fate, &again, err));
    assert_int_equal(fate, JOURNAL_KNOWN);
    fixture_commit(f);
    assert_int_equal(fixture_bounds(f).count, row->want == JOURNAL_KNOWN ? 1 : 2);
    fixture_teardown((void **)&f);
}

static void an_event_with_an_invalid_uuid_or_size_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *large = calloc(1, JOURNAL_RECORD_MAX + 1);
    enum journal_fate fate;
    uint64_t sequence;
    struct error why;
    struct event e;

    fixture_begin(f);
    event_make(&e, 1, T0, 0);
    e.record.uuid = VIEW_NONE;
    FAILS(journal_append(f->txn, &e.record, false, &fate, &sequence, err), ERROR_INVALID_ARGUMENT);
    e.record.uuid = (struct view){ large, 129 };
    FAILS(journal_append(f->txn, &e.record, false, &fate, &sequence, err), ERROR_INVALID_ARGUMENT);
    e.record.uuid = (struct view){ large, 128 };
    e.record.encoded = (struct view){ large, JOURNAL_RECORD_MAX + 1 };
    FAILS(journal_append(f->txn, &e.record, false, &fate, &sequence, err), ERROR_INVALID_ARGUMENT);
    FAILS(journal_prepend(f->txn, &e.record, &fate, &sequence, err), ERROR_INVALID_ARGUMENT);
    e.record.encoded.len--;
    OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    fixture_commit(f);
}

/* ---- reading back ---- */

static bool keep_copy(void *ctx, const struct journal_record *record)
{
    struct journal_record *copy = ctx;

    *copy = *record;
    assert_true(view_is(record->event_type, "user.session.start"));
    copy->event_type = copy->encoded = VIEW_NONE;
    return false;
}

static void every_header_member_reads_back_as_written(void **state)
{
    struct fixture *f = *state;
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX, .want_type = true };
    enum journal_fate fate;
    struct journal_record got, want;
    struct event e;

    event_make(&e, 1, T0, 5);
    e.record.kind = 7;
    e.record.result = 9;
    e.record.source = JOURNAL_AUDIT;
    e.record.flags = JOURNAL_LATE | JOURNAL_REPLACED;
    e.record.catalogue_version = 513;
    memcpy(e.record.country, "CH", 2);
    memcpy(e.record.ip, "0123456789abcdef", 16);
    e.record.actor = UINT64_MAX;
    e.record.email_domain = 2;
    e.record.app = 3;
    e.record.session = UINT64_C(0x1234567890abcdef);
    want = e.record;
    fixture_begin(f);
    OK(journal_append(f->txn, &e.record, false, &fate, &want.sequence, err));
    fixture_commit(f);
    OK(journal_scan(f->store, &all, keep_copy, &got, err));
    want.watermark_ms = T0;
    want.tag = 0x9e3779b1; /* of the uuid */
    assert_true(got.sequence == want.sequence && got.published_ms == T0 && got.watermark_ms == want.watermark_ms);
    assert_true(got.kind == want.kind && got.result == want.result && got.source == want.source);
    assert_true(got.flags == want.flags && got.catalogue_version == want.catalogue_version);
    assert_memory_equal(got.country, want.country, sizeof want.country);
    assert_memory_equal(got.ip, want.ip, sizeof want.ip);
    assert_true(got.actor == want.actor && got.email_domain == want.email_domain);
    assert_true(got.app == want.app && got.session == want.session);
    assert_true(got.tag == want.tag && got.sequence_at == want.sequence_at && got.uuid.len == 0);
}

struct types {
    unsigned seen;
    const char *want[4];
};

static bool check_type(void *ctx, const struct journal_record *record)
{
    struct types *t = ctx;

    assert_true(view_is(record->event_type, t->want[t->seen++]));
    return true;
}

static void event_types_are_numbered_and_named_again(void **state)
{
    struct fixture *f = *state;
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX, .want_type = true };
    struct types types = { 0, { "b", "a.b.c", "", "b" } };
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;

    for (uint32_t i = 0; i < 4; i++) {
        fixture_begin(f); /* one transaction each: the numbers outlive a transaction */
        event_make(&e, i, T0, 0);
        e.record.event_type = view_of(types.want[i]);
        OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
        fixture_commit(f);
    }
    OK(journal_scan(f->store, &all, check_type, &types, err));
    assert_int_equal(types.seen, 4);
}

static bool count_types(void *ctx, const struct journal_record *record)
{
    *(unsigned *)ctx += record->event_type.len > 0;
    return true;
}

static void a_hostile_org_cannot_fill_the_table_of_types(void **state)
{
    static char text[300];
    struct fixture *f = *state;
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX, .want_type = true };
    unsigned named = 0;
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;

    fixture_begin(f);
    for (uint32_t i = 0; i < 4200; i++) {
        event_make(&e, i, T0, 0);
        snprintf(text, sizeof text, "type.%u", i);
        e.record.event_type = view_of(text);
        OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    }
    event_make(&e, 4200, T0, 0);
    e.record.event_type = (struct view){ text, sizeof text };
    OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    event_make(&e, 4201, T0, 0);
    e.record.event_type = VIEW("type.7"); /* a type that has a number keeps it */
    OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
    fixture_commit(f);
    OK(journal_scan(f->store, &all, count_types, &named, err));
    assert_int_equal(named, 4096 + 1);
    assert_int_equal(fixture_bounds(f).count, 4202);
}

/* ---- ranges and batches ---- */

static void fill_five(struct fixture *f)
{
    fixture_begin(f);
    fixture_append(f, 13, T0 + 3);
    fixture_append(f, 14, T0 + 4);
    fixture_append(f, 15, T0 + 5);
    fixture_prepend(f, 12, T0 + 2);
    fixture_prepend(f, 11, T0 + 1);
    fixture_commit(f); /* FIRST - 2 .. FIRST + 2 */
}

static const struct copy_row {
    const char *name;
    uint64_t after, up_to;
    int64_t since_ms;
    uint64_t count_max;
    size_t fits; /* whole events that fit in the buffer */
    uint64_t want_first, want_count, want_last;
    bool want_at_end;
} copy_rows[] = {
    { "all", 0, UINT64_MAX, JOURNAL_NO_TIME, 99, 99, FIRST - 2, 5, FIRST + 2, true },
    { "after the last of history", FIRST - 1, UINT64_MAX, JOURNAL_NO_TIME, 99, 99, FIRST, 3, FIRST + 2, true },
    { "within history", FIRST - 2, FIRST - 1, JOURNAL_NO_TIME, 99, 99, FIRST - 1, 1, FIRST - 1, true },
    { "at the head", FIRST + 2, UINT64_MAX, JOURNAL_NO_TIME, 99, 99, 0, 0, FIRST + 2, true },
    { "beyond the head", FIRST + 50, UINT64_MAX, JOURNAL_NO_TIME, 99, 99, 0, 0, FIRST + 50, true },
    { "at the end of numbers", UINT64_MAX, UINT64_MAX, JOURNAL_NO_TIME, 99, 99, 0, 0, UINT64_MAX, true },
    { "up to below the oldest", 0, FIRST - 3, JOURNAL_NO_TIME, 99, 99, 0, 0, 0, true },
    { "a count ends it", 0, UINT64_MAX, JOURNAL_NO_TIME, 3, 99, FIRST - 2, 3, FIRST, false },
    { "a count that is just enough", 0, FIRST, JOURNAL_NO_TIME, 3, 99, FIRST - 2, 3, FIRST, true },
    { "the buffer ends it", 0, UINT64_MAX, JOURNAL_NO_TIME, 99, 2, FIRST - 2, 2, FIRST - 1, false },
    { "the first goes in whatever the buffer", 0, UINT64_MAX, JOURNAL_NO_TIME, 1, 0, FIRST - 2, 1, FIRST - 2, false },
    { "since drops the older", 0, UINT64_MAX, T0 + 3, 99, 99, FIRST, 3, FIRST + 2, true },
    { "since drops all", 0, UINT64_MAX, T0 + 9, 99, 99, 0, 0, FIRST + 2, true },
};

static void copy(void **state)
{
    const struct copy_row *row = *state;
    const size_t event_bytes = 57;
    struct journal_batch batch;
    struct fixture *f;
    struct buf out;

    fixture_setup((void **)&f);
    fill_five(f);
    buf_init(&out, row->fits * event_bytes + event_bytes / 2);
    OK(journal_copy(f->store, row->after, WANT(row->up_to, row->since_ms, row->count_max), &out, &batch, err));
    assert_true(batch.count == row->want_count);
    assert_true(batch.last == row->want_last);
    assert_int_equal(batch.at_end, row->want_at_end);
    assert_int_equal(batch.last_tag != 0, batch.last != row->after);
    assert_int_equal(out.len, row->want_count * event_bytes);
    for (uint64_t i = 0; i < batch.count; i++) {
        uint64_t sequence;

        memcpy(&sequence, out.at + i * event_bytes + 5, sizeof sequence);
        assert_true(sequence == row->want_first + i);
    }
    buf_putc(&out, 'x'); /* and what belongs behind it still fits */
    assert_true(buf_ok(&out));
    buf_deinit(&out);
    fixture_teardown((void **)&f);
}

static void a_filter_that_drops_much_ends_its_read_and_continues(void **state)
{
    struct fixture *f = *state;
    struct journal_batch batch = { 0 };
    AUTO_BUF struct buf out = BUF(1000);
    const uint32_t many = 70000;
    unsigned reads = 0;

    fixture_reopen(f, STORE_BYTES_MIN * 4);
    fixture_begin(f);
    for (uint32_t i = 0; i < many; i++)
        fixture_append(f, i, T0 - 1);
    fixture_append(f, many, T0);
    fixture_commit(f);
    for (; reads < 10 && !batch.at_end; reads++) {
        OK(journal_copy(f->store, batch.last, WANT(UINT64_MAX, T0, 99), &out, &batch, err));
        assert_int_equal(batch.count, reads);
    }
    assert_int_equal(reads, 2);
    assert_true(batch.last == FIRST + many);
}

static bool stop_at_two(void *ctx, const struct journal_record *record)
{
    (void)record;
    return ++*(unsigned *)ctx < 2;
}

static void a_scan_ends_when_its_visitor_stops(void **state)
{
    struct fixture *f = *state;
    const struct journal_range all = { .after = 0, .up_to = UINT64_MAX };
    unsigned seen = 0;

    fill_five(f);
    OK(journal_scan(f->store, &all, stop_at_two, &seen, err));
    assert_int_equal(seen, 2);
}

static void a_tag_is_the_first_four_bytes_of_the_uuid(void **state)
{
    static const struct {
        const char *uuid;
        uint32_t tag;
    } rows[] = {
        { "9cf5a4b4-0bc8-11f0-a4a3-f7d4b2a3a1f0", 0x9cf5a4b4 },
        { "16fd2706-8baf-433b-82eb-8c7fada847da", 0x16fd2706 },
        { "00000000-0bc8-11f0-a4a3-f7d4b2a3a1f0", 1 },
        { "abc", 0xba7816bf }, /* of its SHA-256 */
    };
    struct fixture *f = *state;
    enum journal_fate fate;
    uint64_t sequence;
    struct event e;
    uint32_t tag;
    bool found;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        event_make(&e, 1, T0, 0);
        e.record.uuid = view_of(rows[i].uuid);
        fixture_begin(f);
        OK(journal_append(f->txn, &e.record, false, &fate, &sequence, err));
        fixture_commit(f);
        OK(journal_tag(f->store, sequence, &found, &tag, err));
        assert_true(found);
        assert_int_equal(tag, rows[i].tag);
    }
    OK(journal_tag(f->store, sequence + 1, &found, &tag, err));
    assert_false(found);
    OK(journal_tag(f->store, FIRST - 1, &found, &tag, err));
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        ONE(live_counts_up_history_counts_down_and_reading_is_ascending),
        ONE(an_empty_journal_says_so),
        ONE(everything_survives_reopening),
        ONE(an_aborted_transaction_leaves_nothing),
        ONE(what_is_not_committed_is_not_visible),
        ONE(an_event_with_an_invalid_uuid_or_size_is_refused),
        ONE(every_header_member_reads_back_as_written),
        ONE(event_types_are_numbered_and_named_again),
        ONE(a_hostile_org_cannot_fill_the_table_of_types),
        ONE(a_filter_that_drops_much_ends_its_read_and_continues),
        ONE(a_scan_ends_when_its_visitor_stops),
        ONE(a_tag_is_the_first_four_bytes_of_the_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(identity, identity_rows) + RUN_ROWS(copy, copy_rows);
}
