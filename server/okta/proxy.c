#include "okta/proxy.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

static bool refuse(struct error *err, const char *text)
{
    return error_set(err, ERROR_INVALID_ARGUMENT,
                     "the proxy's address %s; write it like http://proxy.example:3128, or "
                     "http://user:password@proxy.example:3128",
                     text);
}

static char *part(CURLU *url, CURLUPart what, unsigned flags)
{
    char *text = NULL, *copy = NULL;

    if (curl_url_get(url, what, &text, flags) == CURLUE_OK && text != NULL && text[0] != '\0')
        copy = mem_strdup(text);
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    curl_free(text);
    return copy;
}

static bool has_scheme(CURLU *url)
{
    static const char *const schemes[] = { "http", "https", "socks5", "socks5h" };
    AUTO_FREE char *scheme = part(url, CURLUPART_SCHEME, 0);

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (scheme != NULL && strcmp(scheme, schemes[i]) == 0)
            return true;
    return false;
}

static bool is_bare(CURLU *url)
{
    AUTO_FREE char *path = part(url, CURLUPART_PATH, 0);
    AUTO_FREE char *query = part(url, CURLUPART_QUERY, 0);
    AUTO_FREE char *fragment = part(url, CURLUPART_FRAGMENT, 0);

    return (path == NULL || strcmp(path, "/") == 0) && query == NULL && fragment == NULL;
}

static bool split(CURLU *url, const char *text, struct proxy *out, struct error *err)
{
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return refuse(err, "cannot be read");
    if (!has_scheme(url))
        return refuse(err, "begins with a scheme that is not http, https, socks5 or socks5h");
    if (!is_bare(url))
        return refuse(err, "has something behind host and port");
    out->user = part(url, CURLUPART_USER, CURLU_URLDECODE);
    out->password = part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    if (curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK)
        out->address = part(url, CURLUPART_URL, 0);
    return out->address != NULL || refuse(err, "cannot be read");
}

static void deinit(struct proxy *p)
{
    if (p->password != NULL)
        explicit_bzero(p->password, strlen(p->password));
    free(p->password);
    free(p->user);
    free(p->address);
    *p = (struct proxy){ .address = NULL };
}

bool proxy_split(const char *text, struct proxy *out, struct error *err)
{
    CURLU *url = curl_url();
    bool ok;

    *out = (struct proxy){ .address = NULL };
    ok = url != NULL && split(url, text, out, err);
    curl_url_cleanup(url);
    if (!ok)
        deinit(out);
    return ok;
}

bool okta_proxy_check(const char *proxy, struct error *err)
{
    struct proxy parts;

    if (!proxy_split(proxy, &parts, err))
        return false;
    deinit(&parts);
    return true;
}

bool okta_ca_file_check(const char *path, struct error *err)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store != NULL && X509_STORE_load_file(store, path) == 1;

    X509_STORE_free(store);
    ERR_clear_error();
    return ok || error_set(err, ERROR_INVALID_ARGUMENT, "the CA file %s cannot be read, or holds no certificate in PEM",
                           path);
}
