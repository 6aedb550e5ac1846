/* server/okta/okta.h: what the rest of the connector may ask of Okta.
 *
 * Two faces. Above: `struct okta`, a client of one org for one thread, which authorises, budgets, sends, classifies and
 * calls back. Below: `struct okta_transport`, the one place where tests stand in for the network (the emulator plugs in
 * here), and which http.c implements on curl.
 *
 * GET only: there is no way to say another method. The one POST that exists is the client's own, to the org's token
 * endpoint, for the access token of a service app. Which paths, is a list: allowed.h. Every request goes to the
 * configured scheme, host and port, whatever a link said. No cookie is kept, no redirect followed. Time is an argument,
 * or comes from the clock that was handed in. */
#ifndef OKTA_OKTA_H
#define OKTA_OKTA_H

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#define OKTA_BODY_BYTES_MAX   (32u << 20) /* after decompression; a full log page is 2-4 MB */
#define OKTA_HEADER_BYTES_MAX (64u << 10) /* Okta's security headers alone are several KB */
#define OKTA_PATH_BYTES_MAX   8192
#define OKTA_IN_FLIGHT_MAX    4     /* of the org's 75, of which one token gets half */
#define OKTA_TIMEOUT_MS       60000 /* whole request; Okta itself gives up on a log query after 30 s */
#define OKTA_CONNECT_MS       10000
#define OKTA_ERROR_CODE_MAX   15
#define OKTA_REQUEST_ID_MAX   63
#define OKTA_SCOPE_MAX        63

#define OKTA_TOKEN_PATH           "/oauth2/v1/token"
#define OKTA_CREDENTIAL_BYTES_MAX 8192 /* an RSA key of 8192 bits in JSON fits */

/* ---- the org's address ---- */

struct okta_url {
    char text[512]; /* "https://acme.okta.com", no slash at the end */
    char host[256]; /* "acme.okta.com", lower case, without port */
};

/* Accepts "acme", "acme.okta.com", "https://acme.okta.com/"; white space around it is dropped. Refuses in a sentence
 * that says what to write instead: an -admin host (with the corrected name; reason ADMIN_HOST), a placeholder such as
 * "{yourOktaDomain}", a path, query, user info, IP literal, another scheme (ORG_INVALID). `allow_loopback_http` lets
 * "http://127.0.0.1:PORT" through. */
MUST_CHECK bool okta_url_parse(struct view text, bool allow_loopback_http, struct okta_url *out, struct error *err);

/* Trims; refuses in a sentence: empty, white space or control characters inside, quotes around it, placeholders such as
 * "${OKTA_TOKEN}", "<token>", "xxx", "changeme", an "SSWS " prefix, longer than 4096. Reason TOKEN_INVALID; the text
 * never repeats the token. `out` borrows from `text`. */
MUST_CHECK bool okta_token_check(struct view text, struct view *out, struct error *err);

/* A credential is one text: an API token, or, when it begins with "{", the JSON of an OAuth service app:
 * {"client_id":"0oa...","private_key":"PEM, or a JWK as string or object","key_id":"..."} (key_id may stay out).
 * Appends to `normalised` what is to be kept of it and given to okta_set_credential: the same for the same credential
 * however it was written, and fit for okta_credential_check again. Refuses in a sentence that never repeats any of it:
 * reason TOKEN_INVALID for a token, CREDENTIAL_INVALID for a service app. `normalised` needs a cap of
 * OKTA_CREDENTIAL_BYTES_MAX. */
MUST_CHECK bool okta_credential_check(struct view text, struct buf *normalised, struct error *err);

/* What can be wrong with "http://user:password@proxy.example:3128" (also https, socks5, socks5h), and with a file of CA
 * certificates in PEM. INVALID_ARGUMENT; the text never repeats the proxy's password. */
MUST_CHECK bool okta_proxy_check(const char *proxy, struct error *err);
MUST_CHECK bool okta_ca_file_check(const char *path, struct error *err);

/* ---- requests ---- */

/* Who goes first when a bucket is short. */
enum okta_priority {
    OKTA_PRIORITY_TAIL,
    OKTA_PRIORITY_READ,
    OKTA_PRIORITY_SYNC,
    OKTA_PRIORITY_BACKFILL,
    OKTA_PRIORITY_SWEEP,
    OKTA_PRIORITIES
};

/* What an answer means for who asked. */
enum okta_verdict {
    OKTA_DONE,      /* 200 with a body */
    OKTA_RETRY,     /* passing: network, time-out, 5xx, 429: ask again at retry_mono_ms */
    OKTA_SMALLER,   /* the page was too much for Okta (E0000009, time-out twice): ask for half */
    OKTA_RESTART,   /* the cursor is dead: begin this listing again */
    OKTA_GONE,      /* 404: the object or feature is not there */
    OKTA_FORBIDDEN, /* a role is missing for this kind of data */
    OKTA_SCOPE_MISSING,
    OKTA_FEATURE_ABSENT,
    OKTA_CREDENTIAL_REFUSED, /* dead token */
    OKTA_BROKEN,             /* our request or their answer makes no sense: a bug, or not Okta */
    OKTA_CANCELLED,          /* okta_destroy or okta_cancel_all */
};

struct okta_answer {
    enum okta_verdict verdict;
    int http_status;         /* 0: none came */
    struct view body;        /* OKTA_DONE: valid until the callback returns */
    struct view next;        /* path and query of the rel="next" link, or none. Likewise */
    bool next_was_foreign;   /* the link named another host, which was not followed */
    bool is_address_refused; /* OKTA_RETRY: the org's name leads to an address that is not asked */
    char error_code[OKTA_ERROR_CODE_MAX + 1];
    char request_id[OKTA_REQUEST_ID_MAX + 1];
    char missing_scope[OKTA_SCOPE_MAX + 1]; /* OKTA_SCOPE_MISSING: which, where Okta named it */
    char message[200];                      /* what went wrong, as a sentence without secrets; "" when DONE */
    int64_t date_unix_s;                    /* Okta's clock; 0 when it did not say */
    int64_t retry_mono_ms;                  /* OKTA_RETRY: not before */
    int64_t sent_mono_ms, received_mono_ms;
};

struct okta_request {
    struct view path; /* "/api/v1/logs?since=..."; borrowed until done is called */
    enum okta_priority priority;
    const char *who;   /* a short name for Status, such as "logins"; borrowed likewise; may be NULL */
    bool is_anonymous; /* without credential: /.well-known/okta-organization */
    /* Once, from within okta_run (or what cancels). It may send this request again, or others. */
    void (*done)(struct okta_request *r, const struct okta_answer *answer);
    void *ctx;
    struct okta_request *next; /* internal */
    void *exchange;            /* internal */
};

struct okta;
struct okta_transport;

struct okta_options {
    struct okta_url url;
    const struct clock *clock;
    struct okta_transport *transport; /* borrowed; NULL: curl, made and owned by the client */
    int share_percent;                /* of each bucket that we may spend, 1 to 100; 0 is 50 */
    const char *user_agent;           /* NULL: "okta-connector/VERSION" */
    const char *proxy;                /* NULL or "": as the environment says; NO_PROXY goes before either */
    const char *ca_file;              /* NULL or "": the system's alone; else these are trusted too */
    bool allow_private;               /* the org may be at a private address; never at a link-local one */
};

/* The client belongs to the thread that uses it, but for okta_wake. */
struct okta *okta_create(const struct okta_options *options);
void okta_destroy(struct okta *o); /* ends what is under way (done is called with OKTA_CANCELLED, and must not send
                                      again); bounded in time; not from a done callback */

/* What okta_credential_check has passed; copied, and wiped when replaced. None, or what is no credential, makes
 * requests fail with OKTA_CREDENTIAL_REFUSED. For a service app the client gets an access token when a request needs
 * one, and renews it in time; meanwhile requests wait in their queues. */
void okta_set_credential(struct okta *o, struct view credential);

/* Another share_percent (1 to 100) from now on; what was spent in a window stays spent. */
void okta_set_share(struct okta *o, int share_percent);

/* What Okta has granted to a service app, as of the last access token. */
struct okta_grants {
    bool is_known;     /* there has been an access token; never for an API token */
    bool is_dpop;      /* the token is bound to a key */
    char granted[256]; /* scopes, with a blank between; cut between two when there are too many */
    char missing[128]; /* of those we asked for, the ones not granted */
};
struct okta_grants okta_grants(const struct okta *o);

/* Queues a request. It is sent when its bucket and lane allow, inside okta_run. It is sent once, but for what can be
 * cured at once, and is tried again, once each: a kept connection that had died unnoticed, and Okta's "invalid
 * session", by a connection of its own; an access token that Okta no longer takes, and a proof that lacks its nonce, by
 * a new one. At most 4,096 wait at a time (ASSERT). */
void okta_send(struct okta *o, struct okta_request *r);

/* Sends what may be sent, moves bytes, calls back; waits at most timeout_ms, less when something happens or okta_wake
 * is called. */
void okta_run(struct okta *o, int64_t timeout_ms);

/* Any thread: makes a waiting okta_run return. */
void okta_wake(struct okta *o);

/* The org's other programs are short of requests: until then only half of our share is spent, and history and sweeps
 * pause (for some minutes at most). */
void okta_yield(struct okta *o, int64_t until_mono_ms);

/* Every request that is queued or under way ends with OKTA_CANCELLED, before this returns. A done callback may call it.
 */
void okta_cancel_all(struct okta *o);

/* ---- what is left to spend, for Status ---- */

#define OKTA_BUCKETS_MAX     16
#define OKTA_BUCKET_NAME_MAX 47

struct okta_bucket {
    char name[OKTA_BUCKET_NAME_MAX + 1]; /* "/api/v1/logs" */
    int32_t limit, remaining, spent, share_percent;
    int64_t reset_unix_s;          /* on Okta's clock; 0 unknown */
    int64_t blocked_until_mono_ms; /* a request waits for it; 0 none does */
    enum okta_priority blocked_priority;
    char blocked_who[24]; /* `who` of the first request that waits for it; "" when none does, or it has no name */
    char reason[120];     /* why it waits, as a sentence; "" when it does not */
};
/* Copies up to OKTA_BUCKETS_MAX; returns how many. */
size_t okta_buckets(const struct okta *o, struct okta_bucket out[OKTA_BUCKETS_MAX]);

struct okta_counts {
    uint64_t requests, answers_429, failed; /* answered or not; of these 429; of these neither 2xx nor 429 */
    uint64_t answers[6]; /* by the status' first digit, 429 among the 4xx; [0]: none came, [1]: anything else */
};
struct okta_counts okta_counts(const struct okta *o);

/* The time between polls that leaves half of our share of a bucket unused, for an idle tail: between 5 s and 30 s. */
int64_t okta_idle_interval_ms(const struct okta *o, struct view path);

/* ---- below: what carries a request ---- */

struct okta_header_sink;

/* One GET, or the one POST, on its way. The client owns it and keeps it until `finished`. */
struct okta_exchange {
    /* set by the client */
    char *url;                  /* whole */
    const char *const *headers; /* "Name: value", NULL-terminated */
    const char *post_body;      /* NULL: a GET. Else a POST, whose path is OKTA_TOKEN_PATH (ASSERT) */
    int64_t connect_ms, timeout_ms;
    size_t body_bytes_max, header_bytes_max;
    bool is_fresh_connection; /* on a connection of its own making, not one that was kept */
    void *owner;

    /* filled in by the transport */
    int http_status;           /* 0: none */
    struct buf head;           /* header lines, "Name: value\r\n" each, of the final answer only */
    struct buf body;           /* decompressed */
    char failure[160];         /* why there is no whole answer; "" when there is one */
    bool was_stale_connection; /* a reused connection died before the first byte of an answer */
    bool timed_out;            /* the request went out, and the time ran out over the answer */
    bool is_off_list;          /* it was not sent: nothing of ours asks for that (see allowed.h) */
    bool is_address_refused;   /* it was not sent: the org's name leads to where no org is (see address.h) */
    void *transfer;            /* the transport's own */
};

struct okta_transport {
    /* Begins; ends later, inside run, with finished(). */
    void (*start)(struct okta_transport *t, struct okta_exchange *x);
    void (*cancel)(struct okta_transport *t, struct okta_exchange *x); /* no finished() after it */
    void (*run)(struct okta_transport *t, int64_t timeout_ms);
    void (*wake)(struct okta_transport *t); /* any thread */
    void (*destroy)(struct okta_transport *t);
    void (*finished)(void *ctx, struct okta_exchange *x); /* set by the client */
    void *ctx;
};

/* libcurl: HTTP/2 with fall-back, gzip, TLS 1.2 or later, no cookies, no redirects. What is not the org's, or not on
 * the list of allowed.h, is not sent; nor is anything to an address that is not the internet's, unless it may. Call
 * okta_global_init once, before threads: it also wipes proxies' passwords in the environment. Of the options it takes
 * all but clock, transport and share. */
bool okta_global_init(struct error *err);
struct okta_transport *okta_transport_curl(const struct okta_options *options);

#endif
