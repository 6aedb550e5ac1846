#include "client/cmd/token.h"

#include "tests/rows.h"

#include <string.h>

static const struct row {
    const char *name, *in;
    const char *want; /* NULL: refused */
    const char *says;
} rows[] = {
    { "a usual token", "00abcdefghijklmnopqrstuvwxyz0123456789AB_-", "00abcdefghijklmnopqrstuvwxyz0123456789AB_-",
      NULL },
    { "the file's last newline goes", "00abc\n", "00abc", NULL },
    { "white space around it goes", "  00abc \r\n", "00abc", NULL },
    { "the scheme before it goes", "SSWS 00abc", "00abc", NULL },
    { "nothing", "", NULL, "empty" },
    { "white space only", " \n\t", NULL, "empty" },
    { "the scheme only", "SSWS \n", NULL, "empty" },
    { "two lines", "00abc\n00def", NULL, "more than one line" },
    { "a word in its place", "YOUR_API_TOKEN", NULL, "placeholder" },
    { "an angle bracket", "<your token>", NULL, "placeholder" },
    { "a variable nobody filled in", "${OKTA_TOKEN}", NULL, "placeholder" },
    { "crosses", "xxxxxxxx", NULL, "placeholder" },
    { "one letter again and again", "00000000000000000000", NULL, "placeholder" },
    { "changeme", "ChangeMe", NULL, "placeholder" },
    { "an OAuth token", "Bearer abc", NULL, "OAuth" },
    { "a JWT", "eyJhbGciOiJSUzI1NiJ9.e30.x", NULL, "OAuth" },
    { "a key", "-----BEGIN PRIVATE KEY-----", NULL, "key" },
    { "a JWK", "{\"kty\":\"RSA\"}", NULL, "key" },
    { "a blank inside", "00abc def", NULL, "blanks" },
    { "a letter that no token has", "00abcd\xc3\xa9", NULL, "other characters" },
};

static void check(void **state)
{
    const struct row *row = *state;
    struct buf token = BUF(TOKEN_BYTES_MAX);
    struct error err = { .text = "" };

    buf_puts(&token, row->in);
    assert_int_equal(token_check(&token, &err), row->want != NULL);
    if (row->want != NULL) {
        assert_string_equal(buf_cstr(&token), row->want);
    } else {
        assert_int_equal(err.code, ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, row->says));
        if (strlen(row->in) > 6)
            assert_null(strstr(err.text, row->in));
    }
    token_wipe(&token);
}

static const struct key_row {
    const char *name, *in;
    const char *want; /* NULL: refused */
    const char *says;
} key_rows[] = {
    { "PEM", " -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n\n",
      "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", NULL },
    { "PEM with something before it", "Bag Attributes\n-----BEGIN RSA PRIVATE KEY-----\nMIIE",
      "Bag Attributes\n-----BEGIN RSA PRIVATE KEY-----\nMIIE", NULL },
    { "PEM on one line", "-----BEGIN PRIVATE KEY-----\\nMIIE", "-----BEGIN PRIVATE KEY-----\\nMIIE", NULL },
    { "a JWK", "{\"kty\":\"RSA\"}\n", "{\"kty\":\"RSA\"}", NULL },
    { "no key", " \n", NULL, "empty" },
    { "a template nobody filled in", "{{ .Values.key }}", NULL, "placeholder" },
    { "an angle bracket for a key", "<private key>", NULL, "placeholder" },
    { "a token for a key", "00abcdefghijklmnopqrstuvwxyz0123456789AB_-", NULL, "no private key" },
    { "a certificate", "-----BEGIN CERTIFICATE-----\nMIIE", NULL, "public half" },
    { "a public key", "-----BEGIN PUBLIC KEY-----\nMIIE", NULL, "public half" },
};

static void check_key(void **state)
{
    const struct key_row *row = *state;
    struct buf key = BUF(KEY_BYTES_MAX);
    struct error err = { .text = "" };

    buf_puts(&key, row->in);
    assert_int_equal(key_check(&key, &err), row->want != NULL);
    if (row->want != NULL)
        assert_string_equal(buf_cstr(&key), row->want);
    else
        assert_non_null(strstr(err.text, row->says));
    token_wipe(&key);
}

static const struct usual_row {
    const char *name, *token;
    bool want;
} usual_rows[] = {
    { "42 letters that begin with 00", "00abcdefghijklmnopqrstuvwxyz0123456789AB_-", true },
    { "another beginning", "01abcdefghijklmnopqrstuvwxyz0123456789AB_-", false },
    { "too short", "00abc", false },
    { "another letter", "00abcdefghijklmnopqrstuvwxyz0123456789AB_.", false },
};

static void is_usual(void **state)
{
    const struct usual_row *row = *state;

    assert_int_equal(token_is_usual(view_of(row->token)), row->want);
}

int main(void)
{
    return RUN_ROWS(check, rows) + RUN_ROWS(check_key, key_rows) + RUN_ROWS(is_usual, usual_rows);
}
