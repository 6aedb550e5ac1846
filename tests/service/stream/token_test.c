/* A resume token is a function of the place alone, and is believed only where nothing can be missed. */
#include "rows.h"
#include "world/stored.h"

#include "service/stream/token.h"

#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1773480000000)

static uint32_t tag_at(struct store *s, uint64_t sequence)
{
    struct error err;
    uint32_t tag;
    bool found;

    assert_true(journal_tag(s, sequence, &found, &tag, &err));
    return found ? tag : 0;
}

/* Ten live events and five of history; the first three of history are pruned where `prune` is set. */
static const struct row {
    const char *name;
    uint64_t sequence;
    int tag; /* 0: none, 1: the right one, 2: another */
    bool prune;
    enum error_code want;
    const char *reason;
} rows[] = {
    { "after a live event", JOURNAL_FIRST + 4, 1, false, ERROR_OK, NULL },
    { "after the head", JOURNAL_FIRST + 9, 1, false, ERROR_OK, NULL },
    { "after an event of history", JOURNAL_FIRST - 3, 1, false, ERROR_OK, NULL },
    { "the beginning", 0, 0, false, ERROR_OK, NULL },
    { "before the first live event, when there was no history yet", JOURNAL_FIRST - 1, 0, false, ERROR_OK, NULL },
    { "beyond the head", JOURNAL_FIRST + 10, 2, false, ERROR_FAILED_PRECONDITION, "STORE_REWOUND" },
    { "another event at the place", JOURNAL_FIRST + 4, 2, false, ERROR_FAILED_PRECONDITION, "STORE_REWOUND" },
    { "no event at the place", JOURNAL_FIRST - 7, 2, false, ERROR_FAILED_PRECONDITION, "STORE_REWOUND" },
    { "the last that was pruned", JOURNAL_FIRST - 3, 2, true, ERROR_OK, NULL },
    { "before the last that was pruned", JOURNAL_FIRST - 4, 2, true, ERROR_OUT_OF_RANGE, "HISTORY_GONE" },
    { "the beginning, when the beginning is gone", 0, 0, true, ERROR_OUT_OF_RANGE, "HISTORY_GONE" },
};

static void resolves(void **state)
{
    const struct row *row = *state;
    struct store *s = stored_open();
    struct token_place place = { row->sequence, 0 }, got;
    struct error err = { .code = ERROR_OK };
    char text[TOKEN_TEXT_SIZE];
    bool ok;

    stored_add(s, 10, T0);
    stored_add(s, -5, T0 - 1000);
    if (row->tag != 0)
        place.tag = tag_at(s, row->sequence) + (row->tag == 2 ? 1 : 0);
    if (row->prune)
        stored_prune(s, T0 - 2000);
    token_format(store_epoch(s), place, text);
    ok = token_resolve(s, view_of(text), &got, &err);
    assert_int_equal(err.code, row->want);
    if (ok) {
        assert_int_equal(got.sequence, row->sequence);
    } else {
        assert_string_equal(err.reason, row->reason);
    }
    stored_close(s);
}

static void is_refused_by_another_store(void **state)
{
    struct store *s = stored_open(), *other = stored_open();
    struct token_place got;
    struct error err;
    char text[TOKEN_TEXT_SIZE];

    (void)state;
    stored_add(s, 1, T0);
    token_format(store_epoch(other), (struct token_place){ JOURNAL_FIRST, 0 }, text);
    assert_false(token_resolve(s, view_of(text), &got, &err));
    assert_string_equal(err.reason, "STORE_REWOUND");
    stored_close(other);
    stored_close(s);
}

static void is_refused_when_any_character_is_wrong(void **state)
{
    struct store *s = stored_open();
    struct token_place place, got;
    struct error err;
    char text[TOKEN_TEXT_SIZE], bad[TOKEN_TEXT_SIZE];

    (void)state;
    stored_add(s, 3, T0);
    place = (struct token_place){ JOURNAL_FIRST + 1, tag_at(s, JOURNAL_FIRST + 1) };
    token_format(store_epoch(s), place, text);
    assert_true(token_resolve(s, view_of(text), &got, &err));
    for (size_t i = 0; i < sizeof text - 1; i++) {
        memcpy(bad, text, sizeof bad);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        assert_false(token_resolve(s, view_of(bad), &got, &err));
    }
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_false(token_resolve(s, (struct view){ text, len }, &got, &err));
    assert_false(token_resolve(s, VIEW("not a token at all, but of some length!"), &got, &err));
    assert_string_equal(err.reason, "RESUME_TOKEN_INVALID");
    stored_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_refused_by_another_store),
        cmocka_unit_test(is_refused_when_any_character_is_wrong),
    };

    return RUN_ROWS(resolves, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
