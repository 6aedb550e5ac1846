/* server/net/cert_name.h: the names in a client's certificate, and the lists of known names. */
#ifndef NET_CERT_NAME_H
#define NET_CERT_NAME_H

#include "base/str.h"

#define CERT_NAMES_MAX 32

/* A known subject alternative name: "DNS:api.example", "URI:spiffe://example/backend", "IP:10.0.0.7",
 * "email:backend@example". It matches as a whole, with two patterns: "DNS:*.pods.example" matches one label and the
 * rest, and "URI:spiffe://example/ns/prod/" followed by "*" matches everything below that path. */
enum cert_name_kind { CERT_NAME_DNS = 1, CERT_NAME_URI, CERT_NAME_IP, CERT_NAME_EMAIL };
struct cert_name {
    enum cert_name_kind kind;
    bool is_pattern; /* text is the part after (DNS) or before (URI) the asterisk */
    char text[256];  /* of an IP address: its bytes */
    size_t len;
};
MUST_CHECK bool cert_name_parse(struct view text, struct cert_name *out, struct error *err);
/* Appends it in the form that cert_name_parse reads. */
void cert_name_format(const struct cert_name *name, struct buf *out);

/* A subject alternative name from a certificate: any bytes; of an IP address its 4 or 16 bytes. */
struct presented_name {
    enum cert_name_kind kind;
    struct view text;
};

bool cert_name_is_listed(const struct presented_name *n, const struct cert_name *list, size_t count);

#endif
