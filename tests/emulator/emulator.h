/* tests/emulator/emulator.h: an Okta org, as a library: a request and the time go in, a response comes out.
 *
 * Deterministic: the same options, requests and times give the same answers. It reads no clock and opens no socket. One
 * thread at a time. What it does is what Okta's documents say and what recorded traffic shows; where those are silent,
 * a comment says what was chosen. It keeps a truth record of every event that it made visible. */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include "base/str.h"

struct emulator;

/* Whose rights the API token and the service app have. */
enum emulator_role {
    EMULATOR_ROLE_READ_ONLY,
    EMULATOR_ROLE_REPORT, /* the log alone */
    EMULATOR_ROLE_SUPER,
    EMULATOR_ROLE_ORG,
    EMULATOR_ROLE_APP,
    EMULATOR_ROLE_HELP_DESK,
    EMULATOR_ROLE_NONE,
    EMULATOR_ROLES,
};

enum emulator_dpop {
    EMULATOR_DPOP_OFF,      /* a token is bound to a key only when its request came with a proof */
    EMULATOR_DPOP_REQUIRED, /* as for new service apps */
    EMULATOR_DPOP_STRICT,   /* and each call needs a proof with a nonce */
};

/* How Link headers are written. */
enum emulator_links {
    EMULATOR_LINKS_PLAIN,    /* a line for each, as recorded */
    EMULATOR_LINKS_FOLDED,   /* all on one line, with commas */
    EMULATOR_LINKS_LOWER,    /* the name in lower case */
    EMULATOR_LINKS_UNQUOTED, /* rel=next */
};

/* "read-only", "report"...; "off", "required", "strict". */
MUST_CHECK bool emulator_role_named(struct view name, enum emulator_role *out);
MUST_CHECK bool emulator_dpop_named(struct view name, enum emulator_dpop *out);
MUST_CHECK bool emulator_links_named(struct view name, enum emulator_links *out); /* "plain", "folded", "lower"... */

struct emulator_options {
    uint64_t seed;
    const char *base_url; /* in Link headers: "http://127.0.0.1:43210"; copied */
    const char *org_id;   /* NULL: "00oemulator" and digits from the seed */
    const char *token;    /* the API token that works; copied */
    uint32_t users;       /* of whom one in 20 is DEPROVISIONED, some are in every other state */
    uint32_t apps;
    uint64_t history_events; /* spread over history_days before start_unix_ms */
    uint32_t history_days;
    int64_t start_unix_ms;  /* "now" at the beginning */
    int64_t login_every_ms; /* a new login event about that often from start on; 0: none by itself */
    uint32_t late_percent;  /* of new events: persisted seconds to minutes after they were published */
    uint32_t other_percent; /* of all events: types that are no login */
    int32_t logs_limit, users_limit, other_limit; /* requests a minute, as the headers show them; 0: 60, 300, 300 */
    int32_t neighbour_percent;                    /* of each bucket, used by other tools of the org */
    int64_t index_lag_ms;                         /* how far `search` lags behind */

    /* The neighbours' burst: in one minute of four they take so much of each bucket at once. */
    int32_t burst_percent;
    int64_t cursor_life_ms; /* of the log's cursors, to within a quarter; 0: for ever */

    /* Where sources differ, or things between have their ways. */
    enum emulator_links links;
    bool has_no_next_when_empty; /* an empty polling page of the log has no `next` */
    bool has_next_when_full;     /* a last page that is exactly full has a `next`, to an empty one */

    enum emulator_role role;
    const char *client_id; /* of an OAuth service app; NULL: there is none. Give it keys by emulator_add_key */
    const char *scopes;    /* granted to it, with blanks between; NULL: users, groups, apps, logs and orgs, to read */
    enum emulator_dpop dpop;
    int64_t token_life_s;   /* of access tokens; 0: 3600 */
    bool is_base_url_fixed; /* emulator_set_base_url changes nothing: something stands in front */
};

struct emulator *emulator_create(const struct emulator_options *options);
void emulator_destroy(struct emulator *e);
/* Once the port is known. */
void emulator_set_base_url(struct emulator *e, const char *base_url);

/* What can happen to an answer. */
enum emulator_fault_kind {
    EMULATOR_FAULT_ANSWER, /* it is the right one, late perhaps */
    /* another answer */
    EMULATOR_FAULT_STATUS,      /* this status, with code, body and headers as given, or those usual for it */
    EMULATOR_FAULT_LIMIT,       /* 500 E0000009 when more than `limit` are asked for */
    EMULATOR_FAULT_CONCURRENCY, /* 429 with limit and remaining 0, and a reset two minutes away */
    EMULATOR_FAULT_HTML,        /* 200 and a page of somebody else's */
    EMULATOR_FAULT_GARBAGE,     /* 200 and bytes that mean nothing */
    EMULATOR_FAULT_DEEP,        /* 100,000 arrays in each other */
    EMULATOR_FAULT_HUGE,        /* an empty list, and `bytes` of blanks after it; 0: 100 MB */
    /* the right answer, spoilt */
    EMULATOR_FAULT_TYPE,      /* called text/plain */
    EMULATOR_FAULT_DUPLICATE, /* a key stands twice in an object */
    EMULATOR_FAULT_UTF8,      /* what is no UTF-8 in a string */
    /* the right answer, on a bad way; whoever carries it does this: see struct emulator_delivery */
    EMULATOR_FAULT_DRIP,
    EMULATOR_FAULT_STALL,
    EMULATOR_FAULT_RESET,
    EMULATOR_FAULT_RESET_BODY,
    EMULATOR_FAULT_TRUNCATED,
    EMULATOR_FAULT_TRUNCATED_GZIP,
    EMULATOR_FAULT_CLOSE,
    EMULATOR_FAULTS,
};

struct emulator_fault {
    enum emulator_fault_kind kind;
    int status;
    const char *code, *body, *headers; /* NULL: the usual; headers: "Name: value\r\n" each */
    int64_t delay_ms;                  /* before the first byte, whatever the kind */
    uint32_t drip_bytes, drip_ms;      /* so many at a time; 0: 512 each 100 ms */
    uint32_t limit;
    uint64_t bytes;
};

/* To which requests. A request is for the first rule whose turn it is. */
struct emulator_fault_rule {
    struct emulator_fault what;
    const char *prefix, *method; /* of the target; NULL: any */
    uint32_t skip;               /* so many at first */
    uint32_t every;              /* then each such; 0 and 1: all */
    uint32_t per_million;        /* of these, by chance; 0: all */
    uint64_t seed;               /* of the chance */
    uint32_t count;              /* so often; 0: without end */
};

struct emulator_request {
    const char *method;        /* "GET" */
    struct view target;        /* path and query, as sent */
    struct view authorization; /* header value; none when absent */
    struct view cookie;        /* none when absent; any is counted as a test failure */
    struct view content_type, accept;
    struct view dpop;                   /* header value: a proof of possession; none when absent */
    struct view body;                   /* of a POST */
    const struct emulator_fault *fault; /* happens to this one, whatever the rules say; NULL: they decide */
    int64_t now_unix_ms;                /* never goes back; time passes by this alone */
};

/* What is to happen to a response on its way. All zero: nothing. */
struct emulator_delivery {
    enum emulator_fault_kind how; /* DRIP and those after it, or ANSWER:
                                     DRIP: drip_bytes each drip_ms; STALL: half the body, then silence;
                                     RESET: no byte, the connection breaks; RESET_BODY: it breaks in the body;
                                     TRUNCATED: it closes in the body; TRUNCATED_GZIP: the body ends, its compression
                                     does not; CLOSE: well, but the connection then dies unnoticed */
    int64_t delay_ms;
    uint32_t drip_bytes, drip_ms;
    uint64_t blanks; /* that follow the body */
};

struct emulator_response {
    int status;
    struct buf head;  /* "Name: value\r\n" each */
    struct view body; /* valid until the next call */
    struct emulator_delivery delivery;
    bool has_link; /* internal */
};

/* *out must be initialised with emulator_response_init; head is reset. */
void emulator_response_init(struct emulator_response *out);
void emulator_response_deinit(struct emulator_response *out);
void emulator_answer(struct emulator *e, const struct emulator_request *request, struct emulator_response *out);

/* ---- control, as the __ endpoints do ---- */

/* Lets time pass: what became due by then is persisted. emulator_answer does so itself. */
void emulator_advance(struct emulator *e, int64_t now_unix_ms);
void emulator_stop_logins(struct emulator *e); /* none is made by itself from now on; late ones still come */
/* Persists one event with this JSON text as it is (for hostile pages), or a generated one when none. published_ms goes
 * into the generated one; late ones are persisted now but published then. */
void emulator_add_event(struct emulator *e, int64_t now_unix_ms, int64_t published_ms, const char *event_type,
                        struct view json);
/* An ACTIVE user. The login is 1 to 200 bytes of UTF-8 without quotes, backslashes and control characters. */
void emulator_add_user(struct emulator *e, int64_t now_unix_ms, const char *login);
bool emulator_login_is_fit(struct view login);
enum emulator_user_change {
    EMULATOR_USER_UPDATE, /* of the profile */
    EMULATOR_USER_SUSPEND,
    EMULATOR_USER_DEACTIVATE, /* DEPROVISIONED */
    EMULATOR_USER_ACTIVATE,
    EMULATOR_USER_DELETE, /* gone, without a trace in any list */
};
/* The user by id or login; false when there is none. */
MUST_CHECK bool emulator_change_user(struct emulator *e, int64_t now_unix_ms, struct view name,
                                     enum emulator_user_change change);
void emulator_revoke_token(struct emulator *e);
void emulator_set_token(struct emulator *e, const char *token);
/* A public key of the service app, PEM or JWK. Without a kid, that of the JWK, or none. */
MUST_CHECK bool emulator_add_key(struct emulator *e, struct view kid, struct view text, struct error *err);
/* Who asks loses or gets rights, from the next request on. Scopes: of tokens made from now on. */
void emulator_set_role(struct emulator *e, enum emulator_role role);
void emulator_set_scopes(struct emulator *e, const char *scopes);
void emulator_set_dpop(struct emulator *e, enum emulator_dpop dpop);
/* An inactive client gets no token, and those that it has are dead. */
void emulator_set_client_active(struct emulator *e, bool is_active);
void emulator_revoke_access_tokens(struct emulator *e);
void emulator_rotate_nonce(struct emulator *e); /* every nonce given out until now is refused */
/* Whether requests come from outside the network zones that the credentials are bound to. */
void emulator_set_outside_zone(struct emulator *e, bool is_outside);
/* Every logs cursor given out until now is answered 400 E0000031. */
void emulator_expire_cursors(struct emulator *e);
/* The next `count` requests whose target begins with `prefix` get this answer instead; without a body, the usual one of
 * that status. False when 32 rules are waiting already. */
bool emulator_fault(struct emulator *e, const char *prefix, uint32_t count, int status, const char *body);
MUST_CHECK bool emulator_add_fault(struct emulator *e, const struct emulator_fault_rule *rule);
/* Rules as text: see the README. On failure those before the line at fault are in force. */
MUST_CHECK bool emulator_load_faults(struct emulator *e, struct view script, struct error *err);
void emulator_clear_faults(struct emulator *e);
uint64_t emulator_faults_done(const struct emulator *e);

/* The truth: every event made visible, in the order of persistence. */
struct emulator_truth {
    const char *uuid, *event_type; /* as long as the emulator lives; "" where a given text names none */
    int64_t published_ms, persisted_ms;
    bool is_login; /* its type is in the emulator's own list of sign-in types, made from Okta's documents */
};
size_t emulator_truth_count(const struct emulator *e);
struct emulator_truth emulator_truth_at(const struct emulator *e, size_t index);
size_t emulator_user_count(const struct emulator *e); /* those deleted among them */
/* The id of a user, ascending by creation. */
const char *emulator_user_id(const struct emulator *e, size_t index);

/* Requests so far whose path begins with prefix ("" for all). */
uint64_t emulator_requests(const struct emulator *e, const char *prefix);
/* The paths that were asked for, each once, without query. As long as the emulator lives. */
size_t emulator_path_count(const struct emulator *e);
const char *emulator_path_at(const struct emulator *e, size_t index);
/* Requests that no read-only client may make (a method other than GET, but for POST to the token endpoint; a cookie; a
 * doubled parameter); 0 is right. */
uint64_t emulator_violations(const struct emulator *e);
uint64_t emulator_answers_429(const struct emulator *e);

#endif
