/* A proof of possession: signed by the key that it names itself, for this request, now, and once. */
#include "oauth.h"

#include <string.h>

/* "About 5 minutes", of clocks that differ in either direction. */
#define PROOF_AGE_S 300

/* NULL: nothing is wrong with what it says. */
static const char *fault_of(const struct jwt *j, const struct oauth_proof_wanted *wanted)
{
    char hash[JWT_THUMBPRINT_SIZE];
    struct view htu = jwt_text(j->claims, "htu");
    int64_t iat, now_s = wanted->now_ms / 1000;

    if (!view_is(jwt_text(j->header, "typ"), "dpop+jwt"))
        return "The DPoP proof JWT header's 'typ' must be 'dpop+jwt'.";
    if (!view_is(jwt_text(j->claims, "htm"), wanted->method))
        return "The DPoP proof JWT's 'htm' does not match the HTTP method of the request.";
    if (!view_is(htu, wanted->url))
        return "The DPoP proof JWT's 'htu' does not match the URL of the request.";
    if (!jwt_seconds(j->claims, "iat", &iat))
        return "The DPoP proof JWT lacks 'iat'.";
    if (iat > now_s + PROOF_AGE_S)
        return "The DPoP proof JWT was issued in the future.";
    if (iat < now_s - PROOF_AGE_S)
        return "The DPoP proof JWT is too old.";
    if (jwt_text(j->claims, "jti").len == 0)
        return "The DPoP proof JWT lacks 'jti'.";
    if (wanted->access_token.len == 0)
        return NULL;
    jwt_sha256(wanted->access_token, hash);
    return view_is(jwt_text(j->claims, "ath"), hash) ? NULL : "The DPoP proof JWT's 'ath' does not match the token.";
}

static enum oauth_proof check(struct oauth *o, const struct jwt *j, const struct oauth_proof_wanted *wanted,
                              const char **why)
{
    struct view nonce = jwt_text(j->claims, "nonce");

    *why = fault_of(j, wanted);
    if (*why != NULL)
        return PROOF_BAD;
    if (!once_take(&o->once, "proof", jwt_text(j->claims, "jti"), wanted->now_ms,
                   wanted->now_ms + 2 * PROOF_AGE_S * 1000)) {
        *why = "The DPoP proof JWT has already been used.";
        return PROOF_BAD;
    }
    if ((!wanted->needs_nonce && nonce.len == 0) || oauth_nonce_is_good(o, wanted->now_ms, nonce))
        return PROOF_GOOD;
    *why = "Authorization server requires nonce in DPoP proof.";
    return PROOF_NEEDS_NONCE;
}

enum oauth_proof oauth_check_proof(struct oauth *o, struct view proof, const struct oauth_proof_wanted *wanted,
                                   char thumbprint[JWT_THUMBPRINT_SIZE], const char **why)
{
    enum oauth_proof result = PROOF_BAD;
    struct jwt_key *key = NULL;
    struct jwt j;

    *why = "The DPoP proof JWT cannot be read.";
    if (jwt_read(&j, proof)) {
        *why = "The DPoP proof JWT header's 'jwk' is no public key.";
        if (jwt_key_from_jwk(json_get(j.header, "jwk"), &key, thumbprint)) {
            *why = "The DPoP proof JWT's signature is invalid.";
            if (jwt_is_signed_by(&j, key))
                result = check(o, &j, wanted, why);
        }
    }
    jwt_key_destroy(key);
    jwt_deinit(&j);
    return result;
}
