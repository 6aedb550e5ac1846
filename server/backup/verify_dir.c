/* A data folder is verified in this order: its registry, then the store of each of its connectors. For a backup, each
 * file is first compared with its size and sum in the manifest. A file that differs is reported, and not walked: its
 * damage is known already. */
#include "backup/backup_parts.h"
#include "base/mem.h"
#include "store/files.h"

#include <stdio.h>
#include <string.h>

struct verify_run {
    const char *dir;
    enum db_use use;
    const struct verify_meaning *meaning;
    const struct verify_listener *listener;
    struct verify_result *result;
};

static void verify_problem(struct verify_run *v, const char *format, ...) PRINTF(2, 3);
static void verify_problem(struct verify_run *v, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    v->result->problems++;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (v->listener != NULL && v->listener->problem != NULL)
        v->listener->problem(v->listener->ctx, text);
}

/* Walks one store. A store that cannot be walked at all counts as one problem, whatever the cause. */
static bool verify_walk(struct verify_run *v, const char *name, struct verify_found *found, struct error *err)
{
    struct path dir;
    struct error why = { 0 };

    if (!path_join(&dir, v->dir, name, err))
        return false;
    if (!parts_verify(dir.at, name, v->use, v->meaning, v->listener, found, &why)) {
        verify_problem(v, "%s: %s", name, why.text);
        return true;
    }
    v->result->stores++;
    v->result->problems += found->problems;
    v->result->events += found->facts.events;
    store_facts_add_rows(&found->facts, v->result->rows);
    return true;
}

static bool verify_store_name(char *out, size_t size, const char *org_id)
{
    int len = snprintf(out, size, "orgs/%s", org_id);

    return len > 0 && (size_t)len < size;
}

static bool verify_walk_entries(struct verify_run *v, const struct parts_registry *registry, struct error *err)
{
    char name[MANIFEST_PATH_MAX];

    for (size_t i = 0; i < registry->count; i++) {
        struct verify_found found = { .problems = 0 };

        if (!parts_is_repeated(registry->entries, i) &&
            verify_store_name(name, sizeof name, registry->entries[i].org_id) && !verify_walk(v, name, &found, err))
            return false;
    }
    return true;
}

bool verify_data_dir(const char *data_dir, const struct verify_meaning *meaning, const struct verify_listener *listener,
                     struct verify_result *result, struct error *err)
{
    struct verify_run v = { data_dir, DB_LOOK, meaning, listener, result };
    AUTO_FREE struct parts_registry *registry = mem_zero(sizeof *registry);
    struct error why = { 0 };
    struct path dir, data;
    bool exists;

    *result = (struct verify_result){ 0 };
    if (!path_join(&dir, data_dir, "registry", err) || !path_join(&data, dir.at, "data.mdb", err) ||
        !files_exists(data.at, &exists, err))
        return false;
    if (!exists)
        return error_set(err, ERROR_NOT_FOUND, "%s is not a data folder: it has no registry", data_dir);
    if (!parts_registry(dir.at, DB_LOOK, registry, &why)) {
        if (why.code == ERROR_FAILED_PRECONDITION)
            return error_also(err, true, &why);
        verify_problem(&v, "%s", why.text);
        return true;
    }
    return verify_walk_entries(&v, registry, err);
}

/* ---- a backup ---- */

static bool verify_check_sum(struct verify_run *v, const struct manifest_file *file, bool *is_whole, struct error *err)
{
    struct error why = { 0 };
    struct copied found;
    struct path path;

    *is_whole = false;
    if (!path_join(&path, v->dir, file->path, err))
        return false;
    if (!parts_copy(path.at, NULL, false, file->path, v->listener, &found, &why))
        verify_problem(v, "%s", why.text);
    else if (found.bytes != file->bytes)
        verify_problem(v, "%s: it has %llu bytes; the manifest says %llu", file->path, (unsigned long long)found.bytes,
                       (unsigned long long)file->bytes);
    else if (memcmp(found.sha256, file->sha256, sizeof found.sha256) != 0)
        verify_problem(v, "%s: its SHA-256 differs from the manifest's: it was changed or damaged", file->path);
    else
        *is_whole = true;
    return true;
}

static bool verify_facts_agree(const struct store_facts *a, const struct store_facts *b)
{
    return strcmp(a->epoch, b->epoch) == 0 && a->events == b->events && a->oldest == b->oldest && a->head == b->head &&
           memcmp(a->rows, b->rows, sizeof a->rows) == 0;
}

static bool verify_check_store(struct verify_run *v, const struct manifest_file *file, struct error *err)
{
    struct verify_found found = { .problems = 0 };
    uint64_t before = v->result->problems;
    char name[MANIFEST_PATH_MAX];

    snprintf(name, sizeof name, "%.*s", (int)(strlen(file->path) - strlen("/data.mdb")), file->path);
    if (!verify_walk(v, name, &found, err))
        return false;
    if (v->result->problems == before && !verify_facts_agree(&found.facts, &file->facts))
        verify_problem(v, "%s: its epoch or counts differ from the manifest's", name);
    return true;
}

static bool verify_manifest_lists(const struct manifest *m, const char *org_id)
{
    char name[MANIFEST_PATH_MAX];

    snprintf(name, sizeof name, "orgs/%s/data.mdb", org_id);
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->files[i].path, name) == 0)
            return true;
    return false;
}

static bool verify_check_registry(struct verify_run *v, const struct manifest *m, struct error *err)
{
    AUTO_FREE struct parts_registry *registry = mem_zero(sizeof *registry);
    struct error why = { 0 };
    struct path dir;

    if (!path_join(&dir, v->dir, "registry", err))
        return false;
    if (!parts_registry(dir.at, DB_LOOK_ALONE, registry, &why)) {
        verify_problem(v, "%s", why.text);
        return true;
    }
    for (size_t i = 0; i < registry->count; i++)
        if (!verify_manifest_lists(m, registry->entries[i].org_id))
            verify_problem(v, "registry: the store of connector \"%s\" is not in the backup",
                           registry->entries[i].name);
    return true;
}

bool parts_verify_backup(const char *from, const struct verify_meaning *meaning, const struct verify_listener *listener,
                         struct manifest *m, struct verify_result *result, struct error *err)
{
    struct verify_run v = { from, DB_LOOK_ALONE, meaning, listener, result };
    struct error why = { 0 };
    bool is_whole;

    *result = (struct verify_result){ 0 };
    if (!manifest_read(m, from, &why)) {
        if (why.code != ERROR_DATA_LOSS)
            return error_also(err, true, &why);
        verify_problem(&v, "%s", why.text);
        return true;
    }
    for (size_t i = 0; i < m->count; i++) {
        if (!verify_check_sum(&v, &m->files[i], &is_whole, err) ||
            (is_whole &&
             !(m->files[i].is_store ? verify_check_store(&v, &m->files[i], err) : verify_check_registry(&v, m, err))))
            return false;
    }
    return true;
}

bool verify_backup(const char *from, const struct verify_meaning *meaning, const struct verify_listener *listener,
                   struct verify_result *result, struct error *err)
{
    AUTO_FREE struct manifest *m = mem_zero(sizeof *m);

    return parts_verify_backup(from, meaning, listener, m, result, err);
}
