#include "signer.h"

#include "base/assert.h"
#include "base/mem.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#define TEXT_BYTES 16384

struct signer {
    char alg[8];
    EVP_PKEY *key;
    struct buf pem, jwk;
};

static const char *curve_of(const char *alg)
{
    return strcmp(alg, "ES256") == 0 ? "P-256" : strcmp(alg, "ES384") == 0 ? "P-384" : "P-521";
}

static size_t curve_bytes(const char *alg)
{
    return strcmp(alg, "ES256") == 0 ? 32 : strcmp(alg, "ES384") == 0 ? 48 : 66;
}

static void put_number(EVP_PKEY *key, const char *param, size_t bytes, struct buf *out)
{
    unsigned char text[1024];
    BIGNUM *n = NULL;

    ASSERT(EVP_PKEY_get_bn_param(key, param, &n) == 1);
    if (bytes == 0)
        bytes = (size_t)BN_num_bytes(n);
    ASSERT(BN_bn2binpad(n, text, (int)bytes) == (int)bytes);
    base64url_encode((struct view){ (const char *)text, bytes }, out);
    BN_free(n);
}

static void put_jwk(struct signer *s)
{
    if (s->alg[0] == 'R') {
        buf_puts(&s->jwk, "{\"e\":\"");
        put_number(s->key, OSSL_PKEY_PARAM_RSA_E, 0, &s->jwk);
        buf_puts(&s->jwk, "\",\"kty\":\"RSA\",\"n\":\"");
        put_number(s->key, OSSL_PKEY_PARAM_RSA_N, 0, &s->jwk);
    } else {
        buf_printf(&s->jwk, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"", curve_of(s->alg));
        put_number(s->key, OSSL_PKEY_PARAM_EC_PUB_X, curve_bytes(s->alg), &s->jwk);
        buf_puts(&s->jwk, "\",\"y\":\"");
        put_number(s->key, OSSL_PKEY_PARAM_EC_PUB_Y, curve_bytes(s->alg), &s->jwk);
    }
    buf_puts(&s->jwk, "\"}");
}

struct signer *signer_create(const char *alg)
{
    struct signer *s = mem_zero(sizeof *s);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    memcpy(s->alg, alg, 6);
    s->key = alg[0] == 'R' ? EVP_RSA_gen(2048) : EVP_EC_gen(curve_of(alg));
    ASSERT(s->key != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, s->key) == 1);
    buf_init(&s->pem, TEXT_BYTES);
    buf_init(&s->jwk, TEXT_BYTES);
    len = BIO_get_mem_data(bio, &text);
    buf_put(&s->pem, text, (size_t)len);
    BIO_free(bio);
    put_jwk(s);
    return s;
}

void signer_destroy(struct signer *s)
{
    if (s == NULL)
        return;
    EVP_PKEY_free(s->key);
    buf_deinit(&s->pem);
    buf_deinit(&s->jwk);
    free(s);
}

const char *signer_pem(struct signer *s)
{
    return buf_cstr(&s->pem);
}

const char *signer_jwk(struct signer *s)
{
    return buf_cstr(&s->jwk);
}

/* OpenSSL's ASN.1 as the two numbers of fixed length that a JWT has. */
static size_t flatten(const unsigned char *der, size_t len, size_t bytes, unsigned char *out)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

    ASSERT(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)bytes) == (int)bytes &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + bytes, (int)bytes) == (int)bytes);
    ECDSA_SIG_free(sig);
    return 2 * bytes;
}

void signer_sign(struct signer *s, const char *header_members, const char *claims, struct buf *out)
{
    AUTO_BUF struct buf header = BUF(TEXT_BYTES);
    const char *digest = strstr(s->alg, "256") != NULL ? "SHA256" : strstr(s->alg, "384") != NULL ? "SHA384" : "SHA512";
    unsigned char signature[1024], flat[256];
    size_t len = sizeof signature, begin = out->len;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    buf_printf(&header, "{\"alg\":\"%s\"%s%s}", s->alg, *header_members != '\0' ? "," : "", header_members);
    base64url_encode(buf_view(&header), out);
    buf_putc(out, '.');
    base64url_encode(view_of(claims), out);
    ASSERT(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, s->key, NULL) == 1 &&
           EVP_DigestSign(ctx, signature, &len, (const unsigned char *)out->at + begin, out->len - begin) == 1);
    EVP_MD_CTX_free(ctx);
    buf_putc(out, '.');
    if (s->alg[0] == 'E') {
        len = flatten(signature, len, curve_bytes(s->alg), flat);
        base64url_encode((struct view){ (const char *)flat, len }, out);
    } else {
        base64url_encode((struct view){ (const char *)signature, len }, out);
    }
}

void signer_sha256(struct view text, struct buf *out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)text.at, text.len, digest);
    base64url_encode((struct view){ (const char *)digest, sizeof digest }, out);
}
