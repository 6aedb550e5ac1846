#include "client/rpc/tls.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_security.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20) /* the system's CAs are a fifth of this */
#define SYSTEM_CAS     "/etc/ssl/certs/ca-certificates.crt"

/* Not the server's own variables: in its container they are set, too. */
#define ENV_CA   "OKTA_CONNECTOR_SERVER_CA_FILE"
#define ENV_CERT "OKTA_CONNECTOR_CLIENT_CERT_FILE"
#define ENV_KEY  "OKTA_CONNECTOR_CLIENT_KEY_FILE"
#define ENV_NAME "OKTA_CONNECTOR_SERVER_NAME"

static const char *given(const char *flag, const char *variable)
{
    const char *value = flag != NULL ? flag : getenv(variable);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool tls_complete(struct tls *t, bool is_unix, struct error *err)
{
    t->is_on = t->is_on || t->ca_file != NULL || t->cert_file != NULL || t->key_file != NULL || t->server_name != NULL;
    if (is_unix)
        return !t->is_on ||
               error_set(err, ERROR_INVALID_ARGUMENT,
                         "a Unix socket needs no TLS: leave the --tls flags out, or say --server HOST:PORT");
    t->ca_file = given(t->ca_file, ENV_CA);
    t->cert_file = given(t->cert_file, ENV_CERT);
    t->key_file = given(t->key_file, ENV_KEY);
    t->server_name = given(t->server_name, ENV_NAME);
    t->is_on = t->is_on || t->ca_file != NULL || t->cert_file != NULL || t->key_file != NULL;
    return (t->cert_file != NULL) == (t->key_file != NULL) ||
           error_set(err, ERROR_INVALID_ARGUMENT,
                     "--tls-cert-file and --tls-key-file go together, or " ENV_CERT " and " ENV_KEY "; %s is missing",
                     t->cert_file != NULL ? "the key" : "the certificate");
}

static bool read_whole(int fd, struct buf *out)
{
    char *at = buf_extend(out, FILE_BYTES_MAX);
    ssize_t got = at != NULL ? 1 : -1;

    out->len = 0;
    while (got > 0 && out->len < FILE_BYTES_MAX) {
        got = read(fd, at + out->len, FILE_BYTES_MAX - out->len);
        if (got > 0)
            out->len += (size_t)got;
    }
    return got == 0;
}

/* With its NUL. `begin` is what must be in it. */
static bool read_pem(const char *flag, const char *path, const char *begin, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    bool ok;

    if (fd < 0)
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s %s: %s", flag, path, strerror(errno));
    ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_whole(fd, out);
    close(fd);
    if (!ok)
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s %s: it must be a plain file of less than 1 MiB", flag, path);
    if (strstr(buf_cstr(out), begin) == NULL)
        return error_set(err, ERROR_INVALID_ARGUMENT, "%s %s: it holds nothing in PEM that begins with \"%s\"", flag,
                         path, begin);
    return true;
}

bool tls_credentials(const struct tls *t, struct grpc_channel_credentials **out, struct error *err)
{
    AUTO_BUF struct buf ca = BUF(FILE_BYTES_MAX + 1);
    AUTO_BUF struct buf cert = BUF(FILE_BYTES_MAX + 1);
    AUTO_BUF struct buf key = BUF(FILE_BYTES_MAX + 1);
    grpc_ssl_pem_key_cert_pair pair;
    bool ok;

    ok = read_pem("--tls-ca-file", t->ca_file != NULL ? t->ca_file : SYSTEM_CAS, "-----BEGIN CERTIFICATE", &ca, err) &&
         (t->cert_file == NULL || (read_pem("--tls-cert-file", t->cert_file, "-----BEGIN CERTIFICATE", &cert, err) &&
                                   read_pem("--tls-key-file", t->key_file, "-----BEGIN", &key, err)));
    if (ok) {
        pair = (grpc_ssl_pem_key_cert_pair){ buf_cstr(&key), buf_cstr(&cert) };
        *out = grpc_ssl_credentials_create_ex(buf_cstr(&ca), t->cert_file != NULL ? &pair : NULL, NULL, NULL);
        ok = *out != NULL || error_set(err, ERROR_INVALID_ARGUMENT, "the TLS files cannot be used");
    }
    if (key.at != NULL)
        explicit_bzero(key.at, key.room);
    return ok;
}

/* What the library says, or OpenSSL through it -> what is wrong. In order: the first that is in it counts. */
static const struct {
    const char *piece;
    bool of_tls;
    const char *words;
} meanings[] = {
    { "certificate verify failed", true,
      "its certificate is not vouched for by a CA in --tls-ca-file (without one: by the system's), or has expired" },
    { "is not in peer certificate", true,
      "its certificate does not bear the name that was called: say the name that it bears with --tls-server-name" },
    { "Hostname Verification Check failed", true,
      "its certificate does not bear the name that was called: say the name that it bears with --tls-server-name" },
    { "wrong version number", true, "it does not speak TLS there: leave the --tls flags out" },
    { "Invalid cert chain file", true, "the certificate and the key in --tls-cert-file and --tls-key-file do not fit" },
    { "handshaker factory", true, "the certificate and the key in --tls-cert-file and --tls-key-file do not fit" },
    { "Endpoint read failed", true,
      "it closed the connection after the handshake: it wants a certificate of a CA that it knows and that has not "
      "expired (--tls-cert-file and --tls-key-file)" },
    { "Socket closed", true,
      "it closed the connection: it wants a certificate of a CA that it knows (--tls-cert-file "
      "and --tls-key-file), or is not there any more" },
    { "Connection refused", true, "no server answers there" },
    { "Socket closed", false, "it closed the connection: it may want TLS (--tls), or has too many connections" },
    { "Connection refused", false, "no server answers there" },
};

bool tls_explain(const struct tls *t, const char *text, struct error *err)
{
    const bool is_tls = t != NULL && t->is_on;

    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].of_tls == is_tls && strstr(text, meanings[i].piece) != NULL)
            return error_set(err, ERROR_UNAVAILABLE, "%s", meanings[i].words);
    return error_set(err, ERROR_UNAVAILABLE, "no server answers there");
}
