#include "store/directory.h"
#include "tests/store/fixture.h"

#include <stdio.h>
#include <string.h>

#define USERS 1
#define NONE  ""

/* Puts a row in a transaction of its own. Returns whether anything other than the generation was new. */
static bool put(struct fixture *f, const char *id, const char *alias, const char *content, uint32_t generation,
                int64_t deleted_ms)
{
    const struct directory_row row = {
        .id = view_of(id),
        .last_updated_ms = FIXTURE_T0_MS,
        .generation = generation,
        .facets = DIRECTORY_FACET_OBJECT,
        .deleted_ms = deleted_ms,
        .alias = view_of(alias),
        .encoded = view_of(content),
    };
    bool changed;

    fixture_begin(f);
    OK(directory_put(f->txn, USERS, &row, &changed, err));
    fixture_commit(f);
    return changed;
}

static bool show_row(void *ctx, const struct directory_row *row)
{
    buf_printf(ctx, "[" VIEW_FMT " " VIEW_FMT " " VIEW_FMT " g%u c%llu%s]", VIEW_ARG(row->id), VIEW_ARG(row->alias),
               VIEW_ARG(row->encoded), row->generation, (unsigned long long)row->change,
               row->deleted_ms != 0 ? " gone" : "");
    return true;
}

static bool show_change(void *ctx, uint64_t change, unsigned kind, struct view id)
{
    assert_int_equal(kind, USERS);
    buf_printf(ctx, "[%llu " VIEW_FMT "]", (unsigned long long)change, VIEW_ARG(id));
    return true;
}

enum what { ALL, AFTER, BY_ID, BY_ALIAS, CHANGES };

/* The result of one read, as text. */
static void reads(struct fixture *f, enum what what, const char *key, const char *want)
{
    AUTO_BUF struct buf out = BUF(100000);
    bool found = true;

    switch (what) {
    case ALL:
    case AFTER:
        OK(directory_list(f->store, USERS, view_of(key), show_row, &out, err));
        break;
    case BY_ID:
        OK(directory_get(f->store, USERS, view_of(key), show_row, &out, &found, err));
        break;
    case BY_ALIAS:
        OK(directory_get_alias(f->store, USERS, view_of(key), show_row, &out, &found, err));
        break;
    case CHANGES:
        OK(directory_changes(f->store, strtoull(key, NULL, 10), show_change, &out, err));
        break;
    }
    assert_string_equal(buf_cstr(&out), want);
    assert_int_equal(found, want[0] != '\0' || what == ALL || what == AFTER || what == CHANGES);
}

static void counts(struct fixture *f, uint64_t want)
{
    uint64_t count;

    OK(directory_count(f->store, USERS, &count, err));
    assert_true(count == want);
}

static void rows_come_by_id_by_alias_and_in_order(void **state)
{
    struct fixture *f = *state;

    reads(f, ALL, NONE, "");
    counts(f, 0);
    assert_true(put(f, "u2", "bob", "B", 1, 0));
    assert_true(put(f, "u1", "ann", "A", 1, 0));
    assert_true(put(f, "u10", NULL, "C", 1, 0));
    reads(f, ALL, NONE, "[u1 ann A g1 c2][u10  C g1 c3][u2 bob B g1 c1]");
    reads(f, AFTER, "u1", "[u10  C g1 c3][u2 bob B g1 c1]");
    reads(f, AFTER, "u11", "[u2 bob B g1 c1]"); /* an id that is not there */
    reads(f, AFTER, "u2", "");
    reads(f, BY_ID, "u2", "[u2 bob B g1 c1]");
    reads(f, BY_ID, "u", "");
    reads(f, BY_ID, "", "");
    reads(f, BY_ALIAS, "ann", "[u1 ann A g1 c2]");
    reads(f, BY_ALIAS, "an", "");
    reads(f, BY_ALIAS, "anna", "");
    reads(f, BY_ALIAS, "", "");
    reads(f, CHANGES, "0", "[1 u2][2 u1][3 u10]");
    reads(f, CHANGES, "2", "[3 u10]");
    reads(f, CHANGES, "3", "");
    counts(f, 3);
}

static void an_identical_row_is_not_a_change(void **state)
{
    struct fixture *f = *state;

    put(f, "u1", "ann", "A", 1, 0);
    assert_false(put(f, "u1", "ann", "A", 1, 0));
    reads(f, ALL, NONE, "[u1 ann A g1 c1]");
    assert_false(put(f, "u1", "ann", "A", 2, 0)); /* a later sweep saw it again */
    reads(f, ALL, NONE, "[u1 ann A g2 c1]");
    reads(f, CHANGES, "0", "[1 u1]");
    reads(f, BY_ALIAS, "ann", "[u1 ann A g2 c1]");
    counts(f, 1);
}

static void a_change_takes_a_new_number_and_drops_the_old_one(void **state)
{
    struct fixture *f = *state;

    put(f, "u1", "ann", "A", 1, 0);
    put(f, "u2", "bob", "B", 1, 0);
    assert_true(put(f, "u1", "ann", "A, longer than before", 1, 0));
    reads(f, BY_ID, "u1", "[u1 ann A, longer than before g1 c3]");
    reads(f, CHANGES, "0", "[2 u2][3 u1]");
    counts(f, 2);
    fixture_reopen(f, STORE_BYTES_MIN);
    assert_true(put(f, "u2", "bob", "b", 1, 0));
    reads(f, CHANGES, "0", "[3 u1][4 u2]");
}

static void an_alias_that_moves_is_found_on_its_new_row(void **state)
{
    struct fixture *f = *state;

    put(f, "u1", "ann", "A", 1, 0);
    put(f, "u1", "ann.b", "A", 1, 0);
    reads(f, BY_ALIAS, "ann", "");
    reads(f, BY_ALIAS, "ann.b", "[u1 ann.b A g1 c2]");
    put(f, "u2", "ann.b", "B", 1, 0); /* two rows have it for a while: the one that changed last wins */
    reads(f, BY_ALIAS, "ann.b", "[u2 ann.b B g1 c3]");
    put(f, "u1", "ann.c", "A", 1, 0);
    reads(f, BY_ALIAS, "ann.b", "[u2 ann.b B g1 c3]");
    reads(f, BY_ALIAS, "ann.c", "[u1 ann.c A g1 c4]");
    put(f, "u2", NULL, "B", 1, 0);
    reads(f, BY_ALIAS, "ann.b", "");
}

static void a_deleted_row_stays_and_yields_its_alias(void **state)
{
    struct fixture *f = *state;

    put(f, "u1", "ann", "A", 1, 0);
    assert_true(put(f, "u1", "ann", "A", 1, FIXTURE_T0_MS));
    counts(f, 0);
    reads(f, BY_ID, "u1", "[u1 ann A g1 c2 gone]");
    reads(f, BY_ALIAS, "ann", "[u1 ann A g1 c2 gone]");
    put(f, "u0", "ann", "B", 1, 0);
    put(f, "u1", "ann", "A2", 1, FIXTURE_T0_MS); /* changed last, but deleted: it does not win */
    reads(f, BY_ALIAS, "ann", "[u0 ann B g1 c3]");
    counts(f, 1);
    put(f, "u1", "ann", "A", 2, 0);
    counts(f, 2);
    reads(f, CHANGES, "0", "[3 u0][5 u1]");
}

static void long_aliases_with_the_same_prefix_are_distinct(void **state)
{
    struct fixture *f = *state;
    char first[401], second[401], want[500];

    memset(first, 'a', 400);
    memset(second, 'a', 400);
    first[400] = second[400] = '\0';
    second[399] = 'b';
    put(f, "u1", first, "A", 1, 0);
    put(f, "u2", second, "B", 1, 0);
    snprintf(want, sizeof want, "[u1 %s A g1 c1]", first);
    reads(f, BY_ALIAS, first, want);
    snprintf(want, sizeof want, "[u2 %s B g1 c2]", second);
    reads(f, BY_ALIAS, second, want);
}

static const struct bound_row {
    const char *name;
    size_t id, alias, encoded;
    bool is_fine;
} bound_rows[] = {
    { "the most", DIRECTORY_ID_MAX, 1024, DIRECTORY_ROW_MAX, true },
    { "the least", 1, 0, 0, true },
    { "no id", 0, 3, 3, false },
    { "an id too long", DIRECTORY_ID_MAX + 1, 3, 3, false },
    { "an alias too long", 3, 1025, 3, false },
    { "a row too large", 3, 3, DIRECTORY_ROW_MAX + 1, false },
};

static void bounds(void **state)
{
    static char bytes[DIRECTORY_ROW_MAX + 1];
    const struct bound_row *r = *state;
    const struct directory_row row = { .id = { bytes, r->id },
                                       .alias = { bytes, r->alias },
                                       .encoded = { bytes, r->encoded } };
    struct fixture *f;
    struct error why;
    bool changed;

    memset(bytes, 'x', sizeof bytes);
    fixture_setup((void **)&f);
    fixture_begin(f);
    if (r->is_fine)
        OK(directory_put(f->txn, USERS, &row, &changed, err));
    else
        FAILS(directory_put(f->txn, USERS, &row, &changed, err), ERROR_INVALID_ARGUMENT);
    fixture_commit(f);
    counts(f, r->is_fine);
    fixture_teardown((void **)&f);
}

static bool only_one(void *ctx, const struct directory_row *row)
{
    (void)show_row(ctx, row);
    return false;
}

static void a_listing_ends_when_its_visitor_stops(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf out = BUF(1000);

    put(f, "u1", "ann", "A", 1, 0);
    put(f, "u2", "bob", "B", 1, 0);
    OK(directory_list(f->store, USERS, VIEW_NONE, only_one, &out, err));
    assert_string_equal(buf_cstr(&out), "[u1 ann A g1 c1]");
}

static void an_aborted_transaction_leaves_no_row_and_no_number(void **state)
{
    struct fixture *f = *state;
    const struct directory_row row = { .id = VIEW("u9"), .alias = VIEW("zed"), .encoded = VIEW("Z") };
    bool changed;

    fixture_begin(f);
    OK(directory_put(f->txn, USERS, &row, &changed, err));
    store_abort(&f->txn);
    put(f, "u1", "ann", "A", 1, 0);
    reads(f, ALL, NONE, "[u1 ann A g1 c1]");
    reads(f, BY_ALIAS, "zed", "");
    counts(f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ONE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        ONE(rows_come_by_id_by_alias_and_in_order),
        ONE(an_identical_row_is_not_a_change),
        ONE(a_change_takes_a_new_number_and_drops_the_old_one),
        ONE(an_alias_that_moves_is_found_on_its_new_row),
        ONE(a_deleted_row_stays_and_yields_its_alias),
        ONE(long_aliases_with_the_same_prefix_are_distinct),
        ONE(a_listing_ends_when_its_visitor_stops),
        ONE(an_aborted_transaction_leaves_no_row_and_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(bounds, bound_rows);
}
