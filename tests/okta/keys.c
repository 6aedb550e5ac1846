#include "tests/okta/keys.h"

#include "base/assert.h"
#include "base/mem.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX   16
#define FORMS      7
#define TEXT_BYTES 16384

struct keys {
    const char *kind;
    EVP_PKEY *key;
    struct buf text[FORMS];
};

static struct keys all[KEYS_MAX];
static size_t count;

static EVP_PKEY *make(const char *kind)
{
    if (strncmp(kind, "RSA-", 4) == 0)
        return EVP_RSA_gen((unsigned)atoi(kind + 4));
    if (strcmp(kind, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(kind);
}

struct keys *keys_of(const char *kind)
{
    struct keys *k;

    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].kind, kind) == 0)
            return &all[i];
    ASSERT(count < KEYS_MAX);
    k = &all[count++];
    k->kind = kind;
    k->key = make(kind);
    ASSERT(k->key != NULL);
    for (int i = 0; i < FORMS; i++)
        buf_init(&k->text[i], TEXT_BYTES);
    return k;
}

void keys_free(void)
{
    for (size_t i = 0; i < count; i++) {
        EVP_PKEY_free(all[i].key);
        for (int form = 0; form < FORMS; form++)
            buf_deinit(&all[i].text[form]);
    }
    count = 0;
}

/* ---- PEM ---- */

static bool write_pem(BIO *bio, EVP_PKEY *key, enum keys_form form)
{
    switch (form) {
    case KEYS_TRADITIONAL:
        return PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    case KEYS_ENCRYPTED:
        return PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL) == 1;
    case KEYS_PUBLIC:
        return PEM_write_bio_PUBKEY(bio, key) == 1;
    default:
        return PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    }
}

static void put_pem(struct keys *k, enum keys_form form, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    long len;

    ASSERT(bio != NULL && write_pem(bio, k->key, form));
    len = BIO_get_mem_data(bio, &text);
    for (long i = 0; i < len; i++)
        if (form == KEYS_ESCAPED && text[i] == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, text[i]);
    BIO_free(bio);
}

/* ---- JWK ---- */

static void put_number(struct keys *k, const char *name, const char *param, size_t bytes, struct buf *out)
{
    unsigned char text[1024];
    BIGNUM *n = NULL;

    ASSERT(EVP_PKEY_get_bn_param(k->key, param, &n) == 1);
    if (bytes == 0)
        bytes = (size_t)BN_num_bytes(n);
    ASSERT(BN_bn2binpad(n, text, (int)bytes) == (int)bytes);
    buf_printf(out, ",\"%s\":\"", name);
    base64url_encode((struct view){ (const char *)text, bytes }, out);
    buf_putc(out, '"');
    BN_clear_free(n);
}

static void put_rsa(struct keys *k, bool is_private, struct buf *out)
{
    static const struct {
        const char *name, *param;
    } members[] = {
        { "n", OSSL_PKEY_PARAM_RSA_N },          { "e", OSSL_PKEY_PARAM_RSA_E },
        { "d", OSSL_PKEY_PARAM_RSA_D },          { "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
        { "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },    { "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
        { "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 }, { "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
    };

    buf_puts(out, "{\"kty\":\"RSA\"");
    for (size_t i = 0; i < (is_private ? 8u : 2u); i++)
        put_number(k, members[i].name, members[i].param, 0, out);
    buf_putc(out, '}');
}

static void put_ec(struct keys *k, bool is_private, struct buf *out)
{
    size_t bytes = strcmp(k->kind, "P-256") == 0 ? 32 : strcmp(k->kind, "P-384") == 0 ? 48 : 66;

    buf_printf(out, "{\"kty\":\"EC\",\"crv\":\"%s\"", k->kind);
    put_number(k, "x", OSSL_PKEY_PARAM_EC_PUB_X, bytes, out);
    put_number(k, "y", OSSL_PKEY_PARAM_EC_PUB_Y, bytes, out);
    if (is_private)
        put_number(k, "d", OSSL_PKEY_PARAM_PRIV_KEY, bytes, out);
    buf_putc(out, '}');
}

const char *keys_text(struct keys *k, enum keys_form form)
{
    struct buf *out = &k->text[form];

    if (out->len > 0)
        return buf_cstr(out);
    if (form != KEYS_JWK && form != KEYS_JWK_PUBLIC)
        put_pem(k, form, out);
    else if (k->kind[0] == 'R')
        put_rsa(k, form == KEYS_JWK, out);
    else
        put_ec(k, form == KEYS_JWK, out);
    return buf_cstr(out);
}

void keys_credential(struct keys *k, enum keys_form form, const char *members, struct buf *out)
{
    const char *text = keys_text(k, form);

    buf_puts(out, "{\"client_id\":\"0oaexampleClient0001\",\"private_key\":");
    if (form == KEYS_JWK || form == KEYS_JWK_PUBLIC) {
        buf_puts(out, text);
    } else {
        buf_putc(out, '"');
        for (; *text != '\0'; text++)
            if (*text == '\n')
                buf_puts(out, "\\n");
            else if (*text == '\\')
                buf_puts(out, "\\\\");
            else
                buf_putc(out, *text);
        buf_putc(out, '"');
    }
    buf_printf(out, "%s}", members);
}
