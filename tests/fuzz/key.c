/* A private key in PEM. What is read signs, and is the same key again as a JWK. */
#include "tests/fuzz/fuzz.h"

#include "okta/key.h"

#include <jansson.h>
#include <string.h>

static void check_key(const struct key *k)
{
    char *token = key_sign(k, "JWT", true, VIEW("{}"));
    cjose_header_t *jwk = key_to_jwk(k), *back;
    struct key *again;
    struct error err;

    ASSERT(token != NULL);
    ASSERT(key_from_jwk(jwk, &again, &err));
    ASSERT(strcmp(again->alg, k->alg) == 0);
    back = key_to_jwk(again);
    ASSERT(json_equal(jwk, back));
    json_decref(jwk);
    json_decref(back);
    key_destroy(again);
    free(token);
}

static void pem(struct view text)
{
    struct error err = { 0 };
    struct key *k;

    if (key_from_pem(text, &k, &err)) {
        check_key(k);
        key_destroy(k);
    } else {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
    }
}

static void jwk(struct view text)
{
    json_t *json = json_loadb(text.at != NULL ? text.at : "", text.len, 0, NULL);
    struct error err = { 0 };
    struct key *k;

    if (json != NULL && key_from_jwk(json, &k, &err)) {
        check_key(k);
        key_destroy(k);
    } else if (json != NULL) {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pem(fuzz_view(data, size));
    jwk(fuzz_view(data, size));
    return 0;
}
