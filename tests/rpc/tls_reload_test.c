/* Certificates that change while the server runs. */
#include "rpc/certificates.h"

#include "base/clock.h"
#include "tests/rows.h"
#include "tests/rpc/tls_world.h"

#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_MAX 65536
#define DAY_S       (24 * 3600)

/* Its own dates are whole seconds, made a moment earlier or later than ours. */
static bool is_about(int64_t unix_s, int64_t days)
{
    int64_t want = clock_unix_ms(&clock_system) / 1000 + days * DAY_S;

    return unix_s > want - 600 && unix_s < want + 600;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A visitor makes the server look, but not more than once a second: until it has. */
static void await_expiry(struct tls_world *w, int64_t days)
{
    for (int i = 0; i < 600; i++) {
        if (is_about(tls_seen_expiry_unix_s(w), days))
            return;
        usleep(100 * 1000);
    }
    fail();
}

static void a_changed_certificate_is_used_and_streams_go_on(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf message = BUF(MESSAGE_MAX);
    struct client_call call;
    struct client c;

    (void)state;
    tls_issue(w, w->ca, "reader", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    assert_true(is_about(rpc_certificate_expiry_unix_s(w->f->rpc), 30));
    tls_open(w, &c, TLS_READER, "reader");
    client_ask(&c, &call, TEST_FEED, "");
    fixture_feed(w->f, 1);
    assert_true(client_read(&call, &message));
    tls_renew(w, -60, 90 * DAY_S);
    await_expiry(w, 90);
    assert_true(is_about(rpc_certificate_expiry_unix_s(w->f->rpc), 90));
    fixture_feed(w->f, 1);
    assert_true(client_read(&call, &message));
    client_cancel(&call);
    client_end(&call);
    client_close(&c);
    tls_world_destroy(w);
}

static void a_reload_on_request_is_immediate(void **state)
{
    struct tls_world *w = tls_world_create();
    struct error err;

    (void)state;
    tls_world_start(w);
    tls_renew(w, -60, 60 * DAY_S);
    assert_true(rpc_reload_certificates(w->f->rpc, &err));
    assert_true(is_about(rpc_certificate_expiry_unix_s(w->f->rpc), 60));
    assert_true(is_about(tls_seen_expiry_unix_s(w), 60));
    tls_world_destroy(w);
}

/* As Kubernetes mounts a secret: files are links through ..data, which is swapped for another folder. */
static void a_swapped_folder_is_a_change(void **state)
{
    static const char *const names[] = { "server.pem", "server.key", "ca.pem" };
    struct tls_world *w = tls_world_create();
    char from[128], to[160], data[128], temporary[128];

    (void)state;
    for (int i = 1; i <= 2; i++) {
        snprintf(data, sizeof data, "%s/v%d", w->folder, i);
        assert_int_equal(mkdir(data, 0700), 0);
        tls_renew(w, -60, i * 30 * DAY_S);
        for (int n = 0; n < 3; n++) {
            snprintf(to, sizeof to, "%s/%.20s", data, names[n]);
            if (n < 2 || i == 2)
                assert_int_equal(rename(tls_path(w, names[n], from), to), 0);
            else
                assert_int_equal(link(tls_path(w, names[n], from), to), 0);
        }
    }
    assert_int_equal(symlink("v1", tls_path(w, "..data", data)), 0);
    for (int n = 0; n < 3; n++) {
        snprintf(to, sizeof to, "..data/%s", names[n]);
        assert_int_equal(symlink(to, tls_path(w, names[n], from)), 0);
    }
    tls_world_start(w);
    await_expiry(w, 30);
    assert_int_equal(symlink("v2", tls_path(w, "..tmp", temporary)), 0);
    assert_int_equal(rename(temporary, data), 0);
    await_expiry(w, 60);
    tls_world_destroy(w);
}

/* ---- unusable files ---- */

static void another_key(struct tls_world *w)
{
    char other[128];

    pki_issue(w->ca, NULL, -60, DAY_S, tls_path(w, "other.pem", other), w->tls.key_file);
}

static void expired(struct tls_world *w)
{
    tls_renew(w, -2 * DAY_S, -DAY_S);
}

static void not_valid_yet(struct tls_world *w)
{
    tls_renew(w, DAY_S, 2 * DAY_S);
}

static void no_certificate_file(struct tls_world *w)
{
    assert_int_equal(unlink(w->tls.cert_file), 0);
}

static void certificate_is_no_pem(struct tls_world *w)
{
    write_text(w->tls.cert_file, "hello\n");
}

static void key_is_no_pem(struct tls_world *w)
{
    write_text(w->tls.key_file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
}

static void key_with_a_passphrase(struct tls_world *w)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *f = fopen(w->tls.key_file, "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, EVP_aes_256_cbc(), (const unsigned char *)"secret", 6, NULL, NULL),
                     1);
    assert_int_equal(fclose(f), 0);
    EVP_PKEY_free(key);
}

static void key_is_a_folder(struct tls_world *w)
{
    assert_int_equal(unlink(w->tls.key_file), 0);
    assert_int_equal(mkdir(w->tls.key_file, 0700), 0);
}

static void key_is_a_pipe(struct tls_world *w)
{
    assert_int_equal(unlink(w->tls.key_file), 0);
    assert_int_equal(mkfifo(w->tls.key_file, 0600), 0);
}

static void no_ca(struct tls_world *w)
{
    write_text(w->tls.client_ca_file, "");
}

static void a_damaged_ca(struct tls_world *w)
{
    FILE *f = fopen(w->tls.client_ca_file, "a");

    assert_non_null(f);
    assert_true(fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void too_large(struct tls_world *w)
{
    assert_int_equal(truncate(w->tls.cert_file, 300 * 1024), 0);
}

static const struct unfit {
    const char *name;
    void (*spoil)(struct tls_world *w);
    const char *flag, *want;
} unfits[] = {
    { "the key of another certificate", another_key, "--tls-key-file", "does not belong" },
    { "an expired certificate", expired, "--tls-cert-file", "expired on" },
    { "a certificate that is not valid yet", not_valid_yet, "--tls-cert-file", "valid from" },
    { "no certificate", no_certificate_file, "--tls-cert-file", "No such file" },
    { "a certificate that is no PEM", certificate_is_no_pem, "--tls-cert-file", "in PEM" },
    { "a key that is no key", key_is_no_pem, "--tls-key-file", "in PEM" },
    { "a key with a passphrase", key_with_a_passphrase, "--tls-key-file", "passphrase" },
    { "a folder as key", key_is_a_folder, "--tls-key-file", "plain file" },
    { "a pipe as key", key_is_a_pipe, "--tls-key-file", "plain file" },
    { "no CA", no_ca, "--tls-client-ca-file", "in PEM" },
    { "a damaged CA behind a good one", a_damaged_ca, "--tls-client-ca-file", "damaged" },
    { "a file without end", too_large, "--tls-cert-file", "256 KiB" },
};

static void unusable_files_are_refused_and_the_old_set_stays(void **state)
{
    const struct unfit *row = *state;
    struct tls_world *w = tls_world_create();
    struct error err = { 0 };
    struct rpc *second = NULL;

    tls_world_start(w);
    row->spoil(w);
    assert_false(rpc_reload_certificates(w->f->rpc, &err));
    assert_int_equal(err.code, ERROR_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, row->flag));
    assert_non_null(strstr(err.text, row->want));
    assert_true(is_about(rpc_certificate_expiry_unix_s(w->f->rpc), 30));
    assert_true(is_about(tls_seen_expiry_unix_s(w), 30));
    /* With these it does not start, and binds nothing. */
    assert_false(rpc_start(&second, &w->options, &err));
    assert_non_null(strstr(err.text, row->want));
    tls_world_destroy(w);
}

/* ---- the CAs of clients ---- */

static void clients_of_a_ca_that_is_gone_are_refused(void **state)
{
    struct tls_world *w = tls_world_create();
    AUTO_BUF struct buf answer = BUF(MESSAGE_MAX);
    struct pki_ca *next;
    struct error err;
    struct client c, late;
    char path[128];

    (void)state;
    tls_issue(w, w->ca, "old", "DNS:a.readers.example.org", 60);
    tls_world_start(w);
    tls_open(w, &c, TLS_READER, "old");
    assert_int_equal(client_unary(&c, TEST_ECHO, "", &answer), ERROR_OK);
    assert_int_equal(rename(w->tls.client_ca_file, tls_path(w, "servers-ca.pem", path)), 0);
    next = pki_ca_create("the next CA", w->tls.client_ca_file);
    tls_issue(w, next, "new", "DNS:a.readers.example.org", 60);
    assert_true(rpc_reload_certificates(w->f->rpc, &err));
    assert_int_equal(client_unary(&c, TEST_ECHO, "is in", &answer), ERROR_OK);
    client_open_tls(&late, rpc_address(w->f->rpc, TLS_READER), path, tls_path(w, "old.pem", (char[128]){ 0 }),
                    tls_path(w, "old.key", (char[128]){ 0 }));
    assert_int_equal(client_unary(&late, TEST_ECHO, "late", &answer), ERROR_UNAVAILABLE);
    client_close(&late);
    client_open_tls(&late, rpc_address(w->f->rpc, TLS_READER), path, tls_path(w, "new.pem", (char[128]){ 0 }),
                    tls_path(w, "new.key", (char[128]){ 0 }));
    assert_int_equal(client_unary(&late, TEST_ECHO, "new", &answer), ERROR_OK);
    client_close(&late);
    client_close(&c);
    pki_ca_destroy(next);
    tls_world_destroy(w);
}

/* A pair is written one file after the other. In between it does not match, and it is retried when the other file
 * changes. */
static void half_a_pair_is_retried(void **state)
{
    struct tls_world *w = tls_world_create();
    struct certificates *c;
    struct error err;
    char cert[128], key[128];

    (void)state;
    assert_true(certificates_open(&c, &w->tls, &err));
    pki_issue(w->ca, "DNS:localhost", -60, 60 * DAY_S, tls_path(w, "next.pem", cert), tls_path(w, "next.key", key));
    certificates_look(c, 1000);
    assert_int_equal(rename(cert, w->tls.cert_file), 0);
    certificates_look(c, 1500); /* too soon to look */
    assert_true(is_about(certificates_expiry_unix_s(c), 30));
    certificates_look(c, 2000);
    assert_true(is_about(certificates_expiry_unix_s(c), 30));
    assert_int_equal(rename(key, w->tls.key_file), 0);
    certificates_look(c, 3000);
    assert_true(is_about(certificates_expiry_unix_s(c), 60));
    certificates_close(c);
    tls_world_start(w);
    tls_world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_certificate_is_used_and_streams_go_on),
        cmocka_unit_test(a_reload_on_request_is_immediate),
        cmocka_unit_test(a_swapped_folder_is_a_change),
        cmocka_unit_test(clients_of_a_ca_that_is_gone_are_refused),
        cmocka_unit_test(half_a_pair_is_retried),
    };

    signal(SIGPIPE, SIG_IGN);
    return RUN_ROWS(unusable_files_are_refused_and_the_old_set_stays, unfits) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
