#include "oauth.h"

#include "base/mem.h"
#include "random.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS         INT64_C(86400000)
#define NONCE_DAYS_OLD 3
#define CLAIMS_BYTES   8192
#define LIFE_S         3600

static const char default_scopes[] = "okta.users.read okta.groups.read okta.apps.read okta.logs.read okta.orgs.read";

/* ---- the app ---- */

void oauth_init(struct oauth *o, const struct emulator_options *options)
{
    *o = (struct oauth){ .seed = options->seed,
                         .client_id = mem_strdup(options->client_id),
                         .scopes = mem_strdup(options->scopes != NULL ? options->scopes : default_scopes),
                         .dpop = options->dpop,
                         .token_life_s = options->token_life_s > 0 ? options->token_life_s : LIFE_S };
}

void oauth_deinit(struct oauth *o)
{
    for (size_t i = 0; i < o->keys_count; i++) {
        free(o->keys[i].kid);
        jwt_key_destroy(o->keys[i].key);
    }
    once_deinit(&o->once);
    free(o->client_id);
    free(o->scopes);
}

/* The kid that a JWK tells by itself. */
static char *own_kid(struct view text)
{
    struct json_parser *parser = json_parser_create(JWT_BYTES_MAX, 16);
    struct json jwk;
    struct error err;
    struct view kid = json_parse(parser, text, &jwk, &err) ? jwt_text(jwk, "kid") : VIEW_NONE;
    char *copy = kid.len > 0 && memchr(kid.at, '\0', kid.len) == NULL ? view_dup(kid) : mem_strdup("");

    json_parser_destroy(parser);
    return copy;
}

bool oauth_add_key(struct oauth *o, struct view kid, struct view text, struct error *err)
{
    struct oauth_key *key = &o->keys[o->keys_count];

    if (o->keys_count == OAUTH_KEYS_MAX)
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "an app has at most %d keys", OAUTH_KEYS_MAX);
    if (!jwt_key_read(text, &key->key, err))
        return false;
    key->kid = kid.len > 0 ? view_dup(kid) : own_kid(text);
    o->keys_count++;
    return true;
}

/* ---- nonces ---- */

static void nonce_of_day(const struct oauth *o, int64_t day, char out[OAUTH_NONCE_SIZE])
{
    char text[96];

    snprintf(text, sizeof text, "nonce %llu %u %lld", (unsigned long long)o->seed, o->nonce_generation, (long long)day);
    jwt_sha256(view_of(text), out);
}

void oauth_nonce(const struct oauth *o, int64_t now_ms, char out[OAUTH_NONCE_SIZE])
{
    nonce_of_day(o, now_ms / DAY_MS, out);
}

bool oauth_nonce_is_good(const struct oauth *o, int64_t now_ms, struct view nonce)
{
    char good[OAUTH_NONCE_SIZE];

    for (int64_t day = now_ms / DAY_MS; day >= now_ms / DAY_MS - NONCE_DAYS_OLD; day--) {
        nonce_of_day(o, day, good);
        if (view_is(nonce, good))
            return true;
    }
    return false;
}

/* ---- access tokens ---- */

/* Nobody outside may verify it, so a keyed hash does for a signature. */
static void sign(const struct oauth *o, uint32_t generation, struct view text, char out[JWT_THUMBPRINT_SIZE])
{
    char key[64];

    snprintf(key, sizeof key, "token %llu %u", (unsigned long long)o->seed, generation);
    jwt_hmac(view_of(key), text, out);
}

static void put_claims(struct oauth *o, const char *base_url, int64_t now_ms, const struct oauth_token *token,
                       struct buf *out)
{
    struct view scopes = token->scopes, scope;
    long long now_s = (long long)(now_ms / 1000);

    buf_printf(out,
               "{\"ver\":1,\"jti\":\"AT.%016llx.%llu\",\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"%s\",\"iat\":%lld,"
               "\"exp\":%lld,\"cid\":\"%s\",\"gen\":%u,\"scp\":[",
               (unsigned long long)random_at(o->seed, RANDOM_CURSOR, o->tokens_made),
               (unsigned long long)o->tokens_made, base_url, base_url, o->client_id, now_s,
               now_s + (long long)o->token_life_s, o->client_id, o->token_generation);
    for (bool is_first = true; oauth_next_scope(&scopes, &scope); is_first = false)
        buf_printf(out, "%s\"" VIEW_FMT "\"", is_first ? "" : ",", VIEW_ARG(scope));
    buf_printf(out, "],\"scope\":\"" VIEW_FMT "\"", VIEW_ARG(token->scopes));
    if (token->thumbprint.len > 0)
        buf_printf(out, ",\"cnf\":{\"jkt\":\"" VIEW_FMT "\"}", VIEW_ARG(token->thumbprint));
    buf_putc(out, '}');
    o->tokens_made++;
}

void oauth_make_token(struct oauth *o, const char *base_url, int64_t now_ms, const struct oauth_token *token,
                      struct buf *out)
{
    static const char header[] =
        "{\"kid\":\"emulator\",\"typ\":\"application/okta-internal-at+jwt\",\"alg\":\"RS256\"}";
    AUTO_BUF struct buf claims = BUF(CLAIMS_BYTES), text = BUF(2 * CLAIMS_BYTES);
    char signature[JWT_THUMBPRINT_SIZE];

    put_claims(o, base_url, now_ms, token, &claims);
    base64url_encode(VIEW(header), &text);
    buf_putc(&text, '.');
    base64url_encode(buf_view(&claims), &text);
    sign(o, o->token_generation, buf_view(&text), signature);
    buf_put(out, text.at, text.len);
    buf_printf(out, ".%s", signature);
}

enum oauth_verdict oauth_read_token(const struct oauth *o, struct view text, int64_t now_ms, struct jwt *j,
                                    struct oauth_token *token)
{
    char signature[JWT_THUMBPRINT_SIZE];
    int64_t generation, exp;

    if (!jwt_read(j, text) || !jwt_seconds(j->claims, "gen", &generation) || !jwt_seconds(j->claims, "exp", &exp))
        return OAUTH_FORGED;
    sign(o, (uint32_t)generation, j->signed_text, signature);
    if (!view_ends(text, signature) || text.len != j->signed_text.len + 1 + strlen(signature))
        return OAUTH_FORGED;
    *token = (struct oauth_token){ jwt_text(j->claims, "scope"), jwt_text(json_get(j->claims, "cnf"), "jkt") };
    if (generation != o->token_generation || o->is_inactive)
        return OAUTH_REVOKED;
    return exp * 1000 <= now_ms ? OAUTH_EXPIRED : OAUTH_GOOD;
}

/* ---- scopes ---- */

bool oauth_next_scope(struct view *scopes, struct view *word)
{
    const char *blank;

    *scopes = view_trim(*scopes);
    if (scopes->len == 0)
        return false;
    blank = memchr(scopes->at, ' ', scopes->len);
    *word = (struct view){ scopes->at, blank != NULL ? (size_t)(blank - scopes->at) : scopes->len };
    scopes->at += word->len;
    scopes->len -= word->len;
    return true;
}

bool oauth_has_scope(struct view scopes, struct view wanted)
{
    struct view word;

    while (oauth_next_scope(&scopes, &word)) {
        if (view_eq(word, wanted))
            return true;
        if (view_ends(word, ".manage") && view_ends(wanted, ".read") && word.len - 7 == wanted.len - 5 &&
            memcmp(word.at, wanted.at, word.len - 7) == 0)
            return true;
    }
    return false;
}

bool oauth_scope_exists(struct view scope)
{
    static const char *const kinds[] = {
        "apiTokens",
        "appGrants",
        "apps",
        "authenticators",
        "authorizationServers",
        "brands",
        "clients",
        "devices",
        "domains",
        "eventHooks",
        "factors",
        "features",
        "groups",
        "idps",
        "linkedObjects",
        "logs",
        "orgs",
        "policies",
        "principalRateLimits",
        "profileMappings",
        "roles",
        "schemas",
        "sessions",
        "trustedOrigins",
        "userTypes",
        "users",
    };
    char name[64];

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(name, sizeof name, "okta.%s.read", kinds[i]);
        if (view_is(scope, name))
            return true;
        snprintf(name, sizeof name, "okta.%s.manage", kinds[i]);
        if (view_is(scope, name))
            return true;
    }
    return false;
}
