#include "okta/key.h"

#include "base/assert.h"
#include "base/mem.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* signing takes longer with the cube of this */
#define RSA_BYTES    (RSA_BITS_MAX / 8)
#define EC_BYTES     66 /* P-521 */
#define PEM_BYTES    16384

static bool refuse(struct error *err, const char *text)
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
        if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
            return refuse(err, "is an RSA key of a size that cannot be used: 2048 to 8192 bits are");
        k->alg = rsa_alg(wanted);
        break;
    case CJOSE_JWK_KTY_EC:
        k->alg = ec_alg(cjose_jwk_EC_get_curve(k->jwk, &why));
        if (wanted != NULL && k->alg != NULL && strcmp(wanted, k->alg) != 0)
            k->alg = NULL;
        break;
    default:
        return refuse(err, "is a shared secret; Okta wants RSA or an elliptic curve");
    }
    return k->alg != NULL || refuse(err, "and its \"alg\" do not go together, or Okta does not take them: RS256, "
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

/* Takes over the jwk, which may be NULL. */
static bool finish(cjose_jwk_t *jwk, const char *alg, struct key **out, struct error *err)
{
    struct key *k = mem_zero(sizeof *k);
    bool ok;

    k->jwk = jwk;
    ok = (jwk != NULL || refuse(err, "is damaged: its members do not make a key")) && choose_alg(k, alg, err) &&
         (is_whole(k) || refuse(err, "is damaged: its private and public halves do not belong together"));
    ERR_clear_error();
    if (ok)
        *out = k;
    else
        key_destroy(k);
    return ok;
}

/* ---- PEM ---- */

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
        if (EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN || EVP_PKEY_get_bits(pkey) > RSA_BITS_MAX)
            return refuse(err, "is an RSA key of a size that cannot be used: 2048 to 8192 bits are");
        return finish(from_rsa(pkey), NULL, out, err);
    case EVP_PKEY_EC:
        curve = curve_of(pkey);
        if (curve == CJOSE_JWK_EC_INVALID)
            return refuse(err, "is on a curve that Okta does not take: P-256, P-384 and P-521 are");
        return finish(from_ec(pkey, curve), NULL, out, err);
    default:
        return refuse(err, "is of a kind that Okta does not take: RSA, and the curves P-256, P-384 and P-521 are");
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
        return refuse(err, "is too long to be one");
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
    ok = pkey != NULL ? from_pkey(pkey, out, err) : refuse(err, mistake != NULL ? mistake : "is damaged PEM");
    EVP_PKEY_free(pkey);
    return ok;
}

/* ---- JWK ---- */

bool key_from_jwk(const cjose_header_t *jwk, struct key **out, struct error *err)
{
    cjose_header_t *json = (cjose_header_t *)(uintptr_t)jwk; /* read only, though they do not say so */
    const char *alg = json_string_value(json_object_get(json, "alg"));
    const char *id = json_string_value(json_object_get(json, "kid"));
    struct key *k;
    cjose_err why;

    key_guard_memory();
    if (!json_is_object(json))
        return refuse(err, "is neither PEM nor a JWK");
    if (json_object_get(json, "keys") != NULL)
        return refuse(err, "is a set of keys: give one of them");
    if (json_object_get(json, "d") == NULL && json_object_get(json, "k") == NULL)
        return refuse(err, "is a public key (a JWK without \"d\"): give the private one");
    if (!finish(cjose_jwk_import_json(json, &why), alg, &k, err))
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
