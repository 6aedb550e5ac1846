#include "okta/url.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES_MAX 4096 /* Okta's have 42; room for whatever comes */
#define HOST_BYTES_MAX  253  /* DNS */
#define LABEL_BYTES_MAX 63   /* DNS */

bool url_path_ok(struct view path)
{
    if (path.len == 0 || path.len > OKTA_PATH_BYTES_MAX || path.at[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] >= 0x7f || path.at[i] == '#')
            return false;
    return true;
}

static bool refuse(struct error *err, const char *text)
{
    return error_reason(err, ERROR_INVALID_ARGUMENT, "ORG_INVALID", "%s", text);
}

static bool has(struct view v, char c)
{
    return v.len > 0 && memchr(v.at, c, v.len) != NULL;
}

static bool starts_nocase(struct view v, struct view prefix)
{
    return v.len >= prefix.len && view_eq_nocase((struct view){ v.at, prefix.len }, prefix);
}

/* ---- the org's address ---- */

struct parts {
    bool is_http;
    struct view host;
    uint64_t port; /* 0: not said */
};

static bool split_scheme(struct view *text, struct parts *out, struct error *err)
{
    static const char *const advice = "the org's address begins with https://, or is its name alone, such as acme or "
                                      "acme.okta.com";
    const char *mark = NULL;

    for (size_t i = 0; i + 3 <= text->len && mark == NULL; i++)
        if (memcmp(text->at + i, "://", 3) == 0)
            mark = text->at + i;
    out->is_http = false;
    if (mark == NULL)
        return true;
    if (starts_nocase(*text, VIEW("http://")))
        out->is_http = true;
    else if (!starts_nocase(*text, VIEW("https://")))
        return refuse(err, advice);
    *text = (struct view){ mark + 3, text->len - (size_t)(mark + 3 - text->at) };
    return true;
}

static bool split_port(struct view *text, struct parts *out, struct error *err)
{
    const char *colon = has(*text, ':') ? memchr(text->at, ':', text->len) : NULL;

    out->port = 0;
    out->host = *text;
    if (colon == NULL)
        return true;
    out->host.len = (size_t)(colon - text->at);
    if (!view_u64((struct view){ colon + 1, text->len - out->host.len - 1 }, 1, 65535, &out->port))
        return refuse(err,
                      "what stands behind the colon in the org's address is not a port; write the host name alone, "
                      "such as acme.okta.com");
    return true;
}

static bool is_placeholder_host(struct view text)
{
    return has(text, '{') || has(text, '}') || has(text, '<') || has(text, '>') || has(text, '$') ||
           starts_nocase(text, VIEW("yourOktaDomain")) || starts_nocase(text, VIEW("your-okta-domain")) ||
           starts_nocase(text, VIEW("yourdomain")) || starts_nocase(text, VIEW("your-domain"));
}

static bool split(struct view text, struct parts *out, struct error *err)
{
    struct view whole;

    if (text.len == 0)
        return refuse(err, "the org's address is empty; write its name, such as acme or acme.okta.com");
    if (!split_scheme(&text, out, err))
        return false;
    if (is_placeholder_host(text))
        return refuse(err, "the org's address is still a placeholder; write your org's own, such as acme.okta.com");
    if (has(text, '@'))
        return refuse(err, "the org's address must not hold a user name or password; write the host name alone, such "
                           "as acme.okta.com");
    if (view_ends(text, "/"))
        text.len--;
    whole = text;
    if (has(whole, '/') || has(whole, '?') || has(whole, '#') || has(whole, '\\'))
        return refuse(err, "the org's address must not have a path or query; write the host name alone, such as "
                           "acme.okta.com");
    return split_port(&text, out, err);
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_host(const char *host)
{
    size_t label = 0;

    for (const char *at = host; *at != '\0'; at++) {
        if (*at == '.' ? label == 0 || at[-1] == '-' : !is_label_char(*at) || (label == 0 && *at == '-'))
            return false;
        label = *at == '.' ? 0 : label + 1;
        if (label > LABEL_BYTES_MAX)
            return false;
    }
    return label > 0 && host[strlen(host) - 1] != '-';
}

/* "127.0.0.1", and what some resolvers take for an address: "127.1", "2130706433". A top-level domain is never a
 * number. */
static bool is_ip(const char *host)
{
    const char *last = strrchr(host, '.');

    last = last != NULL ? last + 1 : host;
    return strspn(last, "0123456789") == strlen(last) || (last[0] == '0' && last[1] == 'x');
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "localhost") == 0;
}

/* The Admin Console has a host of its own, "acme-admin.okta.com", which is not the API's. On a customer's own domain
 * the name may mean anything. */
static bool refuse_admin_host(const char *host, struct error *err)
{
    static const char *const domains[] = { ".okta.com", ".oktapreview.com",  ".okta-emea.com",    ".okta-gov.com",
                                           ".okta.mil", ".okta-miltest.com", ".trex-govcloud.com" };
    size_t first = strcspn(host, ".");
    size_t name = first;
    bool is_okta = false;

    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        is_okta |= strcmp(host + first, domains[i]) == 0;
    while (name > 6 && memcmp(host + name - 6, "-admin", 6) == 0)
        name -= 6;
    if (!is_okta || name == first)
        return true;
    return error_reason(err, ERROR_INVALID_ARGUMENT, "ADMIN_HOST",
                        "that is the address of the Admin Console, not of the API; write %.*s%s", (int)name, host,
                        host + first);
}

static bool check_host(const struct parts *p, const char *host, bool allow_loopback, struct error *err)
{
    size_t len = strlen(host);

    if (allow_loopback && is_loopback(host))
        return true;
    if (p->is_http)
        return refuse(err, "the org's address must begin with https://");
    if (!is_host(host))
        return refuse(err, "the org's address is no host name; write it like acme.okta.com");
    if (is_ip(host) || strcmp(host, "localhost") == 0)
        return refuse(err, "the org's address must be a host name such as acme.okta.com, not an IP address");
    if (len > 8 && strcmp(host + len - 8, ".com.com") == 0)
        return refuse(err, "the org's address ends in .com.com; write it like acme.okta.com");
    return refuse_admin_host(host, err);
}

/* Lower-cases into `host`, and completes a bare name. */
static bool copy_host(struct view from, char host[static 256], struct error *err)
{
    bool is_bare = !has(from, '.') && !view_eq_nocase(from, VIEW("localhost"));

    if (has(from, '\0') || from.len == 0 || from.len > HOST_BYTES_MAX - sizeof ".okta.com")
        return refuse(err, "the org's address is no host name; write it like acme.okta.com");
    for (size_t i = 0; i < from.len; i++)
        host[i] = from.at[i] >= 'A' && from.at[i] <= 'Z' ? (char)(from.at[i] - 'A' + 'a') : from.at[i];
    host[from.len] = '\0';
    if (is_bare)
        memcpy(host + from.len, ".okta.com", sizeof ".okta.com");
    return true;
}

bool okta_url_parse(struct view text, bool allow_loopback_http, struct okta_url *out, struct error *err)
{
    struct okta_url url;
    struct parts p;
    char port[8] = "";

    if (!split(view_trim(text), &p, err) || !copy_host(p.host, url.host, err) ||
        !check_host(&p, url.host, allow_loopback_http, err))
        return false;
    if (p.port != 0)
        snprintf(port, sizeof port, ":%u", (unsigned)p.port);
    snprintf(url.text, sizeof url.text, "%s://%s%s", p.is_http ? "http" : "https", url.host, port);
    *out = url;
    return true;
}

/* ---- the token ---- */

static bool refuse_token(struct error *err, const char *text)
{
    return error_reason(err, ERROR_INVALID_ARGUMENT, "TOKEN_INVALID", "%s", text);
}

static bool is_all(struct view v, char c)
{
    for (size_t i = 0; i < v.len; i++)
        if ((v.at[i] | 0x20) != c)
            return false;
    return v.len > 0;
}

bool url_is_placeholder(struct view v)
{
    static const char *const words[] = { "changeme",   "change-me", "change_me", "token",   "api_token", "apitoken",
                                         "okta_token", "todo",      "secret",    "example", "null",      "none" };

    if (v.len == 0)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (view_eq_nocase(v, view_of(words[i])))
            return true;
    return v.at[0] == '$' || v.at[0] == '{' || v.at[0] == '<' || starts_nocase(v, VIEW("your")) || is_all(v, 'x') ||
           view_is(v, "...");
}

static bool is_visible(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.at[i] <= ' ' || v.at[i] >= 0x7f)
            return false;
    return true;
}

bool okta_token_check(struct view text, struct view *out, struct error *err)
{
    struct view v = view_trim(text);

    if (v.len == 0)
        return refuse_token(err, "the API token is empty; make one in Okta under Security > API > Tokens");
    if (v.len > TOKEN_BYTES_MAX)
        return refuse_token(err, "the API token is longer than 4096 bytes; give the token alone");
    if (v.at[0] == '"' || v.at[0] == '\'' || v.at[0] == '`')
        return refuse_token(err, "the API token stands in quotes; give it without them");
    if (starts_nocase(v, VIEW("SSWS ")) || starts_nocase(v, VIEW("Bearer ")))
        return refuse_token(err, "the API token begins with an authorization scheme; give the token alone, without "
                                 "\"SSWS\" before it");
    if (url_is_placeholder(v))
        return refuse_token(err, "the API token is still a placeholder; make one in Okta under Security > API > "
                                 "Tokens");
    if (!is_visible(v))
        return refuse_token(err, "the API token holds white space, control or non-ASCII characters; give the token "
                                 "alone, on one line");
    *out = v;
    return true;
}
