#include "tests/rpc/tls_world.h"

#include "base/mem.h"
#include "tests/rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MONTH_S (30 * 24 * 3600)
#define WAIT_S  60

const char *tls_path(struct tls_world *w, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", w->folder, name);
    return out;
}

void tls_issue(struct tls_world *w, struct pki_ca *ca, const char *name, const char *names, int64_t until_s)
{
    char cert[128], key[128], file[64];

    snprintf(file, sizeof file, "%s.pem", name);
    tls_path(w, file, cert);
    snprintf(file, sizeof file, "%s.key", name);
    pki_issue(ca, names, -3600, until_s, cert, tls_path(w, file, key));
}

void tls_renew(struct tls_world *w, int64_t from_s, int64_t until_s)
{
    pki_issue(w->ca, "DNS:localhost,IP:127.0.0.1", from_s, until_s, w->tls.cert_file, w->tls.key_file);
}

static void list(const char *text, struct cert_name *out)
{
    assert_true(cert_name_parse(view_of(text), out, NULL));
}

struct tls_world *tls_world_create(void)
{
    static const char *const addresses[] = { "admin=127.0.0.1:0", "reader=tls:127.0.0.1:0", "127.0.0.1:0" };
    struct tls_world *w = mem_zero(sizeof *w);
    char text[128];

    w->f = fixture_create();
    snprintf(w->folder, sizeof w->folder, "/tmp/tls-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->ca = pki_ca_create("our CA", tls_path(w, "ca.pem", w->tls.client_ca_file));
    w->foreign = pki_ca_create("our CA", NULL); /* of the same name */
    tls_path(w, "server.pem", w->tls.cert_file);
    tls_path(w, "server.key", w->tls.key_file);
    tls_renew(w, -60, MONTH_S);
    list("URI:spiffe://example.org/admin/*", &w->tls.admins[w->tls.admin_count++]);
    list("DNS:*.readers.example.org", &w->tls.readers[w->tls.reader_count++]);
    fixture_options(w->f, &w->options, w->listen);
    for (size_t i = 0; i < 3; i++)
        assert_true(net_address_parse(view_of(addresses[i]), &w->listen[i], NULL));
    snprintf(text, sizeof text, "admin=%s", w->f->admin);
    assert_true(net_address_parse(view_of(text), &w->listen[3], NULL));
    w->options.listen_count = 4;
    w->options.listen = w->listen;
    w->options.tls = &w->tls;
    return w;
}

void tls_world_start(struct tls_world *w)
{
    fixture_start(w->f, &w->options);
    rpc_health_set(w->f->rpc, "", RPC_HEALTH_SERVING);
}

void tls_world_destroy(struct tls_world *w)
{
    char command[64];
    void *f = w->f;

    fixture_teardown(&f);
    pki_ca_destroy(w->ca);
    pki_ca_destroy(w->foreign);
    snprintf(command, sizeof command, "rm -r %s", w->folder);
    assert_int_equal(system(command), 0);
    free(w);
}

void tls_open(struct tls_world *w, struct client *c, size_t address, const char *name)
{
    char ca[128], cert[128], key[128], file[64];

    tls_path(w, "ca.pem", ca);
    if (name == NULL) {
        client_open_tls(c, rpc_address(w->f->rpc, address), ca, NULL, NULL);
        return;
    }
    snprintf(file, sizeof file, "%s.pem", name);
    tls_path(w, file, cert);
    snprintf(file, sizeof file, "%s.key", name);
    client_open_tls(c, rpc_address(w->f->rpc, address), ca, cert, tls_path(w, file, key));
}

int tls_connect(struct tls_world *w, size_t address)
{
    const char *text = rpc_address(w->f->rpc, address);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(strrchr(text, ':') + 1)) };
    const struct timeval wait = { .tv_sec = WAIT_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Without a certificate of one's own the handshake goes far enough to see the server's. */
int64_t tls_seen_expiry_unix_s(struct tls_world *w)
{
    static const unsigned char h2[] = "\x02h2";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *session = SSL_new(context);
    int fd = tls_connect(w, TLS_ADMIN);
    int64_t expiry = 0;
    X509 *server;
    struct tm tm;

    SSL_set_alpn_protos(session, h2, sizeof h2 - 1);
    SSL_set_fd(session, fd);
    (void)SSL_connect(session);
    server = SSL_get1_peer_certificate(session);
    if (server != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(server), &tm) == 1)
        expiry = (int64_t)timegm(&tm);
    X509_free(server);
    SSL_free(session);
    SSL_CTX_free(context);
    close(fd);
    return expiry;
}
