/* tests/emulator/oauth.h: the org's OAuth service app: its keys, what was granted to it, and the tokens made for it. */
#ifndef EMULATOR_OAUTH_H
#define EMULATOR_OAUTH_H

#include "emulator.h"
#include "jwt.h"
#include "once.h"

#define OAUTH_KEYS_MAX    50 /* as many as Okta lets an app have */
#define OAUTH_NONCE_SIZE  JWT_THUMBPRINT_SIZE
#define OAUTH_SCOPE_BYTES 1000

struct oauth_key {
    char *kid; /* "" when it has none */
    struct jwt_key *key;
};

struct oauth {
    uint64_t seed;
    char *client_id; /* NULL: there is no app */
    char *scopes;    /* granted, with blanks between */
    enum emulator_dpop dpop;
    int64_t token_life_s;
    bool is_inactive;
    struct oauth_key keys[OAUTH_KEYS_MAX];
    size_t keys_count;
    struct once once;          /* jti of assertions and of proofs */
    uint32_t token_generation; /* tokens of earlier ones are revoked */
    uint32_t nonce_generation; /* nonces of earlier ones are refused */
    uint64_t tokens_made;      /* also what tells one from another */
};

void oauth_init(struct oauth *o, const struct emulator_options *options);
void oauth_deinit(struct oauth *o);
MUST_CHECK bool oauth_add_key(struct oauth *o, struct view kid, struct view text, struct error *err);

/* The nonce of today, and whether one is of the last three days. */
void oauth_nonce(const struct oauth *o, int64_t now_ms, char out[OAUTH_NONCE_SIZE]);
bool oauth_nonce_is_good(const struct oauth *o, int64_t now_ms, struct view nonce);

/* ---- access tokens: JWTs in Okta's shape, which only we can make or read ---- */

struct oauth_token {
    struct view scopes;     /* with blanks between */
    struct view thumbprint; /* of the key that it is bound to; none: it is a bearer token */
};
/* Appends one. */
void oauth_make_token(struct oauth *o, const char *base_url, int64_t now_ms, const struct oauth_token *token,
                      struct buf *out);

enum oauth_verdict { OAUTH_GOOD, OAUTH_FORGED, OAUTH_EXPIRED, OAUTH_REVOKED };
/* What *token borrows from is in *j, which is to be deinited in any case. */
enum oauth_verdict oauth_read_token(const struct oauth *o, struct view text, int64_t now_ms, struct jwt *j,
                                    struct oauth_token *token);

/* ---- scopes ---- */

/* Takes the next word off the front; false at the end. */
bool oauth_next_scope(struct view *scopes, struct view *word);
/* Whether it is among them; `.manage` stands for `.read` too. */
bool oauth_has_scope(struct view scopes, struct view wanted);
/* Whether Okta knows a scope of that name. */
bool oauth_scope_exists(struct view scope);

/* ---- proofs of possession (RFC 9449) ---- */

struct oauth_proof_wanted {
    const char *method, *url; /* htm, and htu: without query and fragment */
    struct view access_token; /* whose hash it must hold; none at the token endpoint */
    bool needs_nonce;
    int64_t now_ms;
};
enum oauth_proof { PROOF_GOOD, PROOF_BAD, PROOF_NEEDS_NONCE };
/* *why is a sentence unless it is good; the thumbprint is that of its key. */
enum oauth_proof oauth_check_proof(struct oauth *o, struct view proof, const struct oauth_proof_wanted *wanted,
                                   char thumbprint[JWT_THUMBPRINT_SIZE], const char **why);

#endif
