#include "poller/belief.h"

#include "rows.h"

/* Refusals one after the other: when, by which endpoint. Believed or not is asked of the last. */
static const struct row {
    const char *name;
    int needed; /* endpoints */
    int count;
    struct {
        int64_t at_ms;
        unsigned endpoint;
    } refusals[5];
    bool want;
} rows[] = {
    { "one is none", 1, 1, { { 0, 0 } }, false },
    { "two, however far apart", 1, 2, { { 0, 0 }, { 100000, 0 } }, false },
    { "three at once", 1, 3, { { 0, 0 }, { 0, 0 }, { 1, 0 } }, false },
    { "three within ten seconds less a bit", 1, 3, { { 0, 0 }, { 5000, 0 }, { 9999, 0 } }, false },
    { "three over ten seconds", 1, 3, { { 0, 0 }, { 5000, 0 }, { 10000, 0 } }, true },
    { "four, when three came too soon", 1, 4, { { 0, 0 }, { 1000, 0 }, { 2000, 0 }, { 12000, 0 } }, true },
    { "a credential at one endpoint",
      2,
      5,
      { { 0, 0 }, { 5000, 0 }, { 10000, 0 }, { 15000, 0 }, { 20000, 0 } },
      false },
    { "a credential at two", 2, 3, { { 0, 0 }, { 5000, 1 }, { 10000, 0 } }, true },
    { "a credential at two, too soon", 2, 3, { { 0, 0 }, { 1000, 1 }, { 2000, 0 } }, false },
};

static void is_believed(void **state)
{
    const struct row *row = *state;
    struct belief b = { 0 };
    bool believed = false;

    for (int i = 0; i < row->count; i++)
        believed = belief_refused(&b, row->refusals[i].endpoint, row->needed, 777 + row->refusals[i].at_ms);
    assert_int_equal(believed, row->want);
}

static void what_was_accepted_is_no_longer_doubted(void **state)
{
    struct belief b = { 0 };

    (void)state;
    assert_false(belief_refused(&b, 0, 1, 0));
    assert_false(belief_refused(&b, 0, 1, 60000));
    belief_forget(&b);
    assert_false(belief_refused(&b, 0, 1, 120000));
    assert_false(belief_refused(&b, 0, 1, 125000));
    assert_true(belief_refused(&b, 0, 1, 130000));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_was_accepted_is_no_longer_doubted) };

    return RUN_ROWS(is_believed, rows) + cmocka_run_group_tests(tests, NULL, NULL);
}
