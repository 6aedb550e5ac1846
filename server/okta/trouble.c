#include "okta/trouble.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>

static const char *certificate_hint(long verify_result)
{
    switch (verify_result) {
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "is this host's clock right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "if a proxy inspects TLS, trust its CA with --ca-file";
    default:
        return "another server answers in the org's place";
    }
}

const char *trouble_hint(int curl_code, long verify_result, long connect_status)
{
    if (connect_status == 407)
        return "the proxy wants credentials, or other ones";
    if (connect_status >= 400)
        return "the proxy does not let us through to this org";
    switch (curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "DNS: check the org's spelling, and this host's resolver";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "DNS: check the proxy's name";
    case CURLE_COULDNT_CONNECT:
        return "a firewall? or is a proxy needed: --proxy";
    case CURLE_PEER_FAILED_VERIFICATION:
        return certificate_hint(verify_result);
    case CURLE_SSL_CACERT_BADFILE:
        return "see --ca-file";
    case CURLE_SSL_CONNECT_ERROR:
        return "what answers there does not speak TLS 1.2 or later";
    default:
        return NULL;
    }
}
