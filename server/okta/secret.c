#include "okta/secret.h"

#include "base/assert.h"
#include "base/mem.h"
#include "okta/attempt.h"
#include "okta/url.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool refuse(struct error *err, const char *text)
{
    return error_reason(err, ERROR_INVALID_ARGUMENT, "CREDENTIAL_INVALID", "%s", text);
}

static struct view view_of_json(const json_t *v)
{
    return json_is_string(v) ? (struct view){ json_string_value(v), json_string_length(v) } : VIEW_NONE;
}

/* ---- its members ---- */

static bool is_client_id(struct view v)
{
    for (size_t i = 0; i < v.len; i++)
        if (memchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.", v.at[i], 65) == NULL)
            return false;
    return v.len > 0 && v.len <= SECRET_CLIENT_ID_MAX;
}

/* "0oaXXXXXXXX", "0oa..." */
static bool is_template_id(struct view v)
{
    size_t same = 0;

    if (!view_starts(v, "0oa"))
        return false;
    for (size_t i = 3; i < v.len; i++)
        same += v.at[i] == 'x' || v.at[i] == 'X' || v.at[i] == '.';
    return v.len == 3 || same == v.len - 3;
}

static bool read_client_id(const json_t *document, struct secret *out, struct error *err)
{
    struct view id = view_trim(view_of_json(json_object_get(document, "client_id")));

    if (id.len == 0)
        return refuse(err, "the service app's JSON has no \"client_id\": Okta shows it on the app's page, 0oa...");
    if (url_is_placeholder(id) || is_template_id(id))
        return refuse(err, "the service app's \"client_id\" is still a placeholder: Okta shows the real one on the "
                           "app's page, 0oa...");
    if (!is_client_id(id))
        return refuse(err, "the service app's \"client_id\" holds more than letters and digits: give it alone, on one "
                           "line and without quotes of its own");
    memcpy(out->client_id, id.at, id.len);
    out->client_id[id.len] = '\0';
    return true;
}

/* A JWK may stand there as the text of one. */
static bool read_key_text(struct view text, struct secret *out, struct error *err)
{
    json_t *jwk;
    bool ok;

    text = view_trim(text);
    if (text.len > 0 && text.at[0] != '{' && url_is_placeholder(text))
        return refuse(err, "the service app's \"private_key\" is still a placeholder");
    if (text.len > 0 && memchr("\"'`", text.at[0], 3) != NULL)
        return refuse(err, "the service app's \"private_key\" stands in quotes of its own: give it without them");
    if (text.len == 0 || text.at[0] != '{')
        return key_from_pem(text, &out->key, err);
    jwk = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    ok = jwk != NULL ? key_from_jwk(jwk, &out->key, err)
                     : refuse(err, "the service app's \"private_key\" begins as a JWK does, and is not JSON");
    json_decref(jwk);
    return ok;
}

static bool read_key(const json_t *document, struct secret *out, struct error *err)
{
    const json_t *key = json_object_get(document, "private_key");
    const json_t *id = json_object_get(document, "key_id");

    if (!json_is_string(key) && !json_is_object(key))
        return refuse(err, "the service app's JSON has no \"private_key\": PEM as a string, or a JWK");
    if (json_is_object(key) ? !key_from_jwk(key, &out->key, err) : !read_key_text(view_of_json(key), out, err))
        return false;
    if (id == NULL || json_is_null(id))
        return true;
    if (url_is_placeholder(view_trim(view_of_json(id))))
        return refuse(err, "the service app's \"key_id\" is still a placeholder: Okta shows the real one beside the "
                           "app's public key");
    return key_set_id(out->key, view_trim(view_of_json(id)), err);
}

/* A name that is not known is a mistake that would be found out much later, if ever. */
static bool check_names(const json_t *document, struct error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)document, name, value)
    {
        if (strcmp(name, "client_secret") == 0)
            return refuse(err, "Okta's management API takes no client secret: give the service app's \"private_key\"");
        if (strcmp(name, "client_id") != 0 && strcmp(name, "private_key") != 0 && strcmp(name, "key_id") != 0)
            return refuse(err, "the service app's JSON has a member that nobody knows: \"client_id\", \"private_key\" "
                               "and \"key_id\" are known");
    }
    return true;
}

static bool read_app(struct view text, struct secret *out, struct error *err)
{
    json_t *document = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    bool ok;

    if (document == NULL && memchr(text.at, '"', text.len) == NULL)
        ok = refuse(err, "the credential is still a placeholder");
    else if (document == NULL)
        ok = refuse(err, "the service app's JSON is not JSON: an object with \"client_id\", \"private_key\" and "
                         "\"key_id\", in which a line end within a string is written \\n");
    else
        ok = check_names(document, err) && read_client_id(document, out, err) && read_key(document, out, err);
    json_decref(document);
    return ok;
}

/* ---- the whole ---- */

bool secret_read(struct view text, struct secret *out, struct error *err)
{
    struct view token;

    *out = (struct secret){ .token = NULL };
    key_guard_memory();
    text = view_trim(text);
    if (view_starts(text, "-----BEGIN"))
        return refuse(err,
                      "a private key alone is no credential: give {\"client_id\":\"0oa...\",\"private_key\":\"...\","
                      "\"key_id\":\"...\"}");
    if (text.len == 0 || text.at[0] != '{') {
        if (!okta_token_check(text, &token, err))
            return false;
        out->token = view_dup(token);
        return true;
    }
    if (text.len > OKTA_CREDENTIAL_BYTES_MAX)
        return refuse(err, "the service app's JSON is longer than 8192 bytes");
    if (read_app(text, out, err))
        return true;
    secret_deinit(out);
    return false;
}

void secret_deinit(struct secret *s)
{
    attempt_wipe(s->token);
    key_destroy(s->key);
    explicit_bzero(s, sizeof *s);
}

static void put_app(const struct secret *s, struct buf *out)
{
    json_t *document = json_object();
    size_t len;
    char *at;

    ASSERT(document != NULL && json_object_set_new(document, "client_id", json_string(s->client_id)) == 0);
    if (s->key->id[0] != '\0')
        ASSERT(json_object_set_new(document, "key_id", json_string(s->key->id)) == 0);
    ASSERT(json_object_set_new(document, "private_key", key_to_jwk(s->key)) == 0);
    len = json_dumpb(document, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
    at = buf_extend(out, len);
    if (at != NULL)
        (void)json_dumpb(document, at, len, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(document);
}

bool okta_credential_check(struct view text, struct buf *normalised, struct error *err)
{
    struct secret s;

    if (!secret_read(text, &s, err))
        return false;
    if (s.token != NULL)
        buf_puts(normalised, s.token);
    else
        put_app(&s, normalised);
    secret_deinit(&s);
    return buf_ok(normalised) || refuse(err, "the credential is too long");
}
