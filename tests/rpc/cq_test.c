#include "rpc/cq.h"

#include "tests/rows.h"

#include <stdatomic.h>
#include <time.h>

#define WAIT_S  60
#define POSTS   2000
#define POSTERS 4

/* What the queue's thread reports, and the test waits for. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned ops, wakes;
    uint64_t topics;
    bool is_waking_itself;
    pthread_t thread;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void await(const unsigned *count, unsigned want)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&seen.lock);
    while (*count < want)
        assert_int_equal(pthread_cond_timedwait(&seen.changed, &seen.lock, &until), 0);
    pthread_mutex_unlock(&seen.lock);
}

static void on_woken(struct cq *q, uint64_t topics)
{
    bool again;

    pthread_mutex_lock(&seen.lock);
    seen.topics |= topics;
    again = seen.is_waking_itself && ++seen.wakes < 3;
    seen.thread = pthread_self();
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
    if (again)
        cq_wake(q, 7); /* as another thread may, while this one looks for work */
}

static void on_op(struct op *op, bool ok)
{
    (void)op;
    (void)ok;
    pthread_mutex_lock(&seen.lock);
    seen.ops++;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static int set_up(void **state)
{
    grpc_init();
    seen.ops = seen.wakes = 0;
    seen.topics = 0;
    seen.is_waking_itself = false;
    *state = cq_create(true, on_woken);
    cq_start(*state, "cq-test");
    return 0;
}

static int tear_down(void **state)
{
    cq_destroy(*state);
    grpc_shutdown();
    return 0;
}

static void a_wake_during_a_wake_is_not_lost(void **state)
{
    struct cq *q = *state;

    seen.is_waking_itself = true;
    cq_wake(q, 0);
    await(&seen.wakes, 3);
    assert_int_equal(seen.topics, UINT64_C(1) | UINT64_C(1) << 7);
    assert_false(pthread_equal(seen.thread, pthread_self()));
}

struct poster {
    pthread_t thread;
    struct cq *q;
    struct op ops[POSTS];
};

static void *post_all(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < POSTS; i++) {
        p->ops[i].done = on_op;
        if (!cq_post(p->q, &p->ops[i]))
            return NULL;
    }
    return p;
}

static void posts_from_many_threads_all_arrive(void **state)
{
    static struct poster posters[POSTERS];
    void *posted;

    for (int i = 0; i < POSTERS; i++) {
        posters[i].q = *state;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, &posted);
        assert_non_null(posted);
    }
    await(&seen.ops, POSTERS * POSTS);
}

static void what_was_posted_runs_before_the_end(void **state)
{
    static struct op ops[POSTS];

    for (int i = 0; i < POSTS; i++) {
        ops[i].done = on_op;
        assert_true(cq_post(*state, &ops[i]));
    }
    tear_down(state);
    assert_int_equal(seen.ops, POSTS);
    set_up(state);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_QUEUE(a_wake_during_a_wake_is_not_lost),
        WITH_QUEUE(posts_from_many_threads_all_arrive),
        WITH_QUEUE(what_was_posted_runs_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
