#include "okta/auth.h"

#include "base/assert.h"
#include "base/mem.h"
#include "okta/grant.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ASSERTION_LIFE_S 300 /* Okta takes an hour at most */
#define BACKDATE_S       5   /* a token from the future is refused, and Date is cut to whole seconds */

#define RENEW_PERCENT 80 /* of its life */

/* A refusal is good for so long: what asks meanwhile is told the same. Shorter than the time after which the poller
 * makes sure; longer while the old access token still works. */
#define REFUSED_HOLD_MS 4000
#define RENEWAL_HOLD_MS 60000

#define STRAYS_MAX 2 /* tries with an access token that was replaced while the answer was on its way */

#define JTI_BYTES 16

static const char ASKED_SCOPES[] = "okta.users.read okta.logs.read";

void auth_init(struct auth *a, const struct okta_url *url, const struct clock *clock)
{
    *a = (struct auth){ .url = url, .clock = clock };
}

static void forget_token(struct auth *a)
{
    attempt_wipe(a->access_token);
    a->access_token = NULL;
    a->access++;
}

void auth_deinit(struct auth *a)
{
    forget_token(a);
    secret_deinit(&a->secret);
    key_destroy(a->proof_key);
    explicit_bzero(a, sizeof *a);
}

void auth_set(struct auth *a, struct view credential)
{
    struct error why;

    forget_token(a);
    secret_deinit(&a->secret);
    if (!secret_read(credential, &a->secret, &why))
        a->secret = (struct secret){ .token = NULL };
    a->grants = (struct okta_grants){ .is_known = false };
    a->failure = (struct okta_answer){ .verdict = OKTA_RETRY };
    a->not_before_mono_ms = 0;
    a->is_asking = a->was_challenged = a->was_late = false;
}

/* ---- its state ---- */

static bool has_access(const struct auth *a, int64_t now_mono_ms)
{
    return a->access_token != NULL && now_mono_ms < a->expires_mono_ms;
}

enum auth_state auth_state(const struct auth *a, int64_t now_mono_ms)
{
    if (a->secret.key == NULL)
        return a->secret.token != NULL ? AUTH_READY : AUTH_NONE;
    if (has_access(a, now_mono_ms))
        return AUTH_READY;
    return a->failure.verdict != OKTA_RETRY && now_mono_ms < a->not_before_mono_ms ? AUTH_REFUSED : AUTH_WAITING;
}

static bool is_fresh(const struct auth *a, int64_t now_mono_ms)
{
    return a->access_token != NULL && now_mono_ms < a->renew_mono_ms;
}

bool auth_wants_token(const struct auth *a, int64_t now_mono_ms)
{
    return a->secret.key != NULL && !is_fresh(a, now_mono_ms) && !a->is_asking && now_mono_ms >= a->not_before_mono_ms;
}

int64_t auth_due_mono_ms(const struct auth *a, int64_t now_mono_ms)
{
    bool waits = a->secret.key != NULL && !has_access(a, now_mono_ms) && !a->is_asking;

    return waits && a->not_before_mono_ms > now_mono_ms ? a->not_before_mono_ms : INT64_MAX;
}

/* ---- what is signed ---- */

static int64_t okta_unix_s(const struct auth *a)
{
    return clock_unix_ms(a->clock) / 1000 + a->skew_s;
}

static void put_base64url(json_t *claims, const char *name, const void *bytes, size_t len)
{
    AUTO_BUF struct buf text = BUF(64);

    base64url_encode((struct view){ bytes, len }, &text);
    ASSERT(json_object_set_new(claims, name, json_string(buf_cstr(&text))) == 0);
}

/* What every token of ours says: when, and a name that is never used again. */
static json_t *claims_of(const struct auth *a)
{
    json_t *claims = json_object();
    uint8_t name[JTI_BYTES];

    ASSERT(getrandom(name, sizeof name, 0) == (ssize_t)sizeof name);
    ASSERT(claims != NULL);
    ASSERT(json_object_set_new(claims, "iat", json_integer(okta_unix_s(a) - BACKDATE_S)) == 0);
    put_base64url(claims, "jti", name, sizeof name);
    return claims;
}

static char *sign(const struct key *key, const char *type, bool shows_key, json_t *claims)
{
    AUTO_BUF struct buf payload = BUF(OKTA_PATH_BYTES_MAX * 8);
    size_t len = json_dumpb(claims, NULL, 0, JSON_COMPACT);
    char *at = buf_extend(&payload, len);

    ASSERT(at != NULL && json_dumpb(claims, at, len, JSON_COMPACT) == len);
    json_decref(claims);
    return key_sign(key, type, shows_key, buf_view(&payload));
}

/* The client's assertion of who it is. */
static char *assertion(const struct auth *a)
{
    json_t *claims = claims_of(a), *client = json_string(a->secret.client_id);

    ASSERT(json_object_set(claims, "iss", client) == 0 && json_object_set_new(claims, "sub", client) == 0);
    ASSERT(json_object_set_new(claims, "aud", json_sprintf("%s" OKTA_TOKEN_PATH, a->url->text)) == 0);
    ASSERT(json_object_set_new(claims, "exp", json_integer(okta_unix_s(a) + ASSERTION_LIFE_S)) == 0);
    return sign(a->secret.key, "JWT", false, claims);
}

/* "Prefix " and text in one line; the text is wiped. */
static char *line_of(const char *prefix, char *text)
{
    size_t head = strlen(prefix), len = strlen(text);
    char *line = mem_alloc(head + len + 1);

    memcpy(line, prefix, head);
    memcpy(line + head, text, len + 1);
    attempt_wipe(text);
    return line;
}

/* The proof that we hold the key which the access token is bound to: for one method, one URL, one time. */
static char *proof_line(struct auth *a, const char *method, struct view path, const char *access_token)
{
    json_t *claims = claims_of(a);
    const char *query = memchr(path.at, '?', path.len);
    int len = (int)(query != NULL ? (size_t)(query - path.at) : path.len);
    uint8_t hash[SHA256_DIGEST_LENGTH];

    if (a->proof_key == NULL)
        a->proof_key = key_make();
    ASSERT(json_object_set_new(claims, "htm", json_string(method)) == 0);
    ASSERT(json_object_set_new(claims, "htu", json_sprintf("%s%.*s", a->url->text, len, path.at)) == 0);
    if (a->nonce[0] != '\0')
        ASSERT(json_object_set_new(claims, "nonce", json_string(a->nonce)) == 0);
    if (access_token != NULL)
        put_base64url(claims, "ath", SHA256((const uint8_t *)access_token, strlen(access_token), hash), sizeof hash);
    return line_of("DPoP: ", sign(a->proof_key, "dpop+jwt", true, claims));
}

void auth_sign(struct auth *a, struct attempt *t, struct view path)
{
    t->access = a->access;
    if (a->secret.token != NULL) {
        t->authorization = line_of("Authorization: SSWS ", mem_strdup(a->secret.token));
        return;
    }
    t->authorization =
        line_of(a->is_dpop ? "Authorization: DPoP " : "Authorization: Bearer ", mem_strdup(a->access_token));
    if (a->is_dpop)
        t->proof = proof_line(a, "GET", path, a->access_token);
}

void auth_ask(struct auth *a, struct attempt *t)
{
    AUTO_BUF struct buf scope = BUF(256);

    a->is_asking = true;
    url_encode(VIEW(ASKED_SCOPES), &scope);
    buf_puts(&scope, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                     "&client_assertion=");
    t->body = line_of(buf_cstr(&scope), assertion(a));
    t->body = line_of("grant_type=client_credentials&scope=", t->body);
    /* Whether the app wants a proof is not known before; one that does not want it does not look at it. */
    t->proof = proof_line(a, "POST", VIEW(OKTA_TOKEN_PATH), NULL);
}

void auth_dropped(struct auth *a)
{
    a->is_asking = false;
}

/* ---- what comes back ---- */

void auth_learn(struct auth *a, const struct headers *headers)
{
    if (headers->date_unix_s > 0)
        a->skew_s = headers->date_unix_s - clock_unix_ms(a->clock) / 1000;
    if (headers->dpop_nonce.len > 0 && headers->dpop_nonce.len <= AUTH_NONCE_MAX)
        snprintf(a->nonce, sizeof a->nonce, VIEW_FMT, VIEW_ARG(headers->dpop_nonce));
}

static void end_round(struct auth *a)
{
    a->was_challenged = a->was_late = false;
}

static void take_token(struct auth *a, struct grant_token *token, int64_t received_mono_ms)
{
    forget_token(a);
    a->access_token = token->access_token;
    token->access_token = NULL;
    a->is_dpop = token->is_dpop;
    a->renew_mono_ms = received_mono_ms + token->life_s * 1000 * RENEW_PERCENT / 100;
    a->expires_mono_ms = received_mono_ms + token->life_s * 1000;
    a->grants.is_known = true;
    a->grants.is_dpop = token->is_dpop;
    memcpy(a->grants.granted, token->scope, sizeof a->grants.granted);
    grant_missing(ASKED_SCOPES, token->scope, a->grants.missing, sizeof a->grants.missing);
    a->failure = (struct okta_answer){ .verdict = OKTA_RETRY };
    a->not_before_mono_ms = 0;
    end_round(a);
}

/* What a second try with what we have just learned may cure. */
static bool can_cure_round(struct auth *a, const struct grant_error *e, const struct headers *headers)
{
    if (strcmp(e->name, "use_dpop_nonce") == 0 && headers->dpop_nonce.len > 0 && !a->was_challenged)
        return a->was_challenged = true;
    if ((strcmp(e->name, "invalid_dpop_proof") == 0 || grant_blames_clock(e)) && headers->date_unix_s > 0 &&
        !a->was_late)
        return a->was_late = true;
    return false;
}

enum auth_next auth_answered(struct auth *a, const struct attempt *t, struct answer *answer)
{
    struct grant_token token = { .access_token = NULL };
    struct grant_error e = { .name = "" };

    a->is_asking = false;
    answer->is_too_big = false; /* there is nothing that could be smaller */
    if (answer->told.verdict == OKTA_DONE) {
        if (grant_read_token(buf_view(&t->x.body), ASKED_SCOPES, &token)) {
            take_token(a, &token, t->received_mono_ms);
            return AUTH_GOT;
        }
        grant_no_token(answer);
        return AUTH_FAILED;
    }
    if (t->x.failure[0] == '\0')
        grant_read_error(buf_view(&t->x.body), &e);
    if (can_cure_round(a, &e, &answer->headers))
        return AUTH_AGAIN;
    grant_judge(&e, answer);
    return AUTH_FAILED;
}

void auth_settle(struct auth *a, const struct okta_answer *told, int64_t now_mono_ms)
{
    int64_t hold_ms = has_access(a, now_mono_ms) ? RENEWAL_HOLD_MS : REFUSED_HOLD_MS;

    a->failure = *told;
    a->failure.body = a->failure.next = VIEW_NONE;
    a->not_before_mono_ms = told->verdict == OKTA_RETRY ? told->retry_mono_ms : now_mono_ms + hold_ms;
    end_round(a);
}

bool auth_can_cure(struct auth *a, struct attempt *t, const struct answer *answer)
{
    int status = answer->told.http_status;
    struct grant_error e = { .name = "" };

    if (a->secret.key != NULL && a->is_dpop && (status == 400 || status == 401) && !t->was_challenged) {
        grant_read_error(buf_view(&t->x.body), &e);
        t->was_challenged = grant_blames_proof(&e, answer->headers.auth_error);
        if (t->was_challenged)
            return true;
    }
    if (status != 401 || answer->told.verdict != OKTA_CREDENTIAL_REFUSED)
        return false;
    if (t->access != a->access)
        return t->strays++ < STRAYS_MAX;
    if (a->secret.key == NULL || t->was_renewed)
        return false;
    t->was_renewed = true;
    forget_token(a);
    a->not_before_mono_ms = 0;
    return true;
}
