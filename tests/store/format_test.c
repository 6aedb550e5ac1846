/* The format on disk, byte by byte. Stores that exist must stay readable, so members may be added but not changed. */
#include "store/directory.h"
#include "store/entry.h"
#include "store/identity.h"
#include "store/row.h"
#include "store/state.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

static const char *hex(const void *bytes, size_t len)
{
    static char text[1024];

    assert_true(len * 2 < sizeof text);
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)bytes)[i]);
    return text;
}

static const struct identity_row {
    const char *name, *text, *want_key;
    uint32_t want_tag;
} identity_rows[] = {
    /* The uuids of RFC 9562, A.1 and A.5: the same moment in versions 1 and 6. */
    { "version 1 becomes version 6", "C232AB00-9414-11EC-B3C8-9F6BDECED846", "011ec9414c232a6b00b3c89f6bdeced846",
      0xc232ab00 },
    { "version 6 stays", "1EC9414C-232A-6B00-B3C8-9F6BDECED846", "021ec9414c232a6b00b3c89f6bdeced846", 0x1ec9414c },
    { "version 4 stays", "16fd2706-8baf-433b-82eb-8c7fada847da", "0216fd27068baf433b82eb8c7fada847da", 0x16fd2706 },
    { "version 1 of another variant stays", "c232ab00-9414-11ec-d3c8-9f6bdeced846",
      "02c232ab00941411ecd3c89f6bdeced846", 0xc232ab00 },
    { "text is hashed", "abc", "03ba7816bf8f01cfea414140de5dae2223", 0xba7816bf },
    { "a tag is never 0", "00000000-9414-11ec-b3c8-9f6bdeced846", "011ec9414000006000b3c89f6bdeced846", 1 },
};

static void identity(void **state)
{
    const struct identity_row *row = *state;
    struct identity got;

    assert_true(identity_of(view_of(row->text), &got));
    assert_string_equal(hex(got.key, sizeof got.key), row->want_key);
    assert_int_equal(got.tag, row->want_tag);
}

static void identities_have_1_to_128_bytes(void **state)
{
    char text[129] = "x";
    struct identity got;

    (void)state;
    assert_false(identity_of(VIEW_NONE, &got));
    assert_true(identity_of((struct view){ text, 1 }, &got));
    assert_true(identity_of((struct view){ text, 128 }, &got));
    assert_false(identity_of((struct view){ text, 129 }, &got));
}

static struct entry some_entry(void)
{
    struct entry e = {
        .record = {
            .sequence = 0x1112131415161718,
            .published_ms = 0x2122232425262728,
            .watermark_ms = 0x3132333435363738,
            .kind = 0x41,
            .result = 0x42,
            .source = 0x43,
            .flags = 0x4445,
            .catalogue_version = 0x4647,
            .country = "CH",
            .ip = "0123456789abcde",
            .actor = 0x5152535455565758,
            .email_domain = 0x6162636465666768,
            .app = 0x7172737475767778,
            .session = 0x0102030405060708,
            .encoded = VIEW("\x0a\x09........"),
            .sequence_at = 2,
        },
        .identity = { .tag = 0x9192939a },
        .type_id = 0xa1a2a3a4,
    };

    memcpy(e.identity.key,
           "\x01"
           "ABCDEFGHIJKLMNOP",
           sizeof e.identity.key);
    return e;
}

static void an_entry_is_these_bytes(void **state)
{
    struct entry e = some_entry();
    unsigned char at[200];

    (void)state;
    assert_int_equal(entry_bytes(&e), 114);
    entry_write(&e, at);
    assert_string_equal(hex(at, 114), "010d414243014544"                 /* 0 */
                                      "2827262524232221"                 /* 8 */
                                      "3837363534333231"                 /* 16 */
                                      "4142434445464748494a4b4c4d4e4f50" /* 24 */
                                      "9a939291a4a3a2a1"                 /* 40 */
                                      "0200000047464348"                 /* 48 */
                                      "30313233343536373839616263646500" /* 56 */
                                      "58575655545352516867666564636261"
                                      "78777675747372710807060504030201" /* 72 */
                                      "0a091817161514131211");           /* 104 */
}

static void an_entry_reads_back(void **state)
{
    struct entry e = some_entry(), got;
    struct entry_glance glance;
    unsigned char at[200];
    unsigned char again[200];

    (void)state;
    entry_write(&e, at);
    assert_true(entry_read((struct view){ (char *)at, 114 }, e.record.sequence, &got));
    assert_int_equal(got.record.tag, e.identity.tag);
    entry_write(&got, again);
    assert_memory_equal(again, at, 114);
    assert_true(entry_glance((struct view){ (char *)at, 114 }, &glance));
    assert_true(glance.time_ms == e.record.published_ms && glance.watermark_ms == e.record.watermark_ms);
    assert_true(glance.tag == e.identity.tag && glance.encoded.len == 10);
}

static void an_entry_without_a_time_uses_its_watermark(void **state)
{
    struct entry e = some_entry();
    struct entry_glance glance;
    unsigned char at[200];

    (void)state;
    e.record.published_ms = JOURNAL_NO_TIME;
    entry_write(&e, at);
    assert_true(entry_glance((struct view){ (char *)at, 114 }, &glance));
    assert_true(glance.time_ms == e.record.watermark_ms);
}

static const struct damage_row {
    const char *name;
    size_t len;
    unsigned char version, words;
    bool want;
} damage_rows[] = {
    { "whole", 114, 1, 13, true },
    { "a header that has grown", 114, 1, 14, true },
    { "an empty event", 104, 1, 13, true },
    { "cut in the header", 103, 1, 13, false },
    { "nothing", 0, 1, 13, false },
    { "another version", 114, 2, 13, false },
    { "a header that is too short", 114, 1, 12, false },
    { "a header longer than all", 114, 1, 15, false },
};

static void damage(void **state)
{
    const struct damage_row *row = *state;
    struct entry e = some_entry();
    struct entry_glance glance;
    unsigned char at[200];

    entry_write(&e, at);
    at[0] = row->version;
    at[1] = row->words;
    assert_int_equal(entry_read((struct view){ (char *)at, row->len }, 1, &e), row->want);
    assert_int_equal(entry_glance((struct view){ (char *)at, row->len }, &glance), row->want);
    if (row->want)
        assert_int_equal(glance.encoded.len, row->len - row->words * 8u);
}

static void a_row_is_these_bytes_and_reads_back(void **state)
{
    const struct directory_row row = {
        .id = VIEW("00u1"),
        .last_updated_ms = 0x1112131415161718,
        .generation = 0x21222324,
        .facets = 0x31323334,
        .deleted_ms = 0x4142434445464748,
        .change = 0x5152535455565758,
        .alias = VIEW("ann"),
        .encoded = VIEW("\x0a\x01Z"),
    };
    struct directory_row got;
    unsigned char at[100];

    (void)state;
    assert_int_equal(row_bytes(&row), 46);
    row_write(&row, at);
    assert_string_equal(hex(at, 46), "0105030034333231"
                                     "2423222100000000"
                                     "1817161514131211"
                                     "4847464544434241"
                                     "5857565554535251"
                                     "616e6e0a015a");
    assert_true(row_read((struct view){ (char *)at, 46 }, row.id, &got));
    assert_true(got.last_updated_ms == row.last_updated_ms && got.generation == row.generation);
    assert_true(got.facets == row.facets && got.deleted_ms == row.deleted_ms && got.change == row.change);
    assert_true(view_is(got.alias, "ann") && view_eq(got.encoded, row.encoded) && view_is(got.id, "00u1"));
    assert_false(row_read((struct view){ (char *)at, 42 }, row.id, &got));
    assert_false(row_read((struct view){ (char *)at, 39 }, row.id, &got));
    at[0] = 2;
    assert_false(row_read((struct view){ (char *)at, 46 }, row.id, &got));
}

static void a_state_is_these_bytes_and_reads_back(void **state)
{
    struct state s, got;
    unsigned char at[STATE_BYTES], again[STATE_BYTES];

    (void)state;
    state_init(&s);
    s.live_next += 1;
    s.history_next -= 2;
    s.floor = 3;
    s.pruned = 4;
    s.backfilled = 5;
    s.history_disorder_ms = 6;
    s.change = 7;
    state_write(&s, at);
    assert_string_equal(hex(at, STATE_BYTES), "0110a5d4e8000000" /* next live */
                                              "fd0fa5d4e8000000" /* next of history */
                                              "0300000000000000" /* floor */
                                              "0000000000000080" /* its time: none */
                                              "0400000000000000" /* pruned */
                                              "0500000000000000" /* back-filled */
                                              "0000000000000080" /* watermark: none */
                                              "0000000000000080" /* newest of history: none */
                                              "ffffffffffffff7f" /* oldest of history: none */
                                              "0600000000000000" /* disorder */
                                              "0700000000000000" /* last change */);
    assert_true(state_read((struct view){ (char *)at, sizeof at }, &got));
    state_write(&got, again);
    assert_memory_equal(again, at, sizeof at);
    assert_true(state_oldest(&got) == JOURNAL_FIRST - 2 && state_head(&got) == JOURNAL_FIRST && state_count(&got) == 3);
    assert_false(state_read((struct view){ (char *)at, sizeof at - 1 }, &got));
    s.history_next = JOURNAL_FIRST;
    state_write(&s, at);
    assert_false(state_read((struct view){ (char *)at, sizeof at }, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_have_1_to_128_bytes),
        cmocka_unit_test(an_entry_is_these_bytes),
        cmocka_unit_test(an_entry_reads_back),
        cmocka_unit_test(an_entry_without_a_time_uses_its_watermark),
        cmocka_unit_test(a_row_is_these_bytes_and_reads_back),
        cmocka_unit_test(a_state_is_these_bytes_and_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(identity, identity_rows) +
           RUN_ROWS(damage, damage_rows);
}
