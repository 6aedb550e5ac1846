/* A credential: an API token, or a service app with its private key in PEM or as a JWK. */
#include "tests/fuzz/fuzz.h"

#include "okta/okta.h"

/* What is kept of a credential is a credential, and the same one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf once = BUF(OKTA_CREDENTIAL_BYTES_MAX), twice = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct error err = { 0 };

    if (!okta_credential_check(fuzz_view(data, size), &once, &err)) {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && err.reason != NULL && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return 0;
    }
    ASSERT(buf_ok(&once) && once.len > 0 && utf8_is_clean(buf_view(&once)));
    ASSERT(okta_credential_check(buf_view(&once), &twice, &err));
    ASSERT(view_eq(buf_view(&once), buf_view(&twice)));
    return 0;
}
