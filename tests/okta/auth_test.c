/* A service app's way in: what is signed, what is asked for and when, and what each refusal means. The client against
 * a transport and a clock made by hand; what it signs is verified by OpenSSL. */
#include "base/mem.h"
#include "okta/okta.h"
#include "tests/emulator/jwt.h"
#include "tests/okta/keys.h"
#include "tests/rows.h"

#include <stdio.h>
#include <string.h>

#define TOKEN    "00exampleTokenValueNotReal0123456789abcdEF"
#define CLIENT   "0oaexampleClient0001"
#define BASE     "https://acme.okta.com"
#define ENDPOINT BASE "/oauth2/v1/token"
#define LOGS     "/api/v1/logs?limit=1000"
#define USERS    "/api/v1/users?limit=200"
#define UNIX_S   1773480413 /* Sat, 14 Mar 2026 09:26:53 GMT, at mono 0 */
#define JSON     "Content-Type: application/json\r\n"
#define DATE     "Date: Sat, 14 Mar 2026 09:26:53 GMT\r\n"
#define SENT_MAX 64
#define HOUR_MS  3600000

#define BEARER(token, scope)                                                                                           \
    "{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"" token "\",\"scope\":\"" scope "\"}"
#define DPOP(token)                                                                                                    \
    "{\"token_type\":\"DPoP\",\"expires_in\":3600,\"access_token\":\"" token "\","                                     \
    "\"scope\":\"okta.users.read okta.logs.read\"}"
#define BOTH "okta.users.read okta.logs.read"

/* ---- a clock and a transport by hand ---- */

static int64_t mono_ms, unix_offset_s;

static int64_t hand_mono_ms(void *self)
{
    (void)self;
    return mono_ms;
}

static int64_t hand_unix_ms(void *self)
{
    (void)self;
    return (UNIX_S + unix_offset_s) * 1000 + mono_ms;
}

static const struct clock hand_clock = { hand_mono_ms, hand_unix_ms, NULL };

/* What went out, copied: the client wipes it. */
struct sent {
    char *url, *headers, *body; /* body: NULL for a GET */
    bool was_fresh;
};

struct wire {
    struct okta_transport transport; /* first */
    struct okta_exchange *under_way[SENT_MAX];
    size_t count;
    struct sent sent[SENT_MAX];
    size_t sent_count;
    int64_t waited_ms;
    struct okta_exchange *ready[SENT_MAX];
    size_t ready_count;
};

static struct wire wire;

static void wire_start(struct okta_transport *t, struct okta_exchange *x)
{
    struct wire *w = (struct wire *)t;
    struct sent *s = &w->sent[w->sent_count++];
    AUTO_BUF struct buf headers = BUF(65536);

    assert_true(w->sent_count < SENT_MAX);
    for (size_t i = 0; x->headers[i] != NULL; i++)
        buf_printf(&headers, "%s\n", x->headers[i]);
    *s = (struct sent){ mem_strdup(x->url), mem_strdup(buf_cstr(&headers)), mem_strdup(x->post_body),
                        x->is_fresh_connection };
    w->under_way[w->count++] = x;
}

static void forget(struct wire *w, const struct okta_exchange *x)
{
    size_t i = 0;

    while (i < w->count && w->under_way[i] != x)
        i++;
    assert_true(i < w->count);
    memmove(&w->under_way[i], &w->under_way[i + 1], (--w->count - i) * sizeof w->under_way[0]);
}

static void wire_cancel(struct okta_transport *t, struct okta_exchange *x)
{
    struct wire *w = (struct wire *)t;
    size_t kept = 0;

    for (size_t i = 0; i < w->ready_count; i++)
        if (w->ready[i] != x)
            w->ready[kept++] = w->ready[i];
    w->ready_count = kept;
    forget(w, x);
}

static void wire_run(struct okta_transport *t, int64_t timeout_ms)
{
    struct wire *w = (struct wire *)t;

    w->waited_ms = timeout_ms;
    while (w->ready_count > 0) {
        struct okta_exchange *x = w->ready[--w->ready_count];

        forget(w, x);
        w->transport.finished(w->transport.ctx, x);
    }
}

static void wire_wake(struct okta_transport *t)
{
    (void)t;
}

/* ---- requests that remember their answer ---- */

struct asked {
    struct okta_request r;
    int calls;
    struct okta_answer answer;
};

static struct okta *okta;

static void on_done(struct okta_request *r, const struct okta_answer *answer)
{
    struct asked *a = r->ctx;

    a->calls++;
    a->answer = *answer;
}

static struct asked *ask(const char *path, enum okta_priority lane)
{
    static struct asked pool[64];
    static size_t used;
    struct asked *a = &pool[used++ % 64];

    *a = (struct asked){ .r = { .path = view_of(path), .priority = lane, .done = on_done, .ctx = a } };
    okta_send(okta, &a->r);
    okta_run(okta, 0);
    return a;
}

/* The exchange number `index` of those under way is answered. */
static void answer(size_t index, int status, const char *head, const char *body)
{
    struct okta_exchange *x = wire.under_way[index];

    assert_true(index < wire.count);
    x->http_status = status;
    buf_puts(&x->head, head);
    buf_puts(&x->body, body);
    wire.ready[wire.ready_count++] = x;
    okta_run(okta, 0);
    okta_run(okta, 0); /* what waited for it is told in the next round */
}

static void fail_stale(size_t index)
{
    struct okta_exchange *x = wire.under_way[index];

    snprintf(x->failure, sizeof x->failure, "the connection is gone");
    x->was_stale_connection = true;
    wire.ready[wire.ready_count++] = x;
    okta_run(okta, 0);
}

static const struct sent *sent(size_t index)
{
    assert_true(index < wire.sent_count);
    return &wire.sent[index];
}

static bool is_token_request(size_t index)
{
    return sent(index)->body != NULL && strcmp(sent(index)->url, ENDPOINT) == 0;
}

/* ---- the world ---- */

static void use_key(const char *kind, enum keys_form form, const char *members)
{
    AUTO_BUF struct buf text = BUF(32768), out = BUF(OKTA_CREDENTIAL_BYTES_MAX);
    struct error err = { 0 };

    keys_credential(keys_of(kind), form, members, &text);
    if (!okta_credential_check(buf_view(&text), &out, &err))
        fail_msg("%s", err.text);
    okta_set_credential(okta, buf_view(&out));
}

static int set_up(void **state)
{
    struct okta_options options = { .clock = &hand_clock, .transport = &wire.transport };
    struct error err = { 0 };

    (void)state;
    mono_ms = unix_offset_s = 0;
    wire = (struct wire){ .transport = {
                              .start = wire_start, .cancel = wire_cancel, .run = wire_run, .wake = wire_wake } };
    assert_true(okta_url_parse(VIEW("acme"), false, &options.url, &err));
    okta = okta_create(&options);
    use_key("P-256", KEYS_PKCS8, ",\"key_id\":\"kid-1\"");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    okta_destroy(okta);
    assert_int_equal(wire.count, 0);
    for (size_t i = 0; i < wire.sent_count; i++) {
        free(wire.sent[i].url);
        free(wire.sent[i].headers);
        free(wire.sent[i].body);
    }
    return 0;
}

/* A request goes out with an access token in place; sent: the POST, then it. */
static struct asked *ask_with_token(const char *token_body)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);

    answer(0, 200, JSON DATE, token_body);
    assert_int_equal(wire.count, 1);
    return a;
}

/* ---- reading what was signed ---- */

/* The value of a header line, or of a form's field; yours. */
static char *cut(const char *text, const char *name, char end)
{
    const char *at = strstr(text, name);
    size_t len = 0;

    if (at == NULL)
        return NULL;
    at += strlen(name);
    while (at[len] != '\0' && at[len] != end)
        len++;
    return view_dup((struct view){ at, len });
}

static char *assertion_of(size_t index)
{
    char *text = cut(sent(index)->body, "client_assertion=", '&');

    assert_non_null(text);
    return text;
}

static char *proof_of(size_t index)
{
    return cut(sent(index)->headers, "DPoP: ", '\n');
}

static void read_token(struct jwt *j, const char *text)
{
    assert_non_null(text);
    if (!jwt_read(j, view_of(text)))
        fail_msg("no JWT: %s", text);
}

static void assert_text(struct json object, const char *name, const char *want)
{
    struct view v = jwt_text(object, name);

    if (!view_is(v, want))
        fail_msg("%s is \"" VIEW_FMT "\", want \"%s\"", name, VIEW_ARG(v), want);
}

static int64_t seconds_of(struct json claims, const char *name)
{
    int64_t at = 0;

    assert_true(jwt_seconds(claims, name, &at));
    return at;
}

static void assert_unlike(const char *a, const char *b)
{
    struct jwt one, other;

    read_token(&one, a);
    read_token(&other, b);
    assert_true(jwt_text(one.claims, "jti").len >= 16);
    assert_false(view_eq(jwt_text(one.claims, "jti"), jwt_text(other.claims, "jti")));
    jwt_deinit(&one);
    jwt_deinit(&other);
}

/* Verified with the key that it shows itself; `thumbprint` tells which. */
static void read_proof(struct jwt *j, const char *text, char thumbprint[JWT_THUMBPRINT_SIZE])
{
    struct jwt_key *key;

    read_token(j, text);
    assert_text(j->header, "typ", "dpop+jwt");
    assert_text(j->header, "alg", "ES256");
    assert_true(jwt_key_from_jwk(json_get(j->header, "jwk"), &key, thumbprint)); /* false with a private member */
    assert_true(jwt_is_signed_by(j, key));
    jwt_key_destroy(key);
}

/* ---- the assertion ---- */

static const struct alg_row {
    const char *name, *kind;
    enum keys_form form;
    const char *want_alg;
} algs[] = {
    { "RSA from PEM", "RSA-2048", KEYS_PKCS8, "RS256" },
    { "RSA from PKCS#1", "RSA-2048", KEYS_TRADITIONAL, "RS256" },
    { "RSA from JWK", "RSA-2048", KEYS_JWK, "RS256" },
    { "P-256 from PEM", "P-256", KEYS_PKCS8, "ES256" },
    { "P-256 from SEC 1", "P-256", KEYS_TRADITIONAL, "ES256" },
    { "P-256 from JWK", "P-256", KEYS_JWK, "ES256" },
    { "P-384 from PEM", "P-384", KEYS_ESCAPED, "ES384" },
    { "P-384 from JWK", "P-384", KEYS_JWK, "ES384" },
    { "P-521 from PEM", "P-521", KEYS_PKCS8, "ES512" },
    { "P-521 from JWK", "P-521", KEYS_JWK, "ES512" },
};

static void check_assertion(size_t index, const char *kind, const char *want_alg)
{
    AUTO_FREE char *text = assertion_of(index);
    struct jwt_key *key;
    struct error err = { 0 };
    struct jwt j;

    assert_true(jwt_key_read(view_of(keys_text(keys_of(kind), KEYS_PUBLIC)), &key, &err));
    read_token(&j, text);
    assert_true(jwt_is_signed_by(&j, key));
    assert_text(j.header, "alg", want_alg);
    assert_text(j.header, "kid", "kid-1");
    assert_text(j.claims, "iss", CLIENT);
    assert_text(j.claims, "sub", CLIENT);
    assert_text(j.claims, "aud", ENDPOINT);
    assert_int_equal(seconds_of(j.claims, "exp"), UNIX_S + 300);
    assert_int_equal(seconds_of(j.claims, "iat"), UNIX_S - 5);
    jwt_deinit(&j);
    jwt_key_destroy(key);
}

static void an_assertion_is_signed(void **state)
{
    const struct alg_row *row = *state;

    set_up(NULL);
    use_key(row->kind, row->form, ",\"key_id\":\"kid-1\"");
    ask(LOGS, OKTA_PRIORITY_TAIL);
    check_assertion(0, row->kind, row->want_alg);
    tear_down(NULL);
}

/* An RSA key whose JWK says which. */
static const struct rsa_row {
    const char *name, *alg;
} rsa[] = { { "RS256", "RS256" }, { "RS384", "RS384" }, { "RS512", "RS512" } };

static void a_jwk_decides(void **state)
{
    const struct rsa_row *row = *state;
    AUTO_BUF struct buf text = BUF(32768);
    const char *jwk = keys_text(keys_of("RSA-2048"), KEYS_JWK);

    set_up(NULL);
    buf_printf(&text, "{\"client_id\":\"" CLIENT "\",\"private_key\":{\"kid\":\"kid-1\",\"alg\":\"%s\",%s}", row->alg,
               jwk + 1);
    okta_set_credential(okta, buf_view(&text));
    ask(LOGS, OKTA_PRIORITY_TAIL);
    check_assertion(0, "RSA-2048", row->alg);
    tear_down(NULL);
}

/* ---- the request for a token, and its use ---- */

static void an_access_token_comes_first(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);
    const struct sent *post = sent(0);
    struct okta_grants grants;

    (void)state;
    assert_int_equal(wire.sent_count, 1);
    assert_string_equal(post->url, ENDPOINT);
    assert_non_null(strstr(post->headers, "Content-Type: application/x-www-form-urlencoded\n"));
    assert_null(strstr(post->headers, "Authorization"));
    assert_ptr_equal(strstr(post->body, "grant_type=client_credentials&scope=okta.users.read%20okta.logs.read&"
                                        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%"
                                        "3Ajwt-bearer&client_assertion="),
                     post->body);
    assert_false(okta_grants(okta).is_known);
    answer(0, 200, JSON DATE, BEARER("the-access-token", BOTH));
    assert_int_equal(wire.sent_count, 2);
    assert_string_equal(sent(1)->url, BASE LOGS);
    assert_null(sent(1)->body);
    assert_non_null(strstr(sent(1)->headers, "Authorization: Bearer the-access-token\n"));
    assert_null(strstr(sent(1)->headers, "DPoP"));
    answer(0, 200, JSON, "[]");
    assert_int_equal(a->answer.verdict, OKTA_DONE);
    grants = okta_grants(okta);
    assert_true(grants.is_known && !grants.is_dpop);
    assert_string_equal(grants.granted, BOTH);
    assert_string_equal(grants.missing, "");
}

static void many_wait_for_one_token(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL), *b = ask(USERS, OKTA_PRIORITY_SYNC),
                 *c = ask("/api/v1/org", OKTA_PRIORITY_READ);

    (void)state;
    assert_int_equal(wire.sent_count, 1);
    answer(0, 200, JSON, BEARER("t1", BOTH));
    assert_int_equal(wire.sent_count, 4);
    for (size_t i = 1; i < 4; i++)
        assert_non_null(strstr(sent(i)->headers, "Authorization: Bearer t1\n"));
    assert_int_equal(a->calls + b->calls + c->calls, 0);
}

static void an_anonymous_request_does_not_wait(void **state)
{
    struct asked a = { .r = { .path = VIEW("/.well-known/okta-organization"), .is_anonymous = true, .done = on_done } };

    (void)state;
    a.r.ctx = &a;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    okta_send(okta, &a.r);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 2);
    assert_null(strstr(sent(1)->headers, "Authorization"));
    answer(1, 200, JSON, "{}");
    assert_int_equal(a.answer.verdict, OKTA_DONE);
}

/* ---- the token's life ---- */

static void finish_all(void)
{
    while (wire.count > 0)
        answer(0, 200, JSON, "[]");
}

static const struct life_row {
    const char *name;
    int64_t after_ms;
    int want_posts, want_gets_before; /* the token's answer */
} lives[] = {
    { "just before four fifths of its life", 2880000 - 1, 0, 1 },
    { "at four fifths it is renewed, and still used", 2880000, 1, 1 },
    { "just before its end likewise", HOUR_MS - 1, 1, 1 },
    { "at its end requests wait", HOUR_MS, 1, 0 },
};

static void a_token_of_an_hour(void **state)
{
    const struct life_row *row = *state;
    int posts = 0, gets = 0;

    set_up(NULL);
    ask_with_token(BEARER("t1", BOTH));
    finish_all();
    mono_ms = row->after_ms;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    for (size_t i = 2; i < wire.sent_count; i++) {
        posts += is_token_request(i);
        gets += sent(i)->body == NULL;
    }
    assert_int_equal(posts, row->want_posts);
    assert_int_equal(gets, row->want_gets_before);
    tear_down(NULL);
}

static void the_renewed_token_is_used(void **state)
{
    size_t post, i;

    (void)state;
    ask_with_token(BEARER("t1", BOTH));
    finish_all();
    mono_ms = HOUR_MS - 1000;
    ask(LOGS, OKTA_PRIORITY_TAIL); /* with t1, while t2 is asked for */
    ask(USERS, OKTA_PRIORITY_SYNC);
    for (post = 2; !is_token_request(post);)
        post++;
    for (i = 0; strstr(wire.under_way[i]->url, "/token") == NULL;)
        i++;
    answer(i, 200, JSON, BEARER("t2", BOTH));
    finish_all();
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_non_null(strstr(sent(wire.sent_count - 1)->headers, "Bearer t2\n"));
    assert_null(strstr(sent(wire.sent_count - 1)->headers, "t1"));
}

/* A token that says it lives for no time must not be asked for with every request. */
static void a_token_without_life_is_kept_for_a_while(void **state)
{
    (void)state;
    ask_with_token("{\"token_type\":\"Bearer\",\"expires_in\":0,\"access_token\":\"t1\"}");
    finish_all();
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_int_equal(wire.sent_count, 3);
    assert_string_equal(okta_grants(okta).granted, BOTH); /* not said: as asked */
}

#define DEAD JSON "WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"The token has expired.\"\r\n"

static void a_revoked_token_is_renewed_once(void **state)
{
    struct asked *a = ask_with_token(BEARER("t1", BOTH));

    (void)state;
    answer(0, 401, DEAD, "");
    assert_int_equal(a->calls, 0);
    assert_true(is_token_request(2));
    answer(0, 200, JSON, BEARER("t2", BOTH));
    assert_non_null(strstr(sent(3)->headers, "Bearer t2\n"));
    answer(0, 200, JSON, "[]");
    assert_int_equal(a->answer.verdict, OKTA_DONE);
}

static void refused_with_a_new_token_it_is_refused(void **state)
{
    struct asked *a = ask_with_token(BEARER("t1", BOTH));

    (void)state;
    answer(0, 401, DEAD, "");
    answer(0, 200, JSON, BEARER("t2", BOTH));
    answer(0, 401, DEAD, "");
    assert_int_equal(a->calls, 1);
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.sent_count, 4);
}

/* Both went out with the same token: that is one renewal. */
static void two_refused_together_cost_one_renewal(void **state)
{
    int posts = 0;

    (void)state;
    ask_with_token(BEARER("t1", BOTH));
    ask(USERS, OKTA_PRIORITY_SYNC);
    assert_int_equal(wire.count, 2);
    answer(0, 401, DEAD, "");
    answer(0, 401, DEAD, "");
    for (size_t i = 0; i < wire.sent_count; i++)
        posts += is_token_request(i);
    assert_int_equal(posts, 2);
    answer(0, 200, JSON, BEARER("t2", BOTH));
    assert_int_equal(wire.count, 2);
    finish_all();
}

/* It went out before the new token came, and is refused after. */
static void a_late_refusal_of_the_old_token_costs_no_renewal(void **state)
{
    struct asked *b;

    (void)state;
    ask_with_token(BEARER("t1", BOTH));
    b = ask(USERS, OKTA_PRIORITY_SYNC);
    answer(0, 401, DEAD, "");
    answer(1, 200, JSON, BEARER("t2", BOTH));
    answer(0, 401, DEAD, "");
    assert_int_equal(b->calls, 0);
    assert_false(is_token_request(wire.sent_count - 1));
    assert_non_null(strstr(sent(wire.sent_count - 1)->headers, "Bearer t2\n"));
    finish_all();
    assert_int_equal(b->answer.verdict, OKTA_DONE);
}

static void an_api_token_is_not_renewed(void **state)
{
    struct asked *a;

    (void)state;
    okta_set_credential(okta, VIEW(TOKEN));
    a = ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_non_null(strstr(sent(0)->headers, "Authorization: SSWS " TOKEN "\n"));
    answer(0, 401, DEAD, "{\"errorCode\":\"E0000011\"}");
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.sent_count, 1);
}

static void a_new_credential_drops_what_the_old_one_asked_for(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    okta_set_credential(okta, VIEW(TOKEN));
    assert_int_equal(wire.count, 0);
    okta_run(okta, 0);
    assert_int_equal(wire.sent_count, 2);
    assert_non_null(strstr(sent(1)->headers, "SSWS " TOKEN));
    answer(0, 200, JSON, "[]");
    assert_int_equal(a->answer.verdict, OKTA_DONE);
}

static void a_connection_that_died_costs_a_new_assertion(void **state)
{
    AUTO_FREE char *first = NULL, *second = NULL;

    (void)state;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    fail_stale(0);
    assert_true(is_token_request(1));
    assert_true(sent(1)->was_fresh);
    first = assertion_of(0);
    second = assertion_of(1);
    assert_unlike(first, second);
}

/* ---- proofs ---- */

#define CHALLENGE                                                                                                      \
    "{\"error\":\"use_dpop_nonce\",\"error_description\":\"Authorization server requires nonce in DPoP proof.\"}"

static void the_nonce_comes_with_a_challenge(void **state)
{
    AUTO_FREE char *first = NULL, *second = NULL, *assertion = NULL, *next = NULL;
    char thumbprint[JWT_THUMBPRINT_SIZE], again[JWT_THUMBPRINT_SIZE];
    struct jwt j;

    (void)state;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    first = proof_of(0);
    read_proof(&j, first, thumbprint);
    assert_text(j.claims, "htm", "POST");
    assert_text(j.claims, "htu", ENDPOINT);
    assert_int_equal(seconds_of(j.claims, "iat"), UNIX_S - 5);
    assert_int_equal(json_type(json_get(j.claims, "nonce")), JSON_NONE);
    assert_int_equal(json_type(json_get(j.claims, "ath")), JSON_NONE);
    jwt_deinit(&j);

    answer(0, 400, JSON "DPoP-Nonce: nonce-1\r\n", CHALLENGE);
    assert_true(is_token_request(1));
    second = proof_of(1);
    read_proof(&j, second, again);
    assert_text(j.claims, "nonce", "nonce-1");
    jwt_deinit(&j);
    assert_string_equal(thumbprint, again); /* the same key */
    assert_unlike(first, second);
    assertion = assertion_of(0);
    next = assertion_of(1);
    assert_unlike(assertion, next);
    assert_int_equal(okta_counts(okta).requests, 2);
    assert_int_equal(okta_counts(okta).failed, 0);
}

static void a_bound_token_goes_with_a_proof(void **state)
{
    AUTO_FREE char *first = NULL, *second = NULL;
    char thumbprint[JWT_THUMBPRINT_SIZE], hash[JWT_THUMBPRINT_SIZE];
    struct jwt j;

    (void)state;
    ask_with_token(DPOP("bound-token"));
    assert_true(okta_grants(okta).is_dpop);
    assert_non_null(strstr(sent(1)->headers, "Authorization: DPoP bound-token\n"));
    first = proof_of(1);
    read_proof(&j, first, thumbprint);
    assert_text(j.claims, "htm", "GET");
    assert_text(j.claims, "htu", BASE "/api/v1/logs"); /* without the query */
    jwt_sha256(VIEW("bound-token"), hash);
    assert_text(j.claims, "ath", hash);
    jwt_deinit(&j);
    answer(0, 200, JSON "DPoP-Nonce: nonce-2\r\n", "[]");
    ask(LOGS, OKTA_PRIORITY_TAIL);
    second = proof_of(2);
    assert_unlike(first, second);
    read_proof(&j, second, thumbprint);
    assert_text(j.claims, "nonce", "nonce-2"); /* from the last answer, whatever it answered */
    jwt_deinit(&j);
}

static void a_connection_that_died_costs_a_new_proof(void **state)
{
    AUTO_FREE char *first = NULL, *second = NULL;

    (void)state;
    ask_with_token(DPOP("t1"));
    fail_stale(0);
    assert_int_equal(wire.sent_count, 3);
    assert_false(is_token_request(2));
    assert_true(sent(2)->was_fresh);
    first = proof_of(1);
    second = proof_of(2);
    assert_unlike(first, second);
}

static const struct challenge_row {
    const char *name;
    int status;
    const char *head, *body;
} challenges[] = {
    { "in the header", 401, JSON "WWW-Authenticate: DPoP error=\"use_dpop_nonce\"\r\nDPoP-Nonce: nonce-3\r\n", "" },
    { "in the body", 400, JSON "DPoP-Nonce: nonce-3\r\n", CHALLENGE },
    { "a proof refused", 400, JSON "DPoP-Nonce: nonce-3\r\n", "{\"error\":\"invalid_dpop_proof\"}" },
};

static void a_resource_that_wants_another_proof_gets_it_once(void **state)
{
    const struct challenge_row *row = *state;
    char thumbprint[JWT_THUMBPRINT_SIZE];
    struct asked *a;
    struct jwt j;
    char *proof;

    set_up(NULL);
    a = ask_with_token(DPOP("t1"));
    answer(0, row->status, row->head, row->body);
    assert_int_equal(a->calls, 0);
    assert_false(is_token_request(2));
    proof = proof_of(2);
    read_proof(&j, proof, thumbprint);
    assert_text(j.claims, "nonce", "nonce-3");
    jwt_deinit(&j);
    free(proof);
    answer(0, 400, row->head, row->body);
    assert_int_equal(a->calls, 1);
    assert_int_not_equal(a->answer.verdict, OKTA_DONE);
    tear_down(NULL);
}

/* What would not be a nonce is not signed. */
static void a_nonce_that_is_none_is_not_taken(void **state)
{
    AUTO_FREE char *proof = NULL;
    char thumbprint[JWT_THUMBPRINT_SIZE];
    struct jwt j;

    (void)state;
    ask_with_token(DPOP("t1"));
    answer(0, 200, JSON "DPoP-Nonce: a\"b\r\n", "[]");
    ask(LOGS, OKTA_PRIORITY_TAIL);
    proof = proof_of(2);
    read_proof(&j, proof, thumbprint);
    assert_int_equal(json_type(json_get(j.claims, "nonce")), JSON_NONE);
    jwt_deinit(&j);
}

/* ---- clocks ---- */

static void the_time_is_oktas(void **state)
{
    AUTO_FREE char *first = NULL, *second = NULL;
    struct asked *a;
    struct jwt j;

    (void)state;
    unix_offset_s = 7200; /* ours is two hours fast */
    a = ask(LOGS, OKTA_PRIORITY_TAIL);
    first = assertion_of(0);
    read_token(&j, first);
    assert_int_equal(seconds_of(j.claims, "iat"), UNIX_S + 7200 - 5);
    jwt_deinit(&j);
    answer(
        0, 401, JSON DATE,
        "{\"error\":\"invalid_client\",\"error_description\":\"The client_assertion token is issued in the future.\"}");
    assert_true(is_token_request(1));
    second = assertion_of(1);
    read_token(&j, second);
    assert_int_equal(seconds_of(j.claims, "iat"), UNIX_S - 5);
    assert_int_equal(seconds_of(j.claims, "exp"), UNIX_S + 300);
    jwt_deinit(&j);
    answer(0, 200, JSON DATE, BEARER("t1", BOTH));
    answer(0, 200, JSON, "[]");
    assert_int_equal(a->answer.verdict, OKTA_DONE);
}

static void trouble_with_time_is_cured_once(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);
    static const char expired[] = "{\"error\":\"invalid_client\",\"error_description\":\"The token has expired.\"}";

    (void)state;
    answer(0, 401, JSON DATE, expired);
    answer(0, 401, JSON DATE, expired);
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.sent_count, 2);
}

/* Any answer tells it, so the first assertion after one is right. */
static void an_earlier_answer_has_told_the_time(void **state)
{
    AUTO_FREE char *text = NULL;
    struct jwt j;

    (void)state;
    unix_offset_s = -86400;
    okta_set_credential(okta, VIEW(TOKEN));
    ask(LOGS, OKTA_PRIORITY_TAIL);
    answer(0, 200, JSON DATE, "[]");
    use_key("P-256", KEYS_PKCS8, "");
    ask(LOGS, OKTA_PRIORITY_TAIL);
    text = assertion_of(1);
    read_token(&j, text);
    assert_int_equal(seconds_of(j.claims, "iat"), UNIX_S - 5);
    assert_int_equal(json_type(json_get(j.header, "kid")), JSON_NONE); /* none was given */
    jwt_deinit(&j);
}

/* ---- scopes ---- */

static const struct scope_row {
    const char *name, *answer, *want_granted, *want_missing;
} scopes[] = {
    { "both", BEARER("t", BOTH), BOTH, "" },
    { "one dropped in silence", BEARER("t", "okta.logs.read"), "okta.logs.read", "okta.users.read" },
    { "the other", BEARER("t", "okta.users.read"), "okta.users.read", "okta.logs.read" },
    { "more than was asked for", BEARER("t", "okta.logs.read okta.users.manage okta.users.read"),
      "okta.logs.read okta.users.manage okta.users.read", "" },
    { "a scope that only begins so", BEARER("t", "okta.logs.readonly okta.users.read"),
      "okta.logs.readonly okta.users.read", "okta.logs.read" },
};

static void granted_scopes(void **state)
{
    const struct scope_row *row = *state;
    struct okta_grants grants;

    set_up(NULL);
    ask_with_token(row->answer);
    grants = okta_grants(okta);
    assert_string_equal(grants.granted, row->want_granted);
    assert_string_equal(grants.missing, row->want_missing);
    tear_down(NULL);
}

/* ---- what the token endpoint refuses ---- */

#define ERROR(name, text) "{\"error\":\"" name "\",\"error_description\":\"" text "\"}"

static const struct error_row {
    const char *name;
    int status;
    const char *head, *body;
    enum okta_verdict want;
    const char *want_text;
} errors[] = {
    { "a request that is wrong", 400, JSON, ERROR("invalid_request", "x"), OKTA_BROKEN, "invalid_request" },
    { "a scope that is not known", 400, JSON, ERROR("invalid_scope", "x"), OKTA_SCOPE_MISSING, "okta.logs.read" },
    { "no consent", 400, JSON, ERROR("consent_required", "x"), OKTA_SCOPE_MISSING, "grant" },
    { "no scope granted", 400, JSON, ERROR("no_org_scopes_granted", "x"), OKTA_SCOPE_MISSING, "grant" },
    { "not a service app", 400, JSON, ERROR("unauthorized_client", "x"), OKTA_CREDENTIAL_REFUSED, "service app" },
    { "no such grant", 400, JSON, ERROR("unsupported_grant_type", "x"), OKTA_CREDENTIAL_REFUSED, "service app" },
    { "a self scope", 400, JSON, ERROR("client_credentials_self_scope_requested", "x"), OKTA_BROKEN, "self_scope" },
    { "a challenge without nonce", 400, JSON, CHALLENGE, OKTA_BROKEN, "nonce" },
    { "a proof refused", 400, JSON, ERROR("invalid_dpop_proof", "x"), OKTA_BROKEN, "proof" },
    { "an unknown client", 401, JSON, ERROR("invalid_client", "No such client."), OKTA_CREDENTIAL_REFUSED,
      "Okta refused the service app: No such client. (HTTP 401 invalid_client)" },
    { "an unknown client by another status", 400, JSON, ERROR("invalid_client", "x"), OKTA_CREDENTIAL_REFUSED, "x" },
    { "outside the network zone", 403, JSON, ERROR("access_denied", "x"), OKTA_CREDENTIAL_REFUSED, "network" },
    { "a name nobody knows", 400, JSON, ERROR("brand_new", "Something."), OKTA_BROKEN, "Something." },
    { "401 with nothing", 401, "", "", OKTA_CREDENTIAL_REFUSED, "HTTP 401" },
    { "403 with an API error", 403, JSON, "{\"errorCode\":\"E0000006\"}", OKTA_CREDENTIAL_REFUSED, "E0000006" },
    { "no such endpoint", 404, JSON, "{\"errorCode\":\"E0000008\"}", OKTA_BROKEN, "E0000008" },
    { "the rate limit", 429, JSON, "{\"errorCode\":\"E0000047\"}", OKTA_RETRY, "rate limit" },
    { "a fault of Okta's", 500, JSON, ERROR("server_error", "x"), OKTA_RETRY, "HTTP 500" },
    { "a gateway's page", 502, "Content-Type: text/html\r\n", "<html>", OKTA_RETRY, "HTTP 502" },
    { "a login page", 200, "Content-Type: text/html\r\n", "<html>", OKTA_RETRY, "JSON" },
    { "a redirect", 302, "Location: https://evil.example/\r\n", "", OKTA_RETRY, "redirect" },
    { "no token in it", 200, JSON, "{\"token_type\":\"Bearer\"}", OKTA_RETRY, "no access token" },
    { "a token of another type", 200, JSON, "{\"token_type\":\"MAC\",\"access_token\":\"t\"}", OKTA_RETRY,
      "no access token" },
    { "a token that would end the line", 200, JSON, "{\"token_type\":\"Bearer\",\"access_token\":\"t\\r\\nX: y\"}",
      OKTA_RETRY, "no access token" },
};

static void the_token_endpoint_answers(void **state)
{
    const struct error_row *row = *state;
    struct asked *a, *b;

    set_up(NULL);
    a = ask(LOGS, OKTA_PRIORITY_TAIL);
    b = ask(USERS, OKTA_PRIORITY_SYNC);
    answer(0, row->status, row->head, row->body);
    assert_int_equal(a->calls, 1); /* none is left waiting */
    assert_int_equal(b->calls, 1);
    assert_int_equal(a->answer.verdict, row->want);
    assert_int_equal(b->answer.verdict, row->want);
    if (strstr(a->answer.message, row->want_text) == NULL)
        fail_msg("it says \"%s\", want \"%s\"", a->answer.message, row->want_text);
    if (row->want == OKTA_RETRY)
        assert_true(a->answer.retry_mono_ms > mono_ms);
    assert_int_equal(wire.sent_count, 1);
    assert_int_equal(wire.count, 0);
    tear_down(NULL);
}

/* An error that repeats what we sent must not reach a log. */
static void what_could_be_a_secret_is_scrubbed(void **state)
{
    AUTO_BUF struct buf body = BUF(65536);
    AUTO_FREE char *assertion = NULL;
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    assertion = assertion_of(0);
    buf_printf(&body, "{\"error\":\"invalid_client\",\"error_description\":\"Bad %s and \\u0007\\n %s\"}", assertion,
               assertion + 10);
    answer(0, 401, JSON, buf_cstr(&body));
    assert_int_equal(a->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_non_null(strstr(a->answer.message, "Bad ... and ..."));
    assert_null(strstr(a->answer.message, "eyJ"));
    assert_true(strlen(a->answer.message) < sizeof a->answer.message - 1);
}

/* A refusal is not asked for again by everybody who comes; a little later it is. */
static void a_refusal_holds_for_a_moment(void **state)
{
    struct asked *b;

    (void)state;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    answer(0, 401, JSON, ERROR("invalid_client", "No such client."));
    b = ask(USERS, OKTA_PRIORITY_SYNC);
    okta_run(okta, 0);
    assert_int_equal(b->answer.verdict, OKTA_CREDENTIAL_REFUSED);
    assert_int_equal(wire.sent_count, 1);
    mono_ms += 5000;
    ask(USERS, OKTA_PRIORITY_SYNC);
    assert_int_equal(wire.sent_count, 2);
}

/* A passing fault: what comes meanwhile waits for the next try, and okta_run for no longer than that. */
static void a_passing_fault_is_waited_out(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL), *b;
    int64_t retry_mono_ms;

    (void)state;
    answer(0, 503, JSON, "");
    retry_mono_ms = a->answer.retry_mono_ms;
    b = ask(USERS, OKTA_PRIORITY_SYNC);
    okta_run(okta, 3600000);
    assert_int_equal(wire.waited_ms, retry_mono_ms - mono_ms);
    assert_int_equal(b->calls, 0);
    assert_int_equal(wire.sent_count, 1);
    mono_ms = retry_mono_ms;
    okta_run(okta, 0);
    assert_true(is_token_request(1));
    answer(0, 200, JSON, BEARER("t1", BOTH));
    answer(0, 200, JSON, "[]");
    assert_int_equal(b->answer.verdict, OKTA_DONE);
}

/* The old one still works: nobody notices that the new one is late. */
static void a_renewal_that_fails_harms_nobody_yet(void **state)
{
    struct asked *a;

    (void)state;
    ask_with_token(BEARER("t1", BOTH));
    finish_all();
    mono_ms = 3000000;
    a = ask(LOGS, OKTA_PRIORITY_TAIL);
    answer(0, 200, JSON, "[]");
    assert_int_equal(a->answer.verdict, OKTA_DONE);
    answer(0, 401, JSON, ERROR("invalid_client", "No such client."));
    for (int i = 0; i < 5; i++) {
        mono_ms += 5000;
        a = ask(LOGS, OKTA_PRIORITY_TAIL);
        assert_int_equal(wire.count, 1);
        answer(0, 200, JSON, "[]");
        assert_int_equal(a->answer.verdict, OKTA_DONE);
    }
    assert_int_equal(wire.sent_count, 2 + 2 + 5); /* one try in that time, not one with each request */
}

/* ---- what Okta's own programs say when they ask again ---- */

static void a_request_that_comes_again_says_so(void **state)
{
    (void)state;
    okta_set_credential(okta, VIEW(TOKEN));
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_null(strstr(sent(0)->headers, "X-Okta-Retry"));
    answer(0, 503, JSON "X-Okta-Request-Id: first\r\n", "");
    mono_ms += 60000;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_non_null(strstr(sent(1)->headers, "X-Okta-Retry-For: first\n"));
    assert_non_null(strstr(sent(1)->headers, "X-Okta-Retry-Count: 1\n"));
    answer(0, 503, JSON "X-Okta-Request-Id: second\r\n", "");
    mono_ms += 60000;
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_non_null(strstr(sent(2)->headers, "X-Okta-Retry-For: first\n"));
    assert_non_null(strstr(sent(2)->headers, "X-Okta-Retry-Count: 2\n"));
    answer(0, 200, JSON "X-Okta-Request-Id: third\r\n", "[]");
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_null(strstr(sent(3)->headers, "X-Okta-Retry"));
}

static void cancelled_it_can_be_asked_for_again(void **state)
{
    struct asked *a = ask(LOGS, OKTA_PRIORITY_TAIL);

    (void)state;
    okta_cancel_all(okta);
    assert_int_equal(a->answer.verdict, OKTA_CANCELLED);
    assert_int_equal(wire.count, 0);
    ask(LOGS, OKTA_PRIORITY_TAIL);
    assert_int_equal(wire.sent_count, 2);
    assert_true(is_token_request(1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_access_token_comes_first),
        TEST(many_wait_for_one_token),
        TEST(an_anonymous_request_does_not_wait),
        TEST(the_renewed_token_is_used),
        TEST(a_token_without_life_is_kept_for_a_while),
        TEST(a_revoked_token_is_renewed_once),
        TEST(refused_with_a_new_token_it_is_refused),
        TEST(two_refused_together_cost_one_renewal),
        TEST(a_late_refusal_of_the_old_token_costs_no_renewal),
        TEST(an_api_token_is_not_renewed),
        TEST(a_new_credential_drops_what_the_old_one_asked_for),
        TEST(a_connection_that_died_costs_a_new_assertion),
        TEST(the_nonce_comes_with_a_challenge),
        TEST(a_bound_token_goes_with_a_proof),
        TEST(a_connection_that_died_costs_a_new_proof),
        TEST(a_nonce_that_is_none_is_not_taken),
        TEST(the_time_is_oktas),
        TEST(trouble_with_time_is_cured_once),
        TEST(an_earlier_answer_has_told_the_time),
        TEST(what_could_be_a_secret_is_scrubbed),
        TEST(a_refusal_holds_for_a_moment),
        TEST(a_passing_fault_is_waited_out),
        TEST(a_renewal_that_fails_harms_nobody_yet),
        TEST(a_request_that_comes_again_says_so),
        TEST(cancelled_it_can_be_asked_for_again),
    };
    int failed =
        RUN_ROWS(an_assertion_is_signed, algs) + RUN_ROWS(a_jwk_decides, rsa) + RUN_ROWS(a_token_of_an_hour, lives) +
        RUN_ROWS(a_resource_that_wants_another_proof_gets_it_once, challenges) + RUN_ROWS(granted_scopes, scopes) +
        RUN_ROWS(the_token_endpoint_answers, errors) + cmocka_run_group_tests(tests, NULL, NULL);

    keys_free();
    return failed;
}
