/* Readers beside the writer: each sees whole commits only, in order, without a gap. */
#include "store/bytes.h"
#include "tests/store/fixture.h"

#include <pthread.h>
#include <string.h>

#define READERS 4
#define COMMITS 150
#define PER_TXN 20

struct reader {
    struct store *store;
    pthread_t thread;
    const char *wrong; /* the first violation seen; NULL: none */
    uint64_t seen;
    uint32_t last_number;
};

static bool see_event(void *ctx, const struct journal_record *record)
{
    struct reader *r = ctx;
    uint32_t number = bytes_u32((const unsigned char *)record->encoded.at + 13);

    if (r->seen > 0 && number != r->last_number + 1)
        r->wrong = "an event is missing, or was seen twice";
    r->last_number = number;
    r->seen++;
    return true;
}

/* Follows the live end as a stream does: reads from its position, until it has seen every event. */
static void *follow(void *arg)
{
    struct reader *r = arg;
    struct journal_range range = { .after = 0, .up_to = UINT64_MAX };

    while (r->wrong == NULL && r->seen < COMMITS * PER_TXN) {
        struct error err = { 0 };
        struct journal_bounds b;
        uint64_t before = r->seen;

        if (!journal_scan(r->store, &range, see_event, r, &err) || !journal_bounds(r->store, &b, &err))
            r->wrong = "a read failed";
        if (r->seen % PER_TXN != 0)
            r->wrong = "part of a commit was visible";
        if (b.head < JOURNAL_FIRST + r->seen - 1 && r->seen > 0)
            r->wrong = "the head moved backwards";
        if (r->seen > before)
            range.after = JOURNAL_FIRST + r->seen - 1;
    }
    return NULL;
}

static void readers_see_whole_commits_in_order(void **state)
{
    struct fixture *f = *state;
    struct reader readers[READERS];

    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .store = f->store };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, follow, &readers[i]), 0);
    }
    for (uint32_t c = 0; c < COMMITS; c++) {
        fixture_begin(f);
        for (uint32_t i = 0; i < PER_TXN; i++)
            fixture_append(f, c * PER_TXN + i, FIXTURE_T0_MS + c);
        fixture_commit(f);
    }
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].wrong != NULL)
            fail_msg("%s", readers[i].wrong);
        assert_int_equal(readers[i].seen, COMMITS * PER_TXN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(readers_see_whole_commits_in_order, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
