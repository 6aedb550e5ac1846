/* Reload without a gap: a new SSL_CTX is built from all three files, and replaces the old one only if all of it can be
 * used. Otherwise the old one stays. Sessions hold a reference to the context they were created with, so that those
 * under way finish with the old certificates, and the old context is freed with the last of them.
 *
 * Changes are found by polling: each look compares the stamps (device, inode, size, times) of the files with those of
 * the last attempt. inotify would need a watch on each folder of the path: Kubernetes swaps a symlink above the files,
 * whose own inodes never change. stat follows the symlink.
 *
 * Two corners. The stamps are taken before the files are read, so that a file that changes during the read differs from
 * its stamp and is read again at the next look. And a renewal may be caught half-done, with a new certificate beside
 * the old key: that attempt is refused, and the next change is tried again. Files that were refused are also retried
 * without a change, since time alone can make a certificate valid. */
#include "rpc/certificates.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/cert_name.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES_MAX   (256u << 10) /* a chain takes some kilobytes; there may be many CAs */
#define CHAIN_MAX        10           /* intermediate certificates */
#define CAS_MAX          128
#define PEER_CHAIN_BYTES (32 << 10) /* of the certificates that a client sends */
#define NAMES_MAX        64         /* names of a peer's certificate that are looked at */
#define LOOK_EVERY_MS    1000
#define RETRY_MS         60000 /* of refused files: a certificate may become valid with time */
#define WARN_AHEAD_S     (14 * 24 * 3600)
#define WARN_EVERY_MS    (24 * 3600 * INT64_C(1000))

enum { FILE_CERT, FILE_KEY, FILE_CA, FILES };
static const char *const flags[FILES] = { "--tls-cert-file", "--tls-key-file", "--tls-client-ca-file" };

/* What tells that a file was replaced or rewritten. Zeros: it cannot be read. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct certificates {
    /* set at the start, then read-only */
    struct net_tls tls;

    /* any thread, under lock */
    pthread_mutex_t lock;
    SSL_CTX *context;
    struct stamp tried[FILES]; /* as they were at the last attempt, successful or not */
    bool has_failed;

    /* any thread */
    _Atomic int64_t expiry_unix_s;

    /* the thread that looks */
    int64_t looked_mono_ms, warned_mono_ms, retried_mono_ms;
};

static const char *certificates_path(const struct net_tls *tls, int file)
{
    return file == FILE_CERT ? tls->cert_file : file == FILE_KEY ? tls->key_file : tls->client_ca_file;
}

/* OpenSSL's reason for its last error. */
static const char *certificates_openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason != NULL ? reason : "no reason given";
}

static bool certificates_refuse_file(struct error *err, const struct net_tls *tls, int file, const char *text)
{
    return error_set(err, ERROR_FAILED_PRECONDITION, "%s %s: %s", flags[file], certificates_path(tls, file), text);
}

/* ---- files ---- */

static struct stamp stamp_take(const char *path)
{
    struct stamp s;
    struct stat st;

    memset(&s, 0, sizeof s); /* padding too: compared as bytes */
    if (stat(path, &st) == 0) {
        s.device = st.st_dev;
        s.inode = st.st_ino;
        s.size = st.st_size;
        s.modified = st.st_mtim;
        s.changed = st.st_ctim;
    }
    return s;
}

static void stamp_take_all(const struct net_tls *tls, struct stamp out[FILES])
{
    for (int file = 0; file < FILES; file++)
        out[file] = stamp_take(certificates_path(tls, file));
}

static ssize_t certificates_read_whole(int fd, char *at, size_t room)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < room && got > 0) {
        got = read(fd, at + len, room - len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            len += (size_t)got;
    }
    return got < 0 ? -1 : (ssize_t)len;
}

/* Regular files only: a read from a device or a pipe could block forever. */
static bool certificates_read_file(const struct net_tls *tls, int file, struct buf *out, struct error *err)
{
    int fd = open(certificates_path(tls, file), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    ssize_t got = -1;
    char *at;

    if (fd < 0)
        return certificates_refuse_file(err, tls, file, strerror(errno));
    at = buf_extend(out, FILE_BYTES_MAX + 1);
    ASSERT(at != NULL);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        got = certificates_read_whole(fd, at, FILE_BYTES_MAX + 1);
    close(fd);
    if (got < 0 || got > (ssize_t)FILE_BYTES_MAX)
        return certificates_refuse_file(err, tls, file, "it must be a plain file of at most 256 KiB");
    out->len = (size_t)got;
    return true;
}

static BIO *pem_reader(const struct buf *text)
{
    BIO *bio = BIO_new_mem_buf(text->at, (int)text->len);

    ASSERT(bio != NULL);
    return bio;
}

/* After PEM_read_bio_X509 has returned nothing: true at the end of the file, false if what follows is damaged. */
static bool pem_is_at_end(void)
{
    unsigned long last = ERR_peek_last_error();

    ERR_clear_error();
    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/* Instead of OpenSSL's prompt on the terminal: notes that the key has a passphrase, and gives none. */
static int pem_refuse_passphrase(char *room, int size, int is_writing, void *ctx)
{
    (void)room;
    (void)size;
    (void)is_writing;
    *(bool *)ctx = true;
    return -1;
}

/* ---- our certificate ---- */

static int64_t asn1_time_unix_s(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static bool certificates_check_dates(const struct net_tls *tls, X509 *certificate, int64_t *expiry_unix_s,
                                     struct error *err)
{
    int64_t now_unix_s = clock_unix_ms(&clock_system) / 1000;
    int64_t begin = asn1_time_unix_s(X509_get0_notBefore(certificate)),
            end = asn1_time_unix_s(X509_get0_notAfter(certificate));
    char text[TIME_TEXT_SIZE] = "an unreadable date";
    char sentence[96];

    if (now_unix_s >= begin && now_unix_s < end) {
        *expiry_unix_s = end;
        return true;
    }
    if (begin > 0 && end > 0)
        time_format((now_unix_s < begin ? begin : end) * 1000, text);
    snprintf(sentence, sizeof sentence,
             now_unix_s < begin ? "the certificate is valid from %s only" : "the certificate expired on %s", text);
    return certificates_refuse_file(err, tls, FILE_CERT, sentence);
}

/* The rest of the certificate file, after our own certificate: the intermediates that clients need to verify it. */
static bool certificates_use_chain(SSL_CTX *context, const struct net_tls *tls, BIO *in, struct error *err)
{
    for (int above = 0;; above++) {
        X509 *next = PEM_read_bio_X509(in, NULL, NULL, NULL);

        if (next == NULL)
            return pem_is_at_end() ||
                   certificates_refuse_file(err, tls, FILE_CERT, "the chain behind the certificate is damaged");
        if (above == CHAIN_MAX || SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            ERR_clear_error();
            return certificates_refuse_file(err, tls, FILE_CERT, "the chain behind the certificate cannot be used");
        }
    }
}

static bool certificates_use_certificate(SSL_CTX *context, const struct net_tls *tls, int64_t *expiry_unix_s,
                                         struct error *err)
{
    AUTO_BUF struct buf text = BUF(FILE_BYTES_MAX + 1);
    X509 *certificate;
    BIO *in;
    bool ok;

    if (!certificates_read_file(tls, FILE_CERT, &text, err))
        return false;
    in = pem_reader(&text);
    certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    if (certificate == NULL)
        ok = certificates_refuse_file(err, tls, FILE_CERT, "it holds no certificate in PEM");
    else if (!certificates_check_dates(tls, certificate, expiry_unix_s, err))
        ok = false;
    else if (SSL_CTX_use_certificate(context, certificate) != 1)
        ok = certificates_refuse_file(err, tls, FILE_CERT, certificates_openssl_reason());
    else
        ok = certificates_use_chain(context, tls, in, err);
    X509_free(certificate);
    BIO_free(in);
    ERR_clear_error();
    return ok;
}

static bool certificates_use_key(SSL_CTX *context, const struct net_tls *tls, struct error *err)
{
    AUTO_BUF struct buf text = BUF(FILE_BYTES_MAX + 1);
    bool has_passphrase = false, ok = false;
    EVP_PKEY *key;
    BIO *in;

    if (!certificates_read_file(tls, FILE_KEY, &text, err))
        return false;
    in = pem_reader(&text);
    key = PEM_read_bio_PrivateKey(in, NULL, pem_refuse_passphrase, &has_passphrase);
    if (key == NULL)
        certificates_refuse_file(err, tls, FILE_KEY,
                                 has_passphrase
                                     ? "the key has a passphrase; give one without, readable by this user alone"
                                     : "it holds no private key in PEM");
    else if (SSL_CTX_use_PrivateKey(context, key) != 1 || SSL_CTX_check_private_key(context) != 1)
        certificates_refuse_file(err, tls, FILE_KEY, "the key does not belong to the certificate in --tls-cert-file");
    else
        ok = true;
    EVP_PKEY_free(key);
    BIO_free(in);
    OPENSSL_cleanse(text.at, text.room);
    ERR_clear_error();
    return ok;
}

/* ---- the CAs of clients ---- */

static bool certificates_use_client_cas(SSL_CTX *context, const struct net_tls *tls, struct error *err)
{
    AUTO_BUF struct buf text = BUF(FILE_BYTES_MAX + 1);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    int count = 0;
    X509 *ca;
    BIO *in;

    if (!certificates_read_file(tls, FILE_CA, &text, err))
        return false;
    in = pem_reader(&text);
    while (count <= CAS_MAX && (ca = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        ASSERT(X509_STORE_add_cert(store, ca) == 1 && SSL_CTX_add_client_CA(context, ca) == 1);
        X509_free(ca);
        count++;
    }
    BIO_free(in);
    if (count <= CAS_MAX && !pem_is_at_end())
        return certificates_refuse_file(err, tls, FILE_CA, "one of its certificates is damaged");
    if (count == 0)
        return certificates_refuse_file(err, tls, FILE_CA, "it holds no certificate in PEM");
    return count <= CAS_MAX || certificates_refuse_file(err, tls, FILE_CA, "it holds more than 128 certificates");
}

/* ---- the context ---- */

/* Accepts h2 (HTTP/2) and nothing else. */
static int certificates_select_alpn(SSL *session, const unsigned char **out, unsigned char *out_len,
                                    const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char h2[] = "\x02h2";

    (void)session;
    (void)arg;
    if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, h2, sizeof h2 - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

/* What all sessions have in common. No session is resumed: one that began under a removed CA or an older list of names
 * would go on under the new one. In TLS 1.2, only the ciphers that HTTP/2 allows (RFC 9113, appendix A). The modes are
 * what the relay needs: partial writes, repeated from another address; no buffers while idle; and a read that returns
 * after each record, so that one peer cannot keep the thread. */
static SSL_CTX *certificates_create_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    ASSERT(context != NULL);
    ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    ASSERT(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_max_cert_list(context, PEER_CHAIN_BYTES);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_alpn_select_cb(context, certificates_select_alpn, NULL);
    return context;
}

/* Builds a context from the files, and puts it in use if all of them are good. The lock is held while the files are
 * read, so that two reloads (SIGHUP and a look) cannot overtake each other; they are small, and a handshake that begins
 * meanwhile waits for a few reads. */
static bool certificates_load(struct certificates *c, struct error *err)
{
    struct stamp stamps[FILES];
    SSL_CTX *context = certificates_create_context(), *old = context;
    int64_t expiry_unix_s = 0;
    bool ok;

    pthread_mutex_lock(&c->lock);
    stamp_take_all(&c->tls, stamps);
    ok = certificates_use_certificate(context, &c->tls, &expiry_unix_s, err) &&
         certificates_use_key(context, &c->tls, err) && certificates_use_client_cas(context, &c->tls, err);
    memcpy(c->tried, stamps, sizeof stamps);
    c->has_failed = !ok;
    if (ok) {
        old = c->context;
        c->context = context;
        atomic_store(&c->expiry_unix_s, expiry_unix_s);
    }
    pthread_mutex_unlock(&c->lock);
    SSL_CTX_free(old);
    return ok;
}

/* A warning, not a refusal: the key can be used. */
static void certificates_warn_of_open_key(const char *key_file)
{
    struct stat st;

    if (stat(key_file, &st) == 0 && (st.st_mode & 077) != 0)
        log_warn("secret_file.open_to_others", "mode=%03o advice=chmod 600 it path=%s", (unsigned)(st.st_mode & 0777),
                 key_file);
}

bool certificates_open(struct certificates **out, const struct net_tls *tls, struct error *err)
{
    struct certificates *c = mem_zero(sizeof *c);

    c->tls = *tls;
    pthread_mutex_init(&c->lock, NULL);
    if (!certificates_load(c, err)) {
        certificates_close(c);
        return false;
    }
    certificates_warn_of_open_key(tls->key_file);
    *out = c;
    return true;
}

void certificates_close(struct certificates *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->context);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- while it runs ---- */

int64_t certificates_expiry_unix_s(const struct certificates *c)
{
    return atomic_load(&c->expiry_unix_s);
}

static void certificates_log_in_use(const struct certificates *c)
{
    char text[TIME_TEXT_SIZE];

    time_format(certificates_expiry_unix_s(c) * 1000, text);
    log_info("tls.certificate", "expires=%s text=the certificate files were reloaded", text);
}

bool certificates_reload(struct certificates *c, struct error *err)
{
    if (!certificates_load(c, err))
        return false;
    certificates_log_in_use(c);
    return true;
}

enum files_state {
    FILES_IN_USE,  /* unchanged since they were loaded */
    FILES_CHANGED, /* not those that were read last */
    FILES_REFUSED, /* unchanged, and could not be used when they were read last */
};

static enum files_state certificates_files_state(struct certificates *c)
{
    struct stamp stamps[FILES];
    enum files_state state;

    stamp_take_all(&c->tls, stamps);
    pthread_mutex_lock(&c->lock);
    state = memcmp(stamps, c->tried, sizeof stamps) != 0 ? FILES_CHANGED : c->has_failed ? FILES_REFUSED : FILES_IN_USE;
    pthread_mutex_unlock(&c->lock);
    return state;
}

/* Once a day within the last two weeks. certificates_look starts anew after a renewal. */
static void certificates_warn_of_expiry(struct certificates *c, int64_t now_mono_ms)
{
    int64_t left_s = certificates_expiry_unix_s(c) - clock_unix_ms(&clock_system) / 1000;

    if (left_s > WARN_AHEAD_S || (c->warned_mono_ms != 0 && now_mono_ms - c->warned_mono_ms < WARN_EVERY_MS))
        return;
    c->warned_mono_ms = now_mono_ms;
    if (left_s <= 0)
        log_warn("tls.expired", "text=the certificate in --tls-cert-file has expired: clients refuse it");
    else
        log_warn("tls.expires", "days=%lld text=the certificate in --tls-cert-file is about to expire",
                 (long long)(left_s / 86400));
}

void certificates_look(struct certificates *c, int64_t now_mono_ms)
{
    enum files_state state;
    struct error err;

    if (c->looked_mono_ms != 0 && now_mono_ms - c->looked_mono_ms < LOOK_EVERY_MS)
        return;
    c->looked_mono_ms = now_mono_ms;
    state = certificates_files_state(c);
    if (state == FILES_CHANGED || (state == FILES_REFUSED && now_mono_ms - c->retried_mono_ms >= RETRY_MS)) {
        c->retried_mono_ms = now_mono_ms;
        if (certificates_load(c, &err)) {
            certificates_log_in_use(c);
            c->warned_mono_ms = 0;
        } else if (state == FILES_CHANGED) {
            /* Retries of the same files fail silently: one line a change. */
            log_warn("tls.refused", "error=%s text=the certificate in use stays", err.text);
        }
    }
    certificates_warn_of_expiry(c, now_mono_ms);
}

SSL *certificates_session(struct certificates *c)
{
    SSL *session;

    pthread_mutex_lock(&c->lock);
    session = SSL_new(c->context);
    pthread_mutex_unlock(&c->lock);
    return session;
}

/* ---- the peer's role ---- */

static bool certificates_take_name(const GENERAL_NAME *from, struct presented_name *out)
{
    const ASN1_STRING *text = from->d.ia5; /* all four kinds are ASN1_STRINGs, at the same place in the union */

    switch (from->type) {
    case GEN_DNS:
        out->kind = CERT_NAME_DNS;
        break;
    case GEN_URI:
        out->kind = CERT_NAME_URI;
        break;
    case GEN_IPADD:
        out->kind = CERT_NAME_IP;
        break;
    case GEN_EMAIL:
        out->kind = CERT_NAME_EMAIL;
        break;
    default:
        return false;
    }
    out->text = (struct view){ (const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text) };
    return true;
}

static enum net_role certificates_role_of_name(const struct net_tls *tls, const struct presented_name *n)
{
    if (cert_name_is_listed(n, tls->admins, tls->admin_count))
        return NET_ADMIN;
    return cert_name_is_listed(n, tls->readers, tls->reader_count) ? NET_READER : NET_STRANGER;
}

/* The highest role that any of the names is listed for. */
enum net_role certificates_role(const struct certificates *c, const SSL *session)
{
    X509 *peer = SSL_get0_peer_certificate(session);
    GENERAL_NAMES *names;
    enum net_role role = NET_STRANGER;

    if (peer == NULL || SSL_get_verify_result(session) != X509_V_OK)
        return NET_STRANGER;
    names = X509_get_ext_d2i(peer, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        struct presented_name n;

        if (certificates_take_name(sk_GENERAL_NAME_value(names, i), &n) &&
            certificates_role_of_name(&c->tls, &n) > role)
            role = certificates_role_of_name(&c->tls, &n);
    }
    GENERAL_NAMES_free(names);
    return role;
}
