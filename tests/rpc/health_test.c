#include "rpc/wire.h"
#include "tests/rows.h"
#include "tests/rpc/fixture.h"

#include <grpc/grpc.h>
#include <stdio.h>
#include <string.h>

#define CHECK "/grpc.health.v1.Health/Check"
#define WATCH "/grpc.health.v1.Health/Watch"

#define GRACE_MS (60 * 1000)

/* As grpc.health.v1 numbers them. */
enum { UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN };

/* The status in a HealthCheckResponse: one varint of one byte, or nothing for UNKNOWN. */
static int status_in(const struct buf *message)
{
    if (message->len == 0)
        return UNKNOWN;
    assert_int_equal(message->len, 2);
    assert_int_equal(message->at[0], 1 << 3);
    return message->at[1];
}

static int check(struct client *client, const char *name, int *status)
{
    AUTO_BUF struct buf message = BUF(64);
    struct client_call call;
    int code;

    client_ask(client, &call, CHECK, name);
    if (client_read(&call, &message))
        *status = status_in(&message);
    code = client_status(&call);
    client_end(&call);
    return code;
}

static void expect_next(struct client_call *watch, int want)
{
    AUTO_BUF struct buf message = BUF(64);

    assert_true(client_read(watch, &message));
    assert_int_equal(status_in(&message), want);
}

static const struct row {
    const char *name;
    enum rpc_health set;
    int code, status;
} rows[] = {
    { "a name that serves", RPC_HEALTH_SERVING, ERROR_OK, SERVING },
    { "a name that does not", RPC_HEALTH_NOT_SERVING, ERROR_OK, NOT_SERVING },
    { "a name whose state is unknown yet", RPC_HEALTH_UNKNOWN, ERROR_OK, UNKNOWN },
    { "a name that is gone", RPC_HEALTH_GONE, ERROR_NOT_FOUND, -1 },
};

static void check_answers_the_state_that_was_set(void **state)
{
    const struct row *row = *state;
    struct fixture *f;
    void *fixture;
    int status = -1;

    fixture_setup(&fixture);
    f = fixture;
    rpc_health_set(f->rpc, "upstream/acme", RPC_HEALTH_SERVING);
    rpc_health_set(f->rpc, "", RPC_HEALTH_SERVING);
    rpc_health_set(f->rpc, "upstream/acme", row->set);
    assert_int_equal(check(&f->client, "upstream/acme", &status), row->code);
    assert_int_equal(status, row->status);
    assert_int_equal(check(&f->client, "", &status), ERROR_OK);
    assert_int_equal(status, SERVING);
    fixture_teardown(&fixture);
}

static void a_name_never_set_is_not_found(void **state)
{
    struct fixture *f = *state;
    int status;

    assert_int_equal(check(&f->client, "nobody", &status), ERROR_NOT_FOUND);
}

static void watch_sends_every_change(void **state)
{
    struct fixture *f = *state;
    struct client_call watch;

    rpc_health_set(f->rpc, "upstream", RPC_HEALTH_NOT_SERVING);
    client_ask(&f->client, &watch, WATCH, "upstream");
    expect_next(&watch, NOT_SERVING);
    for (int i = 0; i < 50; i++) {
        rpc_health_set(f->rpc, "upstream", RPC_HEALTH_SERVING);
        rpc_health_set(f->rpc, "another", RPC_HEALTH_SERVING);
        expect_next(&watch, SERVING);
        rpc_health_set(f->rpc, "upstream", RPC_HEALTH_NOT_SERVING);
        expect_next(&watch, NOT_SERVING);
    }
    client_end(&watch);
}

static void watch_waits_for_a_name_to_appear(void **state)
{
    struct fixture *f = *state;
    struct client_call watch;

    client_ask(&f->client, &watch, WATCH, "upstream/new");
    expect_next(&watch, SERVICE_UNKNOWN);
    rpc_health_set(f->rpc, "upstream/new", RPC_HEALTH_SERVING);
    expect_next(&watch, SERVING);
    rpc_health_set(f->rpc, "upstream/new", RPC_HEALTH_GONE);
    expect_next(&watch, SERVICE_UNKNOWN);
    client_end(&watch);
}

static void draining_turns_every_name_to_not_serving(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(64);
    struct client_call known, unknown;

    rpc_health_set(f->rpc, "", RPC_HEALTH_SERVING);
    client_ask(&f->client, &known, WATCH, "");
    expect_next(&known, SERVING);
    client_ask(&f->client, &unknown, WATCH, "nobody");
    expect_next(&unknown, SERVICE_UNKNOWN);
    rpc_drain(f->rpc);
    rpc_health_set(f->rpc, "", RPC_HEALTH_SERVING); /* too late */
    expect_next(&known, NOT_SERVING);
    assert_false(client_read(&known, &message));
    assert_int_equal(client_status(&known), ERROR_UNAVAILABLE);
    assert_int_equal(client_status(&unknown), ERROR_UNAVAILABLE);
    client_end(&known);
    client_end(&unknown);
    rpc_stop(f->rpc, GRACE_MS);
}

static void more_names_than_there_is_room_for_are_left_out(void **state)
{
    struct fixture *f = *state;
    char name[32];
    int status;

    for (int i = 0; i < 130; i++) {
        snprintf(name, sizeof name, "upstream/%d", i);
        rpc_health_set(f->rpc, name, RPC_HEALTH_SERVING);
    }
    assert_int_equal(check(&f->client, "upstream/127", &status), ERROR_OK);
    assert_int_equal(check(&f->client, "upstream/128", &status), ERROR_NOT_FOUND);
    rpc_health_set(f->rpc, "upstream/5", RPC_HEALTH_GONE);
    rpc_health_set(f->rpc, "upstream/128", RPC_HEALTH_SERVING);
    assert_int_equal(check(&f->client, "upstream/5", &status), ERROR_NOT_FOUND);
    assert_int_equal(check(&f->client, "upstream/128", &status), ERROR_OK);
    assert_int_equal(check(&f->client, "upstream/127", &status), ERROR_OK);
}

/* Every queue except health's is blocked. If Check needed one of them, the test would time out. */
static void check_answers_while_handlers_are_stuck(void **state)
{
    struct fixture *f = *state;
    struct client_call stuck[8];
    int status = -1;

    rpc_health_set(f->rpc, "", RPC_HEALTH_SERVING);
    pthread_mutex_lock(&f->lock); /* a handler of TEST_QUIET waits for it */
    for (size_t i = 0; i < 8; i++)
        client_ask(&f->client, &stuck[i], TEST_QUIET, "");
    for (int i = 0; i < 50; i++) {
        assert_int_equal(check(&f->client, "", &status), ERROR_OK);
        assert_int_equal(status, SERVING);
    }
    assert_int_equal(f->started, 0);
    pthread_mutex_unlock(&f->lock);
    for (size_t i = 0; i < 8; i++)
        client_end(&stuck[i]);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(a_name_never_set_is_not_found),
        WITH_SERVER(watch_sends_every_change),
        WITH_SERVER(watch_waits_for_a_name_to_appear),
        WITH_SERVER(draining_turns_every_name_to_not_serving),
        WITH_SERVER(more_names_than_there_is_room_for_are_left_out),
        WITH_SERVER(check_answers_while_handlers_are_stuck),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) + RUN_ROWS(check_answers_the_state_that_was_set, rows);
}
