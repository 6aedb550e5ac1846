#include "jwt.h"

#include "base/mem.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define NESTING_MAX     16
#define KEY_BYTES_MAX   16384
#define RSA_BITS_MIN    2048
#define NUMBER_BYTES    1024 /* of an RSA modulus: 8192 bits */
#define COORDINATE_MAX  66   /* of P-521 */
#define DER_SIGNATURE   160  /* two of those, and their frame */
#define THUMBPRINT_TEXT 4096

struct curve {
    const char *crv, *group;
    size_t bytes;
};
static const struct curve curves[] = {
    { "P-256", "prime256v1", 32 },
    { "P-384", "secp384r1", 48 },
    { "P-521", "secp521r1", 66 },
};

static const struct alg {
    const char *name, *digest, *crv; /* crv NULL: RSA with PKCS #1 v1.5 */
} algs[] = {
    { "RS256", "SHA256", NULL },    { "RS384", "SHA384", NULL },    { "RS512", "SHA512", NULL },
    { "ES256", "SHA256", "P-256" }, { "ES384", "SHA384", "P-384" }, { "ES512", "SHA512", "P-521" },
};

/* ---- small things ---- */

struct view jwt_text(struct json object, const char *name)
{
    struct view text = VIEW_NONE;

    return json_string(json_get(object, name), &text) ? text : VIEW_NONE;
}

bool jwt_seconds(struct json object, const char *name, int64_t *out)
{
    return json_i64(json_get(object, name), out);
}

static void put_digest(const unsigned char digest[SHA256_DIGEST_LENGTH], char out[JWT_THUMBPRINT_SIZE])
{
    AUTO_BUF struct buf text = BUF(JWT_THUMBPRINT_SIZE);

    base64url_encode((struct view){ (const char *)digest, SHA256_DIGEST_LENGTH }, &text);
    memcpy(out, text.at, JWT_THUMBPRINT_SIZE - 1);
    out[JWT_THUMBPRINT_SIZE - 1] = '\0';
}

void jwt_sha256(struct view text, char out[JWT_THUMBPRINT_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text.at, text.len, digest);
    put_digest(digest, out);
}

void jwt_hmac(struct view key, struct view text, char out[JWT_THUMBPRINT_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    unsigned len = sizeof digest;

    HMAC(EVP_sha256(), key.at, (int)key.len, (const unsigned char *)text.at, text.len, digest, &len);
    put_digest(digest, out);
}

/* ---- keys ---- */

void jwt_key_destroy(struct jwt_key *key)
{
    EVP_PKEY_free((EVP_PKEY *)key);
}

static const struct curve *curve_of(const EVP_PKEY *key)
{
    char group[64];
    size_t len;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(group, curves[i].group) == 0)
            return &curves[i];
    return NULL;
}

static bool is_fit(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_is_a(key, "EC") && curve_of(key) != NULL;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *make_rsa(struct json jwk)
{
    AUTO_BUF struct buf n = BUF(NUMBER_BYTES), e = BUF(NUMBER_BYTES);
    OSSL_PARAM_BLD *builder;
    BIGNUM *modulus, *exponent;
    EVP_PKEY *key = NULL;

    if (!base64url_decode(jwt_text(jwk, "n"), &n) || !base64url_decode(jwt_text(jwk, "e"), &e) || n.len == 0 ||
        e.len == 0)
        return NULL;
    builder = OSSL_PARAM_BLD_new();
    modulus = BN_bin2bn((const unsigned char *)n.at, (int)n.len, NULL);
    exponent = BN_bin2bn((const unsigned char *)e.at, (int)e.len, NULL);
    if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = make_key("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static EVP_PKEY *make_ec(struct json jwk)
{
    AUTO_BUF struct buf point = BUF(1 + 2 * COORDINATE_MAX);
    const struct curve *curve = NULL;
    OSSL_PARAM_BLD *builder;
    EVP_PKEY *key = NULL;

    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (view_is(jwt_text(jwk, "crv"), curves[i].crv))
            curve = &curves[i];
    buf_putc(&point, 4); /* uncompressed */
    if (curve == NULL || !base64url_decode(jwt_text(jwk, "x"), &point) || point.len != 1 + curve->bytes ||
        !base64url_decode(jwt_text(jwk, "y"), &point) || point.len != 1 + 2 * curve->bytes)
        return NULL;
    builder = OSSL_PARAM_BLD_new();
    if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.at, point.len) == 1)
        key = make_key("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* RFC 7638: the required members, in this order and without blanks. None of them needs escaping once it was decoded. */
static void put_thumbprint(struct json jwk, bool is_ec, char out[JWT_THUMBPRINT_SIZE])
{
    AUTO_BUF struct buf text = BUF(THUMBPRINT_TEXT);
    static const char *const ec[] = { "crv", "kty", "x", "y", NULL }, *const rsa[] = { "e", "kty", "n", NULL };

    for (const char *const *name = is_ec ? ec : rsa; *name != NULL; name++) {
        struct view value = jwt_text(jwk, *name);

        buf_printf(&text, "%s\"%s\":\"", text.len == 0 ? "{" : ",", *name);
        buf_put(&text, value.at, value.len);
        buf_putc(&text, '"');
    }
    buf_putc(&text, '}');
    jwt_sha256(buf_view(&text), out);
}

bool jwt_key_from_jwk(struct json jwk, struct jwt_key **out, char thumbprint[JWT_THUMBPRINT_SIZE])
{
    bool is_ec = view_is(jwt_text(jwk, "kty"), "EC");
    EVP_PKEY *key;

    if (json_type(json_get(jwk, "d")) != JSON_NONE || (!is_ec && !view_is(jwt_text(jwk, "kty"), "RSA")))
        return false;
    key = is_ec ? make_ec(jwk) : make_rsa(jwk);
    if (key == NULL || !is_fit(key)) {
        EVP_PKEY_free(key);
        return false;
    }
    put_thumbprint(jwk, is_ec, thumbprint);
    *out = (struct jwt_key *)key;
    return true;
}

static bool read_jwk(struct view text, struct jwt_key **out)
{
    struct json_parser *parser = json_parser_create(KEY_BYTES_MAX, NESTING_MAX);
    char thumbprint[JWT_THUMBPRINT_SIZE];
    struct json jwk;
    struct error err;
    bool is_read = json_parse(parser, text, &jwk, &err) && jwt_key_from_jwk(jwk, out, thumbprint);

    json_parser_destroy(parser);
    return is_read;
}

bool jwt_key_read(struct view text, struct jwt_key **out, struct error *err)
{
    EVP_PKEY *key;
    BIO *bio;

    text = view_trim(text);
    if (text.len == 0 || text.len > KEY_BYTES_MAX)
        return error_set(err, ERROR_INVALID_ARGUMENT, "a key has 1 to %d bytes", KEY_BYTES_MAX);
    if (view_starts(text, "{"))
        return read_jwk(text, out) || error_set(err, ERROR_INVALID_ARGUMENT, "not a public key as a JWK");
    bio = BIO_new_mem_buf(text.at, (int)text.len);
    key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (key == NULL || !is_fit(key)) {
        EVP_PKEY_free(key);
        return error_set(err, ERROR_INVALID_ARGUMENT, "not a public key in PEM: RSA of 2048 bits or more, or EC");
    }
    *out = (struct jwt_key *)key;
    return true;
}

/* ---- tokens ---- */

static bool read_part(struct json_parser *parser, struct view encoded, struct buf *text, struct json *out)
{
    size_t begin = text->len;
    struct error err;

    return base64url_decode(encoded, text) && buf_ok(text) &&
           json_parse(parser, (struct view){ text->at + begin, text->len - begin }, out, &err) &&
           json_type(*out) == JSON_OBJECT;
}

bool jwt_read(struct jwt *j, struct view text)
{
    const char *first, *second;
    struct view claims;

    *j = (struct jwt){ .signature = BUF(JWT_BYTES_MAX), .text = BUF(JWT_BYTES_MAX) };
    j->header_parser = json_parser_create(JWT_BYTES_MAX, NESTING_MAX);
    j->claims_parser = json_parser_create(JWT_BYTES_MAX, NESTING_MAX);
    if (text.len == 0 || text.len > JWT_BYTES_MAX || (first = memchr(text.at, '.', text.len)) == NULL)
        return false;
    claims = (struct view){ first + 1, text.len - (size_t)(first + 1 - text.at) };
    second = claims.len > 0 ? memchr(claims.at, '.', claims.len) : NULL;
    if (second == NULL)
        return false;
    claims.len = (size_t)(second - claims.at);
    j->signed_text = (struct view){ text.at, (size_t)(second - text.at) };
    return read_part(j->header_parser, (struct view){ text.at, (size_t)(first - text.at) }, &j->text, &j->header) &&
           read_part(j->claims_parser, claims, &j->text, &j->claims) &&
           base64url_decode((struct view){ second + 1, text.len - (size_t)(second + 1 - text.at) }, &j->signature);
}

void jwt_deinit(struct jwt *j)
{
    json_parser_destroy(j->header_parser);
    json_parser_destroy(j->claims_parser);
    buf_deinit(&j->signature);
    buf_deinit(&j->text);
}

/* A JWT's EC signature is two numbers of fixed length; OpenSSL wants them in ASN.1. 0: it is none. */
static size_t ec_signature(const struct buf *raw, size_t bytes, unsigned char out[DER_SIGNATURE])
{
    ECDSA_SIG *sig;
    BIGNUM *r, *s;
    int len;

    if (raw->len != 2 * bytes)
        return 0;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn((const unsigned char *)raw->at, (int)bytes, NULL);
    s = BN_bin2bn((const unsigned char *)raw->at + bytes, (int)bytes, NULL);
    ECDSA_SIG_set0(sig, r, s);
    len = i2d_ECDSA_SIG(sig, &out);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

static bool verify(const struct alg *alg, EVP_PKEY *key, struct view text, const void *signature, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, alg->digest, NULL, NULL, key, NULL) == 1 &&
                   EVP_DigestVerify(ctx, signature, len, (const unsigned char *)text.at, text.len) == 1;

    EVP_MD_CTX_free(ctx);
    return is_good;
}

bool jwt_is_signed_by(const struct jwt *j, const struct jwt_key *jwt_key)
{
    EVP_PKEY *key = (EVP_PKEY *)(uintptr_t)jwt_key;
    unsigned char der[DER_SIGNATURE];
    const struct alg *alg = NULL;
    const struct curve *curve;
    size_t len;

    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (view_is(jwt_text(j->header, "alg"), algs[i].name))
            alg = &algs[i];
    if (alg == NULL || EVP_PKEY_is_a(key, "EC") != (alg->crv != NULL))
        return false;
    if (alg->crv == NULL)
        return verify(alg, key, j->signed_text, j->signature.at, j->signature.len);
    curve = curve_of(key);
    if (curve == NULL || strcmp(curve->crv, alg->crv) != 0)
        return false;
    len = ec_signature(&j->signature, curve->bytes, der);
    return len > 0 && verify(alg, key, j->signed_text, der, len);
}
