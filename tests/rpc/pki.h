/* tests/rpc/pki.h: certificate authorities and certificates, generated as files. */
#ifndef TESTS_RPC_PKI_H
#define TESTS_RPC_PKI_H

#include <stdint.h>

struct pki_ca;

/* A CA, whose certificate is written to the path (NULL: nowhere). */
struct pki_ca *pki_ca_create(const char *name, const char *path);
void pki_ca_destroy(struct pki_ca *ca);

/* A certificate of the CA's and its key, each written to its path. `names` are subject alternative names as OpenSSL's
 * configuration has them: "DNS:localhost,IP:127.0.0.1"; NULL: none. Valid from so many seconds from now until so many.
 */
void pki_issue(struct pki_ca *ca, const char *names, int64_t from_s, int64_t until_s, const char *cert_path,
               const char *key_path);

#endif
