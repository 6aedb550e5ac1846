#include "model/credential.h"

#include "base/json.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define DOCUMENT_BYTES_MAX (32u << 10)
#define DOCUMENT_DEPTH_MAX 4 /* a JWK may stand inside as an object */

void credential_wipe(struct buf *secret)
{
    if (secret->at != NULL)
        explicit_bzero(secret->at, secret->room);
    buf_deinit(secret);
}

static void put_member(struct buf *out, const char *name, struct view value)
{
    buf_printf(out, "%s\"%s\":", view_ends(buf_view(out), "{") ? "" : ",", name);
    json_quote(value, out);
}

bool credential_of_app(struct view client_id, struct view private_key, struct view key_id, struct buf *out)
{
    size_t len = out->len;

    if (buf_extend(out, out->cap - len) == NULL)
        return false;
    out->len = len;
    buf_putc(out, '{');
    put_member(out, "client_id", client_id);
    put_member(out, "private_key", private_key);
    if (key_id.len > 0)
        put_member(out, "key_id", key_id);
    buf_putc(out, '}');
    return buf_ok(out);
}

/* Reads as far as it can; okta/ reports what is wrong with a credential. */
static void credential_read_client_id(struct view text, char out[CREDENTIAL_CLIENT_ID_MAX + 1])
{
    struct json_parser *parser = json_parser_create(DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX);
    struct json document;
    struct view id;

    if (json_parse(parser, text, &document, NULL) && json_string(json_get(document, "client_id"), &id) &&
        id.len <= CREDENTIAL_CLIENT_ID_MAX && utf8_is_clean(id))
        snprintf(out, CREDENTIAL_CLIENT_ID_MAX + 1, VIEW_FMT, VIEW_ARG(id));
    json_parser_destroy(parser);
}

void credential_describe(struct view text, struct credential_facts *out)
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    memset(out, 0, sizeof *out);
    if (text.len == 0)
        return;
    out->kind = text.at[0] == '{' ? CREDENTIAL_SERVICE_APP : CREDENTIAL_API_TOKEN;
    if (out->kind == CREDENTIAL_SERVICE_APP)
        credential_read_client_id(text, out->client_id);
    (void)crypto_hash_sha256(hash, (const unsigned char *)text.at, text.len);
    for (size_t i = 0; i < CREDENTIAL_FINGERPRINT_MAX / 2; i++)
        snprintf(out->fingerprint + 2 * i, 3, "%02x", hash[i]);
}
