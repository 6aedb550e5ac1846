/* tests/store/fixture.h: a store in a folder of its own, events to put in it, and what must always be true of it. */
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

/* The call fails with this code; `why` (a `struct error`) holds the rest. */
#define FAILS(call, want_code)                                                                                         \
    do {                                                                                                               \
        struct error *err = &why;                                                                                      \
        memset(&why, 0, sizeof why);                                                                                   \
        assert_false(call);                                                                                            \
        assert_string_equal(error_code_name(why.code), error_code_name(want_code));                                    \
    } while (0)

struct fixture {
    char dir[512]; /* exists, empty at the start, removed at the end */
    char store_dir[600];
    struct store *store;
    struct store_txn *txn;
};

int fixture_setup(void **state); /* an open store of the smallest size, in *state */
int fixture_teardown(void **state);
void fixture_open(struct fixture *f, uint64_t max_bytes);
void fixture_reopen(struct fixture *f, uint64_t max_bytes); /* closes first */
void fixture_begin(struct fixture *f);
void fixture_commit(struct fixture *f);

/* An event: "published" and a number that makes its uuid (version 1), its content, and `extra` bytes of payload. */
struct event {
    struct journal_record record;
    char uuid[37];
    char encoded[4096];
};
#define EVENT_EXTRA_MAX 4000
void event_make(struct event *e, uint32_t number, int64_t published_ms, size_t extra);

/* Within the open transaction, or one of its own when none is open. */
enum journal_fate fixture_append(struct fixture *f, uint32_t number, int64_t published_ms);
enum journal_fate fixture_prepend(struct fixture *f, uint32_t number, int64_t published_ms);

/* The numbers (see event_make) of all that is held, by sequence, as "7 8 1 2". */
const char *fixture_numbers(struct fixture *f);
struct journal_bounds fixture_bounds(struct fixture *f);

/* Closes the store, and looks at the tables themselves: sequences without a hole, one identity for each event and none
 * more, each pointing at its event, state in agreement. Returns how many events there are. */
uint64_t fixture_check_tables(struct fixture *f);

/* For journal_copy: no end in time and no filter. */
#define WANT(up_to, since_ms, count_max)                                                                               \
    (&(struct journal_want){ (up_to), (since_ms), INT64_MAX, (count_max), NULL, NULL })

#endif
