/* Whether a request may have what it asks for: a credential that works, from where it may be used; for an access token
 * a scope; and a role for that kind of data. An API token needs no scope: it has its owner's roles. */
#include "inside.h"

#include <stdio.h>
#include <string.h>

/* ---- roles ---- */

bool emulator_role_named(struct view name, enum emulator_role *out)
{
    static const char *const names[EMULATOR_ROLES] = {
        [EMULATOR_ROLE_READ_ONLY] = "read-only",
        [EMULATOR_ROLE_REPORT] = "report",
        [EMULATOR_ROLE_SUPER] = "super",
        [EMULATOR_ROLE_ORG] = "org",
        [EMULATOR_ROLE_APP] = "app",
        [EMULATOR_ROLE_HELP_DESK] = "help-desk",
        [EMULATOR_ROLE_NONE] = "none",
    };

    for (int i = 0; i < EMULATOR_ROLES; i++) {
        if (!view_is(name, names[i]))
            continue;
        *out = (enum emulator_role)i;
        return true;
    }
    return false;
}

bool emulator_dpop_named(struct view name, enum emulator_dpop *out)
{
    static const char *const names[] = { "off", "required", "strict" };

    for (int i = 0; i < 3; i++) {
        if (!view_is(name, names[i]))
            continue;
        *out = (enum emulator_dpop)i;
        return true;
    }
    return false;
}

bool role_allows(enum emulator_role role, enum data_kind kind)
{
    static const bool allowed[EMULATOR_ROLES][DATA_KINDS] = {
        /*                            users  groups apps   logs   roles  org */
        [EMULATOR_ROLE_READ_ONLY] = { true, true, true, true, false, true },
        [EMULATOR_ROLE_REPORT] = { false, false, false, true, false, false },
        [EMULATOR_ROLE_SUPER] = { true, true, true, true, true, true },
        [EMULATOR_ROLE_ORG] = { true, true, true, true, false, true },
        [EMULATOR_ROLE_APP] = { false, true, true, true, false, false },
        [EMULATOR_ROLE_HELP_DESK] = { true, true, false, false, false, false },
        [EMULATOR_ROLE_NONE] = { false, false, false, false, false, false },
    };

    return allowed[role][kind];
}

/* ---- refusals ---- */

/* As recorded, down to the http in what the org calls itself. */
static void put_challenge(const struct emulator *e, const struct ask *ask, const struct challenge *c,
                          struct emulator_response *out)
{
    const char *host = strstr(e->base_url, "://");

    host = host != NULL ? host + 3 : e->base_url;
    buf_puts(&out->head, "WWW-Authenticate: ");
    buf_puts(&out->head, c->is_dpop ? "DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", " : "Bearer ");
    buf_printf(&out->head, "authorization_uri=\"http://%s/oauth2/v1/authorize\", realm=\"http://%s\"", host, host);
    if (c->scope != NULL)
        buf_printf(&out->head, ", scope=\"%s\"", c->scope);
    buf_printf(&out->head, ", error=\"%s\", error_description=\"%s\", resource=\"" VIEW_FMT "\"\r\n", c->error, c->why,
               VIEW_ARG(ask->path));
}

/* Without a body: a scope's refusal has none, and for a token's nothing is documented. */
static bool refuse(struct emulator *e, const struct ask *ask, const struct challenge *c, struct emulator_response *out)
{
    put_challenge(e, ask, c, out);
    buf_reset(&e->body);
    wire_finish(e, out, c->status);
    return false;
}

/* What is wrong with a proof is told in words in the body too. */
static bool refuse_proof(struct emulator *e, const struct ask *ask, const struct challenge *c,
                         struct emulator_response *out)
{
    put_challenge(e, ask, c, out);
    buf_reset(&e->body);
    buf_printf(&e->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", c->error, c->why);
    wire_finish(e, out, c->status);
    return false;
}

/* Okta does not say what it answers; this is one of the two that a client must take for it. */
static bool refuse_zone(struct emulator *e, const char *event_type, struct emulator_response *out)
{
    static const struct fail forbidden = { 403, "E0000006", false, NULL, NULL };

    events_add(&e->events, e->now_ms, e->now_ms, event_type, VIEW_NONE);
    wire_fail(e, out, &forbidden, "You do not have permission to perform the requested action");
    return false;
}

/* ---- API tokens ---- */

static bool check_api_token(struct emulator *e, struct view token, struct emulator_response *out)
{
    static const struct fail bad_token = { 401, "E0000011", false, NULL, NULL };

    if (e->is_token_revoked || !view_is(token, e->token)) {
        wire_fail(e, out, &bad_token, "Invalid token provided");
        return false;
    }
    return !e->is_outside_zone || refuse_zone(e, "system.api_token.request_outside_allowed_range", out);
}

/* ---- access tokens ---- */

static bool check_proof(struct emulator *e, const struct ask *ask, struct view text, const struct oauth_token *token,
                        struct emulator_response *out)
{
    char url[9000], thumbprint[JWT_THUMBPRINT_SIZE], nonce[OAUTH_NONCE_SIZE];
    struct oauth_proof_wanted wanted = { .method = ask->request->method,
                                         .url = url,
                                         .access_token = text,
                                         .needs_nonce = e->oauth.dpop == EMULATOR_DPOP_STRICT,
                                         .now_ms = e->now_ms };
    struct challenge c = { 400, true, "invalid_dpop_proof", NULL, NULL };
    enum oauth_proof proof;

    snprintf(url, sizeof url, "%s" VIEW_FMT, e->base_url, VIEW_ARG(ask->path));
    proof = oauth_check_proof(&e->oauth, ask->request->dpop, &wanted, thumbprint, &c.why);
    if (proof == PROOF_NEEDS_NONCE) {
        oauth_nonce(&e->oauth, e->now_ms, nonce);
        buf_printf(&out->head, "dpop-nonce: %s\r\n", nonce);
        c.status = 401; /* RFC 9449, 9: a resource's challenge */
        c.error = "use_dpop_nonce";
        return refuse_proof(e, ask, &c, out);
    }
    if (proof == PROOF_BAD)
        return refuse_proof(e, ask, &c, out);
    c.why = "The DPoP proof JWT is not of the key that the token is bound to.";
    return view_is(token->thumbprint, thumbprint) || refuse_proof(e, ask, &c, out);
}

/* A token is used as what it was given out as. */
static bool check_binding(struct emulator *e, const struct ask *ask, struct view text, const struct oauth_token *token,
                          bool is_dpop, struct emulator_response *out)
{
    const struct challenge mixed = {
        400, token->thumbprint.len > 0, "invalid_request",
        "A DPoP-bound token needs the DPoP scheme and a proof; another must not have them.", NULL
    };

    if (is_dpop != (token->thumbprint.len > 0) || (is_dpop && ask->request->dpop.len == 0))
        return refuse_proof(e, ask, &mixed, out);
    return !is_dpop || check_proof(e, ask, text, token, out);
}

static bool check_scope(struct emulator *e, const struct ask *ask, const struct oauth_token *token, bool is_dpop,
                        const char *scope, struct emulator_response *out)
{
    const struct challenge missing = { 403, is_dpop, "insufficient_scope",
                                       "The access token provided does not contain the required scopes.", scope };

    return oauth_has_scope(token->scopes, view_of(scope)) || refuse(e, ask, &missing, out);
}

static bool check_access_token(struct emulator *e, const struct ask *ask, struct view text, bool is_dpop,
                               const char *scope, struct emulator_response *out)
{
    static const char *const whys[] = { [OAUTH_FORGED] = "The access token is invalid.",
                                        [OAUTH_EXPIRED] = "The access token has expired.",
                                        [OAUTH_REVOKED] = "The access token was revoked." };
    struct challenge dead = { 401, is_dpop, "invalid_token", NULL, scope };
    enum oauth_verdict verdict;
    struct oauth_token token;
    struct jwt j;
    bool may;

    verdict = oauth_read_token(&e->oauth, text, e->now_ms, &j, &token);
    dead.why = whys[verdict];
    if (verdict != OAUTH_GOOD)
        may = refuse(e, ask, &dead, out);
    else
        may = check_binding(e, ask, text, &token, is_dpop, out) && check_scope(e, ask, &token, is_dpop, scope, out);
    jwt_deinit(&j);
    if (may && e->is_outside_zone)
        return refuse_zone(e, "system.oauth2.token.request_outside_allowed_range", out);
    return may;
}

bool access_check(struct emulator *e, const struct ask *ask, const char *scope, struct emulator_response *out)
{
    static const struct fail no_session = { 403, "E0000005", false, NULL, NULL };
    struct view text = ask->request->authorization;
    const char *blank = text.len > 0 ? memchr(text.at, ' ', text.len) : NULL;
    size_t scheme_len = blank != NULL ? (size_t)(blank - text.at) : text.len;
    struct view scheme = { text.at, scheme_len };

    if (blank != NULL) {
        text.at += scheme_len + 1;
        text.len -= scheme_len + 1;
        if (view_is(scheme, "SSWS"))
            return check_api_token(e, text, out);
        if (view_is(scheme, "Bearer") || view_is(scheme, "DPoP"))
            return check_access_token(e, ask, text, view_is(scheme, "DPoP"), scope, out);
    }
    wire_fail(e, out, &no_session, "Invalid session");
    return false;
}
