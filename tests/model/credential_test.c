#include "rows.h"

#include "model/credential.h"

#include <string.h>

#define PEM "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"

/* ---- a service app's document ---- */

static const struct app_row {
    const char *name, *client_id, *private_key, *key_id, *want;
} apps[] = {
    { "a PEM key", "0oa1", "-----BEGIN\nMIIE\n", "kid1",
      "{\"client_id\":\"0oa1\",\"private_key\":\"-----BEGIN\\nMIIE\\n\",\"key_id\":\"kid1\"}" },
    { "a JWK is a string too", "0oa1", "{\"kty\":\"RSA\"}", "",
      "{\"client_id\":\"0oa1\",\"private_key\":\"{\\\"kty\\\":\\\"RSA\\\"}\"}" },
    { "nothing escapes from its string", "a\",\"private_key\":\"x", "k", "",
      "{\"client_id\":\"a\\\",\\\"private_key\\\":\\\"x\",\"private_key\":\"k\"}" },
};

static void is_written(void **state)
{
    const struct app_row *row = *state;
    AUTO_BUF struct buf out = BUF(512);

    assert_true(credential_of_app(view_of(row->client_id), view_of(row->private_key), view_of(row->key_id), &out));
    assert_string_equal(buf_cstr(&out), row->want);
}

static void what_does_not_fit_is_refused(void **state)
{
    AUTO_BUF struct buf out = BUF(40);

    (void)state;
    assert_false(credential_of_app(VIEW("0oa1"), VIEW(PEM), VIEW("kid"), &out));
}

/* ---- what may be shown ---- */

static const struct fact_row {
    const char *name, *text;
    enum credential_kind kind;
    const char *client_id, *fingerprint; /* of `printf %s TEXT | sha256sum` */
} facts[] = {
    { "none", "", CREDENTIAL_NONE, "", "" },
    { "a token", "abc", CREDENTIAL_API_TOKEN, "", "ba7816bf" },
    { "an app", "{\"client_id\":\"0oa1\",\"private_key\":\"k\"}", CREDENTIAL_SERVICE_APP, "0oa1", "783c896a" },
    { "an app that cannot be read", "{\"client_id\"", CREDENTIAL_SERVICE_APP, "", "95250043" },
};

static void is_described(void **state)
{
    const struct fact_row *row = *state;
    struct credential_facts got;

    memset(&got, 0xff, sizeof got);
    credential_describe(view_of(row->text), &got);
    assert_int_equal(got.kind, row->kind);
    assert_string_equal(got.client_id, row->client_id);
    assert_string_equal(got.fingerprint, row->fingerprint);
    assert_true(got.set_unix_ms == 0);
    assert_false(got.is_from_file);
}

static void wiping_empties(void **state)
{
    struct buf secret = BUF(64);

    (void)state;
    credential_wipe(&secret); /* nothing in it yet */
    buf_puts(&secret, "00secret");
    credential_wipe(&secret);
    assert_null(secret.at);
    assert_int_equal(secret.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(wiping_empties),
    };

    return RUN_ROWS(is_written, apps) + RUN_ROWS(is_described, facts) + cmocka_run_group_tests(tests, NULL, NULL);
}
