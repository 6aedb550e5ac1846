#include "tests/rows.h"
#include "tests/rpc/fixture.h"

#include <grpc/grpc.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX   (1u << 20)
#define FLOOD_KIB_MAX (64u << 10) /* far above any window, far below what an unbounded writer would reach */

static void read_number(struct client_call *call, uint32_t want)
{
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    uint64_t number;

    assert_true(client_read(call, &message));
    assert_true(view_u64(text_in(&message), 0, UINT32_MAX, &number));
    assert_int_equal(number, want);
}

static void a_stream_is_fed_by_wakes_from_another_thread(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_ask(&f->client, &call, TEST_FEED, "");
    fixture_await_started(f, 1);
    for (uint32_t i = 1; i <= 300; i++) {
        fixture_feed(f, 1);
        read_number(&call, i);
    }
    client_end(&call);
}

static void wakes_coalesce_and_lose_nothing(void **state)
{
    struct fixture *f = *state;
    struct client_call calls[8];

    for (size_t i = 0; i < 8; i++)
        client_ask(&f->client, &calls[i], TEST_FEED, "");
    for (uint32_t i = 0; i < 1000; i++)
        fixture_feed(f, 1);
    for (size_t i = 0; i < 8; i++) {
        for (uint32_t n = 1; n <= 1000; n++)
            read_number(&calls[i], n);
        client_end(&calls[i]);
    }
}

static void another_topic_wakes_no_stream_here(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_ask(&f->client, &call, TEST_FEED, "");
    client_headers(&call); /* it has been ready, and had nothing */
    atomic_store(&f->fed, 1);
    for (unsigned topic = 0; topic < FEED_TOPIC; topic++)
        rpc_wake(f->rpc, topic);
    assert_int_equal(atomic_load(&f->fed), 1);
    fixture_feed(f, 1);
    read_number(&call, 1);
    read_number(&call, 2);
    client_end(&call);
}

static void headers_come_before_the_first_message(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_ask(&f->client, &call, TEST_QUIET, "");
    client_headers(&call);
    client_end(&call);
}

static void a_timer_makes_a_stream_ready(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    struct client_call call;

    client_ask(&f->client, &call, TEST_TICK, "");
    for (uint32_t i = 1; i <= 3; i++)
        read_number(&call, i);
    assert_false(client_read(&call, &message));
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
}

static void a_call_may_fail_before_it_becomes_a_stream(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    client_ask(&f->client, &call, TEST_REFUSE, "removed by retention");
    assert_int_equal(client_status(&call), ERROR_OUT_OF_RANGE);
    assert_string_equal(client_text(&call, &text), "removed by retention");
    assert_true(client_trailer(&call, "grpc-status-details-bin").len > 0);
    client_end(&call);
    assert_int_equal(fixture_count(f, &f->started), 0);
}

static void a_cancelled_stream_ends(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_ask(&f->client, &call, TEST_FEED, "");
    fixture_feed(f, 1);
    read_number(&call, 1);
    client_cancel(&call);
    fixture_await_ended(f, 1);
    fixture_feed(f, 1); /* wakes no stream that has ended */
    assert_int_equal(client_status(&call), ERROR_CANCELLED);
    client_end(&call);
}

static void a_stream_past_its_deadline_ends(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_begin(&f->client, &call, TEST_QUIET, VIEW_NONE, 50);
    assert_int_equal(client_status(&call), ERROR_DEADLINE_EXCEEDED);
    fixture_await_ended(f, fixture_count(f, &f->started));
    client_end(&call);
}

/* A little before it, so that the client gets the place and a reason. On a machine that is held up for so long the core
 * may be the first, which is no fault: then once more. */
static void a_stream_near_its_deadline_ends_with_its_token(void **state)
{
    struct fixture *f = *state;
    bool has_place = false;

    for (int tries = 0; tries < 20 && !has_place; tries++) {
        AUTO_BUF struct buf message = BUF(1024);
        struct client_call call;

        client_begin(&f->client, &call, TEST_FEED, VIEW_NONE, 500);
        if (tries == 0)
            fixture_feed(f, 1);
        while (client_read(&call, &message))
            continue;
        assert_int_equal(client_status(&call), ERROR_DEADLINE_EXCEEDED);
        has_place = view_is(client_trailer(&call, "okta-resume-token"), "1") &&
                    client_trailer(&call, "grpc-status-details-bin").len > 0;
        client_end(&call);
    }
    assert_true(has_place);
}

static void a_client_that_goes_away_ends_its_streams(void **state)
{
    struct fixture *f = *state;
    struct client_call call;
    struct client client;

    client_open(&client, f->reader);
    client_ask(&client, &call, TEST_QUIET, "");
    client_headers(&call);
    client_end(&call);
    client_close(&client);
    fixture_await_ended(f, 1);
}

/* A client that does not read gets what fits into the flow-control windows, and costs no more. Others are served
 * meanwhile. */
static void a_slow_reader_holds_one_write(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    struct client_call call;
    uint32_t before;

    client_ask(&f->client, &call, TEST_FLOOD, "");
    client_headers(&call);
    do {
        before = atomic_load(&f->most_flooded);
        for (int i = 0; i < 200; i++)
            assert_int_equal(client_unary(&f->client, TEST_ECHO, "meanwhile", &answer), ERROR_OK);
    } while (atomic_load(&f->most_flooded) != before && before < FLOOD_KIB_MAX);
    assert_true(atomic_load(&f->most_flooded) < FLOOD_KIB_MAX);
    for (int i = 0; i < 100; i++)
        assert_true(client_read(&call, &message)); /* and goes on as it is read */
    client_end(&call);
    fixture_await_ended(f, 1);
}

static void a_bidirectional_stream_takes_turns(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    AUTO_BUF struct buf out = BUF(1024);
    struct client_call call;
    char text[32], want[64];

    client_begin_bidi(&f->client, &call, TEST_TALK);
    text_encode("first", &out);
    client_send(&call, buf_view(&out));
    read_number(&call, 1);
    for (int i = 0; i < 20; i++) {
        buf_reset(&out);
        snprintf(text, sizeof text, "%d", i);
        text_encode(text, &out);
        client_send(&call, buf_view(&out));
        assert_true(client_read(&call, &message));
        snprintf(want, sizeof want, "you said %d", i);
        assert_true(view_is(text_in(&message), want));
    }
    client_send_end(&call);
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
    fixture_await_ended(f, 1);
}

static void a_bidirectional_stream_without_messages_is_fine(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_begin_bidi(&f->client, &call, TEST_TALK);
    client_send_end(&call);
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
    assert_int_equal(fixture_count(f, &f->started), 0);
}

static void a_malformed_message_ends_a_bidirectional_stream(void **state)
{
    struct fixture *f = *state;
    struct client_call call;

    client_begin_bidi(&f->client, &call, TEST_TALK);
    client_send(&call, VIEW_NONE);
    read_number(&call, 1);
    client_send(&call, VIEW("\x0a\x01\xff"));
    assert_int_equal(client_status(&call), ERROR_INVALID_ARGUMENT);
    client_end(&call);
    fixture_await_ended(f, 1);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(a_stream_is_fed_by_wakes_from_another_thread),
        WITH_SERVER(wakes_coalesce_and_lose_nothing),
        WITH_SERVER(another_topic_wakes_no_stream_here),
        WITH_SERVER(headers_come_before_the_first_message),
        WITH_SERVER(a_timer_makes_a_stream_ready),
        WITH_SERVER(a_call_may_fail_before_it_becomes_a_stream),
        WITH_SERVER(a_cancelled_stream_ends),
        WITH_SERVER(a_stream_past_its_deadline_ends),
        WITH_SERVER(a_stream_near_its_deadline_ends_with_its_token),
        WITH_SERVER(a_client_that_goes_away_ends_its_streams),
        WITH_SERVER(a_slow_reader_holds_one_write),
        WITH_SERVER(a_bidirectional_stream_takes_turns),
        WITH_SERVER(a_bidirectional_stream_without_messages_is_fine),
        WITH_SERVER(a_malformed_message_ends_a_bidirectional_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
