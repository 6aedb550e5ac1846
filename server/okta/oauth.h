/* server/okta/oauth.h: what Okta's token endpoint answers, and what its errors mean. Pure functions. */
#ifndef OKTA_OAUTH_H
#define OKTA_OAUTH_H

#include "okta/answer.h"

struct oauth_token {
    char *access_token; /* yours: wipe it */
    bool is_dpop;
    int64_t life_s; /* 1 minute to 1 day, whatever was said */
    char scope[sizeof((struct okta_grants *)NULL)->granted];
};

/* False when there is no usable token in it. `asked`: what is granted when the answer does not say. */
MUST_CHECK bool oauth_read_token(struct view body, const char *asked, struct oauth_token *out);

/* The scopes of `asked` that are not among `granted`; both with blanks between. */
void oauth_missing(const char *asked, const char *granted, char *out, size_t size);

/* {"error":"...","error_description":"..."} */
struct oauth_error {
    char name[48];         /* "invalid_client"; "": none */
    char description[121]; /* of visible ASCII, without anything that is long enough for a secret */
};
void oauth_read_error(struct view body, struct oauth_error *out);

/* Whether it speaks of time. */
bool oauth_blames_clock(const struct oauth_error *e);

/* Whether a resource found fault with our proof: as the body says, or WWW-Authenticate. */
bool oauth_blames_proof(const struct oauth_error *e, struct view auth_error);

/* Verdict and message of an answer from the token endpoint that is not DONE; or DONE without a token in it. */
void oauth_judge(const struct oauth_error *e, struct answer *answer);
void oauth_no_token(struct answer *answer);

#endif
