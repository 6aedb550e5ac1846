#include "registry/seal.h"
#include "base/assert.h"
#include "base/mem.h"
#include "registry/registry.h"
#include "store/files.h"

#include <sodium.h>
#include <string.h>

/* The sealed form: version (1 byte), nonce (24), then the box: mac (16), length of the owner (1), owner, secret. The
 * nonce is random for each sealing; at 24 bytes, random nonces do not repeat. */
#define VERSION      1
#define NONCE_AT     1
#define BOX_AT       (NONCE_AT + crypto_secretbox_NONCEBYTES)
#define OWNER_MAX    255
#define KEY_FILE_MAX 128

_Static_assert(SEAL_KEY_BYTES == crypto_secretbox_KEYBYTES, "the key is a secretbox key");

static bool seal_parse_hex(struct view text, unsigned char key[SEAL_KEY_BYTES])
{
    size_t len;

    return text.len == 2 * SEAL_KEY_BYTES &&
           sodium_hex2bin(key, SEAL_KEY_BYTES, text.at, text.len, NULL, &len, NULL) == 0 && len == SEAL_KEY_BYTES;
}

bool seal_read(struct seal *out, const char *path, struct error *err)
{
    AUTO_BUF struct buf content = BUF(KEY_FILE_MAX);
    bool is_key;

    if (!files_read(path, &content, err))
        return false;
    is_key = content.len == SEAL_KEY_BYTES;
    if (is_key)
        memcpy(out->key, content.at, SEAL_KEY_BYTES);
    else
        is_key = seal_parse_hex(view_trim(buf_view(&content)), out->key);
    if (content.len > 0)
        sodium_memzero(content.at, content.len);
    return is_key || error_set(err, ERROR_FAILED_PRECONDITION, "%s: a seal key is %d bytes or %d hexadecimal digits",
                               path, SEAL_KEY_BYTES, 2 * SEAL_KEY_BYTES);
}

bool registry_seal_key_check(const char *path, struct error *err)
{
    struct seal seal;
    bool ok = seal_read(&seal, path, err);

    seal_wipe(&seal);
    return ok;
}

bool seal_make(struct seal *out, const char *path, struct error *err)
{
    randombytes_buf(out->key, sizeof out->key);
    return files_create(path, (struct view){ (const char *)out->key, sizeof out->key }, err);
}

void seal_wipe(struct seal *seal)
{
    sodium_memzero(seal, sizeof *seal);
}

void seal_close(const struct seal *seal, struct view owner, struct view secret, struct buf *out)
{
    size_t plain_len = 1 + owner.len + secret.len;
    unsigned char *plain, *at;

    ASSERT(owner.len <= OWNER_MAX);
    at = buf_extend(out, BOX_AT + crypto_secretbox_MACBYTES + plain_len);
    if (at == NULL)
        return;
    plain = mem_alloc(plain_len);
    plain[0] = (unsigned char)owner.len;
    memcpy(plain + 1, owner.at, owner.len);
    if (secret.len > 0)
        memcpy(plain + 1 + owner.len, secret.at, secret.len);
    at[0] = VERSION;
    randombytes_buf(at + NONCE_AT, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(at + BOX_AT, plain, plain_len, at + NONCE_AT, seal->key);
    sodium_memzero(plain, plain_len);
    free(plain);
}

/* The length comes before the owner: otherwise "ac" would match the beginning of "acme". */
static bool seal_take_secret(struct view plain, struct view owner, struct buf *out)
{
    if (plain.len < 1 + owner.len || (unsigned char)plain.at[0] != owner.len ||
        !view_eq((struct view){ plain.at + 1, owner.len }, owner))
        return false;
    buf_put(out, plain.at + 1 + owner.len, plain.len - 1 - owner.len);
    return buf_ok(out);
}

bool seal_open(const struct seal *seal, struct view owner, struct view sealed, struct buf *out)
{
    const unsigned char *at = (const unsigned char *)sealed.at;
    unsigned char *plain;
    size_t plain_len;
    bool is_fine;

    if (sealed.len <= BOX_AT + crypto_secretbox_MACBYTES || at[0] != VERSION)
        return false;
    plain_len = sealed.len - BOX_AT - crypto_secretbox_MACBYTES;
    plain = mem_alloc(plain_len);
    is_fine = crypto_secretbox_open_easy(plain, at + BOX_AT, sealed.len - BOX_AT, at + NONCE_AT, seal->key) == 0 &&
              seal_take_secret((struct view){ (const char *)plain, plain_len }, owner, out);
    sodium_memzero(plain, plain_len);
    free(plain);
    return is_fine;
}
