#include "okta/grant.h"

#include "okta/attempt.h"
#include "okta/key.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ACCESS_TOKEN_MAX 16384 /* Okta's have about 1,000 bytes */
#define ERROR_BYTES_MAX  16384

#define LIFE_DEFAULT_S 3600
#define LIFE_MIN_S     60
#define LIFE_MAX_S     86400

/* Longer than any word that a person would write; a signature, a token or an assertion is longer. */
#define WORD_MAX 32

static const char NO_SCOPES[] = "the service app is granted none of the scopes it needs: grant okta.users.read and "
                                "okta.logs.read to it in Okta";
static const char NOT_SERVICE[] = "the app may not use client credentials: it must be an API service app";
static const char REFUSED[] = "Okta refused the service app";
static const char ZONE[] = "Okta refuses the service app from this network";
static const char REQUEST[] = "Okta did not accept our request for an access token";
static const char PROOF[] = "Okta did not accept our proof of possession";
static const char NO_NONCE[] = "Okta asks for a nonce that it does not give";

/* What Okta names is believed for these statuses; anything above is judged by its status. */
static const struct rule {
    int http_status; /* 0: any */
    const char *name;
    enum okta_verdict verdict;
    const char *text;
} rules[] = {
    { 400, "consent_required", OKTA_SCOPE_MISSING, NO_SCOPES },
    { 400, "no_org_scopes_granted", OKTA_SCOPE_MISSING, NO_SCOPES },
    { 400, "invalid_scope", OKTA_SCOPE_MISSING, NO_SCOPES },
    { 400, "unauthorized_client", OKTA_CREDENTIAL_REFUSED, NOT_SERVICE },
    { 400, "unsupported_grant_type", OKTA_CREDENTIAL_REFUSED, NOT_SERVICE },
    { 400, "use_dpop_nonce", OKTA_BROKEN, NO_NONCE },
    { 400, "invalid_dpop_proof", OKTA_BROKEN, PROOF },
    { 0, "invalid_client", OKTA_CREDENTIAL_REFUSED, REFUSED },
    { 403, "access_denied", OKTA_CREDENTIAL_REFUSED, ZONE },
    { 401, NULL, OKTA_CREDENTIAL_REFUSED, REFUSED },
    { 403, NULL, OKTA_CREDENTIAL_REFUSED, REFUSED },
    { 0, NULL, OKTA_BROKEN, REQUEST },
};

static struct view string_of(const json_t *object, const char *name)
{
    const json_t *v = json_object_get(object, name);

    return json_is_string(v) ? (struct view){ json_string_value(v), json_string_length(v) } : VIEW_NONE;
}

/* ---- the token ---- */

static bool is_visible(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] <= ' ' || v.at[i] >= 0x7f)
            return false;
    return v.len > 0;
}

static struct view next_word(struct view *rest)
{
    struct view word;
    size_t len = 0;

    while (rest->len > 0 && rest->at[0] == ' ')
        rest->at++, rest->len--;
    while (len < rest->len && rest->at[len] != ' ')
        len++;
    word = (struct view){ rest->at, len };
    *rest = (struct view){ rest->at + len, rest->len - len };
    return word;
}

static void add_word(char *to, size_t size, struct view word)
{
    size_t len = strlen(to);

    if (is_visible(word) && len + 1 + word.len < size)
        snprintf(to + len, size - len, "%s" VIEW_FMT, len > 0 ? " " : "", VIEW_ARG(word));
}

static void copy_scope(struct view scope, char *to, size_t size)
{
    to[0] = '\0';
    for (struct view word = next_word(&scope); word.len > 0; word = next_word(&scope))
        add_word(to, size, word);
}

static bool has_word(const char *list, struct view wanted)
{
    struct view rest = view_of(list);

    for (struct view word = next_word(&rest); word.len > 0; word = next_word(&rest))
        if (view_eq(word, wanted))
            return true;
    return false;
}

void grant_missing(const char *asked, const char *granted, char *out, size_t size)
{
    struct view rest = view_of(asked);

    out[0] = '\0';
    for (struct view word = next_word(&rest); word.len > 0; word = next_word(&rest))
        if (!has_word(granted, word))
            add_word(out, size, word);
}

static int64_t life_of(const json_t *document)
{
    const json_t *v = json_object_get(document, "expires_in");
    int64_t life_s = json_is_integer(v) ? json_integer_value(v) : LIFE_DEFAULT_S;

    return life_s < LIFE_MIN_S ? LIFE_MIN_S : life_s > LIFE_MAX_S ? LIFE_MAX_S : life_s;
}

bool grant_read_token(struct view body, const char *asked, struct grant_token *out)
{
    json_t *document;
    struct view token, type;
    bool ok;

    key_guard_memory();
    document = json_loadb(body.at, body.len, 0, NULL);
    token = string_of(document, "access_token");
    type = string_of(document, "token_type");
    ok = is_visible(token) && token.len <= ACCESS_TOKEN_MAX &&
         (view_eq_nocase(type, VIEW("Bearer")) || view_eq_nocase(type, VIEW("DPoP")));
    if (ok) {
        *out = (struct grant_token){ .access_token = view_dup(token),
                                     .is_dpop = view_eq_nocase(type, VIEW("DPoP")),
                                     .life_s = life_of(document) };
        copy_scope(json_object_get(document, "scope") != NULL ? string_of(document, "scope") : view_of(asked),
                   out->scope, sizeof out->scope);
    }
    json_decref(document);
    return ok;
}

/* ---- errors ---- */

/* Okta's sentence for people, in one line. A word too long for one is left out: it may be what we sent. */
static void scrub(struct view text, char *to, size_t size)
{
    size_t n = 0;

    while (text.len > 0 && n + 1 < size) {
        struct view word;
        bool is_plain;

        word = next_word(&text);
        is_plain = is_visible(word) && word.len <= WORD_MAX;
        n += (size_t)snprintf(to + n, size - n, "%s%.*s", n > 0 && word.len > 0 ? " " : "",
                              is_plain ? (int)word.len : (word.len > 0 ? 3 : 0), is_plain ? word.at : "...");
    }
    to[n < size ? n : size - 1] = '\0';
}

static bool is_name(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (!((v.at[i] >= 'a' && v.at[i] <= 'z') || v.at[i] == '_'))
            return false;
    return v.len > 0;
}

void grant_read_error(struct view body, struct grant_error *out)
{
    json_t *document;
    struct view name;

    *out = (struct grant_error){ .name = "" };
    if (body.len > ERROR_BYTES_MAX)
        return;
    key_guard_memory();
    document = json_loadb(body.at, body.len, 0, NULL);
    name = string_of(document, "error");
    if (is_name(name) && name.len < sizeof out->name) {
        snprintf(out->name, sizeof out->name, VIEW_FMT, VIEW_ARG(name));
        scrub(string_of(document, "error_description"), out->description, sizeof out->description);
    }
    json_decref(document);
}

bool grant_blames_clock(const struct grant_error *e)
{
    static const char *const words[] = { "expir", "future", "issued", "clock", "time", "'exp'", "'iat'" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(e->name, "invalid_client") == 0 && strcasestr(e->description, words[i]) != NULL)
            return true;
    return false;
}

bool grant_blames_proof(const struct grant_error *e, struct view auth_error)
{
    return strcmp(e->name, "use_dpop_nonce") == 0 || strcmp(e->name, "invalid_dpop_proof") == 0 ||
           view_is(auth_error, "use_dpop_nonce") || view_is(auth_error, "invalid_dpop_proof");
}

static const struct rule *rule_of(int http_status, const char *name)
{
    const struct rule *rule = rules;

    while ((rule->http_status != 0 && rule->http_status != http_status) ||
           (rule->name != NULL && strcmp(rule->name, name) != 0))
        rule++;
    return rule; /* the last fits everything */
}

static void describe(struct okta_answer *told, const char *text, const struct grant_error *e)
{
    bool has_more = e->description[0] != '\0' && strlen(text) < 60; /* where ours says all, Okta's would be cut off */
    const char *name = e->name[0] != '\0' ? e->name : told->error_code;

    snprintf(told->message, sizeof told->message, "%s%s%.100s (HTTP %d%s%s)", text, has_more ? ": " : "",
             has_more ? e->description : "", told->http_status, name[0] != '\0' ? " " : "", name);
}

void grant_judge(const struct grant_error *e, struct answer *answer)
{
    struct okta_answer *told = &answer->told;
    const struct rule *rule;

    /* Passing: "server_error", rate limits, no answer. A stray session is no matter of this endpoint's. */
    if (told->verdict == OKTA_RETRY && answer->wait != CLASSIFY_WAIT_FRESH)
        return;
    rule = rule_of(told->http_status, e->name);
    told->verdict = rule->verdict;
    answer->wait = CLASSIFY_WAIT_NONE;
    describe(told, rule->text, e);
}

/* Success, without a token of a kind that we know: not Okta's word, so it is asked again later. */
void grant_no_token(struct answer *answer)
{
    answer->told.verdict = OKTA_RETRY;
    answer->told.body = answer->told.next = VIEW_NONE;
    answer->wait = CLASSIFY_WAIT_BACKOFF;
    snprintf(answer->told.message, sizeof answer->told.message,
             "the token endpoint's answer holds no access token that we can use (HTTP %d)", answer->told.http_status);
}
