/* What is taken for a credential, and what is refused in words. */
#include "okta/okta.h"
#include "tests/okta/keys.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "00exampleTokenValueNotReal0123456789abcdEF"
#define CAP   OKTA_CREDENTIAL_BYTES_MAX

static void check(struct view text, struct buf *out)
{
    struct error err = { 0 };

    if (!okta_credential_check(text, out, &err))
        fail_msg("%s", err.text);
}

static void refuse(struct view text, const char *want_reason, const char *want)
{
    AUTO_BUF struct buf out = BUF(CAP);
    struct error err = { 0 };

    assert_false(okta_credential_check(text, &out, &err));
    assert_int_equal(out.len, 0);
    assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
    assert_string_equal(err.reason, want_reason);
    if (strstr(err.text, want) == NULL)
        fail_msg("it says \"%s\", want \"%s\"", err.text, want);
}

static void a_token_is_kept_as_it_is(void **state)
{
    AUTO_BUF struct buf out = BUF(CAP);

    (void)state;
    check(VIEW("  " TOKEN "\n"), &out);
    assert_string_equal(buf_cstr(&out), TOKEN);
    refuse(VIEW("\"" TOKEN "\""), "TOKEN_INVALID", "quotes");
}

/* ---- keys ---- */

static const struct key_row {
    const char *name, *kind;
    enum keys_form form;
    const char *want_alg;
} keys[] = {
    { "RSA as PKCS#8", "RSA-2048", KEYS_PKCS8, "RS256" },
    { "RSA as PKCS#1", "RSA-2048", KEYS_TRADITIONAL, "RS256" },
    { "RSA as JWK", "RSA-2048", KEYS_JWK, "RS256" },
    { "RSA, line ends lost to a shell", "RSA-2048", KEYS_ESCAPED, "RS256" },
    { "RSA of 4096 bits", "RSA-4096", KEYS_PKCS8, "RS256" },
    { "P-256 as PKCS#8", "P-256", KEYS_PKCS8, "ES256" },
    { "P-256 as SEC 1", "P-256", KEYS_TRADITIONAL, "ES256" },
    { "P-256 as JWK", "P-256", KEYS_JWK, "ES256" },
    { "P-256, line ends lost to a shell", "P-256", KEYS_ESCAPED, "ES256" },
    { "P-384 as SEC 1", "P-384", KEYS_TRADITIONAL, "ES384" },
    { "P-384 as JWK", "P-384", KEYS_JWK, "ES384" },
    { "P-521 as PKCS#8", "P-521", KEYS_PKCS8, "ES512" },
    { "P-521 as JWK", "P-521", KEYS_JWK, "ES512" },
};

/* However a key was written, what is kept of it is the same. */
static void a_key_is_taken(void **state)
{
    const struct key_row *row = *state;
    AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP), again = BUF(CAP), other = BUF(CAP);
    char alg[32];

    keys_credential(keys_of(row->kind), row->form, ",\"key_id\":\"kid-1\"", &text);
    check(buf_view(&text), &out);
    snprintf(alg, sizeof alg, "\"alg\":\"%s\"", row->want_alg);
    assert_non_null(strstr(buf_cstr(&out), alg));
    assert_non_null(strstr(buf_cstr(&out), "\"client_id\":\"0oaexampleClient0001\""));
    assert_non_null(strstr(buf_cstr(&out), "\"key_id\":\"kid-1\""));
    assert_null(strchr(buf_cstr(&out), '\n'));

    check(buf_view(&out), &again);
    assert_string_equal(buf_cstr(&again), buf_cstr(&out));

    buf_reset(&text);
    keys_credential(keys_of(row->kind), KEYS_PKCS8, ",\"key_id\":\"kid-1\"", &text);
    check(buf_view(&text), &other);
    assert_string_equal(buf_cstr(&other), buf_cstr(&out));
}

/* ---- refusals of keys ---- */

static const struct bad_key {
    const char *name, *kind;
    enum keys_form form;
    const char *want;
} bad_keys[] = {
    { "RSA too short", "RSA-1024", KEYS_PKCS8, "2048" },
    { "RSA too short as JWK", "RSA-1024", KEYS_JWK, "2048" },
    { "a curve that Okta does not take", "secp256k1", KEYS_PKCS8, "curve" },
    { "Ed25519", "ED25519", KEYS_PKCS8, "kind" },
    { "encrypted", "P-256", KEYS_ENCRYPTED, "encrypted" },
    { "a public key", "P-256", KEYS_PUBLIC, "public" },
    { "a public JWK", "RSA-2048", KEYS_JWK_PUBLIC, "public" },
};

static void a_key_is_refused(void **state)
{
    const struct bad_key *row = *state;
    AUTO_BUF struct buf text = BUF(2 * CAP);

    keys_credential(keys_of(row->kind), row->form, "", &text);
    refuse(buf_view(&text), "CREDENTIAL_INVALID", row->want);
}

/* `from` of a good credential becomes `to`. */
static void replace(struct buf *text, const char *from, const char *to)
{
    AUTO_BUF struct buf out = BUF(2 * CAP);
    const char *whole = buf_cstr(text), *at = strstr(whole, from);

    assert_non_null(at);
    buf_put(&out, whole, (size_t)(at - whole));
    buf_puts(&out, to);
    buf_puts(&out, at + strlen(from));
    buf_reset(text);
    buf_put(text, out.at, out.len);
}

static const struct change {
    const char *name;
    enum keys_form form;
    const char *from, *to, *want; /* NULL want: it is taken */
} changes[] = {
    { "no client", KEYS_JWK, "\"client_id\":\"0oaexampleClient0001\",", "", "no \"client_id\"" },
    { "an empty client", KEYS_JWK, "0oaexampleClient0001", "", "no \"client_id\"" },
    { "a client in quotes", KEYS_JWK, "0oaexampleClient0001", "'0oaexampleClient0001'", "quotes" },
    { "a client of two lines", KEYS_JWK, "0oaexampleClient0001", "0oaexample\\nClient", "one line" },
    { "a client left as a template", KEYS_JWK, "0oaexampleClient0001", "{clientId}", "placeholder" },
    { "a client of crosses", KEYS_JWK, "0oaexampleClient0001", "0oaxxxxxxxxx", "placeholder" },
    { "a client with a blank around it", KEYS_JWK, "0oaexampleClient0001", " 0oaexampleClient0001 ", NULL },
    { "a key left as a template", KEYS_PKCS8, "-----BEGIN", "${KEY}-----BEGIN", "placeholder" },
    { "a key in quotes of its own", KEYS_PKCS8, "-----BEGIN", "'-----BEGIN", "quotes" },
    { "a key without its end", KEYS_PKCS8, "-----END", "-----AND", "cut off" },
    { "a damaged key", KEYS_PKCS8, "\\nM", "\\n!", "damaged" },
    { "a key that is none", KEYS_PKCS8, "-----BEGIN", "=====BEGIN", "neither PEM" },
    { "a certificate", KEYS_PKCS8, "BEGIN PRIVATE KEY", "BEGIN CERTIFICATE", "certificate" },
    { "OpenSSH's form", KEYS_PKCS8, "BEGIN PRIVATE KEY", "BEGIN OPENSSH PRIVATE KEY", "OpenSSH" },
    { "a secret", KEYS_JWK, "\"private_key\"", "\"client_secret\":\"x\",\"private_key\"", "client secret" },
    { "a name misspelt", KEYS_JWK, "\"private_key\"", "\"key-id\":\"x\",\"private_key\"", "nobody knows" },
    { "a name twice", KEYS_JWK, "\"private_key\"", "\"client_id\":\"0oab\",\"private_key\"", "not JSON" },
    { "no key", KEYS_JWK, "\"private_key\":{", "\"key_id\":{", "private_key" },
    { "a number for a key", KEYS_JWK, "\"private_key\":{", "\"private_key\":7,\"key_id\":{", "private_key" },
    { "JSON cut off", KEYS_JWK, "}}", "}", "not JSON" },
    { "a shared secret", KEYS_JWK, "\"kty\":\"EC\"", "\"kty\":\"oct\",\"k\":\"AAAA\"", "shared secret" },
    { "a set of keys", KEYS_JWK, "\"kty\":\"EC\"", "\"keys\":[]", "set of keys" },
    { "an algorithm of another curve", KEYS_JWK, "\"kty\":\"EC\"", "\"kty\":\"EC\",\"alg\":\"ES512\"", "alg" },
    { "an algorithm of another kind", KEYS_JWK, "\"kty\":\"EC\"", "\"kty\":\"EC\",\"alg\":\"RS256\"", "alg" },
    { "its own algorithm", KEYS_JWK, "\"kty\":\"EC\"", "\"kty\":\"EC\",\"alg\":\"ES256\"", NULL },
    { "halves of two keys", KEYS_JWK, "\"d\":\"", "\"d\":\"AAAA", "damaged" },
    { "a number that ends within a byte", KEYS_JWK, "\"d\":\"", "\"d\":\"A==", "base64url" },
    { "a number that is no text", KEYS_JWK, "\"d\":\"", "\"d\":7,\"other\":\"", "base64url" },
    { "an id of the key's own", KEYS_JWK, "\"kty\":\"EC\"", "\"kty\":\"EC\",\"kid\":\"kid-1\"", NULL },
    { "an id left as a template", KEYS_JWK, "\"private_key\"", "\"key_id\":\"<kid>\",\"private_key\"", "placeholder" },
    { "an id of two lines", KEYS_JWK, "\"private_key\"", "\"key_id\":\"a\\nb\",\"private_key\"", "visible" },
    { "no id", KEYS_JWK, "\"private_key\"", "\"key_id\":null,\"private_key\"", NULL },
};

static void a_changed_credential(void **state)
{
    const struct change *row = *state;
    AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP);

    keys_credential(keys_of("P-256"), row->form, "", &text);
    replace(&text, row->from, row->to);
    if (row->want == NULL)
        check(buf_view(&text), &out);
    else
        refuse(buf_view(&text), "CREDENTIAL_INVALID", row->want);
}

/* "alg" decides where an RSA key leaves the choice. */
static const struct rsa_row {
    const char *name, *alg;
    bool is_taken;
} rsa_algs[] = {
    { "RS256", "RS256", true },  { "RS384", "RS384", true },  { "RS512", "RS512", true },
    { "PS256", "PS256", false }, { "HS256", "HS256", false }, { "none", "none", false },
};

static void an_rsa_key_with(void **state)
{
    const struct rsa_row *row = *state;
    AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP);
    char alg[32], more[64];

    keys_credential(keys_of("RSA-2048"), KEYS_JWK, "", &text);
    snprintf(alg, sizeof alg, "\"alg\":\"%s\"", row->alg);
    snprintf(more, sizeof more, "\"kty\":\"RSA\",%s", alg);
    replace(&text, "\"kty\":\"RSA\"", more);
    if (!row->is_taken) {
        refuse(buf_view(&text), "CREDENTIAL_INVALID", "alg");
        return;
    }
    check(buf_view(&text), &out);
    assert_non_null(strstr(buf_cstr(&out), alg));
}

static void an_rsa_key_has_all_or_none_of_the_numbers_that_make_it_quicker(void **state)
{
    AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP);

    (void)state;
    keys_credential(keys_of("RSA-2048"), KEYS_JWK, "", &text);
    replace(&text, "\"dq\":", "\"other\":");
    refuse(buf_view(&text), "CREDENTIAL_INVALID", "not all");
    for (size_t i = 0; i < 4; i++)
        replace(&text, (const char *const[]){ "\"p\":", "\"q\":", "\"dp\":", "\"qi\":" }[i],
                (const char *const[]){ "\"a\":", "\"b\":", "\"c\":", "\"f\":" }[i]);
    check(buf_view(&text), &out);
}

/* cjose's decoder aborts on it. */
static void an_rsa_key_with_a_number_that_ends_within_a_byte_is_refused(void **state)
{
    AUTO_BUF struct buf text = BUF(2 * CAP);

    (void)state;
    keys_credential(keys_of("RSA-2048"), KEYS_JWK, "", &text);
    replace(&text, "\"p\":\"", "\"p\":\"A==");
    refuse(buf_view(&text), "CREDENTIAL_INVALID", "base64url");
}

static const struct text_row {
    const char *name, *text, *reason, *want;
} texts[] = {
    { "a template", "{{ credential }}", "CREDENTIAL_INVALID", "placeholder" },
    { "braces alone", "{}", "CREDENTIAL_INVALID", "client_id" },
    { "no JSON", "{\"client_id\": 0oa}", "CREDENTIAL_INVALID", "not JSON" },
    { "a key alone", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "CREDENTIAL_INVALID",
      "client_id" },
    { "nothing", " \n", "TOKEN_INVALID", "empty" },
    { "a token of two lines", "00abc\n00def", "TOKEN_INVALID", "white space" },
};

static void a_text_is_refused(void **state)
{
    const struct text_row *row = *state;

    refuse(view_of(row->text), row->reason, row->want);
}

/* A key as a JWK may stand in a string too, and its id is kept. */
static void a_jwk_in_a_string_is_taken(void **state)
{
    AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP);

    (void)state;
    buf_puts(&text, "{\"client_id\":\"0oaexampleClient0001\",\"private_key\":\"");
    for (const char *at = keys_text(keys_of("P-256"), KEYS_JWK); *at != '\0'; at++)
        buf_printf(&text, "%s%c", *at == '"' ? "\\" : "", *at);
    buf_puts(&text, "\"}");
    replace(&text, "{\\\"kty", "{\\\"kid\\\":\\\"of-the-key\\\",\\\"kty");
    check(buf_view(&text), &out);
    assert_non_null(strstr(buf_cstr(&out), "\"key_id\":\"of-the-key\""));
}

/* Whatever is wrong with a key, no part of it is told to anybody. */
static void no_error_shows_any_of_the_key(void **state)
{
    const char *pem = keys_text(keys_of("P-256"), KEYS_PKCS8);
    const char *secret = strchr(pem, '\n') + 1, *end = strstr(secret, "\n-----");

    (void)state;
    for (size_t cut = 0; cut < strlen(pem); cut += 3) {
        AUTO_BUF struct buf text = BUF(2 * CAP), out = BUF(CAP);
        struct error err = { 0 };

        keys_credential(keys_of("P-256"), KEYS_PKCS8, "", &text);
        text.at[60 + cut % (text.len - 60)] ^= 0x11;
        if (!okta_credential_check(buf_view(&text), &out, &err))
            for (size_t i = 0; i + 8 < (size_t)(end - secret); i += 4) {
                char part[9] = "";

                memcpy(part, secret + i, 8);
                assert_null(strstr(err.text, part));
            }
    }
}

static void a_page_of_text_is_refused(void **state)
{
    AUTO_BUF struct buf text = BUF(4 * CAP);

    (void)state;
    buf_puts(&text, "{\"client_id\":\"");
    for (int i = 0; i < CAP; i++)
        buf_putc(&text, 'a');
    buf_puts(&text, "\"}");
    refuse(buf_view(&text), "CREDENTIAL_INVALID", "longer");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_kept_as_it_is),
        cmocka_unit_test(a_jwk_in_a_string_is_taken),
        cmocka_unit_test(an_rsa_key_with_a_number_that_ends_within_a_byte_is_refused),
        cmocka_unit_test(an_rsa_key_has_all_or_none_of_the_numbers_that_make_it_quicker),
        cmocka_unit_test(no_error_shows_any_of_the_key),
        cmocka_unit_test(a_page_of_text_is_refused),
    };
    int failed = RUN_ROWS(a_key_is_taken, keys) + RUN_ROWS(a_key_is_refused, bad_keys) +
                 RUN_ROWS(a_changed_credential, changes) + RUN_ROWS(an_rsa_key_with, rsa_algs) +
                 RUN_ROWS(a_text_is_refused, texts) + cmocka_run_group_tests(tests, NULL, NULL);

    keys_free();
    return failed;
}
