/* A private key in PEM, by OpenSSL's decoders. */
#include "okta/key_parts.h"

#include "base/assert.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define RSA_BYTES (KEY_RSA_BITS_MAX / 8)
#define EC_BYTES  66 /* P-521 */
#define PEM_BYTES 16384

struct number {
    uint8_t bytes[RSA_BYTES];
    size_t len;
};

static bool take(const EVP_PKEY *pkey, const char *name, size_t max, struct number *out)
{
    BIGNUM *bn = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 && (size_t)BN_num_bytes(bn) <= max;

    out->len = ok ? (size_t)BN_bn2bin(bn, out->bytes) : 0;
    BN_clear_free(bn);
    return ok;
}

static cjose_jwk_t *from_rsa(const EVP_PKEY *pkey)
{
    static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                         OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                         OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                         OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 };
    struct number n[8];
    cjose_jwk_t *jwk = NULL;
    cjose_err why;
    bool ok = true;

    for (size_t i = 0; i < 8 && ok; i++)
        ok = take(pkey, names[i], RSA_BYTES, &n[i]);
    if (ok) {
        const cjose_jwk_rsa_keyspec spec = { .n = n[0].bytes,
                                             .nlen = n[0].len,
                                             .e = n[1].bytes,
                                             .elen = n[1].len,
                                             .d = n[2].bytes,
                                             .dlen = n[2].len,
                                             .p = n[3].bytes,
                                             .plen = n[3].len,
                                             .q = n[4].bytes,
                                             .qlen = n[4].len,
                                             .dp = n[5].bytes,
                                             .dplen = n[5].len,
                                             .dq = n[6].bytes,
                                             .dqlen = n[6].len,
                                             .qi = n[7].bytes,
                                             .qilen = n[7].len };

        jwk = cjose_jwk_create_RSA_spec(&spec, &why);
    }
    explicit_bzero(n, sizeof n);
    return jwk;
}

static cjose_jwk_ec_curve curve_of(const EVP_PKEY *pkey)
{
    char name[32] = "";
    size_t len;

    if (EVP_PKEY_get_group_name(pkey, name, sizeof name, &len) != 1)
        return CJOSE_JWK_EC_INVALID;
    return OBJ_txt2nid(name) == CJOSE_JWK_EC_P_256   ? CJOSE_JWK_EC_P_256
           : OBJ_txt2nid(name) == CJOSE_JWK_EC_P_384 ? CJOSE_JWK_EC_P_384
           : OBJ_txt2nid(name) == CJOSE_JWK_EC_P_521 ? CJOSE_JWK_EC_P_521
                                                     : CJOSE_JWK_EC_INVALID;
}

static cjose_jwk_t *from_ec(const EVP_PKEY *pkey, cjose_jwk_ec_curve curve)
{
    struct number d = { .len = 0 }, x, y;
    cjose_jwk_t *jwk = NULL;
    cjose_err why;

    if (take(pkey, OSSL_PKEY_PARAM_PRIV_KEY, EC_BYTES, &d) && take(pkey, OSSL_PKEY_PARAM_EC_PUB_X, EC_BYTES, &x) &&
        take(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, EC_BYTES, &y)) {
        const cjose_jwk_ec_keyspec spec = {
            .crv = curve, .d = d.bytes, .dlen = d.len, .x = x.bytes, .xlen = x.len, .y = y.bytes, .ylen = y.len
        };

        jwk = cjose_jwk_create_EC_spec(&spec, &why);
    }
    explicit_bzero(&d, sizeof d);
    return jwk;
}

static bool from_pkey(const EVP_PKEY *pkey, struct key **out, struct error *err)
{
    cjose_jwk_ec_curve curve;

    switch (EVP_PKEY_get_base_id(pkey)) {
    case EVP_PKEY_RSA:
        if (EVP_PKEY_get_bits(pkey) < KEY_RSA_BITS_MIN || EVP_PKEY_get_bits(pkey) > KEY_RSA_BITS_MAX)
            return key_refuse(err, "is an RSA key of a size that cannot be used: 2048 to 8192 bits are");
        return key_take(from_rsa(pkey), NULL, out, err);
    case EVP_PKEY_EC:
        curve = curve_of(pkey);
        if (curve == CJOSE_JWK_EC_INVALID)
            return key_refuse(err, "is on a curve that Okta does not take: P-256, P-384 and P-521 are");
        return key_take(from_ec(pkey, curve), NULL, out, err);
    default:
        return key_refuse(err, "is of a kind that Okta does not take: RSA, and the curves P-256, P-384 and P-521 are");
    }
}

/* The line ends as they were before a shell, a template or an environment variable wrote them as two characters. */
static void repair(struct view pem, struct buf *out)
{
    for (size_t i = 0; i < pem.len; i++) {
        bool is_escape = pem.at[i] == '\\' && i + 1 < pem.len;

        if (is_escape && pem.at[i + 1] == 'n')
            buf_putc(out, '\n'), i++;
        else if (is_escape && pem.at[i + 1] == 'r')
            i++;
        else
            buf_putc(out, pem.at[i]);
    }
}

static bool holds(struct view v, const char *word)
{
    return v.len > 0 && memmem(v.at, v.len, word, strlen(word)) != NULL;
}

/* What people give in place of a private key, told apart from one that is damaged. */
static const char *mistaken(struct view pem)
{
    if (holds(pem, "ENCRYPTED"))
        return "is encrypted: give it without a passphrase (openssl pkey -in FILE makes such a copy)";
    if (holds(pem, "BEGIN PUBLIC KEY") || holds(pem, "BEGIN RSA PUBLIC KEY"))
        return "is a public key: give the private one";
    if (holds(pem, "BEGIN CERTIFICATE"))
        return "is a certificate: give the private key that belongs to it";
    if (holds(pem, "BEGIN OPENSSH"))
        return "is in OpenSSH's own form: give it as PKCS#8 in PEM";
    if (!holds(pem, "-----BEGIN "))
        return "is neither PEM (\"-----BEGIN PRIVATE KEY-----\" and so on) nor a JWK";
    if (!holds(pem, "-----END "))
        return "is cut off: its last line, \"-----END ...\", is missing";
    if (!holds(pem, "\n"))
        return "has lost its line ends: write each as \\n";
    return NULL;
}

static int no_passphrase(char *to, int size, int is_writing, void *ctx)
{
    (void)to, (void)size, (void)is_writing, (void)ctx;
    return -1;
}

bool key_from_pem(struct view pem, struct key **out, struct error *err)
{
    struct buf text = BUF(PEM_BYTES);
    const char *mistake;
    EVP_PKEY *pkey = NULL;
    BIO *bio;
    bool ok;

    key_guard_memory();
    if (pem.len >= PEM_BYTES)
        return key_refuse(err, "is too long to be one");
    (void)!buf_extend(&text, pem.len + 1); /* so that it never moves, and one place is to be wiped */
    text.len = 0;
    repair(view_trim(pem), &text);
    mistake = mistaken(buf_view(&text));
    if (mistake == NULL) {
        bio = BIO_new_mem_buf(text.at, (int)text.len);
        ASSERT(bio != NULL);
        pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        BIO_free(bio);
    }
    if (text.at != NULL)
        explicit_bzero(text.at, text.room);
    buf_deinit(&text);
    ok = pkey != NULL ? from_pkey(pkey, out, err) : key_refuse(err, mistake != NULL ? mistake : "is damaged PEM");
    EVP_PKEY_free(pkey);
    return ok;
}
