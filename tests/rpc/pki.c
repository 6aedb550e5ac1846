#include "tests/rpc/pki.h"

#include "base/mem.h"
#include "tests/rows.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

struct pki_ca {
    X509 *certificate;
    EVP_PKEY *key;
    long serial;
};

static void add_extension(X509 *to, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(to, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(const char *subject, long serial, EVP_PKEY *key, int64_t from_s, int64_t until_s)
{
    X509 *c = X509_new();
    X509_NAME *name = X509_NAME_new();

    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_version(c, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c), serial), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(c), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(c), until_s));
    assert_int_equal(X509_set_subject_name(c, name), 1);
    assert_int_equal(X509_set_pubkey(c, key), 1);
    X509_NAME_free(name);
    return c;
}

/* A file of its own, put in the place of the old one at once. */
static FILE *begin_file(const char *path, char temporary[256])
{
    FILE *f;

    snprintf(temporary, 256, "%s.new", path);
    f = fopen(temporary, "w");
    assert_non_null(f);
    return f;
}

static void end_file(FILE *f, const char *path, const char *temporary)
{
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static void write_certificate(X509 *c, const char *path)
{
    char temporary[256];
    FILE *f = begin_file(path, temporary);

    assert_int_equal(PEM_write_X509(f, c), 1);
    end_file(f, path, temporary);
}

struct pki_ca *pki_ca_create(const char *name, const char *path)
{
    struct pki_ca *ca = mem_zero(sizeof *ca);

    ca->key = EVP_EC_gen("P-256");
    assert_non_null(ca->key);
    ca->certificate = make(name, ++ca->serial, ca->key, -60, 7200);
    assert_int_equal(X509_set_issuer_name(ca->certificate, X509_get_subject_name(ca->certificate)), 1);
    add_extension(ca->certificate, ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca->certificate, ca->certificate, NID_key_usage, "critical,keyCertSign");
    assert_true(X509_sign(ca->certificate, ca->key, EVP_sha256()) > 0);
    if (path != NULL)
        write_certificate(ca->certificate, path);
    return ca;
}

void pki_ca_destroy(struct pki_ca *ca)
{
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    free(ca);
}

void pki_issue(struct pki_ca *ca, const char *names, int64_t from_s, int64_t until_s, const char *cert_path,
               const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = make("somebody", ++ca->serial, key, from_s, until_s);
    char temporary[256];
    FILE *f;

    assert_int_equal(X509_set_issuer_name(c, X509_get_subject_name(ca->certificate)), 1);
    if (names != NULL)
        add_extension(c, ca->certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(c, ca->key, EVP_sha256()) > 0);
    write_certificate(c, cert_path);
    f = begin_file(key_path, temporary);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    end_file(f, key_path, temporary);
    X509_free(c);
    EVP_PKEY_free(key);
}
