/* A writer is killed at an arbitrary point, again and again. The store that it leaves is whole, and contains everything
 * that it reported as committed. */
#include "tests/store/fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS      20
#define PER_TXN     50
#define REPORTS_MAX 4000

/* Loops until killed: appends, prepends, prunes a little, commits, and reports the head of each commit. */
static void write_until_killed(struct fixture *f, uint32_t number, int report_fd)
{
    fixture_open(f, STORE_BYTES_MIN);
    for (;; number += PER_TXN) {
        struct journal_prune_result result;
        struct journal_bounds b;

        fixture_begin(f);
        for (uint32_t i = 0; i < PER_TXN; i++) {
            if (i % 5 == 4)
                fixture_prepend(f, number + i, FIXTURE_T0_MS - number - i);
            else
                fixture_append(f, number + i, FIXTURE_T0_MS + number + i);
        }
        OK(journal_prune(f->txn, INT64_MAX, number % 3 == 0 ? 30 : 0, &result, err));
        fixture_commit(f);
        b = fixture_bounds(f);
        if (write(report_fd, &b.head, sizeof b.head) != sizeof b.head)
            _exit(1);
    }
}

/* Reads `count` reports, kills the child, and reads the rest. Returns the last one. */
static uint64_t kill_after(pid_t child, int report_fd, unsigned count)
{
    uint64_t head, last = 0;
    int status;

    for (unsigned i = 0; i < REPORTS_MAX && read(report_fd, &head, sizeof head) == sizeof head; i++) {
        last = head;
        if (i + 1 == count)
            kill(child, SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void a_killed_writer_leaves_a_whole_store(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    f->store = NULL;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t reported;
        int fds[2];
        pid_t child;

        assert_int_equal(pipe(fds), 0);
        child = fork();
        if (child == 0) {
            close(fds[0]);
            write_until_killed(f, (round + 1) * 10000000, fds[1]);
        }
        close(fds[1]);
        reported = kill_after(child, fds[0], 1 + round % 7);
        close(fds[0]);
        fixture_open(f, STORE_BYTES_MIN);
        assert_true(fixture_bounds(f).head >= reported);
        fixture_check_tables(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_a_whole_store, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
