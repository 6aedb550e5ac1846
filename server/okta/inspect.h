/* server/okta/inspect.h: the way to an org, step by step, for a person who asks why nothing arrives.
 *
 * Nothing here sends a request, so nothing is spent of the org's limits. Each call waits, within its bounds and until
 * `is_over` (asked ten times a second; may be NULL) says that nobody wants it any more: for a thread of its own. */
#ifndef OKTA_INSPECT_H
#define OKTA_INSPECT_H

#include "okta/okta.h"

struct inspect_limit {
    int64_t timeout_ms;
    bool (*is_over)(void *ctx);
    void *ctx;
};

/* ---- which way ---- */

enum inspect_proxy_from { INSPECT_DIRECT, INSPECT_EXCEPTED, INSPECT_CONFIGURED, INSPECT_ENVIRONMENT };
struct inspect_way {
    enum inspect_proxy_from from; /* EXCEPTED: there is a proxy, but NO_PROXY names the org */
    char proxy[256];              /* without user and password; "" when it is not used */
    bool has_user;
};
void inspect_way(const struct okta_options *o, struct inspect_way *out);

/* ---- names ---- */

struct inspect_names {
    bool is_found, timed_out;
    int64_t took_ms;
    char addresses[200]; /* the first few, with commas */
    char refused[160];   /* an address that is not asked, and why; "" there is none */
    char failure[128];   /* why there are none */
};
/* A resolver that answers nobody holds a thread of the C library's, not us. */
void inspect_names(const struct okta_options *o, const struct inspect_limit *limit, struct inspect_names *out);

/* ---- connection and TLS ---- */

struct inspect_tls {
    bool is_connected;     /* with TLS, where the org's address is https */
    bool is_proxy_failure; /* it ended at the proxy */
    bool is_certificate;   /* it ended at the certificate */
    bool is_plain;         /* http: the emulator */
    int64_t took_ms;
    char failure[200];      /* with a hint */
    char issuer[160];       /* of the org's certificate */
    int64_t expires_unix_s; /* of the org's certificate; 0: not known */
    char ca[256];           /* what is trusted, in words */
};
void inspect_tls(const struct okta_options *o, const struct inspect_limit *limit, struct inspect_tls *out);

#endif
