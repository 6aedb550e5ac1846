/* POST /oauth2/v1/token: a signed assertion goes in, an access token comes out.
 *
 * 1. The form is read: grant, scopes, assertion.
 * 2. The assertion is verified, and with that its jti is used up, whatever becomes of the rest.
 * 3. Where a proof of possession is required, or came, it is checked; without a nonce that is a challenge.
 * 4. Of the scopes those granted are kept, and the others dropped without a word. */
#include "inside.h"

#include "json_text.h"

#include <stdio.h>
#include <string.h>

#define ASSERTION_LIFE_MAX_S 3600
#define ASSERTION_TYPE       "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static void fail(struct emulator *e, struct emulator_response *out, int status, const char *error, const char *why)
{
    buf_reset(&e->body);
    buf_printf(&e->body, "{\"error\":\"%s\",\"error_description\":\"", error);
    json_text_put(view_of(why), &e->body);
    buf_puts(&e->body, "\"}");
    wire_finish(e, out, status);
}

static bool refuse(struct emulator *e, struct emulator_response *out, const char *error, const char *why)
{
    fail(e, out, 400, error, why);
    return false;
}

static bool refuse_client(struct emulator *e, struct emulator_response *out, const char *why)
{
    fail(e, out, 401, "invalid_client", why);
    return false;
}

/* ---- the form ---- */

static bool check_secret(struct emulator *e, const struct ask *ask, const struct query *form,
                         struct emulator_response *out)
{
    struct view secret;

    if (ask->request->authorization.len == 0 && !query_get(form, "client_secret", &secret))
        return true;
    return refuse_client(e, out, "The client must authenticate with private_key_jwt.");
}

static bool check_form(struct emulator *e, const struct ask *ask, const struct query *form,
                       struct emulator_response *out)
{
    static const char known[] = "grant_type scope client_assertion_type client_assertion client_id client_secret";
    struct view grant = query_value(form, "grant_type");

    if (form->doubled.len > 0 || query_unknown(form, known).len > 0)
        return refuse(e, out, "invalid_request", "A parameter is unknown, or given twice.");
    if (grant.len == 0)
        return refuse(e, out, "invalid_request", "The 'grant_type' parameter is missing.");
    if (!view_is(grant, "client_credentials"))
        return refuse(e, out, "unsupported_grant_type", "The authorization grant type is not supported.");
    if (!check_secret(e, ask, form, out))
        return false;
    if (!view_is(query_value(form, "client_assertion_type"), ASSERTION_TYPE))
        return refuse(e, out, "invalid_request", "The 'client_assertion_type' is missing or not supported.");
    if (query_value(form, "client_assertion").len == 0)
        return refuse(e, out, "invalid_request", "The 'client_assertion' is missing.");
    return true;
}

/* ---- the assertion ---- */

/* NULL: nothing is wrong with its times. */
static const char *time_fault(const struct jwt *j, int64_t now_s)
{
    int64_t exp, iat;

    if (!jwt_seconds(j->claims, "exp", &exp))
        return "The client_assertion token must have an expiration.";
    if (exp <= now_s)
        return "The client_assertion token is expired.";
    if (exp > now_s + ASSERTION_LIFE_MAX_S)
        return "The client_assertion token has an expiration too far into the future.";
    if (jwt_seconds(j->claims, "iat", &iat) && iat > now_s)
        return "The client_assertion token has an issue time in the future.";
    return NULL;
}

static const struct oauth_key *find_key(const struct oauth *o, struct view kid)
{
    for (size_t i = 0; i < o->keys_count; i++)
        if (kid.len > 0 && view_is(kid, o->keys[i].kid))
            return &o->keys[i];
    /* Without a kid an app's only key is meant. */
    return kid.len == 0 && o->keys_count == 1 ? &o->keys[0] : NULL;
}

static const char *claims_fault(const struct emulator *e, const struct jwt *j)
{
    char aud[1024];

    if (e->oauth.client_id == NULL || e->oauth.is_inactive ||
        !view_is(jwt_text(j->claims, "iss"), e->oauth.client_id) ||
        !view_is(jwt_text(j->claims, "sub"), e->oauth.client_id))
        return "The client_assertion's 'iss' and 'sub' must be the id of an active client.";
    snprintf(aud, sizeof aud, "%s/oauth2/v1/token", e->base_url);
    if (!view_is(jwt_text(j->claims, "aud"), aud))
        return "The audience claim for client_assertion must be the endpoint invoked for the request.";
    return time_fault(j, e->now_ms / 1000);
}

static const char *assertion_fault(struct emulator *e, const struct jwt *j)
{
    const struct oauth_key *key = find_key(&e->oauth, jwt_text(j->header, "kid"));
    struct view jti = jwt_text(j->claims, "jti");
    const char *why = claims_fault(e, j);

    if (why != NULL)
        return why;
    if (key == NULL)
        return "The client_assertion's 'kid' names no key of this client.";
    if (!jwt_is_signed_by(j, key->key))
        return "The client_assertion signature is invalid.";
    if (jti.len > 0 &&
        !once_take(&e->oauth.once, "assertion", jti, e->now_ms, e->now_ms + ASSERTION_LIFE_MAX_S * INT64_C(1000)))
        return "The client_assertion token has already been used.";
    return NULL;
}

static bool check_assertion(struct emulator *e, const struct query *form, struct emulator_response *out)
{
    struct view claimed = query_value(form, "client_id");
    const char *why = "The client_assertion cannot be read.";
    struct jwt j;

    if (jwt_read(&j, query_value(form, "client_assertion")))
        why = assertion_fault(e, &j);
    jwt_deinit(&j);
    if (why == NULL && claimed.len > 0 && !view_is(claimed, e->oauth.client_id))
        why = "The 'client_id' is not that of the client_assertion.";
    return why == NULL || refuse_client(e, out, why);
}

/* ---- proof and scopes ---- */

static bool check_proof(struct emulator *e, const struct ask *ask, char thumbprint[JWT_THUMBPRINT_SIZE],
                        struct emulator_response *out)
{
    char url[1024], nonce[OAUTH_NONCE_SIZE];
    struct oauth_proof_wanted wanted = { .method = "POST", .url = url, .needs_nonce = true, .now_ms = e->now_ms };
    const char *why;

    *thumbprint = '\0';
    if (ask->request->dpop.len == 0) {
        return e->oauth.dpop == EMULATOR_DPOP_OFF ||
               refuse(e, out, "invalid_dpop_proof", "The DPoP proof JWT header is missing.");
    }
    snprintf(url, sizeof url, "%s/oauth2/v1/token", e->base_url);
    switch (oauth_check_proof(&e->oauth, ask->request->dpop, &wanted, thumbprint, &why)) {
    case PROOF_GOOD:
        return true;
    case PROOF_BAD:
        return refuse(e, out, "invalid_dpop_proof", why);
    case PROOF_NEEDS_NONCE:
        break;
    }
    oauth_nonce(&e->oauth, e->now_ms, nonce);
    buf_printf(&out->head, "dpop-nonce: %s\r\n", nonce);
    return refuse(e, out, "use_dpop_nonce", why);
}

static bool choose_scopes(struct emulator *e, struct view asked, struct buf *granted, struct emulator_response *out)
{
    struct view rest = asked, scope;

    if (view_trim(asked).len == 0)
        return refuse(e, out, "invalid_scope", "The authorization server requires a scope.");
    while (oauth_next_scope(&rest, &scope)) {
        if (view_ends(scope, ".self"))
            return refuse(e, out, "client_credentials_self_scope_requested",
                          "A scope of the user's own cannot be asked for with this grant.");
        if (!oauth_scope_exists(scope))
            return refuse(e, out, "invalid_scope",
                          "One or more scopes are not configured for the authorization server resource.");
        if (oauth_has_scope(view_of(e->oauth.scopes), scope))
            buf_printf(granted, "%s" VIEW_FMT, granted->len > 0 ? " " : "", VIEW_ARG(scope));
    }
    return granted->len > 0 ||
           refuse(e, out, "consent_required", "None of the requested scopes is granted to this client.");
}

/* ---- the answer ---- */

static void grant(struct emulator *e, struct view scopes, const char *thumbprint, struct emulator_response *out)
{
    struct oauth_token token = { scopes, view_of(thumbprint) };
    char nonce[OAUTH_NONCE_SIZE];

    if (token.thumbprint.len > 0) {
        oauth_nonce(&e->oauth, e->now_ms, nonce);
        buf_printf(&out->head, "dpop-nonce: %s\r\n", nonce);
    }
    buf_printf(&e->body, "{\"token_type\":\"%s\",\"expires_in\":%lld,\"access_token\":\"",
               token.thumbprint.len > 0 ? "DPoP" : "Bearer", (long long)e->oauth.token_life_s);
    oauth_make_token(&e->oauth, e->base_url, e->now_ms, &token, &e->body);
    buf_printf(&e->body, "\",\"scope\":\"" VIEW_FMT "\"}", VIEW_ARG(scopes));
    wire_finish(e, out, 200);
}

static void answer_form(struct emulator *e, const struct ask *ask, const struct query *form,
                        struct emulator_response *out)
{
    AUTO_BUF struct buf granted = BUF(OAUTH_SCOPE_BYTES);
    char thumbprint[JWT_THUMBPRINT_SIZE];

    if (!check_form(e, ask, form, out) || !check_assertion(e, form, out))
        return;
    if (e->is_outside_zone) {
        fail(e, out, 403, "access_denied", "The request comes from outside the client's network zones.");
        return;
    }
    if (check_proof(e, ask, thumbprint, out) && choose_scopes(e, query_value(form, "scope"), &granted, out))
        grant(e, buf_view(&granted), thumbprint, out);
}

void token_make(struct emulator *e, const struct ask *ask, struct emulator_response *out)
{
    struct query form;

    query_init(&form);
    if (!view_starts(ask->request->content_type, "application/x-www-form-urlencoded") ||
        !query_parse(&form, ask->request->body))
        (void)refuse(e, out, "invalid_request", "The body must be a form.");
    else
        answer_form(e, ask, &form, out);
    query_deinit(&form);
}
