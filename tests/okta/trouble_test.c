#include "okta/trouble.h"
#include "tests/rows.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>
#include <string.h>

static const struct row {
    const char *name;
    int code;
    long verify_result, connect_status;
    const char *says; /* NULL: nothing */
} rows[] = {
    { "a name that nobody knows", CURLE_COULDNT_RESOLVE_HOST, 0, 0, "resolver" },
    { "a proxy that nobody knows", CURLE_COULDNT_RESOLVE_PROXY, 0, 0, "proxy's name" },
    { "nobody listens", CURLE_COULDNT_CONNECT, 0, 0, "--proxy" },
    { "an unknown CA", CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0, "--ca-file" },
    { "a proxy's own CA", CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 0, "--ca-file" },
    { "a certificate of tomorrow", CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_NOT_YET_VALID, 0, "clock" },
    { "a certificate of yesterday", CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_HAS_EXPIRED, 0, "clock" },
    { "another host's certificate", CURLE_PEER_FAILED_VERIFICATION, X509_V_OK, 0, "another server" },
    { "a CA file that is none", CURLE_SSL_CACERT_BADFILE, 0, 0, "--ca-file" },
    { "no TLS at all", CURLE_SSL_CONNECT_ERROR, 0, 0, "TLS 1.2" },
    { "a proxy that asks who we are", CURLE_RECV_ERROR, 0, 407, "credentials" },
    { "a proxy that forbids it", CURLE_RECV_ERROR, 0, 403, "let us through" },
    { "a proxy that let us through, and then silence", CURLE_OPERATION_TIMEDOUT, 0, 200, NULL },
    { "silence", CURLE_OPERATION_TIMEDOUT, 0, 0, NULL },
    { "a connection that broke", CURLE_RECV_ERROR, 0, 0, NULL },
};

static void check(void **state)
{
    const struct row *row = *state;
    const char *hint = trouble_hint(row->code, row->verify_result, row->connect_status);

    assert_int_equal(hint != NULL, row->says != NULL);
    if (row->says != NULL)
        assert_non_null(strstr(hint, row->says));
}

int main(void)
{
    return RUN_ROWS(check, rows);
}
