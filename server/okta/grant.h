/* server/okta/grant.h: what Okta's token endpoint answers, and what its errors mean. Pure functions. */
#ifndef OKTA_GRANT_H
#define OKTA_GRANT_H

#include "okta/answer.h"

struct grant_token {
    char *access_token; /* yours: wipe it */
    bool is_dpop;
    int64_t life_s; /* 1 minute to 1 day, whatever was said */
    char scope[sizeof((struct okta_grants *)NULL)->granted];
};

/* False when there is no usable token in it. `asked`: what is granted when the answer does not say. */
MUST_CHECK bool grant_read_token(struct view body, const char *asked, struct grant_token *out);

/* The scopes of `asked` that are not among `granted`; both with blanks between. */
void grant_missing(const char *asked, const char *granted, char *out, size_t size);

/* {"error":"...","error_description":"..."} */
struct grant_error {
    char name[48];         /* "invalid_client"; "": none */
    char description[121]; /* of visible ASCII, without anything that is long enough for a secret */
};
void grant_read_error(struct view body, struct grant_error *out);

/* Whether it speaks of time. */
bool grant_blames_clock(const struct grant_error *e);

/* Whether a resource found fault with our proof: as the body says, or WWW-Authenticate. */
bool grant_blames_proof(const struct grant_error *e, struct view auth_error);

/* Verdict and message of an answer from the token endpoint that is not DONE; or DONE without a token in it. */
void grant_judge(const struct grant_error *e, struct answer *answer);
void grant_no_token(struct answer *answer);

#endif
