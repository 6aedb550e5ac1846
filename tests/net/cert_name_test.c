#include "net/cert_name.h"

#include "tests/rows.h"

#include <string.h>

/* ---- lists ---- */

static const struct entry {
    const char *name;
    struct view text;
    bool is_good;
} entries[] = {
    { "a host", VIEW("DNS:api.example"), true },
    { "in other letters", VIEW("dns:api.example"), true },
    { "any host of a domain", VIEW("DNS:*.pods.example"), true },
    { "a SPIFFE id", VIEW("URI:spiffe://example.org/ns/prod/sa/backend"), true },
    { "all below a path", VIEW("URI:spiffe://example.org/ns/prod/*"), true },
    { "a whole trust domain", VIEW("URI:spiffe://example.org/*"), true },
    { "an IPv4 address", VIEW("IP:10.0.0.7"), true },
    { "an IPv6 address", VIEW("IP:2001:db8::7"), true },
    { "as openssl prints it", VIEW("IP Address:10.0.0.7"), true },
    { "an e-mail address", VIEW("email:backend@example.org"), true },
    { "no kind", VIEW("api.example"), false },
    { "a kind of another sort", VIEW("CN:api.example"), false },
    { "nothing behind the kind", VIEW("DNS:"), false },
    { "nothing", VIEW(""), false },
    { "a blank", VIEW("DNS:api example"), false },
    { "a NUL", VIEW("DNS:api.example\0.org"), false },
    { "letters beyond ASCII", VIEW("DNS:m\303\274nchen.example"), false },
    { "every host", VIEW("DNS:*"), false },
    { "every host of a top-level domain", VIEW("DNS:*.example"), false },
    { "half a label", VIEW("DNS:api*.pods.example"), false },
    { "two asterisks", VIEW("DNS:*.*.example.org"), false },
    { "an asterisk further in", VIEW("DNS:api.*.example.org"), false },
    { "every URI", VIEW("URI:*"), false },
    { "every SPIFFE id", VIEW("URI:spiffe://*"), false },
    { "every host of a URI", VIEW("URI:spiffe:///*"), false },
    { "a segment begun", VIEW("URI:spiffe://example.org/ns/pr*"), false },
    { "an asterisk in a path", VIEW("URI:spiffe://example.org/*/sa/x"), false },
    { "two in a path", VIEW("URI:spiffe://example.org/*/*"), false },
    { "no scheme", VIEW("URI:backend"), false },
    { "a network", VIEW("IP:10.0.0.0/8"), false },
    { "a host as an address", VIEW("IP:localhost"), false },
    { "no @", VIEW("email:backend"), false },
    { "any of a domain", VIEW("email:*@example.org"), false },
};

static void an_entry_is_read(void **state)
{
    const struct entry *row = *state;
    struct cert_name out = { 0 };
    struct error err = { 0 };

    assert_int_equal(cert_name_parse(row->text, &out, &err), row->is_good);
    if (row->is_good)
        return;
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_true(strlen(err.text) > 40);
    assert_int_equal(out.len, 0);
}

static void a_name_has_a_most(void **state)
{
    struct cert_name out;
    struct error err;
    char text[4 + sizeof out.text + 1];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "DNS:", 4);
    assert_true(cert_name_parse((struct view){ text, sizeof text - 1 }, &out, &err));
    assert_false(cert_name_parse((struct view){ text, sizeof text }, &out, &err));
}

/* ---- names against lists ---- */

static const struct row {
    const char *name;
    enum cert_name_kind kind;
    struct view presented;
    const char *listed;
    bool want;
} rows[] = {
    { "the same host", CERT_NAME_DNS, VIEW("api.example"), "DNS:api.example", true },
    { "the same host in capitals", CERT_NAME_DNS, VIEW("API.example"), "DNS:api.Example", true },
    { "another host", CERT_NAME_DNS, VIEW("app.example"), "DNS:api.example", false },
    { "a longer host", CERT_NAME_DNS, VIEW("api.example.org"), "DNS:api.example", false },
    { "a host below", CERT_NAME_DNS, VIEW("x.api.example"), "DNS:api.example", false },
    { "the host with a NUL and more", CERT_NAME_DNS, VIEW("api.example\0.evil"), "DNS:api.example", false },
    { "one label for the asterisk", CERT_NAME_DNS, VIEW("a1.pods.example"), "DNS:*.pods.example", true },
    { "two labels for it", CERT_NAME_DNS, VIEW("a.b.pods.example"), "DNS:*.pods.example", false },
    { "none", CERT_NAME_DNS, VIEW("pods.example"), "DNS:*.pods.example", false },
    { "an empty one", CERT_NAME_DNS, VIEW(".pods.example"), "DNS:*.pods.example", false },
    { "a certificate's own asterisk", CERT_NAME_DNS, VIEW("*.pods.example"), "DNS:*.pods.example", false },
    { "a host as a URI", CERT_NAME_URI, VIEW("api.example"), "DNS:api.example", false },
    { "a URI as a host", CERT_NAME_DNS, VIEW("spiffe://a.b/c"), "URI:spiffe://a.b/c", false },
    { "the same URI", CERT_NAME_URI, VIEW("spiffe://a.b/c"), "URI:spiffe://a.b/c", true },
    { "a URI's letters count", CERT_NAME_URI, VIEW("spiffe://a.b/C"), "URI:spiffe://a.b/c", false },
    { "a URI that goes on", CERT_NAME_URI, VIEW("spiffe://a.b/c/d"), "URI:spiffe://a.b/c", false },
    { "below the path", CERT_NAME_URI, VIEW("spiffe://a.b/c/d/e"), "URI:spiffe://a.b/c/*", true },
    { "the path itself", CERT_NAME_URI, VIEW("spiffe://a.b/c/"), "URI:spiffe://a.b/c/*", false },
    { "a path that only begins so", CERT_NAME_URI, VIEW("spiffe://a.b/cd"), "URI:spiffe://a.b/c/*", false },
    { "out of the path again", CERT_NAME_URI, VIEW("spiffe://a.b/c/../d"), "URI:spiffe://a.b/c/*", false },
    { "another trust domain", CERT_NAME_URI, VIEW("spiffe://a.b.evil/c"), "URI:spiffe://a.b/*", false },
    { "the same IPv4 address", CERT_NAME_IP, VIEW("\x0a\0\0\x07"), "IP:10.0.0.7", true },
    { "another", CERT_NAME_IP, VIEW("\x0a\0\0\x08"), "IP:10.0.0.7", false },
    { "an address of no length", CERT_NAME_IP, VIEW("\x0a\0\0"), "IP:10.0.0.7", false },
    { "the same IPv6 address", CERT_NAME_IP, VIEW("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), "IP:::1", true },
    { "an address as text", CERT_NAME_DNS, VIEW("10.0.0.7"), "IP:10.0.0.7", false },
    { "the same e-mail address", CERT_NAME_EMAIL, VIEW("ann@A.example"), "email:ann@a.example", true },
    { "its letters count before the @", CERT_NAME_EMAIL, VIEW("Ann@a.example"), "email:ann@a.example", false },
    { "an empty name", CERT_NAME_DNS, VIEW(""), "DNS:api.example", false },
};

static void a_name_is_listed_or_not(void **state)
{
    const struct row *row = *state;
    const struct presented_name n = { row->kind, row->presented };
    struct cert_name list[2];
    struct error err;

    assert_true(cert_name_parse(VIEW("DNS:somebody.else.example"), &list[0], &err));
    assert_true(cert_name_parse(view_of(row->listed), &list[1], &err));
    assert_int_equal(cert_name_is_listed(&n, list, 2), row->want);
    assert_false(cert_name_is_listed(&n, list, 1));
    assert_false(cert_name_is_listed(&n, list, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_name_has_a_most) };

    return RUN_ROWS(an_entry_is_read, entries) + RUN_ROWS(a_name_is_listed_or_not, rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
