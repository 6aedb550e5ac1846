#include "okta/key_parts.h"

#include "base/assert.h"
#include "base/mem.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

bool key_refuse(struct error *err, const char *text)
{
    ERR_clear_error();
    return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "the private key %s", text);
}

/* ---- memory ---- */

static void wiping_free(void *at)
{
    if (at != NULL)
        explicit_bzero(at, malloc_usable_size(at));
    free(at);
}

static void *wiping_realloc(void *at, size_t bytes)
{
    size_t was = at != NULL ? malloc_usable_size(at) : 0;
    void *more = malloc(bytes);

    if (more == NULL)
        return NULL;
    if (was > 0)
        memcpy(more, at, was < bytes ? was : bytes);
    wiping_free(at);
    return more;
}

/* cjose hands these on to jansson. */
static void set_functions(void)
{
    cjose_set_alloc_funcs(malloc, wiping_realloc, wiping_free);
}

void key_guard_memory(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    ASSERT(pthread_once(&once, set_functions) == 0);
}

/* ---- what it may be ---- */

static const char *ec_alg(cjose_jwk_ec_curve curve)
{
    switch (curve) {
    case CJOSE_JWK_EC_P_256:
        return "ES256";
    case CJOSE_JWK_EC_P_384:
        return "ES384";
    case CJOSE_JWK_EC_P_521:
        return "ES512";
    default:
        return NULL;
    }
}

static const char *rsa_alg(const char *wanted)
{
    static const char *const algs[] = { "RS256", "RS384", "RS512" };

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (wanted == NULL || strcmp(wanted, algs[i]) == 0)
            return algs[i];
    return NULL;
}

static bool choose_alg(struct key *k, const char *wanted, struct error *err)
{
    cjose_err why;
    size_t bits = cjose_jwk_get_keysize(k->jwk, &why);

    switch (cjose_jwk_get_kty(k->jwk, &why)) {
    case CJOSE_JWK_KTY_RSA:
        if (bits < KEY_RSA_BITS_MIN || bits > KEY_RSA_BITS_MAX)
            return key_refuse(err, "is an RSA key of a size that cannot be used: 2048 to 8192 bits are");
        k->alg = rsa_alg(wanted);
        break;
    case CJOSE_JWK_KTY_EC:
        k->alg = ec_alg(cjose_jwk_EC_get_curve(k->jwk, &why));
        if (wanted != NULL && k->alg != NULL && strcmp(wanted, k->alg) != 0)
            k->alg = NULL;
        break;
    default:
        return key_refuse(err, "is a shared secret; Okta wants RSA or an elliptic curve");
    }
    return k->alg != NULL || key_refuse(err, "and its \"alg\" do not go together, or Okta does not take them: RS256, "
                                             "RS384, RS512, ES256 (P-256), ES384 (P-384) and ES512 (P-521) are taken");
}

static char *sign(const struct key *k, cjose_header_t *header, struct view payload)
{
    cjose_err why;
    cjose_jws_t *jws = cjose_jws_sign(k->jwk, header, (const uint8_t *)payload.at, payload.len, &why);
    const char *text = NULL;
    char *copy = NULL;

    if (jws != NULL && cjose_jws_export(jws, &text, &why))
        copy = mem_strdup(text);
    cjose_jws_release(jws);
    ERR_clear_error();
    return copy;
}

static cjose_header_t *header_of(const struct key *k, const char *type)
{
    cjose_err why;
    cjose_header_t *header = cjose_header_new(&why);

    ASSERT(header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, k->alg, &why));
    ASSERT(cjose_header_set(header, "typ", type, &why));
    return header;
}

/* Whether its private half belongs to its public one: Okta would only say that the signature is wrong. */
static bool is_whole(const struct key *k)
{
    cjose_err why;
    cjose_header_t *header = header_of(k, "JWT");
    char *token = sign(k, header, VIEW("{}"));
    cjose_jws_t *jws = token != NULL ? cjose_jws_import(token, strlen(token), &why) : NULL;
    bool ok = jws != NULL && cjose_jws_verify(jws, k->jwk, &why);

    cjose_jws_release(jws);
    cjose_header_release(header);
    free(token);
    return ok;
}

bool key_take(cjose_jwk_t *jwk, const char *alg, struct key **out, struct error *err)
{
    struct key *k = mem_zero(sizeof *k);
    bool ok;

    k->jwk = jwk;
    ok = (jwk != NULL || key_refuse(err, "is damaged: its members do not make a key")) && choose_alg(k, alg, err) &&
         (is_whole(k) || key_refuse(err, "is damaged: its private and public halves do not belong together"));
    ERR_clear_error();
    if (ok)
        *out = k;
    else
        key_destroy(k);
    return ok;
}

/* ---- JWK ---- */

/* Stricter than cjose's decoder, which aborts the process on "A==". */
static bool is_base64url(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    return len > 0 && len % 4 != 1 && text[len + strspn(text + len, "=")] == '\0';
}

/* The numbers of a JWK (RFC 7518, 6.2 and 6.3), before cjose sees them: each is base64url, and of the five that make
 * RSA quicker there are all or none, since cjose loses the memory of a part of them. */
static bool check_numbers(const json_t *jwk, struct error *err)
{
    static const char *const names[] = { "p", "q", "dp", "dq", "qi", "n", "e", "d", "x", "y", "k" };
    size_t quick = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *value = json_object_get(jwk, names[i]);

        if (value == NULL)
            continue;
        quick += i < 5;
        if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
            !is_base64url(json_string_value(value)))
            return key_refuse(err, "is damaged: a number of its JWK is not base64url");
    }
    return quick == 0 || quick == 5 ||
           key_refuse(err, "is damaged: of \"p\", \"q\", \"dp\", \"dq\" and \"qi\" its JWK has some and not all");
}

bool key_from_jwk(const cjose_header_t *jwk, struct key **out, struct error *err)
{
    cjose_header_t *json = (cjose_header_t *)(uintptr_t)jwk; /* read only, though they do not say so */
    const char *alg = json_string_value(json_object_get(json, "alg"));
    const char *id = json_string_value(json_object_get(json, "kid"));
    struct key *k;
    cjose_err why;

    key_guard_memory();
    if (!json_is_object(json))
        return key_refuse(err, "is neither PEM nor a JWK");
    if (json_object_get(json, "keys") != NULL)
        return key_refuse(err, "is a set of keys: give one of them");
    if (json_object_get(json, "d") == NULL && json_object_get(json, "k") == NULL)
        return key_refuse(err, "is a public key (a JWK without \"d\"): give the private one");
    if (!check_numbers(json, err))
        return false;
    if (!key_take(cjose_jwk_import_json(json, &why), alg, &k, err))
        return false;
    if (id != NULL && !key_set_id(k, view_of(id), err)) {
        key_destroy(k);
        return false;
    }
    *out = k;
    return true;
}

bool key_set_id(struct key *k, struct view id, struct error *err)
{
    bool ok = id.len > 0 && id.len <= KEY_ID_MAX;

    for (size_t i = 0; i < id.len && ok; i++)
        ok = id.at[i] > ' ' && id.at[i] < 0x7f;
    if (!ok)
        return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID",
                            "the key's id must be 1 to %d visible ASCII characters; it is the one that Okta shows "
                            "beside the app's public key",
                            KEY_ID_MAX);
    memcpy(k->id, id.at, id.len);
    k->id[id.len] = '\0';
    return true;
}

struct key *key_make(void)
{
    struct key *k = mem_zero(sizeof *k);
    cjose_err why;

    key_guard_memory();
    k->jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &why);
    ASSERT(k->jwk != NULL);
    k->alg = "ES256";
    return k;
}

void key_destroy(struct key *k)
{
    if (k == NULL)
        return;
    if (k->jwk != NULL)
        (void)cjose_jwk_release(k->jwk);
    free(k);
}

cjose_header_t *key_to_jwk(const struct key *k)
{
    cjose_err why;
    char *text = cjose_jwk_to_json(k->jwk, true, &why);
    json_t *json = text != NULL ? json_loads(text, 0, NULL) : NULL;

    ASSERT(json != NULL && json_object_set_new(json, "alg", json_string(k->alg)) == 0);
    (void)json_object_del(json, "kid");
    wiping_free(text);
    return json;
}

/* ---- signing ---- */

static void show_key(const struct key *k, cjose_header_t *header)
{
    cjose_err why;
    char *text = cjose_jwk_to_json(k->jwk, false, &why);

    ASSERT(text != NULL && cjose_header_set_raw(header, "jwk", text, &why));
    wiping_free(text);
}

char *key_sign(const struct key *k, const char *type, bool shows_key, struct view payload)
{
    cjose_err why;
    cjose_header_t *header = header_of(k, type);
    char *token;

    if (shows_key)
        show_key(k, header);
    else if (k->id[0] != '\0')
        ASSERT(cjose_header_set(header, CJOSE_HDR_KID, k->id, &why));
    token = sign(k, header, payload);
    ASSERT(token != NULL); /* it has signed before, when it was read */
    cjose_header_release(header);
    return token;
}
