#include "okta/classify.h"

#include "base/assert.h"

#include <string.h>

/* Errors are short; what stands behind this is no part of one. */
#define ERROR_BYTES_MAX 16384

#define OF(status) (status), (status)

#define NONE        CLASSIFY_WAIT_NONE
#define BACKOFF     CLASSIFY_WAIT_BACKOFF
#define WINDOW      CLASSIFY_WAIT_WINDOW
#define CONCURRENCY CLASSIFY_WAIT_CONCURRENCY
#define FRESH       CLASSIFY_WAIT_FRESH

static const char DEAD_TOKEN[] = "Okta refused the API token: it is mistyped, expired, revoked or from another org, or "
                                 "its owner is deactivated, or its network zone excludes us";
static const char BAD_REQUEST[] = "Okta did not accept our request";
static const char DEAD_CURSOR[] = "Okta no longer knows this place in the listing";
static const char NO_FEATURE[] = "this feature is not there in the org";
static const char NOT_JSON[] = "the answer is not Okta's JSON: a proxy or login page in between, or not an Okta org";
static const char UPSTREAM[] = "Okta has an error of its own";

/* The first row that fits decides. Rows with a code stand before the one for the bare status. */
static const struct classify_rule rules[] = {
    { OF(200), NULL, CLASSIFY_JSON, CLASSIFY_BAD_LINK, OKTA_DONE, NONE, false, "" },
    { OF(200), NULL, CLASSIFY_JSON, 0, OKTA_RETRY, BACKOFF, false, "the link to the next page is unusable" },
    { 200, 299, NULL, 0, 0, OKTA_RETRY, BACKOFF, false, NOT_JSON },
    { 300, 399, NULL, 0, 0, OKTA_RETRY, BACKOFF, false,
      "the answer is a redirect, which is not followed: a login page in between, or not an Okta org" },

    { OF(400), "E0000029", 0, 0, OKTA_RESTART, NONE, false, DEAD_CURSOR },
    { OF(400), "E0000031", CLASSIFY_CURSOR, 0, OKTA_RESTART, NONE, false, DEAD_CURSOR },
    { OF(400), "E0000053", CLASSIFY_CURSOR, 0, OKTA_RESTART, NONE, false, DEAD_CURSOR },
    /* These blame how the request is put together, and beginning again would put it together likewise. */
    { OF(400), "E0000028", 0, 0, OKTA_BROKEN, NONE, false, "Okta misses a parameter in our request" },
    { OF(400), "E0000033", 0, 0, OKTA_BROKEN, NONE, false, "Okta does not take search and filter together" },
    { OF(400), "E0000037", 0, 0, OKTA_BROKEN, NONE, false, "Okta finds a parameter of the wrong type, or twice" },
    { OF(400), "E0000063", 0, 0, OKTA_BROKEN, NONE, false, "Okta does not take these parameters together" },
    /* A link that Okta made and now refuses with any other code is as dead as an invalid cursor. */
    { OF(400), NULL, CLASSIFY_CURSOR, 0, OKTA_RESTART, NONE, false, DEAD_CURSOR },
    { OF(400), NULL, 0, 0, OKTA_BROKEN, NONE, false, BAD_REQUEST },

    { OF(401), "E0000015", 0, 0, OKTA_FEATURE_ABSENT, NONE, false, NO_FEATURE },
    /* "Invalid session" comes of a stray cookie on a connection too, so a new one is tried before the token is blamed.
     */
    { 401, 403, "E0000005", 0, 0, OKTA_RETRY, FRESH, false, "Okta speaks of an invalid session" },
    { 401, 403, "E0000005", 0, 0, OKTA_CREDENTIAL_REFUSED, NONE, false, DEAD_TOKEN },
    { OF(401), NULL, 0, 0, OKTA_CREDENTIAL_REFUSED, NONE, false, DEAD_TOKEN },

    { OF(403), "E0000013", 0, 0, OKTA_CREDENTIAL_REFUSED, NONE, false, "Okta does not know the client app" },
    { OF(403), "E0000260", 0, 0, OKTA_CREDENTIAL_REFUSED, NONE, false, "the developer org is deactivated" },
    { OF(403), "E0000015", 0, 0, OKTA_FEATURE_ABSENT, NONE, false, NO_FEATURE },
    { OF(403), "E0000079", 0, 0, OKTA_BROKEN, NONE, false, BAD_REQUEST },
    { OF(403), NULL, CLASSIFY_NO_SCOPE, 0, OKTA_SCOPE_MISSING, NONE, false,
      "a scope is missing: grant it to the app in Okta" },
    { OF(403), NULL, 0, 0, OKTA_FORBIDDEN, NONE, false,
      "an admin role is missing: the token's owner may not read this" },

    { OF(404), "E0000008", 0, 0, OKTA_BROKEN, NONE, false, "there is no such path: not the API's host?" },
    { OF(404), "E0000026", 0, 0, OKTA_FEATURE_ABSENT, NONE, false, "Okta has withdrawn this endpoint" },
    { OF(404), NULL, 0, 0, OKTA_GONE, NONE, false, "it is not there" },
    { OF(408), NULL, 0, 0, OKTA_RETRY, BACKOFF, false, "Okta waited for our request in vain" },
    { OF(409), "E0000145", 0, 0, OKTA_RESTART, NONE, false, "the users' schema changed during the listing" },
    { OF(410), NULL, 0, 0, OKTA_FEATURE_ABSENT, NONE, false, "Okta has withdrawn this endpoint" },

    { OF(429), NULL, CLASSIFY_CONCURRENCY, 0, OKTA_RETRY, CONCURRENCY, false, "the org has too many requests at once" },
    { OF(429), NULL, 0, 0, OKTA_RETRY, WINDOW, false, "the org's rate limit is used up" },
    { 400, 499, NULL, 0, 0, OKTA_BROKEN, NONE, false, BAD_REQUEST },

    { OF(500), "E0000009", 0, 0, OKTA_RETRY, BACKOFF, true, "Okta took too long over this page, or failed" },
    { OF(500), "E0000053", 0, 0, OKTA_RETRY, BACKOFF, false, "Okta's log query failed" },
    { OF(501), "E0000060", 0, 0, OKTA_FEATURE_ABSENT, NONE, false, NO_FEATURE },
    { OF(502), "E0000240", 0, 0, OKTA_RETRY, BACKOFF, false, "Okta's agent on the premises did not answer" },
    { OF(503), "E0000010", 0, 0, OKTA_RETRY, BACKOFF, false, "the org is in read-only mode for maintenance" },
    { OF(503), "E0000100", 0, 0, OKTA_RETRY, BACKOFF, false, "Okta's search is unavailable" },
    { OF(504), "E0000241", 0, 0, OKTA_RETRY, BACKOFF, false, "no agent on the premises is connected to Okta" },
    { 500, 599, NULL, 0, 0, OKTA_RETRY, BACKOFF, false, UPSTREAM },

    /* No answer, and statuses that HTTP does not have. */
    { 0, 999, NULL, 0, 0, OKTA_RETRY, BACKOFF, false, "there is no answer" },
};

static bool fits(const struct classify_rule *rule, int http_status, struct view code, int facts)
{
    return http_status >= rule->status_min && http_status <= rule->status_max &&
           (rule->code == NULL || view_is(code, rule->code)) && (facts & rule->needs) == rule->needs &&
           (facts & rule->lacks) == 0;
}

const struct classify_rule *classify(int http_status, struct view code, int facts, bool was_fresh)
{
    if (http_status < 0 || http_status > 999)
        http_status = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (fits(&rules[i], http_status, code, facts) && !(was_fresh && rules[i].wait == CLASSIFY_WAIT_FRESH))
            return &rules[i];
    ASSERT(!"the last rule fits everything");
    return NULL;
}

static struct view skip_blanks(struct view v)
{
    while (v.len > 0 && strchr(" \t\r\n", v.at[0]) != NULL && v.at[0] != '\0')
        v.at++, v.len--;
    return v;
}

static bool skip(struct view *v, char c)
{
    *v = skip_blanks(*v);
    if (v->len == 0 || v->at[0] != c)
        return false;
    v->at++, v->len--;
    return true;
}

/* The name with its quotes cannot stand inside a JSON string, so no text that a user had a hand in is taken for it.
 * Errors that are cut off or not quite JSON are read too, which a parser would refuse. */
struct view classify_code(struct view body)
{
    static const char name[] = "\"errorCode\"";
    struct view v = { body.at, body.len < ERROR_BYTES_MAX ? body.len : ERROR_BYTES_MAX };
    const char *at = v.len > 0 ? memmem(v.at, v.len, name, sizeof name - 1) : NULL;
    size_t len = 0;

    if (at == NULL)
        return VIEW_NONE;
    v = (struct view){ at + sizeof name - 1, v.len - (size_t)(at - v.at) - (sizeof name - 1) };
    if (!skip(&v, ':') || !skip(&v, '"'))
        return VIEW_NONE;
    while (len < v.len && ((v.at[len] >= '0' && v.at[len] <= '9') || (v.at[len] >= 'A' && v.at[len] <= 'Z')))
        len++;
    if (len == 0 || len > OKTA_ERROR_CODE_MAX || len == v.len || v.at[len] != '"')
        return VIEW_NONE;
    return (struct view){ v.at, len };
}

bool classify_has_cursor(struct view path)
{
    const char *at = path.len > 0 ? memchr(path.at, '?', path.len) : NULL;

    while (at != NULL) {
        struct view rest = { at + 1, path.len - (size_t)(at + 1 - path.at) };

        if (view_starts(rest, "after="))
            return true;
        at = rest.len > 0 ? memchr(rest.at, '&', rest.len) : NULL;
    }
    return false;
}

bool classify_is_json(struct view content_type, struct view body)
{
    struct view start = skip_blanks(body);
    bool is_type = content_type.len == 0 || view_eq_nocase(content_type, VIEW("application/json")) ||
                   view_ends(content_type, "+json");

    return is_type && start.len > 0 && (start.at[0] == '[' || start.at[0] == '{');
}
