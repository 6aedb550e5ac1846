/* tests/store/fixture.h: a store in a temporary folder, events to put in it, and a check of its invariants. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "store/journal.h"
#include "store/store.h"
#include "tests/rows.h"

#define FIXTURE_T0_MS INT64_C(1770000000000)

/* Fails the test with the error's text. */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct error ok_error = { 0 };                                                                                 \
        struct error *err = &ok_error;                                                                                 \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s", #call, ok_error.text);                                                                  \
    } while (0)

/* Asserts that the call fails with this code; `why`, a `struct error` of the caller, gets the details. */
#define FAILS(call, want_code)                                                                                         \
    do {                                                                                                               \
        struct error *err = &why;                                                                                      \
        memset(&why, 0, sizeof why);                                                                                   \
        assert_false(call);                                                                                            \
        assert_string_equal(error_code_name(why.code), error_code_name(want_code));                                    \
    } while (0)

struct fixture {
    char dir[512]; /* created empty by setup, removed by teardown */
    char store_dir[600];
    struct store *store;
    struct store_txn *txn;
};

int fixture_setup(void **state); /* *state is a fixture with an open store of the smallest size */
int fixture_teardown(void **state);
void fixture_open(struct fixture *f, uint64_t max_bytes);
void fixture_reopen(struct fixture *f, uint64_t max_bytes); /* closes first */
void fixture_begin(struct fixture *f);
void fixture_commit(struct fixture *f);

/* An event. `number` determines its uuid (version 1) and is in its content; `extra` is the size of the payload. */
struct event {
    struct journal_record record;
    char uuid[37];
    char encoded[4096];
};
#define EVENT_EXTRA_MAX 4000
void event_make(struct event *e, uint32_t number, int64_t published_ms, size_t extra);

/* In the open transaction, or in one of its own if none is open. */
enum journal_fate fixture_append(struct fixture *f, uint32_t number, int64_t published_ms);
enum journal_fate fixture_prepend(struct fixture *f, uint32_t number, int64_t published_ms);

/* The numbers (see event_make) of all held events, in order of sequence, as "7 8 1 2". */
const char *fixture_numbers(struct fixture *f);
struct journal_bounds fixture_bounds(struct fixture *f);

/* Closes the store and checks the tables themselves: sequences without a gap, exactly one identity for each event, each
 * pointing at its event, and a state that agrees. Returns the number of events. */
uint64_t fixture_check_tables(struct fixture *f);

/* For journal_copy: no upper limit in time, and no filter. */
#define WANT(up_to, since_ms, count_max)                                                                               \
    (&(struct journal_want){ (up_to), (since_ms), INT64_MAX, (count_max), NULL, NULL })

#endif
