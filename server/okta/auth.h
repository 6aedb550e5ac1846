/* server/okta/auth.h: what a request shows Okta to be let in.
 *
 * With an API token that is the token itself. A service app has a key: it signs an assertion, posts it to the org's
 * token endpoint, and gets an access token for an hour, often bound to a second key of ours, with which every request
 * must then carry a proof of its own (DPoP). This is the state of that, for one client:
 *
 *     NONE: no credential          READY: there is something to show
 *     WAITING: an access token has to come first         REFUSED: it was asked for, and Okta will not give one
 *
 * A token is asked for when it is needed, and again at four fifths of its life, one request at a time. It makes lines
 * and reads answers; the client sends. Reads the clock that it was given, and random numbers. */
#ifndef OKTA_AUTH_H
#define OKTA_AUTH_H

#include "okta/answer.h"
#include "okta/attempt.h"
#include "okta/secret.h"

#define AUTH_NONCE_MAX HEADERS_NONCE_MAX

enum auth_state { AUTH_NONE, AUTH_READY, AUTH_WAITING, AUTH_REFUSED };

/* What is to be done after an answer of the token endpoint. */
enum auth_next {
    AUTH_GOT,   /* go on with what waits */
    AUTH_AGAIN, /* ask again at once: with the nonce, or by Okta's clock */
    AUTH_FAILED /* tell what waits `failure` */
};

struct auth {
    /* set once */
    const struct okta_url *url;
    const struct clock *clock;

    struct secret secret;
    uint64_t access; /* counts credentials and access tokens: names the one that a request went out with */
    int64_t skew_s;  /* Okta's clock minus ours */

    /* a service app's */
    char *access_token; /* NULL: none */
    bool is_dpop;
    int64_t renew_mono_ms, expires_mono_ms;
    struct okta_grants grants;
    struct key *proof_key; /* lives as long as the client; NULL: not yet made */
    char nonce[AUTH_NONCE_MAX + 1];

    /* the request for an access token */
    bool is_asking;
    bool was_challenged, was_late; /* in this round: each is cured once */
    int64_t not_before_mono_ms;
    struct okta_answer failure; /* of the last round */
};

void auth_init(struct auth *a, const struct okta_url *url, const struct clock *clock);
void auth_deinit(struct auth *a); /* wipes */

/* Replaces the credential and forgets all that the old one had led to. */
void auth_set(struct auth *a, struct view credential);

enum auth_state auth_state(const struct auth *a, int64_t now_mono_ms);

/* Whether an access token is to be asked for now, if anything is to be sent; and when that is worth another look
 * (INT64_MAX: only when something else happens). */
bool auth_wants_token(const struct auth *a, int64_t now_mono_ms);
int64_t auth_due_mono_ms(const struct auth *a, int64_t now_mono_ms);

/* The lines that let a GET of `path` in; READY. */
void auth_sign(struct auth *a, struct attempt *t, struct view path);

/* Body and proof of a request for an access token. It ends with auth_answered or auth_dropped. */
void auth_ask(struct auth *a, struct attempt *t);
void auth_dropped(struct auth *a);

/* `answer` is as the rules read it; its verdict and message are put right for this endpoint. Call auth_settle after
 * AUTH_FAILED, when the time of asking again is known. */
enum auth_next auth_answered(struct auth *a, const struct attempt *t, struct answer *answer);
void auth_settle(struct auth *a, const struct okta_answer *told, int64_t now_mono_ms);

/* Any answer tells Okta's time, and maybe the next nonce. */
void auth_learn(struct auth *a, const struct headers *headers);

/* Whether a request that was refused can be let in by a new access token or proof: once each. */
bool auth_can_cure(struct auth *a, struct attempt *t, const struct answer *answer);

#endif
