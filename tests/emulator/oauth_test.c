/* The service app: what its assertion must say, what a proof of possession must say, and what a token may do. */
#include "fixture.h"
#include "signer.h"

#include <string.h>

#define CLIENT    "0oaServiceApp00001d7"
#define TOKEN_URL BASE_URL "/oauth2/v1/token"
#define USERS     "/api/v1/users?limit=1"
#define LOGS      "/api/v1/logs?limit=1"
#define GROUPS    "/api/v1/groups?limit=1"
#define ORG       "/api/v1/org"
#define NOW_S     (START_MS / 1000)
#define SCOPES    "okta.users.read okta.logs.read"

struct app {
    struct fixture f;
    struct signer *key, *other, *proof_key;
    struct buf assertion, form, proof, token, authorization;
    unsigned serial;
};

static void add_key(struct app *a, const char *kid, const char *text)
{
    struct error err;

    assert_true(emulator_add_key(a->f.emulator, view_of(kid), view_of(text), &err));
}

static void begin_with(struct app *a, const char *alg, enum emulator_dpop dpop, enum emulator_role role)
{
    *a = (struct app){ .assertion = BUF(16384),
                       .form = BUF(32768),
                       .proof = BUF(16384),
                       .token = BUF(16384),
                       .authorization = BUF(16384) };
    a->key = signer_create(alg);
    a->other = signer_create("ES256");
    a->proof_key = signer_create("ES256");
    fixture_init(&a->f);
    a->f.options.client_id = CLIENT;
    a->f.options.dpop = dpop;
    a->f.options.role = role;
    a->f.options.scopes = SCOPES;
    fixture_begin(&a->f);
    add_key(a, "k1", signer_pem(a->key));
}

static void begin(struct app *a)
{
    begin_with(a, "ES256", EMULATOR_DPOP_OFF, EMULATOR_ROLE_READ_ONLY);
}

static void end(struct app *a)
{
    fixture_end(&a->f);
    signer_destroy(a->key);
    signer_destroy(a->other);
    signer_destroy(a->proof_key);
    buf_deinit(&a->assertion);
    buf_deinit(&a->form);
    buf_deinit(&a->proof);
    buf_deinit(&a->token);
    buf_deinit(&a->authorization);
}

/* ---- the token endpoint ---- */

static int post_form(struct app *a, const char *form)
{
    int status;

    a->f.method = "POST";
    a->f.authorization = NULL;
    a->f.content_type = "application/x-www-form-urlencoded";
    a->f.sent = form;
    status = fixture_ask(&a->f, "/oauth2/v1/token");
    a->f.method = "GET";
    a->f.content_type = NULL;
    a->f.sent = NULL;
    return status;
}

static void put_form(struct app *a, const char *scope)
{
    buf_reset(&a->form);
    buf_printf(&a->form,
               "grant_type=client_credentials&scope=%s&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-"
               "assertion-type%%3Ajwt-bearer&client_assertion=%s",
               scope, buf_cstr(&a->assertion));
}

static void sign_good(struct app *a)
{
    char claims[1024];

    snprintf(claims, sizeof claims,
             "{\"iss\":\"" CLIENT "\",\"sub\":\"" CLIENT "\",\"aud\":\"" TOKEN_URL "\",\"exp\":%lld,\"iat\":%lld,"
             "\"jti\":\"j%u\"}",
             (long long)(a->f.now_ms / 1000 + 300), (long long)(a->f.now_ms / 1000), a->serial++);
    buf_reset(&a->assertion);
    signer_sign(a->key, "\"kid\":\"k1\"", claims, &a->assertion);
}

static int ask_token(struct app *a, const char *scope)
{
    sign_good(a);
    put_form(a, scope);
    return post_form(a, buf_cstr(&a->form));
}

static const char *member(const struct app *a, const char *name)
{
    const char *text = json_string_value(json_object_get(a->f.body, name));

    return text != NULL ? text : "";
}

static void keep_token(struct app *a)
{
    buf_reset(&a->token);
    buf_puts(&a->token, member(a, "access_token"));
    buf_reset(&a->authorization);
    buf_printf(&a->authorization, "%s %s", member(a, "token_type"), buf_cstr(&a->token));
    a->f.authorization = buf_cstr(&a->authorization);
}

static const struct alg_row {
    const char *name;
} algs[] = { { "RS256" }, { "RS384" }, { "RS512" }, { "ES256" }, { "ES384" }, { "ES512" } };

static void an_assertion_of_this_algorithm_gets_a_token_that_works(void **state)
{
    const struct alg_row *row = *state;
    struct app a;

    begin_with(&a, row->name, EMULATOR_DPOP_OFF, EMULATOR_ROLE_READ_ONLY);
    assert_int_equal(ask_token(&a, "okta.users.read+okta.logs.read"), 200);
    assert_string_equal(member(&a, "token_type"), "Bearer");
    assert_string_equal(member(&a, "scope"), SCOPES);
    assert_int_equal(json_integer_value(json_object_get(a.f.body, "expires_in")), 3600);
    keep_token(&a);
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    assert_int_equal(json_array_size(a.f.body), 1);
    assert_int_equal(emulator_violations(a.f.emulator), 0);
    end(&a);
}

static void a_key_as_a_jwk_brings_its_kid(void **state)
{
    const struct alg_row *row = *state;
    struct signer *key = signer_create(row->name);
    char jwk[2048];
    struct app a;

    begin(&a);
    snprintf(jwk, sizeof jwk, "{\"kid\":\"k2\",\"use\":\"sig\",%s", signer_jwk(key) + 1);
    add_key(&a, NULL, jwk);
    sign_good(&a);
    buf_reset(&a.assertion);
    signer_sign(key, "\"kid\":\"k2\"",
                "{\"iss\":\"" CLIENT "\",\"sub\":\"" CLIENT "\",\"aud\":\"" TOKEN_URL "\",\"exp\":1773480500}",
                &a.assertion);
    put_form(&a, "okta.users.read");
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 200);
    signer_destroy(key);
    end(&a);
}

#define WHO "\"iss\":\"" CLIENT "\",\"sub\":\"" CLIENT "\","
#define AUD "\"aud\":\"" TOKEN_URL "\","

static const struct assertion_row {
    const char *name, *header, *claims; /* times are those of 1773480412 */
    bool other_key;
    const char *want; /* in the description */
} assertion_rows[] = {
    { "another issuer", "\"kid\":\"k1\"", "{\"iss\":\"x\",\"sub\":\"" CLIENT "\"," AUD "\"exp\":1773480500}", false,
      "iss" },
    { "another subject", "\"kid\":\"k1\"", "{\"iss\":\"" CLIENT "\",\"sub\":\"x\"," AUD "\"exp\":1773480500}", false,
      "sub" },
    { "for another endpoint", "\"kid\":\"k1\"", "{" WHO "\"aud\":\"" BASE_URL "\",\"exp\":1773480500}", false,
      "audience" },
    { "without an end", "\"kid\":\"k1\"", "{" WHO AUD "\"jti\":\"1\"}", false, "expiration" },
    { "which ends now", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773480412}", false, "expired" },
    { "which ends a second beyond the hour", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773484013}", false, "too far" },
    { "from the future", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773480500,\"iat\":1773480413}", false, "future" },
    { "with a kid of no key", "\"kid\":\"k9\"", "{" WHO AUD "\"exp\":1773480500}", false, "kid" },
    { "signed by another key", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773480500}", true, "signature" },
};

static void an_assertion_is_refused(void **state)
{
    const struct assertion_row *row = *state;
    struct app a;

    begin(&a);
    signer_sign(row->other_key ? a.other : a.key, row->header, row->claims, &a.assertion);
    put_form(&a, "okta.users.read");
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 401);
    assert_string_equal(member(&a, "error"), "invalid_client");
    assert_non_null(strstr(member(&a, "error_description"), row->want));
    end(&a);
}

static const struct good_row {
    const char *name, *header, *claims;
} good_rows[] = {
    { "a second before it ends", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773480413}" },
    { "of a whole hour", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773484012}" },
    { "issued this second", "\"kid\":\"k1\"", "{" WHO AUD "\"exp\":1773480500,\"iat\":1773480412}" },
    { "without a kid, when there is one key", "", "{" WHO AUD "\"exp\":1773480500}" },
};

static void an_assertion_is_accepted(void **state)
{
    const struct good_row *row = *state;
    struct app a;

    begin(&a);
    signer_sign(a.key, row->header, row->claims, &a.assertion);
    put_form(&a, "okta.users.read");
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 200);
    end(&a);
}

static void without_a_kid_and_with_two_keys_none_is_meant(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    add_key(&a, "k2", signer_pem(a.other));
    signer_sign(a.key, "", "{" WHO AUD "\"exp\":1773480500}", &a.assertion);
    put_form(&a, "okta.users.read");
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 401);
    end(&a);
}

static void an_assertion_with_a_jti_works_once(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 401);
    assert_non_null(strstr(member(&a, "error_description"), "already been used"));
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    end(&a);
}

static void a_signature_that_was_touched_is_none(void **state)
{
    const struct alg_row *row = *state;
    struct app a;

    begin_with(&a, row->name, EMULATOR_DPOP_OFF, EMULATOR_ROLE_READ_ONLY);
    sign_good(&a);
    /* Not the last character, whose low bits are no part of it. */
    a.assertion.at[a.assertion.len - 5] = a.assertion.at[a.assertion.len - 5] == 'Q' ? 'R' : 'Q';
    put_form(&a, "okta.users.read");
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 401);
    assert_non_null(strstr(member(&a, "error_description"), "signature"));
    end(&a);
}

#define TYPE  "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define GRANT "grant_type=client_credentials"

static const struct form_row {
    const char *name, *form;
    int want_status;
    const char *want;
} form_rows[] = {
    { "an empty form", "", 400, "invalid_request" },
    { "another grant", "grant_type=password&" TYPE "&client_assertion=x&scope=okta.users.read", 400,
      "unsupported_grant_type" },
    { "without the kind of assertion", GRANT "&client_assertion=x&scope=okta.users.read", 400, "invalid_request" },
    { "another kind of assertion", GRANT "&client_assertion_type=saml&client_assertion=x&scope=okta.users.read", 400,
      "invalid_request" },
    { "without an assertion", GRANT "&" TYPE "&scope=okta.users.read", 400, "invalid_request" },
    { "an unknown parameter", GRANT "&" TYPE "&client_assertion=x&scope=okta.users.read&audience=x", 400,
      "invalid_request" },
    { "a parameter given twice", GRANT "&" GRANT "&" TYPE "&client_assertion=x", 400, "invalid_request" },
    { "a secret instead", GRANT "&scope=okta.users.read&client_id=" CLIENT "&client_secret=x", 401, "invalid_client" },
    { "an assertion that is none", GRANT "&" TYPE "&client_assertion=x.y.z&scope=okta.users.read", 401,
      "invalid_client" },
};

static void a_form_is_refused(void **state)
{
    const struct form_row *row = *state;
    struct app a;

    begin(&a);
    assert_int_equal(post_form(&a, row->form), row->want_status);
    assert_string_equal(member(&a, "error"), row->want);
    assert_string_not_equal(member(&a, "error_description"), "");
    end(&a);
}

static const struct scope_row {
    const char *name, *asked;
    int want_status;
    const char *want_error, *want_scope;
} scope_rows[] = {
    { "one that is granted", "okta.logs.read", 200, "", "okta.logs.read" },
    { "what is not granted is dropped in silence", "okta.groups.read+okta.logs.read", 200, "", "okta.logs.read" },
    { "none is granted", "okta.groups.read", 400, "consent_required", "" },
    { "none is asked for", "", 400, "invalid_scope", "" },
    { "an unknown name", "okta.users.read+okta.users.write", 400, "invalid_scope", "" },
    { "one of the user's own", "okta.users.read.self", 400, "client_credentials_self_scope_requested", "" },
};

static void scopes_are_granted(void **state)
{
    const struct scope_row *row = *state;
    struct app a;

    begin(&a);
    assert_int_equal(ask_token(&a, row->asked), row->want_status);
    assert_string_equal(member(&a, "error"), row->want_error);
    assert_string_equal(member(&a, "scope"), row->want_scope);
    end(&a);
}

static void no_other_method_than_post_makes_tokens(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(fixture_ask(&a.f, "/oauth2/v1/token"), 405);
    assert_int_equal(emulator_violations(a.f.emulator), 0);
    a.f.method = "PUT";
    assert_int_equal(fixture_ask(&a.f, "/oauth2/v1/token"), 405);
    assert_int_equal(emulator_violations(a.f.emulator), 1);
    end(&a);
}

static void an_inactive_client_gets_no_token_and_its_old_one_is_dead(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    emulator_set_client_active(a.f.emulator, false);
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    assert_int_equal(ask_token(&a, "okta.users.read"), 401);
    assert_string_equal(member(&a, "error"), "invalid_client");
    emulator_set_client_active(a.f.emulator, true);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    end(&a);
}

/* ---- what a token may do ---- */

static void a_token_lives_for_an_hour(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    a.f.now_ms = (NOW_S + 3600) * 1000 - 1;
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    a.f.now_ms++;
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    assert_int_equal(a.f.answer.body.len, 0);
    assert_string_equal(fixture_header(&a.f, "WWW-Authenticate", 0),
                        "Bearer authorization_uri=\"http://acme.okta.com/oauth2/v1/authorize\", "
                        "realm=\"http://acme.okta.com\", scope=\"okta.users.read\", error=\"invalid_token\", "
                        "error_description=\"The access token has expired.\", resource=\"/api/v1/users\"");
    end(&a);
}

static void its_life_can_be_set(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    fixture_end(&a.f);
    a.f.body = NULL;
    a.f.options.token_life_s = 10;
    fixture_begin(&a.f);
    add_key(&a, "k1", signer_pem(a.key));
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    assert_int_equal(json_integer_value(json_object_get(a.f.body, "expires_in")), 10);
    keep_token(&a);
    a.f.now_ms += 10000;
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    end(&a);
}

static void tokens_can_be_revoked_and_forged_ones_do_not_work(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    a.authorization.at[a.authorization.len - 5] ^= 1;
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    a.authorization.at[a.authorization.len - 5] ^= 1;
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    emulator_revoke_access_tokens(a.f.emulator);
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    assert_non_null(strstr(fixture_header(&a.f, "WWW-Authenticate", 0), "error=\"invalid_token\""));
    end(&a);
}

static void a_missing_scope_is_named_in_a_header_over_an_empty_body(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    assert_int_equal(fixture_ask(&a.f, GROUPS), 403);
    assert_int_equal(a.f.answer.body.len, 0);
    assert_string_equal(fixture_header(&a.f, "WWW-Authenticate", 0),
                        "Bearer authorization_uri=\"http://acme.okta.com/oauth2/v1/authorize\", "
                        "realm=\"http://acme.okta.com\", scope=\"okta.groups.read\", error=\"insufficient_scope\", "
                        "error_description=\"The access token provided does not contain the required scopes.\", "
                        "resource=\"/api/v1/groups\"");
    end(&a);
}

static void to_manage_is_to_read_too(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    emulator_set_scopes(a.f.emulator, "okta.groups.manage");
    assert_int_equal(ask_token(&a, "okta.groups.manage"), 200);
    keep_token(&a);
    assert_int_equal(fixture_ask(&a.f, GROUPS), 200);
    end(&a);
}

static const struct role_row {
    const char *name;
    enum emulator_role role;
    const char *target;
    int want_status;
    const char *want_code;
    bool want_empty;
} role_rows[] = {
    { "read-only: users", EMULATOR_ROLE_READ_ONLY, USERS, 200, "", false },
    { "read-only: logs", EMULATOR_ROLE_READ_ONLY, LOGS, 200, "", false },
    { "read-only: groups", EMULATOR_ROLE_READ_ONLY, GROUPS, 200, "", false },
    { "read-only: the org", EMULATOR_ROLE_READ_ONLY, ORG, 200, "", false },
    { "report: logs", EMULATOR_ROLE_REPORT, LOGS, 200, "", false },
    { "report: users seem to be none", EMULATOR_ROLE_REPORT, USERS, 200, "", true },
    { "report: one user", EMULATOR_ROLE_REPORT, "/api/v1/users/me", 403, "E0000006", false },
    { "report: groups", EMULATOR_ROLE_REPORT, GROUPS, 403, "E0000006", false },
    { "none: logs", EMULATOR_ROLE_NONE, LOGS, 403, "E0000006", false },
    { "none: users seem to be none", EMULATOR_ROLE_NONE, USERS, 200, "", true },
    { "none: apps", EMULATOR_ROLE_NONE, "/api/v1/apps", 403, "E0000006", false },
    { "none: the org", EMULATOR_ROLE_NONE, ORG, 403, "E0000006", false },
    { "help desk: logs", EMULATOR_ROLE_HELP_DESK, LOGS, 403, "E0000006", false },
    { "super: users", EMULATOR_ROLE_SUPER, USERS, 200, "", false },
};

/* The same for an API token and for an access token that has every scope. */
static void a_role_is_needed(void **state)
{
    const struct role_row *row = *state;
    struct app a;

    begin_with(&a, "ES256", EMULATOR_DPOP_OFF, row->role);
    emulator_set_scopes(a.f.emulator, "okta.users.read okta.logs.read okta.groups.read okta.apps.read okta.orgs.read");
    assert_int_equal(ask_token(&a, "okta.users.read+okta.logs.read+okta.groups.read+okta.apps.read+okta.orgs.read"),
                     200);
    keep_token(&a);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fixture_ask(&a.f, row->target), row->want_status);
        assert_string_equal(fixture_error(&a.f), row->want_code);
        if (row->want_status == 200)
            assert_int_equal(view_is(a.f.answer.body, "[]"), row->want_empty);
        a.f.authorization = "SSWS 00token";
    }
    end(&a);
}

static void outside_its_zone_a_credential_is_refused_and_the_log_tells_so(void **state)
{
    struct app a;

    (void)state;
    begin(&a);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    emulator_set_outside_zone(a.f.emulator, true);
    assert_int_equal(fixture_ask(&a.f, USERS), 403);
    assert_string_equal(emulator_truth_at(a.f.emulator, emulator_truth_count(a.f.emulator) - 1).event_type,
                        "system.oauth2.token.request_outside_allowed_range");
    a.f.authorization = "SSWS 00token";
    assert_int_equal(fixture_ask(&a.f, USERS), 403);
    assert_string_equal(emulator_truth_at(a.f.emulator, emulator_truth_count(a.f.emulator) - 1).event_type,
                        "system.api_token.request_outside_allowed_range");
    assert_int_equal(ask_token(&a, "okta.users.read"), 403);
    assert_string_equal(member(&a, "error"), "access_denied");
    emulator_set_outside_zone(a.f.emulator, false);
    a.f.authorization = "SSWS 00token";
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    end(&a);
}

/* ---- proof of possession ---- */

struct proof {
    const char *typ, *htm, *htu, *nonce, *ath, *jti; /* NULL: the right one; "": none */
    int64_t iat_off_s;
    bool other_key, other_jwk;
};

static void make_proof(struct app *a, const struct proof *p, const char *htm, const char *htu)
{
    AUTO_BUF struct buf claims = BUF(8192), header = BUF(8192), hash = BUF(128);

    buf_printf(&header, "\"typ\":\"%s\",\"jwk\":%s", p->typ != NULL ? p->typ : "dpop+jwt",
               signer_jwk(p->other_jwk || p->other_key ? a->other : a->proof_key));
    buf_printf(&claims, "{\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":%lld", p->htm != NULL ? p->htm : htm,
               p->htu != NULL ? p->htu : htu, (long long)(a->f.now_ms / 1000 + p->iat_off_s));
    if (p->jti != NULL)
        buf_printf(&claims, ",\"jti\":\"%s\"", p->jti);
    else
        buf_printf(&claims, ",\"jti\":\"p%u\"", a->serial++);
    if (p->nonce != NULL && *p->nonce != '\0')
        buf_printf(&claims, ",\"nonce\":\"%s\"", p->nonce);
    signer_sha256(buf_view(&a->token), &hash);
    if (p->ath == NULL && a->token.len > 0)
        buf_printf(&claims, ",\"ath\":\"%s\"", buf_cstr(&hash));
    else if (p->ath != NULL && *p->ath != '\0')
        buf_printf(&claims, ",\"ath\":\"%s\"", p->ath);
    buf_putc(&claims, '}');
    buf_reset(&a->proof);
    signer_sign(p->other_key ? a->other : a->proof_key, buf_cstr(&header), buf_cstr(&claims), &a->proof);
    a->f.dpop = buf_cstr(&a->proof);
}

/* The nonce of the challenge that a first proof gets. */
static void take_nonce(struct app *a, char nonce[64])
{
    buf_reset(&a->token);
    make_proof(a, &(struct proof){ .typ = NULL }, "POST", TOKEN_URL);
    assert_int_equal(ask_token(a, "okta.users.read"), 400);
    assert_string_equal(member(a, "error"), "use_dpop_nonce");
    snprintf(nonce, 64, "%s", fixture_header(&a->f, "dpop-nonce", 0));
    assert_string_not_equal(nonce, "");
}

static void take_bound_token(struct app *a)
{
    char nonce[64];

    take_nonce(a, nonce);
    make_proof(a, &(struct proof){ .nonce = nonce }, "POST", TOKEN_URL);
    assert_int_equal(ask_token(a, "okta.users.read"), 200);
    assert_string_equal(member(a, "token_type"), "DPoP");
    assert_string_equal(fixture_header(&a->f, "dpop-nonce", 0), nonce);
    keep_token(a);
}

static void without_a_proof_it_is_said_to_be_missing(void **state)
{
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    assert_int_equal(ask_token(&a, "okta.users.read"), 400);
    assert_string_equal(member(&a, "error"), "invalid_dpop_proof");
    assert_non_null(strstr(member(&a, "error_description"), "header is missing"));
    end(&a);
}

static void the_assertion_of_a_challenged_request_is_used_up(void **state)
{
    char nonce[64];
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_nonce(&a, nonce);
    make_proof(&a, &(struct proof){ .nonce = nonce }, "POST", TOKEN_URL);
    assert_int_equal(post_form(&a, buf_cstr(&a.form)), 401);
    assert_string_equal(member(&a, "error"), "invalid_client");
    end(&a);
}

static void a_nonce_lasts_for_three_days_and_a_rotated_one_is_refused(void **state)
{
    char nonce[64];
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_nonce(&a, nonce);
    a.f.now_ms += 3 * DAY_MS;
    make_proof(&a, &(struct proof){ .nonce = nonce }, "POST", TOKEN_URL);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    assert_string_not_equal(fixture_header(&a.f, "dpop-nonce", 0), nonce);
    a.f.now_ms += DAY_MS;
    make_proof(&a, &(struct proof){ .nonce = nonce }, "POST", TOKEN_URL);
    assert_int_equal(ask_token(&a, "okta.users.read"), 400);
    snprintf(nonce, sizeof nonce, "%s", fixture_header(&a.f, "dpop-nonce", 0));
    emulator_rotate_nonce(a.f.emulator);
    make_proof(&a, &(struct proof){ .nonce = nonce }, "POST", TOKEN_URL);
    assert_int_equal(ask_token(&a, "okta.users.read"), 400);
    assert_string_equal(member(&a, "error"), "use_dpop_nonce");
    end(&a);
}

static const struct proof_row {
    const char *name;
    struct proof proof;
    int want_status;
    const char *want; /* in the challenge */
} proof_rows[] = {
    { "a fresh one", { .typ = NULL }, 200, "" },
    { "five minutes old", { .iat_off_s = -300 }, 200, "" },
    { "older", { .iat_off_s = -301 }, 400, "too old" },
    { "from five minutes ahead", { .iat_off_s = 300 }, 200, "" },
    { "from further ahead", { .iat_off_s = 301 }, 400, "in the future" },
    { "another type", { .typ = "JWT" }, 400, "'typ'" },
    { "another method", { .htm = "POST" }, 400, "'htm'" },
    { "another address", { .htu = BASE_URL "/api/v1/groups" }, 400, "'htu'" },
    { "an address with its query", { .htu = BASE_URL USERS }, 400, "'htu'" },
    { "without a jti", { .jti = "" }, 400, "'jti'" },
    { "without the token's hash", { .ath = "" }, 400, "'ath'" },
    { "another token's hash", { .ath = "x" }, 400, "'ath'" },
    { "another key than the token's", { .other_key = true }, 400, "bound to" },
    { "signed by another key than it names", { .other_jwk = true }, 400, "signature" },
};

static void a_call_needs_a_proof(void **state)
{
    const struct proof_row *row = *state;
    struct app a;

    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_bound_token(&a);
    make_proof(&a, &row->proof, "GET", BASE_URL "/api/v1/users");
    assert_int_equal(fixture_ask(&a.f, USERS), row->want_status);
    if (row->want_status != 200) {
        assert_non_null(strstr(fixture_header(&a.f, "WWW-Authenticate", 0), row->want));
        assert_non_null(strstr(fixture_header(&a.f, "WWW-Authenticate", 0), "DPoP algs=\"RS256"));
        assert_string_equal(member(&a, "error"), "invalid_dpop_proof");
    }
    end(&a);
}

static void a_proof_works_once(void **state)
{
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_bound_token(&a);
    make_proof(&a, &(struct proof){ .typ = NULL }, "GET", BASE_URL "/api/v1/users");
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    assert_int_equal(fixture_ask(&a.f, USERS), 400);
    assert_non_null(strstr(fixture_header(&a.f, "WWW-Authenticate", 0), "already been used"));
    end(&a);
}

static void a_bound_token_is_no_bearer_token_and_the_other_way_round(void **state)
{
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_bound_token(&a);
    a.f.dpop = NULL;
    assert_int_equal(fixture_ask(&a.f, USERS), 400);
    assert_string_equal(member(&a, "error"), "invalid_request");
    buf_reset(&a.authorization);
    buf_printf(&a.authorization, "Bearer %s", buf_cstr(&a.token));
    a.f.authorization = buf_cstr(&a.authorization);
    assert_int_equal(fixture_ask(&a.f, USERS), 400);
    emulator_set_dpop(a.f.emulator, EMULATOR_DPOP_OFF);
    assert_int_equal(ask_token(&a, "okta.users.read"), 200);
    keep_token(&a);
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    buf_reset(&a.authorization);
    buf_printf(&a.authorization, "DPoP %s", buf_cstr(&a.token));
    a.f.authorization = buf_cstr(&a.authorization);
    assert_int_equal(fixture_ask(&a.f, USERS), 400);
    end(&a);
}

static void where_it_is_strict_a_call_is_challenged_too(void **state)
{
    char nonce[64];
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_STRICT, EMULATOR_ROLE_READ_ONLY);
    take_bound_token(&a);
    make_proof(&a, &(struct proof){ .typ = NULL }, "GET", BASE_URL "/api/v1/users");
    assert_int_equal(fixture_ask(&a.f, USERS), 401);
    assert_non_null(strstr(fixture_header(&a.f, "WWW-Authenticate", 0), "error=\"use_dpop_nonce\""));
    snprintf(nonce, sizeof nonce, "%s", fixture_header(&a.f, "dpop-nonce", 0));
    make_proof(&a, &(struct proof){ .nonce = nonce }, "GET", BASE_URL "/api/v1/users");
    assert_int_equal(fixture_ask(&a.f, USERS), 200);
    end(&a);
}

static void a_missing_scope_of_a_bound_token_is_challenged_as_dpop(void **state)
{
    struct app a;

    (void)state;
    begin_with(&a, "ES256", EMULATOR_DPOP_REQUIRED, EMULATOR_ROLE_READ_ONLY);
    take_bound_token(&a);
    make_proof(&a, &(struct proof){ .typ = NULL }, "GET", BASE_URL "/api/v1/groups");
    assert_int_equal(fixture_ask(&a.f, GROUPS), 403);
    assert_int_equal(a.f.answer.body.len, 0);
    assert_int_equal(strncmp(fixture_header(&a.f, "WWW-Authenticate", 0),
                             "DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", authorization_uri=", 65),
                     0);
    end(&a);
}

static void a_short_rsa_key_is_no_key(void **state)
{
    struct fixture f;
    struct error err;

    (void)state;
    fixture_init(&f);
    fixture_begin(&f);
    assert_false(emulator_add_key(f.emulator, VIEW("k"),
                                  VIEW("-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwA"
                                       "wSAJBAL\n-----END PUBLIC KEY-----\n"),
                                  &err));
    assert_false(
        emulator_add_key(f.emulator, VIEW("k"), VIEW("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}"), &err));
    assert_false(emulator_add_key(f.emulator, VIEW("k"), VIEW("nothing"), &err));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_kid_and_with_two_keys_none_is_meant),
        cmocka_unit_test(an_assertion_with_a_jti_works_once),
        cmocka_unit_test(no_other_method_than_post_makes_tokens),
        cmocka_unit_test(an_inactive_client_gets_no_token_and_its_old_one_is_dead),
        cmocka_unit_test(a_token_lives_for_an_hour),
        cmocka_unit_test(its_life_can_be_set),
        cmocka_unit_test(tokens_can_be_revoked_and_forged_ones_do_not_work),
        cmocka_unit_test(a_missing_scope_is_named_in_a_header_over_an_empty_body),
        cmocka_unit_test(to_manage_is_to_read_too),
        cmocka_unit_test(outside_its_zone_a_credential_is_refused_and_the_log_tells_so),
        cmocka_unit_test(without_a_proof_it_is_said_to_be_missing),
        cmocka_unit_test(the_assertion_of_a_challenged_request_is_used_up),
        cmocka_unit_test(a_nonce_lasts_for_three_days_and_a_rotated_one_is_refused),
        cmocka_unit_test(a_proof_works_once),
        cmocka_unit_test(a_bound_token_is_no_bearer_token_and_the_other_way_round),
        cmocka_unit_test(where_it_is_strict_a_call_is_challenged_too),
        cmocka_unit_test(a_missing_scope_of_a_bound_token_is_challenged_as_dpop),
        cmocka_unit_test(a_short_rsa_key_is_no_key),
    };

    return RUN_ROWS(an_assertion_of_this_algorithm_gets_a_token_that_works, algs) +
           RUN_ROWS(a_key_as_a_jwk_brings_its_kid, algs) + RUN_ROWS(a_signature_that_was_touched_is_none, algs) +
           RUN_ROWS(an_assertion_is_refused, assertion_rows) + RUN_ROWS(an_assertion_is_accepted, good_rows) +
           RUN_ROWS(a_form_is_refused, form_rows) + RUN_ROWS(scopes_are_granted, scope_rows) +
           RUN_ROWS(a_role_is_needed, role_rows) + RUN_ROWS(a_call_needs_a_proof, proof_rows) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
