#include "okta/url.h"
#include "tests/rows.h"

#include <string.h>

/* ---- the org's address ---- */

static const struct row {
    const char *name, *text, *want;
    const char *want_host;
} rows[] = {
    { "a bare name", "acme", "https://acme.okta.com", "acme.okta.com" },
    { "a host name", "acme.okta.com", "https://acme.okta.com", "acme.okta.com" },
    { "with https", "https://acme.okta.com", "https://acme.okta.com", "acme.okta.com" },
    { "with a slash", "https://acme.okta.com/", "https://acme.okta.com", "acme.okta.com" },
    { "with white space around", " \t acme.okta.com \r\n", "https://acme.okta.com", "acme.okta.com" },
    { "in capitals", "HTTPS://Acme.Okta.COM/", "https://acme.okta.com", "acme.okta.com" },
    { "with a port", "https://acme.okta.com:8443", "https://acme.okta.com:8443", "acme.okta.com" },
    { "preview", "acme.oktapreview.com", "https://acme.oktapreview.com", "acme.oktapreview.com" },
    { "EMEA", "acme.okta-emea.com", "https://acme.okta-emea.com", "acme.okta-emea.com" },
    { "government", "acme.okta.mil", "https://acme.okta.mil", "acme.okta.mil" },
    { "trial", "trial-1234567.okta.com", "https://trial-1234567.okta.com", "trial-1234567.okta.com" },
    { "a customer's own domain", "https://login.acme.example", "https://login.acme.example", "login.acme.example" },
    { "an own domain that is called admin", "sso-admin.acme.example", "https://sso-admin.acme.example",
      "sso-admin.acme.example" },
    { "an org that is called admin", "admin.okta.com", "https://admin.okta.com", "admin.okta.com" },
};

static void an_address_is_accepted(void **state)
{
    const struct row *row = *state;
    struct okta_url url;
    struct error err = { 0 };

    assert_true(okta_url_parse(view_of(row->text), false, &url, &err));
    assert_string_equal(url.text, row->want);
    assert_string_equal(url.host, row->want_host);
}

static const struct refusal {
    const char *name, *text, *want_reason, *want_in_text;
} refusals[] = {
    { "empty", "", "ORG_INVALID", "empty" },
    { "blank", "  \n", "ORG_INVALID", "empty" },
    { "the Admin Console", "https://acme-admin.okta.com", "ADMIN_HOST", "write acme.okta.com" },
    { "the Admin Console by its bare name", "acme-admin", "ADMIN_HOST", "write acme.okta.com" },
    { "the Admin Console twice", "acme-admin-admin.oktapreview.com", "ADMIN_HOST", "write acme.oktapreview.com" },
    { "the Admin Console of EMEA", "acme-admin.okta-emea.com", "ADMIN_HOST", "write acme.okta-emea.com" },
    { "the Admin Console of a government", "acme-admin.okta-gov.com", "ADMIN_HOST", "write acme.okta-gov.com" },
    { "the Admin Console of another", "acme-admin.okta.mil", "ADMIN_HOST", "write acme.okta.mil" },
    { "a placeholder", "https://{yourOktaDomain}", "ORG_INVALID", "placeholder" },
    { "a placeholder without brackets", "yourOktaDomain.okta.com", "ORG_INVALID", "placeholder" },
    { "a placeholder in angle brackets", "<org>.okta.com", "ORG_INVALID", "placeholder" },
    { "a variable that was not set", "${OKTA_ORG}", "ORG_INVALID", "placeholder" },
    { "plain http", "http://acme.okta.com", "ORG_INVALID", "https://" },
    { "another scheme", "ftp://acme.okta.com", "ORG_INVALID", "https://" },
    { "two schemes", "https://https://acme.okta.com", "ORG_INVALID", "path" },
    { "a path", "https://acme.okta.com/api/v1", "ORG_INVALID", "path" },
    { "two slashes", "acme.okta.com//", "ORG_INVALID", "path" },
    { "a query", "acme.okta.com?x", "ORG_INVALID", "query" },
    { "a fragment", "acme.okta.com#x", "ORG_INVALID", "path" },
    { "a backslash", "acme.okta.com\\x", "ORG_INVALID", "path" },
    { "user info", "https://me:secret@acme.okta.com", "ORG_INVALID", "user name" },
    { "an IP address", "https://192.0.2.1", "ORG_INVALID", "IP address" },
    { "an IP address as a number", "3221225985.1", "ORG_INVALID", "IP address" },
    { "an IP address in hex", "a.0xc0000201", "ORG_INVALID", "IP address" },
    { "loopback without the switch", "http://127.0.0.1:8080", "ORG_INVALID", "https://" },
    { "loopback by TLS without the switch", "https://127.0.0.1:8080", "ORG_INVALID", "IP address" },
    { "localhost without the switch", "https://localhost", "ORG_INVALID", "IP address" },
    { "IPv6", "https://[::1]", "ORG_INVALID", "" },
    { "IPv6 that holds IPv4", "https://[::ffff:10.0.0.1]", "ORG_INVALID", "" },
    { "IPv6 without brackets", "::ffff:10.0.0.1", "ORG_INVALID", "" },
    { "a private address", "https://10.0.0.1", "ORG_INVALID", "IP address" },
    { "the metadata of a cloud", "169.254.169.254", "ORG_INVALID", "IP address" },
    { "an address of two numbers", "127.1", "ORG_INVALID", "IP address" },
    { "an address in octal", "0177.0.0.01", "ORG_INVALID", "IP address" },
    { "an address all in hex", "0x7f.0x0.0x0.0x1", "ORG_INVALID", "IP address" },
    { "a hex number at the end, in capitals", "127.0.0.0X1", "ORG_INVALID", "IP address" },
    { "an address with a dot at the end", "127.0.0.1.", "ORG_INVALID", "no host name" },
    { "localhost with a dot at the end", "localhost.", "ORG_INVALID", "no host name" },
    { "a port out of range", "acme.okta.com:65536", "ORG_INVALID", "port" },
    { "a port of none", "acme.okta.com:0", "ORG_INVALID", "port" },
    { "a port that is none", "acme.okta.com:x", "ORG_INVALID", "port" },
    { "a doubled top-level domain", "acme.okta.com.com", "ORG_INVALID", ".com.com" },
    { "a blank inside", "acme okta.com", "ORG_INVALID", "host name" },
    { "an underscore", "ac_me.okta.com", "ORG_INVALID", "host name" },
    { "an empty label", "acme..okta.com", "ORG_INVALID", "host name" },
    { "a dot at the end", "acme.okta.com.", "ORG_INVALID", "host name" },
    { "a hyphen at the front", "-acme.okta.com", "ORG_INVALID", "host name" },
    { "a hyphen at the end", "acme-.okta.com", "ORG_INVALID", "host name" },
    { "beyond ASCII", "\xc3\xa4.okta.com", "ORG_INVALID", "host name" },
    { "no host", "https://", "ORG_INVALID", "host name" },
    { "a label too long", "a123456789012345678901234567890123456789012345678901234567890123.okta.com", "ORG_INVALID",
      "host name" },
};

static void an_address_is_refused(void **state)
{
    const struct refusal *row = *state;
    struct okta_url url = { "untouched", "untouched" };
    struct error err = { 0 };

    assert_false(okta_url_parse(view_of(row->text), false, &url, &err));
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(err.reason, row->want_reason);
    assert_non_null(strstr(err.text, row->want_in_text));
    assert_null(strstr(err.text, "secret"));
    assert_string_equal(url.text, "untouched");
}

static const struct row loopback_rows[] = {
    { "a number is a name", "2130706433", "https://2130706433.okta.com", "2130706433.okta.com" },
    { "http by address", "http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1" },
    { "http by name", "http://localhost:8080/", "http://localhost:8080", "localhost" },
    { "https by name", "https://localhost:8443", "https://localhost:8443", "localhost" },
    { "https by address", "https://127.0.0.1:8443", "https://127.0.0.1:8443", "127.0.0.1" },
    { "a real org still", "acme", "https://acme.okta.com", "acme.okta.com" },
};

static void loopback_is_accepted_with_the_switch(void **state)
{
    const struct row *row = *state;
    struct okta_url url;
    struct error err = { 0 };

    assert_true(okta_url_parse(view_of(row->text), true, &url, &err));
    assert_string_equal(url.text, row->want);
    assert_string_equal(url.host, row->want_host);
}

static const struct refusal switch_refusals[] = {
    { "http to a real host", "http://acme.okta.com", "ORG_INVALID", "https://" },
    { "http to another address", "http://127.0.0.2:1", "ORG_INVALID", "https://" },
    { "http to a name that begins like loopback", "http://127.0.0.1.evil.example", "ORG_INVALID", "https://" },
    { "another address", "https://192.0.2.1", "ORG_INVALID", "IP address" },
};

static void the_switch_allows_nothing_else(void **state)
{
    const struct refusal *row = *state;
    struct okta_url url;
    struct error err = { 0 };

    assert_false(okta_url_parse(view_of(row->text), true, &url, &err));
    assert_string_equal(err.reason, row->want_reason);
    assert_non_null(strstr(err.text, row->want_in_text));
}

static void a_nul_or_a_page_of_text_is_refused(void **state)
{
    struct okta_url url;
    struct error err = { 0 };
    char text[4096];

    (void)state;
    assert_false(okta_url_parse(VIEW("acme\0.okta.com"), false, &url, &err));
    memset(text, 'a', sizeof text);
    assert_false(okta_url_parse((struct view){ text, sizeof text }, false, &url, &err));
}

/* ---- the token ---- */

#define TOKEN "00exampleTokenValueNotReal0123456789abcdEF"

static const struct refusal tokens[] = {
    { "empty", "", NULL, "empty" },
    { "blank", " \n", NULL, "empty" },
    { "with its scheme", "SSWS " TOKEN, NULL, "SSWS" },
    { "with its scheme in lower case", "ssws " TOKEN, NULL, "SSWS" },
    { "in quotes", "\"" TOKEN "\"", NULL, "quotes" },
    { "in single quotes", "'" TOKEN "'", NULL, "quotes" },
    { "a blank inside", "00abc def", NULL, "white space" },
    { "a line feed inside", "00abc\ndef", NULL, "white space" },
    { "a control character inside",
      "00abc\x01"
      "def",
      NULL, "control" },
    { "beyond ASCII", "00abc\xe2\x80\x8b", NULL, "non-ASCII" },
    { "a variable that was not set", "${OKTA_TOKEN}", NULL, "placeholder" },
    { "a template", "{{ token }}", NULL, "placeholder" },
    { "in angle brackets", "<token>", NULL, "placeholder" },
    { "crosses", "xxx", NULL, "placeholder" },
    { "many crosses", "XXXXXXXXXXXX", NULL, "placeholder" },
    { "changeme", "changeme", NULL, "placeholder" },
    { "your token", "YOUR_API_TOKEN", NULL, "placeholder" },
    { "dots", "...", NULL, "placeholder" },
};

static void a_token_is_refused(void **state)
{
    const struct refusal *row = *state;
    struct view out = VIEW("untouched");
    struct error err = { 0 };

    assert_false(okta_token_check(view_of(row->text), &out, &err));
    assert_string_equal(err.reason, "TOKEN_INVALID");
    assert_non_null(strstr(err.text, row->want_in_text));
    assert_null(strstr(err.text, "00"));
    assert_true(view_is(out, "untouched"));
}

static void a_token_is_trimmed(void **state)
{
    static const char text[] = " \t" TOKEN "\r\n";
    struct error err = { 0 };
    struct view out;

    (void)state;
    assert_true(okta_token_check(view_of(text), &out, &err));
    assert_true(view_is(out, TOKEN));
    assert_ptr_equal(out.at, text + 2);
}

static void a_token_may_have_4096_bytes(void **state)
{
    struct error err = { 0 };
    char text[4097];
    struct view out;

    (void)state;
    memset(text, '0', sizeof text);
    assert_true(okta_token_check((struct view){ text, 4096 }, &out, &err));
    assert_false(okta_token_check((struct view){ text, 4097 }, &out, &err));
    assert_false(okta_token_check(VIEW("00ab\0cd"), &out, &err));
}

/* ---- paths ---- */

static const struct path_row {
    const char *name, *path;
    bool want;
} paths[] = {
    { "a path", "/api/v1/logs?since=2026-03-14T09:00:00.000Z&limit=1000", true },
    { "the root", "/", true },
    { "empty", "", false },
    { "no slash at the front", "api/v1/logs", false },
    { "another host", "https://evil.example/", false },
    { "user info", "@evil.example/", false },
    { "a port", ":8080/", false },
    { "a blank", "/a b", false },
    { "a line feed", "/a\nHost: evil.example", false },
    { "a carriage return", "/a\r\nx", false },
    { "a fragment", "/a#b", false },
    { "beyond ASCII", "/\xc3\xa4", false },
    { "DEL", "/\x7f", false },
};

static void a_path(void **state)
{
    const struct path_row *row = *state;

    assert_int_equal(url_path_ok(view_of(row->path)), row->want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nul_or_a_page_of_text_is_refused),
        cmocka_unit_test(a_token_is_trimmed),
        cmocka_unit_test(a_token_may_have_4096_bytes),
    };

    return RUN_ROWS(an_address_is_accepted, rows) + RUN_ROWS(an_address_is_refused, refusals) +
           RUN_ROWS(loopback_is_accepted_with_the_switch, loopback_rows) +
           RUN_ROWS(the_switch_allows_nothing_else, switch_refusals) + RUN_ROWS(a_token_is_refused, tokens) +
           RUN_ROWS(a_path, paths) + cmocka_run_group_tests(tests, NULL, NULL);
}
