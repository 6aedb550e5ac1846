/* What somebody asks of the poller while it is about to sleep. */
#include "rows.h"

#include "world/poller_world.h"

static struct world world;
static void (*real_run)(struct okta_transport *t, int64_t timeout_ms);
static bool asked;
static uint64_t rounds;

/* Asks for a poll when the letters have been read and bytes are moved without waiting: this very run takes the wake-up
 * that comes with it. */
static void run_and_ask(struct okta_transport *t, int64_t timeout_ms)
{
    if (!asked && timeout_ms == 0) {
        asked = true;
        assert_true(poller_poll_now(world.poller, &rounds, NULL));
    }
    real_run(t, timeout_ms);
}

static void a_wish_is_seen_before_sleeping(void **state)
{
    const struct world_options options = { .org = { .users = 5 } };
    int64_t from;

    (void)state;
    world_open(&world, &options);
    assert_true(world_run(&world, world_is_live, 60000));
    world_pass(&world, 1000); /* between two polls */
    real_run = world.transport->run;
    world.transport->run = run_and_ask;
    from = world.clock.mono_ms;
    for (int turns = 0; turns < 10 && (!asked || world.now.tail_rounds <= rounds); turns++)
        world_turn(&world);
    assert_true(asked);
    assert_true(world.now.tail_rounds > rounds);
    assert_true(world.clock.mono_ms - from < 1000); /* by hand: the next poll was seconds away */
    world.transport->run = real_run;
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_wish_is_seen_before_sleeping) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
