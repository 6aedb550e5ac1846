/* What a person types: the org's address, an API token, a proxy. */
#include "tests/fuzz/fuzz.h"

#include "okta/okta.h"
#include "okta/url.h"

#include <string.h>

static void check_host(const struct okta_url *url)
{
    for (const char *c = url->host; *c != '\0'; c++)
        ASSERT((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '.');
    ASSERT(strlen(url->host) > 0 && strlen(url->host) <= 253);
    ASSERT(strstr(url->text, url->host) == strstr(url->text, "://") + 3);
}

/* What is taken names a host and nothing more, and is taken again as the same. */
static void org(struct view text, bool allow_loopback)
{
    struct okta_url url, again;
    struct error err = { 0 };

    if (!okta_url_parse(text, allow_loopback, &url, &err)) {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && err.reason != NULL && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return;
    }
    check_host(&url);
    ASSERT(view_starts(view_of(url.text), "https://") ||
           (allow_loopback && (strcmp(url.host, "127.0.0.1") == 0 || strcmp(url.host, "localhost") == 0)));
    ASSERT(okta_url_parse(view_of(url.text), allow_loopback, &again, &err));
    ASSERT(strcmp(url.text, again.text) == 0 && strcmp(url.host, again.host) == 0);
}

static void token(struct view text)
{
    struct view token, again;
    struct error err = { 0 };

    if (!okta_token_check(text, &token, &err)) {
        ASSERT(err.code == ERROR_INVALID_ARGUMENT && fuzz_is_sentence(err.text, ERROR_TEXT_MAX));
        return;
    }
    ASSERT(token.len > 0 && fuzz_is_within(token, text));
    for (size_t i = 0; i < token.len; i++)
        ASSERT(token.at[i] > ' ' && token.at[i] < 0x7f);
    ASSERT(okta_token_check(token, &again, &err) && view_eq(token, again));
}

/* Its password is not told: one that is long enough not to be a word of the sentence. */
static void proxy(struct view text)
{
    AUTO_BUF struct buf copy = BUF(4096);
    struct error err = { 0 };
    struct view secret = text;

    buf_put(&copy, text.at, text.len);
    if (!buf_ok(&copy) || okta_proxy_check(buf_cstr(&copy), &err))
        return;
    ASSERT(err.code == ERROR_INVALID_ARGUMENT && err.text[0] != '\0');
    (void)fuzz_until(&secret, ':');
    (void)fuzz_until(&secret, ':');
    secret = fuzz_until(&secret, '@');
    ASSERT(secret.len < 24 || memmem(err.text, strlen(err.text), secret.at, secret.len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    org(fuzz_view(data, size), false);
    org(fuzz_view(data, size), true);
    token(fuzz_view(data, size));
    proxy(fuzz_view(data, size));
    return 0;
}
