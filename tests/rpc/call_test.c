#include "base/clock.h"
#include "google/rpc/status.pb-c.h"
#include "okta/connector/v1/connector.pb-c.h"
#include "rpc/wire.h"
#include "tests/rows.h"
#include "tests/rpc/fixture.h"

#include <grpc/grpc.h>
#include <stdio.h>
#include <string.h>

#define MEGABYTE (1u << 20)

static void a_unary_call_is_answered(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(MEGABYTE);

    assert_int_equal(client_unary(&f->client, TEST_ECHO, "hello", &answer), ERROR_OK);
    assert_string_equal(buf_cstr(&answer), "hello");
}

static void an_empty_message_is_a_message(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(64);
    struct client_call call;

    client_begin(&f->client, &call, TEST_ECHO, VIEW_NONE, NO_DEADLINE);
    assert_true(client_read(&call, &message));
    assert_int_equal(message.len, 0);
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
}

static void a_reply_may_come_encoded(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(MEGABYTE);

    assert_int_equal(client_unary(&f->client, TEST_BYTES, "as bytes", &answer), ERROR_OK);
    assert_string_equal(buf_cstr(&answer), "as bytes");
}

/* ErrorInfo { reason = 1, domain = 2 }, the first detail of the status. */
static void check_details(struct view bytes, int code, const char *text, const char *reason)
{
    Google__Rpc__Status *s = google__rpc__status__unpack(NULL, bytes.len, (const uint8_t *)bytes.at);
    struct view info;

    assert_non_null(s);
    assert_int_equal(s->code, code);
    assert_string_equal(s->message, text);
    assert_true(s->n_details > 1);
    assert_string_equal(s->details[0]->type_url, "type.googleapis.com/google.rpc.ErrorInfo");
    info = (struct view){ (const char *)s->details[0]->value.data, s->details[0]->value.len };
    assert_true(view_is(wire_find(info, 1), reason));
    assert_true(view_is(wire_find(info, 2), "okta.connector.v1"));
    google__rpc__status__free_unpacked(s, NULL);
}

static void a_failure_carries_text_reason_and_trailers(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    client_ask(&f->client, &call, TEST_FAIL, "the name belongs to another org");
    assert_int_equal(client_status(&call), ERROR_FAILED_PRECONDITION);
    assert_string_equal(client_text(&call, &text), "the name belongs to another org");
    assert_true(view_is(client_trailer(&call, "test-trailer"), "with a value"));
    check_details(client_trailer(&call, "grpc-status-details-bin"), ERROR_FAILED_PRECONDITION,
                  "the name belongs to another org", "ORG_MISMATCH");
    client_end(&call);
}

static void a_failure_without_text_gets_the_name_of_its_code(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    client_ask(&f->client, &call, TEST_FAIL, "");
    assert_int_equal(client_status(&call), ERROR_FAILED_PRECONDITION);
    assert_string_equal(client_text(&call, &text), "FAILED_PRECONDITION");
    client_end(&call);
}

/* 512 bytes of error text hold 511, which cut the last of these in two. */
static void a_text_that_is_cut_stays_utf8(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf long_text = BUF(2048);
    AUTO_BUF struct buf text = BUF(2048);
    struct client_call call;

    for (int i = 0; i < 400; i++)
        buf_puts(&long_text, "\xc3\xa4");
    client_ask(&f->client, &call, TEST_FAIL, buf_cstr(&long_text));
    assert_int_equal(client_status(&call), ERROR_FAILED_PRECONDITION);
    client_text(&call, &text);
    assert_int_equal(text.len, 510);
    assert_true(utf8_is_clean(buf_view(&text)));
    check_details(client_trailer(&call, "grpc-status-details-bin"), ERROR_FAILED_PRECONDITION, buf_cstr(&text),
                  "ORG_MISMATCH");
    client_end(&call);
}

static void an_answer_over_the_cap_is_an_error(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(MEGABYTE);

    assert_int_equal(client_unary(&f->client, TEST_HUGE, "", &answer), ERROR_RESOURCE_EXHAUSTED);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "still there", &answer), ERROR_OK);
}

static void a_request_over_the_cap_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf request = BUF(2 * MEGABYTE);
    AUTO_BUF struct buf answer = BUF(MEGABYTE);
    struct client_call call;

    assert_non_null(buf_extend(&request, CALL_REQUEST_BYTES_MAX + 1));
    memset(request.at, 0, request.len);
    client_begin(&f->client, &call, TEST_ECHO, buf_view(&request), NO_DEADLINE);
    assert_int_equal(client_status(&call), ERROR_RESOURCE_EXHAUSTED);
    check_details(client_trailer(&call, "grpc-status-details-bin"), ERROR_RESOURCE_EXHAUSTED,
                  "the request is larger than 262144 bytes", "REQUEST_TOO_LARGE");
    client_end(&call);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "still there", &answer), ERROR_OK);
}

static void a_compressed_request_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(MEGABYTE);
    AUTO_BUF struct buf long_text = BUF(4096);
    struct client client;

    for (int i = 0; i < 2000; i++)
        buf_putc(&long_text, 'x');
    client_open_compressing(&client, f->admin);
    assert_int_equal(client_unary(&client, TEST_ECHO, buf_cstr(&long_text), &answer), ERROR_UNIMPLEMENTED);
    client_close(&client);
}

static void an_unknown_method_is_named(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;

    for (int i = 0; i < 3; i++) {
        client_ask(&f->client, &call, "/test.Test/Nothing", "");
        assert_int_equal(client_status(&call), ERROR_UNIMPLEMENTED);
        assert_non_null(strstr(client_text(&call, &text), "/test.Test/Nothing"));
        client_end(&call);
    }
}

static void role_and_peer_come_from_the_listener(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    char want[128];
    struct client reader;

    assert_int_equal(client_unary(&f->client, TEST_WHO, "", &answer), ERROR_OK);
    snprintf(want, sizeof want, "2 admin %s forever", f->admin);
    assert_string_equal(buf_cstr(&answer), want);
    for (size_t i = 1; i <= 2; i++) {
        client_open(&reader, rpc_address(f->rpc, i));
        assert_int_equal(client_unary(&reader, TEST_WHO, "", &answer), ERROR_OK);
        snprintf(want, sizeof want, "1 reader %s forever", rpc_address(f->rpc, i));
        assert_string_equal(buf_cstr(&answer), want);
        client_close(&reader);
    }
    assert_null(rpc_address(f->rpc, 3));
}

static void a_reader_is_sent_to_the_admin_socket(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;
    struct client reader;

    assert_int_equal(client_unary(&f->client, TEST_ADMIN, "hello", &answer), ERROR_OK);
    for (size_t i = 1; i <= 2; i++) {
        client_open(&reader, rpc_address(f->rpc, i));
        client_ask(&reader, &call, TEST_ADMIN, "hello");
        assert_int_equal(client_status(&call), ERROR_PERMISSION_DENIED);
        assert_non_null(strstr(client_text(&call, &text), "admin socket"));
        client_end(&call);
        client_close(&reader);
    }
}

static void a_deadline_is_shown(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(1024);
    struct client_call call;

    client_begin(&f->client, &call, TEST_WHO, VIEW_NONE, 1000 * 1000);
    assert_true(client_read(&call, &message));
    assert_true(view_ends(text_in(&message), "soon"));
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
}

/* ---- deferred answers ---- */

static void answer_ticket(struct call_ticket *t, const char *text)
{
    Okta__Connector__V1__StatusRequest m = OKTA__CONNECTOR__V1__STATUS_REQUEST__INIT;

    m.name = (char *)(uintptr_t)text;
    call_ticket_reply(&t, &m.base);
    assert_null(t);
}

static void a_ticket_answers_from_another_thread(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf message = BUF(1024);
    struct client_call call;
    struct call_ticket *t;

    client_ask(&f->client, &call, TEST_LATER, "");
    t = fixture_ticket(f);
    assert_false(call_ticket_is_cancelled(t));
    answer_ticket(t, "at last");
    assert_true(client_read(&call, &message));
    assert_true(view_is(text_in(&message), "at last"));
    assert_int_equal(client_status(&call), ERROR_OK);
    client_end(&call);
}

static void a_ticket_fails_from_another_thread(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;
    struct call_ticket *t;
    struct error err;

    client_ask(&f->client, &call, TEST_LATER, "");
    t = fixture_ticket(f);
    error_reason(&err, ERROR_FAILED_PRECONDITION, "RETIRED", "it did not work");
    call_ticket_fail(&t, &err);
    assert_int_equal(client_status(&call), ERROR_FAILED_PRECONDITION);
    assert_string_equal(client_text(&call, &text), "it did not work");
    client_end(&call);
}

/* The queue's thread detaches the ticket once it learns of the cancellation, which may be a moment later. */
static void await_cancelled(const struct call_ticket *t)
{
    int64_t until = clock_mono_ms(&clock_system) + 60 * 1000;

    while (!call_ticket_is_cancelled(t))
        assert_true(clock_mono_ms(&clock_system) < until);
}

static void a_ticket_outlives_its_caller(void **state)
{
    struct fixture *f = *state;
    AUTO_BUF struct buf answer = BUF(1024);
    struct client_call call;
    struct call_ticket *t;

    client_ask(&f->client, &call, TEST_LATER, "");
    t = fixture_ticket(f);
    client_cancel(&call);
    assert_int_equal(client_status(&call), ERROR_CANCELLED);
    await_cancelled(t);
    answer_ticket(t, "to nobody");
    client_end(&call);
    assert_int_equal(client_unary(&f->client, TEST_ECHO, "still there", &answer), ERROR_OK);
}

static void a_call_past_its_deadline_is_over(void **state)
{
    struct fixture *f = *state;
    struct client_call call;
    struct call_ticket *t;

    client_begin(&f->client, &call, TEST_LATER, VIEW_NONE, 50);
    t = fixture_ticket(f);
    assert_int_equal(client_status(&call), ERROR_DEADLINE_EXCEEDED);
    await_cancelled(t);
    answer_ticket(t, "to nobody");
    client_end(&call);
}

/* ---- malformed ---- */

static const struct malformed {
    const char *name;
    struct view bytes;
} malformed[] = {
    { "a length beyond the end", VIEW("\x0a\x05xy") },
    { "a lone tag", VIEW("\x0a") },
    { "a group", VIEW("\x0b\x0c") },
    { "field number 0", VIEW("\x02\x00") },
    { "text that is not UTF-8", VIEW("\x0a\x02\xff\xfe") },
    { "half a character", VIEW("\x0a\x01\xc3") },
    { "a NUL inside text", VIEW("\x0a\x05"
                                "ab\0cd") },
    { "text sent as a number", VIEW("\x08\x05") },
};

static void a_malformed_request_is_refused_with_a_message(void **state)
{
    const struct malformed *row = *state;
    AUTO_BUF struct buf text = BUF(1024);
    struct client_call call;
    void *fixture;
    struct fixture *f;

    fixture_setup(&fixture);
    f = fixture;
    client_begin(&f->client, &call, TEST_ECHO, row->bytes, NO_DEADLINE);
    assert_int_equal(client_status(&call), ERROR_INVALID_ARGUMENT);
    assert_true(strlen(client_text(&call, &text)) > 10);
    client_end(&call);
    fixture_teardown(&fixture);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(a_unary_call_is_answered),
        WITH_SERVER(an_empty_message_is_a_message),
        WITH_SERVER(a_reply_may_come_encoded),
        WITH_SERVER(a_failure_carries_text_reason_and_trailers),
        WITH_SERVER(a_failure_without_text_gets_the_name_of_its_code),
        WITH_SERVER(a_text_that_is_cut_stays_utf8),
        WITH_SERVER(an_answer_over_the_cap_is_an_error),
        WITH_SERVER(a_request_over_the_cap_is_refused),
        WITH_SERVER(a_compressed_request_is_refused),
        WITH_SERVER(an_unknown_method_is_named),
        WITH_SERVER(role_and_peer_come_from_the_listener),
        WITH_SERVER(a_reader_is_sent_to_the_admin_socket),
        WITH_SERVER(a_deadline_is_shown),
        WITH_SERVER(a_ticket_answers_from_another_thread),
        WITH_SERVER(a_ticket_fails_from_another_thread),
        WITH_SERVER(a_ticket_outlives_its_caller),
        WITH_SERVER(a_call_past_its_deadline_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) +
           RUN_ROWS(a_malformed_request_is_refused_with_a_message, malformed);
}
