#include "base/mailbox.h"

#include "base/mem.h"
#include "tests/rows.h"

#include <pthread.h>
#include <sched.h>

#define SENDERS 3
#define EACH    2000

struct note {
    struct letter letter;
    int sender, number;
};

static struct letter *write_note(int sender, int number)
{
    struct note *n = mem_zero(sizeof *n);

    n->sender = sender;
    n->number = number;
    return &n->letter;
}

static int read_note(struct mailbox *m)
{
    struct note *n = (struct note *)mailbox_take(m);
    int number = n != NULL ? n->number : -1;

    free(n);
    return number;
}

static void count_wake(void *ctx)
{
    ++*(int *)ctx;
}

static void first_in_first_out_with_one_wake_up(void **state)
{
    int wakes = 0;
    struct mailbox *m = mailbox_create(8, count_wake, &wakes);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct letter *letter = write_note(0, i);

        assert_true(mailbox_send(m, &letter));
        assert_null(letter);
    }
    assert_int_equal(wakes, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read_note(m), i);
    assert_null(mailbox_take(m));
    for (int i = 0; i < 2; i++) {
        struct letter *letter = write_note(0, 9);

        assert_true(mailbox_send(m, &letter));
        assert_int_equal(read_note(m), 9);
    }
    assert_int_equal(wakes, 3);
    mailbox_destroy(m);
}

static void a_full_one_takes_nothing(void **state)
{
    int wakes = 0;
    struct mailbox *m = mailbox_create(2, count_wake, &wakes);
    struct letter *letters[] = { write_note(0, 1), write_note(0, 2), write_note(0, 3) };

    (void)state;
    assert_true(mailbox_send(m, &letters[0]));
    assert_true(mailbox_send(m, &letters[1]));
    assert_false(mailbox_send(m, &letters[2]));
    assert_non_null(letters[2]);
    assert_int_equal(read_note(m), 1);
    assert_true(mailbox_send(m, &letters[2]));
    assert_int_equal(read_note(m), 2);
    assert_int_equal(read_note(m), 3);
    mailbox_destroy(m);
}

static void a_closed_one_gives_what_it_has(void **state)
{
    int wakes = 0;
    struct mailbox *m = mailbox_create(2, count_wake, &wakes);
    struct letter *letters[] = { write_note(0, 1), write_note(0, 2) };

    (void)state;
    assert_true(mailbox_send(m, &letters[0]));
    mailbox_close(m);
    assert_false(mailbox_send(m, &letters[1]));
    assert_int_equal(read_note(m), 1);
    assert_null(mailbox_take(m));
    free(letters[1]);
    mailbox_destroy(m);
}

/* A receiver that sleeps until it is woken, as those in the product do. */
struct post {
    struct mailbox *mailbox;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_awake;
};

static void wake(void *ctx)
{
    struct post *p = ctx;

    pthread_mutex_lock(&p->lock);
    p->is_awake = true;
    pthread_cond_signal(&p->woken);
    pthread_mutex_unlock(&p->lock);
}

struct sender {
    struct post *post;
    int number;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < EACH; i++) {
        struct letter *letter = write_note(s->number, i);

        while (!mailbox_send(s->post->mailbox, &letter))
            sched_yield();
    }
    return NULL;
}

static void wait_for_wake(struct post *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->is_awake)
        pthread_cond_wait(&p->woken, &p->lock);
    p->is_awake = false;
    pthread_mutex_unlock(&p->lock);
}

static void no_letter_is_lost_between_threads(void **state)
{
    struct post post = { NULL, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    int next[SENDERS] = { 0 }, taken = 0;

    (void)state;
    post.mailbox = mailbox_create(16, wake, &post);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ &post, i };
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    while (taken < SENDERS * EACH) {
        struct note *n;

        wait_for_wake(&post);
        while ((n = (struct note *)mailbox_take(post.mailbox)) != NULL) {
            assert_int_equal(n->number, next[n->sender]++);
            taken++;
            free(n);
        }
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    mailbox_destroy(post.mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out_with_one_wake_up),
        cmocka_unit_test(a_full_one_takes_nothing),
        cmocka_unit_test(a_closed_one_gives_what_it_has),
        cmocka_unit_test(no_letter_is_lost_between_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
