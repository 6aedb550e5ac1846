#include "backup/manifest.h"
#include "base/json.h"
#include "store/files.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAME      "manifest.json"
#define SUM_NAME  "manifest.json.sha256"
#define BYTES_MAX (64u << 10) /* 65 files at some 400 bytes */
#define DEPTH_MAX 8
#define SUM_HEX   (2 * crypto_hash_sha256_BYTES)
#define SUM_MAX   256

/* ---- writing ---- */

static void manifest_put_hex(struct buf *out, const unsigned char sum[crypto_hash_sha256_BYTES])
{
    char hex[SUM_HEX + 1];

    sodium_bin2hex(hex, sizeof hex, sum, crypto_hash_sha256_BYTES);
    buf_puts(out, hex);
}

/* Kind 1, users, has had a name of its own since the first manifest. */
static const char *manifest_kind_name(unsigned kind, char at[16])
{
    if (kind == 1)
        return "users";
    snprintf(at, 16, "rows.%u", kind);
    return at;
}

static void manifest_put_facts(const struct store_facts *f, struct buf *out)
{
    char name[16];

    buf_printf(out, ", \"epoch\": \"%s\", \"events\": %llu, \"oldest\": %llu, \"head\": %llu", f->epoch,
               (unsigned long long)f->events, (unsigned long long)f->oldest, (unsigned long long)f->head);
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++)
        if (kind == 1 || f->rows[kind] > 0)
            buf_printf(out, ", \"%s\": %llu", manifest_kind_name(kind, name), (unsigned long long)f->rows[kind]);
}

static void manifest_put_file(const struct manifest_file *f, struct buf *out)
{
    buf_printf(out, "    {\"path\": \"%s\", \"bytes\": %llu, \"sha256\": \"", f->path, (unsigned long long)f->bytes);
    manifest_put_hex(out, f->sha256);
    buf_putc(out, '"');
    if (f->is_store)
        manifest_put_facts(&f->facts, out);
    buf_putc(out, '}');
}

static void manifest_encode(const struct manifest *m, struct buf *out)
{
    char made[TIME_TEXT_SIZE];

    time_format(m->made_unix_ms, made);
    buf_printf(out, "{\n  \"format\": %d,\n  \"program\": ", MANIFEST_FORMAT);
    json_quote(view_of(m->program), out);
    buf_printf(out, ",\n  \"made\": \"%s\",\n  \"files\": [\n", made);
    for (size_t i = 0; i < m->count; i++) {
        manifest_put_file(&m->files[i], out);
        buf_puts(out, i + 1 < m->count ? ",\n" : "\n");
    }
    buf_puts(out, "  ]\n}\n");
}

static void manifest_sum_line(struct view text, struct buf *out)
{
    unsigned char sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(sum, (const unsigned char *)text.at, text.len);
    manifest_put_hex(out, sum);
    buf_puts(out, "  " NAME "\n");
}

static bool manifest_path(struct buf *out, const char *dir, const char *name, struct error *err)
{
    buf_printf(out, "%s/%s", dir, name);
    return buf_ok(out) || error_set(err, ERROR_INVALID_ARGUMENT, "path too long");
}

bool manifest_write(const struct manifest *m, const char *dir, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    AUTO_BUF struct buf sum_path = BUF(PATH_MAX);
    AUTO_BUF struct buf text = BUF(BYTES_MAX);
    AUTO_BUF struct buf sum = BUF(SUM_MAX);

    manifest_encode(m, &text);
    manifest_sum_line(buf_view(&text), &sum);
    if (!buf_ok(&text))
        return error_set(err, ERROR_INTERNAL, "the manifest is too large");
    return manifest_path(&path, dir, NAME, err) && manifest_path(&sum_path, dir, SUM_NAME, err) &&
           files_create(buf_cstr(&sum_path), buf_view(&sum), err) &&
           files_create(buf_cstr(&path), buf_view(&text), err);
}

/* ---- reading ---- */

static bool manifest_get_text(struct json object, const char *name, char *out, size_t size)
{
    struct view v;

    if (!json_string(json_get(object, name), &v) || v.len >= size || memchr(v.at, '\0', v.len) != NULL)
        return false;
    memcpy(out, v.at, v.len);
    out[v.len] = '\0';
    return true;
}

static bool manifest_get_number(struct json object, const char *name, uint64_t *out)
{
    int64_t number;

    if (!json_i64(json_get(object, name), &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

static bool manifest_get_sum(struct json object, unsigned char out[crypto_hash_sha256_BYTES])
{
    char hex[SUM_HEX + 1];
    size_t len;

    return manifest_get_text(object, "sha256", hex, sizeof hex) &&
           sodium_hex2bin(out, crypto_hash_sha256_BYTES, hex, strlen(hex), NULL, &len, NULL) == 0 &&
           len == crypto_hash_sha256_BYTES;
}

/* A restore writes to the paths in the manifest, and the manifest is outside input. Only the two forms that a backup
 * has are accepted, so a path cannot lead out of the folder. */
static bool manifest_is_path(const char *path, bool is_registry)
{
    struct view org = view_of(path);

    if (is_registry)
        return strcmp(path, "registry/data.mdb") == 0;
    if (!view_starts(org, "orgs/") || !view_ends(org, "/data.mdb"))
        return false;
    org = (struct view){ org.at + strlen("orgs/"), org.len - strlen("orgs/") };
    if (org.len <= strlen("/data.mdb"))
        return false;
    org.len -= strlen("/data.mdb");
    return registry_org_id_is_valid(org);
}

static bool manifest_get_rows(struct json v, uint64_t rows[STORE_ROW_KINDS_MAX])
{
    char name[16];

    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++) {
        const char *member = manifest_kind_name(kind, name);

        if (kind > 1 && json_type(json_get(v, member)) == JSON_NONE)
            continue;
        if (!manifest_get_number(v, member, &rows[kind]))
            return false;
    }
    return true;
}

static bool manifest_read_file(struct json v, bool is_registry, struct manifest_file *out)
{
    struct store_facts *f = &out->facts;

    out->is_store = !is_registry;
    if (!manifest_get_text(v, "path", out->path, sizeof out->path) || !manifest_is_path(out->path, is_registry) ||
        !manifest_get_number(v, "bytes", &out->bytes) || !manifest_get_sum(v, out->sha256))
        return false;
    return is_registry ||
           (manifest_get_text(v, "epoch", f->epoch, sizeof f->epoch) && manifest_get_number(v, "events", &f->events) &&
            manifest_get_number(v, "oldest", &f->oldest) && manifest_get_number(v, "head", &f->head) &&
            manifest_get_rows(v, f->rows));
}

static bool manifest_lists_path(const struct manifest *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->files[i].path, path) == 0)
            return true;
    return false;
}

static bool manifest_decode(struct json v, struct manifest *m, struct error *err)
{
    struct view made;
    uint64_t format;

    if (!manifest_get_number(v, "format", &format))
        return error_set(err, ERROR_DATA_LOSS, NAME " is damaged");
    if (format > MANIFEST_FORMAT)
        return error_set(err, ERROR_FAILED_PRECONDITION, "made by a newer version of this program");
    if (!manifest_get_text(v, "program", m->program, sizeof m->program) || !json_string(json_get(v, "made"), &made) ||
        !time_parse(made, &m->made_unix_ms))
        return error_set(err, ERROR_DATA_LOSS, NAME " is damaged");
    for (struct json_each e = json_each(json_get(v, "files")); json_next(&e); m->count++)
        if (m->count == MANIFEST_FILES_MAX || !manifest_read_file(e.value, m->count == 0, &m->files[m->count]) ||
            manifest_lists_path(m, m->files[m->count].path))
            return error_set(err, ERROR_DATA_LOSS, NAME " is damaged: its list of files is not valid");
    return m->count > 0 || error_set(err, ERROR_DATA_LOSS, NAME " is damaged: it lists no file");
}

/* Compares the manifest with its checksum before anything in it is believed. */
static bool manifest_check_sum(struct view text, const char *dir, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    AUTO_BUF struct buf want = BUF(SUM_MAX);
    AUTO_BUF struct buf found = BUF(SUM_MAX);

    manifest_sum_line(text, &want);
    return manifest_path(&path, dir, SUM_NAME, err) && files_read(buf_cstr(&path), &found, err) &&
           (view_eq(buf_view(&found), buf_view(&want)) ||
            error_set(err, ERROR_DATA_LOSS, NAME " is damaged: its SHA-256 differs from the one in " SUM_NAME));
}

bool manifest_read(struct manifest *out, const char *dir, struct error *err)
{
    AUTO_BUF struct buf path = BUF(PATH_MAX);
    AUTO_BUF struct buf text = BUF(BYTES_MAX);
    struct json_parser *parser;
    struct json v;
    bool is_fine;

    memset(out, 0, sizeof *out);
    if (!manifest_path(&path, dir, NAME, err) || !files_read(buf_cstr(&path), &text, err) ||
        !manifest_check_sum(buf_view(&text), dir, err))
        return error_wrap(err, "%s is not a complete backup", dir);
    parser = json_parser_create(BYTES_MAX, DEPTH_MAX);
    is_fine = json_parse(parser, buf_view(&text), &v, err) && manifest_decode(v, out, err);
    json_parser_destroy(parser);
    return is_fine || error_wrap(err, "backup %s", dir);
}

void store_facts_add_rows(const struct store_facts *f, uint64_t sums[STORE_ROW_KINDS_MAX])
{
    for (unsigned kind = 1; kind < STORE_ROW_KINDS_MAX; kind++)
        sums[kind] += f->rows[kind];
}
